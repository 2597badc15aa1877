"""The cases of the suite PINNacle, each with its solution or a reference, and the best error.

Z. Hao et al., *PINNacle: A comprehensive benchmark of physics-informed neural networks for solving
PDEs* (2024), measure eleven methods on these problems. Two of the suite's exact solutions do not
solve its equations; :class:`Wave2dMS` and :class:`PInv` are stated so that they do, and no figure
of the suite is comparable with those of these two.

Examples
--------
>>> from skngd.problems import pinnacle
>>> X, u = pinnacle.PNd().reference()  # to compare with what PINNEstimator(pinnacle.PNd()) predicts
>>> X.shape, u.shape, pinnacle.PNd.published
((3000, 5), (3000, 1), 0.00047)
"""

from functools import lru_cache, reduce
from pathlib import Path

import numpy as np

from ..geometry import Ball, Box, Disk
from ..pde.conditions import At, Dirichlet, Initial, Neumann, Periodic, Robin
from .zoo import Burgers, KnownProblem

PI = np.pi
DATA = Path(__file__).parent / "data"
# Points at which an exact solution is compared, and the seed that they are drawn with.
N_COMPARED, SEED = 3000, 5


class Case(KnownProblem):
    """A problem of the suite: a solution in closed form, ``exact``, or a reference on points.

    Attributes
    ----------
    published : float or None
        The best relative L2 error of the suite's eleven methods; None where the suite's own
        solution is wrong.

    See Also
    --------
    skngd.problems.pinnacle.Inverse : The base of cases with measurements.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Case, KS
    >>> issubclass(KS, Case), KS.domain.names, KS.published
    (True, ('t', 'x'), 0.96)
    """

    published: float | None = None

    def reference(self):
        """The points, and the solution there.

        Returns
        -------
        X : ndarray of shape (n, d)
            The coordinates of the domain.
        u : ndarray of shape (n, n_fields)
            One column for each field.

        Notes
        -----
        References are computed by ``examples/benchmarks/pinnacle_references.py``, which also says
        how accurate each is.
        """
        if type(self).exact is KnownProblem.exact:
            return _stored(type(self).__name__)
        X = self.domain.sample(N_COMPARED, "sobol", SEED)
        return X, self.solution(X).reshape(len(X), -1)


@lru_cache(maxsize=4)
def _stored(name):
    """The arrays of a reference that is part of the package."""
    with np.load(DATA / f"{name.lower()}.npz") as arrays:
        return arrays["X"], arrays["u"]


@lru_cache
def less(outer, disks, face):
    """A domain without disks (x, y, radius), whose circles are the faces face0, face1, …"""
    holes = (Disk((x, y), r, face=f"{face}{k}") for k, (x, y, r) in enumerate(disks))
    return reduce(lambda domain, hole: domain - hole, holes, outer)


def circles(face, n):
    """The names that :func:`less` gives to n circles."""
    return tuple(f"{face}{k}" for k in range(n))


# problems in one dimension and time


class Burgers1d(Case, Burgers):
    """u_t + u u_x = ν u_xx on [−1, 1], ν = 0.01/π, u(0, x) = −sin πx, u(t, ±1) = 0.

    Parameters
    ----------
    nu : float, Unknown or Input, default=0.01/π
        Viscosity ν, positive.

    See Also
    --------
    skngd.problems.pinnacle.KS : Chaos in one dimension.
    skngd.problems.pinnacle.Wave1d : A string.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Burgers1d
    >>> X, u = Burgers1d().reference()  # to compare with
    >>> X.shape, u.shape, Burgers1d.published
    ((3000, 2), (3000, 1), 0.0145)
    """

    published = 1.45e-2


