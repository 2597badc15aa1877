"""What the race of starts gains, and costs: ``python race.py [--seeds N ...] [--zoo] [NAME ...]``.

The default of PINNEstimator beside a named network, 32 neurons of tanh, that starts once. The first
set of problems has exponentials, Gaussians, layers and rational functions as solutions, and some
waves: the numbers of the race were chosen with them. ``--zoo`` takes the problems of
``skngd.problems.zoo`` and a Helmholtz equation. One thread.
"""

import argparse
import time
import warnings

import numpy as np

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Initial, Neumann, Problem
from skngd.problems import zoo

PI = np.pi


class Known(Problem):
    """A problem whose conditions are those of its solution."""

    conditions = property(lambda self: (Dirichlet(self.exact),))

    def solution(self, X):
        return np.asarray(self.exact(*X.T))


class Exponential(Known):
    """Δu = 5u, u = exp(x − 2y)."""

    domain = Box(x=(0, 1), y=(0, 1))

    def exact(self, x, y):
        return np.exp(x - 2 * y)

    def residual(self, u, x, y):
        return u.laplacian() - 5 * u


class Peak(Known):
    """Δu = f, a Gaussian of width 0.1."""

    domain = Box(x=(0, 1), y=(0, 1))

    def exact(self, x, y):
        return np.exp(-50 * ((x - 0.4) ** 2 + (y - 0.6) ** 2))

    def residual(self, u, x, y):
        square = (x - 0.4) ** 2 + (y - 0.6) ** 2
        return u.laplacian() - (10000 * square - 200) * self.exact(x, y)


class Runge(Known):
    """u'' = f, u = 1 / (1 + 25 x²)."""

    domain = Box(x=(-1, 1))

    def exact(self, x):
        return 1 / (1 + 25 * x**2)

    def residual(self, u, x):
        v = self.exact(x)
        return u.xx + 50 * v**2 - 5000 * x**2 * v**3


class Rational(Known):
    """Δu = f, u = 1 / (1 + 3 |x|²)."""

    domain = Box(x=(-1, 1), y=(-1, 1), z=(-1, 1))

    def exact(self, x, y, z):
        return 1 / (1 + 3 * (x**2 + y**2 + z**2))

    def residual(self, u, x, y, z):
        v = self.exact(x, y, z)
        return u.laplacian() + 18 * v**2 - 72 * (x**2 + y**2 + z**2) * v**3


class Layer(Known):
    """u'' = f, u = tanh(20 x)."""

    domain = Box(x=(-1, 1))

    def exact(self, x):
        return np.tanh(20 * x)

    def residual(self, u, x):
        v = self.exact(x)
        return u.xx + 800 * v * (1 - v**2)


class Relaxation(Known):
    """u' = −30 (u − cos t), u(0) = 0."""

    domain = Box(t=(0, 3))
    conditions = (Initial(0.0),)

    def exact(self, t):
        return (900 * np.cos(t) + 30 * np.sin(t) - 900 * np.exp(-30 * t)) / 901

    def residual(self, u, t):
        return u.t + 30 * (u - np.cos(t))


class Pulse(Known):
    """u_t + 2 u_x = 0, a Gaussian that travels."""

    domain = Box(t=(0, 1), x=(0, 3))

    @property
    def conditions(self):
        return Initial(lambda x: self.exact(0.0, x)), Dirichlet(self.exact, on="x.min")

    def exact(self, t, x):
        return np.exp(-20 * (x - 0.6 - 2 * t) ** 2)

    def residual(self, u, t, x):
        return u.t + 2 * u.x


class Bump(Known):
    """−Δu + u³ = f, u = exp(−2 |x|²)."""

    domain = Box(x=(-1, 1), y=(-1, 1))

    def exact(self, x, y):
        return np.exp(-2 * (x**2 + y**2))

    def residual(self, u, x, y):
        v = self.exact(x, y)
        return -u.laplacian() + u**3 + (16 * (x**2 + y**2) - 8) * v - v**3


