"""A regressor for each number of steps ahead."""

import numpy as np

from .base import BaseForecaster, checked_levels
from .spread import in_columns


class DirectForecaster(BaseForecaster):
    """Forecasts up to ``horizon`` steps, each by a regressor of its own.

    x̂(t + h) = f_h(x(t − lags), e(t + h − exog_lags)) for h = 1, …, ``horizon``. No error is fed
    back; each regressor has its own standard deviation, which grows with h as far as the data say.

    Parameters
    ----------
    estimator : regressor or Pipeline, default=None
        f_h, a clone for each h. None stands for
        ``NaturalMomentumRegressor(random_state=random_state)``.
    lags : array-like of int or int, default=12
        How many steps back from the last known value each column looks, at least 0, as those of
        :func:`skngd.datasets.make_lagged`. A number k stands for 0, …, k − 1.
    exog_lags : array-like of int or int, default=1
        How many steps back from the time that is forecast exogenous columns look. 1 stands for
        that time alone.
    target : {"value", "change"}, default="value"
        Whether the regressors learn x(t + h) or x(t + h) − x(t).
    horizon : int, default=1
        How many steps ahead the forecasts reach, and how many regressors are fitted.
    spread : {"auto", "std", "residuals"} or None, default="auto"
        Where the intervals come from: ``predict(X, return_std=True)`` of the regressors, taken as
        that of a normal distribution; or the residuals of the last rows, to which clones were not
        fitted. ``"auto"`` is the first where the regressor has it. None measures nothing.
    validation_fraction : float in (0, 1), default=0.2
        The part of the rows that "residuals" holds out.
    random_state : int, RandomState instance or None, default=None
        Of the regressors that None stands for.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted regressors, for 1, …, ``horizon`` steps ahead.
    n_series_, n_exog_ : int
    row_names_ : list of str
        What the columns of a row are.
    history_ : ndarray of shape (max(lags) + 1, `n_series_`)
        The last values of the series of ``fit``, from which forecasts start.
    history_exog_ : ndarray of shape (max(exog_lags), `n_exog_`) or None

    See Also
    --------
    RecursiveForecaster : One regressor for any number of steps, and sampled paths.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.forecast import DirectForecaster
    >>> series = np.sin(0.3 * np.arange(300))
    >>> network = NaturalMomentumRegressor(5, random_state=0, n_init=1)
    >>> forecaster = DirectForecaster(network, lags=(0, 4), horizon=3).fit(series)
    >>> bool(np.abs(forecaster.predict() - np.sin(0.3 * np.arange(300, 303))).max() < 1e-2)
    True
    """

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
        random_state=None,
    ):
        self.estimator = estimator
        self.lags = lags
        self.exog_lags = exog_lags
        self.target = target
        self.horizon = horizon
        self.spread = spread
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def predict(self, steps=None, exog=None, *, history=None, history_exog=None, return_std=False):
        """Forecast the next values.

        Parameters
        ----------
        steps : int, default=None
            How many, at most ``horizon``, which None stands for.
        exog : array-like of shape (steps,) or (steps, n_exog), default=None
            Exogenous values at the times that are forecast, where ``fit`` had some.
        history : array-like of shape (n,) or (n, n_series), default=None
            Values up to the time to start from; None stands for the end of the series of ``fit``.
        history_exog : array-like of shape (n,) or (n, n_exog), default=None
            Exogenous values at the times of ``history``, where ``exog_lags`` look back so far.
        return_std : bool, default=False
            Whether to return the standard deviations as well.

        Returns
        -------
        forecast : ndarray of shape (steps,) or (steps, n_series)
            One row for each step.
        std : ndarray of the same shape
            Only with ``return_std=True``.

        Raises
        ------
        ValueError
            If the arrays do not fit those of ``fit``, if ``steps`` is more than ``horizon``, or if
            there is no spread.
        """
        past, known, steps = self._start_of(steps, exog, history, history_exog)
        forecast = self._shaped(self._forecast(past, known, steps)[0])
        if not return_std:
            return forecast
        std = [one.std(f, X)[0] for one, f, X in self._spreads_at(past, known, steps)]
        return forecast, self._shaped(np.array(std))

    def predict_quantiles(
        self,
        steps=None,
        quantiles=(0.025, 0.5, 0.975),
        exog=None,
        *,
        history=None,
        history_exog=None,
    ):
        """The quantiles of the values at each step.

        Parameters
        ----------
        steps : int, default=None
            At most ``horizon``, which None stands for.
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
        past, known, steps = self._start_of(steps, exog, history, history_exog)
        forecast = self._forecast(past, known, steps)[0]
        errors = [
            one.quantiles(f, X, levels)[:, 0] for one, f, X in self._spreads_at(past, known, steps)
        ]
        return self._shaped(forecast + np.stack(errors, axis=1))

    def _fit_rows(self, layout, series, exog):
        fits = [self._fitted_to(layout, series, exog, h) for h in range(1, self.horizon + 1)]
        self.estimators_, self._spreads = map(list, zip(*fits, strict=True))

    def _start_of(self, steps, exog, history, history_exog):
        steps = self.horizon if steps is None else steps
        past, known = self._start(steps, exog, history, history_exog)
        if steps > len(self.estimators_):
            raise ValueError(
                f"Expected at most {len(self.estimators_)} steps, the horizon of fit, got {steps}. "
                "Set a larger horizon and fit again, or take RecursiveForecaster."
            )
        return past, known, steps

    def _rows_at(self, past, exog, steps):
        now = self._layout.memory - 1
        return [self._layout.rows(past, now, exog, h) for h in range(1, steps + 1)]

    def _spreads_at(self, past, exog, steps):
        for spread in self._spreads[:steps]:
            self._refuse_without(spread)
        return zip(self._spreads, self.estimators_, self._rows_at(past, exog, steps), strict=False)

    def _forecast(self, past, exog, steps):
        told = [
            in_columns(f.predict(X), self._layout.n_series)
            for f, X in zip(self.estimators_, self._rows_at(past, exog, steps), strict=False)
        ]
        told = np.stack(told, axis=1)
        return told + past[:, -1:] if self.target == "change" else told
