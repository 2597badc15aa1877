"""What people bring: sparse inputs, objects, words, several labels in each row."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from messages import assert_advises
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.estimators.rows import dense
from skngd.problems.zoo import AdvectionDiffusion

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FORMATS = ["csr_matrix", "csc_array", "coo_array", "lil_matrix"]
WORDS = np.random.RandomState(0).choice(list("abcd"), (90, 3))
X = OneHotEncoder(sparse_output=False).fit_transform(WORDS)
Y = X @ np.random.RandomState(1).randn(X.shape[1])
LABELS = np.digitize(Y, [-1.0, 0.5])
# One label in five is on, and one nearly always.
MANY = make_multilabel_classification(120, 6, n_classes=4, random_state=0)


def regressor(**options):
    return NaturalMomentumRegressor(
        (3,), **{"n_init": 1, "max_iter": 12, **options}, random_state=0
    )


def classifier(**options):
    return NaturalMomentumClassifier(
        (3,), **{"n_init": 1, "max_iter": 12, **options}, random_state=0
    )


# Sparse


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("model", "y"), [(regressor(), Y), (classifier(), LABELS)], ids=["R", "C"])
def test_a_sparse_x_is_the_dense_one(form, model, y):
    held_out = {"X_val": X[:20], "y_val": y[:20]}
    plain = clone(model).fit(X, y, **held_out).partial_fit(X, y)
    S = getattr(sparse, form)(X)
    held_out["X_val"] = getattr(sparse, form)(X[:20])
    other = clone(model).fit(S, y, **held_out).partial_fit(S, y)
    assert_array_equal(other.theta_, plain.theta_)
    assert_array_equal(other.X_scale_, plain.X_scale_)
    assert_array_equal(other.predict(S), plain.predict(X))
    assert other.score(S, y) == plain.score(X, y)


def test_sparse_rows_become_dense_in_blocks(monkeypatch):
    fitted = regressor().fit(X, Y)
    monkeypatch.setattr("skngd.estimators.device.CHUNK_NUMBERS", 7 * len(fitted.theta_))
    assert_allclose(fitted.predict(sparse.csr_array(X)), fitted.predict(X), atol=1e-12)


def test_the_default_output_of_an_encoder_is_taken():
    model = make_pipeline(OneHotEncoder(), regressor(alpha=1e-3, max_iter=30))
    assert cross_val_score(model, WORDS, Y, cv=3).min() > 0.9


def test_a_sparse_x_beyond_memory_is_refused(monkeypatch):
    monkeypatch.setattr(dense, "memory_of_machine", lambda: X.nbytes)
    with pytest.raises(MemoryError) as caught:
        regressor().fit(sparse.csr_array(X), Y)
    assert_advises(caught.value, "fits into memory", "90 rows of 12 columns")


def test_points_of_a_problem_are_dense():
    with pytest.raises(TypeError) as caught:
        PINNEstimator(AdvectionDiffusion()).fit(sparse.csr_array(X[:, :1]))
    assert_advises(caught.value, "dense", "[Ss]parse")
    plain = PINNEstimator(None, (3,), n_init=1, max_iter=5, random_state=0)
    S = sparse.csr_array(X)
    assert_array_equal(plain.fit(S, Y).predict(S), plain.fit(X, Y).predict(X))


# Kinds of y


@pytest.mark.parametrize(
    "kept_as",
    [
        lambda y: y.astype(object),
        lambda y: np.array([Decimal(str(number)) for number in y]),
        lambda y: y.astype(str),
        lambda y: pd.Series(y).astype("string"),
        lambda y: pd.DataFrame({"y": y}).astype(object).iloc[:, 0],
        list,
    ],
    ids=["objects", "decimals", "words", "string", "column", "list"],
)
def test_numbers_are_numbers_however_they_are_kept(kept_as):
    fitted = regressor().fit(X, kept_as(Y))
    assert_array_equal(fitted.theta_, regressor().fit(X, Y).theta_)
    assert fitted.score(X, kept_as(Y)) == fitted.score(X, Y)


@pytest.mark.parametrize("kind", ["int8", "uint64", "bool", "Int64", "boolean"])
def test_counts_and_booleans_are_numbers(kind):
    y = (LABELS > 0) if kind.startswith("bool") else LABELS
    fitted = regressor().fit(X, pd.Series(y).astype(kind))
    assert_array_equal(fitted.theta_, regressor().fit(X, y.astype(float)).theta_)
    assert fitted.predict(X).dtype == np.float64


def with_first(y, entry):
    y = y.astype(object)
    y[0] = entry
    return y


@pytest.mark.parametrize(
    ("y", "expected", "came"),
    [
        (with_first(Y, None), "finite", "y contains NaN"),
        (with_first(Y, pd.NA), "finite", "y contains NaN"),
        (with_first(Y, "high"), "numbers", "'high'"),
        (with_first(Y, 1j), "numbers", "1j"),
        (np.where(Y > 0, "yes", "no"), "NaturalMomentumClassifier is for labels", "'(yes|no)'"),
        (pd.Series(pd.date_range("2026", periods=90)), "numbers", "datetime64"),
        (pd.to_timedelta(LABELS, unit="D").to_numpy(), "numbers", "timedelta64"),
        (pd.DataFrame({"a": Y, "level": np.where(Y > 0, "x", "y")}), "numbers", "'level'"),
    ],
    ids=["None", "NA", "a word", "complex", "words", "dates", "spans", "frame"],
)
def test_targets_that_are_no_numbers_are_refused_with_advice(y, expected, came):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor().fit(X, y)
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize(
    "labels", [LABELS.astype(object), (LABELS > 0).astype(object)], ids=["int", "bool"]
)
def test_labels_kept_as_objects_are_labels(labels):
    plain = np.array(labels.tolist())
    fitted = classifier().fit(X, labels)
    assert_array_equal(fitted.classes_, np.unique(plain))
    assert fitted.score(X, labels) == fitted.score(X, plain) == np.mean(fitted.predict(X) == plain)


@pytest.mark.parametrize(
    ("y", "expected", "came"),
    [
        (with_first(LABELS, None), "label for each row", "None"),
        (with_first(LABELS, "a"), "one kind", "int, str"),
        (np.array([Decimal(int(k)) for k in LABELS]), "one kind", "unknown"),
        (LABELS.astype(bytes), r"y\.astype\(str\)", "bytes"),
        (Y, "NaturalMomentumRegressor is for numbers", "continuous"),
        ([["a"], ["a", "b"]] * 45, "MultiLabelBinarizer", "sequence"),
        (np.c_[LABELS, LABELS > 0], "MultiOutputClassifier", r"\(90, 2\)"),
        (np.c_[LABELS > 0, LABELS > 1] * 2 - 1, "0 elsewhere", r"\[-1"),
        (sparse.csr_array((LABELS > 0)[:, None]), "dense", "sparse"),
    ],
    ids=["None", "mixed", "decimals", "bytes", "numbers", "sets", "several", "signs", "sparse"],
)
def test_targets_that_are_no_labels_are_refused_with_advice(y, expected, came):
    with pytest.raises((ValueError, TypeError)) as caught:
        classifier().fit(X, y)
    assert_advises(caught.value, expected, came)


def test_a_column_of_labels_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        fitted = classifier().fit(X, LABELS[:, None])
    assert_array_equal(fitted.theta_, classifier().fit(X, LABELS).theta_)


# Kinds of X


FRAME = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])


@pytest.mark.parametrize(
    ("column", "came"),
    [
        (WORDS[:, 0], "no numbers"),
        (pd.Categorical(WORDS[:, 0]), "no numbers"),
        (pd.date_range("2026", periods=90), "times"),
        (pd.to_timedelta(LABELS, unit="D"), "times"),
        (pd.period_range("2026", periods=90), "no numbers"),
        ([[1, 2]] * 90, "no numbers"),
    ],
    ids=["objects", "categories", "dates", "spans", "periods", "lists"],
)
def test_columns_without_numbers_are_named(column, came):
    fitted = regressor().fit(FRAME, Y)
    changed = FRAME.assign(b=column, where=column)
    for call in (lambda: regressor().fit(changed, Y), lambda: fitted.predict(changed[["a", "b"]])):
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        # Labels are encoded, times counted from the first one.
        advice = "timedelta64" if came == "times" else "OneHotEncoder"
        assert_advises(caught.value, advice, "'b'")
        assert_advises(caught.value, came, "'b'")
    with pytest.raises((ValueError, TypeError), match=r"'b', 'where'"):
        regressor().fit(changed, Y)


def test_numbers_in_columns_of_objects_and_categories_are_numbers():
    kept = FRAME.assign(a=FRAME["a"].astype(object), b=FRAME["b"].astype("category"))
    kept = kept.assign(c=FRAME["c"].astype(str))
    theta = regressor().fit(FRAME, Y).theta_
    assert_allclose(regressor().fit(kept, Y).theta_, theta, rtol=1e-7)


# Several labels in each row


@pytest.mark.parametrize("kept_as", [np.asarray, lambda y: y.astype(bool), sparse.csr_matrix])
def test_an_indicator_matrix(kept_as):
    X, y = MANY
    fitted = NaturalMomentumClassifier((8,), random_state=0).fit(X, kept_as(y))
    p, predicted = fitted.predict_proba(X), fitted.predict(X)
    assert p.shape == predicted.shape == y.shape
    assert_array_equal(fitted.classes_, np.arange(4))
    assert_array_equal(predicted, (p > 0.5).astype(int))
    assert_allclose(np.exp(fitted.predict_log_proba(X)), p)
    assert_allclose(p, 1 / (1 + np.exp(-fitted.decision_function(X))))
    assert fitted.score(X, y) == accuracy_score(y, predicted) > 0.6


def test_labels_are_independent_where_nothing_is_shared():
    # Without a hidden layer an indicator matrix is one logistic regression for each label.
    X, y = MANY
    settings = {"alpha": 1e-2, "tol": 1e-12, "random_state": 0}
    together = NaturalMomentumClassifier((), **settings).fit(X, y)
    apart = MultiOutputClassifier(NaturalMomentumClassifier((), **settings)).fit(X, y)
    p = np.column_stack([p[:, 1] for p in apart.predict_proba(X)])
    assert_allclose(together.predict_proba(X), p, atol=1e-4)


def test_the_loss_is_the_sum_over_labels():
    X, y = MANY
    fitted = classifier(alpha=0.0).fit(X, y)
    parts = [log_loss(y[:, k], fitted.predict_proba(X)[:, k]) for k in range(4)]
    assert fitted.loss_ == pytest.approx(sum(parts), rel=1e-9)


def test_an_indicator_matrix_goes_on():
    X, y = MANY
    model = classifier()
    for _ in range(15):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.35
    for bad in (y[:, 0], y[:, :3], y + 1):
        with pytest.raises(ValueError, match="0 elsewhere"):
            model.partial_fit(X, bad)
    with pytest.raises(ValueError, match="1d array"):
        classifier().partial_fit(X, y[:, 0]).partial_fit(X, y)


def test_class_weights_of_several_labels():
    X, y = MANY
    balanced = classifier(class_weight="balanced").fit(X, y)
    assert not np.allclose(balanced.predict_proba(X), classifier().fit(X, y).predict_proba(X))
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        classifier(class_weight={0: 2.0, 1: 1.0}).fit(X, y)
    assert_advises(caught.value, "'balanced' or None", "dict")
