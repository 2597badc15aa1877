"""Measurements of derivatives and of combinations."""

import numpy as np
import pytest
from messages import assert_advises
from numpy.testing import assert_allclose

from skngd import PINNEstimator
from skngd.pde import Dirichlet, Interval, Observe, Problem, Unknown


class Rod(Problem):
    """u'' + q = 0 with u = 0 at both ends: u = q x (1 − x) / 2."""

    domain = Interval(0, 1)
    conditions = (Dirichlet(0.0),)
    observed = ("u", Observe("u.x"), Observe(lambda u, x: 2 * u.x + u, name="flux"))

    def __init__(self, q=2.0):
        self.q = q

    def residual(self, u, x):
        return u.xx + self.q


X = np.linspace(0, 1, 20)[:, None]


def measured(q=3.0, noise=0.0):
    x, random = X[:, 0], np.random.RandomState(0)
    u, slope = q * x * (1 - x) / 2, q * (1 - 2 * x) / 2
    return np.stack([u, slope, 2 * slope + u], axis=1) + noise * random.standard_normal((20, 3))


def solver(problem, **settings):
    return PINNEstimator(problem, (12,), activation="tanh", random_state=0, **settings)


@pytest.mark.parametrize("columns", [[1], [2], [0, 1, 2]])
def test_an_unknown_from_what_was_observed(columns):
    y = np.full((20, 3), np.nan)
    y[:, columns] = measured()[:, columns]
    fitted = solver(Rod(Unknown(1.0))).fit(X, y)
    assert_allclose(fitted.unknowns_["q"], 3.0, rtol=1e-8)
    assert fitted.score(X, y) > 1 - 1e-12
    assert_allclose(fitted.predict(X), measured()[:, 0], atol=1e-8)


def test_noise_gives_an_interval():
    y = np.full((20, 3), np.nan)
    y[:, 1] = measured(noise=0.05)[:, 1]
    fitted = solver(Rod(Unknown(1.0))).fit(X, y)
    # the least squares of y = q (1 − 2 x) / 2
    slope = (1 - 2 * X[:, 0]) / 2
    best = slope @ y[:, 1] / (slope @ slope)
    assert_allclose(fitted.unknowns_["q"], best, rtol=1e-5)
    rest = y[:, 1] - best * slope
    expected = np.sqrt(rest @ rest / 19 / (slope @ slope))
    assert_allclose(fitted.unknowns_std_["q"], expected, rtol=1e-3)


class Strange(Rod):
    observed = (Observe("w.x"),)


class NoTuple(Rod):
    observed = "u"


class NoSuchDerivative(Rod):
    observed = (Observe("u.t"),)


@pytest.mark.parametrize(
    ("make", "expected", "came"),
    [
        (lambda: Observe(3.0), "a field, a derivative", "3.0"),
        (lambda: Observe("u.x.x"), "a field, a derivative", "u.x.x"),
        (lambda: Observe("u", name=3), "name to be a word", "3"),
        (lambda: solver(Strange(Unknown(1.0))).fit(X, X), r"the fields \('u',\)", "w.x"),
        (lambda: solver(NoTuple(Unknown(1.0))).fit(X, X), "observed of NoTuple", "'u'"),
        (lambda: solver(Rod(Unknown(1.0))).fit(X, X), "one column for each", r"\(20, 1\)"),
        (lambda: solver(NoSuchDerivative(Unknown(1.0))).fit(X, X), "derivatives in x", "'t'"),
    ],
)
def test_refused(make, expected, came):
    with pytest.raises((ValueError, AttributeError)) as caught:
        make()
    assert_advises(caught.value, expected, came)
