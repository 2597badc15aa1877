"""The course of a fit: losses, history, stops, held-out rows, continuation, starts."""

import itertools
import pickle
import re
import time
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from variants import CONSTANT, VARIANTS, every_variant, half_mse, regressor, waves

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Losses, history, stop


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 20},
        {"n_init": 3},
        {"dtype": "float32"},
        {"optimizer": "adam", "step_size": 0.5},
        {"momentum": None, "step_size": 3.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_loss_is_half_the_mse_of_the_predictions(settings, n_outputs):
    X, y = waves(n_outputs=n_outputs)
    weights = np.random.RandomState(1).uniform(size=len(X))
    model = regressor(**settings).fit(X, y, sample_weight=weights)
    assert model.loss_ == pytest.approx(half_mse(model, X, y, weights), rel=1e-4)
    if "batch_size" not in settings:
        assert model.loss_ == pytest.approx(model.loss_curve_.min(), rel=1e-12)
    assert isinstance(model.loss_, float)


@every_variant
def test_history_has_an_entry_for_the_start_and_each_iteration(settings):
    X, y = waves()
    before = time.perf_counter()
    model = regressor(**settings).fit(X, y)
    took = time.perf_counter() - before
    assert {len(column) for column in model.history_.values()} == {model.n_iter_ + 1}
    assert_array_equal(model.loss_curve_, model.history_["loss"])
    times = model.history_["time"]
    assert (np.diff(times) > 0).all()
    assert 0 < times[0] <= times[-1] < took


def test_history_covers_all_the_starts():
    X, y = waves()
    model = regressor(n_init=3).fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_ + 1
    assert (np.diff(model.history_["time"]) > 0).all()
    number = model.history_["start"]
    curves = [model.history_["loss"][number == start] for start in range(3)]
    best = min(curves, key=np.min)
    assert_array_equal(model.loss_curve_, best)


# What the sentence mentions: the settings that lead there.
PATIENT = {"max_iter": 1000, "tol": 0, "n_iter_no_change": 1000}
STOPS = {
    "zero to working precision": {**PATIENT, "activation": "identity"},
    "no step": {**PATIENT, "optimizer": "gd", "step_size": "grid", "activation": "identity"},
    "tol='auto'": {"max_iter": 1000},
    "tol=0.1": {"max_iter": 1000, "tol": 0.1},
    "max_iter=3": {"max_iter": 3},
    "max_time=1e-06": {"max_time": 1e-6},
    "the loss became": {"optimizer": "gd", "step_size": 1e200},
}


@pytest.mark.parametrize("because", STOPS)
def test_stop_reason_is_a_sentence(because):
    X, y = waves(100, noise=0.3)
    y = X[:, 0] if "zero" in because else y
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = regressor(**STOPS[because]).fit(X, y)
    assert because in model.stop_reason_
    assert re.fullmatch(r"[A-Z].*\.", model.stop_reason_)
    converged = model.stop_reason_.startswith("Converged")
    # What is said of a fit that misses y is not said of its end.
    ends = [w.category for w in caught if "explains less" not in str(w.message)]
    assert ends == ([] if converged else [ConvergenceWarning])


@pytest.mark.parametrize("settings", [{}, {"momentum": "nesterov", **CONSTANT}], ids=str)
def test_stop_reason_tells_how_often_momentum_acted(settings):
    model = regressor(**settings).fit(*waves())
    acted = np.count_nonzero(model.history_["beta"][1:])
    assert f"Momentum acted in {acted} of {model.n_iter_} iterations." in model.stop_reason_
    assert acted > 0


@pytest.mark.parametrize("settings", [{"momentum": None}, {"beta": 0}, {"optimizer": "adam"}])
def test_stop_reason_is_silent_where_there_is_no_momentum(settings):
    assert "omentum" not in regressor(**settings).fit(*waves()).stop_reason_


def test_warning_points_to_the_line_that_called_fit():
    X, y = waves()
    with pytest.warns(ConvergenceWarning) as caught:
        regressor(max_iter=3).fit(X, y)
    assert caught[0].filename == __file__


def test_max_iter_warns():
    X, y = waves()
    with pytest.warns(ConvergenceWarning, match=r"max_iter=3 .* was reached\. Increase it"):
        model = regressor(max_iter=3).fit(X, y)
    assert model.n_iter_ == 3


def test_max_time_bounds_all_the_starts_together():
    X, y = waves()
    before = time.perf_counter()
    with pytest.warns(ConvergenceWarning, match="max_time"):
        regressor(max_iter=10**6, tol=0, n_iter_no_change=10**6, max_time=0.2, n_init=50).fit(X, y)
    assert time.perf_counter() - before < 5


# Early stopping


def test_early_stopping_keeps_the_iterate_that_is_best_on_the_held_out_rows():
    X, y = waves(30, noise=1.0)
    X_val, y_val = waves(200, noise=1.0, seed=1)
    model = regressor(hidden_layer_sizes=(12,), max_iter=200).fit(X, y, X_val=X_val, y_val=y_val)
    monitored = model.history_["monitored_loss"]
    assert 0 < monitored.argmin() < model.n_iter_ < 200
    assert half_mse(model, X_val, y_val) == pytest.approx(monitored.min())
    assert model.loss_ == pytest.approx(half_mse(model, X, y))
    assert model.loss_ == pytest.approx(model.loss_curve_[monitored.argmin()])
    assert model.loss_ > model.loss_curve_.min()


def test_early_stopping_holds_out_a_fraction_of_the_rows():
    X, y = waves(100, noise=1.0)
    settings = {"hidden_layer_sizes": (12,), "early_stopping": True, "max_iter": 200}
    model = regressor(validation_fraction=0.25, **settings).fit(X, y)
    other = regressor(validation_fraction=0.5, **settings).fit(X, y)
    assert model.n_iter_ < 200
    assert "Converged" in model.stop_reason_
    assert (model.history_["monitored_loss"] != model.loss_curve_).all()
    assert half_mse(model, X, y) == pytest.approx(
        0.75 * model.loss_ + 0.25 * model.history_["monitored_loss"].min()
    )
    assert (model.X_mean_ != other.X_mean_).all()


def test_given_validation_rows_leave_all_training_rows():
    X, y = waves()
    model = regressor(early_stopping=True).fit(X, y, X_val=X[:5], y_val=y[:5])
    assert_allclose(model.X_mean_, X.mean(axis=0))
    assert half_mse(model, X[:5], y[:5]) == pytest.approx(model.history_["monitored_loss"].min())


def test_the_best_start_is_the_best_on_the_held_out_rows():
    X, y = waves(30, noise=1.0)
    X_val, y_val = waves(200, noise=1.0, seed=1)
    one, five = (regressor(n_init=n).fit(X, y, X_val=X_val, y_val=y_val) for n in (1, 5))
    assert half_mse(five, X_val, y_val) <= half_mse(one, X_val, y_val)


# Continuation


def test_warm_start_continues_with_the_first_scaling():
    X, y = waves()
    model = regressor(warm_start=True).fit(X, y)
    scaling, loss = (model.X_mean_, model.X_scale_, model.y_mean_, model.y_scale_), model.loss_
    model.fit(X, y)
    assert model.loss_curve_[0] == pytest.approx(loss)
    assert model.loss_ < loss
    theta, n_iter = model.theta_, model.set_params(max_iter=1).fit(5 * X + 1, 3 * y - 2).n_iter_
    assert n_iter == 1
    assert np.abs(model.theta_ - theta).max() > 0
    for before, after in zip(
        scaling, (model.X_mean_, model.X_scale_, model.y_mean_, model.y_scale_), strict=True
    ):
        assert_array_equal(before, after)


def test_warm_start_in_two_parts_equals_one_fit_without_momentum():
    X, y = waves()
    settings = {"momentum": None, "step_size": 0.5}
    parts = regressor(warm_start=True, max_iter=3, **settings).fit(X, y).fit(X, y)
    whole = regressor(max_iter=6, **settings).fit(X, y)
    assert_allclose(parts.theta_, whole.theta_, rtol=1e-9)


def test_without_warm_start_a_second_fit_starts_anew():
    X, y = waves()
    model = regressor()
    first = model.fit(X, y).theta_
    assert_array_equal(model.fit(X, y).theta_, first)


# L-BFGS compares gradients on the same rows, so that it cannot continue on others.
CONTINUED = {name: VARIANTS[name] for name in VARIANTS if name != "L-BFGS"}


@pytest.mark.parametrize("settings", CONTINUED.values(), ids=CONTINUED)
def test_partial_fits_on_the_same_rows_are_the_iterations_of_fit(settings):
    X, y = waves()
    whole = regressor(**{**settings, "max_iter": 6}).fit(X, y)
    parts = regressor(**settings)
    for _ in range(6):
        parts.partial_fit(X, y)
    assert parts.n_iter_ == 6
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-6)
    assert_allclose(parts.history_["step_size"], whole.history_["step_size"], rtol=1e-6)
    # partial_fit keeps the last iterate, which is the best one only where the loss falls.
    if (np.diff(whole.loss_curve_) < 0).all():
        assert_allclose(parts.predict(X), whole.predict(X), atol=1e-7)


