"""Coefficients on a grid: values and derivatives of splines, and what is refused."""

import pickle

import numpy as np
import pytest
import torch
from messages import assert_advises
from numpy.testing import assert_allclose
from physics import differentiate

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Grid, Initial, Interval, Problem
from skngd.pde.expressions.quantity import Quantity
from skngd.pde.residuals.ansatz import hard_conditions

NODES = np.linspace(0, 1, 30)
X, Y = np.linspace(0, 2, 25), np.array([-1, -0.9, -0.5, 0.1, 0.2, 0.7, 1.0])


def test_splines_meet_cubics_and_their_derivatives():
    def cubic(x, y):
        return x**3 * y + x * y**3 - 2

    grid = Grid(cubic(X[:, None], Y), x=X, y=Y)
    points = torch.tensor(np.random.RandomState(0).uniform([0, -1], [2, 1], (20, 2)))

    def value(p):
        return grid(Quantity(p[:, 0]), Quantity(p[:, 1])).tensor

    for index in [(), (0,), (1,), (0, 0), (0, 1), (0, 0, 1)]:
        expected = differentiate(lambda p: cubic(p[:, 0], p[:, 1]), points, index).detach()
        assert_allclose(differentiate(value, points, index).detach(), expected, atol=1e-10)
        names = ["xy"[axis] for axis in index]
        assert_allclose(grid.derivative(*names)(*points.T.numpy()), expected, atol=1e-10)
    assert_allclose(grid(1.0, Y), cubic(1.0, Y), atol=1e-12)


def test_linear_values_lie_between_their_neighbours():
    grid = Grid([0.0, 2.0, 1.0], kind="linear", x=[0.0, 1.0, 3.0])
    assert_allclose(grid(np.array([0.5, 1.0, 2.0])), [1.0, 2.0, 1.5])
    assert_allclose(grid.derivative("x")(np.array([0.5, 2.0])), [2.0, -0.5])
    assert_allclose(grid.derivative("x", "x")(0.5), 0.0)


CONDUCTIVITY = Grid(np.exp(NODES), x=NODES)
START = Grid(np.sin(np.pi * NODES), x=NODES)


class Rod(Problem):
    """(a u')' = f with a = exp(x) from a table and u = sin πx."""

    domain = Interval(0, 1)
    conditions = (Dirichlet(0.0),)

    def __init__(self, a=CONDUCTIVITY):
        self.a = a

    def residual(self, u, x):
        s, c = np.sin(np.pi * x), np.pi * np.cos(np.pi * x)
        f = np.exp(x) * (c - np.pi**2 * s)
        return self.a(x) * u.xx + self.a.derivative("x")(x) * u.x - f


def test_a_coefficient_from_a_table():
    settings = {"max_iter": 20, "tol": 1e-6, "estimate_error": False, "optimizer": "ngd"}
    solver = PINNEstimator(Rod(), (16,), activation="sin", random_state=0, **settings).fit()
    # the spline is exact to about h⁴
    assert_allclose(solver.predict(NODES[:, None]), np.sin(np.pi * NODES), atol=2e-6)


def test_initial_values_from_a_table_may_be_hard():
    domain = Box(t=(0, 0.1), x=(0, 1))
    problem = Problem.from_function(
        lambda u, t, x: u.t - u.xx, domain, [Initial(START, hard=True), Dirichlet(0.0, on="x")]
    )
    ansatz, points = hard_conditions(problem, "u"), torch.tensor(domain.sample(9, random_state=0))
    points[:, 0] = 0
    constant, terms = ansatz.expansion((1, 1), points)
    expected = START.derivative("x", "x")(points[:, 1].numpy())
    assert_allclose(constant, expected, rtol=1e-12)
    assert not any(bool(coefficient.any()) for _, _, coefficient in terms)


def test_copies_are_equal():
    again = pickle.loads(pickle.dumps(CONDUCTIVITY))
    assert again == CONDUCTIVITY
    assert hash(again) == hash(CONDUCTIVITY)
    assert again != START
    assert CONDUCTIVITY.derivative("x") != CONDUCTIVITY
    assert_allclose(again(0.3), CONDUCTIVITY(0.3))


@pytest.mark.parametrize(
    ("make", "expected", "came"),
    [
        (lambda: Grid(np.ones((3, 4)), x=NODES), "each direction of values", r"\(3, 4\)"),
        (lambda: Grid(np.ones(4)), "each direction", r"\(4,\)"),
        (lambda: Grid(np.ones(4), x=[0, 1, 1, 2]), "along x that ascend", r"\[0"),
        (lambda: Grid(np.ones(3), x=[0, 1, 2]), "at least 4 places along x", "got 3"),
        (lambda: Grid([0, np.nan], x=[0, 1]), "values to be finite", "nan"),
        (lambda: Grid(np.ones(4), kind="nearest", x=[0, 1, 2, 3]), "kind to be one of", "nearest"),
        (lambda: CONDUCTIVITY(0.5, 0.5), r"coordinates \('x',\)", "got 2"),
        (lambda: CONDUCTIVITY.derivative("t"), "coordinate of the grid", "'t'"),
        (lambda: CONDUCTIVITY(1.5), "grid that covers", "x = 1.5"),
        (
            lambda: PINNEstimator(
                Rod(Grid(np.ones(30), x=NODES / 2)), (4,), activation="tanh"
            ).fit(),
            "grid that covers",
            r"\[0, 0.5\]",
        ),
    ],
)
def test_refused(make, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        make()
    assert_advises(caught.value, expected, came)
