"""scikit-learn's callbacks: alone, in a pipeline and in a grid search."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from variants import half_mse, regressor, waves

from skngd.optim.method import ProjectedMethod

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = waves()
FRAME = pd.DataFrame(X, columns=["north", "east", "up"])


# Callbacks


class Recorder:
    """Notes what it is called for; may ask to stop after some iterations."""

    def __init__(self, stop_after=np.inf):
        self.stop_after, self.calls, self.n_iterations = stop_after, [], 0
        self.losses, self.shapes = [], set()

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(f"end {context.task_name}")
        if context.task_name != "iteration":
            return False
        self.shapes.add((X.shape, y.shape))
        self.losses.append(
            half_mse(fitted_estimator, X, y.reshape(fitted_estimator.predict(X).shape))
        )
        self.n_iterations += 1
        return self.n_iterations >= self.stop_after


CALLED_BACK = {
    "default": {},
    "L-BFGS": {"optimizer": "lbfgs"},
    "batches": {"batch_size": 20},
    "early stopping": {"early_stopping": True},
    "starts": {"n_init": 3},
    "module": {"model": torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Softplus())},
}
every_called_back = pytest.mark.parametrize("settings", CALLED_BACK.values(), ids=CALLED_BACK)


@every_called_back
def test_callbacks_are_called_in_order(settings):
    recorder = Recorder()
    model = regressor(max_iter=4, **settings).set_callbacks(recorder).fit(X, Y)
    n = recorder.n_iterations
    iterations = ["begin iteration", "end iteration"] * n
    assert recorder.calls == ["setup", "begin fit", *iterations, "end fit", "teardown"]
    assert n == len(model.history_["loss"]) - settings.get("n_init", 1)
    assert not [name for name in vars(model) if "callback" in name and name != "_skl_callbacks"]


def test_callbacks_see_the_model_of_each_iteration():
    recorder = Recorder()
    model = regressor().set_callbacks(recorder).fit(X, Y)
    assert recorder.shapes == {(X.shape, Y.shape)}
    assert_allclose(recorder.losses, model.loss_curve_[1:], rtol=1e-9)


def test_callbacks_do_not_change_the_fit():
    model = regressor().set_callbacks(Recorder()).fit(X, Y)
    assert_array_equal(model.theta_, regressor().fit(X, Y).theta_)


def test_an_iteration_begins_before_its_step_and_ends_after_it(monkeypatch):
    recorder, advance = Recorder(), ProjectedMethod.advance

    def noted(self, here, past):
        recorder.calls.append("step")
        return advance(self, here, past)

    monkeypatch.setattr(ProjectedMethod, "advance", noted)
    regressor(max_iter=2).set_callbacks(recorder).fit(X, Y)
    iterations = ["begin iteration", "step", "end iteration"] * 2
    assert recorder.calls == ["setup", "begin fit", *iterations, "end fit", "teardown"]


@every_called_back
def test_a_callback_stops_the_fit(settings):
    recorder = Recorder(stop_after=3)
    model = regressor(**settings).set_callbacks(recorder)
    with warnings.catch_warnings():
        # It ends as its author wants: there is nothing to warn about.
        warnings.simplefilter("error")
        model.fit(X, Y)
    assert recorder.n_iterations == model.n_iter_ == 3
    assert recorder.calls[-2:] == ["end fit", "teardown"]
    assert model.stop_reason_.startswith("Stopped by a callback")
    assert np.isfinite(model.predict(X)).all()


def test_callbacks_are_torn_down_when_the_fit_fails():
    recorder = Recorder()

    def fails(estimator, context):
        raise RuntimeError("in a callback")

    recorder.on_fit_task_begin = fails
    with pytest.raises(RuntimeError, match="in a callback"):
        regressor().set_callbacks(recorder).fit(X, Y)
    assert recorder.calls == ["setup", "teardown"]


def r2_curve(model, y, weights=None):
    """The coefficient of determination that belongs to each training loss."""
    variance = np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)
    return 1 - 2 * model.loss_curve_[1:] / variance


@pytest.mark.parametrize("weights", [None, np.linspace(0.01, 1, 60)], ids=["plain", "weighted"])
def test_scoring_monitor_logs_the_training_score(weights):
    monitor = ScoringMonitor(scoring="r2")
    model = regressor().set_callbacks(monitor).fit(X, Y, sample_weight=weights)
    log = monitor.get_logs().data_as_pandas
    assert_allclose(log["r2"], r2_curve(model, Y, weights), rtol=1e-6)


@pytest.mark.parametrize("settings", CALLED_BACK.values(), ids=CALLED_BACK)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_scoring_monitor_runs_with_every_setting(settings, n_outputs):
    if n_outputs == 2 and "model" in settings:
        pytest.skip("the module has one output")
    monitor = ScoringMonitor(scoring=["r2", "neg_mean_squared_error"])
    regressor(max_iter=4, **settings).set_callbacks(monitor).fit(*waves(n_outputs=n_outputs))
    log = monitor.get_logs().data_as_pandas
    assert np.isfinite(log[["r2", "neg_mean_squared_error"]]).all(axis=None)


@pytest.mark.filterwarnings("error::UserWarning")
def test_scoring_monitor_with_a_data_frame():
    monitor = ScoringMonitor(scoring="r2")
    model = regressor().set_callbacks(monitor).fit(FRAME, Y)
    assert_allclose(monitor.get_logs().data_as_pandas["r2"], r2_curve(model, Y), rtol=1e-6)


def test_scoring_monitor_inside_a_pipeline():
    monitor = ScoringMonitor(scoring="r2")
    pipeline = make_pipeline(StandardScaler(), regressor().set_callbacks(monitor)).fit(X, Y)
    log = monitor.get_logs()
    assert log.estimator_name == "Pipeline"
    assert_allclose(log.data_as_pandas["r2"], r2_curve(pipeline[-1], Y), rtol=1e-6)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scoring_monitor_inside_a_grid_search(n_jobs):
    monitor = ScoringMonitor(scoring="r2")
    model = regressor(max_iter=4).set_callbacks(monitor)
    search = GridSearchCV(model, {"beta": [0.0, 0.5]}, cv=2, n_jobs=n_jobs, error_score="raise")
    search.fit(X, Y)
    log = monitor.get_logs().data_as_pandas
    # Two candidates on two folds, and the refit.
    assert len(log) == 5 * 4
    assert log["r2"].notna().all()


def test_progress_bar_of_the_estimator(capsys):
    regressor().set_callbacks(ProgressBar()).fit(X, Y)
    shown = capsys.readouterr().out
    assert "NaturalMomentumRegressor - fit" in shown
    assert "100%" in shown


def test_progress_bar_of_a_fit_that_ends_early(capsys):
    model = regressor(max_iter=1000, n_init=2, tol=1.0).set_callbacks(ProgressBar()).fit(X, Y)
    assert model.n_iter_ < 1000
    assert "100%" in capsys.readouterr().out


def test_progress_bar_of_a_pipeline_and_a_grid_search(capsys):
    pipeline = make_pipeline(StandardScaler(), regressor(max_iter=3))
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert "NaturalMomentumRegressor - fit" in capsys.readouterr().out
    search = GridSearchCV(regressor(max_iter=3), {"beta": [0.0, 0.5]}, cv=2, error_score="raise")
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y)
    shown = capsys.readouterr().out
    assert "GridSearchCV - fit" in shown
    assert "100%" in shown
