"""Unknown coefficients: what is found, and how sure it is."""

import numpy as np
import pytest
from inverse_cases import NOISE, UNKNOWNS, X, every_transform, found, measured, noisy, sensitivity
from numpy.testing import assert_allclose
from solvers import Rod, error, solver

from skngd.pde import Box, Dirichlet, Problem, Unknown
from skngd.pde.uncertainty import covariance
from skngd.problems.zoo import PredatorPrey

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# What is found


@every_transform
def test_unknown_is_found_from_exact_measurements(transform):
    fitted = found(UNKNOWNS[transform], max_iter=40)
    assert fitted.unknowns_["eps"] == pytest.approx(0.3, rel=1e-5)
    assert fitted.unknowns_std_["eps"] < 1e-5
    assert error(fitted, X) < 1e-5


def test_problem_carries_the_number_that_was_found():
    fitted = found(max_iter=10)
    number = fitted.unknowns_["eps"]
    assert type(number) is float
    assert fitted.problem_.eps == number
    assert fitted.problem_ is not fitted.problem
    assert fitted.problem.eps == UNKNOWNS["low"]
    first, second = fitted.derivative(X, "x"), fitted.derivative(X, "xx")
    assert_allclose(fitted.residual(X), -number * second + first - 1, atol=1e-10)
    assert fitted.history_["eps"][0] == 0.5
    assert fitted.history_["eps"][fitted.history_["loss"].argmin()] == pytest.approx(number)


def test_several_unknowns_of_a_nonlinear_problem():
    class Logistic(Problem):
        """u' = r u (1 − u / k), u(0) = 0.2."""

        domain = Box(t=(0, 4))
        conditions = (Dirichlet(0.2, on="t.min"),)

        def __init__(self, rate=1.0, capacity=1.0):
            self.rate = rate
            self.capacity = capacity

        def residual(self, u, t):
            return u.t - self.rate * u * (1 - u / self.capacity)

    t = np.linspace(0, 4, 30).reshape(-1, 1)
    y = 2 / (1 + 9 * np.exp(-1.5 * t[:, 0]))
    problem = Logistic(Unknown(1.0, low=0), Unknown(1.0, low=0))
    fitted = solver(problem, (8,), max_iter=60).fit(t, y)
    assert fitted.unknowns_ == pytest.approx({"rate": 1.5, "capacity": 2.0}, rel=1e-4)


def test_an_unknown_may_have_the_name_of_a_column_of_the_history():
    t = np.linspace(0, 1, 20).reshape(-1, 1)
    problem = PredatorPrey(beta=Unknown(0.5, low=0))
    fitted = solver(problem, (8,), max_iter=30).fit(t, PredatorPrey().solution(t))
    assert fitted.unknowns_["beta"] == pytest.approx(1.0, rel=0.01)
    assert fitted.history_["beta_"][0] == 0.5


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("function", [False, True], ids=["number", "function"])
def test_unknown_in_a_condition(hard, function):
    class Pulled(Problem):
        domain = Box(x=(0, 1))

        def __init__(self, end):
            self.end = end

        @property
        def conditions(self):
            value = (lambda x: self.end * x) if function else self.end
            return Dirichlet(0.0, on="x.min"), Dirichlet(value, on="x.max", hard=hard)

        def residual(self, u, x):
            return u.xx

    fitted = solver(Pulled(Unknown(1.0)), max_iter=40).fit(X, 3 * X[:, 0])
    assert fitted.unknowns_["end"] == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": None},
        {"momentum": "nesterov", "memory": "difference"},
        {"momentum": "spring"},
        {"projection": "svd", "rcond": 1e-8},
        {"optimizer": "newton", "max_iter": 5},
        {"optimizer": "lbfgs"},
        {"optimizer": "gd"},
        {"variable_projection": False},
        {"resample_every": 3},
    ],
    ids=str,
)
def test_variants_move_the_unknown_with_the_solution(settings):
    fitted = solver(Rod(Unknown(0.5)), **settings).fit(X, Rod(2.0).solution(X))
    assert fitted.loss_ < 0.5 * fitted.loss_curve_[0]
    assert abs(fitted.history_["a"][-1] - 0.5) > 1e-4


