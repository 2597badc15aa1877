"""Adam and L-BFGS are torch's own, on gradients without automatic differentiation."""

import pytest
import torch
from cases import assert_close, every_problem, linear_problem, trajectory

from skngd.optim import build_method

TORCH = {
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.02),
    "lbfgs": lambda parameters: torch.optim.LBFGS(
        parameters,
        max_iter=1,
        max_eval=25,
        history_size=50,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    ),
}
STEP_SIZE = {"adam": 0.02, "lbfgs": "auto"}


@every_problem
@pytest.mark.parametrize("optimizer", TORCH)
def test_baseline_equals_torch_on_autograd(optimizer, problem):
    objective, start = problem()
    theta = torch.nn.Parameter(start.clone())
    theirs = TORCH[optimizer]([theta])

    def closure():
        theirs.zero_grad()
        loss = objective.loss.value(objective.model.value(theta, objective.points))
        loss.backward()
        return loss

    expected = [start]
    for _ in range(5):
        theirs.step(closure)
        expected.append(theta.detach().clone())
    method = build_method(optimizer, step_size=STEP_SIZE[optimizer])
    assert_close(trajectory(method, objective, start, 5), torch.stack(expected), 1e-10)


@every_problem
def test_lbfgs_lowers_the_loss(problem):
    objective, theta = problem()
    thetas = trajectory(build_method("lbfgs"), objective, theta, 20)
    assert objective.at(thetas[-1]).loss < 0.5 * objective.at(theta).loss


def test_lbfgs_solves_a_linear_problem_to_working_precision():
    objective, theta = linear_problem(noise=1.0)
    thetas = trajectory(build_method("lbfgs"), objective, theta, 40)
    assert objective.at(thetas[-1]).gradient.norm() < 1e-9 * objective.at(theta).gradient.norm()
