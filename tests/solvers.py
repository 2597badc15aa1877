"""Small physics problems whose solutions are formulas, and a solver that is fast on them."""

import numpy as np
import pytest
from messages import assert_advises

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Initial, Problem
from skngd.pde.discretization import Discretization


def solver(problem, hidden_layer_sizes=(5,), **settings):
    """Few neurons, points and iterations, one start, no correction; what is given goes first."""
    small = {"activation": "tanh", "n_interior": 40, "max_iter": 20, "random_state": 0}
    small["estimate_error"] = False
    return PINNEstimator(problem, hidden_layer_sizes, **{**small, **settings})


def sample(problem, n_points=50, seed=1):
    """Points of a problem without inputs."""
    return problem.domain.sample(n_points, "uniform", seed)


def error(fitted, X=None):
    """Largest error of a fitted solver of a known problem."""
    X = sample(fitted.problem_) if X is None else X
    return np.abs(fitted.predict(X) - fitted.problem_.solution(X)).max()


class Rod(Problem):
    """u'' + a = 0, u(0) = u(1) = 0: u = a x (1 − x) / 2."""

    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0, on="x.min"), Dirichlet(0.0, on="x.max"))

    def __init__(self, a=1.0):
        self.a = a

    def residual(self, u, x):
        return u.xx + self.a

    def solution(self, X):
        """A column behind x is the input a."""
        X = np.asarray(X)
        return (self.a if X.shape[1] == 1 else X[:, 1]) * X[:, 0] * (1 - X[:, 0]) / 2


class Transport(Problem):
    """u_t + u_x = −1 with affine data: u = 1 + 2t − 3x."""

    domain = Box(t=(0, 2), x=(-1, 1))
    conditions = (Initial(lambda x: 1 - 3 * x), Dirichlet(lambda t: 4 + 2 * t, on="x.min"))

    def residual(self, u, t, x):
        return u.t + u.x + 1

    def solution(self, X):
        return 1 + 2 * X[:, 0] - 3 * X[:, 1]


class Pendulum(Problem):
    """u'' + u = 0, u(0) = 0, u'(0) = 1: u = sin t, a network of one neuron."""

    domain = Box(t=(0, 3))
    conditions = (Initial(0.0), Initial(1.0, derivative=1))

    def residual(self, u, t):
        return u.tt + u

    def solution(self, X):
        return np.sin(X[:, 0])


class Rotation(Problem):
    """u' = ω v, v' = −ω u, u(0) = 0, v(0) = 1: u = sin ωt, v = cos ωt."""

    domain = Box(t=(0, 2))
    fields = ("u", "v")
    conditions = (Initial(0.0, field="u"), Initial(1.0, field="v"))

    def __init__(self, omega=1.0):
        self.omega = omega

    def residual(self, u, v, t):
        return u.t - self.omega * v, v.t + self.omega * u

    def solution(self, X):
        angle = self.omega * np.asarray(X)[:, 0]
        return np.stack([np.sin(angle), np.cos(angle)], axis=1)


def refused(call, expected, came):
    """It raises, and the message says what was expected, what came and what to try."""
    with pytest.raises((ValueError, TypeError, AttributeError)) as caught:
        call()
    assert_advises(f"{caught.value} {caught.value.__cause__ or ''}", expected, came)


def recorded_samples(monkeypatch):
    """What :meth:`Discretization.sample` returns, call by call: points of each block."""
    calls, sample = [], Discretization.sample

    def noted(self, *arguments, **named):
        found = sample(self, *arguments, **named)
        calls.append([None if block is None else block[0][0] for block in found])
        return found

    monkeypatch.setattr(Discretization, "sample", noted)
    return calls
