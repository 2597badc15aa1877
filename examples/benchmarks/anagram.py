"""The five equations of ANaGRAM: error against iterations and against time, method by method.

Run with one thread, alone on the machine::

    OMP_NUM_THREADS=1 python examples/benchmarks/anagram.py            # four minutes a seed
    OMP_NUM_THREADS=1 python examples/benchmarks/anagram.py heat --seeds 0 1 --quick

Laplace's equation in two and in five dimensions, the heat equation, Allen-Cahn's and Burgers' in
one dimension of space: networks of tanh, with the sizes and points of the cases of :mod:`pde_cases`
(in five dimensions a quarter of the points), but for the last two, which have two layers, fewer
points and wider fronts. All methods start from the same parameters and see the same points; nothing
corrects the network at the end, and its last layer is not fitted by itself, so that the methods
alone are compared. Each has as many seconds as ``BUDGETS`` says, of CPU, so that other work on the
machine counts less, without the errors themselves. Printed are geometric means over the seeds of
the smallest relative L2 error in the first 10 and 100 iterations, in an eighth of the time, and in
all, the worst seed, and the median of the iterations made. What never gets below 1 counts as 1.
``--choose`` prints the errors of fixed cut-offs on seed 100, of which the best was taken.
"""

import argparse
import functools
import time
import warnings
from dataclasses import dataclass, field

import numpy as np
import torch
from pde_cases import CASES, lattice
from pde_ours import Errors
from sklearn.exceptions import ConvergenceWarning

from skngd import PINNEstimator
from skngd.problems import zoo

# Seconds of CPU for each method.
BUDGETS = {"laplace2d": 3, "laplace5d": 6, "heat": 3, "allen_cahn": 5, "burgers": 5}
NETWORK_ALONE = {"estimate_error": False, "variable_projection": False, "n_init": 1}
UNTIL_TIME = {"max_iter": 100_000, "tol": 0, "n_iter_no_change": 100_000}
# λ / ‖A‖² of "auto", 1e-10, with a search along a line.
LINE = {"optimizer": "ngd", "momentum": None, "step_size": "grid"}
METHODS = {
    "gradient descent": {"optimizer": "gd", "momentum": None},
    "Adam": {"optimizer": "adam", "momentum": None, "step_size": 1e-2},
    "L-BFGS": {"optimizer": "lbfgs", "momentum": None},
    "plain, fixed cut-off": {**LINE, "projection": "svd", "rcond": None},
    "plain, adaptive cut-off": {**LINE, "projection": "qr", "rcond": "adaptive"},
    "plain, damped": LINE,
    "heavy ball, damped": {**LINE, "momentum": "heavy-ball", "restart": "loss"},
    "heavy ball, fixed cut-off": {
        **LINE,
        "momentum": "heavy-ball",
        "projection": "svd",
        "rcond": None,
    },
    "plain, trust region": {"momentum": None},
    "heavy ball, trust region": {},
}


@dataclass
class Setting:
    """A problem with its network, points, the cut-off of a fixed ``rcond``, and test points."""

    problem: object
    layers: tuple
    points: dict
    rcond: float
    grid: np.ndarray = field(repr=False)


def square(low):
    return lattice(np.linspace(0, 1, 51), np.linspace(low, 1, 101))


SETTINGS = {
    "laplace2d": Setting(
        zoo.Laplace2D(),
        CASES["laplace2d"].layers[1:-1],
        {"sampler": "grid", "n_interior": 784, "n_boundary": 116},
        1e-5,
        square(0),
    ),
    "laplace5d": Setting(
        zoo.Laplace5D(),
        CASES["laplace5d"].layers[1:-1],
        {"sampler": "uniform", "n_interior": 1000, "n_boundary": 500},
        1e-3,
        np.random.default_rng(12345).random((4000, 5)),
    ),
    "heat": Setting(
        zoo.Heat(),
        CASES["heat"].layers[1:-1],
        {"sampler": "grid", "n_interior": 784, "n_boundary": {"initial": 30, "dirichlet x": 60}},
        1e-4,
        square(0),
    ),
    "allen_cahn": Setting(
        zoo.AllenCahn(eps=1e-2), (20, 20), {"n_interior": 1000, "n_boundary": 100}, 1e-3, square(-1)
    ),
    "burgers": Setting(
        zoo.Burgers(nu=0.05 / np.pi),
        (20, 20),
        {"n_interior": 1000, "n_boundary": 100},
        1e-3,
        square(-1),
    ),
}


