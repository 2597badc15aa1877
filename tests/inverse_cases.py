"""Advection-diffusion with an unknown ε, measured: what the tests of inverse problems share."""

from functools import cache

import numpy as np
import pytest
from solvers import solver

from skngd.pde import Unknown
from skngd.problems.zoo import AdvectionDiffusion

X = np.linspace(0.02, 0.98, 49).reshape(-1, 1)
NOISE = np.random.RandomState(7).standard_normal(4 * len(X))
# Bounds, by the transform that keeps them.
UNKNOWNS = {
    "free": Unknown(0.5),
    "low": Unknown(0.5, low=0.05),
    "high": Unknown(0.5, high=2.0),
    "low and high": Unknown(0.5, low=0.1, high=1.0),
}
every_transform = pytest.mark.parametrize("transform", UNKNOWNS)


def measured(noise=0.0, eps=0.3, X=X):
    return AdvectionDiffusion(eps).solution(X) + noise * NOISE[: len(X)]


def sensitivity(eps, X=X, h=1e-5):
    """∂u/∂ε of the exact solution."""
    above, below = (AdvectionDiffusion(eps + s * h).solution(X) for s in (1, -1))
    return (above - below) / (2 * h)


def found(unknown=UNKNOWNS["low"], noise=0.0, X=X, y=None, sample_weight=None, **settings):
    y = measured(noise, X=X) if y is None else y
    settings = {"max_iter": 60, "hidden_layer_sizes": (7,), **settings}
    return solver(AdvectionDiffusion(unknown), **settings).fit(X, y, sample_weight)


@cache
def noisy(transform="low"):
    """One fit for the tests that only look at it."""
    return found(UNKNOWNS[transform], noise=0.01)
