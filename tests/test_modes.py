"""Fits do not depend on what the caller has set in torch, and leave it."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from solvers import Rod, Transport, solver
from variants import regressor, waves

from skngd import NaturalMomentumClassifier
from skngd.pde import Unknown

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = waves()
INSIDE = np.linspace(0, 1, 11).reshape(-1, 1)
MODULE = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
OPTIMAL = {"sampler": "christoffel", "batch_size": 30}


def answers(fitted, *points):
    """Everything that a fitted solver answers."""
    found = [fitted.predict(points[0]), fitted.residual(points[0]), fitted.score(points[0])]
    return np.hstack([*found, fitted.derivative(points[0], "x"), *fitted.unknowns_std_.values()])


def classified():
    fitted = NaturalMomentumClassifier((3,), max_iter=3, random_state=0).fit(X, np.arange(60) % 3)
    return fitted.predict_proba(X)


FITS = {
    "rows": lambda: regressor().fit(X, Y).predict(X),
    "float32": lambda: regressor(dtype="float32").fit(X, Y).predict(X),
    "derivatives": lambda: regressor(metric="h1").fit(X, Y).predict(X),
    "Newton": lambda: regressor(optimizer="newton", max_iter=3).fit(X, Y).predict(X),
    "Adam": lambda: regressor(optimizer="adam").fit(X, Y).predict(X),
    "L-BFGS": lambda: regressor(optimizer="lbfgs").fit(X, Y).predict(X),
    "module": lambda: regressor(model=MODULE, max_iter=3).fit(X, Y).predict(X),
    "optimal rows": lambda: regressor(**OPTIMAL).fit(X, Y).predict(X),
    "counts": lambda: regressor(loss="poisson").fit(X, np.round(np.abs(Y))).predict(X),
    "stream": lambda: regressor().partial_fit(X, Y).partial_fit(X, Y).predict(X),
    "classes": classified,
    "problem": lambda: answers(
        solver(Transport(), (4, 3), max_iter=3).fit(), Transport.domain.sample(9, random_state=0)
    ),
    "adaptive points": lambda: answers(
        solver(Rod(), sampler="adaptive", resample_every=1, max_iter=3).fit(), INSIDE
    ),
    "unknown": lambda: answers(
        solver(Rod(Unknown(0.5)), max_iter=3).fit(INSIDE, Rod(1.0).solution(INSIDE)), INSIDE
    ),
}


@contextmanager
def default(set_default, value, usual):
    set_default(value)
    try:
        yield
    finally:
        set_default(usual)


MODES = {
    "inference": torch.inference_mode,
    "no_grad": torch.no_grad,
    "float16": lambda: default(torch.set_default_dtype, torch.float16, torch.float32),
    "float64": lambda: default(torch.set_default_dtype, torch.float64, torch.float32),
    "meta": lambda: default(torch.set_default_device, "meta", None),
}


@pytest.mark.filterwarnings("ignore:sampler='christoffel'")
@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_modes_of_torch_change_nothing(fit, mode):
    expected = fit()
    with mode():
        before = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
        found = fit()
        assert before == (torch.is_inference_mode_enabled(), torch.is_grad_enabled())
    assert_array_equal(found, expected)
