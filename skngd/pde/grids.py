"""Coefficients that are known on a grid or in a table."""

from itertools import pairwise

import numpy as np
import torch

from ..geometry.shown import shown
from .expressions.quantity import Quantity

# How far outside of the grid a point may lie, in parts of its width.
TOLERANCE = 1e-9
# Values in each direction that a spline of some degree needs at least, beside the degree.
KINDS = {"linear": 1, "cubic": 3}


class Grid:
    """A function of coordinates that is known on a grid: a coefficient, a source, a prior state.

    Called in a residual or condition with coordinates, in the order of the arguments, it is a
    quantity there. By splines it is smooth, and so is what hard conditions and limits of integrals
    make of it.

    Parameters
    ----------
    values : array-like of shape (n_1, n_2, …)
        One number for each point of the grid.
    kind : {"cubic", "linear"}, default="cubic"
        Splines with two continuous derivatives, which need four values in each direction, or
        without any. What jumps belongs to an :class:`Interface`.
    **axes : array-like of float
        The places of the values in each direction, ascending, by the names of the coordinates:
        ``x=`` for rows, ``y=`` for columns.

    Raises
    ------
    ValueError
        If places do not ascend, if there are not as many as values, or if a value is not finite;
        when called, if a point lies outside of the grid.

    See Also
    --------
    skngd.pde.Input : A coefficient that is one more column of X.
    skngd.pde.Unknown : A coefficient that measurements tell.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.pde import Grid, Interval, Problem
    >>> nodes = np.linspace(0, 1, 20)
    >>> conductivity = Grid(1 + nodes**2, x=nodes)
    >>> class Rod(Problem):
    ...     domain = Interval(0, 1)
    ...
    ...     def residual(self, u, x):
    ...         a = conductivity(x)
    ...         return a * u.xx + conductivity.derivative("x")(x) * u.x
    >>> conductivity(0.5)
    array(1.25)
    """

    def __init__(self, values, kind="cubic", **axes):
        if kind not in KINDS:
            raise ValueError(
                f"Expected kind to be one of {tuple(KINDS)}, got {shown(kind)}. Leave it out, or "
                "call the coordinate something else."
            )
        values = _finite(values, "values", None)
        places = {name: _finite(given, name, 1) for name, given in axes.items()}
        if values.shape != tuple(map(len, places.values())) or not places:
            raise ValueError(
                f"Expected a place along each direction of values of shape {values.shape}, got "
                f"{ {name: len(given) for name, given in places.items()} }. Give them by name, "
                "such as Grid(values, x=x, y=y), for values of shape (len(x), len(y))."
            )
        for name, given in places.items():
            if not all(a < b for a, b in pairwise(given)):
                raise ValueError(
                    f"Expected places along {name} that ascend, got {shown(given)}. Sort them, and "
                    "drop what is there twice: use np.unique."
                )
            if len(given) <= KINDS[kind]:
                raise ValueError(
                    f"Expected at least {KINDS[kind] + 1} places along {name} for kind={kind!r}, "
                    f"got {len(given)}. Use kind='linear', or more."
                )
        self.values, self.kind, self.axes = values, kind, places
        self._orders, self._spline = (0,) * len(places), _spline(values, KINDS[kind], places)

    def __repr__(self):
        axes = ", ".join(f"{name}={shown(given)}" for name, given in self.axes.items())
        return f"Grid({shown(self.values)}, kind={self.kind!r}, {axes})"

    def derivative(self, *names):
        """A derivative of the spline, called as the grid is.

        Parameters
        ----------
        *names : str
            One coordinate for each differentiation.

        Returns
        -------
        derivative : callable
            A function of the coordinates.
        """
        for name in names:
            if name not in self.axes:
                raise ValueError(
                    f"Expected a coordinate of the grid, one of {tuple(self.axes)}, got "
                    f"{shown(name)}. Change it."
                )
        other = object.__new__(Grid)
        other.__dict__.update(self.__dict__)
        counts = [names.count(name) for name in self.axes]
        other._orders = tuple(np.add(self._orders, counts).tolist())
        return other

    def __call__(self, *coordinates):
        """Values at points.

        Parameters
        ----------
        *coordinates : Quantity, array or float
            One for each direction of the grid.

        Returns
        -------
        values : Quantity, or ndarray where no coordinate is a quantity
        """
        if len(coordinates) != len(self.axes):
            raise ValueError(
                f"Expected the coordinates {tuple(self.axes)}, got {len(coordinates)}. Give "
                "each of them, in this order."
            )
        found = [one.tensor if isinstance(one, Quantity) else one for one in coordinates]
        tensors = [one for one in found if isinstance(one, torch.Tensor)]
        if not tensors:
            return self._at(np.broadcast_arrays(*map(np.asarray, found)), self._orders)
        like = tensors[0]
        found = [torch.as_tensor(one, dtype=like.dtype, device=like.device) for one in found]
        found = torch.broadcast_tensors(*found)
        if any(one.requires_grad for one in found):
            return Quantity(_Splines.apply(self, self._orders, *found))
        return Quantity(_values(self, self._orders, found))

    def _at(self, columns, orders):
        """A derivative of the spline at points, arrays of one shape."""
        points = np.stack([np.asarray(column, float) for column in columns], axis=-1)
        for column, (name, given) in zip(
            np.moveaxis(points, -1, 0), self.axes.items(), strict=True
        ):
            slack = TOLERANCE * (given[-1] - given[0])
            outside = ~((column >= given[0] - slack) & (column <= given[-1] + slack))
            if outside.any():
                raise ValueError(
                    f"Expected a grid that covers the points where it is asked for, but {name} = "
                    f"{column[outside].flat[0]:.6g} lies outside of its range [{given[0]:g}, "
                    f"{given[-1]:g}]. Give values on the whole domain, or change the domain."
                )
        if any(order > KINDS[self.kind] for order in orders):
            return np.zeros(points.shape[:-1])
        low, high = zip(*((given[0], given[-1]) for given in self.axes.values()), strict=True)
        return self._spline(np.clip(points, low, high), nu=orders)

    def __getstate__(self):
        state = self.__dict__.copy()
        del state["_spline"]
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._spline = _spline(self.values, KINDS[self.kind], self.axes)

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        same = self.kind == other.kind and self._orders == other._orders
        same = same and list(self.axes) == list(other.axes)
        pairs = [(self.values, other.values)]
        pairs += zip(self.axes.values(), other.axes.values(), strict=False)
        return same and all(np.array_equal(a, b) for a, b in pairs)

    def __hash__(self):
        return hash((self.kind, self._orders, tuple(self.axes), self.values.shape))


