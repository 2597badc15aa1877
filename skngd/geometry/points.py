"""A domain that is known by its points alone."""

from math import prod

import numpy as np

from .combinations import Product
from .domain import Domain, check_face, check_names, depth_in_box
from .patch import Patch


class Points(Domain):
    """Points of one's own in place of a domain.

    `sample` gives all of them, in their order, whatever its ``n`` is; `boundary` all those of the
    named faces. `contains` means the bounding box, and `measure` is that of the bounding box. The
    measure of a face is not known. `Points` have products with other domains, such as time,
    ``Box(t=(0, 1)) * Points(...)``, and no other combinations.

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

    See Also
    --------
    skngd.pde.Mesh : Triangles, tetrahedra or intervals.

    Examples
    --------
    >>> from skngd.geometry.points import Points
    >>> cloud = Points([[0.2], [0.7]], names=("x",), boundary={"ends": [[0.0], [1.0]]})
    >>> cloud.sample(100).tolist()
    [[0.2], [0.7]]
    >>> cloud.bounds.tolist()
    [[0.0, 1.0]]
    >>> from skngd.geometry.box import Box
    >>> (Box(t=(0, 1)) * cloud).names
    ('t', 'x')
    """

    is_cloud = True

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

    def __mul__(self, other):
        return Product(self, other) if isinstance(other, Domain) else NotImplemented

    def _depth(self, X):
        return depth_in_box(X, self.bounds)

    def _envelop(self, U):
        # For products: the first number says which of the points, all as often.
        return self._X[_numbers(U, len(self._X))]

    def _pieces(self):
        def drawn(points, normals):
            def draw(U):
                number = _numbers(U, len(points))
                return points[number], normals[number], np.ones(len(U), dtype=bool)

            return draw

        # The number of points stands for the measure, so that on= finds faces as anywhere.
        return [
            Patch(face, 1, len(X), len(X), drawn(X, normals))
            for face, (X, normals) in self._given.items()
        ]

    def sample(self, n=None, sampler="sobol", random_state=None):
        """All the points inside, shape (m, d); the arguments make no difference.

        Parameters
        ----------
        n : int, default=None
            Makes no difference.
        sampler : str, default="sobol"
            Makes no difference.
        random_state : object, default=None
            Makes no difference.

        Returns
        -------
        points : ndarray of shape (m, d)
            As they were given.
        """
        return self._X.copy()

    def boundary(self, n=None, on=None, sampler="sobol", random_state=None):
        """All the points of faces; of the arguments only ``on`` makes a difference.

        Parameters
        ----------
        n : int, default=None
            Makes no difference.
        on : str or tuple of str, default=None
            The faces; None is all.
        sampler : str, default="sobol"
            Makes no difference.
        random_state : object, default=None
            Makes no difference.

        Returns
        -------
        points, normals : ndarray of shape (n, d)
            As they were given.
        faces : ndarray of str of shape (n,)
            The face of each point.
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
        """Refused: the points do not tell the length or area of a face.

        Parameters
        ----------
        on : str or tuple of str, default=None
            The faces; None is all.
        """
        raise ValueError(
            f"Expected a domain whose faces have a measure, got Points with the faces "
            f"{self.faces}. Give a number in its place, or use a Box, Disk or Polygon."
        )

    def _quadrature(self, n, over):
        raise ValueError(
            f"Expected a domain with quadrature weights, got Points with the coordinates "
            f"{self.names}: points alone have none. Use a Mesh, or a Box, Disk or Polygon."
        )


def _numbers(U, n):
    """Numbers of points, out of n, for rows of the unit cube."""
    return np.minimum((U[:, 0] * n).astype(int), n - 1)


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
