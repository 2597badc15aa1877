"""Weighted standardisation of inputs and targets."""

import numpy as np

# Standard deviation over median absolute deviation of a normal distribution.
NORMAL_MAD = 1.4826
# Constants below this are not met in units of 1.
TINY = 1e-6
# A column that varies by rounding errors only, up to this part of its size, is constant.
ROUNDING = 10 * np.finfo(float).eps


def moments(values, weights):
    """Weighted mean and standard deviation of columns, so that a weight of 2 equals two rows.

    The deviation of a constant column is 0.
    """
    # Dividing by the largest number first keeps the squares of huge values finite.
    largest = np.abs(values).max(axis=0)
    largest[largest == 0.0] = 1.0
    relative = values / largest
    mean = np.average(relative, axis=0, weights=weights)
    deviation = np.sqrt(np.average((relative - mean) ** 2, axis=0, weights=weights))
    return mean * largest, np.where(deviation > ROUNDING, deviation * largest, 0.0)


def robust_moments(values, weights):
    """Weighted median, and 1.4826 times the median distance from it.

    The standard deviation where half of the values or more are equal.
    """

    def median(values):
        return np.quantile(values, 0.5, axis=0, weights=weights, method="inverted_cdf")

    centre = median(values)
    spread = NORMAL_MAD * median(np.abs(values - centre))
    _, deviation = moments(values, weights)
    return centre, np.where(spread > ROUNDING * np.abs(centre), spread, deviation)


def scale_of_inputs(deviation):
    """The deviation, and 1 for constant columns."""
    return np.where(deviation > 0, deviation, 1.0)


def scale_of_targets(mean, deviation):
    """The deviation; for constant columns 1, their size if tiny, or the smallest deviation.

    The least of them: what is constant is met to its last digit, and decides nothing for others.
    """
    varies, size = deviation > 0, np.abs(mean)
    unit = np.where((size > 0) & (size < TINY), size, 1.0)
    unit = np.minimum(unit, deviation[varies].min(initial=1.0))
    # The square of a unit has to be a number.
    return np.where(varies, deviation, np.maximum(unit, 1e-150))
