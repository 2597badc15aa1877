"""Evolutions over long times by default, beside a method of steps of scipy.

Prints the relative L2 error of the worst field, what the fit says of it, the slabs of time it took,
and the processor's seconds, one thread; then error and seconds of ``scipy.integrate.solve_ivp``
(DOP853, rtol 1e-10). Both are compared with the same of rtol 1e-13. A network is a slow method of
steps: what it gives for it is one function of time, with its derivatives and an error estimate.

The lengths of slabs and their accuracy were chosen on Growth and on Lorenz for t up to 5, seed 0.

    python examples/benchmarks/long_times.py [--seeds 0] [names ...]
"""

import argparse
import time
import warnings

import numpy as np
import torch
from scipy.integrate import solve_ivp

from skngd import PINNEstimator
from skngd.pde import Box, Initial, Problem


class Evolution(Problem):
    """Ordinary differential equations with ``rates(t, y)`` for scipy, from ``start``.

    ``columns`` are those of y that are fields; the others are their derivatives.
    """

    end, start, columns = 10.0, (1.0,), (0,)

    @property
    def domain(self):
        return Box(t=(0, self.end))

    @property
    def conditions(self):
        if len(self.fields) > 1:
            pairs = zip(self.fields, self.start, strict=True)
            return tuple(Initial(value, field=name) for name, value in pairs)
        return tuple(Initial(value, derivative=k) for k, value in enumerate(self.start))

    def steps(self, t, **settings):
        """The solution of scipy at times, shape (n_times, n_fields)."""
        given = {"method": "DOP853", "t_eval": t, **settings}
        return solve_ivp(self.rates, (0, self.end), self.start, **given).y[list(self.columns)].T


class Growth(Evolution):
    """u' = 5 u: by six orders of magnitude."""

    end = 3.0

    def residual(self, u, t):
        return u.t - 5 * u

    def rates(self, t, y):
        return [5 * y[0]]


class Pendulum(Evolution):
    """u'' + sin u = 0, almost over the top."""

    end, start = 40.0, (3.0, 0.0)

    def residual(self, u, t):
        return u.tt + np.sin(u)

    def rates(self, t, y):
        return [y[1], -np.sin(y[0])]


class Duffing(Evolution):
    """A hard spring, damped and driven."""

    end, start = 30.0, (1.0, 0.0)

    def residual(self, u, t):
        return u.tt + u.t / 10 + u + u**3 - np.cos(1.2 * t) / 2

    def rates(self, t, y):
        return [y[1], np.cos(1.2 * t) / 2 - y[1] / 10 - y[0] - y[0] ** 3]


class VanDerPol(Evolution):
    """u'' − 2 (1 − u²) u' + u = 0, eight periods."""

    end, start = 60.0, (2.0, 0.0)

    def residual(self, u, t):
        return u.tt - 2 * (1 - u**2) * u.t + u

    def rates(self, t, y):
        return [y[1], 2 * (1 - y[0] ** 2) * y[1] - y[0]]


class Lorenz(Evolution):
    """The equations of Lorenz: errors grow e-fold each 1.1 units of time."""

    fields, columns = ("x", "y", "z"), (0, 1, 2)
    end, start = 8.0, (1.0, 1.0, 20.0)

    def residual(self, x, y, z, t):
        return x.t - 10 * (y - x), y.t - x * (28 - z) + y, z.t - x * y + 8 / 3 * z

    def rates(self, t, y):
        return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]


CASES = {case.__name__: case for case in (Growth, Pendulum, Duffing, VanDerPol, Lorenz)}


def error(u, exact):
    """The relative L2 error of the worst field."""
    return float((np.linalg.norm(u - exact, axis=0) / np.linalg.norm(exact, axis=0)).max())


def timed(call, *arguments, **settings):
    """What a call gives, and the processor's seconds."""
    began = time.process_time()
    return call(*arguments, **settings), time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CASES)}")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("problem    end seed  error    told     slabs seconds | solve_ivp  seconds", flush=True)
    for name in given.names or CASES:
        problem = CASES[name]()
        t = np.linspace(0, problem.end, 4001)
        exact = problem.steps(t, rtol=1e-13, atol=1e-14)
        steps, of_steps = timed(problem.steps, t, rtol=1e-10, atol=1e-10)
        for seed in given.seeds:
            solver = PINNEstimator(problem, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _, seconds = timed(solver.fit)
            u = solver.predict(t[:, None]).reshape(exact.shape)
            told, n = max(solver.error_estimate_.values()), max(len(solver.slabs_), 1)
            print(
                f"{name:10} {problem.end:3g} {seed:4}  {error(u, exact):7.1e}  {told:7.1e}  {n:5} "
                f"{seconds:7.1f} | {error(steps, exact):7.1e}  {of_steps:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
