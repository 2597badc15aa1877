"""Integral equations, integrals as conditions, and what is refused of them."""

import numpy as np
import pytest
from messages import assert_advises
from numpy.testing import assert_allclose

from skngd import PINNEstimator
from skngd.pde import (
    Box,
    Dirichlet,
    Disk,
    Input,
    Integral,
    Interval,
    Neumann,
    Points,
    Problem,
    Unknown,
)


def stated(residual, domain=None, conditions=(), **given):
    return Problem.from_function(residual, domain or Interval(0, 1), conditions, **given)


def solved(problem, activation="sin", **settings):
    return PINNEstimator(problem, (24,), activation=activation, random_state=0, **settings).fit()


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


x = np.linspace(0, 1, 50)


def volterra(u, x):
    memory = Integral(lambda u, s: np.exp(s - x) * u, over="x", high="x")
    return u + memory(u) - 1


def fredholm(u, x):
    return u - np.exp(x) - Integral(lambda u, s: x * s * u, over="x")(u)


def hammerstein(u, x):
    return u - 0.75 * x - Integral(lambda u, s: x * s * u**2, over="x")(u)


@pytest.mark.parametrize(
    ("residual", "expected"),
    [
        (volterra, (1 + np.exp(-2 * x)) / 2),
        (fredholm, np.exp(x) + 1.5 * x),
        (hammerstein, x),
    ],
    ids=["Volterra", "Fredholm", "nonlinear"],
)
def test_integral_equations(residual, expected):
    # They have no conditions, and need none: no warning, and an error that is estimated.
    solver = solved(stated(residual))
    error = relative(solver.predict(x[:, None]), expected)
    assert error < 1e-10
    assert max(error, 1e-15) < 1e3 * solver.error_estimate_["u"] < 1e-8


def test_a_mean_makes_a_neumann_problem_unique():
    def residual(u, x, y):
        return u.laplacian() + 2 * np.pi**2 * np.cos(np.pi * x) * np.cos(np.pi * y)

    domain = Box(x=(0, 1), y=(0, 1))
    conditions = [Neumann(0.0), Integral(value=0.25)]
    solver = solved(stated(residual, domain, conditions), n_interior=150)
    X = domain.sample(100, random_state=1)
    expected = 0.25 + np.cos(np.pi * X[:, 0]) * np.cos(np.pi * X[:, 1])
    assert relative(solver.predict(X), expected) < 1e-6
    assert solver.error_estimate_["u"] < 1e-6


def test_an_eigenfunction_is_normalised():
    def residual(u, x, k):
        return u.xx + k * u

    conditions = [Dirichlet(0.0), Integral(lambda u, x: u**2, value=1.0)]
    problem = stated(residual, None, conditions, coefficients={"k": Unknown(8.0)})
    solver = solved(problem, "tanh")
    assert_allclose(solver.unknowns_["k"], np.pi**2, rtol=1e-7)
    found = solver.predict(x[:, None])
    assert_allclose(found * np.sign(found[25]), np.sqrt(2) * np.sin(np.pi * x), atol=1e-6)


def test_the_integral_of_a_density_is_one_at_each_time_and_input():
    # u = (1 + a t x) on [−1, 1] has the integral 2 at all times
    def residual(u, t, x, a):
        return u.x - a * t

    problem = stated(
        residual,
        Box(t=(0, 1), x=(-1, 1)),
        [Integral(over="x", value=lambda a: 2 + 0 * a, n_points=8)],
        coefficients={"a": Input(1.0, 2.0)},
    )
    settings = {"n_interior": 100, "max_iter": 40, "estimate_error": False}
    solver = solved(problem, "tanh", tol=1e-9, **settings)
    X = np.random.RandomState(0).uniform([0, -1, 1], [1, 1, 2], (100, 3))
    assert relative(solver.predict(X), 1 + X[:, 2] * X[:, 0] * X[:, 1]) < 1e-5


@pytest.mark.parametrize("size", [2.0**-20, 2.0**20])
def test_units_of_the_coordinate_change_nothing(size):
    # A kernel that is a part of the interval, and the same equation in another unit of length.
    def equation(scale):
        def residual(u, x):
            mean = Integral(lambda u, s: s * u / scale**2, over="x")
            return u - np.cos(x / scale) - mean(u)

        return stated(residual, Interval(0, scale))

    settings = {"max_iter": 3, "estimate_error": False}
    with pytest.warns(match="max_iter"):
        one, other = (solved(equation(scale), **settings) for scale in (1.0, size))
    assert_allclose(other.loss_curve_, one.loss_curve_, rtol=1e-6)
    assert_allclose(other.sizes_["equation"], one.sizes_["equation"], rtol=1e-9)


def mean(u, x):
    return u - Integral(over="x")(u)


@pytest.mark.parametrize(
    ("make", "expected", "came"),
    [
        (lambda: stated(lambda u, x: u - Integral(over="y")(u)), "over to name coord", "'y'"),
        (lambda: stated(mean, None, [Integral(over=("x", "z"))]), "over to name", "'z'"),
        (
            lambda: stated(lambda u, x, y: u - Integral(over="x")(u), Disk()),
            "over to name all",
            r"\('x',\)",
        ),
        (
            lambda: stated(lambda u, x, y: u.x, Points([[0, 0], [1, 1]], ("x", "y")), [Integral()]),
            "quadrature weights",
            "Points",
        ),
        (
            lambda: stated(lambda u, x: u - Integral(over="x", high=2.0)(u)),
            r"range of x, \[0, 1\]",
            "one of 2",
        ),
        (lambda: stated(lambda u, x: u - Integral(high="s")(u)), "limit", "'s'"),
        (lambda: stated(lambda u, x: u - Integral(high=[1])(u)), "limit", r"\[1\]"),
        (
            lambda: stated(lambda u, x, y: u - Integral(high=1)(u), Box(x=(0, 1), y=(0, 1))),
            "limits for a single coordinate",
            "high=1",
        ),
        (
            lambda: stated(lambda u, x: u - Integral(lambda u, s: (u, s))(u)),
            "one number at each point",
            "<Field|<Quantity",
        ),
        (lambda: Integral(3.0), "integrand to be a function", "got 3.0"),
        (lambda: Integral(value="1"), "value of Integral", "'1'"),
    ],
)
def test_refused(make, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        PINNEstimator(make(), (4,), activation="tanh").fit()
    assert_advises(caught.value, expected, came)


def test_called_outside_of_a_residual():
    with pytest.raises(TypeError, match="field of the residual") as caught:
        Integral(over="x")(3.0)
    assert_advises(caught.value, "Expected", "got 3.0")
    nested = stated(lambda u, x: u - Integral(lambda u, s: Integral()(u), over="x")(u))
    with pytest.raises(TypeError, match="double integral"):
        PINNEstimator(nested, (4,), activation="tanh").fit()
