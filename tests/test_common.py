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
    NaturalMomentumClassifier(max_iter=30),
    NaturalMomentumClassifier(momentum="nesterov", metric="l2", tol=0.01, **SMALL),
    NaturalMomentumClassifier((3,), optimizer="newton", n_init=1, max_iter=10),
    NaturalMomentumDensity(**SMALL),
    # Without a problem it is a regressor.
    PINNEstimator(max_iter=20),
    PINNEstimator(None, momentum="spring", **SMALL),
]

IN_A_FRESH_INTERPRETER = """
import sys
from sklearn.utils.estimator_checks import check_estimator
import skngd
estimator = getattr(skngd, sys.argv[1])(hidden_layer_sizes=(5,), max_iter=20)
results = check_estimator(estimator, on_skip=None, on_fail="raise")
assert all(result["status"] != "xfail" for result in results)
assert any(result["check_name"] == "check_array_api_input" for result in results)
assert not any("SCIPY_ARRAY_API" in str(result["exception"]) for result in results)
"""


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(SETTINGS)
def test_estimator_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", sorted({type(estimator).__name__ for estimator in SETTINGS}))
def test_estimator_checks_with_scipy_array_api(kind):
    # SciPy reads the variable once, when it is imported.
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", IN_A_FRESH_INTERPRETER, kind]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
