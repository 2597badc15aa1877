"""The regressor inside scikit-learn's tools, its callbacks, and on disk."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from variants import VARIANTS, every_variant, regressor, waves

from skngd import NaturalMomentumRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = waves()
FRAME = pd.DataFrame(X, columns=["north", "east", "up"])


# Model selection


def test_grid_over_momentum_memory_and_beta_has_no_failed_fit():
    grid = {
        "regressor__momentum": [None, "heavy-ball", "nesterov", "spring"],
        "regressor__memory": ["momentum", "difference", "gradient"],
        "regressor__beta": [0.0, 0.5, 0.9],
    }
    pipeline = make_pipeline(StandardScaler(), regressor(max_iter=5))
    pipeline.steps[1] = ("regressor", pipeline.steps[1][1])
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == Y.shape


def test_a_parameter_that_the_variant_does_not_use_is_ignored():
    grid = {
        "momentum": [None],
        "memory": ["momentum", "difference", "gradient"],
        "beta": [0.0, 0.5],
        "momentum_space": ["function", "parameter"],
        "restart": ["loss", "gradient", None],
    }
    search = GridSearchCV(regressor(max_iter=3), grid, cv=2, error_score="raise").fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert_array_equal(scores, scores[0])


def test_cross_validation():
    scores = cross_val_score(regressor(hidden_layer_sizes=10, max_iter=50), *waves(200), cv=3)
    assert scores.min() > 0.95


@pytest.mark.parametrize("incremental", [False, True], ids=["fit", "partial_fit"])
def test_learning_curve(incremental):
    sizes, _, test_scores = learning_curve(
        regressor(),
        X,
        Y,
        cv=2,
        train_sizes=[0.3, 1.0],
        exploit_incremental_learning=incremental,
        error_score="raise",
    )
    assert_array_equal(sizes, [9, 30])
    assert np.isfinite(test_scores).all()


# Meta-estimators


def test_transformed_target():
    positive = np.exp(Y)
    model = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp)
    model.fit(X, positive)
    assert_allclose(model.predict(X), np.exp(regressor().fit(X, Y).predict(X)), rtol=1e-6)


def test_bagging():
    model = BaggingRegressor(regressor(), n_estimators=3, random_state=0).fit(X, Y)
    assert model.score(X, Y) > 0.5
    seeds = {member.random_state for member in model.estimators_}
    assert len(seeds) == 3
    weighted = BaggingRegressor(regressor(), n_estimators=2, random_state=0)
    assert weighted.fit(X, Y, sample_weight=np.arange(60.0)).score(X, Y) > 0


def test_one_network_for_each_output():
    y = np.column_stack([Y, -Y])
    model = MultiOutputRegressor(regressor()).fit(X, y)
    assert_array_equal(model.predict(X)[:, 0], regressor().fit(X, Y).predict(X))


@every_variant
def test_clone(settings):
    model = regressor(**settings).fit(X, Y)
    copied = clone(model)
    assert not hasattr(copied, "theta_")
    assert copied.get_params() == model.get_params()


def test_parameters_are_set_by_name():
    model = regressor().set_params(beta=0.1, momentum="nesterov")
    assert model.get_params()["beta"] == 0.1
    with pytest.raises(ValueError, match="Invalid parameter 'learning_rate'"):
        model.set_params(learning_rate=1)
    assert repr(NaturalMomentumRegressor()) == "NaturalMomentumRegressor()"


# Data frames


def test_feature_names():
    model = regressor().fit(FRAME, pd.Series(Y))
    assert_array_equal(model.feature_names_in_, FRAME.columns)
    # A frame is stored by columns: sums are rounded in another order.
    assert_allclose(model.predict(FRAME), regressor().fit(X, Y).predict(X), atol=1e-8)
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(FRAME[["east", "north", "up"]])


@pytest.mark.filterwarnings("error::UserWarning")
def test_pipeline_of_data_frames():
    scaler = StandardScaler().set_output(transform="pandas")
    model = make_pipeline(scaler, regressor()).fit(FRAME, Y)
    assert_array_equal(model[-1].feature_names_in_, FRAME.columns)
    # The internal standardisation makes an affine scaler in front redundant.
    assert_allclose(model.predict(FRAME), regressor().fit(X, Y).predict(X), atol=1e-6)


@pytest.mark.filterwarnings("error::UserWarning")
def test_data_frames_as_held_out_rows():
    model = regressor().fit(FRAME, Y, X_val=FRAME[:9], y_val=Y[:9])
    same = regressor().fit(X, Y, X_val=X[:9], y_val=Y[:9])
    assert_allclose(model.predict(FRAME), same.predict(X), atol=1e-8)


# Metadata


def test_sample_weight_is_routed_through_a_pipeline(enable_metadata_routing):
    weights = np.random.RandomState(0).uniform(size=len(X))
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(scaler, regressor().set_fit_request(sample_weight=True))
    pipeline.fit(X, Y, sample_weight=weights)
    expected = regressor().fit(scaler.fit_transform(X), Y, sample_weight=weights)
    assert_array_equal(pipeline[-1].theta_, expected.theta_)


def test_sample_weight_is_routed_through_a_grid_search(enable_metadata_routing):
    weights = np.random.RandomState(0).uniform(size=len(X))
    model = regressor(max_iter=3).set_fit_request(sample_weight=True)
    model.set_score_request(sample_weight=True)
    search = GridSearchCV(model, {"beta": [0.0, 0.5]}, cv=2, error_score="raise")
    search.fit(X, Y, sample_weight=weights)
    best = regressor(max_iter=3, **search.best_params_).fit(X, Y, sample_weight=weights)
    assert_array_equal(search.best_estimator_.theta_, best.theta_)


@pytest.fixture
def enable_metadata_routing():
    with config_context(enable_metadata_routing=True):
        yield


# On disk

SAVED = {
    "default": {},
    "SPRING": VARIANTS["SPRING"],
    "Adam": VARIANTS["Adam"],
    "L-BFGS": VARIANTS["L-BFGS"],
    "Newton": VARIANTS["Newton"],
    "float32": {"dtype": "float32"},
    "batches": {"batch_size": 20},
    "early stopping": {"early_stopping": True},
    "starts": {"n_init": 2},
}
every_saved = pytest.mark.parametrize("settings", SAVED.values(), ids=SAVED)


def assert_same_model(loaded, model):
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.get_params() == model.get_params()
    assert loaded.stop_reason_ == model.stop_reason_
    assert_array_equal(loaded.history_["loss"], model.history_["loss"])


@every_saved
def test_pickle(settings):
    model = regressor(**settings).fit(X, Y)
    assert_same_model(pickle.loads(pickle.dumps(model)), model)


@pytest.fixture
def torch_repeats_its_warnings():
    """Most of torch's warnings come once in a process."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("mmap_mode", [None, "r"], ids=["in memory", "read-only"])