# Continued fits


def test_warm_start_continues_the_unknown():
    model = solver(Rod(Unknown(0.5)), warm_start=True, max_iter=4).fit(X, Rod(2.0).solution(X))
    first = model.unknowns_["a"]
    model.fit(X, Rod(2.0).solution(X))
    assert model.history_["a"][0] == pytest.approx(first, rel=1e-12)
    assert abs(model.unknowns_["a"] - 2.0) < abs(first - 2.0)


@pytest.mark.parametrize("unknown", [Unknown(5.0), Unknown(5.0, low=0.1, high=9.0)], ids=str)
def test_warm_start_with_an_unknown_that_is_stated_anew_begins_at_a_number_that_was_named(unknown):
    model = solver(Rod(Unknown(0.5)), warm_start=True, max_iter=4).fit(X, Rod(2.0).solution(X))
    named = model.unknowns_["a"], 5.0
    model.set_params(problem__a=unknown).fit(X, Rod(2.0).solution(X))
    assert min(abs(model.history_["a"][0] - number) for number in named) < 1e-9


def test_warm_start_from_the_forward_solution():
    model = solver(Rod(2.0), warm_start=True).fit()
    model.set_params(problem__a=Unknown(2.1)).fit(X, Rod(2.0).solution(X))
    assert model.history_["a"][0] == 2.1
    assert model.history_["measurements u"][0] < 1e-4
    assert model.unknowns_["a"] == pytest.approx(2.0, rel=1e-4)
    # And back.
    model.set_params(problem__a=2.0).fit()
    assert error(model, X) < 1e-4


# How sure it is


def test_noise_is_estimated_from_the_measurements_alone():
    fitted = noisy()
    residuals = measured(0.01) - fitted.predict(X)
    expected = np.sqrt((residuals**2).sum() / (len(X) - 1))
    assert type(fitted.noise_std_) is float
    assert fitted.noise_std_ == pytest.approx(expected, rel=1e-9)
    assert fitted.noise_std_ == pytest.approx(0.01, rel=0.3)


def test_rows_of_the_equation_do_not_count_as_measurements():
    few, many = noisy(), found(noise=0.01, n_interior=400)
    assert few.noise_std_ == pytest.approx(many.noise_std_, rel=1e-3)
    assert few.unknowns_std_["eps"] == pytest.approx(many.unknowns_std_["eps"], rel=1e-2)


@every_transform
def test_standard_deviation_is_the_cramer_rao_bound(transform):
    fitted = noisy(transform)
    slope = sensitivity(fitted.unknowns_["eps"])
    expected = fitted.noise_std_ / np.linalg.norm(slope)
    assert fitted.unknowns_std_["eps"] == pytest.approx(expected, rel=0.01)


def test_transforms_agree_on_estimate_and_standard_deviation():
    """The delta method: the slope of the transform takes the interval through the bounds."""
    fits = [noisy(transform) for transform in UNKNOWNS]
    estimates, stds = ([getattr(f, name)["eps"] for f in fits] for name in STATE)
    assert_allclose(estimates, estimates[0], rtol=1e-4)
    assert_allclose(stds, stds[0], rtol=1e-3)


STATE = "unknowns_", "unknowns_std_"


def test_standard_deviation_is_proportional_to_the_noise():
    little, more = (found(noise=noise) for noise in (1e-4, 1e-3))
    assert more.noise_std_ == pytest.approx(10 * little.noise_std_, rel=1e-2)
    assert more.unknowns_std_["eps"] == pytest.approx(10 * little.unknowns_std_["eps"], rel=1e-2)


def test_standard_deviation_falls_with_the_root_of_the_number_of_measurements():
    once = noisy()
    # The same residuals four times over: only the degrees of freedom differ.
    many = found(X=np.tile(X, (4, 1)), y=np.tile(measured(0.01), 4), max_iter=40)
    degrees = np.sqrt((len(X) - 1) / (len(X) - 0.25))
    ratio = once.unknowns_std_["eps"] / many.unknowns_std_["eps"]
    assert ratio * degrees == pytest.approx(2.0, rel=1e-3)
    # Other noise, at other points.
    other = np.linspace(0.02, 0.98, 4 * len(X)).reshape(-1, 1)
    many = found(noise=0.01, X=other)
    assert once.unknowns_std_["eps"] / many.unknowns_std_["eps"] == pytest.approx(2.0, rel=0.3)


