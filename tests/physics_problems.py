"""Problems as users state them, and the same equations by hand.

There, fields are functions of points of shape (m, d): ``u(x, 0, 1)`` is ∂_0 ∂_1 u at x. The places
are the sites of each block with the normals there; the coefficients are by name.
"""

import numpy as np
import pytest
import torch

from skngd.pde import (
    Box,
    Dirichlet,
    Equation,
    Initial,
    Input,
    Integral,
    Interval,
    Neumann,
    Periodic,
    Problem,
    Robin,
    Unknown,
)


class Laplace(Problem):
    """Affine throughout."""

    domain = Box(x=(0, 2), y=(-1, 1))
    conditions = (
        Dirichlet(lambda x, y: x * y, on="x"),
        Neumann(1.0, on="y.min", weight="measure"),
        Robin(lambda x: x, -2.0, 0.5, on="y.max", weight=3.0),
    )

    def residual(self, u, x, y):
        return u.laplacian() + np.sin(x) * y

    @staticmethod
    def by_hand(fields, coefficients, places):
        (u,) = fields
        (a,), (b,), (c,), (d,) = (sites for sites, _ in places)
        yield u(a, 0, 0) + u(a, 1, 1) + torch.sin(a[:, 0]) * a[:, 1]
        yield u(b) - b[:, 0] * b[:, 1]
        yield -u(c, 1) - 1
        yield d[:, 0] * u(d) - 2 * u(d, 1) - 0.5


class Coupled(Problem):
    """Two fields, nonlinear; one unknown for each transform; periodic."""

    domain = Box(t=(0, 2), x=(-1, 1))
    fields = ("u", "v")
    conditions = (
        Initial(np.cos, field="u"),
        Initial(0.5, derivative=1, field="v"),
        Periodic("x", field="u"),
        Neumann(lambda t: t**2, on="x.min", field="v"),
        Robin(2.0, lambda t: 1 + t, -1.0, on="x.max", field="v"),
        Equation(lambda u, v, t, x: np.exp(u) * v.x - t, on="x.max"),
    )

    def __init__(self, a=-2.0, b=0.5, c=-1.0, d=0.3):
        self.a, self.b, self.c, self.d = a, b, c, d

    def residual(self, u, v, t, x):
        return (
            u.t + self.a * u * v.x - self.b * u.xx,
            v.tt - self.c * np.sin(u) * v + self.d * v.xx**2 + x,
        )

    @staticmethod
    def by_hand(fields, coefficients, places):
        u, v = fields
        a, b, c, d = (coefficients[name] for name in "abcd")
        (e,), (f,), (g,), (low, high), (h,), (i,), (j,) = (sites for sites, _ in places)
        yield u(e, 0) + a * u(e) * v(e, 1) - b * u(e, 1, 1)
        yield v(e, 0, 0) - c * torch.sin(u(e)) * v(e) + d * v(e, 1, 1) ** 2 + e[:, 1]
        yield u(f) - torch.cos(f[:, 1])
        yield v(g, 0) - 0.5
        yield u(low) - u(high)
        yield u(low, 1) - u(high, 1)
        yield -v(h, 1) - h[:, 0] ** 2
        yield 2 * v(i) + (1 + i[:, 0]) * v(i, 1) + 1
        yield torch.exp(u(j)) * v(j, 1) - j[:, 0]


class AffineInUnknowns(Problem):
    """Affine in the jets and in the unknowns, with hard values in three dimensions."""

    domain = Box(x=(0, 1), y=(0, 1), z=(0, 1))
    conditions = (Dirichlet(0.5, hard=True),)

    def __init__(self, source=0.5, drift=1.0):
        self.source, self.drift = source, drift

    def residual(self, u, x, y, z):
        return u.laplacian("x", "z") - self.source * x + self.drift * np.sin(y) - u

    @staticmethod
    def ansatz(network):
        return lambda points: 0.5 + (4 * points * (1 - points)).prod(1) * network(points)

    @staticmethod
    def by_hand(fields, coefficients, places):
        (u,) = fields
        ((a,), _) = places[0]
        source, drift = coefficients["source"], coefficients["drift"]
        yield u(a, 0, 0) + u(a, 2, 2) - source * a[:, 0] + drift * torch.sin(a[:, 1]) - u(a)


class Parametric(Problem):
    """A coefficient that is a column; an initial value that depends on it."""

    domain = Box(t=(0, 1), x=(-1, 1))
    conditions = (Initial(lambda x, nu: nu * x), Dirichlet(lambda nu, t: t + nu, on="x"))

    def __init__(self, nu=0.5, k=0.7):
        self.nu, self.k = nu, k

    def residual(self, u, t, x):
        return u.t + self.k * u * u.x - self.nu * u.xx

    @staticmethod
    def by_hand(fields, coefficients, places):
        (u,) = fields
        k = coefficients["k"]
        (a,), (b,), (c,) = (sites for sites, _ in places)
        yield u(a, 0) + k * u(a) * u(a, 1) - a[:, 2] * u(a, 1, 1)
        yield u(b) - b[:, 2] * b[:, 1]
        yield u(c) - c[:, 0] - c[:, 2]


