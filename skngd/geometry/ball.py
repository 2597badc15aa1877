"""Balls in any dimension, and quadrature on spheres."""

from math import gamma, pi

import numpy as np

from .combinations import Shape
from .domain import check_face, check_names
from .patch import Patch
from .sampling import tensor_grid
from .shapes import checked_numbers


class Ball(Shape):
    """A ball in two or more dimensions; its boundary is the sphere.

    Parameters
    ----------
    center : tuple of float, default=(0, 0, 0)
        Its length is the dimension d.
    radius : float, default=1
        Positive.
    names : tuple of str, default=("x", "y", "z")
        The d coordinates.
    face : str, default="boundary"
        Name of the sphere.

    Raises
    ------
    ValueError
        If the center is not two or more finite numbers, if there is not a name for each, or if the
        radius is not positive and finite.

    See Also
    --------
    skngd.pde.Disk : A disk in the plane.
    skngd.pde.Box : A product of intervals.

    Examples
    --------
    >>> from skngd.geometry.ball import Ball
    >>> ball = Ball(center=(0,) * 5, names=("a", "b", "c", "d", "e"))
    >>> round(ball.measure, 6)
    5.263789
    >>> points, normals, faces = ball.boundary(100, random_state=0)
    >>> float(abs((points**2).sum(axis=1) - 1).max()) < 1e-14
    True
    """

    def __init__(self, center=(0, 0, 0), radius=1, names=("x", "y", "z"), face="boundary"):
        center = checked_numbers(center, (None,), "center, the coordinates of a point", "(0, 0, 0)")
        if len(center) < 2:
            raise ValueError(
                f"Expected a center with two or more coordinates, got {center.tolist()}. Use "
                "Interval(low, high) in one dimension."
            )
        radius = float(checked_numbers(radius, (), "radius, a number", "1"))
        if radius <= 0:
            raise ValueError(f"Expected a positive radius, got {radius:g}. Try radius=1.")
        names = check_names(names, len(center))
        self.__dict__.update(center=tuple(center.tolist()), radius=radius, face=check_face(face))
        d = len(center)
        bounds, volume = center[:, np.newaxis] + [-radius, radius], _volume(d) * radius**d
        self._define(names, bounds, volume, volume)

    def _depth(self, X):
        return (1 - np.linalg.norm(X - self.center, axis=1) / self.radius) / 2

    def _envelop(self, U):
        radius = self.radius * U[:, :1] ** (1 / len(self.center))
        return self.center + radius * directions(U[:, 1:])

    def _pieces(self):
        def draw(U):
            normals = directions(U)
            return self.center + self.radius * normals, normals, np.ones(len(U), bool)

        d = len(self.center)
        area = d * _volume(d) * self.radius ** (d - 1)
        return [Patch(self.face, d - 1, area, area, draw, "ring")]

    def _height(self, columns, face):
        return 1 - self._square(columns)

    def _height_outside(self, columns, face):
        return 1 - 1 / self._square(columns)

    def _square(self, columns):
        pairs = zip(columns, self.center, strict=True)
        return sum((x - a) * (x - a) for x, a in pairs) / self.radius**2

    def _rule(self, n):
        points, weights = ball_rule(n, len(self.center))
        return self.center + self.radius * points, self.radius ** len(self.center) * weights


def directions(U):
    """Unit vectors, shape (m, d), for points of the unit cube of d − 1 dimensions.

    Even points give even directions: the last coordinate z of one has the density (1 −
    z²)^((d−3)/2), and what is left is a direction in a dimension less.
    """
    from scipy.special import betaincinv

    columns, scale = [], np.ones(len(U))
    for k in range(U.shape[1] + 1, 2, -1):
        z = 2 * betaincinv((k - 1) / 2, (k - 1) / 2, U[:, k - 2]) - 1
        columns.append(scale * z)
        scale = scale * np.sqrt(np.maximum(1 - z**2, 0))
    angle = 2 * np.pi * U[:, 0]
    return np.stack([scale * np.cos(angle), scale * np.sin(angle), *columns[::-1]], axis=1)


def sphere_rule(n, d):
    """Quadrature on the unit sphere of d dimensions, exact for polynomials of degree 2n − 1.

    Returns
    -------
    points : ndarray of shape (q, d)
    weights : ndarray of shape (q,)
        Their sum is the area.
    """
    from scipy.special import roots_gegenbauer

    angle = np.arange(2 * n) * np.pi / n
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weights = np.full(2 * n, np.pi / n)
    for k in range(3, d + 1):
        z, of_z = roots_gegenbauer(n, (k - 2) / 2)
        around = np.sqrt(1 - z**2)[:, np.newaxis, np.newaxis] * points
        along = np.broadcast_to(z[:, np.newaxis, np.newaxis], (*around.shape[:2], 1))
        points = np.concatenate([around, along], axis=2).reshape(-1, k)
        weights = np.multiply.outer(of_z, weights).reshape(-1)
    return points, weights


def ball_rule(n, d):
    """The same in the unit ball, by Gauss points of r²: odd powers of r have no mean on spheres."""
    from scipy.special import roots_jacobi

    s, of_s = roots_jacobi(n, 0, (d - 2) / 2)
    radii, of_s = np.sqrt((1 + s) / 2), of_s / 2 ** (d / 2 + 1)
    on_sphere, around = sphere_rule(n, d)
    pairs = tensor_grid([np.arange(n), np.arange(len(around))])
    points = radii[pairs[:, 0], np.newaxis] * on_sphere[pairs[:, 1]]
    return points, of_s[pairs[:, 0]] * around[pairs[:, 1]]


def _volume(d):
    return pi ** (d / 2) / gamma(d / 2 + 1)