def test_estimate_of_a_linear_coefficient_is_that_of_least_squares():
    y = Rod(2.0).solution(X) + 0.02 * NOISE[: len(X)]
    fitted = solver(Rod(Unknown(1.0)), max_iter=40).fit(X, y)
    slope = Rod(1.0).solution(X)
    estimate = slope @ y / (slope @ slope)
    noise = np.sqrt(((y - estimate * slope) ** 2).sum() / (len(X) - 1))
    assert fitted.unknowns_["a"] == pytest.approx(estimate, rel=1e-4)
    assert fitted.unknowns_std_["a"] == pytest.approx(noise / np.linalg.norm(slope), rel=1e-3)


def test_interval_covers_the_truth():
    random, covered = np.random.RandomState(0), 0
    for _ in range(12):
        y = Rod(2.0).solution(X) + 0.02 * random.standard_normal(len(X))
        fitted = solver(Rod(Unknown(1.0)), max_iter=20).fit(X, y)
        covered += abs(fitted.unknowns_["a"] - 2.0) < 1.96 * fitted.unknowns_std_["a"]
    assert covered >= 9


@pytest.mark.parametrize(
    ("unknown", "inside"),
    [
        (Unknown(0.5, low=0.4, high=1.0), (0.4, 1.0)),
        (Unknown(0.5, low=0.4), (0.4, np.inf)),
        (Unknown(0.1, high=0.2), (-np.inf, 0.2)),
    ],
    ids=str,
)
def test_bounds_are_kept(unknown, inside):
    """The truth, 0.3, lies outside."""
    with pytest.warns(UserWarning, match="eps is at its bound"):
        fitted = found(unknown, noise=0.01)
    path = fitted.history_["eps"]
    assert ((inside[0] <= path) & (path <= inside[1])).all()
    nearest = min(inside, key=lambda bound: abs(bound - 0.3))
    assert fitted.unknowns_["eps"] == pytest.approx(nearest, rel=0.05)


class Twice(Rod):
    """u'' + a + b = 0: measurements tell the sum only."""

    def __init__(self, a=1.0, b=2.0):
        super().__init__(a)
        self.b = b

    def residual(self, u, x):
        return u.xx + self.a + self.b


def test_what_measurements_do_not_tell_has_an_infinite_standard_deviation():
    y = Rod(4.0).solution(X) + 0.01 * NOISE[: len(X)]
    with pytest.warns(UserWarning, match="do not determine a, b"):
        fitted = solver(Twice(Unknown(1.0), Unknown(2.0)), max_iter=40).fit(X, y)
    assert sum(fitted.unknowns_.values()) == pytest.approx(4.0, rel=0.05)
    assert min(fitted.unknowns_std_.values()) > 1e3


def test_a_noise_that_cannot_be_estimated_is_no_certainty():
    """One measurement and one unknown leave nothing to estimate the noise from."""
    with pytest.warns(UserWarning, match="more measurements than unknown coefficients"):
        fitted = solver(Rod(Unknown(1.0)), max_iter=40).fit([[0.5]], [0.3])
    assert not fitted.unknowns_std_["a"] < 1.0


def test_problems_without_unknowns_have_no_standard_deviations():
    fitted = solver(Rod(), max_iter=2).fit(X, Rod().solution(X))
    assert fitted.unknowns_ == fitted.unknowns_std_ == {}


def test_information_within_rounding_is_none():
    seen = np.random.RandomState(0).standard_normal((50, 1)) * [1.0, 1.0 + 1e-14]
    found, noise = covariance(seen.T @ seen, np.full(50, 0.01), np.ones(50))
    assert (np.diag(found) == np.inf).all()
    assert noise == pytest.approx(0.01, rel=0.03)
    # A hundred thousand times less of it is information.
    seen[:, 1] = 1e-5 * np.random.RandomState(1).standard_normal(50)
    found, _ = covariance(seen.T @ seen, np.full(50, 0.01), np.ones(50))
    assert np.isfinite(found).all()
