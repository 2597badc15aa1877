"""Measurements with outliers, and those of another equation."""

import warnings

import numpy as np
import pytest

from skngd import PINNEstimator
from skngd.pde import Box, Initial, Problem, Unknown

T = np.linspace(0.05, 3, 60)[:, None]


class Decay(Problem):
    domain = Box(t=(0, 3))
    conditions = (Initial(1.0),)

    def __init__(self, k):
        self.k = k

    def residual(self, u, t):
        return u.t + self.k * u


def noisy(values, seed=0):
    return values + 0.02 * np.random.RandomState(seed).standard_normal(len(values))


def with_outliers(factor):
    y = noisy(np.exp(-T[:, 0]))
    y[::12] *= factor
    return y


def fitted(y, **settings):
    given = {"hidden_layer_sizes": (12,), "activation": "tanh", **settings}
    return PINNEstimator(Decay(Unknown(0.5, low=0)), random_state=0, **given).fit(T, y)


@pytest.mark.parametrize("factor", [2, 100])
def test_outliers_hardly_move_what_huber_tells(factor):
    plain, robust = (
        fitted(with_outliers(1)),
        fitted(with_outliers(factor), measurement_loss="huber"),
    )
    std = plain.unknowns_std_["k"]
    assert abs(robust.unknowns_["k"] - plain.unknowns_["k"]) < 2 * std
    assert robust.unknowns_std_["k"] < 2 * std


def test_outliers_that_lead_the_unknowns_are_said():
    with pytest.warns(UserWarning, match="of 60 are outliers.*Try measurement_loss='huber'"):
        fitted(with_outliers(2))


def test_an_equation_that_is_not_that_of_the_measurements_is_said():
    with pytest.warns(UserWarning, match="residuals of neighbouring measurements are alike"):
        fitted(noisy(1 / (1 + 2 * T[:, 0])))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_said(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(noisy(np.exp(-T[:, 0]), seed))


def test_rows_with_a_small_weight_are_no_outliers():
    """Of a noise that is told row by row Huber holds off no more than squares do."""
    rng = np.random.RandomState(0)
    std = np.where(np.arange(60) % 2, 0.01, 0.1)
    y = np.exp(-T[:, 0]) + std * rng.standard_normal(60)
    found = [
        PINNEstimator(
            Decay(Unknown(0.5, low=0)),
            (12,),
            activation="tanh",
            measurement_loss=loss,
            random_state=0,
        ).fit(T, y, sample_weight=std**-2)
        for loss in ("squared", "huber")
    ]
    squares, robust = (solver.unknowns_["k"] for solver in found)
    assert abs(robust - squares) < found[0].unknowns_std_["k"]
    assert found[1].unknowns_std_["k"] < 1.3 * found[0].unknowns_std_["k"]
