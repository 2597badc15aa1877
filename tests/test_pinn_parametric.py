"""Coefficients that are columns of X: one network for a family of problems."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from solvers import Rod, recorded_samples, solver

from skngd.pde import Box, Dirichlet, Input, Problem, Unknown
from skngd.problems.zoo import AdvectionDiffusion

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 21).reshape(-1, 1)


def beside(value):
    """The points with a column for the input."""
    return np.c_[X, np.full(len(X), value)]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_each_value_gives_the_solution_with_that_coefficient(scale):
    problem = AdvectionDiffusion(eps=Input(0.3, 1.0, scale))
    fitted = solver(problem, (10,), n_interior=100, max_iter=40).fit()
    assert fitted.n_features_in_ == 2
    for eps in (0.3, 0.5, 1.0):
        alone = solver(AdvectionDiffusion(eps=eps), (8,), max_iter=40).fit()
        assert_allclose(fitted.predict(beside(eps)), alone.predict(X), atol=2e-3)
        assert_allclose(fitted.derivative(beside(eps), "x"), alone.derivative(X, "x"), atol=3e-2)


def test_columns_are_the_coordinates_then_the_inputs(monkeypatch):
    calls = recorded_samples(monkeypatch)
    fitted = solver(Rod(Input(2.0, 5.0)), (8,), max_iter=30).fit()
    interior, left, right = calls[0]
    assert ((interior >= [0, 2]) & (interior <= [1, 5])).all()
    assert set(left[:, 0]) == {0.0}
    assert set(right[:, 0]) == {1.0}
    assert np.ptp(left[:, 1]) > 2
    Z = beside(3.0)
    assert_allclose(fitted.predict(Z), fitted.problem_.solution(Z), atol=1e-3)
    assert_allclose(fitted.residual(Z), fitted.derivative(Z, "xx") + 3.0, atol=1e-10)


def test_points_of_ones_own_carry_the_inputs():
    points = np.column_stack([np.resize(X, 40), np.repeat([1.0, 2.0], 20)])
    fitted = solver(Rod(Input(1.0, 2.0)), (8,), max_iter=30).fit(points)
    assert np.sqrt(np.mean(fitted.residual(points) ** 2)) < 1e-2
    assert fitted.history_["equation"].min() == pytest.approx(
        np.mean(fitted.residual(points) ** 2), rel=1
    )


class Heated(Problem):
    """u'' = 0, u(0) = low, u(1) = k: a value at a face that is an input."""

    domain = Box(x=(0, 1))

    def __init__(self, low, k=3.0, hard=False):
        self.low = low
        self.k = k
        self.hard = hard

    @property
    def conditions(self):
        return (
            Dirichlet(self.low, on="x.min", hard=self.hard),
            Dirichlet(lambda x: self.k * x, on="x.max"),
        )

    def residual(self, u, x):
        return u.xx


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
def test_input_in_a_condition(hard):
    fitted = solver(Heated(Input(1.0, 2.0), hard=hard), (6,), max_iter=40).fit()
    low = 1.7
    assert_allclose(fitted.predict(beside(low)), low + (3 - low) * X[:, 0], atol=1e-3)
    if hard:
        assert fitted.predict([[0.0, low]]) == pytest.approx([low], abs=1e-12)


def test_input_beside_an_unknown():
    Z = np.column_stack([np.resize(X, 60), np.resize([1.0, 1.5, 2.0], 60)])
    y = Z[:, 1] + (4 - Z[:, 1]) * Z[:, 0]
    fitted = solver(Heated(Input(1.0, 2.0), Unknown(1.0)), (8,), max_iter=60).fit(Z, y)
    assert fitted.unknowns_["k"] == pytest.approx(4.0, rel=1e-2)
    assert list(fitted.problem_.inputs) == ["low"]
