"""The problems of ``defaults.py``, each a class with a solution and a target.

``target`` is the relative L2 error that is aimed at, and the seconds it may take. Solutions are
formulas, or computed to 1e-9 or better: Runge-Kutta of order 8, in time for Fourier coefficients.
"""

from functools import lru_cache

import numpy as np
from scipy.integrate import solve_ivp

from skngd.geometry import Box, Polygon
from skngd.pde import Dirichlet, Initial, Neumann, Periodic, Problem
from skngd.problems import zoo

PI = np.pi
TOLERANCE = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12}


class Case(Problem):
    """A problem with ``exact``, whose boundary values are those of it where it states none."""

    target = 1e-8, 60

    @property
    def conditions(self):
        return (Dirichlet(self.exact),)

    def points(self):
        """Where the error is taken."""
        return self.domain.sample(3000, random_state=5)

    def solution(self, X):
        return np.asarray(self.exact(*X.T))


def aimed(cls, error, seconds, name=None):
    """A problem of the zoo with a target."""
    own = {"target": (error, seconds), "points": Case.points}
    return type(name or cls.__name__, (cls,), own)


# What went wrong with version 0.1


class Pendulum(Case):
    """u'' + sin u = 0 for a long time."""

    target = 1e-6, 30
    domain = Box(t=(0, 20))
    conditions = (Initial(2.0), Initial(0.0, derivative=1))

    def residual(self, u, t):
        return u.tt + np.sin(u)

    def exact(self, t):
        path = solve_ivp(
            lambda t, y: [y[1], -np.sin(y[0])], (0, 20), [2, 0], dense_output=True, **TOLERANCE
        )
        return path.sol(t)[0]


class VanDerPol(Case):
    """u'' = 5 (1 − u²) u' − u, stiff."""

    target = 1e-4, 30
    domain = Box(t=(0, 10))
    conditions = (Initial(2.0), Initial(0.0, derivative=1))

    def residual(self, u, t):
        return u.tt - 5 * (1 - u**2) * u.t + u

    def exact(self, t):
        path = solve_ivp(
            lambda t, y: [y[1], 5 * (1 - y[0] ** 2) * y[1] - y[0]],
            (0, 10),
            [2, 0],
            dense_output=True,
            **TOLERANCE,
        )
        return path.sol(t)[0]


class Helmholtz(Case):
    """Δu + u = f, u = sin πx sin 4πy."""

    target = 1e-9, 30
    domain = Box(x=(-1, 1), y=(-1, 1))
    conditions = (Dirichlet(0.0),)

    def exact(self, x, y):
        return np.sin(PI * x) * np.sin(4 * PI * y)

    def residual(self, u, x, y):
        return u.laplacian() + u - (1 - 17 * PI**2) * self.exact(x, y)


class Channel(Case):
    """A flow in a long channel: u_x = 0 and Δu + 12 = 1000 u u_x."""

    target = 1e-6, 30
    domain = Box(x=(0, 10), y=(-0.5, 0.5))
    conditions = (Dirichlet(0.0, on="y"),)

    def residual(self, u, x, y):
        return u.x, u.laplacian() + 12 - 1000 * u * u.x

    def exact(self, x, y):
        return -6 * (y**2 - 0.25)


# The failure modes


class Convection(Case):
    """u_t + 50 u_x = 0, periodic, sin x at the start."""

    target = 1e-9, 30
    domain = Box(t=(0, 1), x=(0, 2 * PI))
    conditions = (Initial(np.sin), Periodic("x"))

    def residual(self, u, t, x):
        return u.t + 50 * u.x

    def exact(self, t, x):
        return np.sin(x - 50 * t)


def bell(x):
    """A Gaussian of width π/4."""
    return np.exp(-8 * (x - PI) ** 2 / PI**2)


class Reaction(Case):
    """u_t = 5 u (1 − u), periodic, a Gaussian at the start."""

    target = 1e-6, 30
    domain = Box(t=(0, 1), x=(0, 2 * PI))
    conditions = (Initial(bell), Periodic("x", derivatives=0))

    def exact(self, t, x):
        grown = bell(x) * np.exp(5 * t)
        return grown / (grown + 1 - bell(x))

    def residual(self, u, t, x):
        return u.t - 5 * u * (1 - u)


