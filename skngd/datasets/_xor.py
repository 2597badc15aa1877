"""The exclusive or, with noise: a classification problem with plateaus."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_side": [Interval(Integral, 2, None, closed="left")],
        "spread": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
        "return_probability": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_xor(n_samples=1000, *, n_side=2, spread=0.25, random_state=None, return_probability=False):
    """Two classes of normal clusters on a chessboard.

    Cluster centres are the points of a square lattice of distance 1 around the origin; neighbours
    belong to different classes. Two by two clusters are the exclusive or with noise; three by three
    the extended form (compare Park, Amari and Fukumizu, 2000).

    Parameters
    ----------
    n_samples : int, default=1000
        How many points.
    n_side : int, default=2
        Clusters along each side.
    spread : float, default=0.25
        Standard deviation of a cluster. With 0.25, and two by two clusters, the mean square error
        of the true probabilities is 0.033, the best that any classifier can reach.
    random_state : int, RandomState instance or None, default=None
        Seed.
    return_probability : bool, default=False
        Return the true probability of class 1 at the points as well.

    Returns
    -------
    X : ndarray of shape (n_samples, 2)
        The points.
    y : ndarray of shape (n_samples,)
        Labels 0 and 1.
    p : ndarray of shape (n_samples,)
        Only with ``return_probability``.

    Examples
    --------
    >>> from skngd.datasets import make_xor
    >>> X, y, p = make_xor(20_000, random_state=0, return_probability=True)
    >>> round(float(((p - y) ** 2).mean()), 3)
    0.033
    """
    random_state = check_random_state(random_state)
    lattice = np.indices((n_side, n_side)).reshape(2, -1).T
    labels, centres = lattice.sum(axis=1) % 2, lattice - (n_side - 1) / 2
    cluster = random_state.randint(len(lattice), size=n_samples)
    X = centres[cluster] + spread * random_state.standard_normal((n_samples, 2))
    y = labels[cluster]
    if not return_probability:
        return X, y
    exponent = -((X[:, None] - centres) ** 2).sum(axis=2) / (2 * spread**2)
    density = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return X, y, density @ labels / density.sum(axis=1)
