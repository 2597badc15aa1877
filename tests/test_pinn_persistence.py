"""Fitted solvers are NumPy and Python's own types, and load from disk."""

import pickle

import joblib
import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from solvers import Pendulum, Rod, Rotation, Transport, sample, solver
from test_ecosystem import assert_plain

from skngd.pde import Dirichlet, Input, Neumann, Problem, Unknown
from skngd.problems.zoo import AdvectionDiffusion, Heat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 12).reshape(-1, 1)
Y = Rod(2.0).solution(X)


def fitted_with(problem, *data, **settings):
    return solver(problem, max_iter=3, **settings).fit(*data)


FITTED = {
    "forward": lambda: fitted_with(Heat()),
    "hard": lambda: fitted_with(AdvectionDiffusion()),
    "lambdas in conditions": lambda: fitted_with(Transport(), hidden_layer_sizes=(3, 2)),
    "system": lambda: fitted_with(Rotation()),
    "measured": lambda: fitted_with(Rod(), X, Y),
    "unknown": lambda: fitted_with(Rod(Unknown(1.0, low=0)), X, Y),
    "input": lambda: fitted_with(Rod(Input(1.0, 2.0))),
    "adaptive": lambda: fitted_with(Pendulum(), sampler="adaptive", resample_every=1),
    "float32": lambda: fitted_with(Rod(), dtype="float32"),
    "SPRING": lambda: fitted_with(Rod(), momentum="spring"),
    "Adam": lambda: fitted_with(Rod(), optimizer="adam", step_size=0.01),
    "L-BFGS": lambda: fitted_with(Rod(), optimizer="lbfgs"),
}
every_fitted = pytest.mark.parametrize("make", FITTED.values(), ids=FITTED)


def points_of(fitted):
    inputs = [given.high for given in fitted.problem_.inputs.values()]
    Z = sample(fitted.problem_, 12)
    return np.column_stack([Z, *(np.full(len(Z), value) for value in inputs)])


def assert_same(loaded, fitted):
    Z = points_of(fitted)
    assert_array_equal(loaded.predict(Z), fitted.predict(Z))
    assert_array_equal(loaded.residual(Z), fitted.residual(Z))
    assert loaded.score() == fitted.score()
    assert loaded.unknowns_ == fitted.unknowns_
    assert loaded.unknowns_std_ == fitted.unknowns_std_
    assert list(loaded.history_) == list(fitted.history_)
    assert loaded.problem.get_params() == fitted.problem.get_params()


@every_fitted
def test_pickle(make):
    fitted = make()
    assert_same(pickle.loads(pickle.dumps(fitted)), fitted)


@pytest.mark.parametrize("mmap_mode", [None, "r"], ids=["in memory", "read-only"])
def test_joblib(mmap_mode, tmp_path):
    fitted = FITTED["unknown"]()
    joblib.dump(fitted, tmp_path / "solver.joblib")
    loaded = joblib.load(tmp_path / "solver.joblib", mmap_mode=mmap_mode)
    assert_same(loaded, fitted)
    continued = [e.set_params(warm_start=True).fit(X, Y) for e in (loaded, fitted)]
    assert_array_equal(continued[0].theta_, continued[1].theta_)


@pytest.mark.parametrize("name", ["forward", "hard", "system", "unknown", "input", "Adam"])
def test_skops_has_to_trust_the_estimator_and_the_problem_only(name):
    fitted = FITTED[name]()
    saved = skops.io.dumps(fitted)
    untrusted = skops.io.get_untrusted_types(data=saved)
    kind = type(fitted.problem)
    problem = f"{kind.__module__}.{kind.__qualname__}"
    coefficient = {
        "unknown": ["skngd.pde.coefficients.Unknown"],
        "input": ["skngd.pde.coefficients.Input"],
    }
    expected = ["skngd.estimators.pinn.PINNEstimator", problem, *coefficient.get(name, [])]
    assert sorted(untrusted) == sorted(expected)
    assert_same(skops.io.loads(saved, trusted=untrusted), fitted)


@every_fitted
def test_fitted_state_is_numpy_and_builtins(make):
    fitted = make()
    parameters = fitted.get_params(deep=False)
    state = {name: value for name, value in vars(fitted).items() if name not in parameters}
    wanted = {"theta_", "history_", "stop_reason_", "device_", "unknowns_", "unknowns_std_"}
    assert wanted | {"problem_", "noise_std_", "loss_", "n_iter_", "n_features_in_"} <= set(state)
    problem = state.pop("problem_")
    assert type(problem) is type(fitted.problem)
    for name, value in {**state, **vars(problem)}.items():
        if type(value) is not Input:
            assert_plain(value, name)
    for name in ("theta_", "loss_curve_"):
        assert state[name].dtype == np.float64


def made(u, x):
    """An equation of this module, for a problem made of a function."""
    return u.xx + 2


def test_problems_made_of_functions_of_a_module_are_pickled():
    conditions = Dirichlet(0.0, on="x.min"), Neumann(0.0, on="x.max")
    fitted = fitted_with(Problem.from_function(made, Rod.domain, conditions))
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict(X), fitted.predict(X))
    assert_array_equal(loaded.residual(X), fitted.residual(X))
