"""Variable projection: the last layer is linear, and is fitted as such."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from cases import After, assert_close, every_model, linear_problem, normal, run
from physics import Assembled
from physics_problems import PROBLEMS, every_physics

from skngd.losses import SquaredLoss
from skngd.models import FullyConnected
from skngd.optim import Objective, build_method
from skngd.optim.variable_projection import project_output
from skngd.pde import Interval, Problem
from skngd.tangent import operator

POINTS = normal(20, 2, seed=7)


def fitting(n_outputs=1, n_points=20):
    """Fitting values by a network: affine in its last layer, too."""
    network = FullyConnected((2, 4, n_outputs))
    weights = 1 + torch.arange(n_points, dtype=torch.float64)
    target = normal(n_points, n_outputs, seed=2)
    theta = normal(network.n_parameters, seed=1)
    return Objective(network, SquaredLoss(target, weights), POINTS[:n_points]), theta


def of_physics(name, **settings):
    assembled = Assembled(PROBLEMS[name], **settings)
    return assembled.objective(), assembled.theta


LINEAR = {
    "fit": lambda: fitting(),
    "fit, 2 outputs": lambda: fitting(n_outputs=2),
    "fit, more parameters than rows": lambda: fitting(n_points=3),
    "physics": lambda: of_physics("affine"),
    "physics, 2 layers, scaled": lambda: of_physics(
        "affine", hidden_layer_sizes=(3, 5), output_scale=10.0
    ),
    "physics, hard values": lambda: of_physics("affine, hard values"),
}
every_linear = pytest.mark.parametrize("made", LINEAR.values(), ids=LINEAR)


def parts(end):
    """Place of the last layer, and its scaled rows and the residual."""
    place = end.objective.model.output_parameters
    rows, residual = (
        torch.cat(column)
        for column in zip(*end.operator.output_chunks(end.right_side), strict=True)
    )
    return place, rows, residual[:, 0]


@every_model
def test_columns_of_the_last_layer_are_those_of_the_jacobian(model):
    record = model.record(normal(model.n_parameters), POINTS)
    if model.output_parameters is None:
        with pytest.raises(TypeError, match="no last layer"):
            record.output_jacobian()
        return
    place = model.output_parameters
    scales = [None, 1 + normal(20, model.n_outputs) ** 2, normal(20, 3, model.n_outputs)]
    for scale in scales:
        expected = record.jacobian(scale)[:, place]
        assert_close(record.output_jacobian(scale), expected, 1e-14)


@every_linear
@pytest.mark.parametrize("n_rows", [None, 3])
def test_without_damping_the_last_layer_is_the_least_squares_fit(made, n_rows, monkeypatch):
    problem, theta = made()
    if n_rows is not None:
        n_numbers = n_rows * problem.model.n_parameters * problem.model.n_outputs
        monkeypatch.setattr(operator, "CHUNK_ELEMENTS", n_numbers)
        problem, theta = made()
        assert len(problem.sampled.chunks) > 1 or len(problem.points) <= 3
    end = problem.at(theta)
    place, rows, residual = parts(end)
    left = np.linalg.lstsq(rows.numpy(), residual.numpy(), rcond=None)[0]
    smallest = 0.5 * np.sum((residual.numpy() - rows.numpy() @ left) ** 2)
    corrected = project_output(end, 0.0)
    assert smallest < 0.9 * end.loss
    assert_close(corrected.loss, smallest, 1e-9) if smallest > 1e-20 else None
    assert corrected.loss < smallest + 1e-12 * end.loss
    # At the minimum the gradient in these parameters vanishes.
    assert float(corrected.gradient[place].abs().max()) < 1e-9 * float(end.gradient.abs().max())


@every_linear
@pytest.mark.parametrize("damping", [1e-8, 1e-2, 10.0])
def test_the_step_is_damped(made, damping):
    problem, theta = made()
    end = problem.at(theta)
    place, rows, residual = parts(end)
    gram = rows.T @ rows + damping * torch.eye(rows.shape[1], dtype=torch.float64)
    step = -torch.linalg.solve(gram, rows.T @ residual)
    found = project_output(end, damping).theta[place] - theta[place]
    assert_close(rows @ found, rows @ step, 1e-6)


@every_linear
def test_a_minimum_is_left_alone(made):
    problem, theta = made()
    once = project_output(problem.at(theta), 0.0)
    twice = project_output(once, 0.0)
    assert once.loss * (1 - 1e-9) - 1e-25 <= twice.loss <= once.loss


@every_physics
@pytest.mark.parametrize("damping", [0.0, 1e-6, 1.0, 1e6])
def test_the_loss_never_rises_and_the_rest_stays(problem, damping):
    assembled = Assembled(problem, output_scale=10.0)
    objective = assembled.objective()
    n_gained = 0
    for seed in range(6):
        theta = assembled.theta + 0.5 * assembled.direction(seed)
        end = objective.at(theta)
        corrected = project_output(end, damping)
        assert corrected is end or corrected.loss < end.loss
        place = assembled.output_parameters
        assert torch.equal(corrected.theta[: place.start], theta[: place.start])
        assert torch.equal(corrected.theta[place.stop :], theta[place.stop :])
        assert torch.equal(end.theta, theta)
        n_gained += corrected is not end
    assert n_gained > 0


def test_where_nothing_is_gained_the_end_is_kept():
    # Of a wave of many periods the linear form says little.
    problem = Problem.from_function(lambda u, x: u.x + np.sin(20 * u) + 1, Interval())
    assembled = Assembled(problem)
    ends = [
        assembled.objective().at(assembled.theta + assembled.direction(seed)) for seed in range(10)
    ]
    kept = [project_output(end, 0.0) is end for end in ends]
    assert any(kept)


@every_physics
def test_a_method_with_it_descends_faster_at_first(problem):
    assembled = Assembled(problem, hidden_layer_sizes=(6,), n_points=12)
    losses = {}
    for projects in (False, True):
        seen = losses[projects] = [assembled.objective().at(assembled.theta).loss]
        method = build_method(momentum=None, variable_projection=projects)
        watch = After(lambda end, seen=seen: seen.append(end.loss))
        run(method, assembled.objective(), assembled.theta, 5, watch=watch)
        assert all(later < earlier for earlier, later in pairwise(seen))
    assert losses[True][1] < losses[False][1]


def test_a_model_without_a_last_layer_has_none_to_project():
    problem, theta = linear_problem(noise=0.1)
    results = [
        run(build_method(variable_projection=projects), problem, theta, 3)
        for projects in (False, True)
    ]
    assert_close(results[0].theta, results[1].theta, 0)