class HardBurgers(Problem):
    """v = lift + distance · network."""

    domain = Box(t=(0, 2), x=(0, 1))
    conditions = (
        Initial(lambda x: np.sin(np.pi * x), hard=True),
        Dirichlet(lambda t: 3 * t, on="x.min", hard=True),
        Dirichlet(0.0, on="x.max", hard=True),
    )

    def __init__(self, nu=0.1):
        self.nu = nu

    def residual(self, u, t, x):
        return u.t + u * u.x - self.nu * u.xx

    @staticmethod
    def ansatz(network):
        def v(points):
            t, x = points.T
            lift = torch.sin(torch.pi * x) + 3 * t * (1 - x)
            return lift + t / 2 * 4 * x * (1 - x) * network(points)

        return v

    @staticmethod
    def by_hand(fields, coefficients, places):
        (u,) = fields
        nu = coefficients["nu"]
        ((a,), _) = places[0]
        yield u(a, 0) + u(a) * u(a, 1) - nu * u(a, 1, 1)


class HardNeumann(Problem):
    """A value on one side, a derivative on the other; another condition on top of it."""

    domain = Interval(0, 2)
    conditions = (
        Dirichlet(1.0, on="x.min", hard=True),
        Neumann(3.0, on="x.max", hard=True),
        Equation(lambda u, x: u * u.x - 1, on="x.max"),
    )

    def residual(self, u, x):
        return u**3 - u.xxx

    @staticmethod
    def ansatz(network):
        def v(points):
            def w(points):
                return 1 + points[:, 0] / 2 * network(points)

            end = torch.full_like(points, 2.0)
            slope = torch.func.grad(lambda end: w(end).sum())(end)[:, 0]
            return w(points) + points[:, 0] ** 2 / 4 * (3 - slope)

        return v

    @staticmethod
    def by_hand(fields, coefficients, places):
        (u,) = fields
        (a,), (b,) = (sites for sites, _ in places)
        yield u(a) ** 3 - u(a, 0, 0, 0)
        yield u(b) * u(b, 0) - 1


GAUSS = torch.tensor(np.stack(np.polynomial.legendre.leggauss(5)))


def up_to(z):
    """∫_{−1}^z of the Lagrange polynomials of the Gauss points, (5, m), by their coefficients."""
    columns = []
    for k in np.linalg.inv(np.vander(GAUSS[0].numpy(), increasing=True)).T:
        whole = np.polynomial.Polynomial(k).integ(lbnd=-1)
        columns.append(whole(z.numpy()))
    return torch.tensor(np.array(columns))


class Mean(Problem):
    """Integrals over the only coordinate: all points share the nodes."""

    domain = Interval(0, 2)
    conditions = (Integral(n_points=5, value=0.5),)

    def residual(self, u, x):
        whole = Integral(lambda u, s: np.exp(s - x) * u**2, "x", n_points=5)
        part = Integral(lambda u, s: s * u.x * u, over="x", low=0.5, high="x", n_points=5)
        return u.xx + u * whole(u) - part(u)

    @staticmethod
    def by_hand(fields, coefficients, places):
        (u,) = fields
        ((a,), _), _ = places
        nodes, weights = 1 + GAUSS[0], GAUSS[1]
        s, x = nodes.unsqueeze(1), a[:, 0]
        at = u(s)[:, None]
        whole = (weights[:, None] * torch.exp(s - x) * at**2).sum(0)
        parts = up_to(x - 1) - up_to(torch.tensor([-0.5]))
        part = (parts * s * u(s, 0)[:, None] * at).sum(0)
        yield u(a, 0, 0) + u(a) * whole - part
        yield (weights * u(s)).sum().reshape(1) - 0.5


class Remembering(Problem):
    """Integrals over one of two coordinates, two fields, hard values and an unknown."""

    domain = Box(t=(0, 2), x=(-1, 1))
    fields = ("u", "v")
    conditions = (
        Dirichlet(0.5, on="x", hard=True),
        Integral(lambda u, v, t, x: u * v.x, over="x", value=lambda t: t, n_points=5),
    )

    def __init__(self, k=0.7):
        self.k = k

    def residual(self, u, v, t, x):
        memory = Integral(
            lambda u, v, s, x, k: np.exp(k * (s - t)) * u * v, "t", high="t", n_points=5
        )
        return u.t - memory(u, v), v - Integral(over="x", n_points=5)(u) + x

    @staticmethod
    def ansatz(network):
        return lambda points: 0.5 + (1 - points[:, 1] ** 2) * network(points)

    @staticmethod
    def by_hand(fields, coefficients, places):
        u, v = fields
        ((a,), _), ((b,), _) = places
        k, (z, weights) = coefficients["k"], GAUSS

        def at(points, axis):
            found = points.repeat(5, 1, 1)
            found[:, :, axis] = (z + 1 - axis)[:, None]
            return found

        nodes, c = at(a, 0), up_to(a[:, 0] - 1)
        memory = sum(
            w * torch.exp(k * (x[:, 0] - a[:, 0])) * u(x) * v(x)
            for w, x in zip(c, nodes, strict=True)
        )
        yield u(a, 0) - memory
        yield v(a) - sum(w * u(x) for w, x in zip(weights, at(a, 1), strict=True)) + a[:, 1]
        yield sum(w * u(x) * v(x, 1) for w, x in zip(weights, at(b, 1), strict=True)) - b[:, 0]


SYSTEM = Coupled(
    Unknown(-2.0), Unknown(0.5, low=0.1), Unknown(-1.0, high=0.5), Unknown(0.3, low=0, high=2)
)
PROBLEMS = {
    "affine": Laplace(),
    "system with unknowns": SYSTEM,
    "affine, hard values": AffineInUnknowns(Unknown(0.5, low=0), Unknown(1.0)),
    "parametric": Parametric(Input(0.1, 1.0), Unknown(0.7)),
    "hard values in time": HardBurgers(Unknown(0.1, low=0)),
    "hard slope": HardNeumann(),
    "integrals, shared nodes": Mean(),
    "integrals, own nodes": Remembering(Unknown(0.7)),
}
every_physics = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