class Reaction(Known):
    """u_t = 5 u (1 − u), a Gaussian at the start."""

    domain = Box(t=(0, 1), x=(0, 2 * PI))

    @property
    def conditions(self):
        return (Initial(lambda x: self.exact(0.0, x)),)

    def exact(self, t, x):
        first = np.exp(-8 * (x - PI) ** 2 / PI**2)
        grown = first * np.exp(5 * t)
        return grown / (grown + 1 - first)

    def residual(self, u, t, x):
        return u.t - 5 * u * (1 - u)


class Soliton(Known):
    """u_t + 6 u u_x + u_xxx = 0, u = ½ sech²((x − t) / 2)."""

    domain = Box(t=(0, 1), x=(-5, 5))

    @property
    def conditions(self):
        return (
            Initial(lambda x: self.exact(0.0, x)),
            Dirichlet(self.exact, on="x"),
            Neumann(self.slope, on="x.max"),
        )

    def exact(self, t, x):
        return 0.5 / np.cosh((x - t) / 2) ** 2

    def slope(self, t, x):
        return -self.exact(t, x) * np.tanh((x - t) / 2)

    def residual(self, u, t, x):
        return u.t + 6 * u * u.x + u.xxx


class Wave(Known):
    """u_tt = 4 u_xx, two modes."""

    domain = Box(t=(0, 1), x=(0, 1))

    @property
    def conditions(self):
        return (
            Initial(lambda x: self.exact(0.0, x)),
            Initial(0.0, derivative=1),
            Dirichlet(0.0, on="x"),
        )

    def exact(self, t, x):
        return np.sin(PI * x) * np.cos(2 * PI * t) + np.sin(3 * PI * x) * np.cos(6 * PI * t) / 2

    def residual(self, u, t, x):
        return u.tt - 4 * u.xx


class Helmholtz(Known):
    """Δu + u = f, u = sin πx sin 4πy."""

    domain = Box(x=(-1, 1), y=(-1, 1))

    def exact(self, x, y):
        return np.sin(PI * x) * np.sin(4 * PI * y)

    def residual(self, u, x, y):
        return u.laplacian() + u - (1 - 17 * PI**2) * self.exact(x, y)


STUDY = (
    Exponential,
    Peak,
    Runge,
    Rational,
    Layer,
    Relaxation,
    Pulse,
    Bump,
    Reaction,
    Soliton,
    Wave,
)
ZOO = (
    Helmholtz,
    zoo.Heat,
    zoo.Laplace2D,
    zoo.Laplace5D,
    zoo.AdvectionDiffusion,
    zoo.ReactionDiffusion,
    zoo.Burgers,
    zoo.AllenCahn,
    zoo.Beam,
    zoo.PredatorPrey,
)
NETWORKS = {
    "named": {"hidden_layer_sizes": (32,), "activation": "tanh"},
    "auto": {},
}


def measured(problem, network, seed):
    """Error, seconds, iterations and the network of one fit."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solver = PINNEstimator(problem, random_state=seed, **NETWORKS[network]).fit()
    seconds = time.perf_counter() - began
    X = problem.domain.sample(3000, random_state=5)
    u = problem.solution(X)
    error = np.linalg.norm(solver.predict(X) - u) / np.linalg.norm(u)
    sizes = "-".join(map(str, solver.hidden_layer_sizes_))
    return error, seconds, solver.n_iter_, f"{solver.activation_} {sizes}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--zoo", action="store_true")
    arguments = parser.parse_args()
    problems, seeds = (ZOO, range(3)) if arguments.zoo else (STUDY, range(10, 15))
    seeds = arguments.seeds or seeds
    print(
        f"{'problem':18} {'network':6} {'median error':>12} {'worst':>8} {'s':>6}  iterations, won"
    )
    for cls in problems:
        if arguments.names and cls.__name__ not in arguments.names:
            continue
        for network in NETWORKS:
            rows = [measured(cls(), network, seed) for seed in seeds]
            errors, seconds, n_iter, won = zip(*rows, strict=True)
            print(
                f"{cls.__name__:18} {network:6} {np.median(errors):12.1e} {max(errors):8.1e} "
                f"{np.median(seconds):6.2f}  {', '.join(map(str, n_iter))}: {', '.join(won)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
