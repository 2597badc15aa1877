"""Ten neurons give way to more that bend faster where errors of neighbouring rows are alike."""

import copy
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skngd import NaturalMomentumRegressor
from skngd.estimators.finer import draw
from skngd.models import FullyConnected

WAVES = 5.0


def rows(n=300, noise=0.2, n_waves=WAVES, seed=0):
    rng = np.random.RandomState(seed)
    x = rng.uniform(-1, 1, (n, 1))
    return x, np.sin(2 * np.pi * n_waves * x[:, 0]) + noise * rng.standard_normal(n)


def fast(*sizes):
    """A fit that may end early."""
    model = NaturalMomentumRegressor(*sizes, n_init=1, max_iter=40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(*rows())


@pytest.fixture(scope="module")
def fitted():
    return fast()


def test_the_error_of_left_out_rows_is_that_of_fits_without_them():
    """Of the last layer, whose neurons are held, with the ridge penalty that was chosen."""
    x, y = rows(40)
    model = FullyConnected((1, 5, 1), "tanh")
    found = draw(model, "tanh", x, y[:, None], np.ones(40), np.random.RandomState(0))
    (_, first, biases), (_, last, shifts) = model.layout
    values = np.tanh(x @ found.theta[first].reshape(1, 5) + found.theta[biases])
    slopes, shift = found.theta[last], found.theta[shifts]
    # Where the gradient of the penalised squares vanishes: Zᵀ(y − Z w) = n λ w.
    centred = values - values.mean(0)
    pull = centred.T @ (y - values @ slopes - shift)
    ridge = np.dot(pull, slopes) / np.dot(slopes, slopes)
    assert_allclose(pull, ridge * slopes, atol=1e-8 * np.abs(pull).max() + 1e-12)
    errors = []
    for i in range(40):
        kept = np.arange(40) != i
        mean, centre = values[kept].mean(0), y[kept].mean()
        part = values[kept] - mean
        w = np.linalg.solve(part.T @ part + ridge * np.eye(5), part.T @ (y[kept] - centre))
        errors.append(y[i] - centre - (values[i] - mean) @ w)
    assert found.noise == pytest.approx(np.mean(np.square(errors)), rel=1e-6)


def test_a_fast_wave_is_found(fitted):
    x, y = rows(1000, noise=0.0, seed=1)
    assert fitted.score(x, y) > 0.95
    assert fitted.hidden_layer_sizes_ == (40,)
    assert fitted.hidden_layer_sizes is None
    assert "Errors of neighbouring rows were alike" in fitted.stop_reason_
    table = fitted.candidates_
    assert list(table["hidden_layer_sizes"]) == [(10,), (40,)]
    assert table["left_out_error"][1] < 0.2 * table["left_out_error"][0]


def test_named_sizes_are_kept():
    model = fast((10,))
    assert len(model.coefs_[0][0]) == 10
    assert not hasattr(model, "candidates_")


@pytest.mark.parametrize("n_waves", [0.5, 0.0])
def test_what_ten_neurons_follow_is_the_fit_of_ten(n_waves):
    x, y = rows(n_waves=n_waves)
    model = NaturalMomentumRegressor(n_init=1, random_state=0).fit(x, y)
    named = clone(model).set_params(hidden_layer_sizes=(10,)).fit(x, y)
    assert model.hidden_layer_sizes_ == (10,)
    assert_array_equal(model.theta_, named.theta_)
    assert not hasattr(model, "candidates_")


def test_later_fits_go_on_with_what_was_chosen(fitted):
    x, y = rows()
    model = copy.deepcopy(fitted).set_params(warm_start=True, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    assert model.hidden_layer_sizes_ == (40,)
    assert model.loss_ < 1.2 * fitted.loss_
    assert model.partial_fit(x, y).hidden_layer_sizes_ == (40,)
    other = NaturalMomentumRegressor(random_state=0).partial_fit(x, y).partial_fit(x, y)
    assert other.hidden_layer_sizes_ == (10,)