class Wave1d(Case):
    """u_tt = 4 u_xx on [0, 1], u = sin πx + ½ sin 4πx and u_t = 0 at the start, u = 0 at the ends.

    The solution is u = sin πx cos 2πt + ½ sin 4πx cos 8πt.

    See Also
    --------
    skngd.problems.pinnacle.Wave2dMS : A membrane.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Wave1d
    >>> X, u = Wave1d().reference()  # to compare with
    >>> X.shape, u.shape, Wave1d.published
    ((3000, 2), (3000, 1), 0.0979)
    """

    published = 9.79e-2
    domain = Box(t=(0, 1), x=(0, 1))

    @property
    def conditions(self):
        start = Initial(lambda x: self.exact(0.0, x)), Initial(0.0, derivative=1)
        return *start, Dirichlet(0.0, on="x")

    def residual(self, u, t, x):
        return u.tt - 4 * u.xx

    def exact(self, t, x):
        return np.sin(PI * x) * np.cos(2 * PI * t) + np.sin(4 * PI * x) * np.cos(8 * PI * t) / 2


def cosine_and_sine(x):
    """cos x (1 + sin x)."""
    return np.cos(x) * (1 + np.sin(x))


class KS(Case):
    """u_t + α u u_x + β u_xx + γ u_xxxx = 0, periodic on [0, 2π], α = 100/16, β = α/16, γ = β/256.

    The Kuramoto-Sivashinsky equation; chaos sets in at t = 0.5. The suite leaves out that the
    solution is periodic, without which it is not determined.

    See Also
    --------
    skngd.problems.pinnacle.Burgers1d : Burgers' equation.

    Examples
    --------
    >>> from skngd.problems.pinnacle import KS
    >>> X, u = KS().reference()  # to compare with
    >>> X.shape, u.shape, KS.published
    ((4160, 2), (4160, 1), 0.96)
    """

    published = 0.96
    domain = Box(t=(0, 1), x=(0, 2 * PI))
    conditions = Initial(cosine_and_sine), Periodic("x", derivatives=3)

    def residual(self, u, t, x):
        return u.t + 100 / 16 * u * u.x + 100 / 16**2 * u.xx + 100 / 16**4 * u.xxxx


# elliptic problems


class Poisson2dC(Case):
    """Δu = 0 on a square less four disks; u = 1 on the square, 0 on the disks.

    See Also
    --------
    skngd.problems.pinnacle.Poisson2dCG : Disks of several sizes.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Poisson2dC
    >>> X, u = Poisson2dC().reference()  # to compare with
    >>> X.shape, u.shape, Poisson2dC.published
    ((1246, 2), (1246, 1), 0.0123)
    """

    published = 1.23e-2
    square = Box(x=(-0.5, 0.5), y=(-0.5, 0.5), face="square")
    disks = tuple((x, y, 0.1) for x in (-0.3, 0.3) for y in (-0.3, 0.3))
    domain = property(lambda self: less(self.square, self.disks, "disk"))
    conditions = Dirichlet(1.0, on="square"), Dirichlet(0.0, on=circles("disk", 4))

    def residual(self, u, x, y):
        return u.laplacian()


class Poisson2dCG(Case):
    """−Δu + 64 u = 10 (17 + x² + y²) sin πx sin 4πy on a square less four disks of several sizes.

    u = 0.2 on the square, 1 on the disks.

    See Also
    --------
    skngd.problems.pinnacle.Poisson2dC : Four disks that are left out.
    skngd.problems.pinnacle.Heat2dCG : Heat around seventeen disks.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Poisson2dCG
    >>> X, u = Poisson2dCG().reference()  # to compare with
    >>> X.shape, u.shape, Poisson2dCG.published
    ((2000, 2), (2000, 1), 0.0143)
    """

    published = 1.43e-2
    square = Box(x=(-1, 1), y=(-1, 1), face="square")
    disks = (0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3)
    domain = property(lambda self: less(self.square, self.disks, "disk"))
    conditions = Dirichlet(0.2, on="square"), Dirichlet(1.0, on=circles("disk", 4))

    def residual(self, u, x, y):
        source = 10 * (17 + x**2 + y**2) * np.sin(PI * x) * np.sin(4 * PI * y)
        return -u.laplacian() + 64 * u - source