class Course(Errors):
    """Errors by iteration and seconds of CPU: after the first ones, then by a twentieth more."""

    def __init__(self, X, exact, budget):
        super().__init__(X, exact)
        self.budget, self.n_iter, self.next = budget, 0, 1
        self.iterations, self.seconds, self.own = [], [], 0.0
        self.began = time.process_time()

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name != "iteration":
            return False
        now = time.process_time()
        self.n_iter += 1
        seconds = now - self.began - self.own
        if self.n_iter >= self.next or seconds > self.budget:
            self.next = round(1.05 * self.n_iter) + 1
            self.iterations.append(self.n_iter)
            self.seconds.append(seconds)
            super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)
        self.own += time.process_time() - now
        return seconds > self.budget


def run(name, method, seed, budget, **changed):
    """Iterations, seconds and errors of one fit; an error may be no number."""
    setting, choice = SETTINGS[name], {**METHODS[method], **changed}
    if choice.get("rcond", 0) is None:
        choice["rcond"] = setting.rcond
    solver = PINNEstimator(
        setting.problem,
        setting.layers,
        activation="tanh",
        random_state=seed,
        **setting.points,
        **choice,
        **NETWORK_ALONE,
        **UNTIL_TIME,
    )
    course = Course(setting.grid, exact(name), budget)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        solver.set_callbacks(course).fit()
    return tuple(map(np.array, (course.iterations, course.seconds, course.errors)))


@functools.cache
def exact(name):
    return SETTINGS[name].problem.solution(SETTINGS[name].grid)


def at(places, errors, place):
    """The smallest error up to a place; 1, that of nothing, where there is none."""
    there = errors[(places <= place) & np.isfinite(errors)]
    return min(1.0, there.min()) if len(there) else 1.0


def geometric(values):
    return np.exp(np.mean(np.log(values), axis=0))


def table(name, seeds, share, methods):
    budget = BUDGETS[name] * share
    print(f"\n{name}: {SETTINGS[name].problem!r}, {budget:g} s, seeds {seeds}")
    print(
        f"{'':27}{'10 it.':>9}{'100 it.':>9}{f'{budget / 8:.2g} s':>9}{'smallest':>9}{'worst':>9}"
        f"{'iterations':>12}"
    )
    for method in methods:
        rows, iterations = [], []
        for seed in seeds:
            n, times, errors = run(name, method, seed, budget)
            places = (n, 10), (n, 100), (times, budget / 8), (n, np.inf)
            rows.append([at(where, errors, end) for where, end in places])
            iterations.append(n[-1] if len(n) else 0)
        cells = [*geometric(rows), max(row[-1] for row in rows)]
        numbers = "".join(f"{cell:9.1e}" for cell in cells)
        print(f"{method:27}{numbers}{np.median(iterations):12.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("problems", nargs="*", help=", ".join(SETTINGS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--quick", action="store_true", help="a quarter of the time")
    parser.add_argument("--choose", action="store_true", help="fixed cut-offs, on seed 100")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # Torch loads its optimisers when the first of them is made: that is nobody's time.
    torch.optim.Adam([torch.zeros(1)])
    share = 0.25 if arguments.quick else 1.0
    for name in arguments.problems or SETTINGS:
        if not arguments.choose:
            table(name, arguments.seeds, share, arguments.methods)
            continue
        for rcond in 10.0 ** -np.arange(3, 8):
            budget = BUDGETS[name] * share
            n, _, errors = run(name, "plain, fixed cut-off", 100, budget, rcond=rcond)
            print(f"{name:10} rcond {rcond:.0e}: {at(n, errors, np.inf):.1e}, {len(n)}", flush=True)


if __name__ == "__main__":
    main()
