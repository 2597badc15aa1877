"""What a fit promises: every variant, outputs, weights, the units of y, edges, other settings."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import linear_model
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import mean_poisson_deviance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from variants import VARIANTS, every_variant, half_mse, regressor, waves

import skngd.optim.objective
from skngd import NaturalMomentumRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Every variant


@every_variant
def test_variant_reduces_the_loss(settings):
    X, y = waves()
    model = regressor(**settings).fit(X, y)
    # The last gradient is remembered with the sign that works against the motion.
    factor = 0.9 if settings.get("memory") == "gradient" else 0.6
    assert model.loss_ < factor * model.loss_curve_[0]
    assert model.loss_ == pytest.approx(half_mse(model, X, y))


def test_default_settings_fit_a_smooth_function():
    X, y = waves(200)
    X_new, y_new = waves(100, seed=1)
    assert NaturalMomentumRegressor(random_state=0).fit(X, y).score(X_new, y_new) > 0.999


@every_variant
def test_variant_is_reproducible(settings):
    X, y = waves()
    first, second = (regressor(max_iter=4, **settings).fit(X, y) for _ in range(2))
    assert_array_equal(first.theta_, second.theta_)


# Outputs


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
def test_predictions_have_the_shape_of_y(n_outputs):
    X, y = waves(n_outputs=n_outputs)
    model = regressor(hidden_layer_sizes=(12,), max_iter=60).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.predict(X[:1]).shape == y[:1].shape
    assert model.score(X, y) > 0.98


def test_column_vector_is_flattened_with_a_warning():
    X, y = waves()
    with pytest.warns(DataConversionWarning):
        model = regressor().fit(X, y[:, None])
    assert_array_equal(model.predict(X), regressor().fit(X, y).predict(X))


ACTIVATIONS = {
    "tanh": np.tanh,
    "sin": np.sin,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "identity": lambda z: z,
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [4, (4,), (5, 3)], ids=str)
def test_coefs_and_intercepts_are_the_network_in_the_units_of_the_data(activation, sizes):
    X, y = waves(n_outputs=2)
    X, y = X * [1e3, 1.0, 1e-3] + [5.0, 0.0, 1.0], y * [1.0, 1e4] - [0.0, 1e5]
    model = regressor(hidden_layer_sizes=sizes, activation=activation, max_iter=5).fit(X, y)
    values = X
    for weights, bias in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        values = ACTIVATIONS[activation](values @ weights + bias)
    values = values @ model.coefs_[-1] + model.intercepts_[-1]
    assert_allclose(values, model.predict(X), rtol=1e-8)
    assert [w.shape[1] for w in model.coefs_] == [*np.atleast_1d(sizes), 2]


# Weights


@pytest.mark.parametrize("projection", ["svd", "qr"])
@pytest.mark.parametrize(
    "name", ["default", "natural nesterov, difference", "SPRING", "natural gradient, backtracking"]
)
def test_a_weight_equals_repetition(name, projection):
    X, y = waves(n_outputs=2)
    counts = np.random.RandomState(1).randint(0, 4, len(X))
    settings = {**VARIANTS[name], "projection": projection, "max_iter": 5}
    weighted = regressor(**settings).fit(X, y, sample_weight=counts)
    repeated = regressor(**settings).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts, axis=0))
    for attribute in ("X_mean_", "X_scale_", "y_mean_", "y_scale_", "loss_"):
        assert_allclose(getattr(weighted, attribute), getattr(repeated, attribute), rtol=1e-9)
    assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-7)


def test_a_weight_equals_repetition_where_the_loss_reaches_zero():
    """Losses of rounding errors do not decide between starts."""
    X, y = waves(8)
    counts = np.array([1, 2, 3, 1, 2, 3, 0, 1])
    settings = {"hidden_layer_sizes": (10,), "n_init": 3, "max_iter": 50}
    weighted = regressor(**settings).fit(X, y, sample_weight=counts)
    repeated = regressor(**settings).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert "zero to working precision" in weighted.stop_reason_
    assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-5)


def test_a_weight_equals_repetition_for_the_number_of_starts():
    X, y = waves(150)
    settings = {"hidden_layer_sizes": (50,), "n_init": "auto", "max_iter": 2}
    weighted = regressor(**settings).fit(X, y, sample_weight=np.full(150, 2.0))
    repeated = regressor(**settings).fit(np.repeat(X, 2, axis=0), np.repeat(y, 2))
    assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-7)


def test_rows_of_weight_zero_are_dropped():
    X, y = waves()
    weights = np.random.RandomState(1).uniform(size=len(X)) * (np.arange(len(X)) % 3 > 0)
    kept = weights > 0
    X_garbage = np.where(kept[:, None], X, 1e6)
    whole = regressor().fit(X_garbage, y, sample_weight=weights)
    part = regressor().fit(X[kept], y[kept], sample_weight=weights[kept])
    assert_array_equal(whole.theta_, part.theta_)


def test_weights_are_relative():
    X, y = waves()
    weights = np.random.RandomState(1).uniform(size=len(X))
    small, large = (regressor(max_iter=5).fit(X, y, sample_weight=c * weights) for c in (1.0, 1e6))
    assert_allclose(small.theta_, large.theta_, rtol=1e-7)
    assert small.loss_ == pytest.approx(large.loss_)


# Units of y


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_losses_are_in_the_units_of_y(n_outputs):
    X, y = waves(n_outputs=n_outputs)
    small, large = regressor().fit(X, y), regressor().fit(X, 1000 * y)
    assert_allclose(large.predict(X), 1000 * small.predict(X), rtol=1e-6)
    assert large.loss_ == pytest.approx(1e6 * small.loss_, rel=1e-5)
    assert_allclose(large.loss_curve_, 1e6 * small.loss_curve_, rtol=1e-5)


def test_outputs_of_different_units_share_a_network():
    X, y = waves(n_outputs=2)
    scale = np.array([1.0, 1000.0])
    plain, scaled = regressor().fit(X, y), regressor().fit(X, scale * y)
    assert_allclose(scaled.predict(X), scale * plain.predict(X), rtol=1e-6)
    assert scaled.loss_ == pytest.approx(half_mse(scaled, X, scale * y))


def test_tol_is_in_the_units_of_y():
    X, y = waves(noise=0.3)
    small = regressor(tol=1e-3, n_iter_no_change=3, max_iter=300).fit(X, y)
    large = regressor(tol=1e3, n_iter_no_change=3, max_iter=300).fit(X, 1000 * y)
    assert small.n_iter_ == large.n_iter_ < 300
    assert "tol=0.001" in small.stop_reason_


@pytest.mark.parametrize("scale", [1e150, 1e-150])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_huge_and_tiny_targets_do_not_overflow(scale, dtype, n_outputs):
    X, y = waves(n_outputs=n_outputs)
    scales = scale * np.array([1.0, 0.125])[:n_outputs]
    y, scales = (y, scale) if n_outputs == 1 else (y, scales)
    plain = regressor(dtype=dtype).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        scaled = regressor(dtype=dtype).fit(X, scales * y)
        assert_allclose(scaled.predict(X) / scales, plain.predict(X), rtol=1e-2, atol=1e-2)
        assert scaled.loss_ == pytest.approx(half_mse(scaled, X, scales * y), rel=1e-3)


@pytest.mark.parametrize("scale", [1e150, 1e-150])
def test_huge_and_tiny_inputs_do_not_overflow(scale):
    X, y = waves()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        scaled = regressor().fit(scale * X, y)
        assert_allclose(scaled.predict(scale * X), regressor().fit(X, y).predict(X), rtol=1e-5)


# Shapes at the edge


@pytest.mark.parametrize(
    "settings", [{}, {"momentum": "spring"}, {"momentum": "nesterov"}], ids=str
)
def test_more_parameters_than_rows(settings):
    X, y = waves(10)
    model = regressor(hidden_layer_sizes=(50,), **settings).fit(X, y)
    assert_allclose(model.predict(X), y, atol=1e-2)
    same = [
        regressor(hidden_layer_sizes=(50,), projection=p, max_iter=4, **settings).fit(X, y)
        for p in ("auto", "kernel", "qr", "gram")
    ]
    for other in same[1:]:
        assert_allclose(other.predict(X), same[0].predict(X), atol=1e-5)


@every_variant
def test_one_row(settings):
    model = regressor(**settings).fit([[1.0, 2.0]], [3.0])
    assert_allclose(model.predict([[1.0, 2.0]]), 3.0, atol=0.5)
    assert np.isfinite(model.predict([[5.0, -2.0]])).all()


@pytest.mark.parametrize("constant", [0.0, 3.3, -1e10, 1e-10])
def test_constant_y(constant):
    X, _ = waves()
    model = regressor().fit(X, np.full(len(X), constant))
    assert_allclose(model.predict(X), constant, rtol=1e-6, atol=1e-6)
    assert model.loss_ < 1e-12


@pytest.mark.parametrize("constant", [1e-30, -1e-140, 3e-9, 0.1, 1e200])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_a_constant_is_predicted_in_its_own_units(constant, loss):
    X, _ = waves()
    model = regressor(loss=loss).fit(X, np.full(len(X), constant))
    assert_allclose(model.predict(X), constant, rtol=1e-4)


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e6, 1e-30, 0.1])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_a_constant_output_decides_nothing_for_the_others(constant, loss):
    x = np.linspace(-1, 1, 200).reshape(-1, 1)
    wave = np.sin(3 * x[:, 0])
    for unit in (1.0, 1e-12):
        y = np.column_stack([np.full(200, constant), unit * wave])
        model = NaturalMomentumRegressor((10,), loss=loss, n_init=1, max_iter=60, random_state=0)
        fitted = model.fit(x, y)
        found = fitted.predict(x)
        assert np.abs(found[:, 1] / unit - wave).max() < 1e-4
        assert_allclose(found[:, 0], constant, rtol=1e-4, atol=1e-4 * unit)


@pytest.mark.parametrize("constant", [0.0, 7.1, -1e10])
def test_constant_columns(constant):
    X, y = waves()
    with_constant = np.column_stack([X, np.full(len(X), constant)])
    model = regressor(max_iter=100).fit(with_constant, y)
    assert model.score(with_constant, y) > 0.95
    only_constant = regressor().fit(np.full((len(X), 2), constant), y)
    assert_allclose(only_constant.predict(np.full((1, 2), constant)), y.mean(), atol=1e-6)


# Other settings


class Ridge(torch.nn.Module):
    """A bump along a direction, with a parameter outside of any layer."""

    def __init__(self):
        super().__init__()
        self.direction = torch.nn.Linear(3, 4)
        self.height = torch.nn.Parameter(torch.linspace(-1, 1, 4))

    def forward(self, x):
        return torch.tanh(self.direction(x)) @ self.height


def ridge(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Ridge()


@pytest.mark.parametrize("optimizer", ["ngd", "gd", "newton", "adam", "lbfgs"])
def test_torch_module_as_model(optimizer):
    X, y = waves()
    module = ridge()
    before = [p.detach().clone() for p in module.parameters()]
    model = regressor(model=module, optimizer=optimizer).fit(X, y)
    assert model.loss_ < 0.99 * model.loss_curve_[0]
    assert model.loss_ == pytest.approx(half_mse(model, X, y))
    assert not hasattr(model, "coefs_")
    assert all(map(torch.equal, before, module.parameters()))


def test_torch_module_is_cloned_and_pickled():
    X, y = waves()
    model = regressor(model=ridge()).fit(X, y)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert_array_equal(clone(model).fit(X, y).theta_, model.theta_)


def test_torch_layers_equal_the_closed_formulas():
    X, y = waves()
    closed = regressor(max_iter=5).fit(X, y)
    start = regressor(max_iter=1, step_size=1e-300, momentum=None).fit(X, y).theta_
    module = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    module = module.double()
    torch.nn.utils.vector_to_parameters(torch.as_tensor(start), module.parameters())
    model = regressor(max_iter=5, model=module).fit(X, y)
    assert_allclose(model.predict(X), closed.predict(X), atol=1e-8)


@pytest.mark.parametrize("settings", [{}, {"optimizer": "adam", "step_size": 0.01}], ids=str)
def test_batches(settings):
    X, y = waves(300)
    model = regressor(batch_size=50, max_iter=200, **settings).fit(X, y)
    assert model.score(X, y) > 0.5
    assert model.loss_ == pytest.approx(half_mse(model, X, y))
    assert len(model.loss_curve_) == model.n_iter_ + 1


def test_one_batch_of_all_rows_equals_no_batches():
    X, y = waves()
    settings = {"momentum": None, "step_size": 0.5, "max_iter": 5}
    batch = regressor(batch_size=len(X), **settings).fit(X, y)
    assert_allclose(batch.predict(X), regressor(**settings).fit(X, y).predict(X), atol=1e-8)


def test_float32():
    X, y = waves()
    single, double = regressor(dtype="float32", max_iter=50).fit(X, y), regressor().fit(X, y)
    assert single.loss_ < 1.5 * double.loss_
    assert_array_equal(single.theta_, single.theta_.astype(np.float32))
    assert single.theta_.dtype == single.predict(X).dtype == np.float64


@pytest.mark.parametrize("n_init", [1, 3])
def test_verbose_prints_a_line_for_each_start(n_init, capsys):
    X, y = waves()
    regressor(n_init=n_init).fit(X, y)
    assert capsys.readouterr().out == ""
    model = regressor(n_init=n_init, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == n_init
    (best,) = (line for line in lines if f"{model.loss_:.6g}" in line)
    # What is said of the whole fit follows.
    assert model.stop_reason_.startswith(best.split("iterations. ", 1)[1])


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize(
    "settings",
    [
        {"projection": "svd"},
        {"projection": "qr"},
        {"projection": "gram"},
        {"projection": "kernel"},
        {"momentum": "nesterov", "memory": "difference"},
        {"momentum": "spring"},
        {"optimizer": "newton"},
        {"optimizer": "gd"},
        {"batch_size": 40},
    ],
    ids=str,
)
def test_chunks_of_rows_change_nothing(settings, n_outputs, monkeypatch):
    X, y = waves(n_outputs=n_outputs)
    whole = regressor(max_iter=4, **settings).fit(X, y)
    monkeypatch.setattr(
        skngd.tangent.operator, "CHUNK_ELEMENTS", 11 * len(whole.theta_) * n_outputs
    )
    chunked = regressor(max_iter=4, **settings).fit(X, y)
    assert_allclose(chunked.predict(X), whole.predict(X), atol=1e-8)
    assert_allclose(chunked.loss_curve_, whole.loss_curve_, rtol=1e-8)


# Losses beyond the square


@pytest.mark.filterwarnings("ignore:Outliers. 20 of 200 rows:UserWarning")
def test_outliers_bend_the_squared_loss_not_the_huber_loss():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (200, 1))
    y = np.sin(2 * X[:, 0])
    dirty = y.copy()
    dirty[::10] += 30.0
    errors = {
        loss: np.abs(
            NaturalMomentumRegressor((4,), loss=loss, random_state=0).fit(X, dirty).predict(X) - y
        ).max()
        for loss in ("squared", "huber")
    }
    assert errors["huber"] < 0.2 < 1.0 < errors["squared"]


def test_huber_with_a_wide_delta_is_the_squared_loss():
    X, y = waves()
    wide = NaturalMomentumRegressor((), loss="huber", huber_delta=1e6).fit(X, y)
    assert_allclose(wide.predict(X), NaturalMomentumRegressor(()).fit(X, y).predict(X), rtol=1e-6)


def test_counts_have_the_mean_that_was_fitted():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (400, 1))
    mean = np.exp(1 + X[:, 0])
    y = rng.poisson(mean)
    fitted = NaturalMomentumRegressor((), loss="poisson", alpha=0, random_state=0).fit(X, y)
    peer = linear_model.PoissonRegressor(alpha=0, tol=1e-10).fit(X, y)
    assert_allclose(fitted.predict(X), peer.predict(X), rtol=1e-5)
    deviance = mean_poisson_deviance(y, fitted.predict(X))
    assert 2 * fitted.loss_ == pytest.approx(deviance, rel=1e-9)
    assert_allclose(
        fitted.predict(X), np.exp(X @ fitted.coefs_[0] + fitted.intercepts_[0])[:, 0], rtol=1e-9
    )


def test_counts_are_not_negative():
    X, y = waves()
    with pytest.raises(ValueError, match="Expected counts"):
        regressor(loss="poisson").fit(X, y - 10)


@pytest.mark.parametrize("alpha", [1e-3, 1e-1])
def test_decay_of_the_linear_model_is_ridge_regression(alpha):
    X, y = waves()
    fitted = NaturalMomentumRegressor((), alpha=alpha, random_state=0).fit(X, y)
    scaled = (y - y.mean(axis=0)) / y.std(axis=0)
    peer = make_pipeline(StandardScaler(), linear_model.Ridge(alpha=alpha * len(X))).fit(X, scaled)
    found = (fitted.predict(X) - y.mean(axis=0)) / y.std(axis=0)
    assert_allclose(found, peer.predict(X), atol=1e-6)


def test_the_metric_of_h1_learns_derivatives():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (100, 1))
    y = np.sin(3 * X[:, 0])
    fitted = NaturalMomentumRegressor((8,), metric="h1", random_state=0).fit(X, y)
    assert half_mse(fitted, X, y) < 1e-4
