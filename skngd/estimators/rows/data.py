"""Checks of the rows that come into ``fit``."""

from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import _check_sample_weight, column_or_1d, validate_data

from ..callers import warn
from .columns import numbers_of, refuse_times, sentence_on_columns
from .dense import densified
from .hold_out import stratified

ROWS = (
    "Expected X of shape (n_samples, n_features) and a dense y of shape (n_samples,) or "
    "(n_samples, n_outputs), real and finite."
)
# What a sparse X is converted to before it is made dense.
SPARSE = "csr"
# What to try, by a word of scikit-learn's message.
REMEDIES = {
    "NaN": "Drop or impute what is missing, for example with sklearn.impute.SimpleImputer.",
    "infinity": "Drop or replace what is not finite.",
    "could not convert": "Encode what is not a number, for example with OneHotEncoder.",
    "inconsistent numbers": "Give one row of y for each row of X.",
    "Complex": "Pass real and imaginary parts as columns of their own.",
    "fill value must be 0": "Use X.sparse.to_dense().",
    "type: continuous": "NaturalMomentumRegressor is for numbers; np.digitize makes classes: pass "
    "those.",
    "bytes": "Use y.astype(str).",
    "NAType": "Drop or impute what is missing, for example with sklearn.impute.SimpleImputer.",
    "label type: unknown": "Pass labels of one kind, such as y.astype(str).",
    "multi-label data": "Use MultiLabelBinarizer().fit_transform(y).",
    "inhomogeneous": "Pass rows of equal length; MultiLabelBinarizer makes a matrix of sets of "
    "labels.",
}


@contextmanager
def advice(sentence, X=None):
    """Append to scikit-learn's error what was expected and what to try.

    Where X is a frame, its columns that hold no numbers are named.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        came = str(error).rstrip()
        if came.startswith("Complex data not supported"):  # the whole array follows
            came = "Complex data not supported: X or y holds complex numbers."
        came += "" if came.endswith(".") else "."
        remedies = [sentence_on_columns(X)] if "NaN" not in came else []
        remedies += [remedy for word, remedy in REMEDIES.items() if word in came]
        remedy = next(filter(None, remedies), "Check what is passed.")
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{came} {sentence} {remedy}") from error


def flattened(y):
    """y with one dimension; a column is flattened with a warning."""
    if y.ndim == 2 and y.shape[1] == 1:
        warn(
            "A column-vector y was passed when a 1d array was expected. Pass y.ravel().",
            DataConversionWarning,
        )
    elif y.ndim == 2:
        raise ValueError(
            f"Expected y to be a 1d array with one label for each row, got shape {y.shape}. A "
            "matrix of 0 and 1 is taken where it was in the first fit; for columns of classes use "
            "MultiOutputClassifier(NaturalMomentumClassifier())."
        )
    return column_or_1d(y)


def validate_rows(estimator, X, y, sample_weight, reset):
    """Finite, real rows with numbers as targets; rows of weight zero are left out.

    The estimator gets ``n_features_in_`` and ``feature_names_in_`` if ``reset``. X of shape (n, d)
    comes back, y of shape (n, c), the weights, and whether y came with one dimension.
    """
    refuse_sparse(y)
    refuse_times(X)
    checks = {"dtype": np.float64, "multi_output": True, "y_numeric": True}
    y = None if y is None else numbers_of(y)
    with advice(ROWS, X):
        X, y = validate_data(estimator, X, y, reset=reset, accept_sparse=SPARSE, **checks)
        y = np.asarray(y, dtype=np.float64)
    X = densified(X)
    if y.ndim == 2 and y.shape[1] == 1:
        y = flattened(y)
    y_is_flat = y.ndim == 1
    return *weighted_rows(X, y.reshape(len(y), -1), sample_weight), y_is_flat


def refuse_sparse(y):
    """Refuse targets that are not dense."""
    if issparse(y):
        raise ValueError(
            f"Expected y to be a dense array, got a sparse {type(y).__name__}. Use y.toarray()."
        )


def weighted_rows(X, y, sample_weight):
    """Rows with a positive weight, and these weights divided by the largest."""
    weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True, allow_all_zero_weights=True
    )
    # Divided by the largest, the sum is finite; what would vanish in float32 counts as zero.
    weight = weight / (weight.max() or 1.0)
    positive = weight > np.finfo(np.float32).tiny
    if not positive.any():
        raise ValueError(
            f"Expected at least one positive sample_weight, got {len(weight)} weights that are "
            "all zero. Leave sample_weight out to give every row the same weight."
        )
    if not positive.all():
        X, y, weight = X[positive], y[positive], weight[positive]
    return X, y, weight


def split(rows, fraction, strata, random_state):
    """Training rows, and rows that are held out: this fraction of (X, y, weight).

    ``strata`` are groups that are held out in proportion, or None.
    """
    n = len(rows[0])
    if n < 2:
        raise ValueError(
            f"early_stopping=True holds out a part of the rows, but there is only {n} with a "
            "positive weight. Set early_stopping=False."
        )
    # Imported where it is needed: it would add a tenth of a second to every import of skngd.
    from sklearn.model_selection import train_test_split

    try:
        if strata is None:
            parts = train_test_split(*rows, test_size=fraction, random_state=random_state)
            return parts[::2], parts[1::2]
        indices = stratified(strata, fraction, random_state)
        return tuple(tuple(array[index] for array in rows) for index in indices)
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True holds out validation_fraction={fraction} of the {n} rows, which "
            f"leaves too few on one side: {error} Change validation_fraction, give rows as X_val "
            "and y_val, or set early_stopping=False."
        ) from error


def check_batch_size(batch_size, n_rows):
    """Refuse batches that cannot be drawn."""
    if batch_size not in (None, "auto") and batch_size > n_rows:
        raise ValueError(
            f"Expected batch_size to be at most the number of training rows, {n_rows}, got "
            f"{batch_size}. Set batch_size=None to use all rows at each iteration."
        )
