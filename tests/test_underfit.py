"""Errors of neighbouring rows that are alike are said."""

import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor
from skngd.estimators.rows.underfit import correlation, neighbours


def test_independent_errors_are_within_the_bound():
    rng = np.random.RandomState(0)
    for n in (50, 500, 5000):
        pairs = neighbours(rng.uniform(size=(n, 2)))
        found, bound, _ = correlation(rng.standard_normal((n, 3))[pairs])
        assert found.max() < bound


def test_the_missed_variance_is_that_of_the_signal():
    """Beside noise of variance 4, a wave of variance ½ that a fit has missed."""
    rng = np.random.RandomState(0)
    x = rng.uniform(size=(5000, 1))
    errors = np.sin(30 * x) + 2 * rng.standard_normal(x.shape)
    found, bound, missed = correlation(errors[neighbours(x)])
    assert missed[0] == pytest.approx(0.5, abs=0.2)
    assert bound < found[0] == pytest.approx(0.5 / 4.5, abs=0.05)


def test_rows_that_are_there_twice_are_no_neighbours():
    rows = np.random.RandomState(0).uniform(size=(40, 2))
    assert neighbours(np.repeat(rows, 2, axis=0)) is None
    pairs = neighbours(np.repeat(rows[:, :1], 2, axis=0))
    assert len(pairs) == 39


def draw(n, n_waves, seed=0):
    rng = np.random.RandomState(seed)
    x = rng.uniform(size=(n, 1))
    return x, np.sin(2 * np.pi * n_waves * x[:, 0]), rng


@pytest.mark.parametrize(("n_waves", "is_said"), [(20, True), (1, False)])
def test_waves_that_a_fit_misses_are_said_beside_much_noise(n_waves, is_said):
    x, signal, rng = draw(1000, n_waves)
    y = signal + rng.standard_normal(len(x))
    labels = rng.uniform(size=len(x)) < expit(3 * signal)
    for fit, target in (
        (NaturalMomentumRegressor((10,), n_init=1, random_state=0), y),
        (NaturalMomentumClassifier(alpha="auto", n_init=1, random_state=0), labels),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit.fit(x, target)
        told = [one for one in caught if issubclass(one.category, ConvergenceWarning)]
        assert ("Errors of neighbouring rows" in fit.stop_reason_) is is_said
        assert bool(told) is is_said
