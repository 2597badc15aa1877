"""Disks and polygons."""

from math import prod

import numpy as np

from .combinations import Shape
from .domain import check_face, check_names
from .patch import Patch
from .sampling import gauss_rule, tensor_grid
from .shown import shown

TINY = 1e-300
# Sides of a convex polygon up to which their distances are multiplied.
MOST_SIDES = 12


class Disk(Shape):
    """A disk in the plane.

    Parameters
    ----------
    center : tuple of float, default=(0, 0)
        The coordinates of its middle.
    radius : float, default=1
        Positive.
    names : tuple of str, default=("x", "y")
        The two coordinates.
    face : str, default="boundary"
        Name of the circle.

    Raises
    ------
    ValueError
        If the center is not two finite numbers or the radius is not positive and finite.

    See Also
    --------
    skngd.pde.Ball : A ball in any dimension.
    skngd.pde.Polygon : A polygon in the plane.

    Examples
    --------
    >>> from skngd.geometry.shapes import Disk
    >>> points, normals, faces = Disk(radius=2).boundary(4, sampler="grid")
    >>> points.round(12).tolist()
    [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [-0.0, -2.0]]
    """

    def __init__(self, center=(0, 0), radius=1, names=("x", "y"), face="boundary"):
        center = checked_numbers(center, (2,), "center, the two coordinates of a point", "(0, 0)")
        radius = float(checked_numbers(radius, (), "radius, a number", "1"))
        if radius <= 0:
            raise ValueError(f"Expected a positive radius, got {radius:g}. Try radius=1.")
        self.__dict__.update(center=tuple(center.tolist()), radius=radius, face=check_face(face))
        bounds = center[:, np.newaxis] + [-radius, radius]
        self._define(check_names(names, 2), bounds, np.pi * radius**2, np.pi * radius**2)

    def _depth(self, X):
        return (1 - np.hypot(*(X - self.center).T) / self.radius) / 2

    def _envelop(self, U):
        # Shirley and Chiu's map: squares to circles, sectors to sectors. It keeps areas and
        # neighbourhoods, so even points stay even.
        a, b = (2 * U - 1).T
        steep = np.abs(b) > np.abs(a)
        radius, other = np.where(steep, b, a), np.where(steep, a, b)
        turn = np.pi / 4 * other / np.where(radius == 0, 1, radius)
        angle = np.where(steep, np.pi / 2 - turn, turn)
        directions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return self.center + self.radius * radius[:, np.newaxis] * directions

    def _pieces(self):
        def draw(U):
            angle = 2 * np.pi * U[:, 0]
            normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
            return self.center + self.radius * normals, normals, np.ones(len(U), bool)

        length = 2 * np.pi * self.radius
        return [Patch(self.face, 1, length, length, draw, "ring")]

    def _height(self, columns, face):
        return 1 - self._square(columns)

    def _height_outside(self, columns, face):
        return 1 - 1 / self._square(columns)

    def _square(self, columns):
        (x, y), (a, b) = columns, self.center
        return ((x - a) * (x - a) + (y - b) * (y - b)) / self.radius**2

    def _rule(self, n):
        # Gauss points of r², equal angles.
        s, of_s = gauss_rule(n)
        angle = np.arange(2 * n) * np.pi / n
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points = np.sqrt(s)[:, np.newaxis, np.newaxis] * circle
        weights = np.repeat(of_s * np.pi / (2 * n), 2 * n)
        return self.center + self.radius * points.reshape(-1, 2), self.radius**2 * weights


