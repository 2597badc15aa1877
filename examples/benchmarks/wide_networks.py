"""Many parameters: the Gram matrix, conjugate gradients, L-BFGS and Adam on one problem.

Run with one thread, alone on the machine (about four minutes)::

    OMP_NUM_THREADS=1 python examples/benchmarks/wide_networks.py

``make_friedman1`` without noise, 2000 rows of 10 inputs, one hidden layer. Seconds and iterations
to a training loss of 1e-2, 1e-4 and 1e-6 (half the mean square, the variance of y is 24), medians
over the seeds; – where ``--seconds`` do not do.

``--heat``: the heat equation with a network 2-40-40-40-1 and 2000 points, seconds and iterations to
a sum of squared residuals of 1e-5, 1e-8 and 1e-11, and the relative error at the end (about six
minutes).
"""

import argparse
import warnings

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning

from skngd import NaturalMomentumRegressor, PINNEstimator
from skngd.problems.zoo import Heat

LEVELS = (1e-2, 1e-4, 1e-6)
METHODS = {
    "gram": {"projection": "gram"},
    "conjugate gradients": {"projection": "cg"},
    "L-BFGS": {"optimizer": "lbfgs"},
    "Adam, 0.01": {"optimizer": "adam", "step_size": 0.01},
}


def to_levels(width, settings, seed, seconds):
    """(seconds, iterations) to each level."""
    X, y = make_friedman1(2000, 10, random_state=seed)
    model = NaturalMomentumRegressor(
        (width,),
        n_init=1,
        max_iter=10**6,
        max_time=seconds,
        tol=1e-12,
        n_iter_no_change=10**5,
        random_state=seed,
        **settings,
    ).fit(X, y)
    return len(model.theta_), first_below(model.history_, LEVELS)


def first_below(history, levels):
    """(seconds, iterations) to each level."""
    found = []
    for level in levels:
        below = np.flatnonzero(history["loss"] <= level)
        found.append((history["time"][below[0]], below[0]) if len(below) else (np.inf,) * 2)
    return found


def cells(found):
    medians = np.median(found, axis=0)
    return " | ".join(f"{s:.2f} s, {n:.0f}" if np.isfinite(s) else "–" for s, n in medians)


def heat(seeds, seconds=40.0, levels=(1e-5, 1e-8, 1e-11)):
    """The same two projections for an equation."""
    problem = Heat()
    X = problem.domain.sample(2000, random_state=0)
    exact = problem.solution(X)
    print("\n| P | method | " + " | ".join(f"{level:g}" for level in levels) + " | error |")
    print("|---|---|" + "---|" * (len(levels) + 1))
    for name in ("gram", "cg"):
        runs, errors = [], []
        for seed in range(seeds):
            solver = PINNEstimator(
                problem,
                (40, 40, 40),
                activation="tanh",
                estimate_error=False,
                n_interior=2000,
                projection=name,
                max_iter=10**6,
                max_time=seconds,
                tol=1e-15,
                random_state=seed,
            ).fit()
            runs.append(first_below(solver.history_, levels))
            error = solver.predict(X) - exact
            errors.append(np.linalg.norm(error) / np.linalg.norm(exact))
        print(f"| {len(solver.theta_)} | {name} | {cells(runs)} | {np.median(errors):.1e} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="*", default=[20, 60, 150])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--heat", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| P | method | " + " | ".join(f"{level:g}" for level in LEVELS) + " |")
    print("|---|---|" + "---|" * len(LEVELS))
    for width in arguments.widths:
        for name, settings in METHODS.items():
            runs = [
                to_levels(width, settings, seed, arguments.seconds)
                for seed in range(arguments.seeds)
            ]
            found = cells([levels for _, levels in runs])
            print(f"| {runs[0][0]} | {name} | {found} |", flush=True)
    if arguments.heat:
        heat(arguments.seeds)


if __name__ == "__main__":
    main()