def plucked(x):
    """sin πx + ½ sin 3πx."""
    return np.sin(PI * x) + np.sin(3 * PI * x) / 2


class Wave(Case):
    """u_tt = 4 u_xx, two modes."""

    target = 1e-9, 30
    domain = Box(t=(0, 1), x=(0, 1))
    conditions = (Initial(plucked), Initial(0.0, derivative=1), Dirichlet(0.0, on="x"))

    def exact(self, t, x):
        return np.sin(PI * x) * np.cos(2 * PI * t) + np.sin(3 * PI * x) * np.cos(6 * PI * t) / 2

    def residual(self, u, t, x):
        return u.tt - 4 * u.xx


class OnCircle(Case):
    """Periodic in x on [−1, 1]; c' = λ c + N(c) for the Fourier coefficients of the solution."""

    domain = Box(t=(0, 1), x=(-1, 1))
    modes = 512

    def points(self):
        t, x = np.meshgrid(np.linspace(0, 1, 41), np.linspace(-1, 1, 257)[:-1], indexing="ij")
        return np.stack([t.ravel(), x.ravel()], axis=1)

    def solution(self, X):
        if X.shape != (41 * 256, 2):
            raise ValueError("Expected the points of this problem.")
        return on_circle(type(self)).ravel()


@lru_cache
def on_circle(cls):
    """The solution on the points of the class, in the frame in which the linear part is at rest."""
    n = cls.modes
    x = np.linspace(-1, 1, n + 1)[:-1]
    k = 1j * PI * np.arange(n // 2 + 1)
    rates, times = cls.rates(k), np.linspace(0, 1, 41)
    kept = np.arange(len(k)) <= n // 3

    def slope(t, c):
        turn = np.exp(rates * t)
        return np.where(kept, cls.reaction(turn * c, k), 0) / turn

    start = np.fft.rfft(cls.first(x)) * kept
    path = solve_ivp(slope, (0, 1), start, t_eval=times, **TOLERANCE)
    values = np.fft.irfft(np.exp(np.outer(times, rates)) * path.y.T, n)
    return values[:, :: n // 256]


class AllenCahn(OnCircle):
    """u_t = 1e-4 u_xx + 5 (u − u³), periodic: layers of width 0.006."""

    target = 1e-5, 180
    conditions = (Initial(zoo.square_cosine), Periodic("x"))

    def residual(self, u, t, x):
        return u.t - 1e-4 * u.xx - 5 * (u - u**3)

    @staticmethod
    def first(x):
        return zoo.square_cosine(x)

    @staticmethod
    def rates(k):
        return 1e-4 * k**2

    @staticmethod
    def reaction(c, k):
        u = np.fft.irfft(c)
        return np.fft.rfft(5 * (u - u**3))


def cosine(x):
    """cos πx."""
    return np.cos(PI * x)


class KdV(OnCircle):
    """u_t + u u_x + 0.0025 u_xxx = 0, periodic, cos πx at the start."""

    target = 1e-8, 120
    conditions = (Initial(cosine), Periodic("x", derivatives=2))

    def residual(self, u, t, x):
        return u.t + u * u.x + 0.0025 * u.xxx

    @staticmethod
    def first(x):
        return cosine(x)

    @staticmethod
    def rates(k):
        return -0.0025 * k**3

    @staticmethod
    def reaction(c, k):
        return -k * np.fft.rfft(np.fft.irfft(c) ** 2) / 2


Burgers = aimed(zoo.Burgers, 1e-6, 120)
# ε = 1e-3, and values at the ends.
AllenCahnThick = aimed(zoo.AllenCahn, 1e-5, 120, "AllenCahnThick")

# The zoo

Laplace2D = aimed(zoo.Laplace2D, 1e-12, 5)
Heat = aimed(zoo.Heat, 1e-12, 5)
Laplace5D = aimed(zoo.Laplace5D, 1e-12, 15)
AdvectionDiffusion = aimed(zoo.AdvectionDiffusion, 1e-12, 5)
ReactionDiffusion = aimed(zoo.ReactionDiffusion, 1e-12, 5)


# DSGNAR's


class Poisson5D(Case):
    """−Δu = f on the cube, u = Σ sin(πx/2)."""

    target = 1e-13, 120
    d = 5
    domain = Box(**{f"x{k}": (0, 1) for k in range(5)})

    def exact(self, *x):
        return sum(np.sin(PI * each / 2) for each in x)

    def residual(self, u, *x):
        return u.laplacian() + PI**2 / 4 * self.exact(*x)


class Poisson10D(Poisson5D):
    """The same in ten dimensions."""

    target = 1e-9, 120
    domain = Box(**{f"x{k}": (0, 1) for k in range(10)})


class MultiScale(Case):
    """u'' = f, u = sin 2πx + 0.1 sin 50πx."""

    target = 1e-9, 120
    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0),)

    def exact(self, x):
        return np.sin(2 * PI * x) + 0.1 * np.sin(50 * PI * x)

    def residual(self, u, x):
        return u.xx + (2 * PI) ** 2 * np.sin(2 * PI * x) + 250 * PI**2 * np.sin(50 * PI * x)


