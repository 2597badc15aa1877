"""Weighted standardisation of inputs and targets."""

import numpy as np

# Standard deviation over median absolute deviation of a normal distribution.
NORMAL_MAD = 1.4826
# Constants below this are not met in units of 1.
TINY = 1e-6
# A column that varies by rounding errors only, up to this part of its size, is constant.
ROUNDING = 10 * np.finfo(float).eps
# An input is far from the others at so many robust standard deviations. Few such rows, a part of
# all at most, do not set the scale where the deviation with them is this many times the robust one.
FAR, FEW, LEADS = 30.0, 0.25, 10.0
# Rows by which that is told.
MOST_ROWS = 5000


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


def moments_without_far(values, weights):
    """:func:`moments` of columns without few rows that are far from all others.

    A column with a number that is a million times the others would be one spike otherwise, and
    the others one point.

    Returns
    -------
    mean, deviation : ndarray of shape (d,)
    n_far : ndarray of shape (d,)
        How many rows were left out of each column.
    """
    mean, deviation = moments(values, weights)
    rows = np.linspace(0, len(values) - 1, min(len(values), MOST_ROWS)).round().astype(int)
    centre, robust = robust_moments(values[rows], weights[rows])
    n_far = np.zeros(len(mean), dtype=int)
    for column in np.flatnonzero(deviation > LEADS * robust):
        is_far = np.abs(values[:, column] - centre[column]) > FAR * robust[column]
        if 0 < weights[is_far].sum() <= FEW * weights.sum():
            near = values[~is_far][:, [column]], weights[~is_far]
            (mean[column],), (deviation[column],) = moments(*near)
            n_far[column] = is_far.sum()
    return mean, deviation, n_far


def told_of_far(n_far, names=None):
    """A sentence on columns with such rows, or none."""
    columns = np.flatnonzero(n_far)
    if not len(columns):
        return ""
    named = [f"column {column}" if names is None else repr(names[column]) for column in columns]
    more = f" and {len(named) - 3} other columns" if len(named) > 3 else ""
    told = ", ".join(
        f"{count} of {name}" for count, name in zip(n_far[columns][:3], named[:3], strict=True)
    )
    return (
        f" Inputs far from all others ({told}{more}) do not set the scale: check them, or take "
        "their logarithm."
    )


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
