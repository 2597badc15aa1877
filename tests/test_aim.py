"""``tol`` for problems: the relative error, by the linearised problem, with which a fit ends."""

import re

import numpy as np
import pytest
import torch
from solvers import Rod, solver

from skngd import PINNEstimator
from skngd.estimators.accuracy import aim
from skngd.estimators.accuracy.aim import Aim
from skngd.estimators.accuracy.error import ErrorEstimate
from skngd.estimators.device import plain_tensors
from skngd.estimators.ground import Ground
from skngd.pde import Box, Dirichlet, Problem, Unknown
from skngd.problems import zoo


class Wave(Problem):
    """−u″ = f for u = 1/(1 + 4 x²) with a factor c: no sum of waves, and nonlinear by u³."""

    domain = Box(x=(-1, 1))
    conditions = (Dirichlet(0.2),)

    def __init__(self, c=1.0):
        self.c = c

    def residual(self, u, x):
        bell = 1 / (1 + 4 * x**2)
        bend = 128 * x**2 * bell**3 - 8 * bell**2
        return u.xx - bend - self.c * (u**3 - bell**3)

    def solution(self, X):
        return 1 / (1 + 4 * X[:, 0] ** 2)


def error(fitted, problem):
    X = problem.domain.sample(400, random_state=3)
    u = problem.solution(X)
    return np.linalg.norm(fitted.predict(X) - u) / np.linalg.norm(u)


@pytest.mark.parametrize("tol", [1e-2, 1e-10])
@pytest.mark.parametrize("problem", [Wave(), zoo.Heat()], ids=["nonlinear", "heat"])
def test_the_error_is_at_most_tol(problem, tol):
    fitted = PINNEstimator(problem, tol=tol, random_state=0).fit()
    assert error(fitted, problem) < 3 * tol
    assert fitted.error_estimate_["u"] <= tol


def test_fewer_digits_take_fewer_iterations(monkeypatch):
    monkeypatch.setattr(aim, "WORTH", 0.0)
    fits = [
        solver(zoo.Heat(), (8,), max_iter=80, estimate_error=True, tol=tol).fit()
        for tol in (0.1, 1e-7)
    ]
    rough, fine = (fit.n_iter_ for fit in fits)
    assert rough < fine <= 80
    for fit in fits:
        assert "the relative error is estimated at" in fit.stop_reason_
        assert f"tol={fit.tol:g}" in fit.stop_reason_
        assert fit.history_["loss"].shape == (fit.n_iter_ + 1,)


def test_an_estimate_that_ended_the_fit_is_the_one_that_is_told():
    fitted = solver(Wave(), (20,), max_iter=300, estimate_error=True, tol=1e-4).fit()
    assert f"{fitted.error_estimate_['u']:.1e}, tol=" in fitted.stop_reason_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_without_an_aim_tol_is_that_of_the_loss():
    """tol=0 goes on to the end, and without an estimate a number is a fall of the loss."""
    assert solver(Wave(), estimate_error=True, tol=0.0, max_iter=30).fit().n_iter_ == 30
    fitted = solver(Wave(), tol=1e9, max_iter=60, n_iter_no_change=4).fit()
    assert fitted.n_iter_ == 4
    assert "tol=1e+09" in fitted.stop_reason_


def test_measurements_end_where_their_noise_is_larger():
    """A fit to noise ends early, and answers as one that went on."""
    problem = Wave(Unknown(0.3))
    X = problem.domain.sample(60, random_state=1)
    y = problem.solution(X) + 0.02 * np.random.RandomState(0).randn(60)
    settings = {"hidden_layer_sizes": (20,), "estimate_error": True, "max_iter": 60}
    early = solver(problem, **settings, tol=1e-3).fit(X, y)
    late = solver(problem, **settings, tol=0.0).fit(X, y)
    assert early.n_iter_ < late.n_iter_
    moved = abs(early.unknowns_["c"] - late.unknowns_["c"])
    assert moved < 0.1 * late.unknowns_std_["c"]


def test_looks_wait_for_work_and_for_a_fall_of_the_loss():
    estimator, given = solver(Rod()), (Rod(), (None, None, None), torch.device("cpu"))
    with plain_tensors():
        physics = Ground(estimator, *given, np.random.RandomState(0)).physics
    wanted = Aim(1e-3, is_estimated=True, is_measured=False)
    assert not wanted.is_due(physics, 1e-4)
    wanted.spent = 1e15
    assert wanted.is_due(physics, 1e-4)
    wanted.part_then = 2e-4
    assert not wanted.is_due(physics, 1e-4)
    assert wanted.is_due(physics, 1e-5)
    wanted.spent_then = wanted.spent
    assert not wanted.is_due(physics, 1e-5)
    # A loss so large that nothing makes the solution exact enough.
    assert not Aim(1e-12, is_estimated=True, is_measured=False).is_due(physics, 1e-4)


def test_a_tol_that_is_named_is_not_called_auto():
    fitted = solver(Wave(), (3,), max_iter=300, estimate_error=True, tol=1e-14).fit()
    assert "a fraction 0.001 of itself in" in fitted.stop_reason_
    assert "auto" not in fitted.stop_reason_


@pytest.mark.parametrize(
    ("is_measured", "error", "told"),
    [
        (False, 1e-13, "Converged: the relative error is estimated at 1.0e-13, tol=1e-12"),
        (True, 1e-4, "beside what the noise does, .* at 1.0e-04, .* at most a part 0.1 of that"),
        (True, 1e-13, "beside what the noise does, .* at 1.0e-13, tol=1e-12"),
    ],
)
def test_an_error_that_is_enough_is_told_with_what_it_is_beside(is_measured, error, told):
    met = Aim("auto", True, is_measured)
    met.known = None, None, ErrorEstimate({"u": error}, 1.0, "", None)
    assert re.search(told, met.stop.reason)
