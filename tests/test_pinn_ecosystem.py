"""Physics problems inside scikit-learn's tools, in other processes, and on disk."""

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from solvers import Rod, Rotation, sample, solver

from skngd import PINNEstimator
from skngd.pde import Dirichlet, Input, Problem, Unknown
from skngd.problems.zoo import AdvectionDiffusion, Burgers, Heat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 24).reshape(-1, 1)[np.random.RandomState(0).permutation(24)]
Y = Rod(2.0).solution(X)
HOLES = np.where(np.arange(24) % 4 == 0, np.nan, Y)
FRAME = pd.DataFrame(sample(Heat(), 20), columns=["t", "x"])


# Parameters


@pytest.mark.parametrize(
    "problem", [Rod(), Rod(Unknown(1.0, low=0)), Rod(Input(1, 2)), Burgers(), Rotation()], ids=str
)
def test_clone(problem):
    fitted = solver(problem, sampler="latin", n_boundary=[3] * len(problem.conditions))
    copied = clone(fitted)
    assert copied.problem is not problem
    assert copied.problem.get_params() == problem.get_params()
    ours, theirs = ({**e.get_params(), "problem": None} for e in (fitted, copied))
    assert ours == theirs


def test_cloned_after_fit_is_not_fitted():
    fitted = solver(Rod(Unknown(1.0)), max_iter=2).fit(X, Y)
    copied = clone(fitted)
    assert not hasattr(copied, "theta_")
    assert copied.problem.a == Unknown(1.0)


def test_coefficients_are_parameters():
    model = solver(Burgers(nu=0.1))
    assert model.get_params()["problem__nu"] == 0.1
    model.set_params(problem__nu=0.2, beta=0.1)
    assert (model.problem.nu, model.beta) == (0.2, 0.1)
    model.set_params(problem=Rod(), problem__a=3.0)
    assert model.problem.a == 3.0
    with pytest.raises(ValueError, match="Invalid parameter 'mu'"):
        model.set_params(problem__mu=1.0)


def test_coefficients_of_a_problem_made_of_a_function_are_parameters():
    def equation(u, x, load):
        return u.xx + load

    problem = Problem.from_function(
        equation, Rod.domain, Rod.conditions, coefficients={"load": 1.0}
    )
    model = clone(solver(problem, max_iter=30).set_params(problem__load=2.0))
    assert problem.get_params()["load"] == 2.0
    assert_allclose(model.fit().predict(X), Y, atol=1e-4)
    found = clone(model).set_params(problem__load=Unknown(1.0)).fit(X, 2 * Y)
    assert found.unknowns_["load"] == pytest.approx(4.0, rel=1e-4)
    assert found.problem_.get_params()["load"] == found.unknowns_["load"]


def test_a_fit_leaves_its_parameters_alone():
    problem = Rod(Unknown(1.0))
    model = solver(problem, max_iter=2).fit(X, Y)
    assert model.problem is problem
    assert problem.a == Unknown(1.0)
    # A later change of the parameter does not reach the fitted problem.
    before = model.predict(X), model.residual(X)
    model.set_params(problem__a=9.0)
    assert_array_equal(model.predict(X), before[0])
    assert_array_equal(model.residual(X), before[1])


def test_repr_shows_the_problem():
    assert repr(PINNEstimator(Burgers(nu=0.1))) == "PINNEstimator(problem=Burgers(nu=0.1))"
    assert "a=Unknown(0.5, low=0)" in repr(PINNEstimator(Rod(Unknown(0.5, low=0))))
    assert repr(PINNEstimator()) == "PINNEstimator()"


# Model selection


def test_grid_over_a_coefficient_finds_the_one_that_was_measured():
    grid = {"problem__a": [1.0, 2.0, 3.0]}
    search = GridSearchCV(solver(Rod(), max_iter=12), grid, cv=2, error_score="raise")
    search.fit(X, HOLES)
    assert search.best_params_ == {"problem__a": 2.0}
    assert search.best_score_ > 0.999
    assert_allclose(search.predict(X), Y, atol=1e-3)


