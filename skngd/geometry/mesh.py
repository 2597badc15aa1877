"""A domain of triangles or tetrahedra."""

from math import factorial

import numpy as np

from .combinations import Product
from .domain import Domain, check_face, check_names
from .patch import Patch
from .shapes import simplices_rule
from .shown import shown

# A point belongs to a simplex whose barycentric coordinates are above this, with a minus.
ROUNDING = 1e-13
# Points of quadrature in each direction of a simplex.
N_IN_SIMPLEX = 3
# How many pairs of a point and a simplex are looked at together.
PAIRS_AT_ONCE = 2**20


class Mesh(Domain):
    """The inside of a mesh of triangles, tetrahedra or intervals.

    Points are drawn evenly from all of it, the outward normals and the measure of the boundary are
    those of its sides, and ``quadrature`` has weights. Meshes have products with other domains,
    such as time.

    Parameters
    ----------
    points : array-like of shape (n, d)
        The nodes.
    simplices : array-like of int of shape (m, d + 1)
        The nodes of each triangle (d = 2), tetrahedron (d = 3) or interval (d = 1).
    names : tuple of str, default=("x", "y", "z")[:d]
        The coordinates.
    boundary : dict, default=None
        Names of faces with the nodes of their sides, arrays of int of shape (k, d). What they leave
        of the boundary is called ``"boundary"``.

    Raises
    ------
    ValueError
        If simplices have other nodes, or none of them a volume: a surface has no inside, and so no
        normals that point outwards; or if a face is not on the boundary.

    See Also
    --------
    skngd.pde.Polygon : A polygon in the plane.
    skngd.pde.Points : A cloud of points.

    Examples
    --------
    >>> from skngd.geometry.mesh import Mesh
    >>> square = Mesh([(0, 0), (1, 0), (1, 1), (0, 1)], [(0, 1, 2), (0, 2, 3)])
    >>> square.measure, square.boundary_measure()
    (1.0, 4.0)
    >>> square.contains([[0.5, 0.5], [1.5, 0.5]])
    array([ True, False])
    """

    def __init__(self, points, simplices, names=None, boundary=None):
        points = _nodes(points)
        n, d = points.shape
        simplices = _numbers_of_nodes(simplices, n, d + 1, "simplices")
        names = check_names(("x", "y", "z")[:d] if names is None else names, d)
        corners = points[simplices]
        signed = np.linalg.det(corners[:, 1:] - corners[:, :1])
        size = np.ptp(points, axis=0)
        flat = np.abs(signed) <= 1e-14 * size.prod()
        if flat.any():
            raise ValueError(
                f"Expected simplices with a volume, got {np.count_nonzero(flat)} of "
                f"{len(simplices)} without, such as number {int(np.flatnonzero(flat)[0])}. Drop "
                "them."
            )
        volumes = np.abs(signed) / factorial(d)
        sides, normals, areas, is_outer = _sides(points, simplices)
        faces = _named(sides, boundary, d)
        used = points[np.unique(simplices)]
        self.__dict__.update(
            _points=points,
            _simplices=simplices,
            _volumes=volumes,
            _corners=corners,
            _inverse=np.linalg.inv(corners[:, 1:] - corners[:, :1]),
            _is_outer=is_outer,
            _sides_of=(sides, normals, areas, faces),
        )
        bounds = np.stack([used.min(axis=0), used.max(axis=0)], axis=1)
        self.__dict__["_cells"] = _Cells(corners, bounds)
        self._define(names, bounds, float(volumes.sum()), float(volumes.sum()))

    @classmethod
    def from_file(cls, path, names=None):
        """Read a mesh by meshio, which is the extra ``mesh``.

        Tetrahedra if there are any, else triangles, in the plane without their third coordinate.
        Sides in named groups of the file, such as Gmsh's physical groups or cell sets, give the
        faces these names.

        Parameters
        ----------
        path : str or path-like
            The file, in any format that meshio reads.
        names : tuple of str, default=None
            See `Mesh`.

        Returns
        -------
        mesh : Mesh
            What the file describes.

        Raises
        ------
        ImportError
            Without meshio.
        ValueError
            If there are neither tetrahedra nor triangles.
        """
        try:
            import meshio
        except ImportError as error:
            raise ImportError(
                "Expected meshio to read a mesh from a file, got none. Install it, such as by "
                "pip install 'skngd[mesh]', or give points and simplices to Mesh."
            ) from error
        read = meshio.read(path)
        kinds = {"tetra": ("triangle", 3), "triangle": ("line", 2)}
        kind = next((kind for kind in kinds if kind in read.cells_dict), None)
        if kind is None:
            raise ValueError(
                f"Expected a mesh of tetrahedra or triangles, got {sorted(read.cells_dict)} in "
                f"{str(path)!r}. Give points and simplices to Mesh."
            )
        of_side, d = kinds[kind]
        boundary, sides = {}, read.cells_dict.get(of_side)
        groups = {name: found.get(of_side, ()) for name, found in read.cell_sets_dict.items()}
        physical = read.cell_data_dict.get("gmsh:physical", {}).get(of_side)
        if physical is not None:
            groups |= {
                name: np.flatnonzero(physical == tag)
                for name, (tag, _) in (read.field_data.items())
            }
        for name, rows in groups.items():
            if len(rows) and not name.startswith("gmsh:"):
                boundary[name] = sides[rows]
        return cls(read.points[:, :d], read.cells_dict[kind], names, boundary or None)

    def _arguments(self):
        _, _, _, faces = self._sides_of
        given = {face: rows for face, rows in faces.items() if face != "boundary"}
        sides = self._sides_of[0]
        return {
            "points": _plain(self._points),
            "simplices": _plain(self._simplices),
            "names": self.names,
            "boundary": {face: _plain(sides[rows]) for face, rows in given.items()} or None,
        }

    def __mul__(self, other):
        return Product(self, other) if isinstance(other, Domain) else NotImplemented

    def _depth(self, X):
        """By barycentric coordinates, inside those that are opposite to a side of the boundary."""
        depth = np.full(len(X), -1.0)
        finite = np.flatnonzero(np.isfinite(X).all(axis=1))
        for rows, simplices in self._cells.pairs(X[finite]):
            rows = finite[rows]
            local = X[rows] - self._corners[simplices, 0]
            shares = np.einsum("pi,pij->pj", local, self._inverse[simplices])
            shares = np.concatenate([1 - shares.sum(axis=1, keepdims=True), shares], axis=1)
            lowest = shares.min(axis=1)
            outer = np.where(self._is_outer[simplices], shares, 0.5).min(axis=1)
            # Outside of this one, or its depth; the largest over all that contain the point would
            # hide a side of the boundary, which one alone may have.
            inside = lowest >= -ROUNDING
            np.maximum.at(depth, rows, np.where(inside, -1.0, lowest))
            depth_inside = np.full(len(X), np.inf)
            np.minimum.at(depth_inside, rows[inside], np.maximum(outer[inside], 0.0))
            depth = np.where(np.isfinite(depth_inside), depth_inside, depth)
        return depth

    def _envelop(self, U):
        total = np.concatenate([[0], np.cumsum(self._volumes)])
        place = U[:, 0] * total[-1]
        k = np.clip(np.searchsorted(total, place, side="right") - 1, 0, len(self._volumes) - 1)
        u = U.copy()
        u[:, 0] = (place - total[k]) / self._volumes[k]
        return _in_simplices(u, self._corners[k])

    def _pieces(self):
        sides, normals, areas, faces = self._sides_of
        d = sides.shape[1]

        def drawn(rows):
            corners = self._points[sides[rows]]
            total = np.concatenate([[0], np.cumsum(areas[rows])])

            def draw(U):
                place = U[:, 0] * total[-1]
                k = np.clip(np.searchsorted(total, place, side="right") - 1, 0, len(rows) - 1)
                u = U.copy()
                u[:, 0] = (place - total[k]) / np.diff(total)[k]
                points = _in_simplices(u, corners[k])
                return points, normals[rows][k], np.ones(len(U), bool)

            return draw

        if d == 1:
            return [
                Patch(face, 0, 1.0, 1.0, self._end(int(row)))
                for face, rows in faces.items()
                for row in rows
            ]
        return [
            Patch(face, d - 1, areas[rows].sum(), areas[rows].sum(), drawn(rows))
            for face, rows in faces.items()
        ]

    def _end(self, row):
        sides, normals, *_ = self._sides_of

        def draw(U):
            return self._points[sides[row]], normals[row : row + 1], np.ones(len(U), bool)

        return draw

    def _rule(self, n):
        return simplices_rule(self._corners, n)

    def _quadrature(self, n, over):
        # The number is that of a simplex: there are many of them.
        return super()._quadrature(n or N_IN_SIMPLEX, over)


