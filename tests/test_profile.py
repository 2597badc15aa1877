"""Intervals by fits that hold an unknown fixed, and where one more measurement tells most."""

import warnings

import numpy as np
import pytest
from messages import assert_advises
from numpy.testing import assert_allclose
from scipy.stats import norm
from solvers import solver
from test_unknown_values import SLOPE, Rod

from skngd import NaturalMomentumRegressor
from skngd.inspection import next_measurement, profile_likelihood
from skngd.pde import Unknown

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.linspace(0.1, 0.9, 9).reshape(-1, 1)
NETWORK = {"hidden_layer_sizes": (5,), "max_iter": 10, "estimate_error": True}
# Of Rod.solution for C and D² of one.
PARTS = np.stack([np.sinh(1 - X[:, 0]), np.cosh(X[:, 0])], axis=1) / np.cosh(1)


def measured(noise, seed=0):
    return Rod().solution(X) + noise * np.random.RandomState(seed).standard_normal(len(X))


@pytest.fixture(scope="module")
def both():
    """C enters linearly, D as D²: with much noise its interval is lopsided."""
    y = measured(0.1)
    return solver(Rod(C=Unknown(0.3), D=Unknown(1.0, low=0)), **NETWORK).fit(X, y), y


@pytest.fixture(scope="module")
def linear():
    y = measured(0.05)
    return solver(Rod(C=Unknown(0.3)), **NETWORK).fit(X, y), y


def test_in_a_linear_problem_it_is_the_linear_interval(linear):
    (fitted, y), level = linear, 0.68
    found = profile_likelihood(fitted, X, y, "C", level=level)
    assert_allclose([found.low, found.high], found.linear, rtol=1e-3)
    half = norm.ppf(0.5 + level / 2) * fitted.unknowns_std_["C"]
    assert_allclose(found.linear[1] - fitted.unknowns_["C"], half)
    # The deviance is the square of the distance in standard deviations.
    z = (found.values - fitted.unknowns_["C"]) / fitted.unknowns_std_["C"]
    assert_allclose(found.deviances, z**2, rtol=1e-3, atol=1e-6)


def test_in_a_nonlinear_problem_it_is_that_of_a_dense_grid(both):
    fitted, y = both
    found = profile_likelihood(fitted, X, y, "D")
    D = np.linspace(0.0, 1.5, 3001)
    # For each D the best C, by the solution that is known.
    left = y[:, None] - PARTS[:, 1:] * D**2
    left = left - PARTS[:, :1] * (PARTS[:, 0] @ left / (PARTS[:, 0] @ PARTS[:, 0]))
    squares = (left**2).sum(axis=0)
    deviance = (len(X) - 2) * (squares / squares.min() - 1)
    inside = D[deviance <= norm.ppf(0.975) ** 2]
    assert_allclose([found.low, found.high], [inside[0], inside[-1]], atol=2e-3)
    middle = fitted.unknowns_["D"]
    assert middle - found.low > 1.1 * (found.high - middle)


def test_a_bound_is_the_end_where_no_value_is_refused():
    y = 0.05 * np.random.RandomState(1).standard_normal(len(X)) + PARTS[:, 0] * SLOPE
    fitted = solver(Rod(D=Unknown(0.5, low=0)), **NETWORK)
    with warnings.catch_warnings():
        # It is at its bound.
        warnings.simplefilter("ignore")
        fitted.fit(X, y)
    found = profile_likelihood(fitted, X, y, "D")
    assert found.low == 0.0
    assert 0.1 < found.high < 0.6


def test_one_more_measurement_does_what_was_said(both):
    fitted, y = both
    candidates = np.linspace(0, 1, 11).reshape(-1, 1)
    found = next_measurement(fitted, candidates, of="D")
    # By least squares, with the noise that was seen.
    slopes = np.diag([1.0, 2 * fitted.unknowns_["D"]])
    rows = PARTS @ slopes
    for number in (found.best, 3):
        x = candidates[number]
        row = np.array([np.sinh(1 - x[0]), np.cosh(x[0])]) / np.cosh(1) @ slopes
        more = np.vstack([rows, row])
        expected = fitted.noise_std_ * np.sqrt(np.diag(np.linalg.inv(more.T @ more)))
        assert_allclose([found.std["C"][number], found.std["D"][number]], expected, rtol=1e-3)
        areas = [np.linalg.det(np.linalg.inv(one.T @ one)) ** 0.5 for one in (more, rows)]
        assert found.volume[number] == pytest.approx(areas[0] / areas[1], rel=1e-3)
    assert found.best == found.std["D"].argmin()
    # A fit with it, in units of its own noise.
    x = candidates[[found.best]]
    again = solver(Rod(C=Unknown(0.3), D=Unknown(1.0, low=0)), **NETWORK)
    again.fit(np.vstack([X, x]), np.append(y, fitted.predict(x)))
    ratio = again.unknowns_std_["D"] / again.noise_std_
    assert ratio == pytest.approx(found.std["D"][found.best] / fitted.noise_std_, rel=1e-2)


def test_the_ellipsoid_shrinks_most_where_the_band_is_widest(both):
    fitted, _ = both
    candidates = np.linspace(0, 1, 21).reshape(-1, 1)
    found = next_measurement(fitted, candidates)
    assert found.best == fitted.predict(candidates, return_std=True)[1].argmax()
    assert found.field == "u"


def test_bad_input(both, linear):
    fitted, y = both
    with pytest.raises(ValueError, match="name of an unknown") as caught:
        profile_likelihood(fitted, X, y, "E")
    assert_advises(caught.value, "['C', 'D']", "'E'")
    with pytest.raises(ValueError, match="level between 0 and 1"):
        profile_likelihood(fitted, X, y, "C", level=95)
    with pytest.raises(ValueError, match="more measurements than unknown"):
        profile_likelihood(fitted, X[:2], y[:2], "C")
    with pytest.raises(ValueError, match="name of an unknown"):
        next_measurement(fitted, X, of="E")
    with pytest.raises(TypeError, match="Expected a PINNEstimator with a problem"):
        next_measurement(NaturalMomentumRegressor((2,), max_iter=2).fit(X, y), X)
    solved = solver(Rod(), **NETWORK).fit()
    with pytest.raises(ValueError, match="noisy measurements that determine") as caught:
        next_measurement(solved, X)
    assert_advises(caught.value, "unknowns_std_", "Use such a fit")
