"""Whether neighbouring rows know more of y than the fit: it has not found what is there."""

import numpy as np
from scipy.spatial import KDTree

# Inputs up to which neighbours are near, rows that are enough to tell, and that are looked at.
MOST_INPUTS, LEAST_ROWS, MOST_ROWS = 3, 50, 5000
# A variance of the residuals, beside that of neighbours, from which on a fit misses something.
MISSED = 3.0


def noise_of_neighbours(X, y):
    """½ the mean square of the difference of each row to its nearest neighbour, shape (c,).

    The variance of the noise, and more where y varies between neighbours.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Standardised.
    y : ndarray of shape (n, c)

    Returns
    -------
    variance : ndarray of shape (c,) or None
        None where there are many inputs, or few rows.
    """
    if X.shape[1] > MOST_INPUTS or len(X) < LEAST_ROWS:
        return None
    rows = np.linspace(0, len(X) - 1, min(len(X), MOST_ROWS)).round().astype(int)
    _, nearest = KDTree(X).query(X[rows], k=2)
    # Of rows with equal inputs either may come first.
    other = np.where(nearest[:, 0] == rows, nearest[:, 1], nearest[:, 0])
    return 0.5 * np.mean((y[rows] - y[other]) ** 2, axis=0)


def remark(X, y, noise, least):
    """A sentence on a fit that leaves more than its neighbours do, or none.

    Parameters
    ----------
    X, y : ndarray of shape (n, d), (n, c)
        Standardised.
    noise : ndarray of shape (c,)
        The variance that the fit takes for noise.
    least : float
        A variance that is worth a word.
    """
    known = noise_of_neighbours(X, y)
    if known is None or not np.any(noise > np.maximum(MISSED * known, least)):
        return ""
    return (
        " Neighbouring rows differ by much less than the fit leaves as noise: the network does not "
        "follow y. Try a second hidden layer, such as (20, 20), or alpha=0 with "
        "early_stopping=True."
    )
