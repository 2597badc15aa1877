"""Bad data, weights and hyperparameters are refused with advice."""

import numpy as np
import pytest
import torch
from messages import assert_advises, assert_says
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from variants import regressor, waves

from skngd import NaturalMomentumClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = waves()
Y2 = np.column_stack([Y, 2 * Y])


def with_entry(array, entry):
    """A copy whose fourth row holds ``entry``."""
    changed = array.astype(object if isinstance(entry, str) else float)
    changed[(3,) + (0,) * (changed.ndim - 1)] = entry
    return changed


# Name: X, y, what the message says of the expectation, what it says of the input.
BAD_DATA = {
    "NaN in X": (with_entry(X, np.nan), Y, "NaN", "X contains NaN"),
    "NaN in y": (X, with_entry(Y, np.nan), "NaN|finite", "y contains NaN"),
    "NaN in several y": (X, with_entry(Y2, np.nan), "NaN|finite", "y contains NaN"),
    "infinite X": (with_entry(X, np.inf), Y, "float64|finite", "X contains infinity"),
    "infinite y": (X, with_entry(Y, -np.inf), "float64|finite", "y contains infinity"),
    "complex X": (X + 1j, Y, "not supported|real", "Complex.*X|X.*[Cc]omplex"),
    "complex y": (X, Y + 1j, "not supported|real", "Complex.*y|y.*[Cc]omplex"),
    "complex several y": (X, Y2 + 1j, "not supported|real", "Complex.*y|y.*[Cc]omplex"),
    "sparse y": (X, csr_array(Y2), "dense", "y.*sparse"),
    "words in X": (with_entry(X, "north"), Y, "float|number", "north"),
    "words in y": (X, with_entry(Y, "north"), "float|number", "north"),
    "words in several y": (X, with_entry(Y2, "north"), "float|number", "north"),
    "no rows": (X[:0], Y[:0], "minimum of 1|at least one", r"0 sample|\(0, 3\)"),
    "no columns": (X[:, :0], Y, "minimum of 1|at least one", r"0 feature|\(60, 0\)"),
    "empty y": (X, Y[:0], "minimum of 1|at least one|samples", r"0 sample|\b0\b"),
    "y without columns": (X, Y2[:, :0], "minimum of 1|at least one", r"\b0\b"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_refused_with_advice(name):
    bad_X, bad_y, expected, came = BAD_DATA[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        regressor().fit(bad_X, bad_y)
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize(
    ("bad_X", "bad_y", "expected", "came"),
    [
        (X, Y[:7], "numbers? of samples", r"\b60\b.*\b7\b"),
        (X[:, 0], Y, "2D", "1D"),
        (X, Y2[None], "<= 2", "dim 3"),
        (X, None, "requires y", "None"),
    ],
    ids=["lengths", "X with one dimension", "y with three dimensions", "no y"],
)
def test_shapes_that_do_not_fit_are_refused(bad_X, bad_y, expected, came):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor().fit(bad_X, bad_y)
    assert_says(caught.value, expected, came)


def test_numbers_kept_as_objects_are_numbers():
    model = regressor().fit(X.astype(object), Y.astype(object))
    assert_array_equal(model.theta_, regressor().fit(X, Y).theta_)


# Name: a call that follows a fit, what the message says of the expectation and of the input.
LATER_CALLS = {
    "predict": (lambda m: m.predict(X[:, :2]), "3 features", "2 features"),
    "score": (lambda m: m.score(X[:, :2], Y), "3 features", "2 features"),
    "partial_fit": (lambda m: m.partial_fit(X[:, :2], Y), "3 features", "2 features"),
    "warm start": (
        lambda m: m.set_params(warm_start=True).fit(X[:, :2], Y),
        "3 features",
        "2 features",
    ),
    "held-out rows": (
        lambda m: m.fit(X, Y, X_val=X[:, :2], y_val=Y),
        "3 features",
        "2 features",
    ),
    "partial_fit, outputs": (lambda m: m.partial_fit(X, Y2), "1 column", "got 2"),
    "warm start, outputs": (
        lambda m: m.set_params(warm_start=True).fit(X, Y2),
        "1 column",
        "got 2",
    ),
    "warm start, width": (
        lambda m: m.set_params(warm_start=True, hidden_layer_sizes=7).fit(X, Y),
        "26 parameters",
        "got 36",
    ),
    "predict, NaN": (lambda m: m.predict(with_entry(X, np.nan)), "NaN", "X contains NaN"),
    "one of X_val, y_val": (
        lambda m: m.fit(X, Y, X_val=X),
        "X_val and y_val together",
        "only X_val",
    ),
}


@pytest.mark.parametrize("name", LATER_CALLS)
def test_rows_have_to_match_the_first_fit(name):
    call, expected, came = LATER_CALLS[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call(regressor().fit(X, Y))
    assert_advises(caught.value, expected, came)


def test_predict_before_fit():
    with pytest.raises(NotFittedError) as caught:
        regressor().predict(X)
    assert_advises(caught.value, "fit", "not fitted yet")


def test_held_out_rows_have_to_match():
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor().fit(X, Y, X_val=X, y_val=Y2)
    assert_says(caught.value, "1 columns, as y has", "got 2")


# Weights


def test_weights_that_are_all_zero_are_refused_with_advice():
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor().fit(X, Y, sample_weight=np.zeros(60))
    assert_advises(caught.value, "at least one", "60 weights that are all zero")


@pytest.mark.parametrize(
    ("weights", "expected", "came"),
    [
        (-np.ones(60), "[Nn]egative|positive", "sample_weight"),
        (with_entry(np.ones(60), np.nan), "NaN|finite", "sample_weight contains NaN"),
        (with_entry(np.ones(60), np.inf), "float64|finite", "sample_weight contains infinity"),
        (np.ones(7), r"\(60,\)", r"\(7,\)"),
    ],
    ids=["negative", "NaN", "infinite", "too few"],
)
def test_bad_weights_are_refused(weights, expected, came):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor().fit(X, Y, sample_weight=weights)
    assert_says(caught.value, expected, came)


@pytest.mark.parametrize("scale", [1e-300, 1e300, 1e308])
def test_weights_whose_sum_overflows_or_vanishes(scale):
    weights = scale * np.linspace(0.1, 1, len(X))
    model = regressor(max_iter=5).fit(X, Y, sample_weight=weights)
    plain = regressor(max_iter=5).fit(X, Y, sample_weight=weights / scale)
    assert_allclose(model.predict(X), plain.predict(X), atol=1e-6)


# Hyperparameters


class OneParameterless(torch.nn.Module):
    def forward(self, x):
        return x[:, :1]


@pytest.mark.parametrize(
    ("settings", "expected", "came"),
    [
        ({"hidden_layer_sizes": (0,)}, "positive whole numbers", r"\(0,\)"),
        ({"hidden_layer_sizes": (5, -1)}, "positive whole numbers", r"\(5, -1\)"),
        ({"hidden_layer_sizes": (2.5,)}, "positive whole numbers", r"\(2\.5,\)"),
        ({"hidden_layer_sizes": (True,)}, "positive whole numbers", r"\(True,\)"),
        ({"hidden_layer_sizes": ((3,), (3, 4))}, "positive whole numbers", r"\(3, 4\)"),
        ({"batch_size": 61}, "at most the number of training rows, 60", "got 61"),
        ({"n_init": 2, "model": torch.nn.Linear(3, 1)}, "one", "n_init=2"),
        ({"model": torch.nn.Linear(2, 1)}, "3 columns|as many inputs as X", "Linear"),
        ({"model": torch.nn.Linear(3, 2)}, "1 outputs", "got 2"),
        ({"model": OneParameterless()}, "with parameters", "OneParameterless"),
        ({"model": torch.nn.Flatten(0)}, "parameters", "Flatten"),
        ({"early_stopping": True, "validation_fraction": 0.999}, "train", "0.999"),
        ({"momentum": "spring", "optimizer": "adam"}, "place for momentum", "spring"),
        ({"momentum": "spring", "optimizer": "gd"}, "projected gradient", "optimizer='gd'"),
        ({"momentum": "spring", "optimizer": "newton"}, "projected gradient", "'newton'"),
        ({"momentum": "nesterov", "optimizer": "lbfgs"}, "place for momentum", "nesterov"),
        ({"momentum": "nesterov", "optimizer": "gd"}, "projection", "optimizer='gd'"),
        ({"step_size": "trust-region", "optimizer": "gd"}, "damping", "trust-region"),
        ({"step_size": "grid", "optimizer": "adam"}, "step length to search", "grid"),
        ({"step_size": 0.1, "optimizer": "lbfgs"}, "step length to set", r"step_size=0\.1"),
        ({"batch_size": 10, "optimizer": "lbfgs"}, "rows", "batch_size=10"),
        ({"device": "mps"}, "float64", "'mps'"),
        ({"device": "tpu"}, "'cpu', 'cuda'", "'tpu'"),
        ({"device": "cuda:x"}, "'cuda:<index>'", "'cuda:x'"),
        ({"device": ""}, "'cpu', 'cuda'", "''"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_settings_are_refused_with_advice(settings, expected, came):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor(**settings).fit(X, Y)
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
def test_cuda_without_cuda_is_refused_with_advice(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="sees 0 CUDA devices") as caught:
        regressor(device=device).fit(X, Y)
    assert_advises(caught.value, "CUDA", f"device='{device}' was asked for")


# scikit-learn words these: the permitted range is the advice.
@pytest.mark.parametrize(
    ("settings", "permitted"),
    [
        ({"beta": 1}, r"\(-1\.0, 1\.0\)"),
        ({"beta": -1.0}, r"\(-1\.0, 1\.0\)"),
        ({"beta": np.nan}, r"\(-1\.0, 1\.0\)"),
        ({"hidden_layer_sizes": 0}, r"\[1, inf\)"),
        ({"batch_size": 0}, r"\[1, inf\)"),
        ({"max_iter": 0}, r"\[1, inf\)"),
        ({"n_init": 0}, r"\[1, inf\)"),
        ({"step_size": 0.0}, r"\(0\.0, inf\)"),
        ({"step_size": np.inf}, r"\(0\.0, inf\)"),
        ({"damping": -1.0}, r"\[0\.0, inf\)"),
        ({"rcond": 1.0}, r"\[0\.0, 1\.0\)"),
        ({"validation_fraction": 1.0}, r"\(0\.0, 1\.0\)"),
        ({"activation": "relu"}, "'tanh'"),
        ({"optimizer": "sgd"}, "'ngd'"),
        ({"momentum": "classical"}, "'heavy-ball'"),
        ({"memory": "all"}, "'difference'"),
        ({"projection": "cholesky"}, "'qr'"),
        ({"dtype": "float16"}, "'float32'"),
        ({"device": None}, "'str'"),
    ],
    ids=str,
)
def test_settings_outside_their_range_are_refused(settings, permitted):
    ((name, value),) = settings.items()
    with pytest.raises(ValueError, match=permitted) as caught:
        regressor(**settings).fit(X, Y)
    assert f"'{name}' parameter" in str(caught.value)
    assert f"Got {value!r} instead" in str(caught.value)


@pytest.mark.parametrize("settings", [{"batch_size": 60}, {"early_stopping": True}], ids=str)
def test_held_out_rows_do_not_count_for_batches(settings):
    limit = 54 if "early_stopping" in settings else 60
    regressor(**{"batch_size": limit, **settings}).fit(X, Y)
    with pytest.raises(ValueError, match=f"training rows, {limit}, got {limit + 1}"):
        regressor(**{**settings, "batch_size": limit + 1}).fit(X, Y)


def test_early_stopping_needs_two_rows():
    with pytest.raises(ValueError, match="there is only 1 ") as caught:
        regressor(early_stopping=True).fit(X[:1], Y[:1])
    assert_advises(caught.value, "holds out a part", "only 1")


@pytest.mark.parametrize(("rows", "fraction"), [(2, 0.9), (6, 0.999)])
def test_early_stopping_names_the_fraction(rows, fraction):
    model = regressor(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match="early_stopping=True") as caught:
        model.fit(X[:rows], Y[:rows])
    assert_advises(caught.value, f"validation_fraction={fraction}", f"of the {rows} rows")


def test_early_stopping_of_classes_needs_two_rows_of_one():
    model = NaturalMomentumClassifier(early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping=True") as caught:
        model.fit(X[:5], np.arange(5))
    assert_advises(caught.value, "validation_fraction=0.1 of the 5 rows", "5 classes has one row")


def test_partial_fit_refuses_lbfgs():
    model = regressor(optimizer="lbfgs")
    with pytest.raises((ValueError, AttributeError)) as caught:
        model.partial_fit(X, Y)
    message = str(caught.value) + str(caught.value.__cause__ or "")
    assert_advises(message, "same rows", "lbfgs")
