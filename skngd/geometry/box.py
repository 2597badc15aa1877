"""Boxes and intervals."""

from math import prod

import numpy as np

from .combinations import Shape
from .domain import N_QUADRATURE, check_face, check_names, depth_in_box
from .patch import Patch
from .sampling import check_count, gauss_rule, tensor_grid
from .shown import shown


class Box(Shape):
    """An interval, rectangle or box of any dimension with named coordinates.

    Parameters
    ----------
    face : str, default=None
        One name for the whole boundary, for a box that is cut out of another or joined to it. None:
        the faces of a coordinate x are ``"x.min"`` and ``"x.max"``, and ``"x"`` for both.
    **bounds : tuple of two float
        The lowest and highest value of each coordinate, by its name.

    Raises
    ------
    ValueError
        If there is no coordinate, if bounds are not two finite numbers with low < high, or if a
        name cannot be an argument of a function.

    See Also
    --------
    skngd.pde.Ball : A ball in any dimension.
    skngd.pde.Polygon : A polygon in the plane.
    skngd.pde.Product : Domains with different coordinates.

    Notes
    -----
    A grid on the whole boundary of a rectangle has equal distances along the perimeter, so each
    corner is there at most once; it belongs to the side that begins there, counterclockwise.

    Examples
    --------
    >>> from skngd.geometry.box import Box
    >>> box = Box(t=(0, 1), x=(-1, 1))
    >>> box.names, box.measure
    (('t', 'x'), 2.0)
    >>> box.faces
    ('t', 't.min', 't.max', 'x', 'x.min', 'x.max')
    >>> box.boundary(3, on="t.min", sampler="grid")[0].tolist()
    [[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, *, face=None, **bounds):
        if not bounds:
            raise ValueError("Expected at least one coordinate, got none. Try Box(x=(0, 1)).")
        names = check_names(bounds, len(bounds))
        pairs = [_interval(name, pair) for name, pair in bounds.items()]
        measure = prod(high - low for low, high in pairs)
        self.__dict__.update(face=None if face is None else check_face(face))
        self._define(names, pairs, measure, measure)

    def _arguments(self):
        bounds = dict(zip(self.names, map(tuple, self.bounds.tolist()), strict=True))
        return bounds if self.face is None else bounds | {"face": self.face}

    def _depth(self, X):
        return depth_in_box(X, self.bounds)

    def _pieces(self):
        return [self._side(k, end) for k in range(len(self.names)) for end in (0, 1)]

    def _side(self, k, end):
        normal = np.zeros(len(self.names))
        normal[k] = 2 * end - 1

        def draw(U):
            points = self._on_side(U, k, end)
            return points, np.tile(normal, (len(U), 1)), np.ones(len(U), bool)

        name = self.face or f"{self.names[k]}.{('min', 'max')[end]}"
        measure = self._measure_across(k)
        return Patch(name, len(self.names) - 1, measure, measure, draw)

    def _measure_across(self, k):
        return prod(np.delete(np.ptp(self.bounds, axis=1), k).tolist())

    def _on_side(self, U, k, end):
        points = self._envelop(np.insert(U, k, end, axis=1))
        points[:, k] = self.bounds[k, end]  # without rounding
        return points

    def _opposite(self, on):
        k = self.names.index(on)
        measure = self._measure_across(k)

        def draw(U):
            return self._on_side(U, k, 0), self._on_side(U, k, 1), np.ones(len(U), bool)

        return Patch(on, len(self.names) - 1, measure, measure, draw)

    def _height(self, columns, face):
        if self.face is not None:
            parts = self._parts(columns)
            return prod(4 * part * (1 - part) for part in parts)
        coordinate, _, end = face.rpartition(".")
        part = self._parts(columns)[self.names.index(coordinate)]
        return part if end == "min" else 1 - part

    def _height_outside(self, columns, face):
        if self.face is None:  # it vanishes on all sides, and one alone is asked for
            return super()._height_outside(columns, face)
        # Outside of one slab or of another, by Rvachev's a ∨ b = a + b + √(a² + b²).
        joined = None
        for part in self._parts(columns):
            beyond = part * (part - 1)
            if joined is None:
                joined = beyond
            else:
                joined = joined + beyond + np.sqrt(joined * joined + beyond * beyond)
        return joined / (1 + joined)

    def _parts(self, columns):
        pairs = zip(columns, self.bounds.tolist(), strict=True)
        return [(x - low) / (high - low) for x, (low, high) in pairs]

    def _axes_of(self, face):
        if self.face is not None:
            return super()._axes_of(face)
        return (self.names.index(face.rpartition(".")[0]),)

    def _quadrature(self, n, over):
        d = len(over)
        bounds = [self.bounds[self.names.index(name)] for name in over]
        if n is None and d > len(N_QUADRATURE):
            return Box(**dict(zip(over, bounds, strict=True)))._rule(None)
        rules = [gauss_rule(n or N_QUADRATURE[d - 1], *pair) for pair in bounds]
        points, weights = zip(*rules, strict=True)
        return tensor_grid(points), np.prod(tensor_grid(weights), axis=1)

    def boundary(self, n, on=None, sampler="sobol", random_state=None):
        if sampler == "grid" and len(self.names) == 2 and len(self._on(on)) == 4:
            return self._perimeter(check_count(n))
        return super().boundary(n, on, sampler, random_state)

    def _perimeter(self, n):
        width, height = np.ptp(self.bounds, axis=1)
        place = np.arange(n) * (2 * (width + height) / n)
        starts = np.cumsum([0, width, height, width])
        # A corner that rounding leaves just before its side still begins it.
        side = np.searchsorted(starts, place + 1e-12 * (width + height), side="right") - 1
        along = np.maximum(place - starts[side], 0) / np.array([width, height, width, height])[side]
        points, normals = np.empty((n, 2)), np.empty((n, 2))
        faces = np.empty(n, object)
        for i, (k, end, forward) in enumerate(((1, 0, 1), (0, 1, 1), (1, 1, 0), (0, 0, 0))):
            rows = side == i
            U = along[rows, np.newaxis]
            piece = self._side(k, end)
            points[rows], normals[rows], _ = piece.draw(U if forward else 1 - U)
            faces[rows] = piece.name
        return points, normals, faces.astype(str)

    def __mul__(self, other):
        plain = isinstance(other, Box) and self.face is other.face is None
        if plain and not set(self.names) & set(other.names):
            return Box(**self._arguments(), **other._arguments())
        return super().__mul__(other)


def Interval(low=0.0, high=1.0, name="x", *, face=None):
    """The box of one coordinate.

    Parameters
    ----------
    low, high : float, default=0, 1
        Finite, low < high.
    name : str, default="x"
        The coordinate.
    face : str, default=None
        One name for both ends, see `Box`.

    Returns
    -------
    interval : Box
        A box with one coordinate.

    Examples
    --------
    >>> from skngd.geometry.box import Interval
    >>> Interval(0, 2)
    Box(x=(0.0, 2.0))
    """
    return Box(face=face, **{check_names(name, 1)[0]: (low, high)})


def _interval(name, pair):
    try:
        low, high = (float(value) for value in pair)
    except (TypeError, ValueError):
        low = high = np.nan
    if not np.isfinite(high - low):
        raise ValueError(
            f"Expected two finite numbers (low, high) for {name}, got {shown(pair)}. Try "
            f"{name}=(0, 1)."
        )
    if low >= high:
        raise ValueError(
            f"Expected low < high for {name}, got {shown(pair)}. Give the lower value first, such "
            f"as {name}=(0, 1)."
        )
    return low, high
