"""Checks of the rows that come into ``fit``."""

from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import _check_sample_weight, column_or_1d, validate_data

from .callers import warn

ROWS = (
    "Expected X of shape (n_samples, n_features) and y of shape (n_samples,) or (n_samples, "
    "n_outputs), dense, real and finite."
)
# What to try, by a word of scikit-learn's message.
REMEDIES = {
    "NaN": "Drop or impute what is missing, for example with sklearn.impute.SimpleImputer.",
    "infinity": "Drop or replace what is not finite.",
    "could not convert": "Encode what is not a number, for example with OneHotEncoder.",
    "inconsistent numbers": "Give one row of y for each row of X.",
    "Complex": "Pass real and imaginary parts as columns of their own.",
}


@contextmanager
def advice(sentence):
    """Append to scikit-learn's error what was expected and what to try."""
    try:
        yield
    except ValueError as error:
        came = str(error).rstrip()
        if came.startswith("Complex data not supported"):  # the whole array follows
            came = "Complex data not supported: X or y holds complex numbers."
        came += "" if came.endswith(".") else "."
        remedies = [remedy for word, remedy in REMEDIES.items() if word in came]
        remedy = remedies[0] if remedies else "Check what is passed."
        raise ValueError(f"{came} {sentence} {remedy}") from error


def flattened(y):
    """y with one dimension; a column is flattened with a warning."""
    if y.ndim == 2 and y.shape[1] == 1:
        warn(
            "A column-vector y was passed when a 1d array was expected. Pass y.ravel().",
            DataConversionWarning,
        )
    return column_or_1d(y)


def validate_rows(estimator, X, y, sample_weight, reset):
    """Dense, finite, real rows with numbers as targets; rows of weight zero are left out.

    The estimator gets ``n_features_in_`` and ``feature_names_in_`` if ``reset``. X of shape (n, d)
    comes back, y of shape (n, c), the weights, and whether y came with one dimension.
    """
    refuse_sparse(y)
    checks = {"dtype": np.float64, "multi_output": True, "y_numeric": True}
    with advice(ROWS):
        X, y = validate_data(estimator, X, y, reset=reset, **checks)
        y = np.asarray(y, dtype=np.float64)
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
        parts = train_test_split(
            *rows, test_size=fraction, random_state=random_state, stratify=strata
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True holds out validation_fraction={fraction} of the {n} rows, which "
            f"leaves too few on one side: {error} Change validation_fraction, give rows as X_val "
            "and y_val, or set early_stopping=False."
        ) from error
    return parts[::2], parts[1::2]


def check_batch_size(batch_size, n_rows):
    """Refuse batches that cannot be drawn."""
    if batch_size is not None and batch_size > n_rows:
        raise ValueError(
            f"Expected batch_size to be at most the number of training rows, {n_rows}, got "
            f"{batch_size}. Set batch_size=None to use all rows at each iteration."
        )
