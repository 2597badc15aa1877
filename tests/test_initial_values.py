"""An initial value problem has one solution at most, however much that grows."""

import warnings

import numpy as np
import pytest
import torch
from solvers import solver

from skngd.estimators.accuracy import unknowns
from skngd.estimators.accuracy.error import ErrorEstimate
from skngd.estimators.accuracy.verdict import Verdict
from skngd.estimators.ground import Ground
from skngd.optim import Stop
from skngd.pde import Box, Dirichlet, Initial, Neumann, Periodic, Problem, Unknown
from skngd.pde.initial_values import lacks_its_start, states_its_solution

TIME, SPACE = Box(t=(0, 1)), Box(t=(0, 1), x=(0, 1))
TWO = {"fields": ("u", "v")}


def heat(u, t, x):
    return u.t - u.xx


STATED = {
    "growth": (lambda u, t: u.t - 50 * u, TIME, Initial(1.0)),
    "a flame": (lambda u, t: u.t - np.exp(-9 / u) * (2 - u), TIME, Initial(0.6)),
    "an oscillator": (lambda u, t: u.tt + u, TIME, Initial(1.0), Initial(0.0, derivative=1)),
    "heat between walls": (heat, SPACE, Initial(0.0), Dirichlet(0.0)),
    "heat on a ring": (heat, SPACE, Initial(0.0), Periodic("x")),
    "one wall, one insulated": (
        *(heat, SPACE, Initial(0.0)),
        *(Dirichlet(0.0, on="x.min"), Neumann(0.0, on="x.max")),
    ),
}
OPEN = {
    "no initial value": (heat, SPACE, Dirichlet(0.0, on="x")),
    "one of two": (lambda u, t: u.tt + u, TIME, Initial(1.0)),
    "one wall is missing": (heat, SPACE, Initial(0.0), Dirichlet(0.0, on="x.min")),
    "begins where t u' = u is free": (lambda u, t: t * u.t - u, TIME, Initial(0.0)),
    "cannot be solved for u' at u = 0": (lambda u, t: u * u.t - 1, TIME, Initial(0.0)),
    "ends instead of starts": (lambda u, t: u.t - u, TIME, Dirichlet(0.0, on="t.max")),
    "a beam with half of its ends": (
        lambda u, t, x: u.tt + u.xxxx,
        *(SPACE, Initial(0.0), Initial(0.0, derivative=1), Dirichlet(0.0)),
    ),
}


def shared(u, v, t):
    flow = u.t * np.exp(u) + u * v
    return flow - v, v.t + flow


SYSTEMS = {
    "an epidemic": (lambda u, v, t: (u.t + u * v, v.t - u * v + v), True),
    "with a term that both equations share": (shared, True),
    "with an equation that is algebraic": (lambda u, v, t: (u.t - v, v - u), True),
    "with a source that nothing tells": (lambda u, v, t: u.t - v, False),
    "the same equation twice": (lambda u, v, t: (u.t - v.t, v.t - u.t), False),
}


def problem_of(residual, domain, *conditions, **settings):
    return Problem.from_function(residual, domain, conditions, **settings)


@pytest.mark.parametrize("name", [*STATED, *OPEN])
def test_what_a_statement_says(name):
    assert states_its_solution(problem_of(*{**STATED, **OPEN}[name])) == (name in STATED)


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_the_statement_of_a_system_says(name):
    residual, is_stated = SYSTEMS[name]
    assert states_its_solution(problem_of(residual, TIME, Initial(1.0), **TWO)) == is_stated


def test_unstable_is_not_undetermined():
    """No factor on the growth, and no units, make a condition missing."""
    problem = problem_of(lambda u, t: u.t - 40 * u, TIME, Initial(1e-9))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solver(problem, max_iter=3, estimate_error=True).fit()
    said = " ".join(str(one.message) for one in caught)
    assert "The error of the solution is estimated" in said
    assert "determine" not in said


def told(**settings):
    """What is said of an estimate with a large amplification."""
    stated = settings.pop("is_stated", False)
    largest = 0.5 if stated else np.inf
    estimate = ErrorEstimate({"u": largest}, 1e9, "u is free", None, is_stated=stated)
    with pytest.warns(UserWarning, match="solution") as caught:
        Verdict(estimate, "equation", "P", "more", **settings).warn(Stop("", "converged"))
    return " ".join(str(one.message) for one in caught)


def test_what_is_free_where_nothing_is_solved_says_nothing():
    """Of a linear problem it says that there is no solution; others may have been left early."""
    assert "Add the condition that is missing" in told()
    assert "has no solution: whatever is added, the residuals stay at 60 %" in told(
        left=0.6, is_linear=True
    )
    for said in (told(left=0.6), told(is_stated=True)):
        assert "not to a solution" in said
        assert "grows by orders of magnitude" in said


class Growing(Problem):
    domain = TIME
    conditions = (Initial(1.0),)

    def __init__(self, a=1.0):
        self.a = a

    def residual(self, u, t):
        return u.t - self.a * u


@pytest.mark.parametrize("variance", [np.inf, 1e4])
@pytest.mark.parametrize("inner", [-9.0, -1e3])
def test_at_a_bound_deviations_are_numbers(monkeypatch, variance, inner):
    """The slope of a = exp(z) underflows there, whatever the information is."""
    monkeypatch.setattr(unknowns, "covariance", lambda *_: (np.array([[variance]]), 0.1))
    t = np.linspace(0, 1, 5).reshape(-1, 1)
    given = (t, np.exp(-2 * t), np.ones(5)), torch.device("cpu"), np.random.RandomState(0)
    ground = Ground(solver(Growing()), Growing(Unknown(1.0, low=0)), *given)
    theta = ground.tensor(ground.physics.initial(np.random.RandomState(0)))
    theta[-1] = inner
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.warns(UserWarning, match="at its bound, low=0") as caught:
            told = unknowns.told_unknowns(
                ground.physics, theta, ground.points.draw(), ground.measured, None
            )
    assert len(caught) == 1
    assert told.std["a"] == pytest.approx(np.inf if variance == np.inf else 100 * np.exp(inner))


STARTLESS = {
    "heat between walls": (True, heat, SPACE, Dirichlet(0.0)),
    "heat on a ring": (True, heat, SPACE, Periodic("x")),
    "one wall": (True, heat, SPACE, Dirichlet(0.0, on="x.min")),
    "a string": (True, lambda u, t, x: u.tt - u.xx, SPACE, Dirichlet(0.0, on="x")),
    "with a start": (False, heat, SPACE, Initial(0.0), Dirichlet(0.0)),
    "with an end": (False, heat, SPACE, Dirichlet(0.0, on=("t.max", "x"))),
    "the same each day": (False, heat, SPACE, Dirichlet(0.0, on="x"), Periodic("t", 0)),
    "told from one side": (
        *(False, heat, SPACE),
        *(Dirichlet(0.0, on="x.min"), Neumann(0.0, on="x.min")),
    ),
    "carried through from both sides": (
        *(False, lambda u, t, x: u.t + 9 * u.x, SPACE),
        Dirichlet(0.0, on="x"),
    ),
    "singular at the start": (False, lambda u, t, x: t * u.t - u.xx, SPACE, Dirichlet(0.0)),
    "without time": (False, lambda u, t, x: u.xx - t, SPACE, Dirichlet(0.0, on="x")),
}


@pytest.mark.parametrize("name", STARTLESS)
def test_a_start_that_is_missing_is_seen(name):
    is_missing, *stated = STARTLESS[name]
    assert lacks_its_start(problem_of(*stated)) == is_missing
