"""Boxes, intervals, and points of one's own."""

from math import prod

import numpy as np

from .operations import Shape
from .regions import Domain, check_face, check_names
from .samplers import Patch, check_count


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
        name has a meaning of its own.

    Notes
    -----
    A grid on the whole boundary of a rectangle has equal distances along the perimeter, so each
    corner is there at most once; it belongs to the side that begins there, counterclockwise.

    Examples
    --------
    >>> from skngd.pde.domains import Box
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
        return _depth_in_box(X, self.bounds)

    def _envelop(self, U):
        low, high = self.bounds.T
        return low + U * (high - low)

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

    Examples
    --------
    >>> from skngd.pde.domains import Interval
    >>> Interval(0, 2)
    Box(x=(0.0, 2.0))
    """
    return Box(face=face, **{check_names(name, 1)[0]: (low, high)})


def _depth_in_box(X, bounds):
    columns = zip(X.T, bounds, strict=True)  # one at a time: NumPy is slow along short rows
    return np.minimum.reduce([np.minimum(x - a, b - x) / (b - a) for x, (a, b) in columns])


def _interval(name, pair):
    try:
        low, high = (float(value) for value in pair)
    except (TypeError, ValueError):
        low = high = np.nan
    if not np.isfinite(high - low):
        raise ValueError(
            f"Expected two finite numbers (low, high) for {name}, got {pair!r}. Try {name}=(0, 1)."
        )
    if low >= high:
        raise ValueError(
            f"Expected low < high for {name}, got {pair!r}. Give the lower value first, such as "
            f"{name}=(0, 1)."
        )
    return low, high


class Points(Domain):
    """Points of one's own in place of a domain.

    `sample` gives all of them, in their order, whatever its ``n`` is; `boundary` all those of the
    named faces. `contains` means the bounding box, and `measure` is that of the bounding box. The
    measure of a face is not known, and `Points` do not combine with other domains.

    Parameters
    ----------
    X : array-like of shape (m, d)
        Points inside.
    names : tuple of str
        The coordinates, one for each column.
    boundary : dict, default=None
        For each face its points, of shape (k, d), or the pair of points and outward normals, both
        of shape (k, d). Normals are scaled to length 1; without them they are NaN. Names as
        ``"x.min"`` and ``"x.max"`` make ``"x"`` stand for both.

    Raises
    ------
    ValueError
        If points or normals are not finite, have another shape, or if all have the same value of
        a coordinate.

    Examples
    --------
    >>> from skngd.pde.domains import Points
    >>> cloud = Points([[0.2], [0.7]], names=("x",), boundary={"ends": [[0.0], [1.0]]})
    >>> cloud.sample(100).tolist()
    [[0.2], [0.7]]
    >>> cloud.bounds.tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, X, names, boundary=None):
        X = _finite_rows(X, None, "X")
        names = check_names(names, X.shape[1])
        faces = {}
        for face, value in (boundary or {}).items():
            paired = isinstance(value, tuple) and len(value) == 2 and np.ndim(value[0]) == 2
            points = _finite_rows(value[0] if paired else value, X.shape[1], f"face {face!r}")
            normals = np.full_like(points, np.nan)
            if paired:
                normals = _finite_rows(value[1], X.shape[1], f"the normals of face {face!r}")
                normals = _unit(normals, points, face)
            faces[check_face(face)] = (points, normals)
        everything = np.concatenate([X, *(points for points, _ in faces.values())])
        bounds = np.stack([everything.min(axis=0), everything.max(axis=0)], axis=1)
        sides = np.ptp(bounds, axis=1)
        if not sides.all():
            k = int(np.argmin(sides))
            raise ValueError(
                f"Expected points that differ in each coordinate, got only {names[k]} = "
                f"{bounds[k, 0]:g}. Drop this column, or give points on the boundary too."
            )
        self.__dict__.update(_X=X, _given=faces)
        self._define(names, bounds, prod(sides.tolist()), prod(sides.tolist()))

    def _arguments(self):
        def plain(array):
            return tuple(map(tuple, array.tolist()))

        boundary = {
            face: plain(points) if np.isnan(normals).any() else (plain(points), plain(normals))
            for face, (points, normals) in self._given.items()
        }
        return {"X": plain(self._X), "names": self.names, "boundary": boundary or None}

    def _depth(self, X):
        return _depth_in_box(X, self.bounds)

    def _envelop(self, U):
        low, high = self.bounds.T
        return low + U * (high - low)

    def _pieces(self):
        # The number of points stands for the measure, so that on= finds faces as anywhere.
        return [Patch(face, 0, len(X), len(X), None) for face, (X, _) in self._given.items()]

    def sample(self, n=None, sampler="sobol", random_state=None):
        """All the points inside, shape (m, d); the arguments make no difference."""
        return self._X.copy()

    def boundary(self, n=None, on=None, sampler="sobol", random_state=None):
        """All the points of faces; of the arguments only ``on`` makes a difference.

        Returns
        -------
        points, normals : ndarray of shape (n, d)
        faces : ndarray of str of shape (n,)
        """
        names = [piece.name for piece in self._on(on)]
        if not names:
            raise ValueError(
                "Expected points on the boundary, got none. Pass boundary={'wall': points} to "
                "Points."
            )
        points, normals = map(np.concatenate, zip(*map(self._given.get, names), strict=True))
        return points, normals, np.repeat(names, [len(self._given[name][0]) for name in names])

    def boundary_measure(self, on=None):
        """Refused: the points do not tell the length or area of a face."""
        raise ValueError(
            f"Expected a domain whose faces have a measure, got Points with the faces "
            f"{self.faces}. Give a number in its place, or use a Box, Disk or Polygon."
        )


def _finite_rows(values, d, what):
    try:
        array = np.array(values, float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or not array.size or d not in (None, array.shape[1]):
        columns = "d" if d is None else d
        raise ValueError(
            f"Expected an array of shape (n, {columns}) for {what}, got shape {array.shape}. Give "
            "one row for each point, such as X.reshape(-1, 1)."
        )
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(
            f"Expected finite numbers for {what}, got {array[row]} in row {row}. Drop it."
        )
    return array


def _unit(normals, points, face):
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    if normals.shape != points.shape or not lengths.all():
        raise ValueError(
            f"Expected a normal other than 0 for each point of face {face!r}, got "
            f"{np.count_nonzero(lengths)} for {len(points)} points. Give arrays of one shape."
        )
    return normals / lengths
