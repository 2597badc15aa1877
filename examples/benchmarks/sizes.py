"""Which network the evidence chooses, beside the default and the best one of those tried.

R² on rows that were not fitted, medians over seeds (rows, noise and weights differ). "best" is the
network with the largest R² on these very rows, which nobody can know.

    OMP_NUM_THREADS=1 python examples/benchmarks/sizes.py --seeds 5
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.datasets import (
    load_diabetes,
    make_friedman1,
    make_friedman2,
    make_friedman3,
    make_regression,
)
from sklearn.utils import shuffle

from skngd import NaturalMomentumRegressor

SIZES = ((), (5,), (10,), (20,), (40,), (20, 20))


def sine(n, factor, noise, seed):
    rng = np.random.RandomState(seed)
    X = rng.uniform(0, 1, (n, 1))
    return X, np.sin(factor * X[:, 0]) + noise * rng.standard_normal(n)


# (rows that are fitted, all rows) by seed.
TABLES = {
    "diabetes": (300, lambda seed: shuffle(*load_diabetes(return_X_y=True), random_state=seed)),
    "friedman1": (300, lambda seed: make_friedman1(1300, noise=1.0, random_state=seed)),
    "friedman1, no noise": (300, lambda seed: make_friedman1(1300, noise=0.0, random_state=seed)),
    "friedman2": (300, lambda seed: make_friedman2(1300, noise=50.0, random_state=seed)),
    "friedman3": (300, lambda seed: make_friedman3(1300, noise=0.1, random_state=seed)),
    "sin 6x, 50 rows": (50, lambda seed: sine(1050, 6.0, 0.3, seed)),
    "sin 50x": (300, lambda seed: sine(1300, 50.0, 0.05, seed)),
    "linear": (300, lambda seed: make_regression(1300, 10, noise=30.0, random_state=seed)),
    "50 x 200": (50, lambda seed: make_regression(1050, 200, noise=10.0, random_state=seed)),
}


def fit(sizes, seed, rows):
    n, (X, y) = rows
    began = time.perf_counter()
    model = NaturalMomentumRegressor(sizes, random_state=seed).fit(X[:n], y[:n])
    return time.perf_counter() - began, model, model.score(X[n:], y[n:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=10, help="the first seed")
    parser.add_argument("--tables", nargs="*", default=TABLES, choices=TABLES)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'':20s} {'default':>8s} {'auto':>8s} {'best':>8s} {'times the time':>15s}  chosen")
    for name in arguments.tables:
        n, draw = TABLES[name]
        found = []
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            rows = n, draw(seed)
            plain, auto = fit(None, seed, rows), fit("auto", seed, rows)
            best = max(fit(sizes, seed, rows)[2] for sizes in SIZES)
            found.append((plain[2], auto[2], best, auto[0] / plain[0], auto[1].hidden_layer_sizes_))
        medians = np.median([row[:4] for row in found], axis=0)
        chosen = ", ".join(str(row[4]) for row in found)
        print(
            f"{name:20s} {medians[0]:8.4f} {medians[1]:8.4f} {medians[2]:8.4f} "
            f"{medians[3]:15.1f}  {chosen}",
            flush=True,
        )


if __name__ == "__main__":
    main()
