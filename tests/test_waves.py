"""Plane waves that solve an equation, as neurons to begin with."""

import time

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skngd import PINNEstimator
from skngd.estimators.accuracy.aim import Aim
from skngd.estimators.starts.race import Race
from skngd.estimators.starts.waves import solving_waves
from skngd.pde import Box, Dirichlet, Equation, Initial, Neumann, Periodic, Problem


class Line(Problem):
    """An equation in t and x, with values at the start."""

    domain = Box(t=(0, 3), x=(-1, 1))

    def __init__(self, equation, value=0.0, velocity=None, ends=None):
        self.equation, self.value, self.velocity, self.ends = equation, value, velocity, ends

    @property
    def conditions(self):
        ends = Dirichlet(0.0, on="x") if self.ends is None else self.ends
        found = (Initial(self.value), ends)
        return found if self.velocity is None else (*found, Initial(self.velocity, derivative=1))

    def residual(self, u, t, x):
        return self.equation(u, t, x)


def bump(x):
    return np.exp(-20 * (x - 0.2) ** 2)


def half_waves(x):
    return np.sin(np.pi * (x + 1) / 2) + 0.3 * np.sin(2 * np.pi * (x + 1))


def whole_waves(x):
    return np.exp(np.sin(np.pi * x))


def wave(u, t, x):
    return u.tt - 4 * u.xx


def beam(u, t, x):
    return u.tt + 0.1 * u.xxxx


def transport(u, t, x):
    return u.t + 3 * u.x


def klein_gordon(u, t, x):
    return u.tt - u.xx + 9 * u


HINGED = Equation(lambda u, t, x: (u, u.xx), on="x", name="hinged")
WAVES = {
    "wave": Line(wave, half_waves, 0.0),
    "pulse": Line(wave, bump, 0.0),
    "moved": Line(klein_gordon, 0.0, half_waves),
    "free": Line(wave, lambda x: np.cos(np.pi * (x + 1)), 0.0, Neumann(0.0, on="x")),
    "beam": Line(beam, half_waves, 0.0, HINGED),
    "transport": Line(transport, whole_waves, None, Periodic("x")),
}
NONE = {
    "what decays": Line(lambda u, t, x: u.t - u.xx, half_waves),
    "a damped wave": Line(lambda u, t, x: u.tt + u.t - u.xx, half_waves, 0.0),
    "what grows": Line(lambda u, t, x: u.tt + u.xx, half_waves, 0.0),
    "a source": Line(lambda u, t, x: u.tt - u.xx - np.sin(x), half_waves, 0.0),
    "a coefficient that varies": Line(lambda u, t, x: u.tt - (2 + x) * u.xx, half_waves, 0.0),
    "another equation": Line(lambda u, t, x: u.tt - u.xx + u**3, half_waves, 0.0),
    "nothing at the start": Line(wave, 0.0, 0.0),
}


def race_of(problem):
    estimator = PINNEstimator(problem, random_state=0)
    given = (None, None, None), torch.device("cpu"), np.random.RandomState(0)
    return Race(estimator, problem, *given, time.perf_counter(), Aim("auto", True, False))


@pytest.mark.parametrize("name", WAVES)
def test_any_sum_of_the_waves_solves_the_equation(name):
    problem = WAVES[name]
    weights, biases = solving_waves(problem)
    course = race_of(problem).course("sin", (len(biases),))
    theta, random_state = course.plain.copy(), np.random.RandomState(1)
    _, place, shifts = course.ground.model.layout[0]
    theta[place], theta[shifts] = weights.ravel(), biases
    output = course.ground.model.output_parameters
    theta[output] = random_state.standard_normal(output.stop - output.start)
    theta[-1] = 0.0  # what is constant is no wave of each equation
    objective = course.ground.objective
    block, rows = next(objective.points.slices())
    residual = objective.at(course.ground.tensor(theta)).value[rows, 0]
    frequencies = np.abs(weights).max()
    assert block.name == "equation"
    assert float(residual.abs().max()) < 1e-12 * max(frequencies, 1.0) ** 4


def test_wave_vectors_are_those_of_the_start():
    weights, biases = solving_waves(WAVES["wave"])
    # x in [−1, 1], t in [0, 3]: ω = 2 k, and one half of 3 is 1.5
    assert_allclose(np.unique(np.abs(weights[:, 1]).round(9)), [np.pi / 2, 2 * np.pi])
    assert_allclose(np.abs(weights[:, 0]), 3 * np.abs(weights[:, 1]))
    # both directions, each with two phases
    assert len(biases) == 8


@pytest.mark.parametrize("name", NONE)
def test_no_solving_waves(name):
    assert solving_waves(NONE[name]) is None


def test_a_membrane_over_many_periods_is_solved():
    """160 periods of the slowest of three modes."""

    class Membrane(Problem):
        domain = Box(t=(0, 200), x=(0, 1), y=(0, 2))

        @property
        def conditions(self):
            start = Initial(lambda x, y: self.exact(0.0, x, y)), Initial(0.0, derivative=1)
            return *start, Dirichlet(0.0, on=("x", "y"))

        def residual(self, u, t, x, y):
            return u.tt - u.xx - u.yy

        def exact(self, t, x, y):
            modes = (1, 1, 1.0), (2, 1, 0.5), (1, 3, -0.7)
            return sum(
                c
                * np.sin(m * np.pi * x)
                * np.sin(n * np.pi * y / 2)
                * np.cos(np.pi * np.hypot(m, n / 2) * t)
                for m, n, c in modes
            )

    solver = PINNEstimator(Membrane(), random_state=0).fit()
    X = Membrane().domain.sample(300, random_state=1)
    assert_allclose(solver.predict(X), Membrane().exact(*X.T), atol=1e-9)
    assert solver.activation_ == "sin"
    assert solver.error_estimate_["u"] < 1e-10


def test_waves_enter_where_the_network_is_open():
    problem = WAVES["pulse"]
    race = race_of(problem)
    race._enter_waves([("sin", (32,))])
    assert race.best.loss < 1e-8
    for names in ([("tanh", (32,))], [("sin", (20,))]):
        race = race_of(problem)
        race._enter_waves(names)
        assert not race.candidates
