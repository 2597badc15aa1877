"""What the forecasters share: a series becomes rows, a forecast starts from the last values."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, _fit_context, clone
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..estimators import NaturalMomentumRegressor
from .series import Layout, as_columns, as_lags
from .spread import measured, one_column


class BaseForecaster(MetaEstimatorMixin, BaseEstimator):
    """Base class of the forecasters; use the derived classes."""

    _parameter_constraints: ClassVar = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "lags": ["array-like", Interval(Integral, 1, None, closed="left")],
        "exog_lags": ["array-like", Interval(Integral, 1, None, closed="left")],
        "target": [StrOptions({"value", "change"})],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "spread": [StrOptions({"auto", "std", "residuals"}), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    }

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, series, exog=None):
        """Fit the regressor to the rows of a series.

        Parameters
        ----------
        series : array-like of shape (n,) or (n, n_series)
            Values at equal distances in time. Several series are forecast together, each from the
            past of all: the regressor then has to take several outputs.
        exog : array-like of shape (n,) or (n, n_exog), default=None
            What else is known at these times and will be known at those that are forecast.

        Returns
        -------
        self : object
            The fitted forecaster.

        Raises
        ------
        ValueError
            If the arrays are not real and finite, do not fit each other, or are too short for
            the lags; if ``spread="std"`` asks for what the regressor does not give.
        """
        lags, exog_lags = as_lags(self.lags, "lags"), as_lags(self.exog_lags, "exog_lags")
        columns, is_flat = as_columns(series, "series")
        known = None
        if exog is not None:
            known = self._exog_of(exog, columns, None, "series")
        n_exog = 0 if known is None else known.shape[1]
        layout = Layout(lags, exog_lags, columns.shape[1], n_exog)
        self._fit_rows(layout, columns, known)
        self._layout, self._is_flat = layout, is_flat
        self.n_series_, self.n_exog_ = columns.shape[1], n_exog
        self.row_names_ = layout.names()
        self.history_ = columns[len(columns) - layout.memory :].copy()
        self.history_exog_ = None
        if known is not None:
            self.history_exog_ = known[len(known) - layout.exog_memory :].copy()
        return self

    def score(self, series, exog=None):
        """R² of the forecasts 1, …, ``horizon`` steps ahead, from each time in a series.

        Each forecast starts from the values of the series before it. So the folds of a
        cross-validation have to be connected in time, as those of
        :class:`~sklearn.model_selection.TimeSeriesSplit`, and longer than lags and horizon.

        Parameters
        ----------
        series : array-like of shape (n,) or (n, n_series)
            Values at equal distances in time.
        exog : array-like of shape (n,) or (n, n_exog), default=None
            Exogenous values at the same times, where ``fit`` had some.

        Returns
        -------
        score : float
            R² over all steps and starts, the mean over series.

        Raises
        ------
        ValueError
            If the series is too short, or does not have the columns of ``fit``.
        """
        check_is_fitted(self)
        columns = self._checked_series(series, "series")
        known = self._exog_of(exog, columns, self.n_exog_, "series")
        past, known, future = self._layout.origins(columns, known, self.horizon)
        told = self._forecast(past, known, self.horizon)
        return float(r2_score(future.reshape(-1, self.n_series_), told.reshape(-1, self.n_series_)))

    @abstractmethod
    def _fit_rows(self, layout, series, exog):
        """Fit what forecasts."""

    @abstractmethod
    def _forecast(self, past, exog, steps):
        """Forecasts from several pasts, shape (n, steps, n_series)."""

    def _fitted_to(self, layout, series, exog, horizon):
        """A regressor for x(t + horizon), and how far it may be off."""
        X, y, now = layout.training_rows(series, exog, horizon)
        if len(X) == 0:
            raise ValueError(
                "Expected a series with at least one row whose past is known, got "
                f"{len(series)} values for the lags {layout.lags.tolist()} and exog_lags "
                f"{layout.exog_lags.tolist()}. Use smaller lags or a longer series."
            )
        y = y - now if self.target == "change" else y
        asked = self.estimator
        if asked is None:
            asked = NaturalMomentumRegressor(random_state=self.random_state)
        fitted = clone(asked).fit(X, one_column(y))
        return fitted, measured(self.spread, fitted, asked, X, y, self.validation_fraction)

    def _start(self, steps, exog, history, history_exog):
        """The past, and the exogenous values from then on, with a first axis of one path."""
        check_is_fitted(self)
        check_whole(steps, "steps")
        memory, exog_memory = self._layout.memory, self._layout.exog_memory
        if history is None and history_exog is not None:
            raise ValueError("Expected history with history_exog, got None. Pass both.")
        past, before = self.history_, self.history_exog_
        if history is not None:
            past = self._checked_series(history, "history")
            needed = max(memory, exog_memory)
            if len(past) < needed:
                raise ValueError(
                    f"Expected a history of at least {needed} values, for the lags "
                    f"{self._layout.lags.tolist()}, got {len(past)}. Pass the values up to the "
                    "time from which to forecast."
                )
            if exog_memory:
                before = self._exog_of(history_exog, past, self.n_exog_, "history")
            past = past[len(past) - memory :]
        known = self._exog_of(exog, np.empty(steps), self.n_exog_, "steps")
        if known is not None:
            known = np.vstack([before[len(before) - exog_memory :], known])[np.newaxis]
        return past[np.newaxis], known

    def _checked_series(self, series, name):
        columns, _ = as_columns(series, name)
        if columns.shape[1] != self.n_series_:
            raise ValueError(
                f"Expected {name} with {self.n_series_} columns, as in fit, got {columns.shape[1]}."
            )
        return columns

    def _exog_of(self, exog, others, n_exog, name):
        """So many exogenous columns, None for any, as many rows as there are of others; or None."""
        if exog is None:
            if n_exog:
                raise ValueError(
                    f"Expected exogenous values with {name}, as in fit, got None. Pass "
                    f"{len(others)} rows of them."
                )
            return None
        if n_exog == 0:
            raise ValueError(
                f"Expected no exogenous values with {name}, as in fit, got some. Pass them to fit, "
                "too."
            )
        columns, _ = as_columns(exog, "exog")
        if len(columns) != len(others):
            raise ValueError(
                f"Expected {len(others)} rows of exog, one for each time of {name}, got "
                f"{len(columns)}."
            )
        if n_exog is not None and columns.shape[1] != n_exog:
            raise ValueError(
                f"Expected exog with {n_exog} columns, as in fit, got {columns.shape[1]}."
            )
        return columns

    def _shaped(self, values):
        """(…, n_series) as the series came."""
        return values[..., 0] if self._is_flat else values

    def _refuse_without(self, spread):
        if isinstance(spread, str):
            raise ValueError(f"Expected a spread for intervals, but {spread}")


def check_whole(number, name):
    """Refuse what is no whole number from 1 on."""
    if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
        raise ValueError(f"Expected {name} to be a whole number, at least 1, got {number!r}.")


def checked_levels(levels):
    """Levels of quantiles as an array."""
    levels = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    if levels.ndim != 1 or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(
            f"Expected levels between 0 and 1, such as (0.025, 0.5, 0.975), got {levels.tolist()}."
        )
    return levels


def refuse_overflow(values, step):
    """A forecast that has left all bounds."""
    if not np.isfinite(values).all():
        raise ValueError(
            f"The forecast is not finite after {step} steps: the regressor was not fitted where it "
            "has led. Ask for fewer steps, or take a regressor that is bounded."
        )
