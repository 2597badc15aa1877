"""The cases of PINNacle: solutions fulfil what is stated, references agree with other means."""

from pathlib import Path

import numpy as np
import pytest
import torch
from differentiation import derivative
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from test_zoo import inner_points, of_conditions, of_equation

from skngd.pde.residuals.compile import Compiler
from skngd.problems import pinnacle
from skngd.problems.pinnacle import Case, Inverse

DATA = Path(__file__).parent / "data"
# Cases with a solution in closed form, and what that is like a polynomial within.
EXACT = [
    (pinnacle.Wave1d(), (0.03, 0.05)),
    (pinnacle.PNd(), (0.1,) * 5),
    (pinnacle.HNd(), (0.1,) * 6),
    (pinnacle.Heat2dMS(), (0.1, 0.01, 0.1)),
    (pinnacle.Wave2dMS(), (0.03, 0.1, 0.1)),
    (pinnacle.PInv(), (0.1, 0.1)),
    (pinnacle.HInv(), (0.1, 0.1, 0.1)),
]
every_exact_case = pytest.mark.parametrize(
    ("case", "radii"), EXACT, ids=[type(case).__name__ for case, _ in EXACT]
)


@every_exact_case
def test_solution_fulfils_the_equation(case, radii):
    left = of_equation(case, case.solution, radii)
    size = np.abs(of_equation(case, lambda X: 1.1 * case.solution(X), radii)).max()
    assert left.shape[1] == 40
    assert_allclose(left, 0, atol=1e-8 * max(size, 1))


@every_exact_case
def test_solution_fulfils_the_conditions(case, radii):
    rows = list(of_conditions(case, case.solution, radii))
    assert len(rows) == len(case.conditions) > 0
    assert_allclose(np.concatenate([row.ravel() for row in rows]), 0, atol=1e-10)


@every_exact_case
def test_another_function_does_not(case, radii):
    def larger(X):
        return 1.1 * case.solution(X)

    rows = [of_equation(case, larger, radii), *of_conditions(case, larger, radii)]
    assert max(np.abs(row).max() for row in rows) > 0.05


def test_the_solutions_of_the_suite_that_are_wrong():
    def of_suite(X):
        t, x, y = X.T
        shape = np.sin(np.pi * x) * np.sinh(np.pi * y) + np.sinh(3 * np.pi * x) * np.sin(
            2 * np.pi * y
        )
        return shape * np.cos(np.pi * t)

    case, radii = pinnacle.Wave2dMS(), (0.1, 0.05, 0.1)
    assert np.abs(of_equation(case, of_suite, radii)).max() > 1000
    # of u_tt + u_xx + 2 u_yy it is one
    points = inner_points(case)
    (u_tt, u_xx, u_yy) = (
        _second(of_suite, points, axis, radius) for axis, radius in enumerate(radii)
    )
    assert np.abs(u_tt + u_xx + 2 * u_yy).max() < 1e-6 * np.abs(u_xx).max()


def _second(function, points, axis, radius):
    def moved(column):
        X = points.copy()
        X[:, axis] = column
        return function(X)

    return derivative(moved, points[:, axis], 2, radius)


@pytest.mark.parametrize("name", pinnacle.CASES)
def test_each_case_is_complete(name):
    case = getattr(pinnacle, name)()
    assert isinstance(case, Case)
    X, u = case.reference()
    assert X.shape == (len(X), len(case.domain.names))
    assert u.shape == (len(X), len(case.fields))
    assert case.domain.contains(X, tol=1e-6).all()
    assert np.isfinite(u).all()
    assert len(X) > 1000
    kind = {"dtype": torch.float64, "device": "cpu"}
    compiler = Compiler(case, lambda indices: None, torch.clone, kind)
    assert len(compiler.conditions) >= len(case.conditions)
    if isinstance(case, Inverse):
        X, y = case.measured(0)
        assert (y.shape, np.isnan(y[:, 1]).all()) == ((2500, 2), True)
        off = y[:, 0] - case.solution(X)[:, 0]
        assert abs(off.std() - 0.1) < 0.005


def test_every_case_is_listed():
    stated = [v for v in vars(pinnacle).values() if isinstance(v, type) and issubclass(v, Case)]
    assert {one.__name__ for one in stated} - set(pinnacle.CASES) == {"Case", "Flow", "Inverse"}


# references


