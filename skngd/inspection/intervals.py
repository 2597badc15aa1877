"""Bands around predictions, and intervals of unknown coefficients."""

import numpy as np
from scipy.stats import norm

from .drawing import COLORS, NEUTRAL, axes_for, keep, styled
from .tangent_rows import checked

# Points of the line.
N_LINE = 300


class IntervalDisplay:
    """Predictions with a band along one column, or unknown coefficients with their intervals.

    Use :meth:`from_estimator`, :meth:`from_predictions` or :meth:`from_unknowns`.

    Parameters
    ----------
    x : ndarray of shape (n,) or list of str
        Where, or the names of unknown coefficients.
    value, half_width : ndarray of shape (n,)
        The middle of the intervals, and half of their widths.
    label, column : str, default="y", "x"
        Of the axes.
    level : float, default=0.95
        What part the intervals are to cover.
    points : (ndarray, ndarray) or None, default=None
        Measurements, their places and values.
    truth : ndarray of shape (n,), default=None
        The true coefficients.
    of : str, default=""
        What the band is of, for the legend, where it is not of measurements, such as " of u".

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    artists_ : tuple of matplotlib artists

    See Also
    --------
    skngd.inspection.FieldDisplay : A solution, its residual or its error.
    skngd.inspection.ForecastDisplay : What comes next, with a band.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import IntervalDisplay
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> y = np.sin(3 * X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=50)
    >>> model = NaturalMomentumRegressor((5,), n_init=1, random_state=0).fit(X, y)
    >>> display = IntervalDisplay.from_estimator(model, X, y)
    >>> bool(0.85 < display.coverage <= 1.0)
    True
    """

    def __init__(
        self,
        x,
        value,
        half_width,
        *,
        label="y",
        column="x",
        level=0.95,
        points=None,
        truth=None,
        of="",
    ):
        self.x, self.value, self.half_width = x, value, half_width
        self.label, self.column, self.level = label, column, level
        self.points, self.truth, self.of = points, truth, of

    @property
    def coverage(self):
        """The part of the points, or of the true coefficients, inside; NaN without any."""
        if self.truth is not None:
            inside = np.abs(self.truth - self.value) <= self.half_width
        elif self.points is not None:
            places, measured = self.points
            order = np.argsort(self.x)
            middle, half = (
                np.interp(places, np.asarray(self.x)[order], values[order])
                for values in (self.value, self.half_width)
            )
            inside = np.abs(measured - middle) <= half
        else:
            return float("nan")
        return float(np.mean(inside))

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, level=0.95, output=0, ax=None):
        """Draw ``predict(X, return_std=True)`` along one column.

        Parameters
        ----------
        estimator : fitted NaturalMomentumRegressor or PINNEstimator
            A regressor's band is for new observations; that of a problem for its solution, with the
            estimated error.
        X : array-like of shape (n, n_features)
            Rows along which a single column varies; its range is drawn.
        y : array-like of shape (n,), default=None
            Measurements at X, as points.
        level : float in (0, 1), default=0.95
            What the band is to cover, by the normal distribution.
        output : int, default=0
            Which output or field, where there are several.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : IntervalDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or has no standard deviations.
        ValueError
            If several columns of X vary, or ``level`` is out of range.
        ImportError
            If matplotlib is not installed.
        """
        if not hasattr(checked(estimator), "noise_std_") and not hasattr(estimator, "unknowns_"):
            raise TypeError(
                "Expected a NaturalMomentumRegressor or a PINNEstimator, which have "
                f"predict(X, return_std=True), got {type(estimator).__name__}."
            )
        names, rows = getattr(X, "columns", None), np.asarray(X, dtype=float)
        varying = np.flatnonzero(np.ptp(rows, axis=0) > 0)
        if len(varying) != 1:
            raise ValueError(
                "Expected X in which a single column varies, got "
                f"{len(varying)} of {rows.shape[1]}. Hold the others fixed, for a cut."
            )
        column = int(varying[0])
        x = np.linspace(rows[:, column].min(), rows[:, column].max(), N_LINE)
        along = np.repeat(rows[:1], N_LINE, axis=0)
        along[:, column] = x
        if names is not None:
            along = type(X)(along, columns=names)
        value, std = estimator.predict(along, return_std=True)
        if value.ndim == 2:
            value, std = value[:, output], std[:, output]
        if names is None and getattr(estimator, "problem_", None) is not None:
            names = (*estimator.problem_.domain.names, *estimator.problem_.inputs)
        name = "x" if names is None else str(names[column])
        fields = getattr(getattr(estimator, "problem_", None), "fields", None)
        label = "y" if fields is None else fields[output]
        points = None if y is None else (rows[:, column], np.asarray(y, dtype=float))
        told = {"label": label, "column": name, "level": level, "points": points}
        if fields is not None:
            told["of"] = f" of {label}"
        return cls(x, value, _quantile(level) * std, **told).plot(ax)

    @classmethod
    def from_predictions(
        cls, x, y_pred, y_std, y_true=None, *, level=0.95, label="y", column="x", ax=None
    ):
        """Draw predictions and standard deviations that are given.

        Parameters
        ----------
        x, y_pred, y_std : array-like of shape (n,)
            Where, the predictions, and their standard deviations.
        y_true : array-like of shape (n,), default=None
            Drawn as points.
        level : float in (0, 1), default=0.95
            What the intervals are to cover, by the normal distribution.
        label, column : str, default="y", "x"
            Of the axes.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : IntervalDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ValueError, ImportError
            As :meth:`from_estimator`.
        """
        x, y_pred, y_std = (np.asarray(values, dtype=float) for values in (x, y_pred, y_std))
        points = None if y_true is None else (x, np.asarray(y_true, dtype=float))
        told = {"label": label, "column": column, "level": level, "points": points}
        return cls(x, y_pred, _quantile(level) * y_std, **told).plot(ax)

    @classmethod
    def from_unknowns(cls, estimator, truth=None, *, level=0.95, ax=None):
        """Draw the unknown coefficients of a problem with their intervals.

        Parameters
        ----------
        estimator : fitted PINNEstimator
            The solution of a problem with unknown coefficients.
        truth : dict of str to float, default=None
            True values: the unknowns are then drawn as parts of them.
        level : float in (0, 1), default=0.95
            What the intervals are to cover, by the normal distribution.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : IntervalDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If it has no unknown coefficients, if ``truth`` does not name all of them, or is zero.
        ImportError
            If matplotlib is not installed.
        """
        unknowns = getattr(checked(estimator), "unknowns_", {})
        if not unknowns:
            raise ValueError(
                "Expected a problem with unknown coefficients, got none. State one as an Unknown, "
                "or draw predictions by from_estimator."
            )
        names = list(unknowns)
        value = np.array([unknowns[name] for name in names])
        std = np.array([estimator.unknowns_std_[name] for name in names])
        label = "coefficient"
        if truth is not None:
            if not set(names) <= set(truth) or not all(truth[name] for name in names):
                raise ValueError(
                    f"Expected truth to name all of {names}, none of them zero, got {truth}. Leave "
                    "it out to draw the coefficients themselves."
                )
            size = np.array([truth[name] for name in names], dtype=float)
            value, std, label = value / size, std / np.abs(size), "coefficient / truth"
        told = {"label": label, "column": "", "level": level}
        told["truth"] = None if truth is None else np.ones(len(names))
        return cls(names, value, _quantile(level) * std, **told).plot(ax)

    def plot(self, ax=None, *, style=None):
        """Draw the intervals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        style : dict, default=None
            Keyword arguments of ``Axes.plot`` or ``Axes.errorbar``.

        Returns
        -------
        display : IntervalDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes_for(ax)
        draw = self._coefficients if isinstance(self.x, list) else self._band
        artists = draw(ax, style)
        ax.set(xlabel=self.column, ylabel=self.label)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(fontsize="small")
        return keep(self, ax, *artists)

    def _band(self, ax, style):
        low, high = self.value - self.half_width, self.value + self.half_width
        name = f"{100 * self.level:g} % band{self.of}"
        (line,) = ax.plot(self.x, self.value, **styled(style, color=COLORS[0], label="predicted"))
        band = ax.fill_between(
            self.x, low, high, color=line.get_color(), alpha=0.25, linewidth=0, label=name
        )
        if self.points is None:
            return [line, band]
        marks = ax.scatter(*self.points, s=14, color=NEUTRAL, zorder=2.5, label="measured")
        return [line, band, marks]

    def _coefficients(self, ax, style):
        look = {"fmt": "o", "color": COLORS[0], "capsize": 4}
        bars = ax.errorbar(range(len(self.x)), self.value, self.half_width, **styled(style, **look))
        ax.set_xticks(range(len(self.x)), self.x)
        ax.set(xlim=(-0.5, len(self.x) - 0.5), title=f"{100 * self.level:g} % intervals")
        if self.truth is None:
            return [bars]
        edges = np.arange(len(self.x)) - 0.5
        look = {"color": NEUTRAL, "linestyle": "--", "zorder": 0, "label": "truth"}
        return [bars, ax.hlines(self.truth, edges, edges + 1, **look)]


def _quantile(level):
    if not 0 < level < 1:
        raise ValueError(f"Expected level between 0 and 1, got {level!r}. 0.95 is usual.")
    return float(norm.ppf(0.5 + 0.5 * level))
