"""How runs end when nothing is to be gained, and what they leave behind."""

import numpy as np
import pytest
import torch
from cases import After, linear_problem, network_problem, run
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from skngd import NaturalMomentumRegressor
from skngd.estimators.device import few_threads
from skngd.losses import SquaredLoss
from skngd.models import LinearModel
from skngd.optim import Objective, Past, build_method, minimize


def test_a_stall_leaves_the_damping_as_it_was():
    objective, theta = linear_problem()
    method = build_method(momentum=None, damping=1e-3)
    solved = run(method, objective, theta, 200).last
    before = method.search.control.current
    at_rest = objective.at(solved.theta)
    for _ in range(3):
        method.advance(at_rest, None)
    assert method.search.control.current <= max(before, 1e-3)


def test_partial_fit_learns_anew_after_interpolation():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(-1, 1, (40, 2)), rng.normal(size=40)
    model = NaturalMomentumRegressor((20,), alpha=0, max_iter=200, random_state=0).fit(X, y)
    assert model.loss_ < 1e-20
    other = y[::-1].copy()
    for _ in range(40):
        model.partial_fit(X, other)
    assert np.isfinite(model._memory["method"]["current"])
    assert model.loss_ < 1e-6


def test_batches_that_stall_stop_by_tol():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.uniform(-1, 1, (6, 2)), 10, axis=0)
    y = X[:, 0]
    model = NaturalMomentumRegressor((10,), batch_size=6, max_iter=3000, random_state=0)
    assert model.fit(X, y).stop_reason_.startswith("Converged")


@pytest.mark.parametrize("search", ["backtracking", "grid"])
def test_newton_at_an_indefinite_hessian_says_so(search):
    objective, theta = network_problem()
    method = build_method("newton", step_size=search, damping=0.0)
    with torch.no_grad():
        for seed in range(30):
            torch_theta = theta + torch.as_tensor(
                np.random.RandomState(seed).normal(size=len(theta)), dtype=theta.dtype
            )
            here = objective.at(torch_theta)
            prepared = method.direction.prepare(here)
            if float(prepared.gradient @ prepared.descent(0.0)) > 0:
                break
        else:
            pytest.fail("no start with an ascent direction among thirty")
    result = run(method, objective, torch_theta, 3)
    assert result.stop.kind == "diverged"
    assert "does not point downhill" in result.stop.sentence


def test_a_jacobian_that_overflows_says_so():
    def features(x):
        return torch.cat([x, 1e200 * x], dim=1)

    x = torch.linspace(1, 2, 5, dtype=torch.float64).unsqueeze(1)
    objective = Objective(LinearModel(features, 2), SquaredLoss(x), x)
    result = run(build_method(), objective, torch.zeros(2, dtype=torch.float64), 5)
    assert result.stop.kind == "diverged"
    assert "Jacobian" in result.stop.sentence


def test_an_interrupt_between_step_and_record_leaves_whole_columns():
    objective, theta = network_problem()
    calls = 0

    def monitor(iterate):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return iterate.loss

    result = run(build_method(), objective, theta, 10, monitor=monitor)
    assert result.stop.kind == "interrupted"
    assert {len(column) for column in result.history.values()} == {result.n_iter + 1}


def test_a_loss_that_has_risen_is_no_convergence():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (60, 3))
    y = np.sin(3 * X).sum(axis=1)
    model = NaturalMomentumRegressor(
        alpha=0, momentum=None, step_size=30.0, rcond=1e-8, n_init=1, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="loss"):
        model.fit(X, y)
    assert not model.stop_reason_.startswith("Converged")
    assert model.loss_ == min(model.loss_curve_)
    if model.loss_ == model.loss_curve_[0]:
        assert "no iterate was better than the start" in model.stop_reason_
        assert f"best value, {model.loss_:g}" in model.stop_reason_


def test_a_wrong_gradient_is_named_as_a_reason():
    class Uphill(SquaredLoss):
        def gradient(self, v):
            return -super().gradient(v)

    objective, theta = network_problem()
    wrong = Objective(objective.model, Uphill(objective.loss.target), objective.points)
    result = run(build_method(), wrong, theta, 10)
    assert result.n_iter == 1
    assert "compare it with torch.func.grad" in result.stop.sentence


@pytest.mark.parametrize(
    ("change", "error", "advice"),
    [
        ({"method": "ngd"}, TypeError, "Expected a method, such as build_method.* got 'ngd'"),
        ({"theta": np.zeros(3)}, ValueError, r"torch.Tensor of shape \(\d+,\).* got ndarray"),
        ({"theta": torch.zeros(3)}, ValueError, r"got Tensor of shape \(3,\)"),
    ],
)
def test_what_is_no_method_or_no_start_is_refused(change, error, advice):
    objective, theta = network_problem()
    given = {"method": build_method(), "theta": theta, **change}
    with pytest.raises(error, match=advice):
        minimize(given["method"], objective, given["theta"])


def test_a_flat_target_is_refused():
    with pytest.raises(ValueError, match=r"shape \(m, c\).* got shape \(5,\).*unsqueeze"):
        SquaredLoss(torch.zeros(5))


def test_a_small_fit_leaves_the_number_of_threads_alone():
    before = torch.get_num_threads()
    with few_threads(500 * 61**2):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with few_threads(10**12):
        assert torch.get_num_threads() == before


def test_a_watch_sees_each_iteration():
    objective, theta = network_problem()
    seen = []
    result = run(build_method(), objective, theta, 4, watch=After(lambda it: seen.append(it.loss)))
    assert_allclose(seen, result.history["loss"][1:])


def test_nesterov_restarts_by_the_function_that_it_remembers():
    # The remembered gradient points uphill here although the last step does not.
    objective, theta = network_problem()
    gradient = objective.at(theta).gradient
    past = Past(objective.at(theta + 1e-6 * gradient), -1e-6 * gradient, -1e-6 * gradient)
    method = build_method(
        momentum="nesterov", memory="gradient", restart="gradient", step_size=0.1, rcond=1e-6
    )
    step, _ = method.advance(objective.at(theta), past)
    assert step.beta == 0.0


def test_weights_that_underflow_are_zero():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(-1, 1, (30, 2)), rng.normal(size=30)
    weight = np.full(30, 1e200)
    weight[0] = 1e-200
    settings = {"max_iter": 5, "step_size": 0.5, "restart": None, "random_state": 0}
    model = NaturalMomentumRegressor(alpha=0, **settings)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        with_it = model.fit(X, y, sample_weight=weight).predict(X)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        without = model.fit(X[1:], y[1:]).predict(X)
    assert_allclose(with_it, without, rtol=1e-8)