def test_partial_fit_continues_a_fit():
    X, y = waves()
    settings = {"momentum": "heavy-ball", **CONSTANT}
    whole = regressor(max_iter=6, **settings).fit(X, y)
    parts = regressor(max_iter=4, **settings).fit(X, y).partial_fit(X, y).partial_fit(X, y)
    assert_allclose(parts.theta_, whole.theta_, rtol=1e-9)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)
    assert (np.diff(parts.history_["time"]) > 0).all()


def test_partial_fit_continues_the_best_of_several_starts():
    X, y = waves()
    model = regressor(n_init=3, max_iter=4).fit(X, y)
    curve = model.loss_curve_
    model.partial_fit(X, y)
    assert model.n_iter_ == 5
    assert_array_equal(model.loss_curve_[:-1], curve)
    assert model.loss_ < curve[-1]


def test_partial_fit_keeps_the_first_scaling():
    X, y = waves()
    model = regressor().partial_fit(X, y)
    scaling = model.X_mean_, model.X_scale_, model.y_mean_, model.y_scale_
    model.partial_fit(5 * X + 1, 3 * y - 2)
    assert all(
        map(np.array_equal, scaling, (model.X_mean_, model.X_scale_, model.y_mean_, model.y_scale_))
    )


def test_partial_fit_learns_from_a_stream():
    X, y = waves(400)
    model = regressor(hidden_layer_sizes=(10,), step_size=0.3, damping=1e-3)
    for rows in itertools.chain(*[np.array_split(np.arange(400), 8)] * 5):
        model.partial_fit(X[rows], y[rows])
    assert model.n_iter_ == 40
    assert model.score(X, y) > 0.9


