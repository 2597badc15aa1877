"""A network that saturates says so where it is asked far outside of its data."""

from weakref import WeakSet

import numpy as np
from scipy.sparse import issparse

from ..callers import warn

# Beyond the range of the training rows by so many of its widths a network is far outside.
FAR = 1.0
# Activations for which a network is bounded.
BOUNDED = ("tanh", "sin", "logistic")
# Fitted estimators that have said it.
TOLD: WeakSet = WeakSet()


def range_of(X, earlier=None):
    """The least and the largest number of each column, shape (2, d), of these rows and earlier."""
    both = np.stack([X.min(axis=0), X.max(axis=0)])
    if earlier is None:
        return both
    return np.stack([np.minimum(both[0], earlier[0]), np.maximum(both[1], earlier[1])])


def warn_if_far_outside(estimator, X):
    """Warn, once for each fit, of rows where a bounded network says next to nothing."""
    if estimator.model is not None or estimator in TOLD or issparse(X) or len(X) == 0:
        return
    if estimator._activation() not in BOUNDED or not estimator._hidden_layer_sizes():
        return
    low, high = estimator._X_range
    width = high - low
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        distance = np.maximum(low - X, X - high).max(axis=0) / width
    # A constant column has no width.
    distance = np.where(width > 0, distance, 0.0)
    column = int(np.argmax(distance))
    if not distance[column] > FAR:
        return
    TOLD.add(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    name = f"column {column}" if names is None else repr(names[column])
    warn(
        f"Expected rows near those of fit, where {name} is from {low[column]:.4g} to "
        f"{high[column]:.4g}, got {X[:, column].min():.4g} to {X[:, column].max():.4g}: a network "
        f"with activation={estimator._activation()!r} is bounded, and does not extrapolate. Fit "
        "rows from there, differences or logarithms where values grow, or hidden_layer_sizes=(), "
        "the linear model. This is said once for each fit."
    )
