"""Rows of past values and the value to forecast."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, validate_params


@validate_params(
    {
        "series": "no_validation",
        "lags": "no_validation",
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "return_times": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_lagged(series, lags, horizon, *, return_times=False):
    """Turn a series x(0), x(1), … into the rows of a regression problem.

    The row of time t is X[i, j] = x(t − lags[j]) with the target y[i] = x(t + horizon). There is
    one row for each t with all these values in the series: t = max(lags), …,
    len(series) − 1 − horizon.

    Parameters
    ----------
    series : array-like of shape (n,)
        Values at equal distances in time; they are converted to float64.
    lags : array-like of int of shape (n_lags,)
        How many steps back each column looks, at least 0; the columns keep this order. 0 is x(t)
        itself.
    horizon : int
        How many steps ahead the target lies, at least 1.
    return_times : bool, default=False
        Return the times t as well.

    Returns
    -------
    X : ndarray of shape (n − max(lags) − horizon, n_lags)
        Lagged values.
    y : ndarray of shape (n − max(lags) − horizon,)
        Values to forecast.
    times : ndarray of int of shape (n − max(lags) − horizon,)
        The index t of each row. Only with ``return_times=True``.

    Raises
    ------
    ValueError
        If the series is not one-dimensional, real and finite, or too short for one row; if lags
        are not whole numbers, at least 0; if horizon is not a whole number, at least 1.
    TypeError
        If the series is sparse.

    Examples
    --------
    >>> from skngd.datasets import make_lagged
    >>> X, y, times = make_lagged([0, 10, 20, 30, 40, 50], [0, 2], horizon=1, return_times=True)
    >>> X
    array([[20.,  0.],
           [30., 10.],
           [40., 20.]])
    >>> y
    array([30., 40., 50.])
    >>> times
    array([2, 3, 4])
    """
    series = check_array(
        series, ensure_2d=False, ensure_min_samples=0, dtype=np.float64, input_name="series"
    )
    if series.ndim != 1:
        raise ValueError(
            f"Expected series to be one-dimensional, got shape {series.shape}. Pass one column, "
            "such as series[:, 0]."
        )
    lags = check_lags(lags)
    furthest = int(lags.max())
    needed = furthest + horizon + 1
    if len(series) < needed:
        raise ValueError(
            f"Expected a series of at least {needed} values for a lag of {furthest} and "
            f"horizon={horizon}, got {len(series)}. Use smaller lags, a smaller horizon or a "
            "longer series."
        )
    times = np.arange(furthest, len(series) - horizon)
    X = series[times[:, np.newaxis] - lags.astype(times.dtype)]
    y = series[times + horizon]
    return (X, y, times) if return_times else (X, y)


def check_lags(lags, name="lags"):
    """Lags as an array of whole numbers, at least 0."""
    try:
        lags = np.asarray(lags)
    except ValueError:  # lists of several lengths
        lags = np.asarray(lags, dtype=object)
    if lags.ndim != 1 or lags.size == 0 or lags.dtype.kind not in "iu":
        raise ValueError(
            f"Expected {name} to be a list of whole numbers, such as [0, 6, 12, 18], got "
            f"{lags.tolist()!r}."
        )
    if lags.min() < 0:
        raise ValueError(
            f"Expected {name} to be at least 0, got {lags.tolist()}. A lag of 6 stands for "
            "x(t − 6); values after t are what horizon is for."
        )
    return lags
