"""The frequencies of what a problem prescribes, and neurons with these."""

import time

import numpy as np
import pytest
import torch

from skngd import PINNEstimator
from skngd.estimators.accuracy.aim import Aim
from skngd.estimators.starts.race import Race
from skngd.estimators.starts.spectrum import FAST, telling_weights
from skngd.pde import Box, Dirichlet, Initial, Problem


class Plate(Problem):
    """Δu = f on a square, f and the values on its sides as given."""

    domain = Box(x=(0, 1), y=(0, 1))

    def __init__(self, source=0.0, value=0.0):
        self.source, self.value = source, value

    @property
    def conditions(self):
        return (Dirichlet(self.value),)

    def residual(self, u, x, y):
        source = self.source(x, y) if callable(self.source) else self.source
        return u.xx + u.yy - source


class Rod(Problem):
    """u_t = u_xx/400π², a fast wave at the start."""

    domain = Box(t=(0, 1), x=(0, 1))
    conditions = Initial(lambda x: np.sin(20 * np.pi * x)), Dirichlet(0.0, on="x")

    def residual(self, u, t, x):
        return u.t - u.xx / (400 * np.pi**2)


def fast_wave(x, y):
    return np.sin(20 * np.pi * x) * np.sin(np.pi * y)


def slow_wave(x, y):
    return np.sin(np.pi * x) * np.sin(2 * np.pi * y)


def race_of(problem, **settings):
    estimator = PINNEstimator(problem, random_state=0, **settings)
    given = (None, None, None), torch.device("cpu"), np.random.RandomState(0)
    return Race(estimator, problem, *given, time.perf_counter(), Aim("auto", True, False))


def weights_for(problem, n=64):
    course = race_of(problem).course("sin", (n,), n_interior=400)
    blocks = course.ground.objective.points.blocks
    return telling_weights(blocks, n, np.random.RandomState(0))


def test_weights_are_the_frequencies_of_what_is_prescribed():
    # in [−1, 1]² those are 10π and π/2
    weights = weights_for(Plate(fast_wave))
    assert weights.shape == (64, 2)
    assert np.median(np.abs(np.abs(weights[:, 0]) - 10 * np.pi)) < 2
    assert np.median(np.abs(weights[:, 1])) < 4


def test_coordinates_of_which_nothing_is_known_are_slow():
    weights = weights_for(Rod())
    assert np.median(np.abs(np.abs(weights[:, 1]) - 10 * np.pi)) < 2
    assert np.abs(weights[:, 0]).max() < FAST


@pytest.mark.parametrize(
    "problem",
    [
        Plate(),
        Plate(1.0, 2.0),
        Plate(slow_wave),
        Plate(lambda x, y: 1e-3 + np.exp(-x - y)),
    ],
)
def test_nothing_is_told_where_nothing_is_fast(problem):
    assert weights_for(problem) is None


def test_they_enter_where_the_other_starts_tell_nothing():
    race = race_of(Plate(fast_wave))
    race.enter_all([("sin", (32,))])
    before = race.best.loss
    race._enter_spectrum([("tanh", (32,)), ("sin", (32,))])
    assert race.best.loss < 0.3 * before
    assert race.best.bandwidth.shape == (2,)
    assert race.table()["bandwidth"].shape[1] == 2
    n = len(race.candidates)
    race._enter_spectrum([("tanh", (32,))])
    assert len(race.candidates) == n