class Poisson2dMS(Case):
    """a Δu + f = 0 on [−10, 10]², u_n = −u; a is another number on each of 5 × 5 cells.

    f = c + d sin πr sin πs in each cell, where (r, s) in (0, 1)² is the place in it; a, c and d are
    a table of the suite. u and its gradient are continuous, Δu jumps.

    See Also
    --------
    skngd.problems.pinnacle.Poisson2dC : Four disks that are left out.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Poisson2dMS
    >>> X, u = Poisson2dMS().reference()  # to compare with
    >>> X.shape, u.shape, Poisson2dMS.published
    ((2025, 2), (2025, 1), 0.59)
    """

    published = 0.59
    domain = Box(x=(-10, 10), y=(-10, 10))
    conditions = (Robin(1, 1, 0.0),)

    def residual(self, u, x, y):
        i, j = (np.clip(np.floor((z + 10) / 4), 0, 4) for z in (x, y))
        a, c, d = (np.interp(5 * i + j, np.arange(25), column) for column in cells())
        bump = np.sin(PI * ((x + 10) / 4 - i)) * np.sin(PI * ((y + 10) / 4 - j))
        return a * u.laplacian() + c + d * bump


@lru_cache
def cells():
    """a, c and d of :class:`Poisson2dMS`, shape (3, 25), cell by cell along y."""
    with np.load(DATA / "poisson2dms_cells.npz") as arrays:
        return arrays["cells"]


class PNd(Case):
    """−Δu = (π²/4) Σ sin(πx_k/2) on the unit cube in five dimensions, u = Σ sin(πx_k/2).

    See Also
    --------
    skngd.problems.pinnacle.Poisson2dC : Four disks that are left out.

    Examples
    --------
    >>> from skngd.problems.pinnacle import PNd
    >>> X, u = PNd().reference()  # to compare with
    >>> X.shape, u.shape, PNd.published
    ((3000, 5), (3000, 1), 0.00047)
    """

    published = 4.7e-4
    domain = Box(x1=(0, 1), x2=(0, 1), x3=(0, 1), x4=(0, 1), x5=(0, 1))

    @property
    def conditions(self):
        return (Dirichlet(lambda x1, x2, x3, x4, x5: self.exact(x1, x2, x3, x4, x5)),)

    def residual(self, u, *x):
        return u.laplacian() + PI**2 / 4 * self.exact(*x)

    def exact(self, *x):
        return sum(np.sin(PI * each / 2) for each in x)


# problems in two dimensions and time


class Heat2dMS(Case):
    """u_t = u_xx/(500π)² + u_yy/π² on the unit square, u = sin 20πx sin πy at the start.

    u = 0 on the boundary; the solution is that times exp(−(0.04² + 1) t).

    See Also
    --------
    skngd.problems.pinnacle.Heat2dCG : Heat around seventeen disks.
    skngd.problems.pinnacle.Heat2dLT : A long time.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Heat2dMS
    >>> X, u = Heat2dMS().reference()  # to compare with
    >>> X.shape, u.shape, Heat2dMS.published
    ((3000, 3), (3000, 1), 0.0621)
    """

    published = 6.21e-2
    domain = Box(t=(0, 5), x=(0, 1), y=(0, 1))

    @property
    def conditions(self):
        return Initial(lambda x, y: self.exact(0.0, x, y)), Dirichlet(0.0, on=("x", "y"))

    def residual(self, u, t, x, y):
        return u.t - u.xx / (500 * PI) ** 2 - u.yy / PI**2

    def exact(self, t, x, y):
        return np.sin(20 * PI * x) * np.sin(PI * y) * np.exp(-(0.04**2 + 1) * t)


# Disks (x, y, radius) of Heat2d-CG.
COLUMNS = {-4: (-9, -3, 3, 9), 0: (-6, 0, 6), 4: (-9, -3, 3, 9)}
LARGE = tuple((x, y, 1.0) for x, heights in COLUMNS.items() for y in heights)
SMALL = tuple((x, y, 0.4) for x in (-3.2, 3.2) for y in (-6, 0, 6))


