"""Intervals of unknown coefficients: in how many fits they cover the truth.

Five inverse problems by default settings, ``--seeds`` fits each (from ``--first`` on), their
measurements with other noise each time: without noise, with it, with the problem in SI units, with
a noise that differs from row to row and is told by ``sample_weight``, and with outliers among the
measurements and ``measurement_loss="huber"``. A 95 % interval is to cover in 95 of 100. One thread.
"""

import argparse
import time
import warnings

import numpy as np

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Initial, Neumann, Problem, Unknown
from skngd.problems import zoo


class Diffusion(Problem):
    """u_t = D u_xx with a sine: in units of its own, L and T."""

    def __init__(self, D, L=1.0, T=1.0):
        self.D, self.L, self.T = D, L, T

    @property
    def domain(self):
        return Box(t=(0, self.T), x=(0, self.L))

    @property
    def conditions(self):
        return Initial(lambda x: np.sin(np.pi * x / self.L)), Dirichlet(0.0, on="x")

    def residual(self, u, t, x):
        return u.t - self.D * u.xx

    def solution(self, X):
        decay = np.exp(-self.D * (np.pi / self.L) ** 2 * X[:, 0])
        return decay * np.sin(np.pi * X[:, 1] / self.L)


class Kinetics(Problem):
    """u′ = −k u² from 1000: a rate of 2e-6."""

    domain = Box(t=(0, 2000))
    conditions = (Initial(1000.0),)

    def __init__(self, k):
        self.k = k

    def residual(self, u, t):
        return u.t + self.k * u**2

    def solution(self, X):
        return 1 / (1e-3 + self.k * X[:, 0])


class Rod(Problem):
    """u″ = u with an unknown slope C at one end and value D at the other."""

    domain = Box(x=(0, 1))

    def __init__(self, C, D):
        self.C, self.D = C, D

    @property
    def conditions(self):
        return Neumann(self.C, on="x.min"), Dirichlet(self.D, on="x.max")

    def residual(self, u, x):
        return u.xx - u

    def solution(self, X):
        return (self.C * np.sinh(1 - X[:, 0]) + self.D * np.cosh(X[:, 0])) / np.cosh(1)


# Truth, unknowns, number of measurements.
PROBLEMS = {
    "heat": (zoo.Heat(kappa=0.25), {"kappa": Unknown(1.0, low=0)}, 50),
    "diffusion": (Diffusion(0.1), {"D": Unknown(0.5, low=0)}, 60),
    "kinetics": (Kinetics(2e-6), {"k": Unknown(1e-3, low=0)}, 20),
    "rod": (Rod(0.7, 0.5), {"C": Unknown(0.1), "D": Unknown(2.0)}, 30),
    "predators": (
        zoo.PredatorPrey(),
        {"alpha": Unknown(1.0, low=0), "gamma": Unknown(0.7, low=0)},
        40,
    ),
}
SI = {"diffusion": (Diffusion(1e-9, 0.06, 3.6e6), {"D": Unknown(5e-9, low=0)}, 60)}


def measured(problem, n, noise, kind, random):
    """X, y, weights and settings."""
    X = problem.domain.sample(n, "uniform", random)
    u = problem.solution(X)
    size = noise * u.std(axis=0) * np.ones_like(u)
    weight, settings = None, {}
    if kind == "heteroscedastic":
        factor = random.choice([0.3, 1.0, 3.0], n)
        size = (size.T * factor).T
        weight = 1 / factor**2
    if kind == "outliers":
        size = (size.T * np.where(random.uniform(size=n) < 0.1, 10.0, 1.0)).T
        settings = {"measurement_loss": "huber"}
    return X, u + size * random.standard_normal(u.shape), weight, settings


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--problems", nargs="+", default=[*PROBLEMS])
    arguments = parser.parse_args()
    print(f"{'':17} {'':10} {'covered':>9} {'std / error':>11} {'field':>7} {'s':>5}")
    for kind in arguments.kinds:
        noise, problems = KINDS[kind]
        total = hits = 0
        for name, (truth, unknowns, n) in problems.items():
            if name not in arguments.problems:
                continue
            z, seconds, inside = [], [], []
            for seed in range(arguments.first, arguments.first + arguments.seeds):
                random = np.random.RandomState(seed)
                X, y, weight, settings = measured(truth, n, noise, kind, random)
                began = time.perf_counter()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    problem = truth.with_coefficients(unknowns)
                    fit = PINNEstimator(problem, random_state=seed, **settings).fit(X, y, weight)
                seconds.append(time.perf_counter() - began)
                z.append(
                    [
                        (fit.unknowns_[one] - getattr(truth, one)) / fit.unknowns_std_[one]
                        for one in unknowns
                    ]
                )
                G = truth.domain.sample(200, random_state=7)
                try:
                    u, std = fit.predict(G, return_std=True)
                except ValueError:
                    inside.append(0.0)
                    continue
                inside.append(np.mean(np.abs(u - truth.solution(G)) <= 1.96 * std))
            z = np.abs(np.array(z))
            covered = z <= 1.96
            total, hits = total + covered.size, hits + covered.sum()
            print(
                f"{kind:17} {name:10} {covered.sum():4} / {covered.size:<4}"
                f"{1 / np.sqrt(np.mean(z**2)):10.2f} {100 * np.mean(inside):6.0f} %"
                f" {np.median(seconds):5.1f}",
                flush=True,
            )
        print(f"{kind:17} {'all':10} {hits:4} / {total:<4}{100 * hits / total:10.1f} %", flush=True)


KINDS = {
    "noise": (0.02, PROBLEMS),
    "without": (0.0, PROBLEMS),
    "SI units": (0.02, SI),
    "heteroscedastic": (0.02, PROBLEMS),
    "outliers": (0.02, PROBLEMS),
}

if __name__ == "__main__":
    main()
