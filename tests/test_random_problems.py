"""What fits of random problems say of their errors, of all sizes, is true."""

import warnings

import numpy as np
import pytest
from random_problems import RandomProblem

from skngd import PINNEstimator

# Few iterations of a small network: errors from rounding to several percent.
NETWORK = {"hidden_layer_sizes": (16,), "activation": "tanh", "max_iter": 15, "n_interior": 150}
ROUNDING = 1e-13


@pytest.fixture(scope="module", params=(2000, 2010), ids=("first ten", "second ten"))
def fits(request):
    """(is determined, error, estimate, warned) of ten problems."""
    found = []
    for seed in range(request.param, request.param + 10):
        problem = RandomProblem(seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            solver = PINNEstimator(problem, random_state=seed, **NETWORK).fit()
        X = problem.domain.sample(300, random_state=5)
        u = problem.solution(X)
        error = np.linalg.norm(solver.predict(X) - u) / np.linalg.norm(u)
        found.append((problem.is_determined, error, solver.error_estimate_["u"], bool(caught)))
    return tuple(map(np.array, zip(*found, strict=True)))


def test_the_error_is_the_estimated_one(fits):
    determined, error, estimate, _ = fits
    ratio = np.maximum(error, ROUNDING) / np.maximum(estimate, ROUNDING)
    close = (ratio < 5) & (ratio > 0.2)
    assert close[determined].mean() > 0.6
    assert ratio[determined].max() < 30


def test_no_wrong_answer_goes_unsaid(fits):
    _, error, _, warned = fits
    assert np.all(warned[error > 0.1])


def test_a_forgotten_condition_is_said(fits):
    determined, _, estimate, warned = fits
    assert np.all(np.isfinite(estimate[determined]))
    assert np.all(warned[~determined])
