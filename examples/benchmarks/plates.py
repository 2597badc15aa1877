"""Plates with holes and their solutions, the problems that :mod:`tried` measures holes with.

Where the values on the boundary are given, the solution is a series: of polynomials, of log r and
the powers of 1/(z − c) at the centres of the holes, or of Bessel functions, fitted to the values on
the boundary by least squares, right to 1e-8 there. The others have solutions that are written down.
"""

from functools import lru_cache

import numpy as np
from race import Known
from scipy.special import iv, j0, kv, y0

from skngd.geometry import Ball, Box, Disk
from skngd.pde import Dirichlet, Initial, Problem

SQUARE = Box(x=(-1, 1), y=(-1, 1), face="edge")
TWO = (-0.4, -0.3, 0.3), (0.5, 0.4, 0.25)


def less(outer, disks):
    """A domain without disks (x, y, radius), whose faces are hole0, hole1, …"""
    for k, (x, y, radius) in enumerate(disks):
        outer = outer - Disk((x, y), radius, face=f"hole{k}")
    return outer


class Plate(Problem):
    """Δu = 0; values on the edge and on each hole."""

    outer, disks = SQUARE, TWO
    edge, values = 1.0, (0.0, 0.0)

    @property
    def domain(self):
        return less(self.outer, self.disks)

    @property
    def conditions(self):
        holes = (Dirichlet(value, on=f"hole{k}") for k, value in enumerate(self.values))
        return (Dirichlet(self.edge, on="edge"), *holes)

    def residual(self, u, x, y):
        return u.laplacian()

    def solution(self, X):
        return self.series(X) @ coefficients(type(self))

    def series(self, X):
        z, half = X[:, 0] + 1j * X[:, 1], np.ptp(self.outer.bounds, axis=1).max() / 2
        middle = self.outer.bounds.mean(axis=1) @ [1, 1j]
        columns = [np.ones(len(X))]
        powers = [((z - middle) / half) ** n for n in range(1, 60)]
        for x, y, radius in self.disks:
            inverse = radius / (z - x - 1j * y)
            columns.append(np.log(np.abs(inverse)))
            powers += [inverse**n for n in range(1, 30)]
        return np.stack([*columns, *np.real(powers), *np.imag(powers)], axis=1)


@lru_cache
def coefficients(cls):
    """Those of the series of a plate."""
    problem, rows, values = cls(), [], []
    for face, value in zip(
        ("edge", *(f"hole{k}" for k in range(len(cls.disks)))), (cls.edge, *cls.values), strict=True
    ):
        X = problem.domain.boundary(3000 if face == "edge" else 600, face, "sobol", 0)[0]
        rows.append(problem.series(X))
        values.append(value(*X.T) if callable(value) else np.full(len(X), value))
    a, b = np.vstack(rows), np.concatenate(values)
    sizes = np.linalg.norm(a, axis=0)
    return np.linalg.lstsq(a / sizes, b, rcond=1e-14)[0] / sizes


class One(Plate):
    """A rectangle with a hole."""

    outer = Box(x=(0, 2), y=(0, 1), face="edge")
    disks, values = ((0.7, 0.45, 0.25),), (0.0,)


def first(x, y):
    """X."""
    return x


class Two(Plate):
    """A disk with two holes that are close to each other; u = x on the edge."""

    outer = Disk(face="edge")
    disks = (-0.35, 0.0, 0.2), (0.25, 0.3, 0.3)
    edge, values = staticmethod(first), (1.0, -1.0)


class Three(Plate):
    """A square with three holes of several sizes."""

    disks = (-0.5, -0.4, 0.12), (0.45, -0.3, 0.25), (0.0, 0.5, 0.2)
    values = (0.0, 0.5, -1.0)


class Screened(Plate):
    """−Δu + 25 u = 0 in a disk with two holes."""

    outer = Disk(face="edge")
    disks = (-0.4, -0.3, 0.3), (0.4, 0.4, 0.25)
    edge, values = 0.3, (1.0, 0.5)

    def residual(self, u, x, y):
        return 25 * u - u.laplacian()

    def series(self, X):
        columns = []
        centers = [(0, 0, 1.5, iv, 40), *((*disk, kv, 20) for disk in self.disks)]
        for x, y, size, bessel, n in centers:
            z = X @ [1, 1j] - x - 1j * y
            for k in range(n):
                radial = bessel(k, 5 * np.abs(z)) / bessel(k, 5 * size)
                columns.append(radial * np.cos(k * np.angle(z)))
                if k:
                    columns.append(radial * np.sin(k * np.angle(z)))
        return np.stack(columns, axis=1)


class Poles(Known):
    """Δu − u³ = f: charges beside the centres of two holes, and a wave."""

    domain = less(SQUARE, TWO)

    def exact(self, x, y):
        one, two = (x + 0.45) ** 2 + (y + 0.22) ** 2, (x - 0.55) ** 2 + (y - 0.35) ** 2
        charges = np.log(one) / 2 - np.log(two) / 4 + 0.05 * (x - 0.55) / two
        return charges + np.sin(2 * x + y)

    def residual(self, u, x, y):
        return u.laplacian() - u**3 + 5 * np.sin(2 * x + y) + self.exact(x, y) ** 3


class Waves(Known):
    """−Δu + 4u = f around two holes, which the solution knows nothing of."""

    domain = less(SQUARE, TWO)

    def exact(self, x, y):
        return np.sin(5 * x) * np.cos(4 * y) + x * y

    def residual(self, u, x, y):
        return 4 * u - u.laplacian() - 45 * np.sin(5 * x) * np.cos(4 * y) - 4 * x * y


class Warm(Known):
    """u_t = Δu around two holes, Bessel functions of the distances to three places in them."""

    domain = Box(t=(0, 1)) * less(SQUARE, TWO)

    @property
    def conditions(self):
        start = Initial(lambda x, y: self.exact(0.0, x, y))
        return start, Dirichlet(self.exact, on=("edge", "hole0", "hole1"))

    def exact(self, t, x, y):
        one, two = np.hypot(x + 0.45, y + 0.25), np.hypot(x - 0.5, y - 0.45)
        slow = y0(np.sqrt(2) * two) - j0(np.sqrt(2) * one)
        return np.exp(-4 * t) * y0(2 * one) + np.exp(-2 * t) * slow

    def residual(self, u, t, x, y):
        return u.t - u.laplacian()


class Solid(Known):
    """Δu = 0 in a cube without a ball, charges beside its centre."""

    domain = Box(x=(-1, 1), y=(-1, 1), z=(-1, 1), face="edge") - Ball((0.1, -0.1, 0.2), 0.4)

    def exact(self, x, y, z):
        one = np.sqrt((x - 0.2) ** 2 + (y + 0.1) ** 2 + (z - 0.1) ** 2)
        two = np.sqrt(x**2 + (y + 0.2) ** 2 + (z - 0.3) ** 2)
        return 1 / one - 0.6 / two + x * y

    def residual(self, u, x, y, z):
        return u.laplacian()


PLATES = One, Two, Three, Screened, Poles, Waves, Warm, Solid