def test_grid_over_numerics_for_a_problem_without_measurements():
    grid = {"hidden_layer_sizes": [(2,), (6,)], "beta": [0.0, 0.5]}
    search = GridSearchCV(solver(Rod(), max_iter=12), grid, cv=2, error_score="raise").fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert (scores < 0).all()
    assert search.best_params_["hidden_layer_sizes"] == (6,)


def test_grid_over_variants_has_no_failed_fit():
    grid = {
        "momentum": [None, "heavy-ball", "nesterov", "spring"],
        "sampler": ["uniform", "adaptive"],
    }
    model = solver(Rod(), (3,), max_iter=2)
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


class Local(Rod):
    """Known to this module only, with a function as a coefficient."""

    conditions = (Dirichlet(lambda x: 0 * x),)

    def __init__(self, load):
        self.load = load

    def residual(self, u, x):
        return u.xx + self.load(x)


def test_other_processes():
    """joblib's worker processes get the problem, and give the fitted solver back."""
    points = sample(Heat(), 24)
    problems = Local(lambda x: 2 + 0 * x), Heat(Unknown(0.5))
    models = [solver(problem, max_iter=3) for problem in problems]
    data = [(X, Y), (points, Heat(0.25).solution(points))]
    with joblib.parallel_config("loky", n_jobs=2):
        calls = [joblib.delayed(clone(m).fit)(*d) for m, d in zip(models, data, strict=True)]
        there = joblib.Parallel()(calls)
        search = GridSearchCV(models[1], {"problem__kappa": [0.1, Unknown(0.5)]}, cv=2)
        search.fit(*data[1])
    for model, rows, other in zip(models, data, there, strict=True):
        here = model.fit(*rows)
        assert_allclose(other.predict(rows[0]), here.predict(rows[0]), rtol=1e-9)
        assert other.unknowns_ == pytest.approx(here.unknowns_)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_every_fold_keeps_the_whole_physics():
    order = np.argsort(X[:, 0])
    folds = KFold(3)
    model = solver(Rod(2.0), max_iter=12)
    predicted = cross_val_predict(model, X[order], HOLES[order], cv=folds)
    # Each third of the rod was left out once.
    assert_allclose(predicted, Y[order], atol=1e-3)


def test_cross_validation_of_several_fields():
    t = sample(Rotation(), 30)
    y = Rotation(1.3).solution(t)
    y[::2, 1] = np.nan
    scores = cross_val_score(solver(Rotation(Unknown(1.0))), t, y, cv=2)
    assert scores.min() > 0.99


# Pipelines and data frames


def test_pipeline_of_units():
    """Hours come in, the equation is in seconds."""
    to_seconds = FunctionTransformer(lambda hours: 3600 * hours, feature_names_out="one-to-one")
    model = make_pipeline(to_seconds, solver(Rod(2.0))).fit(X / 3600, Y)
    assert_allclose(model.predict(X / 3600), Y, atol=1e-3)
    assert model.score(X / 3600, Y) > 0.99


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_pipeline_of_data_frames():
    table = pd.DataFrame({"x": FRAME["x"], "station": range(20), "t": FRAME["t"]})
    choose = FunctionTransformer(lambda frame: frame[["t", "x"]]).set_output(transform="pandas")
    model = make_pipeline(choose, solver(Heat(), max_iter=3))
    model.fit(table, Heat().solution(FRAME))
    assert_array_equal(model[-1].feature_names_in_, ["t", "x"])
    assert_allclose(model.predict(table), model[-1].predict(FRAME), atol=1e-12)


def test_feature_names():
    y = pd.Series(Heat().solution(FRAME))
    fitted = solver(Heat(), max_iter=3).fit(FRAME, y)
    assert_array_equal(fitted.feature_names_in_, ["t", "x"])
    plain = solver(Heat(), max_iter=3).fit(FRAME.to_numpy(), y.to_numpy())
    assert_allclose(fitted.predict(FRAME), plain.predict(FRAME.to_numpy()), atol=1e-10)
    # Other names than the problem's are taken as they come.
    renamed = FRAME.rename(columns={"t": "hours", "x": "metres"})
    other = solver(Heat(), max_iter=3).fit(renamed, y)
    assert_array_equal(other.predict(renamed), fitted.predict(FRAME))