class Heat2dCG(Case):
    """u_t = Δu around seventeen disks, u = 0 at the start, u_n = a − u on each face.

    a = 5 on the eleven large disks, 1 on the six small ones, 0.1 outside. The suite's sign of u_n
    on the disks is in doubt; here n points out of the domain, so that heat flows from warm to cold.

    See Also
    --------
    skngd.problems.pinnacle.Heat2dMS : Two scales.
    skngd.problems.pinnacle.Heat2dLT : A long time.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Heat2dCG
    >>> X, u = Heat2dCG().reference()  # to compare with
    >>> X.shape, u.shape, Heat2dCG.published
    ((3150, 3), (3150, 1), 0.0239)
    """

    published = 2.39e-2
    conditions = (
        Initial(0.0),
        Robin(1, 1, 5.0, on=circles("large", 11)),
        Robin(1, 1, 1.0, on=circles("small", 6)),
        Robin(1, 1, 0.1, on="box"),
    )

    @property
    def domain(self):
        plate = Box(x=(-8, 8), y=(-12, 12), face="box")
        return Box(t=(0, 3)) * less(less(plate, LARGE, "large"), SMALL, "small")

    def residual(self, u, t, x, y):
        return u.t - u.laplacian()


def four_by_three(x, y):
    """sin 4πx sin 3πy."""
    return np.sin(4 * PI * x) * np.sin(3 * PI * y)


class Heat2dLT(Case):
    """u_t = 0.001 Δu + 5 sin(u²) (1 + 2 sin(πt/4)) sin 4πx sin 2πy on the unit square, t ≤ 100.

    u = sin 4πx sin 3πy at the start, 0 on the boundary.

    See Also
    --------
    skngd.problems.pinnacle.Heat2dMS : Two scales.
    skngd.problems.pinnacle.Heat2dCG : Heat around seventeen disks.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Heat2dLT
    >>> X, u = Heat2dLT().reference()  # to compare with
    >>> X.shape, u.shape, Heat2dLT.published
    ((13056, 3), (13056, 1), 1.0)
    """

    published = 1.0
    domain = Box(t=(0, 100), x=(0, 1), y=(0, 1))
    conditions = Initial(four_by_three), Dirichlet(0.0, on=("x", "y"))

    def residual(self, u, t, x, y):
        waves = np.sin(4 * PI * x) * np.sin(2 * PI * y)
        source = 5 * np.sin(u**2) * (1 + 2 * np.sin(PI / 4 * t)) * waves
        return u.t - 0.001 * u.laplacian() - source


class Wave2dMS(Case):
    """u_tt = u_xx + 2 u_yy on the unit square, t ≤ 100; nine modes, at rest at the start, u = 0.

    The solution is u = Σ sin mπx sin nπy cos(π √(m² + 2n²) t)/(mn), m and n up to 3. That of the
    suite, sin πx sinh πy cos πt + sinh 3πx sin 2πy cos πt, solves u_tt + u_xx + 2 u_yy = 0.

    See Also
    --------
    skngd.problems.pinnacle.Wave1d : A string.

    Examples
    --------
    >>> from skngd.problems.pinnacle import Wave2dMS
    >>> X, u = Wave2dMS().reference()  # to compare with
    >>> X.shape, u.shape, Wave2dMS.published
    ((3000, 3), (3000, 1), None)
    """

    domain = Box(t=(0, 100), x=(0, 1), y=(0, 1))

    @property
    def conditions(self):
        start = Initial(lambda x, y: self.exact(0.0, x, y)), Initial(0.0, derivative=1)
        return *start, Dirichlet(0.0, on=("x", "y"))

    def residual(self, u, t, x, y):
        return u.tt - u.xx - 2 * u.yy

    def exact(self, t, x, y):
        modes = [(m, n, PI * np.sqrt(m**2 + 2 * n**2)) for m in (1, 2, 3) for n in (1, 2, 3)]
        shapes = (np.sin(m * PI * x) * np.sin(n * PI * y) / (m * n) for m, n, _ in modes)
        return sum(shape * np.cos(w * t) for shape, (*_, w) in zip(shapes, modes, strict=True))


class HNd(Case):
    """u_t = Δu/5 − (|x|²/5) exp(|x|²/2 + t) in the unit ball in five dimensions, t ≤ 1.

    u_n = exp(1/2 + t) on the sphere; the solution is u = exp(|x|²/2 + t).
    """

    published = 1.2e-4
    domain = Box(t=(0, 1)) * Ball(center=(0,) * 5, names=("x1", "x2", "x3", "x4", "x5"))

    @property
    def conditions(self):
        start = Initial(lambda x1, x2, x3, x4, x5: self.exact(0.0, x1, x2, x3, x4, x5))
        return start, Neumann(lambda t: np.exp(0.5 + t), on="boundary")

    def residual(self, u, t, *x):
        square = sum(each**2 for each in x)
        return u.t - u.laplacian() / 5 + square / 5 * np.exp(square / 2 + t)

    def exact(self, t, *x):
        return np.exp(sum(each**2 for each in x) / 2 + t)


