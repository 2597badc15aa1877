"""Checks of the rows that come into ``fit``."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight, column_or_1d, validate_data


def validate_rows(estimator, X, y, sample_weight, reset):
    """Dense, finite, real rows; rows of weight zero are left out.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_`` if ``reset``.
    X, y, sample_weight : array-like
    reset : bool

    Returns
    -------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n, c)
    weight : ndarray of shape (n,)
    y_is_flat : bool
        Whether y came with one dimension.

    Raises
    ------
    ValueError
        As ``fit`` says.
    """
    if issparse(y):
        raise ValueError(
            f"Expected y to be a dense array, got a sparse {type(y).__name__}. Use y.toarray()."
        )
    X, y = validate_data(
        estimator, X, y, reset=reset, dtype=np.float64, multi_output=True, y_numeric=True
    )
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    y_is_flat = y.ndim == 1
    y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    positive = weight > 0
    if not positive.any():
        raise ValueError(
            f"Expected at least one positive sample_weight, got {len(weight)} weights that are "
            "all zero. Leave sample_weight out to give every row the same weight."
        )
    if not positive.all():
        X, y, weight = X[positive], y[positive], weight[positive]
    return X, y, weight, y_is_flat


def validate_held_out(estimator, X_val, y_val, n_outputs):
    """Rows given as ``X_val, y_val``, checked like the training rows."""
    if X_val is None or y_val is None:
        raise ValueError(
            "Expected X_val and y_val together, got only "
            f"{'y_val' if X_val is None else 'X_val'}. Give both, or early_stopping=True."
        )
    X, y, weight, _ = validate_rows(estimator, X_val, y_val, None, reset=False)
    if y.shape[1] != n_outputs:
        raise ValueError(f"Expected y_val to have {n_outputs} columns, as y has, got {y.shape[1]}.")
    return X, y, weight


def split(X, y, weight, fraction, random_state):
    """Hold out a fraction of the rows: (X, y, weight) of the rest, and of the held out."""
    if len(X) < 2:
        raise ValueError(
            f"early_stopping=True holds out a part of the rows, but there is only {len(X)} with a "
            "positive weight. Set early_stopping=False."
        )
    # Imported where it is needed: it would add a tenth of a second to every import of skngd.
    from sklearn.model_selection import train_test_split

    X, X_out, y, y_out, weight, weight_out = train_test_split(
        X, y, weight, test_size=fraction, random_state=random_state
    )
    return (X, y, weight), (X_out, y_out, weight_out)


def check_batch_size(batch_size, n_rows):
    """None, or a number of rows that can be drawn."""
    if batch_size is not None and batch_size > n_rows:
        raise ValueError(
            f"Expected batch_size to be at most the number of training rows, {n_rows}, got "
            f"{batch_size}. Set batch_size=None to use all rows at each iteration."
        )
    return batch_size
