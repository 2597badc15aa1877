"""What a fit says of its own error, beside the truth: ``python error_estimate.py [--random N]``.

Random problems with a known solution (order, dimension, nonlinearity, coefficients over orders of
magnitude, conditions of several kinds, some of them forgotten), each solved by default. Printed are
the error, ``error_estimate_``, the error without the correction, and whether the fit warned; below
the table in how many the truth is within a factor of five, and how many errors above 10 % went
unsaid. ``--network`` names one network of 32 neurons and sixty iterations, which is less than most
of them need: errors of all sizes. One thread.
"""

import argparse
import time
import warnings

import numpy as np

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Initial, Neumann, Problem

NETWORK = {"hidden_layer_sizes": (32,), "activation": "tanh", "max_iter": 60}


def factor(random):
    """A random function of one coordinate in [0, 1], with two derivatives."""
    a, b = random.uniform(1, 6), random.uniform(0, 3)
    width = random.uniform(0.1, 0.4)
    return [
        (
            lambda x: np.sin(a * x + b),
            lambda x: a * np.cos(a * x + b),
            lambda x: -(a**2) * np.sin(a * x + b),
        ),
        (
            lambda x: np.exp(-b * x),
            lambda x: -b * np.exp(-b * x),
            lambda x: b**2 * np.exp(-b * x),
        ),
        (
            lambda x: 1 / (1 + (a * (x - 0.5)) ** 2),
            lambda x: -2 * a**2 * (x - 0.5) / (1 + (a * (x - 0.5)) ** 2) ** 2,
            lambda x: (6 * a**4 * (x - 0.5) ** 2 - 2 * a**2) / (1 + (a * (x - 0.5)) ** 2) ** 3,
        ),
        (
            lambda x: np.exp(-(((x - 0.4) / width) ** 2)),
            lambda x: -2 * (x - 0.4) / width**2 * np.exp(-(((x - 0.4) / width) ** 2)),
            lambda x: (
                (4 * (x - 0.4) ** 2 / width**4 - 2 / width**2) * np.exp(-(((x - 0.4) / width) ** 2))
            ),
        ),
    ][random.randint(4)]


class Random(Problem):
    """a u_yy (or u_t) + b u_x + c u_xx + r N(u) = f with a product of random functions for u.

    Conditions of four kinds: "dirichlet", "neumann" (on one side), "evolution", and, what
    does not determine the solution, "free" (a side without condition).
    """

    def __init__(self, seed=0):
        self.seed = seed

    def _draw(self):
        random = np.random.RandomState(self.seed)
        size = 10.0 ** random.uniform(-2, 2, 4)
        draw = {
            "plane": random.rand() < 0.6,
            "kind": ["dirichlet", "neumann", "evolution", "free"][
                random.choice(4, p=[0.35, 0.25, 0.25, 0.15])
            ],
            "b": random.choice([0.0, 0.3, 3.0]),
            "c": -size[0] if random.rand() < 0.7 else -1.0,
            "r": random.choice([0.0, 0.3 * abs(size[0]), 1.0]),
            "power": random.choice([1, 2, 3]),
            "amplitude": size[1],
            "factors": (factor(random), factor(random)),
        }
        if draw["kind"] == "evolution":
            draw["plane"] = True
        return draw

    @property
    def domain(self):
        draw = self._draw()
        if not draw["plane"]:
            return Box(x=(0, 1))
        return Box(t=(0, 1), x=(0, 1)) if draw["kind"] == "evolution" else Box(y=(0, 1), x=(0, 1))

    def exact(self, *point, order=(0, 0)):
        draw = self._draw()
        first, second = draw["factors"]
        found = draw["amplitude"] * second[order[1]](point[-1])
        return found * first[order[0]](point[0]) if draw["plane"] else found

    def solution(self, X):
        return self.exact(*X.T)

    @property
    def conditions(self):
        draw = self._draw()
        if draw["kind"] == "evolution":
            return Initial(lambda x: self.exact(0.0, x)), Dirichlet(self.exact, on="x")
        if draw["kind"] == "neumann":

            def slope(*point):
                return -self.exact(*point, order=(0, 1))

            sides = [Neumann(slope, on="x.min"), Dirichlet(self.exact, on="x.max")]
        else:
            ends = ("x.min",) if draw["kind"] == "free" else ("x.min", "x.max")
            sides = [Dirichlet(self.exact, on=end) for end in ends]
        return (*sides, Dirichlet(self.exact, on="y")) if draw["plane"] else tuple(sides)

    def residual(self, u, *point):
        draw = self._draw()

        def operator(value, slope, bend, across):
            found = draw["c"] * bend + draw["b"] * slope + draw["r"] * value ** draw["power"]
            return found + across

        def of(*order):
            return self.exact(*point, order=order)

        across = across_exact = 0.0
        if draw["kind"] == "evolution":
            across, across_exact = u.t, of(1, 0)
        elif draw["plane"]:
            across, across_exact = draw["c"] * u.yy, draw["c"] * of(2, 0)
        exact = operator(of(0, 0), of(0, 1), of(0, 2), across_exact)
        return operator(u, u.x, u.xx, across) - exact


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--random", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--network", action="store_true")
    arguments = parser.parse_args()
    print(f"{'':4} {'kind':10} {'error':>8} {'estimate':>8} {'before':>8} {'s':>5}  warned")
    errors, estimates, before, warned, determined = [], [], [], [], []
    for seed in range(arguments.first, arguments.first + arguments.random):
        problem = Random(seed)
        began = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            settings = NETWORK if arguments.network else {}
            solver = PINNEstimator(problem, random_state=seed, **settings).fit()
        seconds = time.perf_counter() - began
        X = problem.domain.sample(2000, random_state=5)
        u = problem.solution(X)
        size, (estimate,) = np.linalg.norm(u), solver.error_estimate_.values()
        error = np.linalg.norm(solver.predict(X) - u) / size
        solver._correction = None
        network = np.linalg.norm(solver.predict(X) - u) / size
        errors.append(error)
        estimates.append(estimate)
        before.append(network)
        warned.append(bool(caught))
        determined.append(problem._draw()["kind"] != "free")
        print(
            f"{seed:4} {problem._draw()['kind']:10} {error:8.1e} {estimate:8.1e} {network:8.1e} "
            f"{seconds:5.1f}  {'w' if caught else ''}",
            flush=True,
        )
    errors, estimates, before = map(np.array, (errors, estimates, before))
    warned, determined = np.array(warned), np.array(determined)
    # Errors at the rounding level are no errors of the method.
    floor = np.maximum(errors, 1e-13), np.maximum(estimates, 1e-13)
    ratio = floor[0] / floor[1]
    close = ((ratio < 5) & (ratio > 0.2))[determined]
    print(
        f"determined: {close.sum()} of {len(close)} within a factor of 5, the error at most "
        f"{ratio[determined].max():.1f} times the estimate\n"
        f"corrected: {np.median((before / errors)[determined]):.1f} times closer in the median\n"
        f"above 10 % unsaid: {((errors > 0.1) & ~warned).sum()}; "
        f"warned of although below 1 %: {((errors < 0.01) & warned & determined).sum()}\n"
        f"not determined: {np.isinf(estimates[~determined]).sum()} of {(~determined).sum()} said, "
        f"determined and called not: {np.isinf(estimates[determined]).sum()}"
    )


if __name__ == "__main__":
    main()