def test_sample_weight_is_routed():
    weight = np.linspace(0.1, 2, 24)
    with config_context(enable_metadata_routing=True):
        model = solver(Rod(), max_iter=3).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), model).fit(X, Y, sample_weight=weight)
    expected = solver(Rod(), max_iter=3).fit(X, Y, sample_weight=weight)
    assert_array_equal(pipeline[-1].theta_, expected.theta_)


# Callbacks and verbosity


@pytest.mark.parametrize(
    "problem", [Rod(), Rod(Unknown(1.0)), AdvectionDiffusion(0.5)], ids=["plain", "unknown", "hard"]
)
def test_scoring_monitor_sees_the_solution_of_each_iteration(problem):
    y = Y + np.linspace(0, 0.1, 24)
    monitor = ScoringMonitor(scoring="r2")
    fitted = solver(problem, max_iter=4).set_callbacks(monitor).fit(X, y)
    mean_square = fitted.history_["measurements u"][1:]
    log = monitor.get_logs().data_as_pandas
    assert_allclose(log["r2"], 1 - mean_square / np.var(y), rtol=1e-8)
    assert log["r2"].iloc[-1] == pytest.approx(r2_score(y, fitted.predict(X)), rel=1e-8)


@pytest.mark.parametrize("data", [(), (X,), (X, HOLES)], ids=["fit()", "fit(X)", "holes"])
def test_progress_bar(data, capsys):
    solver(Rod(), max_iter=3).set_callbacks(ProgressBar()).fit(*data)
    shown = capsys.readouterr().out
    assert "PINNEstimator - fit" in shown
    assert "100%" in shown


class Recorder:
    """Stops after some iterations."""

    def __init__(self, stop_after):
        self.stop_after, self.residuals, self.coefficients = stop_after, [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name != "iteration":
            return False
        self.residuals.append(np.mean(fitted_estimator.residual(X) ** 2))
        self.coefficients.append(fitted_estimator.problem_.a)
        return len(self.residuals) == self.stop_after


@pytest.mark.parametrize("settings", [{}, {"n_init": 2}, {"resample_every": 1}], ids=str)
def test_callbacks_see_residuals_and_may_stop(settings):
    recorder = Recorder(stop_after=3)
    fitted = solver(Rod(), **settings).set_callbacks(recorder).fit()
    assert fitted.n_iter_ == len(recorder.residuals) == 3
    assert fitted.stop_reason_.startswith("Stopped by a callback")
    best = int(np.argmin(fitted.history_["monitored_loss"][1:]))
    assert recorder.residuals[best] == pytest.approx(np.mean(fitted.residual(X) ** 2))


def test_callbacks_see_the_unknown_of_each_iteration():
    recorder = Recorder(stop_after=5)
    fitted = solver(Rod(Unknown(1.0))).set_callbacks(recorder).fit(X, Y)
    assert_allclose(recorder.coefficients, fitted.history_["a"][1:], rtol=1e-12)


def test_callbacks_do_not_change_the_fit():
    watched = solver(Rod(), max_iter=4).set_callbacks(ScoringMonitor(scoring="r2")).fit(X, Y)
    assert_array_equal(watched.theta_, solver(Rod(), max_iter=4).fit(X, Y).theta_)


def test_verbose(capsys):
    fitted = solver(Rod(), max_iter=3, n_init=2, verbose=1, estimate_error=True).fit()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("[PINNEstimator] start 1/2: loss ")
    assert lines[2].startswith("[PINNEstimator] Estimated relative error: ")
    assert f"{fitted.loss_:.6g}" in "".join(lines)
    solver(Rod(), max_iter=3).fit()
    assert not capsys.readouterr().out
