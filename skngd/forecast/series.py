"""Series as arrays, and the rows of a regression that they give."""

from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.utils import check_array

from ..datasets import make_lagged
from ..datasets._lagged import check_lags


def as_lags(lags, name):
    """Lags as an array; a number k stands for 0, …, k − 1."""
    if isinstance(lags, Integral) and not isinstance(lags, bool):
        if lags < 1:
            raise ValueError(
                f"Expected {name} to be at least 1 as a number of past values, got {lags}."
            )
        lags = np.arange(lags)
    return check_lags(lags, name)


def as_columns(values, name):
    """A series as columns, shape (n, c), and whether it came as one column without a name."""
    values = check_array(
        values,
        ensure_2d=False,
        allow_nd=True,
        ensure_min_samples=0,
        dtype=np.float64,
        input_name=name,
    )
    if values.ndim not in (1, 2):
        raise ValueError(
            f"Expected {name} of shape (n,) or (n, number of columns), got shape {values.shape}. "
            "Time is its first axis."
        )
    return values.reshape(len(values), -1), values.ndim == 1


class Layout:
    """Which values make a row: past values of each series, then exogenous ones.

    The row for x(t + h) holds x_j(t − lag) for each series j and lag, series by series, then
    e_k(t + h − lag) for each exogenous column k and its lags.

    Parameters
    ----------
    lags : ndarray of int of shape (n_lags,)
        Counted back from the last known time t.
    exog_lags : ndarray of int of shape (n_exog_lags,)
        Counted back from the time that is forecast.
    n_series, n_exog : int
    """

    def __init__(self, lags, exog_lags, n_series, n_exog):
        self.lags, self.exog_lags = lags, exog_lags
        self.n_series, self.n_exog = n_series, n_exog
        # How many past values a forecast starts from.
        self.memory = int(lags.max()) + 1
        self.exog_memory = int(exog_lags.max()) if n_exog else 0

    def names(self):
        """Names of the columns of a row."""
        label = [""] if self.n_series == 1 else range(self.n_series)
        past = [f"x{j}(t-{lag})" if lag else f"x{j}(t)" for j in label for lag in self.lags]
        label = [""] if self.n_exog == 1 else range(self.n_exog)
        there = [
            f"exog{k}(t+h-{lag})" if lag else f"exog{k}(t+h)"
            for k in label
            for lag in (self.exog_lags if self.n_exog else ())
        ]
        return past + there

    def training_rows(self, series, exog, horizon):
        """Rows, targets x(t + horizon) and the values x(t) that they start from."""
        parts = [make_lagged(column, self.lags, horizon, return_times=True) for column in series.T]
        times = parts[0][2]
        X, y = np.hstack([part[0] for part in parts]), np.stack([p[1] for p in parts], axis=1)
        if exog is not None:
            # The first rows may have no exogenous values.
            known = times + horizon >= self.exog_memory
            X, y, times = X[known], y[known], times[known]
            there = exog[(times + horizon)[:, np.newaxis] - self.exog_lags]
            X = np.hstack([X, self._flat(there)])
        return X, y, series[times]

    def rows(self, values, now, exog, horizon):
        """Rows for values of many paths.

        Parameters
        ----------
        values : ndarray of shape (n_paths, n_times, n_series)
        now : int
            Index of the time t in ``values``.
        exog : ndarray of shape (n_paths or 1, `exog_memory` + n_steps, n_exog) or None
            The exogenous values from x(t + 1 − `exog_memory`) on.
        horizon : int
            Number of the step that is forecast from the first one on, at least 1.

        Returns
        -------
        X : ndarray of shape (n_paths, n_features)
        """
        X = self._flat(values[:, now - self.lags])
        if exog is None:
            return X
        there = self._flat(exog[:, self.exog_memory + horizon - 1 - self.exog_lags])
        return np.hstack([X, np.broadcast_to(there, (len(X), there.shape[1]))])

    def _flat(self, values):
        """(n, n_lags, c) as rows, column by column."""
        return values.swapaxes(1, 2).reshape(len(values), values.shape[1] * values.shape[2])

    def origins(self, series, exog, horizon):
        """Every time in the series that has its past and ``horizon`` values after it.

        Returns
        -------
        past : ndarray of shape (n_origins, `memory`, n_series)
        exog : ndarray of shape (n_origins, `exog_memory` + horizon, n_exog) or None
        future : ndarray of shape (n_origins, horizon, n_series)
        """
        behind = max(self.memory, self.exog_memory)
        length = behind + horizon
        if len(series) < length:
            raise ValueError(
                f"Expected a series of at least {length} values, {behind} to start from and "
                f"{horizon} to compare with, got {len(series)}. Use longer test parts, smaller "
                "lags or a smaller horizon."
            )
        windows = sliding_window_view(series, length, axis=0).swapaxes(1, 2)
        past, future = windows[:, behind - self.memory : behind], windows[:, behind:]
        if exog is not None:
            exog = sliding_window_view(exog, length, axis=0).swapaxes(1, 2)
            exog = exog[:, behind - self.exog_memory :]
        return past, exog, future