# flows


class Flow(Case):
    """u u_x + v u_y + p_x = ν Δu, u v_x + v v_y + p_y = ν Δv, u_x + v_y = 0, with ν = 0.01."""

    fields = ("u", "v", "p")

    def residual(self, u, v, p, x, y):
        along = u * u.x + v * u.y + p.x - 0.01 * u.laplacian()
        across = u * v.x + v * v.y + p.y - 0.01 * v.laplacian()
        return along, across, u.x + v.y


def lid(x):
    """4 x (1 − x)."""
    return 4 * x * (1 - x)


class NS2dC(Flow):
    """A flow in the unit square, driven by its lid with 4x(1 − x); p = 0 in a corner.

    See Also
    --------
    skngd.problems.pinnacle.NS2dCG : A flow over a step.

    Examples
    --------
    >>> from skngd.problems.pinnacle import NS2dC
    >>> X, u = NS2dC().reference()  # to compare with
    >>> X.shape, u.shape, NS2dC.published
    ((2000, 2), (2000, 3), 0.036)
    """

    published = 3.6e-2
    domain = Box(x=(0, 1), y=(0, 1))
    conditions = (
        Dirichlet(lid, on="y.max", field="u"),
        Dirichlet(0.0, on=("x", "y.min"), field="u"),
        Dirichlet(0.0, field="v"),
        At(0.0, at=(0, 0), field="p"),
    )


def inflow(y):
    """4 y (1 − y)."""
    return 4 * y * (1 - y)


class NS2dCG(Flow):
    """A flow over a backward-facing step: it enters by 4y(1 − y) and leaves at x = 4, p = v = 0.

    The suite prescribes p alone at x = 4, which does not determine the flow, and in its reference
    nothing may flow back there: that is another solution, 6 % away from that of p = v = 0.

    See Also
    --------
    skngd.problems.pinnacle.NS2dC : A flow driven by its lid.

    Examples
    --------
    >>> from skngd.problems.pinnacle import NS2dCG
    >>> X, u = NS2dCG().reference()  # to compare with
    >>> X.shape, u.shape, NS2dCG.published
    ((1993, 2), (1993, 3), 0.082)
    """

    published = 8.2e-2
    domain = Box(x=(0, 4), y=(0, 2)) - Box(x=(0, 2), y=(1, 2), face="step")
    conditions = (
        Dirichlet(inflow, on="x.min", field="u"),
        Dirichlet(0.0, on=("y", "step"), field="u"),
        Dirichlet(0.0, on=("x", "y", "step"), field="v"),
        Dirichlet(0.0, on="x.max", field="p"),
    )


# unknown fields


class Inverse(Case):
    """A case with a field a that is known at the edge alone, and measurements of u with noise.

    See Also
    --------
    skngd.problems.pinnacle.PInv : A field in Poisson's equation.
    skngd.problems.pinnacle.HInv : A field in the heat equation.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.problems.pinnacle import Inverse, PInv
    >>> X, y = PInv().measured(random_state=0)
    >>> issubclass(PInv, Inverse), PInv.fields, bool(np.isnan(y[:, 1]).all())
    (True, ('u', 'a'), True)
    """

    fields = ("u", "a")
    noise = 0.1

    def measured(self, random_state=None):
        """The points, and measurements of u with normal noise of standard deviation 0.1.

        Parameters
        ----------
        random_state : int, RandomState or None, default=None
            Seed of the noise.

        Returns
        -------
        X : ndarray of shape (2500, d)
            Where u is measured.
        y : ndarray of shape (2500, 2)
            NaN in the column of a.
        """
        X = self.places()
        y = self.solution(X)
        noise = np.random.RandomState(random_state).standard_normal(len(X))
        y[:, 0] += self.noise * noise
        y[:, 1] = np.nan
        return X, y


