"""Whether errors of neighbouring rows are alike: then a fit has not found what is there."""

import numpy as np
from scipy.spatial import KDTree

# Inputs up to which neighbours are near, rows that are enough to tell, and that are looked at.
MOST_INPUTS, LEAST_ROWS, MOST_ROWS = 3, 50, 2500
# A correlation that is too much: by itself, and in units of its spread for independent errors.
ALIKE, SPREADS = 0.1, 4.0
# One with which most of the errors is no noise.
MOSTLY_ALIKE = 0.5


def neighbours(X, least=LEAST_ROWS):
    """Pairs of neighbouring rows, shape (m, 2), or None with many inputs or few rows.

    Rows with equal inputs are no pairs: they may be the same row twice.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Standardised.
    least : int, default=50
        Rows that are enough.
    """
    if X.shape[1] > MOST_INPUTS or len(X) < least:
        return None
    if X.shape[1] == 1:
        order = np.argsort(X[:, 0])
        pairs = np.stack([order[:-1], order[1:]], axis=1)[np.diff(X[order, 0]) > 0]
        chosen = np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_ROWS)).round().astype(int)
        return pairs[chosen] if len(pairs) >= least // 2 else None
    rows = np.linspace(0, len(X) - 1, min(len(X), MOST_ROWS)).round().astype(int)
    distances, nearest = KDTree(X).query(X[rows], k=2)
    # Two rows that are each other's neighbours are one pair.
    pairs = np.sort(np.stack([rows, nearest[:, 1]], axis=1), axis=1)
    pairs = np.unique(pairs[distances[:, 1] > 0], axis=0)
    return pairs if len(pairs) >= least // 2 else None


def correlation(errors):
    """Of the errors of pairs of rows, by output: Σ r s / Σ r², its bound for noise, and mean r s.

    As by von Neumann (1941), with the mean product in place of that of squared differences.

    Parameters
    ----------
    errors : ndarray of shape (m, 2, c)

    Returns
    -------
    found : ndarray of shape (c,)
    bound : float
        Independent errors have correlations of variance 1 / m.
    missed : ndarray of shape (c,)
        The variance of what is missed, as far as neighbours share it.
    """
    squares = (errors**2).mean(axis=(0, 1))
    missed = errors.prod(axis=1).mean(axis=0)
    found = np.divide(missed, squares, out=np.zeros_like(missed), where=squares > 0)
    return found, max(ALIKE, SPREADS / np.sqrt(len(errors))), missed


def is_worth_more_neurons(errors, worth):
    """Whether so much of the errors is alike that a network with more neurons is worth a fit.

    Parameters
    ----------
    errors : ndarray of shape (m, 2, c)
        Of pairs of neighbours.
    worth : ndarray of shape (c,)
        The variance from which on it is.
    """
    found, bound, missed = correlation(errors)
    return bool(np.any((missed > worth) & (found > max(bound, MOSTLY_ALIKE))))


def remark(errors, worth):
    """A sentence on a fit whose errors are alike, or none.

    Parameters
    ----------
    errors : ndarray of shape (m, 2, c)
        Of pairs of neighbours.
    worth : ndarray of shape (c,)
        The variance that is worth a word.
    """
    found, bound, missed = correlation(errors)
    found = float(np.max(np.where(missed > worth, found, 0.0)))
    if found <= bound:
        return ""
    return (
        f" Errors of neighbouring rows are alike (correlation {found:.2f}, of noise at most "
        f"{bound:.2f}): the network does not follow y. Try hidden_layer_sizes='auto', a second "
        "hidden layer, such as (20, 20), or alpha=0 with early_stopping=True."
    )