class Polygon(Shape):
    """The inside of a closed line of straight sides.

    Parameters
    ----------
    vertices : array-like of shape (m, 2)
        The corners in order, either way around, each once; m is at least 3.
    names : tuple of str, default=("x", "y")
        The two coordinates.
    face : str, default="boundary"
        Name of the whole line.

    Raises
    ------
    ValueError
        If there are fewer than 3 vertices, two in a row are the same, the area is 0, or sides
        cross.

    See Also
    --------
    skngd.pde.Disk : A disk in the plane.
    skngd.pde.Mesh : Triangles, tetrahedra or intervals.

    Examples
    --------
    >>> from skngd.geometry.shapes import Polygon
    >>> Polygon([(0, 0), (2, 0), (0, 1)]).measure
    1.0
    """

    def __init__(self, vertices, names=("x", "y"), face="boundary"):
        corners = checked_numbers(
            vertices, (None, 2), "vertices, of shape (m, 2)", "a list of pairs"
        )
        if len(corners) > 1 and (corners[0] == corners[-1]).all():
            corners = corners[:-1]
        if len(corners) < 3:
            raise ValueError(
                f"Expected a polygon of at least 3 vertices, got {len(corners)}. Give the corners "
                "in order, such as [(0, 0), (1, 0), (0, 1)]."
            )
        sides = np.roll(corners, -1, axis=0) - corners
        if not sides.any(axis=1).all():
            place = corners[~sides.any(axis=1)][0].tolist()
            raise ValueError(f"Expected vertices that differ, got {place} twice. Drop one.")
        arms = corners - corners[0]
        area = _cross(arms, np.roll(arms, -1, axis=0)).sum() / 2
        size = np.ptp(corners, axis=0)
        if abs(area) <= 1e-12 * size.max() ** 2:
            raise ValueError(
                f"Expected a polygon with an area, got one of area {area:g}. Check that the "
                "vertices do not lie on one line and are in order."
            )
        if area < 0:
            corners = corners[::-1]
        _refuse_crossing(corners)
        self.__dict__.update(vertices=tuple(map(tuple, corners.tolist())), face=check_face(face))
        bounds = np.stack([corners.min(axis=0), corners.max(axis=0)], axis=1)
        self._define(check_names(names, 2), bounds, float(abs(area)), float(size.prod()))

    def _sides(self):
        corners = np.array(self.vertices)
        return corners, np.roll(corners, -1, axis=0) - corners

    def _depth(self, X):
        squared, inside = np.full(len(X), np.inf), np.zeros(len(X), bool)
        for corner, (width, height) in zip(*self._sides(), strict=True):
            x, y = (X - corner).T
            along = np.clip((x * width + y * height) / (width**2 + height**2), 0, 1)
            squared = np.minimum(squared, (x - along * width) ** 2 + (y - along * height) ** 2)
            # A ray to the right crosses the boundary an odd number of times from inside.
            spans = (y < 0) != (y < height)
            inside ^= spans & ((width * y - height * x) * np.sign(height) > 0)
        depth = np.sqrt(squared) / np.ptp(self.bounds, axis=1).max()
        return np.where(inside, depth, -depth)

    def _pieces(self):
        corners, sides = self._sides()
        lengths = np.linalg.norm(sides, axis=1)
        starts = np.concatenate([[0], np.cumsum(lengths)])

        def draw(U):
            place = U[:, 0] * starts[-1]
            k = np.clip(np.searchsorted(starts, place, side="right") - 1, 0, len(sides) - 1)
            direction = sides[k] / lengths[k, np.newaxis]
            points = corners[k] + (place - starts[k])[:, np.newaxis] * direction
            return points, direction[:, ::-1] * [1, -1], np.ones(len(U), bool)

        return [Patch(self.face, 1, starts[-1], starts[-1], draw, "ring")]

    @property
    def _is_convex(self):
        _, sides = self._sides()
        return bool((_cross(sides, np.roll(sides, -1, axis=0)) >= 0).all())

    def _height(self, columns, face):
        if not self._is_convex or len(self.vertices) > MOST_SIDES:
            return self._height_outside(columns, face)
        # The product of the distances to the sides is smooth in the corners, too; that of many is
        # next to nothing.
        middle = np.mean(self.vertices, axis=0)
        return self._product(columns) / self._product(middle)

    def _product(self, columns):
        x, y = columns
        corners, sides = self._sides()
        size = np.ptp(self.bounds, axis=1).max()
        pairs = zip(corners.tolist(), (sides / size**2).tolist(), strict=True)
        return prod(w * (y - b) - h * (x - a) for (a, b), (w, h) in pairs)

    def _height_outside(self, columns, face):
        """Distances to the sides, joined by a ∘ b = a b / (a + b): none is felt beyond its ends.

        After N. Sukumar and A. Srivastava (2022), equations 13 to 15.
        """
        x, y = columns
        size, joined = np.ptp(self.bounds, axis=1).max(), None
        for (a, b), (width, height) in zip(*(part.tolist() for part in self._sides()), strict=True):
            length = float(np.hypot(width, height))
            away_x, away_y = x - (a + width / 2), y - (b + height / 2)
            across = (width * away_y - height * away_x) / (length * size)
            trim = (length**2 / 4 - away_x * away_x - away_y * away_y) / (length * size)
            beyond = (np.sqrt(trim * trim + across**4) - trim) / 2
            distance = np.sqrt(across * across + beyond * beyond)
            # The tiny number is for corners, where both vanish.
            joined = distance if joined is None else joined * distance / (joined + distance + TINY)
        return joined / (1 + joined)

    def _rule(self, n):
        if not self._is_convex:
            return super()._rule(n)
        corners, _ = self._sides()
        middle = corners.mean(axis=0)
        triangles = [np.array([middle, corners[i - 1], corners[i]]) for i in range(len(corners))]
        return simplices_rule(np.array(triangles), n)


