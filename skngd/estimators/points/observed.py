"""Checks of the points and measurements that go with a problem."""

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from ..rows.data import advice, refuse_sparse


def named_columns(X, columns, what="X"):
    """Refuse a frame whose columns are in another order; the rest is scikit-learn's."""
    names = getattr(X, "columns", None)
    if names is None:
        return
    names = tuple(names)
    if names != columns and set(names) == set(columns):
        raise ValueError(
            f"Expected the columns of {what} in the order {columns}, got {names}. Use "
            f"{what}[{list(columns)}]."
        )


def observed(X, y, sample_weight, fields):
    """Measurements of shape (n, number of fields), NaN where nothing was observed, and weights.

    Rows of weight zero were not observed. Refused are a y of another shape, that is sparse, complex
    or infinite, or NaN throughout, and weights that are negative or not finite.
    """
    fields = tuple(fields)
    refuse_sparse(y)
    named_columns(y, fields, "y")
    with advice(f"Expected y with real numbers, one column for each of the fields {fields}."):
        if np.iscomplexobj(y):
            raise ValueError("Complex data not supported")
        y = np.array(y, dtype=np.float64)
    y = y.reshape(-1, 1) if y.ndim == 1 else y
    if y.ndim != 2 or y.shape[1] != len(fields):
        raise ValueError(
            f"Expected y of shape (n_samples, {len(fields)}), one column for each of the fields "
            f"{fields}, got shape {y.shape}. Set what was not observed to NaN."
        )
    if len(y) != len(X):
        raise ValueError(
            f"Expected one row of y for each row of X, got {len(y)} and {len(X)}. Give one "
            "measurement for each point."
        )
    if np.isinf(y).any():
        raise ValueError(
            f"Expected y to be finite, or NaN where nothing was observed, got {np.isinf(y).sum()} "
            "infinite entries. Replace them by NaN."
        )
    weight = weights_of(X, sample_weight)
    y[weight == 0] = np.nan
    if np.isnan(y).all():
        raise ValueError(
            f"Expected at least one observed entry of y, got {y.size} that are all NaN or of "
            "weight zero. Call fit() or fit(X) without y for a problem without measurements."
        )
    return y, weight


def weights_of(X, sample_weight):
    """Validated weights, ones where none are given."""
    return _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True, allow_all_zero_weights=False
    )
