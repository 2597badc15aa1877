"""Each numerical solution fulfils its equation and its conditions, and meets a reference.

The files in data/ are thinned copies, every tenth time and every point, of solutions that were
computed by other programs: burgers.npz for nu = 0.01/pi by the Cole-Hopf formula (to 1e-12), and
allen_cahn.npz for eps = 1e-3 by Chebyshev polynomials and ETDRK4 (to about 1e-8). Arrays t (n_t,),
x (n_x,), u (n_t, n_x).
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from differentiation import derivative
from messages import assert_advises
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad

from skngd.problems import evolution
from skngd.problems.solutions import allen_cahn, burgers, heat, predator_prey

# at t = 0 the solutions are continuous, but not all their derivatives are
T, X = np.meshgrid(np.linspace(0.1, 0.9, 9), np.linspace(-0.9, 0.9, 37), indexing="ij")


@pytest.mark.parametrize("nu", [1e-3, 0.01 / np.pi, 0.05, 1.0])
def test_burgers_fulfils_its_equation(nu):
    radius = min(nu, 0.05)
    # the shock at x = 0 included, with its slope of about 1 / nu
    t, x = np.append(T, [0.2, 0.5, 0.9]), np.append(X, [nu / 2, nu, 2 * nu])
    u = burgers(t, x, nu)
    u_t = derivative(lambda t: burgers(t, x, nu), t, 1, radius)
    u_x = derivative(lambda x: burgers(t, x, nu), x, 1, radius)
    u_xx = derivative(lambda x: burgers(t, x, nu), x, 2, radius)
    scale = np.maximum(1, np.abs(u * u_x))
    assert_allclose((u_t + u * u_x - nu * u_xx) / scale, 0, atol=2e-7)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("nu", [1e-4, 1e-3, 0.01 / np.pi, 0.1, 1.0, 10.0])
def test_burgers_has_its_initial_and_boundary_values_and_symmetry(nu):
    t, x = np.linspace(0, 1, 11), np.linspace(-1, 1, 33)
    assert_allclose(burgers(0, x, nu), -np.sin(np.pi * x), atol=1e-15)
    u = burgers(t[:, np.newaxis], x, nu)
    assert_allclose(u[:, [0, 16, -1]], 0, atol=1e-13)
    assert_allclose(u[:, ::-1], -u, atol=1e-13)
    # the maximum principle: no value leaves the range of the initial ones
    assert (u[:, :17] >= -1e-13).all()
    assert (u[:, :17] <= 1).all()
    # continuous in t at 0
    assert_allclose(burgers(1e-12, x, nu), u[0], atol=1e-9)


def test_burgers_with_much_viscosity_is_the_heat_equation():
    x = np.linspace(-1, 1, 9)
    assert_allclose(burgers(1e-3, x, 100.0), -heat(1e-3, x, 100.0), atol=2e-4)


def test_burgers_meets_the_reference():
    with np.load(Path(__file__).parent / "data" / "burgers.npz") as reference:
        t, x, u, nu = (reference[name] for name in ("t", "x", "u", "nu"))
    assert_allclose(burgers(t[:, np.newaxis], x, nu), u, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("t", "x", "nu", "u"),
    [  # quadrature with 40 digits
        (1.0, 0.002, 0.001, -0.45962510732111171),
        (0.3, 0.05, 0.001, -0.76187976351173178),
        (0.5, -0.01, 0.003183098861837907, 0.89804964225282784),
        (0.2, 0.7, 0.1, -0.50694202027259684),
        (0.5, -0.4, 1.0, 0.0068207263323092497),
    ],
)
def test_burgers_to_the_last_digits(t, x, nu, u):
    assert_allclose(burgers(t, x, nu), u, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("t", "x", "nu"), [(0.3, 0.4, 0.05), (0.9, -0.1, 0.2), (3.0, 0.4, 0.1)])
def test_burgers_agrees_with_adaptive_quadrature(t, x, nu):
    def weight(y):
        return np.exp(-((x - y) ** 2) / (4 * nu * t) - np.cos(np.pi * y) / (2 * np.pi * nu))

    def integral(f):
        return quad(f, x - 8, x + 8, epsabs=0, epsrel=1e-12, limit=500, points=[x])[0]

    ratio = integral(lambda y: np.sin(np.pi * y) * weight(y)) / integral(weight)
    assert_allclose(burgers(t, x, nu), -ratio, rtol=0, atol=1e-11)


@pytest.mark.parametrize("eps", [1e-4, 1e-3, 1e-2, 1.0])
def test_allen_cahn_fulfils_its_equation(eps):
    x_radius = min(0.3 * np.sqrt(eps), 0.05)
    u = allen_cahn(T, X, eps)
    u_t = derivative(lambda t: allen_cahn(t, X, eps), T, 1, 0.03)
    u_xx = derivative(lambda x: allen_cahn(T, x, eps), X, 2, x_radius)
    assert_allclose(u_t - eps * u_xx, 5 * (u - u**3), rtol=0, atol=1e-8)


@pytest.mark.parametrize("eps", [1e-4, 1e-3, 1.0])
def test_allen_cahn_has_its_initial_and_boundary_values_and_symmetry(eps):
    t, x = np.array([0, 1e-6, 0.01, 0.3, 1.0])[:, np.newaxis], np.linspace(-1, 1, 401)
    u = allen_cahn(t, x, eps)
    assert_allclose(u[0], x**2 * np.cos(np.pi * x), atol=1e-12)
    assert_allclose(u[:, [0, -1]], -1, atol=1e-14)
    assert_allclose(u[:, ::-1], u, rtol=0, atol=1e-13)
    assert np.abs(u).max() <= 1 + 1e-12
    assert_allclose(u[1], u[0], atol=1e-4)


def test_allen_cahn_depends_on_the_product_of_rate_and_time():
    # u(t; eps, rate) = u(c t; eps / c, rate / c)
    assert_allclose(allen_cahn(T, X, 2e-3, 10.0), allen_cahn(2 * T, X, 1e-3, 5.0), atol=1e-9)


def test_allen_cahn_meets_the_reference():
    with np.load(Path(__file__).parent / "data" / "allen_cahn.npz") as reference:
        t, x, u, eps = (reference[name] for name in ("t", "x", "u", "eps"))
    assert_allclose(allen_cahn(t[:, np.newaxis], x, eps), u, rtol=0, atol=2e-9)


def test_allen_cahn_does_not_depend_on_the_end_of_the_path():
    t = np.append(T, 1.5)
    assert_array_equal(allen_cahn(t, np.append(X, 0.5))[:-1], allen_cahn(T, X).ravel())


COEFFICIENTS = {"alpha": 1.1, "beta": 0.4, "delta": 0.1, "gamma": 0.4, "start": (10.0, 5.0)}


@pytest.mark.parametrize("given", [{}, COEFFICIENTS], ids=["default", "given"])
def test_predator_prey_fulfils_its_equations_and_conservation_law(given):
    names = ("alpha", "beta", "delta", "gamma")
    defaults = zip(names, (1.5, 1.0, 1.0, 1.0), strict=True)
    alpha, beta, delta, gamma = (given.get(name, value) for name, value in defaults)
    t = np.linspace(0, 20, 401)
    u, v = predator_prey(t, **given).T
    assert (u[0], v[0]) == given.get("start", (2.0, 1.0))
    inside = t[1:-1]
    slopes = derivative(lambda t: predator_prey(t, **given), inside, radius=0.05).T
    rates = [alpha * u - beta * u * v, delta * u * v - gamma * v]
    assert_allclose(slopes, np.array(rates)[:, 1:-1], atol=1e-8)
    kept = delta * u - gamma * np.log(u) + beta * v - alpha * np.log(v)
    assert_allclose(kept, kept[0], rtol=0, atol=1e-11)


def test_predator_prey_rests_in_its_equilibrium_and_has_its_period_near_it():
    t = np.linspace(0, 5, 11)
    assert_allclose(predator_prey(t, start=(1.0, 1.5)), [[1.0, 1.5]] * 11, rtol=1e-12)
    period = 2 * np.pi / np.sqrt(1.5)
    near = predator_prey([0, period], start=(1.001, 1.5))
    assert_allclose(near[0], near[1], atol=1e-8)


# all that depend on time


@pytest.mark.parametrize(
    ("solution", "parameters"),
    [(heat, [0.25, 1.0, 2.0]), (burgers, [0.01, 0.1, 1.0]), (allen_cahn, [0.01, 0.1, 1.0])],
)
def test_shapes_broadcast_and_parameters_can_be_columns(solution, parameters):
    t, x = np.linspace(0, 1, 4)[:, np.newaxis, np.newaxis], np.linspace(-1, 1, 5)[:, np.newaxis]
    u = solution(t, x, np.array(parameters))
    assert u.shape == (4, 5, 3)
    assert u.dtype == np.float64
    for k, value in enumerate(parameters):
        assert_allclose(u[..., k], solution(t[..., 0], x[:, 0], value), atol=1e-14)
    assert solution(np.zeros(0), np.zeros(0), parameters[0]).shape == (0,)
    assert_allclose(solution(1, 1 / 4, parameters[0]), solution([1.0], [0.25], parameters[0])[0])


@pytest.mark.parametrize("solution", [burgers, allen_cahn])
def test_blocks_of_points_change_nothing(solution, monkeypatch):
    t, x = T.ravel(), X.ravel()
    whole = solution(t, x, 0.01)
    monkeypatch.setattr(evolution, "BLOCK", 2000)
    assert_allclose(solution(t, x, 0.01), whole, rtol=0, atol=1e-14)
    shuffled = np.random.default_rng(0).permutation(len(t))
    assert_allclose(solution(t[shuffled], x[shuffled], 0.01), whole[shuffled], rtol=0, atol=1e-14)


def test_paths_are_computed_once_and_serve_several_threads():
    evolution._allen_cahn_path.cache_clear()
    whole = allen_cahn(T, X)
    with ThreadPoolExecutor(3) as pool:
        for u in pool.map(lambda _: allen_cahn(T, X), range(6)):
            assert_array_equal(u, whole)
    assert evolution._allen_cahn_path.cache_info().misses == 1


# bad input


@pytest.mark.parametrize(
    ("call", "expected", "came"),
    [
        (lambda: burgers(-0.5, 0, 0.1), "t to be finite and at least 0", "got -0.5"),
        (lambda: burgers([0, np.nan], 0, 0.1), "t to be finite and at least 0", "got nan"),
        (lambda: burgers(0.5, 0, 0), "nu to be positive", "got 0"),
        (lambda: burgers(0.5, 0, [1, np.inf]), "nu to be positive and finite", "got inf"),
        (lambda: allen_cahn(-1, 0), "t to be finite and at least 0", "got -1"),
        (lambda: allen_cahn(0, -1.5), r"x in \[-1, 1\]", "1.5"),
        (lambda: allen_cahn(0, np.nan), r"x in \[-1, 1\]", "nan"),
        (lambda: allen_cahn(0, 0, eps=-1e-3), "eps to be positive", "got -0.001"),
        (lambda: allen_cahn(0, 0, rate=0), "rate to be positive", "got 0"),
        (lambda: predator_prey(np.inf), "t to be finite", "got inf"),
        (lambda: predator_prey(1, gamma=-1), "gamma to be positive", "got -1"),
        (lambda: predator_prey(1, start=(1, 0)), "start to be positive", "got 0"),
        (lambda: predator_prey(1, start=(1, 2, 3)), "start to be two", r"\(3,\)"),
    ],
)
def test_bad_input_is_answered_with_advice(call, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        call()
    assert_advises(caught.value, expected, came)
