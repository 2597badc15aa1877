"""The error of inverse problems, equation (Err): the unknowns move with the solution."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.optimize import curve_fit
from solvers import solver
from test_unknown_values import END, SLOPE, Rod

from skngd import PINNEstimator
from skngd.estimators.accuracy import error, linearised, straight
from skngd.estimators.accuracy.linearised import huber, least_squares
from skngd.estimators.starts import guesses
from skngd.pde import Box, Dirichlet, Equation, Initial, Neumann, Problem, Unknown
from skngd.pde.checks import check_problem
from skngd.problems import zoo

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.linspace(0.1, 0.9, 19).reshape(-1, 1)
NODES = np.linspace(0, 1, 11).reshape(-1, 1)
NETWORK = {"hidden_layer_sizes": (8,), "max_iter": 20, "estimate_error": True}


def exact(C, D):
    """Rod.solution, written down once more, for any coefficients."""

    def solution(x):
        return (C * np.sinh(1 - x[:, 0]) + D**2 * np.cosh(x[:, 0])) / np.cosh(1)

    return solution


@pytest.mark.parametrize("hard", [False, True])
def test_unknowns_and_their_covariance_are_those_of_least_squares(hard):
    """Of the exact solution, by scipy: equation and conditions are constraints."""
    y = Rod().solution(X) + 0.02 * np.random.RandomState(0).standard_normal(len(X))
    problem = Rod(C=Unknown(0.3), D=Unknown(1.0, low=0), hard=hard)
    fitted = solver(problem, **NETWORK).fit(X, y)
    best, covariance = curve_fit(lambda x, *C: exact(*C)(x.reshape(-1, 1)), X[:, 0], y, (0.3, 1.0))
    assert_allclose(list(fitted.unknowns_.values()), best, rtol=1e-5)
    assert_allclose(fitted.unknowns_cov_, covariance, rtol=1e-3)
    std = np.sqrt(np.diag(covariance))
    assert_allclose(list(fitted.unknowns_std_.values()), std, rtol=1e-3)
    assert fitted.unknowns_["C"] == fitted.problem_.C
    # The band is what the noise does to the solution through the unknowns.
    u, band = fitted.predict(NODES, return_std=True)
    assert_allclose(u, exact(*best)(NODES), atol=1e-6)
    steps = 1e-6 * np.eye(2)
    slopes = [(exact(*(best + h))(NODES) - exact(*(best - h))(NODES)) / 2e-6 for h in steps]
    expected = np.sqrt(np.einsum("im,ij,jm->m", slopes, covariance, slopes))
    assert_allclose(band, expected, rtol=1e-3)
    size = np.linalg.norm(expected) / np.linalg.norm(u)
    assert fitted.error_estimate_["u"] == pytest.approx(size, rel=0.2)
    assert f"with that by noise: {fitted.error_estimate_['u']:.1e}" in fitted.stop_reason_


def test_noise_does_not_bend_the_physics():
    """Whatever the weight of the measurements in the fit, the answer is the constrained one."""
    rng = np.random.RandomState(1)
    heat = zoo.Heat(kappa=0.25)
    points = heat.domain.sample(40, random_state=2)
    y = heat.solution(points) + 0.3 * rng.standard_normal(40)
    answer = solver(heat, **NETWORK).fit(points, y)
    inside = heat.domain.sample(200, random_state=3)
    bent = solver(heat, **NETWORK, measurement_weight=0.01).fit(points, y)
    errors = [np.abs(one.predict(inside) - heat.solution(inside)).max() for one in (answer, bent)]
    assert errors[0] < 1e-3 < errors[1]


class Eigen(Problem):
    """u\u2033 + λ u = 0 with u\u2032(0) = 1: determined by its conditions."""

    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0), Neumann(-1.0, on="x.min"))

    def __init__(self, lam):
        self.lam = lam

    def residual(self, u, x):
        return u.xx + self.lam * u


def test_an_eigenvalue_needs_no_measurements():
    fitted = solver(Eigen(Unknown(5.0, low=0)), **NETWORK).fit()
    assert fitted.unknowns_["lam"] == pytest.approx(np.pi**2, abs=1e-8)
    assert abs(fitted.unknowns_["lam"] - np.pi**2) < 5 * fitted.unknowns_std_["lam"]
    assert fitted.noise_std_ is None
    assert_allclose(fitted.predict(NODES), np.sin(np.pi * NODES[:, 0]) / np.pi, atol=1e-9)


def test_the_error_of_an_eigenvalue_is_estimated(monkeypatch):
    monkeypatch.setattr(error, "ERROR_LEFT", 0.0)
    fitted = solver(Eigen(Unknown(5.0, low=0)), **{**NETWORK, "max_iter": 8}).fit()
    true = abs(fitted.unknowns_["lam"] - np.pi**2)
    assert true > 1e-9
    assert fitted.unknowns_std_["lam"] == pytest.approx(true, rel=0.5)


def test_what_neither_measurements_nor_conditions_determine_is_said():
    class Loaded(Eigen):
        conditions = (Dirichlet(0.0),)

        def residual(self, u, x):
            return u.xx + self.lam

    with pytest.warns(UserWarning, match="not determine its solution: lam may have any value"):
        fitted = solver(Loaded(Unknown(5.0)), **NETWORK).fit()
    assert fitted.unknowns_std_["lam"] == np.inf


def test_both_coefficients_of_the_rod_without_noise():
    fitted = solver(Rod(C=Unknown(0.3), D=Unknown(1.0)), **NETWORK).fit(X, Rod().solution(X))
    true = np.array([SLOPE, END])
    off = np.abs(np.array(list(fitted.unknowns_.values())) - true)
    assert (off < 5 * np.array(list(fitted.unknowns_std_.values()))).all()
    assert off.max() < 1e-10


def test_huber_solves_its_equation_and_forgets_the_size_of_outliers():
    rng = np.random.RandomState(3)
    a, b = torch.tensor(rng.standard_normal((200, 3))), torch.tensor(rng.standard_normal(200))
    x, told = huber(a, b)
    r = b + a @ x
    k = linearised.TUNING * float(r.abs().median()) / linearised.NORMAL_MEDIAN
    assert_allclose((a.T @ r.clamp(-k, k)).numpy(), 0, atol=1e-4)
    # Of a normal noise the variance is that of least squares, but for five percent.
    plain = least_squares(a, b)[1]
    assert float(told.square().mean() / plain.square().mean()) == pytest.approx(1.05, abs=0.1)
    far, farther = b.clone(), b.clone()
    far[:20], farther[:20] = 1e3, 1e6
    assert_allclose(huber(a, far)[0].numpy(), huber(a, farther)[0].numpy(), rtol=1e-6)
    assert float((huber(a, far)[0] - x).abs().max()) < 0.5


def test_outliers_do_not_move_an_unknown():
    rng = np.random.RandomState(4)
    y = Rod().solution(X) + 0.005 * rng.standard_normal(len(X))
    y[[3, 11]] += 0.5
    problem, robust = Rod(C=Unknown(0.3)), {"measurement_loss": "huber"}
    fits = [solver(problem, **NETWORK, **more).fit(X, y) for more in ({}, robust)]
    off = [abs(fit.unknowns_["C"] - SLOPE) for fit in fits]
    assert off[1] < 0.2 * off[0]
    assert off[1] < 3 * fits[1].unknowns_std_["C"] < 0.03
    with pytest.warns(UserWarning, match="were fitted by least squares"):
        solver(problem, **{**NETWORK, "estimate_error": False}, **robust).fit(X, y)


def swing(u, t, w):
    return u.tt + w**2 * u


def swinging(w):
    conditions = Initial(1.0), Initial(0.0, derivative=1)
    coefficients = {"w": w}
    return Problem.from_function(swing, Box(t=(0, 10)), conditions, coefficients=coefficients)


def test_other_first_guesses_lead_out_of_another_minimum():
    t = np.random.RandomState(0).uniform(0, 10, (40, 1))
    settings = {"activation": "sin", "max_iter": 200, "n_interior": 100}
    fitted = solver(swinging(Unknown(1.0, low=0)), (32,), **settings).fit(t, np.cos(5 * t[:, 0]))
    assert fitted.unknowns_["w"] == pytest.approx(5.0, rel=1e-6)
    assert "other first guesses of the unknown coefficients w=" in fitted.stop_reason_
    assert "explains 100 %" in fitted.stop_reason_
    assert len(fitted.history_["w"]) == fitted.n_iter_ + 1 <= 201
    # The starts that raced then are there, too.
    assert len(fitted.candidates_["round"]) > 1
    assert fitted.problem.unknowns["w"].start == 1.0


def test_another_minimum_is_said():
    t = np.random.RandomState(0).uniform(0, 10, (40, 1))
    problem = swinging(Unknown(1.0, low=0, high=2.0))
    with pytest.warns(UserWarning, match="explains . % of .* measurements u, and 3. other first"):
        fitted = solver(problem, max_iter=200).fit(t, np.cos(5 * t[:, 0]))
    assert "none leads to more" in fitted.stop_reason_


@pytest.mark.parametrize("unknown", [Unknown(2.0), Unknown(2.0, low=1), Unknown(2.0, high=3)])
def test_guesses_are_of_all_sizes(unknown):
    tried = [x for x in guesses._coarse(unknown, 2.0) if unknown.allows(x)]
    away = np.abs(np.array(tried) - guesses._origin(unknown))
    start = abs(2.0 - guesses._origin(unknown))
    assert_allclose([away.min(), away.max()], [start / 16, 16 * start])


@pytest.mark.parametrize(
    ("residual", "unknowns"),
    [
        (lambda u, x, a, b: a * u.xx - b * u.x, {"a": Unknown(1.0), "b": Unknown(2.0, low=0)}),
        (lambda u, x, a: a * u.xx, {"a": Unknown(1.0)}),
        (lambda u, x, a, b: (a * u.xx + b, u.x - u.x), {"a": Unknown(1.0), "b": Unknown(0.0)}),
    ],
    ids=["two", "one", "beside another row"],
)
def test_unknowns_that_a_common_factor_does_not_change_are_refused(residual, unknowns):
    ends = Dirichlet(0.0, on="x.min"), Dirichlet(1.0, on="x.max")
    problem = Problem.from_function(residual, Box(x=(0, 1)), ends, coefficients=unknowns)
    with pytest.raises(ValueError, match="multiplied by any number") as caught:
        solver(problem).fit(X, X[:, 0])
    assert "Give one of them as a number" in str(caught.value)


def test_a_flux_determines_what_a_common_factor_would_not():
    ends = Dirichlet(0.0, on="x.min"), Equation(lambda u, x, a: a * u.x - 1, on="x.max")
    problem = Problem.from_function(
        lambda u, x, a: a * u.xx, Box(x=(0, 1)), ends, coefficients={"a": Unknown(1.0)}
    )
    fitted = solver(problem, **NETWORK).fit(X, 0.5 * X[:, 0])
    assert fitted.unknowns_["a"] == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("size", [1e-15, 1.0, 1e15])
def test_no_unit_looks_like_a_common_factor(size):
    problem = Problem.from_function(
        lambda u, t, a: u.t + size * a * u**2,
        Box(t=(0, 1)),
        (Initial(1.0),),
        coefficients={"a": Unknown(1.0, low=0)},
    )
    check_problem(problem)


def test_what_the_equation_can_meet_takes_the_place_of_measurements(monkeypatch):
    """Noise of 10 % does not bend the equation: all residuals vanish, at least-squares unknowns."""
    monkeypatch.setattr(straight, "BENT", 0.0)

    def solution(t, k, order):
        return (1 + (order - 1) * k * t) ** (-1 / (order - 1))

    decay = Problem.from_function(
        lambda u, t, k, order: u.t + k * u**order,
        Box(t=(0, 5)),
        [Initial(1.0)],
        coefficients={"k": Unknown(0.5, low=0), "order": Unknown(2.0, low=1, high=4)},
    )
    t = np.linspace(0.1, 5, 30)
    y = solution(t, 0.8, 1.5) + 0.1 * np.random.default_rng(0).standard_normal(30)
    y[3] = np.nan
    solver = PINNEstimator(
        decay, (8,), activation="tanh", n_interior=40, max_iter=80, random_state=0
    ).fit(t[:, None], y)
    seen = np.isfinite(y)
    expected, covariance = curve_fit(solution, t[seen], y[seen], p0=[0.8, 1.5])
    std = np.sqrt(np.diag(covariance))
    assert solver.loss_ < 1e-10
    assert_allclose(list(solver.unknowns_.values()), expected, atol=0.01 * std.min())
    assert_allclose(list(solver.unknowns_std_.values()), std, rtol=0.01)