# The same equations, with solutions that are no sums of sines


class PoissonExponential(Case):
    """Δu = f, u = exp(x y + x)."""

    domain = Box(x=(0, 1), y=(0, 1))

    def exact(self, x, y):
        return np.exp(x * y + x)

    def residual(self, u, x, y):
        return u.laplacian() - ((y + 1) ** 2 + x**2) * self.exact(x, y)


class HeatGaussian(Case):
    """u_t = ¼ u_xx, a Gaussian that spreads."""

    domain = Box(t=(0, 1), x=(-2, 2))

    @property
    def conditions(self):
        return Initial(lambda x: self.exact(0.0, x)), Dirichlet(self.exact, on="x")

    def exact(self, t, x):
        width = 0.1 + t
        return np.sqrt(0.1 / width) * np.exp(-(x**2) / width)

    def residual(self, u, t, x):
        return u.t - u.xx / 4


class WaveGaussian(Case):
    """u_tt = 4 u_xx, two Gaussians that part."""

    domain = Box(t=(0, 1), x=(-3, 3))

    @property
    def conditions(self):
        first = Initial(lambda x: self.exact(0.0, x)), Initial(0.0, derivative=1)
        return (*first, Dirichlet(self.exact, on="x"))

    def exact(self, t, x):
        return (np.exp(-5 * (x - 2 * t) ** 2) + np.exp(-5 * (x + 2 * t) ** 2)) / 2

    def residual(self, u, t, x):
        return u.tt - 4 * u.xx


class HelmholtzGaussian(Case):
    """Δu + u = f, u = exp(−4 |x − c|²)."""

    domain = Box(x=(-1, 1), y=(-1, 1))

    def exact(self, x, y):
        return np.exp(-4 * ((x - 0.2) ** 2 + (y + 0.1) ** 2))

    def residual(self, u, x, y):
        square = (x - 0.2) ** 2 + (y + 0.1) ** 2
        return u.laplacian() + u - (64 * square - 15) * self.exact(x, y)


class Poisson5DRational(Case):
    """Δu = f in five dimensions, u = 1 / (1 + |x|²)."""

    domain = Box(**{f"x{k}": (0, 1) for k in range(5)})

    def exact(self, *x):
        return 1 / (1 + sum(each**2 for each in x))

    def residual(self, u, *x):
        v = self.exact(*x)
        return u.laplacian() + 10 * v**2 - 8 * (1 / v - 1) * v**3


class NonlinearRational(Case):
    """−Δu + u³ = f, u = 1 / (1 + x² + 2y²)."""

    domain = Box(x=(-1, 1), y=(-1, 1))

    def exact(self, x, y):
        return 1 / (1 + x**2 + 2 * y**2)

    def residual(self, u, x, y):
        v = self.exact(x, y)
        laplacian = -6 * v**2 + 8 * (x**2 + 4 * y**2) * v**3
        return -u.laplacian() + u**3 + laplacian - v**3


