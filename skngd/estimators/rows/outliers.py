"""Whether a few rows lead a fit by squares: their errors are not the noise of the others."""

import numpy as np

# The median of the sizes of a normal distribution.
NORMAL_MEDIAN = 0.6745
# Rows that are enough to tell, that are looked at, and how near to 1 a leverage is trusted.
LEAST_ROWS, MOST_ROWS, MOST_LEVERAGE = 50, 5000, 0.95
# A mean square of the errors, as a part of the variance of y, below which outliers do no harm.
HARMS = 0.1
# Errors of this many robust standard deviations are outliers.
FAR = 5.0
# A part of the rows that is on one side of the others; of exponential noise a hundredth is as far.
MANY = 0.08
# A leverage with which a row sets the fit by itself, and how many robust standard deviations of y
# it is away from the others where that does harm.
ALONE, FAR_OF_Y = 0.9, 10.0
# How far the standard deviation is above the robust one where outliers lead: it is 1 for normal
# errors, 1.4 for Laplace's, about 1.4 for Student's t with three degrees of freedom.
LEADS = 2.0
# The relative spread of that ratio for √n = 1: the largest of many outputs is so much above one's.
SPREAD_OF_RATIO = 1.8
# Huber's constant, 95 % as good as the mean where the noise is normal.
TUNING = 1.345


def leave_one_out(residual, leverage):
    """Errors of a linearised fit at each row without that row: r / (1 − h).

    Parameters
    ----------
    residual, leverage : ndarray of shape (n, c)
        y − v, and h = var v / σ², equation (Var).
    """
    return residual / (1.0 - np.clip(leverage, 0.0, MOST_LEVERAGE))


def outliers(errors):
    """How many rows are outliers, and the ratio of the standard deviation to the robust one.

    Parameters
    ----------
    errors : ndarray of shape (n, c)

    Returns
    -------
    count : int
        Of the output with the largest ratio.
    ratio : float
        0 where more than half of the errors are zero. Of several outputs the largest one is divided
        by what chance adds to the largest of so many.
    """
    sizes = np.abs(errors)
    robust = np.median(sizes, axis=0) / NORMAL_MEDIAN
    root = np.sqrt(np.mean(sizes**2, axis=0))
    ratios = np.divide(root, robust, out=np.zeros_like(root), where=robust > 0)
    worst = int(np.argmax(ratios))
    chance = 1.0 + SPREAD_OF_RATIO * np.sqrt(2.0 * np.log(len(ratios)) / len(errors))
    return int(np.sum(sizes[:, worst] > FAR * robust[worst])), float(ratios[worst] / chance)


def outliers_on_one_side(errors):
    """The same about the median: outliers on one side have moved the fit away from other rows.

    None where they are few, which skewed noise has, too.
    """
    count, ratio = outliers(errors - np.median(errors, axis=0))
    return (count, ratio) if count > MANY * len(errors) else (0, ratio)


def huber_weights(errors):
    """ψ(r) / r of Huber's M-estimate with its scale from the median size, shape (n,)."""
    scale = np.median(np.abs(errors)) / NORMAL_MEDIAN
    sizes = np.maximum(np.abs(errors), np.finfo(float).tiny)
    return np.minimum(1.0, TUNING * max(scale, np.finfo(float).tiny) / sizes)


def alone(target, leverage):
    """How many rows far from all others in y set the fit by themselves, so that no error shows.

    Parameters
    ----------
    target, leverage : ndarray of shape (n, c)
    """
    distance, robust = np.abs(target - np.median(target, axis=0)), robust_variances(target) ** 0.5
    is_far = (distance > FAR_OF_Y * robust) & (robust > 0)
    return int(np.sum(np.any(is_far & (leverage > ALONE), axis=1)))


def robust_variances(target):
    """Of each column, from the median distance to its median."""
    return (np.median(np.abs(target - np.median(target, axis=0)), axis=0) / NORMAL_MEDIAN) ** 2


def remark_on_alone(count, n_rows):
    """A sentence on rows that set the fit by themselves, or none."""
    if count == 0:
        return ""
    return (
        f" Outliers: {count} of {n_rows} rows, more than {FAR_OF_Y:g} times as far from the median "
        "of y as the others usually are, are met by neurons of their own. Try loss='huber'."
    )


def remark(count, ratio, n_rows):
    """A sentence on them, or none."""
    if ratio < LEADS or count == 0:
        return ""
    return (
        f" Outliers: {count} of {n_rows} rows miss the fit by more than {FAR:g} times what the "
        "median row does, and squares let them lead it. Try loss='huber'."
    )
