"""Fresh points in each iteration, and optimal ones."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from solvers import Rod, Rotation, error, recorded_samples, refused, sample, solver

import skngd.estimators.points.physics
from skngd.estimators.points.physics import build_physics
from skngd.pde import Unknown
from skngd.pde.optimal import OptimalPoints
from skngd.pde.residuals.blocks import Collocation
from skngd.problems.zoo import AdvectionDiffusion, Heat
from skngd.tangent.christoffel import leverage_scores, orthonormal_basis

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:sampler='christoffel'"),
]

every_sampler = pytest.mark.parametrize(
    "sampler", ["sobol", "uniform", "latin", "adaptive", "christoffel"]
)


def recorded_objectives(monkeypatch):
    """The points of the equation and their weights, objective by objective."""
    found, objective = [], skngd.estimators.points.physics.Physics.objective

    def noted(self, blocks, sample=None):
        interior = blocks[0]
        found.append((interior.sites[0][1].numpy(), interior.row_weights[0].numpy()))
        return objective(self, blocks, sample)

    monkeypatch.setattr(skngd.estimators.points.physics.Physics, "objective", noted)
    return found


@every_sampler
def test_every_iteration_has_new_points(sampler, monkeypatch):
    found = recorded_objectives(monkeypatch)
    fitted = solver(Heat(), sampler=sampler, batch_size=9, n_boundary=7, max_iter=4, tol=0.0).fit()
    assert fitted.loss_ == pytest.approx(fitted.history_["monitored_loss"].min())
    # The points that judge, and those of four iterations.
    assert [len(x) for x, _ in found] == [40, 9, 9, 9, 9]
    batches = [set(map(tuple, x)) for x, _ in found]
    if sampler == "christoffel":  # drawn from many, with repetitions
        assert len(set.union(*batches[1:])) > 25
        return
    for number, batch in enumerate(batches[2:], start=2):
        assert not batch & batches[number - 1]


@every_sampler
def test_batches_solve(sampler):
    settings = {"batch_size": 60, "max_iter": 60, "n_iter_no_change": 60}
    assert error(solver(Rod(), sampler=sampler, **settings).fit()) < 1e-3


def test_conditions_have_new_points_too(monkeypatch):
    calls = recorded_samples(monkeypatch)
    solver(Heat(), batch_size=9, n_boundary=7, max_iter=3, tol=0.0).fit()
    for block in (1, 2):
        drawn = np.concatenate([points[block] for points in calls])
        free = np.ptp(drawn, axis=0) > 0
        assert len(drawn) == 28
        assert len(np.unique(drawn[:, free], axis=0)) == 28


def test_batches_of_own_points_are_epochs(monkeypatch):
    found = recorded_objectives(monkeypatch)
    X, weight = sample(AdvectionDiffusion(), 12), np.arange(12.0)
    settings = {"batch_size": 3, "max_iter": 6, "tol": 0.0, "n_iter_no_change": 9}
    solver(AdvectionDiffusion(), **settings).fit(X, sample_weight=weight)
    # Eleven rows with a weight: three batches are an epoch, two rows wait.
    assert [len(x) for x, _ in found] == [11] + 6 * [3]
    for first in (1, 4):
        rows = np.concatenate([x for x, _ in found[first : first + 3]])
        assert len(np.unique(rows)) == 9
        assert np.isin(rows, found[0][0]).all()
    everything = dict(zip(found[0][0][:, 0], found[0][1], strict=True))
    for x, w in found[1:]:
        expected = np.array([everything[place] for place in x[:, 0]])
        assert_allclose(w, expected / expected.sum())


def test_a_batch_of_all_own_points_is_the_plain_fit():
    X = sample(AdvectionDiffusion(), 30)
    plain = solver(AdvectionDiffusion(), max_iter=5).fit(X)
    batch = solver(AdvectionDiffusion(), max_iter=5, batch_size=30).fit(X)
    assert_allclose(batch.loss_curve_, plain.loss_curve_, rtol=1e-6)


def test_batches_larger_than_the_own_points():
    refused(
        lambda: solver(Rod(), batch_size=6).fit(sample(Rod(), 5)),
        "at most the number of training rows, 5",
        "got\n?6|got 6",
    )


@pytest.mark.parametrize("sampler", ["uniform", "christoffel"])
def test_batches_with_measurements(sampler):
    X = sample(Rod(), 30)
    settings = {"batch_size": 30, "max_iter": 60, "n_iter_no_change": 60, "sampler": sampler}
    fitted = solver(Rod(Unknown(0.5)), **settings).fit(X, Rod(2.0).solution(X))
    assert fitted.unknowns_["a"] == pytest.approx(2.0, rel=1e-3)


@every_sampler
def test_random_state_reproduces(sampler):
    def theta(seed):
        settings = {"sampler": sampler, "batch_size": 20, "max_iter": 4}
        return solver(Heat(), **{**settings, "random_state": seed}).fit().theta_

    assert_array_equal(theta(3), theta(3))
    assert not np.allclose(theta(3), theta(4))


# Optimal points


def drawn(problem, n, seed=0, **settings):
    """Candidates, optimal points and weights, and the physics."""
    physics = build_physics(solver(problem, **settings), problem, torch.device("cpu"))
    theta = torch.as_tensor(physics.initial(np.random.RandomState(seed)))
    X = problem.domain.sample(1000, "sobol", 1)
    found = OptimalPoints(physics.discretization, X).draw(physics.residuals, theta, n, 2, 1e-6)
    return physics, theta, X, found


@pytest.mark.parametrize("problem", [AdvectionDiffusion(), Heat(), Rotation()], ids=str)
def test_optimal_points_follow_the_leverage_scores(problem):
    physics, theta, X, (points, weights, how) = drawn(problem, 20000)
    block = physics.discretization.equation(X)
    collocation = Collocation([block])
    roots = collocation.weights().sqrt().unsqueeze(1)
    basis = orthonormal_basis(physics.residuals.record(theta, collocation).jacobian(roots), 1e-6)
    scores = leverage_scores(basis, block.n_equations).numpy()
    # The sampling frequency of a place is K / d, and its weight d / K.
    d = how.dimension
    order = {tuple(x): i for i, x in enumerate(X)}
    index = np.array([order[tuple(x)] for x in points])
    assert_allclose(weights, d / (1000 * scores[index]) / 20000)
    f = np.cos(3 * X[:, 0])
    assert np.mean(f[index]) == pytest.approx(scores @ f / d, abs=0.03)
    assert weights @ f[index] == pytest.approx(f.mean(), abs=0.05)


def test_too_few_optimal_points_are_a_warning():
    settings = {"sampler": "christoffel", "batch_size": 2, "max_iter": 3, "tol": 0.0}
    with pytest.warns(UserWarning, match="3 of 3 draws did not reach ‖Ĝ − I‖ ≤ 0.5") as caught:
        solver(AdvectionDiffusion(), (10,), **settings).fit()
    assert any(warning.filename == __file__ for warning in caught)


@pytest.mark.parametrize(("every", "draws"), [(None, 6), (3, 2)])
def test_optimal_points_of_each_resampling(every, draws, monkeypatch):
    found = recorded_objectives(monkeypatch)
    settings = {"resample_every": every, "max_iter": 6, "tol": 0.0}
    solver(AdvectionDiffusion(), sampler="christoffel", **settings).fit()
    assert len(found) == 1 + draws
    assert all(len(x) == 40 for x, _ in found)


def test_optimal_points_out_of_the_own_ones(monkeypatch):
    found = recorded_objectives(monkeypatch)
    X = sample(AdvectionDiffusion(), 25)
    settings = {"sampler": "christoffel", "batch_size": 9, "max_iter": 3, "tol": 0.0}
    solver(AdvectionDiffusion(), **settings).fit(X)
    assert [len(x) for x, _ in found] == [25, 9, 9, 9]
    assert all(np.isin(x, found[0][0]).all() for x, _ in found)


def test_the_history_tells_of_each_draw():
    settings = {"sampler": "christoffel", "max_iter": 6, "tol": 0.0, "resample_every": 3}
    fitted = solver(AdvectionDiffusion(), n_init=2, **settings).fit()
    deviation, n_draws = fitted.history_["gram_deviation"], fitted.history_["n_draws"]
    assert len(deviation) == len(n_draws) == 14
    # The start of each run looks at points that are not drawn for it.
    assert_array_equal(np.flatnonzero(np.isnan(deviation)), [0, 7])
    assert_array_equal(np.flatnonzero(n_draws == 0), [0, 7])
    for first in (1, 4, 8, 11):
        assert len(set(deviation[first : first + 3])) == 1
    assert len(set(deviation[[1, 4, 8, 11]])) == 4
    drawn = n_draws > 0
    assert_array_equal(n_draws[drawn & (deviation > 0.5)], 20)
    assert "gram_deviation" not in solver(AdvectionDiffusion(), max_iter=1).fit().history_


def test_the_step_of_optimal_points_solves():
    settings = {"sampler": "christoffel", "step_size": "christoffel", "batch_size": 60}
    fitted = solver(Rod(), momentum=None, max_iter=60, tol=0.0, **settings).fit()
    assert error(fitted) < 1e-3
    steps = fitted.history_["step_size"][1:]
    assert ((steps > 0) & (steps <= 1)).all()
    assert len(set(steps)) > 5


@pytest.mark.parametrize("sampler", ["sobol", "uniform"])
def test_the_step_of_optimal_points_needs_them(sampler):
    refused(
        lambda: solver(Rod(), sampler=sampler, step_size="christoffel", batch_size=9).fit(),
        "Expected optimal points",
        "Call fit with sampler='christoffel'",
    )