class TwoSolitons(Case):
    """u_t + 6 u u_x + u_xxx = 0, two solitons that meet."""

    domain = Box(t=(-0.5, 0.5), x=(-5, 5))

    @property
    def conditions(self):
        return (
            Initial(lambda x: self.exact(-0.5, x)),
            Dirichlet(self.exact, on="x"),
            Neumann(self.slope, on="x.max"),
        )

    def exact(self, t, x):
        # u = 2 (log F)_xx for the speeds 4 k², k = 1/2 and 1.
        a, b = np.exp(x - t), np.exp(2 * x - 8 * t)
        f = 1 + a + b + a * b / 9
        first = a + 2 * b + a * b / 3
        second = a + 4 * b + a * b
        return 2 * (second * f - first**2) / f**2

    def slope(self, t, x):
        a, b = np.exp(x - t), np.exp(2 * x - 8 * t)
        f = 1 + a + b + a * b / 9
        first = a + 2 * b + a * b / 3
        second = a + 4 * b + a * b
        third = a + 8 * b + 3 * a * b
        return 2 * (third / f - 3 * second * first / f**2 + 2 * first**3 / f**3)

    def residual(self, u, t, x):
        return u.t + 6 * u * u.x + u.xxx


class ObliqueLayer(Case):
    """Δu = f, u = arctan z, z = (x + y/2 − 0.7) / 0.02."""

    target = 1e-6, 60
    domain = Box(x=(0, 1), y=(0, 1))

    def exact(self, x, y):
        return np.arctan((x + y / 2 - 0.7) / 0.02)

    def residual(self, u, x, y):
        z = (x + y / 2 - 0.7) / 0.02
        return u.laplacian() + 2 * 1.25 / 0.02**2 * z / (1 + z**2) ** 2


class Corner(Case):
    """Δu = 0 around a corner of 270 degrees, u = r^(2/3) sin(2φ/3)."""

    target = 1e-3, 60
    domain = Polygon([(0, 0), (0, -1), (1, -1), (1, 1), (-1, 1), (-1, 0)])

    def exact(self, x, y):
        angle = np.mod(np.arctan2(y, x) + PI / 2, 2 * PI)
        return np.hypot(x, y) ** (2 / 3) * np.sin(2 * angle / 3)

    def residual(self, u, x, y):
        return u.laplacian()


# The problems of fastlsq


class WaveOfPeer(Case):
    """u_tt = 4 u_xx, u = sin πx cos 2πt + ½ sin 4πx cos 8πt."""

    domain = Box(x=(0, 1), t=(0, 1))

    @property
    def conditions(self):
        first = Initial(lambda x: self.exact(x, 0.0)), Initial(0.0, derivative=1)
        return (*first, Dirichlet(0.0, on="x"))

    def exact(self, x, t):
        return np.sin(PI * x) * np.cos(2 * PI * t) + np.sin(4 * PI * x) * np.cos(8 * PI * t) / 2

    def residual(self, u, x, t):
        return u.tt - 4 * u.xx


class HelmholtzOfPeer(Case):
    """Δu + 100 u = f, u = sin 10x sin 10y."""

    domain = Box(x=(0, 1), y=(0, 1))

    def exact(self, x, y):
        return np.sin(10 * x) * np.sin(10 * y)

    def residual(self, u, x, y):
        return u.laplacian() + 100 * u + 100 * self.exact(x, y)


class NonlinearPoisson(Case):
    """−Δu + u³ = f, u = sin πx sin πy."""

    domain = Box(x=(0, 1), y=(0, 1))

    def exact(self, x, y):
        return np.sin(PI * x) * np.sin(PI * y)

    def residual(self, u, x, y):
        v = self.exact(x, y)
        return -u.laplacian() + u**3 - 2 * PI**2 * v - v**3


GROUPS = {
    "went wrong": (Pendulum, VanDerPol, Helmholtz, Channel),
    "failure modes": (Convection, Reaction, Wave),
    "fronts": (AllenCahn, Burgers, AllenCahnThick),
    "zoo": (Laplace2D, Heat, Laplace5D, AdvectionDiffusion, ReactionDiffusion),
    "sine networks": (Poisson5D, Poisson10D, Wave, KdV, MultiScale),
    "no sines": (
        PoissonExponential,
        HeatGaussian,
        WaveGaussian,
        HelmholtzGaussian,
        Poisson5DRational,
        NonlinearRational,
        TwoSolitons,
        ObliqueLayer,
        Corner,
    ),
}
# Beside them the name of the same problem in fastlsq, and the scale of its features where given.
OF_PEER = {
    Poisson5D: ("linear.PoissonND", 1.0),
    WaveOfPeer: ("linear.Wave1D", 5.0),
    HelmholtzOfPeer: ("linear.Helmholtz2D", 5.0),
    NonlinearPoisson: ("nonlinear.NLPoisson2D", 2.0),
}