def simplices_rule(corners, n):
    """Quadrature on simplices, exact for polynomials of degree 2n − d.

    Parameters
    ----------
    corners : ndarray of shape (m, d + 1, d)
    n : int
        Points of each of d directions.

    Returns
    -------
    points : ndarray of shape (m n^d, d)
    weights : ndarray of shape (m n^d,)
    """
    d = corners.shape[2]
    u, of_u = gauss_rule(n)
    cube, weights = tensor_grid([u] * d), np.prod(tensor_grid([of_u] * d), axis=1)
    # Duffy's map of the cube: a part of what the directions before have left.
    shares, left = [], np.ones(len(cube))
    for k in range(d):
        shares.append(left * cube[:, k])
        weights = weights * left
        left = left * (1 - cube[:, k])
    barycentric = np.stack([left, *shares], axis=1)
    sizes = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
    points = np.einsum("qc,mcd->mqd", barycentric, corners).reshape(-1, d)
    return points, np.multiply.outer(sizes, weights).reshape(-1)


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _refuse_crossing(corners):
    """Refuse sides that cross or touch other sides than their neighbours."""
    ends = np.roll(corners, -1, axis=0)
    m = len(corners)
    zero = 1e-12 * np.ptp(corners, axis=0).max() ** 2

    def sides_of_line(origin, direction, points):
        turn = _cross(direction, points - origin)
        return np.where(np.abs(turn) <= zero, 0, np.sign(turn))

    for i in range(m):
        others = (i + np.arange(2, m - 1)) % m
        start, end = corners[others], ends[others]
        side, other_sides = ends[i] - corners[i], end - start
        apart = sides_of_line(corners[i], side, start) * sides_of_line(corners[i], side, end)
        across = sides_of_line(start, other_sides, corners[i])
        across *= sides_of_line(start, other_sides, ends[i])
        bad = (apart <= 0) & (across <= 0) & (apart + across < 0)
        if bad.any():
            j = int(others[bad][0])
            raise ValueError(
                f"Expected a polygon whose sides do not cross, got side {i} from "
                f"{corners[i].tolist()} that meets side {j} from {corners[j].tolist()}. Check the "
                "order of the vertices; for a hole use A - B."
            )


def checked_numbers(values, shape, expected, example):
    """Finite numbers of a shape, where None stands for any length."""
    try:
        array = np.array(values, float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    fits = array.ndim == len(shape) and all(
        m in (None, n) for m, n in zip(shape, array.shape, strict=False)
    )
    if not (fits and np.isfinite(array).all()):
        raise ValueError(f"Expected finite {expected}, got {shown(values)}. Try {example}.")
    return array
