"""A solution, its residual or its error over one or two coordinates."""

import warnings

import numpy as np
from sklearn.base import is_classifier

from ..estimators.points.physics import columns_of
from ..pde.residuals.bound import ranges_of
from .drawing import COLORS, DASHES, NEUTRAL, axes_for, keep, styled
from .tangent_rows import checked, solves_a_problem

# Points of a grid with one free coordinate, and along each of two.
N_LINE, N_PLANE = 300, 121
# On a logarithmic scale of colours the smallest part of the largest value: where an error changes
# its sign it is no smaller around. Values within this factor have a linear scale.
SMALLEST, NARROW = 1e-2, 10.0
RESPONSES = ("value", "residual", "error")


class FieldDisplay:
    """A function of one coordinate as a line, of two as a map.

    Use :meth:`from_estimator`, or :meth:`from_predictions` for values of any origin.

    Parameters
    ----------
    grid : dict of str to ndarray of shape (k,)
        One or two coordinates, by name: the first is on the horizontal axis.
    values : ndarray of shape (k,) or (k_first, k_second)
        NaN is not drawn.
    label : str, default="u"
        What the values are.
    is_size : bool, default=False
        Draw the absolute values, on a logarithmic scale.
    points : ndarray of shape (n, 1) or (n, 2), default=None
        Marked in the picture; where there is one coordinate, with ``measured``.
    measured : ndarray of shape (n,), default=None
        Values at these points.
    title : str, default=""
        Above a map, and in the legend of lines.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    artists_ : tuple of matplotlib artists
        The line or the map, then the points.
    colorbar_ : matplotlib Colorbar or None
        Of a map.

    See Also
    --------
    skngd.inspection.IntervalDisplay : Bands, and intervals of unknowns.
    skngd.inspection.ConvergenceDisplay : How the loss fell.

    Examples
    --------
    >>> from skngd import PINNEstimator
    >>> from skngd.inspection import FieldDisplay
    >>> from skngd.problems.zoo import Heat
    >>> solver = PINNEstimator(Heat(), (10,), tol=1e-3, random_state=0).fit()
    >>> FieldDisplay.from_estimator(solver).values.shape
    (121, 121)
    >>> display = FieldDisplay.from_estimator(solver, fixed={"t": 0.5})
    >>> list(display.grid), display.artists_[0].get_label()
    (['x'], 't = 0.5')
    """

    def __init__(
        self, grid, values, label="u", *, is_size=False, points=None, measured=None, title=""
    ):
        self.grid, self.values, self.label, self.is_size = grid, values, label, is_size
        self.points, self.measured, self.title = points, measured, title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        y=None,
        *,
        response="value",
        field=None,
        fixed=None,
        n_points=None,
        ax=None,
    ):
        """Draw what a fitted estimator answers.

        Parameters
        ----------
        estimator : fitted PINNEstimator, NaturalMomentumRegressor or NaturalMomentumClassifier
            What is looked at.
        X : array-like of shape (n, n_features), default=None
            Points that are marked, such as the measurements. A fit to rows needs them: their range
            is drawn.
        y : array-like of shape (n,), default=None
            Values at these points, of the field that is drawn.
        response : {"value", "residual", "error"}, default="value"
            The solution; the size of the residual of the equation; or the standard deviation of
            ``predict(X, return_std=True)``, which for a problem is the estimated error. The value
            of a classifier is the probability of a class.
        field : str or int, default=None
            Which field, output or class, or with "residual" the number of the equation. None is the
            first, of classes the last.
        fixed : dict of str to float, default=None
            The other coordinates, where there are more than two, or for a cut. Columns without a
            name are x0, x1, ….
        n_points : int, default=None
            Points along each coordinate; None is 300 for one, 121 for two.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : FieldDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or none of these three.
        ValueError
            If there are not one or two coordinates left, if a name does not exist, if X is missing,
            or if the estimator has no such response.
        ImportError
            If matplotlib is not installed.
        """
        checked(estimator)
        _check_response(estimator, response)
        names, ranges = _columns(estimator, X)
        fixed = dict(fixed or {})
        free = [name for name in names if name not in fixed]
        if set(fixed) - set(names):
            raise ValueError(f"Expected fixed to name some of {names}, got {list(fixed)}.")
        if len(free) not in (1, 2):
            raise ValueError(
                f"Expected one or two coordinates that are free, got {free}. Fix the others, as in "
                f"fixed={{{names[0]!r}: {np.mean(ranges[names[0]]):g}}}."
            )
        n_points = n_points or (N_LINE if len(free) == 1 else N_PLANE)
        grid = {name: np.linspace(*ranges[name], n_points) for name in free}
        mesh = np.meshgrid(*grid.values(), indexing="ij")
        columns = dict(zip(free, mesh, strict=True))
        shape = mesh[0].shape
        rows = np.stack(
            [np.broadcast_to(columns.get(name, fixed.get(name)), shape).ravel() for name in names],
            axis=1,
        )
        inside = _inside(estimator, rows)
        if not inside.any():
            raise ValueError(
                f"Expected points inside the domain of the problem, got none for fixed={fixed}. "
                "Choose other values."
            )
        values = np.full(len(rows), np.nan)
        with warnings.catch_warnings():
            # The rows have the columns of the fit, without their names.
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            values[inside], label = _response(estimator, rows[inside], response, field)
        points = None
        if X is not None and not fixed:
            points = np.asarray(X, dtype=float)
        measured = None if y is None or points is None else np.asarray(y, dtype=float)
        title = ", ".join(f"{name} = {value:g}" for name, value in fixed.items())
        is_size = response != "value"
        told = {"is_size": is_size, "points": points, "measured": measured, "title": title}
        return cls(grid, values.reshape(shape), label, **told).plot(ax)

    @classmethod
    def from_predictions(
        cls, grid, values, *, label="u", is_size=False, points=None, measured=None, ax=None
    ):
        """Draw values on a grid.

        Parameters
        ----------
        grid : dict of str to array-like of shape (k,)
            One or two coordinates, by name.
        values : array-like of shape (k,) or (k_first, k_second)
            May be flat, in the order of ``meshgrid(…, indexing="ij")``.
        label : str, default="u"
            What the values are, for an axis or the colours.
        is_size : bool, default=False
            Draw the absolute values, on a logarithmic scale.
        points, measured : array-like, default=None
            As of the class.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : FieldDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ValueError
            If the values do not fit the grid.
        ImportError
            If matplotlib is not installed.
        """
        grid = {name: np.asarray(places, dtype=float) for name, places in grid.items()}
        shape, values = tuple(map(len, grid.values())), np.asarray(values, dtype=float)
        if len(shape) not in (1, 2) or values.size != np.prod(shape):
            raise ValueError(
                f"Expected one or two coordinates and a value for each point of their grid, got "
                f"coordinates of the lengths {shape} and {values.size} values."
            )
        told = {"is_size": is_size, "points": points, "measured": measured}
        return cls(grid, values.reshape(shape), label, **told).plot(ax)

    def plot(self, ax=None, *, name=None, style=None):
        """Draw the function.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        name : str, default=None
            Of a line, for the legend; None stands for the title.
        style : dict, default=None
            Keyword arguments of ``Axes.plot`` or ``Axes.pcolormesh``.

        Returns
        -------
        display : FieldDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax, self.colorbar_ = axes_for(ax), None
        values = np.abs(self.values) if self.is_size else self.values
        draw = self._line if len(self.grid) == 1 else self._map
        artists = draw(ax, values, name, style)
        return keep(self, ax, *artists)

    def _line(self, ax, values, name, style):
        ((coordinate, x),) = self.grid.items()
        number = len(ax.lines)
        look = {"color": COLORS[number % len(COLORS)], "linestyle": DASHES[number % len(DASHES)]}
        name = name or self.title or None
        artists = ax.plot(x, values, label=name, **styled(style, **look))
        if self.measured is not None:
            places = np.ravel(self.points)
            artists.append(ax.scatter(places, self.measured, s=14, color=NEUTRAL, zorder=1.5))
        ax.set(xlabel=coordinate, ylabel=self.label)
        seen = values[np.isfinite(values)]
        if self.is_size and seen.max(initial=0.0) > NARROW * seen.min(initial=np.inf):
            ax.set_yscale("log")
        if name is not None:
            ax.legend(fontsize="small")
        return artists

    def _map(self, ax, values, name, style):
        from matplotlib.colors import LogNorm

        (first, x), (second, y) = self.grid.items()
        look = {"cmap": "viridis", "shading": "nearest", "rasterized": True}
        largest = np.nanmax(values)
        if self.is_size and largest > 0:
            values = np.maximum(values, SMALLEST * largest)
            look["cmap"] = "magma"
            if largest > NARROW * np.nanmin(values):
                look["norm"] = LogNorm(np.nanmin(values), largest)
        image = ax.pcolormesh(x, y, values.T, **styled(style, **look))
        self.colorbar_ = ax.figure.colorbar(image, ax=ax, label=self.label)
        artists = [image]
        if self.points is not None:
            look = {"s": 22, "edgecolors": "white", "linewidths": 0.8}
            look |= {"color": "black"} if self.measured is None else {"c": self.measured}
            if self.measured is not None:
                look |= {"cmap": image.cmap, "norm": image.norm}
            artists.append(ax.scatter(*np.transpose(self.points), **look))
        ax.set(xlabel=first, ylabel=second, title=self.title)
        return artists


def _check_response(estimator, response):
    if response not in RESPONSES:
        raise ValueError(f"Expected response to be one of {list(RESPONSES)}, got {response!r}.")
    if response == "residual" and not solves_a_problem(estimator):
        raise ValueError(
            "Expected a PINNEstimator with a problem for response='residual', got a fit to rows. "
            "Draw y − predict(X) by from_predictions."
        )
    if response == "error" and is_classifier(estimator):
        raise ValueError(
            "Expected a regressor or a problem for response='error', got a classifier. Its value "
            "is a probability already."
        )


def _columns(estimator, X):
    """Names of the columns of X, and the ranges to draw."""
    if solves_a_problem(estimator):
        names = columns_of(estimator.problem_)
        return names, dict(zip(names, ranges_of(estimator.problem_), strict=True))
    if X is None:
        raise ValueError(
            "Expected X, of which the range is drawn, got None. Pass the rows of fit: a fitted "
            "estimator does not keep them."
        )
    X = estimator._validated_for_prediction(X)
    given = getattr(estimator, "feature_names_in_", None)
    names = tuple(f"x{k}" for k in range(X.shape[1])) if given is None else tuple(given)
    ends = np.stack([X.min(axis=0), X.max(axis=0)], axis=1)
    return names, dict(zip(names, ends, strict=True))


def _inside(estimator, rows):
    """Which rows lie in the domain."""
    if not solves_a_problem(estimator):
        return np.ones(len(rows), dtype=bool)
    domain = estimator.problem_.domain
    return domain.contains(rows[:, : len(domain.names)])


def _response(estimator, X, response, field):
    """One column of an answer at points, and its name."""
    if response == "residual":
        values = estimator.residual(X)
        names = [f"equation {k + 1}" for k in range(np.atleast_2d(values.T).shape[0])]
        column, name = _column(values, names, field, 0)
        return column, "|residual|" if len(names) == 1 else f"|residual of {name}|"
    if is_classifier(estimator):
        names = [str(label) for label in estimator.classes_]
        column, name = _column(estimator.predict_proba(X), names, field, len(names) - 1)
        return column, f"probability of {name}"
    values = estimator.predict(X) if response == "value" else estimator.predict(X, True)[1]
    if solves_a_problem(estimator):
        names = list(estimator.problem_.fields)
    else:
        n_outputs = np.atleast_2d(values.T).shape[0]
        names = ["y"] if n_outputs == 1 else [f"y{k}" for k in range(n_outputs)]
    column, name = _column(values, names, field, 0)
    of_problem = "estimated error of" if solves_a_problem(estimator) else "standard deviation of"
    return column, name if response == "value" else f"{of_problem} {name}"


def _column(values, names, field, usual):
    """A column of values of shape (n,) or (n, k), by its name or number."""
    number = names.index(field) if field in names else field
    number = usual if number is None else number
    if isinstance(number, str) or not -len(names) <= number < len(names):
        raise ValueError(f"Expected field to be one of {names} or its number, got {field!r}.")
    return (values if values.ndim == 1 else values[:, number]), names[number]
