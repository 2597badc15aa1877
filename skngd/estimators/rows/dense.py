"""Sparse inputs as dense ones: networks multiply dense matrices."""

import os

from scipy.sparse import issparse

NUMBER = 8  # bytes of a float64
# The part of the machine's memory that a dense X may take: a fit needs as much again and more.
LARGEST_PART = 0.5


def memory_of_machine():
    """Bytes, or infinity where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return float("inf")


def densified(X):
    """X as a dense array; dense arrays are left alone.

    Parameters
    ----------
    X : ndarray, sparse matrix or sparse array of shape (n_samples, n_features)

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Eight bytes for each entry, whether it was stored or not.

    Raises
    ------
    MemoryError
        If that is more than half of the memory of this machine.
    """
    if not issparse(X):
        return X
    n, d = X.shape
    needed, available = NUMBER * n * d, memory_of_machine()
    try:
        if needed > LARGEST_PART * available:
            raise MemoryError
        return X.toarray()
    except MemoryError as error:
        raise MemoryError(
            f"Expected a sparse X that fits into memory as a dense array, got {n} rows of {d} "
            f"columns, {needed / 2**30:.3g} GiB. Use fewer columns, such as TruncatedSVD, "
            "SelectKBest or OneHotEncoder(min_frequency=…) give, or partial_fit on some rows at a "
            "time."
        ) from error
