"""A forecast with its band, behind the past that it starts from."""

import numpy as np

from .drawing import COLORS, NEUTRAL, axes_for, keep, styled

# Values of the past that are drawn.
N_PAST = 100


class ForecastDisplay:
    """The next values of a series, with a band.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    forecast : ndarray of shape (steps,)
        The values that are forecast.
    band : ndarray of shape (2, steps) or None, default=None
        The lower and the upper end.
    past, future : ndarray of shape (n,), default=None
        Values before the forecast, and what came in its place.
    level : float, default=0.95
        What part the band is to cover.
    label : str, default="x"
        Of the vertical axis.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    artists_ : tuple of matplotlib artists

    See Also
    --------
    skngd.inspection.IntervalDisplay : Bands, and intervals of unknowns.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.inspection import ForecastDisplay
    >>> series = np.sin(0.3 * np.arange(120))
    >>> band = series[100:] + np.array([[-0.1], [0.1]])
    >>> display = ForecastDisplay.from_predictions(series[100:], band, series[:100], series[100:])
    >>> display.coverage
    1.0
    """

    def __init__(self, forecast, band=None, past=None, future=None, *, level=0.95, label="x"):
        self.forecast, self.band, self.past, self.future = forecast, band, past, future
        self.level, self.label = level, label

    @property
    def coverage(self):
        """The part of the future that lies in the band; NaN where one of them is not known."""
        if self.band is None or self.future is None:
            return float("nan")
        n = min(len(self.future), len(self.forecast))
        low, high = self.band[:, :n]
        return float(np.mean((low <= self.future[:n]) & (self.future[:n] <= high)))

    @classmethod
    def from_estimator(
        cls,
        forecaster,
        steps,
        past=None,
        future=None,
        *,
        exog=None,
        past_exog=None,
        level=0.95,
        series=0,
        ax=None,
    ):
        """Draw what a fitted forecaster says of the next values.

        Parameters
        ----------
        forecaster : estimator with ``predict`` and ``predict_quantiles``
            Such as those that forecast step by step with a regressor of this package.
        steps : int
            How many values.
        past : array-like of shape (n,) or (n, n_series), default=None
            Values up to the time to start from, which are drawn; None stands for the end of the
            series of ``fit``, which is not.
        future : array-like of shape (m,) or (m, n_series), default=None
            What came, to compare with.
        exog, past_exog : array-like, default=None
            Exogenous values at the times that are forecast, and of the past.
        level : float in (0, 1), default=0.95
            What the band is to cover.
        series : int, default=0
            Which one, where there are several.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : ForecastDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        TypeError
            If the forecaster has no ``predict_quantiles``.
        ValueError
            If ``level`` is out of range, or the forecaster refuses the arrays.
        ImportError
            If matplotlib is not installed.
        """
        if not hasattr(forecaster, "predict_quantiles"):
            raise TypeError(
                "Expected a forecaster with predict_quantiles, got "
                f"{type(forecaster).__name__}. Draw its forecasts by from_predictions."
            )
        if not 0 < level < 1:
            raise ValueError(f"Expected level between 0 and 1, got {level!r}. 0.95 is usual.")
        given = {"exog": exog, "history": past, "history_exog": past_exog}
        ends = (0.5 - level / 2, 0.5 + level / 2)
        forecast = _one(forecaster.predict(steps, **given), 1, series)
        band = _one(forecaster.predict_quantiles(steps, ends, **given), 2, series)
        label = _name_of(past, series)
        past, future = (_one(values, 1, series) for values in (past, future))
        return cls(forecast, band, past, future, level=level, label=label).plot(ax)

    @classmethod
    def from_predictions(
        cls, forecast, band=None, past=None, future=None, *, level=0.95, label="x", ax=None
    ):
        """Draw a forecast that is given.

        Parameters
        ----------
        forecast : array-like of shape (steps,)
            The values that are forecast.
        band : array-like of shape (2, steps), default=None
            The lower and the upper end.
        past, future : array-like of shape (n,), default=None
            Values before the forecast, and what came in its place.
        level : float, default=0.95
            What part the band is to cover.
        label : str, default="x"
            Of the vertical axis.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : ForecastDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ValueError
            If the band is not two rows as long as the forecast.
        ImportError
            If matplotlib is not installed.
        """
        forecast, band, past, future = (
            None if values is None else np.asarray(values, dtype=float)
            for values in (forecast, band, past, future)
        )
        if band is not None and band.shape != (2, len(forecast)):
            raise ValueError(
                f"Expected band of shape (2, {len(forecast)}), its lower and its upper end, got "
                f"{band.shape}."
            )
        return cls(forecast, band, past, future, level=level, label=label).plot(ax)

    def plot(self, ax=None, *, n_past=N_PAST, style=None):
        """Draw the forecast.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        n_past : int, default=100
            The most values of the past.
        style : dict, default=None
            Keyword arguments of ``Axes.plot`` for the forecast.

        Returns
        -------
        display : ForecastDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax, artists = axes_for(ax), []
        steps = np.arange(1, len(self.forecast) + 1)
        look = {"color": NEUTRAL, "linewidth": 2.0}
        if self.past is not None:
            past = self.past[-n_past:]
            artists += ax.plot(np.arange(1 - len(past), 1), past, label="past", **look)
        # The last value that is known stands at 0, where lines into the future begin.
        known = [] if self.past is None else self.past[-1:]
        if self.future is not None:
            future = np.concatenate([known, self.future[: len(steps)]])
            look |= {"linestyle": (0, (1, 1)), "label": "what came"}
            artists += ax.plot(np.arange(len(future)) + 1 - len(known), future, **look)
        look = {"color": COLORS[0], "linewidth": 1.3, "label": "forecast"}
        forecast = np.concatenate([known, self.forecast])
        places = np.arange(len(forecast)) + 1 - len(known)
        (line,) = ax.plot(places, forecast, **styled(style, **look))
        artists.append(line)
        if self.band is not None:
            name = f"{100 * self.level:g} % band"
            look = {"color": line.get_color(), "alpha": 0.25, "linewidth": 0, "label": name}
            artists.append(ax.fill_between(steps, *self.band, **look))
        ax.set(xlabel="steps ahead", ylabel=self.label)
        ax.legend(fontsize="small")
        return keep(self, ax, *artists)


def _name_of(past, series):
    """What a Series or a column of a frame is called."""
    columns = getattr(past, "columns", None)
    name = getattr(past, "name", None) if columns is None else columns[series]
    return "x" if name is None else str(name)


def _one(values, n_axes, series):
    """One series of values that may have an axis for it; None stays."""
    if values is None:
        return None
    values = np.asarray(values, dtype=float)
    return values if values.ndim == n_axes else values[..., series]