def test_joblib(mmap_mode, tmp_path, torch_repeats_its_warnings):
    model = regressor().fit(X, Y)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode=mmap_mode)
    assert_same_model(loaded, model)
    assert_array_equal(loaded.partial_fit(X, Y).theta_, model.partial_fit(X, Y).theta_)


@every_saved
def test_skops_has_to_trust_the_estimator_only(settings):
    model = regressor(**settings).fit(FRAME, Y)
    saved = skops.io.dumps(model)
    untrusted = skops.io.get_untrusted_types(data=saved)
    assert untrusted == ["skngd.estimators.regressor.NaturalMomentumRegressor"]
    loaded = skops.io.loads(saved, trusted=untrusted)
    assert_array_equal(loaded.predict(FRAME), model.predict(FRAME))
    if settings.get("optimizer") != "lbfgs":
        loaded.partial_fit(FRAME, Y)


def assert_plain(value, where):
    """NumPy arrays of numbers or names, and Python's own types, all the way down."""
    if isinstance(value, dict):
        for key, entry in value.items():
            assert type(key) is str, where
            assert_plain(entry, f"{where}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for entry in value:
            assert_plain(entry, f"{where}[…]")
    elif isinstance(value, np.ndarray):
        names = where.endswith("feature_names_in_")
        assert names or value.dtype.kind in "fiub", where
    else:
        assert value is None or type(value) in (bool, int, float, str), f"{where}: {type(value)}"


@every_saved
@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_fitted_state_is_numpy_and_builtins(settings, fit):
    model = regressor(**settings)
    if fit == "partial_fit" and model.optimizer == "lbfgs":
        pytest.skip("L-BFGS has no partial_fit")
    getattr(model, fit)(FRAME, Y)
    state = {name: value for name, value in vars(model).items() if name not in model.get_params()}
    assert {"theta_", "coefs_", "history_", "stop_reason_", "device_"} <= set(state)
    for name, value in state.items():
        assert_plain(value, name)
    for name in ("theta_", "loss_curve_", "X_mean_", "X_scale_", "y_mean_", "y_scale_"):
        assert state[name].dtype == np.float64
