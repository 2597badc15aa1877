"""Rows that are copies of others: they repeat the noise, which a fit then takes for the truth."""

import numpy as np

# A part of the rows that copies are, at least, and of the other rows that have a y of their own:
# whole numbers repeat by themselves.
MANY, DISTINCT = 0.25, 0.9


def told_of_copies(X, y):
    """A sentence on rows that are there several times, X and y, or none.

    Parameters
    ----------
    X, y : ndarray of shape (n, d), (n, c)
    """
    n, n_values = len(X), len(np.unique(y[:, 0]))
    if n_values > (1 - MANY) * n:
        return ""
    n_rows = len(np.unique(np.column_stack([X, y]), axis=0))
    if n - n_rows < MANY * n or n_values < DISTINCT * n_rows:
        return ""
    return (
        f" Of {n} rows {n - n_rows} are copies of others, X and y: their noise is the same, and "
        "looks like none. Where they are no observations of their own, leave them out."
    )
