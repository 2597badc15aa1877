"""Many parameters: the Gram matrix, conjugate gradients, L-BFGS and Adam on one problem.

Run with one thread, alone on the machine (about four minutes)::

    OMP_NUM_THREADS=1 python examples/benchmarks/wide_networks.py

``make_friedman1`` without noise, 2000 rows of 10 inputs, one hidden layer. Seconds and iterations
to a training loss of 1e-2, 1e-4 and 1e-6 (half the mean square, the variance of y is 24), medians
over the seeds; – where ``--seconds`` do not do.
"""

import argparse
import warnings

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning

from skngd import NaturalMomentumRegressor

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
    loss, found = model.history_["loss"], []
    for level in LEVELS:
        below = np.flatnonzero(loss <= level)
        found.append((model.history_["time"][below[0]], below[0]) if len(below) else (np.inf,) * 2)
    return len(model.theta_), found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[20, 60, 150])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
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
            medians = np.median([found for _, found in runs], axis=0)
            cells = [
                f"{seconds:.2f} s, {n_iter:.0f}" if np.isfinite(seconds) else "–"
                for seconds, n_iter in medians
            ]
            print(f"| {runs[0][0]} | {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