def _harmonic(X, n_inside=24, n_around=12):
    """Harmonic polynomials; Laurent series and logarithms around the disks and their images."""
    z = X[:, 0] + 1j * X[:, 1]
    columns = [z**k for k in range(n_inside + 1)]
    for centre in (x + 1j * y for x in (-0.7, -0.3, 0.3, 0.7) for y in (-0.7, -0.3, 0.3, 0.7)):
        away = z - centre
        columns += [np.log(np.abs(away)), *((0.1 / away) ** k for k in range(1, n_around + 1))]
    columns = np.stack(columns, axis=1)
    columns = np.hstack([columns.real, columns.imag])
    return columns


def test_reference_of_poisson2dc_is_a_sum_of_harmonic_functions():
    # Trefethen, "Series solution of Laplace problems" (2018)
    case = pinnacle.Poisson2dC()
    on_square = case.domain.boundary(800, "square", random_state=0)[0]
    faces = pinnacle.circles("disk", 4)
    on_disks = case.domain.boundary(800, faces, random_state=1)[0]
    rows = np.concatenate([_harmonic(on_square), _harmonic(on_disks)])
    values = np.repeat([1.0, 0.0], [len(on_square), len(on_disks)])
    coefficients = np.linalg.lstsq(rows, values)[0]
    X, u = case.reference()
    assert np.abs(_harmonic(X) @ coefficients - u[:, 0]).max() < 2e-5


def test_references_meet_the_values_at_the_start_and_on_faces():
    X, u = pinnacle.KS().reference()
    start = X[:, 0] == 0
    assert_allclose(u[start, 0], pinnacle.cosine_and_sine(X[start, 1]), atol=1e-12)
    X, u = pinnacle.Heat2dLT().reference()
    start = X[:, 0] == 0
    assert_allclose(u[start, 0], pinnacle.four_by_three(*X[start, 1:].T), atol=1e-9)
    case = pinnacle.Poisson2dCG()
    X, u = case.reference()
    for x, y, r in case.disks:
        on_circle = np.abs(np.hypot(X[:, 0] - x, X[:, 1] - y) - r) < 1e-7
        assert on_circle.any()
        assert_allclose(u[on_circle], 1, atol=1e-5)


def test_reference_of_ks_is_what_another_integrator_finds():
    n, t = 256, np.linspace(0, 1 / 64, 2)
    k = np.arange(n // 2 + 1)
    x = 2 * np.pi * np.arange(n) / n
    rates = 100 / 16**2 * k**2 - 100 / 16**4 * k**4.0

    def slope(t, c):
        square = np.fft.irfft(c, n) ** 2
        return rates * c - 100 / 32 * 1j * k * np.fft.rfft(square) * (k <= n // 3)

    start = np.fft.rfft(pinnacle.cosine_and_sine(x))
    path = solve_ivp(slope, (0, 1 / 64), start, "DOP853", t, rtol=1e-8, atol=1e-8)
    u = np.fft.irfft(path.y.T, n)[:, ::4]
    assert_allclose(pinnacle.KS().reference()[1].reshape(65, 64)[:2], u, atol=1e-6)


def test_reference_of_poisson2dms_has_the_flux_that_its_sources_ask_for():
    # ∫ u over the boundary is ∫ f/a, by Green's theorem and u_n = −u
    u = pinnacle.Poisson2dMS().reference()[1]
    u = u.reshape(45, 45)
    edges = (
        1.5 * one - 0.5 * two
        for one, two in ((u[0], u[1]), (u[-1], u[-2]), (u[:, 0], u[:, 1]), (u[:, -1], u[:, -2]))
    )
    outflow = sum(edge.sum() for edge in edges) * 20 / 45
    a, c, d = pinnacle.cells()
    assert_allclose(outflow, (16 * (c + 4 / np.pi**2 * d) / a).sum(), rtol=0.02)


def test_references_agree_with_those_of_the_suite():
    """Finite elements of its authors at the same points, of some 1e-4 to 1e-3."""
    for name in ("Poisson2dC", "Poisson2dCG", "NS2dC"):
        case = getattr(pinnacle, name)()
        u = case.reference()[1]
        with np.load(DATA / f"pinnacle_{name.lower()}.npz") as arrays:
            rows, other = arrays["rows"], arrays["u"]
        off = np.linalg.norm(u[rows] - other) / np.linalg.norm(other)
        assert off < 2e-3, name
