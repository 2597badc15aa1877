"""One regressor for the next value, applied again and again."""

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from .base import BaseForecaster, check_whole, checked_levels, refuse_overflow
from .spread import error_sequences, in_columns


class RecursiveForecaster(BaseForecaster):
    """Forecasts any number of steps: what was forecast is the past of what comes next.

    x̂(t + 1) = f(x(t − lags), e(t + 1 − exog_lags)) with a regressor f. Intervals come from
    sampled paths: each draws an error at each step and goes on from there, so that the intervals
    grow as the dynamics of f says.

    Parameters
    ----------
    estimator : regressor or Pipeline, default=None
        f; it is cloned. None stands for ``NaturalMomentumRegressor(random_state=random_state)``.
        A regressor that is fitted already is left as it is inside a
        :class:`~sklearn.frozen.FrozenEstimator`; its rows have the columns ``row_names_``.
    lags : array-like of int or int, default=12
        How many steps back from the last known value each column looks, at least 0, as those of
        :func:`skngd.datasets.make_lagged`. A number k stands for 0, …, k − 1.
    exog_lags : array-like of int or int, default=1
        How many steps back from the time that is forecast exogenous columns look. 1 stands for
        that time alone.
    target : {"value", "change"}, default="value"
        Whether the regressor learns x(t + 1) or x(t + 1) − x(t), which is better where the steps
        are small, and lets a bounded regressor follow a trend.
    horizon : int, default=1
        How many steps ahead ``score`` looks; it changes no forecast.
    spread : {"auto", "std", "residuals"} or None, default="auto"
        Where the errors of the sampled paths come from: ``predict(X, return_std=True)`` of the
        regressor; or the residuals of the last rows, to which a clone was not fitted. ``"auto"``
        is the first where the regressor has it. None measures nothing and saves that second fit.
    validation_fraction : float in (0, 1), default=0.2
        The part of the rows that "residuals" holds out.
    n_paths : int, default=500
        Sampled paths behind standard deviations and quantiles.
    random_state : int, RandomState instance or None, default=None
        Draws the paths.

    Attributes
    ----------
    estimator_ : estimator
        The fitted regressor.
    n_series_, n_exog_ : int
    row_names_ : list of str
        What the columns of a row are.
    history_ : ndarray of shape (max(lags) + 1, `n_series_`)
        The last values of the series of ``fit``, from which forecasts start.
    history_exog_ : ndarray of shape (max(exog_lags), `n_exog_`) or None

    See Also
    --------
    DirectForecaster : A regressor for each number of steps ahead.

    Notes
    -----
    The drawn errors are normal, and correlated in time and between series as the residuals are:
    those of the training rows, or of the held-out ones. So noise is drawn as noise, and what the
    regressor gets wrong in the same way for a while is wrong for a while in a path, too. That the
    regressor itself is uncertain counts through ``return_std`` alone: after few rows of a series
    that wanders, bands are too narrow.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.forecast import RecursiveForecaster
    >>> t = np.arange(300)
    >>> series = np.sin(0.3 * t) + 0.02 * np.random.RandomState(0).standard_normal(300)
    >>> forecaster = RecursiveForecaster(lags=4, random_state=0).fit(series)
    >>> forecast, std = forecaster.predict(20, return_std=True)
    >>> forecast.shape, bool(np.abs(forecast - np.sin(0.3 * np.arange(300, 320))).max() < 0.1)
    ((20,), True)
    >>> low, high = forecaster.predict_quantiles(20, (0.025, 0.975))
    >>> bool((low < forecast).all()), bool((forecast < high).all())
    (True, True)
    """

    _parameter_constraints: ClassVar = {
        **BaseForecaster._parameter_constraints,
        "n_paths": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        lags=12,
        exog_lags=1,
        target="value",
        horizon=1,
        spread="auto",
        validation_fraction=0.2,
        n_paths=500,
        random_state=None,
    ):
        self.estimator = estimator
        self.lags = lags
        self.exog_lags = exog_lags
        self.target = target
        self.horizon = horizon
        self.spread = spread
        self.validation_fraction = validation_fraction
        self.n_paths = n_paths
        self.random_state = random_state

    def predict(self, steps, exog=None, *, history=None, history_exog=None, return_std=False):
        """Forecast the next values.

        Parameters
        ----------
        steps : int
            How many.
        exog : array-like of shape (steps,) or (steps, n_exog), default=None
            Exogenous values at the times that are forecast, where ``fit`` had some.
        history : array-like of shape (n,) or (n, n_series), default=None
            Values up to the time to start from; None stands for the end of the series of ``fit``.
        history_exog : array-like of shape (n,) or (n, n_exog), default=None
            Exogenous values at the times of ``history``, where ``exog_lags`` look back so far.
        return_std : bool, default=False
            Whether to return the root mean square distance of sampled paths from the forecast.

        Returns
        -------
        forecast : ndarray of shape (steps,) or (steps, n_series)
            The path without errors.
        std : ndarray of the same shape
            Only with ``return_std=True``.

        Raises
        ------
        ValueError
            If the arrays do not fit those of ``fit``, if the forecast overflows, or if there is no
            spread to draw errors from.
        """
        past, known = self._start(steps, exog, history, history_exog)
        forecast = self._forecast(past, known, steps)[0]
        if not return_std:
            return self._shaped(forecast)
        paths = self._sampled(past, known, steps, self.n_paths)
        std = np.sqrt(np.mean((paths - forecast) ** 2, axis=0))
        return self._shaped(forecast), self._shaped(std)

    def predict_quantiles(
        self, steps, quantiles=(0.025, 0.5, 0.975), exog=None, *, history=None, history_exog=None
    ):
        """The quantiles of the sampled paths at each step.

        Parameters
        ----------
        steps : int
            How many steps ahead.
        quantiles : float or array-like of float, default=(0.025, 0.5, 0.975)
            Levels between 0 and 1.
        exog, history, history_exog : array-like, default=None
            As for ``predict``.

        Returns
        -------
        values : ndarray of shape (n_quantiles, steps) or (n_quantiles, steps, n_series)
            In the order of the levels, then of the steps.

        Raises
        ------
        ValueError
            As ``predict`` does; if a level is not between 0 and 1.
        """
        levels = checked_levels(quantiles)
        past, known = self._start(steps, exog, history, history_exog)
        paths = self._sampled(past, known, steps, self.n_paths)
        return self._shaped(np.quantile(paths, levels, axis=0))

    def sample_paths(self, steps, n_paths=1, exog=None, *, history=None, history_exog=None):
        """Draw ways that the series may go.

        Parameters
        ----------
        steps : int
            How many steps ahead.
        n_paths : int, default=1
            How many ways are drawn.
        exog, history, history_exog : array-like, default=None
            As for ``predict``.

        Returns
        -------
        paths : ndarray of shape (n_paths, steps) or (n_paths, steps, n_series)
            One way in each row.

        Raises
        ------
        ValueError
            As ``predict`` does.
        """
        check_whole(n_paths, "n_paths")
        past, known = self._start(steps, exog, history, history_exog)
        return self._shaped(self._sampled(past, known, steps, n_paths))

    def _fit_rows(self, layout, series, exog):
        self.estimator_, self._spread = self._fitted_to(layout, series, exog, 1)

    def _sampled(self, past, exog, steps, n_paths):
        self._refuse_without(self._spread)
        rng = check_random_state(self.random_state)
        errors = error_sequences(self._spread.residuals, n_paths, steps, rng)
        return self._forecast(np.repeat(past, n_paths, axis=0), exog, steps, errors)

    def _forecast(self, past, exog, steps, errors=None):
        """Paths from several pasts, each with its errors, if any."""
        layout = self._layout
        values = np.concatenate([past, np.empty((len(past), steps, layout.n_series))], axis=1)
        for step in range(1, steps + 1):
            now = layout.memory + step - 2
            # What overflows is refused below, in words.
            with np.errstate(over="ignore", invalid="ignore"):
                X = layout.rows(values, now, exog, step)
                if errors is None:
                    found = in_columns(self.estimator_.predict(X), layout.n_series)
                else:
                    mean, scale = self._spread.mean_and_scale(self.estimator_, X)
                    found = mean + scale * errors[:, step - 1]
                if self.target == "change":
                    found = found + values[:, now]
            refuse_overflow(found, step)
            values[:, now + 1] = found
        return values[:, layout.memory :]