class _Splines(torch.autograd.Function):
    """A spline at points with its derivatives in these, to any order."""

    @staticmethod
    def forward(ctx, grid, orders, *columns):
        ctx.grid, ctx.orders = grid, orders
        ctx.save_for_backward(*columns)
        return _values(grid, orders, columns)

    @staticmethod
    def backward(ctx, cotangent):
        found = []
        for axis in range(len(ctx.orders)):
            if not ctx.needs_input_grad[2 + axis]:
                found.append(None)
                continue
            orders = tuple(n + (k == axis) for k, n in enumerate(ctx.orders))
            found.append(cotangent * _Splines.apply(ctx.grid, orders, *ctx.saved_tensors))
        return None, None, *found


def _values(grid, orders, columns):
    values = grid._at([column.detach().cpu().numpy() for column in columns], orders)
    return columns[0].new_tensor(np.ascontiguousarray(values))


def _spline(values, degree, places):
    """A spline through the values, of that degree in each direction."""
    from scipy.interpolate import NdBSpline, make_interp_spline

    knots, coefficients = [], values
    for axis, given in enumerate(places.values()):
        spline = make_interp_spline(given, coefficients, k=degree, axis=axis)
        # The direction of the spline comes first in its coefficients.
        knots.append(spline.t)
        coefficients = np.moveaxis(spline.c, 0, axis)
    return NdBSpline(tuple(knots), np.ascontiguousarray(coefficients), degree)


def _finite(values, what, ndim):
    try:
        array = np.array(values, float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if ndim not in (None, array.ndim) or not array.ndim or not np.isfinite(array).all():
        raise ValueError(
            f"Expected {what} to be finite numbers on a grid, got {shown(values)}. Give an array "
            "such as np.linspace(0, 1, 20) for places, and interpolate what is missing."
        )
    return array
