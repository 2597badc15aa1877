"""Weighted standardisation of inputs and targets."""

import numpy as np

# Standard deviation over median absolute deviation of a normal distribution.
NORMAL_MAD = 1.4826


def standardisation(values, weights):
    """Weighted mean and standard deviation, so that a weight of 2 equals two rows.

    Parameters
    ----------
    values : ndarray of shape (n, d)
    weights : ndarray of shape (n,)

    Returns
    -------
    mean : ndarray of shape (d,)
    scale : ndarray of shape (d,)
        The standard deviation; 1 for constant columns.
    """
    # Dividing by the largest number first keeps the squares of huge values finite.
    largest = np.abs(values).max(axis=0)
    largest[largest == 0.0] = 1.0
    relative = values / largest
    mean = np.average(relative, axis=0, weights=weights)
    deviation = np.sqrt(np.average((relative - mean) ** 2, axis=0, weights=weights))
    # A column that varies by rounding errors only is a constant column.
    varies = deviation > 10 * np.finfo(float).eps
    return mean * largest, np.where(varies, deviation * largest, 1.0)


def robust_standardisation(values, weights):
    """Weighted median, and the median distance from it in units of a normal distribution.

    Parameters
    ----------
    values : ndarray of shape (n, d)
    weights : ndarray of shape (n,)

    Returns
    -------
    centre : ndarray of shape (d,)
    scale : ndarray of shape (d,)
        1.4826 times the median absolute deviation; the standard deviation where half of the values
        or more are equal.
    """

    def median(values):
        return np.quantile(values, 0.5, axis=0, weights=weights, method="inverted_cdf")

    centre = median(values)
    spread = NORMAL_MAD * median(np.abs(values - centre))
    _, deviation = standardisation(values, weights)
    return centre, np.where(spread > 10 * np.finfo(float).eps * np.abs(centre), spread, deviation)