def square_of_distances(x, y):
    """1 + x² + y² + (x − 1)² + (y − 1)²."""
    return 1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2


def bowl(x, y):
    """1 / (1 + x² + y² + (x − 1)² + (y − 1)²)."""
    return 1 / square_of_distances(x, y)


class PInv(Inverse):
    """−div(a ∇u) = f on the unit square, u = sin πx sin πy measured on a grid of 50 × 50 points.

    a = 1/(1 + x² + y² + (x − 1)² + (y − 1)²), and f belongs to both. The suite's own f leaves a
    quarter of itself as a residual.

    See Also
    --------
    skngd.problems.pinnacle.HInv : A field in the heat equation.

    Examples
    --------
    >>> from skngd.problems.pinnacle import PInv
    >>> X, y = PInv().measured(random_state=0)  # to be fitted
    >>> X.shape, y.shape, PInv.published
    ((2500, 2), (2500, 2), None)
    """

    domain = Box(x=(0, 1), y=(0, 1))
    conditions = Dirichlet(0.0, field="u"), Dirichlet(bowl, field="a")

    def residual(self, u, a, x, y):
        u_x, u_y = PI * np.cos(PI * x) * np.sin(PI * y), PI * np.sin(PI * x) * np.cos(PI * y)
        drift = (4 * x - 2) * u_x + (4 * y - 2) * u_y
        source = 2 * PI**2 * bowl(x, y) * np.sin(PI * x) * np.sin(PI * y) + bowl(x, y) ** 2 * drift
        return a.x * u.x + a.y * u.y + a * u.laplacian() + source

    def places(self):
        """Where u is measured.

        Returns
        -------
        X : ndarray of shape (2500, d)
            The coordinates of the domain.
        """
        return self.domain.sample((50, 50), "grid")

    def exact(self, x, y):
        return np.stack([np.sin(PI * x) * np.sin(PI * y), bowl(x, y)], axis=1)


def hilly(x, y):
    """2 + sin πx sin πy."""
    return 2 + np.sin(PI * x) * np.sin(PI * y)


class HInv(Inverse):
    """u_t = div(a ∇u) + f on [−1, 1]², t ≤ 1, u = e^{−t} sin πx sin πy measured at 2,500 points.

    a = 2 + sin πx sin πy does not depend on t, which is a second equation; it is known at the edge.

    See Also
    --------
    skngd.problems.pinnacle.PInv : A field in Poisson's equation.

    Examples
    --------
    >>> from skngd.problems.pinnacle import HInv
    >>> X, y = HInv().measured(random_state=0)  # to be fitted
    >>> X.shape, y.shape, HInv.published
    ((2500, 3), (2500, 2), 0.053)
    """

    published = 5.3e-2
    domain = Box(t=(0, 1), x=(-1, 1), y=(-1, 1))
    conditions = Dirichlet(0.0, field="u"), Dirichlet(hilly, field="a")

    def residual(self, u, a, t, x, y):
        s = np.sin(PI * x) * np.sin(PI * y)
        squares = (PI * np.cos(PI * x) * np.sin(PI * y)) ** 2
        squares += (PI * np.sin(PI * x) * np.cos(PI * y)) ** 2
        source = np.exp(-t) * ((2 * PI**2 * hilly(x, y) - 1) * s - squares)
        return u.t - a.x * u.x - a.y * u.y - a * u.laplacian() - source, a.t

    def places(self):
        """Where u is measured.

        Returns
        -------
        X : ndarray of shape (2500, d)
            The coordinates of the domain.
        """
        return self.domain.sample(2500, "uniform", SEED)

    def exact(self, t, x, y):
        return np.stack([np.exp(-t) * (hilly(x, y) - 2), hilly(x, y)], axis=1)


# The classes by name, in the order of the suite.
CASES = (
    "Burgers1d",
    "Poisson2dC",
    "Poisson2dCG",
    "Poisson2dMS",
    "Heat2dMS",
    "Heat2dCG",
    "Heat2dLT",
    "NS2dC",
    "NS2dCG",
    "Wave1d",
    "Wave2dMS",
    "KS",
    "PNd",
    "HNd",
    "PInv",
    "HInv",
)
