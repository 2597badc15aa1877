"""Collocation points: how many, where, drawn again, and where chance comes in."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from solvers import Rod, error, recorded_samples, sample, solver

from skngd.estimators.points.physics import build_physics
from skngd.pde import Dirichlet
from skngd.pde.discretization import Discretization
from skngd.pde.residuals.blocks import Collocation
from skngd.problems.zoo import AdvectionDiffusion, Burgers, Heat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 21).reshape(-1, 1)


def mean_square(values):
    return float(np.mean(np.asarray(values) ** 2))


# Collocation points


def counts(points):
    return [None if block is None else len(block) for block in points]


@pytest.mark.parametrize(
    ("n_boundary", "expected"),
    [
        (7, [30, 7, 7]),
        ([7, 9], [30, 7, 9]),
        ({"dirichlet x": 9, "initial": 7}, [30, 7, 9]),
        ("auto", [30, 22, 22]),
    ],
    ids=str,
)
def test_number_of_points(n_boundary, expected, monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(Heat(), n_interior=30, n_boundary=n_boundary, max_iter=1).fit()
    assert counts(calls[0]) == expected


@pytest.mark.parametrize("n_boundary", [1, 2, 7])
def test_each_end_of_an_interval_is_a_point(n_boundary):
    class Held(Rod):
        conditions = (Dirichlet(0.0),)

    assert error(solver(Held(), n_boundary=n_boundary, max_iter=30).fit()) < 1e-3


def test_hard_conditions_need_no_points(monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(AdvectionDiffusion(), max_iter=1).fit()
    assert counts(calls[0]) == [40, None]


@pytest.mark.parametrize(("neurons", "expected"), [(5, 200), (20, 305)])
def test_five_points_for_each_parameter(neurons, expected, monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(Rod(), (neurons,), n_interior="auto", max_iter=1).fit()
    assert counts(calls[0])[0] == expected


@pytest.mark.parametrize("sampler", ["sobol", "uniform", "latin", "grid", "gauss", "adaptive"])
def test_samplers(sampler, monkeypatch):
    calls = recorded_samples(monkeypatch)
    fitted = solver(Rod(), sampler=sampler, max_iter=30).fit()
    assert counts(calls[0])[0] == 40
    assert Rod.domain.contains(calls[0][0]).all()
    assert error(fitted) < 1e-3


def test_grid_with_a_count_for_each_direction(monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(Heat(), sampler="grid", n_interior=(3, 4), max_iter=1).fit()
    points = calls[0][0]
    assert [len(np.unique(column)) for column in points.T] == [3, 4]


def test_fit_with_points_solves_the_equation_there():
    points = np.array([[0.1], [0.35], [0.9]])
    fitted = solver(Rod(), (20,), max_iter=60).fit(points)
    assert_allclose(fitted.residual(points), 0, atol=1e-10)
    assert np.abs(fitted.residual(X)).max() > 1e-6
    assert fitted.history_["equation"].min() < 1e-20


def test_weight_of_a_collocation_point_equals_repetition():
    points, weight = sample(Heat(), 20), np.tile([1, 2, 3, 0], 5)
    settings = {"n_boundary": 10, "max_iter": 8}
    weighted = solver(Heat(), **settings).fit(points, sample_weight=weight)
    repeated = solver(Heat(), **settings).fit(np.repeat(points, weight, axis=0))
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    assert_allclose(weighted.predict(points), repeated.predict(points), atol=1e-7)


# Points that are drawn again


@pytest.mark.parametrize("sampler", ["sobol", "uniform", "latin"])
def test_resampled_points_differ(sampler, monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(Heat(), sampler=sampler, resample_every=2, max_iter=7).fit()
    # The first points, those that judge, and new ones after iterations 2, 4 and 6.
    assert len(calls) == 5
    for block in range(3):
        drawn = np.concatenate([points[block] for points in calls])
        free = np.ptp(drawn, axis=0) > 0
        assert len(np.unique(drawn[:, free], axis=0)) == len(drawn)


def test_points_stay_without_resampling(monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(Heat(), max_iter=5).fit()
    assert len(calls) == 1


def loss_of_heat(fitted, points):
    interior, start, sides = points
    start_values = fitted.predict(start) - np.sin(np.pi * start[:, 1])
    parts = [fitted.residual(interior), start_values, fitted.predict(sides)]
    sizes = fitted.sizes_.values()
    return sum(mean_square(r / size) for r, size in zip(parts, sizes, strict=True)) / 2


@pytest.mark.parametrize("step_size", ["auto", 1.5])
def test_the_iterate_that_is_kept_is_judged_on_points_that_stay(step_size, monkeypatch):
    calls = recorded_samples(monkeypatch)
    restless = {"step_size": step_size, "restart": None, "rcond": 1e-6}
    fitted = solver(Heat(), resample_every=1, max_iter=12, **restless).fit()
    judged = fitted.history_["monitored_loss"]
    assert loss_of_heat(fitted, calls[1]) == pytest.approx(judged.min())
    assert fitted.loss_ == pytest.approx(loss_of_heat(fitted, calls[0]))
    # The loss on the points of each iteration is another one.
    assert not np.allclose(judged, fitted.history_["loss"], rtol=1e-3)
    if step_size == 1.5:
        assert judged.argmin() < len(judged) - 1


def test_adaptive_points_are_where_the_residual_is_large(monkeypatch):
    found, adapted = [], Discretization.adapted

    def noted(self, model, theta, n, random_state):
        points = adapted(self, model, theta, n, random_state)
        block = self.equation(points)
        size = model.value(theta, Collocation([block])).abs().numpy().ravel()
        found.append((size[: n - n // 2].mean(), size[n - n // 2 :].mean(), len(points)))
        return points

    monkeypatch.setattr(Discretization, "adapted", noted)
    settings = {"sampler": "adaptive", "n_interior": 200, "resample_every": 4, "max_iter": 13}
    solver(Burgers(nu=0.03), (8,), **settings).fit()
    assert [n for *_, n in found] == [200, 200, 200]
    assert all(chosen > 1.15 * even for even, chosen, _ in found)


def test_adaptive_points_move_every_twenty_iterations(monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(AdvectionDiffusion(eps=0.03), sampler="adaptive", max_iter=41, tol=0.0).fit()
    assert len(calls) == 4


# Chance


@pytest.mark.parametrize(
    "settings",
    [{}, {"resample_every": 2}, {"sampler": "adaptive", "resample_every": 2}, {"n_init": 2}],
    ids=str,
)
def test_random_state_reproduces(settings):
    def theta(seed):
        return solver(Heat(), max_iter=5, **{**settings, "random_state": seed}).fit().theta_

    assert_array_equal(theta(3), theta(3))
    assert_array_equal(theta(3), theta(np.random.RandomState(3)))
    assert not np.allclose(theta(3), theta(4))
    assert not np.allclose(theta(None), theta(None))


def test_global_state_is_left_alone():
    def state():
        legacy = np.random.get_state()[1].tolist()  # noqa: NPY002
        numbers = legacy, torch.get_rng_state().tolist()
        kind = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
        return numbers, kind, np.geterr()

    before = state()
    fitted = solver(Heat(), random_state=0, resample_every=2, sampler="adaptive").fit()
    fitted.predict(sample(Heat()))
    fitted.residual(sample(Heat()))
    fitted.score()
    assert state() == before


def test_gauss_points_come_with_their_weights():
    physics = build_physics(solver(Rod()), Rod(), torch.device("cpu"))
    points = physics.discretization.sample(7, [1] * len(Rod().conditions), "gauss", 0)
    (x,), _, weights = points[0]
    low, high = Rod().domain.bounds[0]
    # Exact for polynomials of degree 13; the weights are those of a mean.
    assert weights @ x[:, 0] ** 13 * (high - low) == pytest.approx((high**14 - low**14) / 14)
