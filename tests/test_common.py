"""scikit-learn's own checks of an estimator, without any expected failure."""

import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skngd import (
    NaturalMomentumClassifier,
    NaturalMomentumDensity,
    NaturalMomentumRegressor,
    PINNEstimator,
)

SMALL = {"hidden_layer_sizes": (5,), "n_init": 1, "max_iter": 15}
SETTINGS = [
    NaturalMomentumRegressor(max_iter=15),
    NaturalMomentumRegressor(momentum="spring", **SMALL),
    NaturalMomentumRegressor(momentum="nesterov", memory="difference", **SMALL),
    NaturalMomentumRegressor((5,), optimizer="adam", n_init=1, step_size=0.01, max_iter=100),
    NaturalMomentumRegressor((5,), optimizer="gd", n_init=1, max_iter=100),
    NaturalMomentumRegressor(optimizer="lbfgs", **SMALL),
    NaturalMomentumRegressor(loss="huber", alpha=1e-3, **SMALL),
    NaturalMomentumRegressor(loss="poisson", n_init=1, max_iter=30),
    NaturalMomentumRegressor(metric="h1", **SMALL),
    NaturalMomentumClassifier(max_iter=10),
    NaturalMomentumClassifier(momentum="nesterov", metric="l2", tol=0.01, **SMALL),
    NaturalMomentumClassifier((3,), optimizer="newton", n_init=1, max_iter=10),
    NaturalMomentumDensity(**SMALL),
    # Without a problem it is a regressor.
    PINNEstimator(max_iter=20),
    PINNEstimator(None, momentum="spring", **SMALL),
]

# The checks that are left out where SciPy does not follow the array API; all others run below.
IN_A_FRESH_INTERPRETER = """
from sklearn.utils.estimator_checks import estimator_checks_generator
import skngd
kinds = [skngd.NaturalMomentumRegressor, skngd.NaturalMomentumClassifier, skngd.PINNEstimator]
kinds += [skngd.NaturalMomentumDensity]
for kind in kinds:
    small = kind(hidden_layer_sizes=(5,), max_iter=20)
    checks = [
        (estimator, check)
        for estimator, check in estimator_checks_generator(small)
        if "array_api" in check.func.__name__
    ]
    assert checks
    for estimator, check in checks:
        check(estimator)
"""


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(SETTINGS)
def test_estimator_check(estimator, check):
    check(estimator)


def test_estimator_checks_with_scipy_array_api():
    # SciPy reads the variable once, when it is imported.
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", IN_A_FRESH_INTERPRETER]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