def test_partial_fit_survives_pickling_between_calls():
    X, y = waves()
    direct = regressor().partial_fit(X, y)
    pickled = pickle.loads(pickle.dumps(direct))
    assert_array_equal(direct.partial_fit(X, y).theta_, pickled.partial_fit(X, y).theta_)


# Starts and random numbers


@pytest.mark.parametrize("seed", range(3))
def test_more_starts_are_never_worse(seed):
    X, y = waves(40, noise=0.1)
    settings = {"hidden_layer_sizes": (3,), "max_iter": 30, "random_state": seed}
    one, eight = (regressor(n_init=n, **settings).fit(X, y) for n in (1, 8))
    assert eight.loss_ <= one.loss_
    assert one.loss_curve_[0] in eight.history_["loss"]


@pytest.mark.parametrize(("width", "n_starts"), [(5, 3), (19, 3), (30, 1)])
def test_auto_makes_several_starts_where_an_iteration_is_cheap(width, n_starts):
    X, y = waves()
    settings = {"hidden_layer_sizes": width, "max_iter": 2}
    auto, fixed = (regressor(n_init=n, **settings).fit(X, y) for n in ("auto", n_starts))
    assert_array_equal(auto.history_["loss"], fixed.history_["loss"])


@pytest.mark.parametrize(
    "settings", [{}, {"batch_size": 16}, {"early_stopping": True}, {"n_init": 2}], ids=str
)
def test_random_state_fixes_the_fit(settings):
    X, y = waves()
    fits = [
        regressor(**{**settings, "random_state": state}).fit(X, y).theta_
        for state in (7, 7, np.random.RandomState(7), 8)
    ]
    assert_array_equal(fits[0], fits[1])
    assert_array_equal(fits[0], fits[2])
    assert (fits[0] != fits[3]).any()


def test_global_state_is_left_alone():
    X, y = waves()
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    regressor(batch_size=16, early_stopping=True, random_state=3).fit(X, y).predict(X)
    assert_array_equal(before[0], torch.get_rng_state())
    assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert (threads, dtype) == (torch.get_num_threads(), torch.get_default_dtype())
    assert torch.is_grad_enabled()