def _plain(array):
    return tuple(map(tuple, array.tolist()))


def _nodes(points):
    try:
        array = np.array(points, float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] not in (1, 2, 3) or not np.isfinite(array).all():
        raise ValueError(
            f"Expected finite points of shape (n, d), with d = 1, 2 or 3, got {shown(points)}. "
            "Give the coordinates of each node in a row."
        )
    return array


def _numbers_of_nodes(values, n, width, what):
    try:
        array = np.array(values)
    except ValueError:
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != width or not np.issubdtype(array.dtype, np.integer):
        surface = " A surface has no inside, and so no outward normals:" if what != "sides" else ""
        raise ValueError(
            f"Expected {what} of {width} nodes each, by their numbers, for points with "
            f"{max(width - 1, 1) if what != 'sides' else width} coordinates, got "
            f"{array.dtype} of shape {array.shape}.{surface} Give triangles in the plane and "
            "tetrahedra in space."
        )
    if array.size and not (array.min() >= 0 and array.max() < n):
        raise ValueError(
            f"Expected {what} with numbers of nodes from 0 to {n - 1}, got {array.min()} to "
            f"{array.max()}. Check whether they begin with 1, and subtract it."
        )
    return array


def _sides(points, simplices):
    """Sides that belong to one simplex: nodes, outward normals, areas, and which are outer."""
    m, width = simplices.shape
    d = width - 1
    every = np.stack([np.delete(simplices, k, axis=1) for k in range(width)], axis=1)
    flat = every.reshape(-1, d)
    _, inverse, counts = np.unique(
        np.sort(flat, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    alone = counts[inverse.reshape(-1)] == 1
    if counts.max() > 2:
        raise ValueError(
            f"Expected sides that belong to one or two simplices, got one of {counts.max()}. Check "
            "the mesh: simplices are there twice, or overlap."
        )
    sides, opposite = flat[alone], simplices.reshape(-1)[alone]
    corners = points[sides]
    if d == 1:
        normals, areas = np.ones((len(sides), 1)), np.ones(len(sides))
    elif d == 2:
        along = corners[:, 1] - corners[:, 0]
        normals = along[:, ::-1] * [1, -1]
        areas = np.linalg.norm(normals, axis=1)
    else:
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas = np.linalg.norm(normals, axis=1) / 2
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    inward = ((points[opposite] - corners[:, 0]) * normals).sum(axis=1) > 0
    normals[inward] *= -1
    return sides, normals, areas, alone.reshape(m, width)


def _named(sides, boundary, d):
    """Rows of the sides for each face, by name."""
    numbers = {tuple(side): row for row, side in enumerate(np.sort(sides, axis=1).tolist())}
    faces, taken = {}, set()
    for face, given in (boundary or {}).items():
        given = _numbers_of_nodes(given, int(sides.max()) + 1, d, "sides")
        rows = [numbers.get(tuple(side)) for side in np.sort(given, axis=1).tolist()]
        if None in rows or set(rows) & taken:
            side = given[rows.index(None)].tolist() if None in rows else "one of two faces"
            raise ValueError(
                f"Expected sides of the boundary for face {face!r}, each in one face, got {side}. "
                "Check the numbers of its nodes: a side inside has no outward normal."
            )
        taken |= set(rows)
        faces[check_face(face)] = np.array(rows)
    rest = np.array([row for row in range(len(sides)) if row not in taken], int)
    if len(rest) and "boundary" in faces:
        raise ValueError(
            "Expected the face 'boundary' to be what others leave of it, got some sides under this "
            "name. Use another one."
        )
    return faces | ({"boundary": rest} if len(rest) else {})


def _in_simplices(u, corners):
    """Points of simplices, (n, d), for points of the unit cube, (n, k), by a map that is even."""
    n, k = u.shape
    shares, left = [], np.ones(n)
    for j in range(k):
        # The largest of what is left, as of k − j even numbers.
        kept = left * u[:, j] ** (1 / (k - j))
        shares.append(left - kept)
        left = kept
    shares.append(left)
    return np.einsum("nc,ncd->nd", np.stack(shares, axis=1), corners)


class _Cells:
    """Which simplices may contain a point, by the cells of a grid over the bounding box."""

    def __init__(self, corners, bounds):
        m, _, d = corners.shape
        self.low, self.n = bounds[:, 0], max(1, int(m ** (1 / d)))
        self.step = np.ptp(bounds, axis=1) / self.n
        first = self._cell(corners.min(axis=1) - 1e-9 * self.step)
        last = self._cell(corners.max(axis=1) + 1e-9 * self.step)
        spans = last - first + 1
        counts = spans.prod(axis=1)
        simplices = np.repeat(np.arange(m), counts)
        left = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        cell = first[simplices]
        for axis in range(d):
            cell[:, axis] += left % spans[simplices, axis]
            left //= spans[simplices, axis]
        cells = self._number(cell)
        order = np.argsort(cells, kind="stable")
        self.simplices = simplices[order]
        self.starts = np.searchsorted(cells[order], np.arange(self.n**d + 1))

    def _cell(self, X):
        return np.clip((X - self.low) // self.step, 0, self.n - 1).astype(int)

    def _number(self, cell):
        return np.ravel_multi_index(tuple(cell.T), (self.n,) * cell.shape[1])

    def pairs(self, X):
        """Rows of points with simplices that may contain them; all of a point come together."""
        number = self._number(self._cell(X))
        first, counts = self.starts[number], np.diff(self.starts)[number]
        total = np.cumsum(counts)
        cuts = np.searchsorted(total, np.arange(PAIRS_AT_ONCE, total[-1:].sum(), PAIRS_AT_ONCE))
        for rows in np.split(np.arange(len(X)), cuts):
            n = counts[rows]
            within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
            yield np.repeat(rows, n), self.simplices[np.repeat(first[rows], n) + within]
