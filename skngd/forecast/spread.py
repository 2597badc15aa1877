"""How far the next value may lie from its forecast: by the regressor itself, or held-out rows."""

from inspect import signature

import numpy as np
from scipy.stats import norm
from sklearn.base import clone
from sklearn.pipeline import Pipeline

# Held-out rows that an interval needs.
FEWEST = 10
# The last residuals that stand for all in the correlation of errors.
KEPT = 4096
# A distance of Kolmogorov and Smirnov, times √m, that white noise exceeds once in a hundred times.
NOT_WHITE = 1.63


def gives_std(estimator):
    """Whether ``predict(X, return_std=True)`` exists; a pipeline hands it to its last step."""
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    try:
        return "return_std" in signature(estimator.predict).parameters
    except (AttributeError, TypeError, ValueError):
        return False


def measured(kind, fitted, unfitted, X, y, validation_fraction):
    """The spread of one regressor, or the sentence that says why there is none.

    Parameters
    ----------
    kind : {"auto", "std", "residuals"} or None
    fitted, unfitted : estimator
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n, n_series)
    validation_fraction : float
    """
    if kind is None:
        return "spread=None left it out. Set spread='auto' and fit again."
    if kind == "std" or (kind == "auto" and gives_std(fitted)):
        if not gives_std(fitted):
            raise ValueError(
                f"Expected a regressor with predict(X, return_std=True) for spread='std', got "
                f"{fitted!r}. Set spread='residuals', which measures held-out rows."
            )
        return StandardDeviations(fitted, X, y)
    n_held = round(validation_fraction * len(X))
    if n_held < FEWEST or len(X) - n_held < 1:
        return (
            f"there are {n_held} held-out rows of {len(X)}, fewer than {FEWEST}. Pass a longer "
            "series, a larger validation_fraction, or a regressor with predict(X, return_std=True)."
        )
    earlier, later = slice(None, len(X) - n_held), slice(len(X) - n_held, None)
    trial = clone(unfitted).fit(X[earlier], one_column(y[earlier]))
    return HeldOutResiduals(y[later] - in_columns(trial.predict(X[later]), y.shape[1]))


def one_column(y):
    """Targets as regressors take them: a single column without its axis."""
    return y[:, 0] if y.shape[1] == 1 else y


def in_columns(values, n_series):
    """Predictions, shape (n, n_series)."""
    return np.asarray(values, dtype=np.float64).reshape(-1, n_series)


def error_sequences(residuals, n_paths, steps, rng):
    """Normal errors with the size and the correlation, in time and between series, of residuals.

    Where the residuals may be white noise, so are the errors. Else they keep their spectrum and get
    new phases, the same for all series (Theiler et al., 1992): what a regressor gets wrong in the
    same way for a while stays wrong for a while.

    Parameters
    ----------
    residuals : ndarray of shape (n, n_series)
        In the order of time.
    n_paths, steps : int
    rng : RandomState

    Returns
    -------
    errors : ndarray of shape (n_paths, steps, n_series)
    """
    n = len(residuals)
    if is_white(residuals):
        values, vectors = np.linalg.eigh(residuals.T @ residuals / n)
        root = vectors * np.sqrt(values.clip(min=0.0))
        return rng.standard_normal((n_paths, steps, len(root))) @ root.T
    spectrum = np.fft.rfft(residuals, axis=0)
    turn = np.exp(2j * np.pi * rng.uniform(size=(n_paths, len(spectrum), 1)))
    # The mean, and the highest frequency of an even number, have a sign in place of a phase.
    for real in (0, -1) if n % 2 == 0 else (0,):
        turn[:, real] = rng.choice([-1.0, 1.0], size=(n_paths, 1))
    errors = np.fft.irfft(spectrum * turn, n, axis=1)
    return errors[:, np.arange(steps) % n]


def is_white(residuals):
    """Whether residuals may be white noise, by the cumulated periodogram (Bartlett, 1955)."""
    power = np.abs(np.fft.rfft(residuals, axis=0)[1 : (len(residuals) + 1) // 2]) ** 2
    m, total = len(power), power.sum(axis=0)
    if m < 2:
        return True
    part = np.cumsum(power, axis=0) / np.where(total > 0, total, 1.0)
    distance = np.abs(part - np.arange(1, m + 1)[:, np.newaxis] / m)[:, total > 0]
    return bool(distance.max(initial=0.0) < NOT_WHITE / np.sqrt(m))


class StandardDeviations:
    """Errors of the standard deviation that the regressor gives for each row.

    Their correlation is that of the residuals of the training rows.
    """

    def __init__(self, estimator, X, y):
        n_series = y.shape[1]
        X, y = X[-KEPT:], y[-KEPT:]
        mean, std = (in_columns(part, n_series) for part in estimator.predict(X, return_std=True))
        # Relative to the largest one first, so that nothing overflows.
        residual = (y - mean) / max(np.abs(y - mean).max(), np.finfo(float).tiny)
        residual = residual / np.where(std > 0, std / max(std.max(), np.finfo(float).tiny), 1.0)
        size = np.sqrt(np.mean(residual**2, axis=0))
        # Where nothing is left over, its correlation is not known either.
        white = np.random.RandomState(0).standard_normal(residual.shape)
        self.residuals = np.where(size > 0, residual / np.where(size > 0, size, 1.0), white)

    def mean_and_scale(self, estimator, X):
        """What the next value is, and what multiplies the errors: shape (n, n_series) each."""
        n_series = self.residuals.shape[1]
        mean, std = estimator.predict(X, return_std=True)
        return in_columns(mean, n_series), in_columns(std, n_series)

    def std(self, estimator, X):
        """The standard deviation for each row, shape (n, n_series)."""
        return self.mean_and_scale(estimator, X)[1]

    def quantiles(self, estimator, X, levels):
        """Quantiles of the errors, shape (n_levels, n, n_series)."""
        return norm.ppf(levels)[:, np.newaxis, np.newaxis] * self.std(estimator, X)


class HeldOutResiduals:
    """Errors as those of rows that the regressor was not fitted to."""

    def __init__(self, residuals):
        self.residuals = residuals[-KEPT:]

    def mean_and_scale(self, estimator, X):
        mean = in_columns(estimator.predict(X), self.residuals.shape[1])
        return mean, np.ones_like(mean)

    def std(self, estimator, X):
        size = np.sqrt(np.mean(self.residuals**2, axis=0))
        return np.broadcast_to(size, (len(X), len(size)))

    def quantiles(self, estimator, X, levels):
        found = np.quantile(self.residuals, levels, axis=0)[:, np.newaxis]
        return np.broadcast_to(found, (len(levels), len(X), found.shape[2]))
