"""What it saves that a run goes ahead, on a part of many rows or for some iterations of each start.

friedman1 with and without noise; seconds of the processor and 1 − R² on rows without noise, medians
over seeds. Without the run ahead each start is fitted to all rows to its end.

    OMP_NUM_THREADS=1 python examples/benchmarks/ahead.py --seeds 3
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.datasets import make_friedman1

from skngd import NaturalMomentumRegressor
from skngd.estimators.evidence import pilot

# Rows, columns, neurons, noise.
TABLES = ((300, 10, 10, 1.0), (5000, 10, 10, 1.0), (5000, 10, 10, 0.0), (20_000, 10, 10, 1.0))
LARGE = (12_000, 20, 32, 1.0)
# Limits that no fit reaches.
OFF = {"WORTH": np.inf, "FIRST": 10**9}


def fit(table, seed):
    n, d, neurons, noise = table
    X, y = make_friedman1(n, d, noise=noise, random_state=seed)
    X_test, y_test = make_friedman1(5000, d, noise=0.0, random_state=1000 + seed)
    began = time.process_time()
    model = NaturalMomentumRegressor((neurons,), random_state=seed).fit(X, y)
    return time.process_time() - began, 1 - model.score(X_test, y_test)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="12,000 rows and 32 neurons, too")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    usual = {name: getattr(pilot, name) for name in OFF}
    print(f"{'rows':>6} {'columns':>8} {'noise':>6} {'without':>22} {'ahead':>22}")
    for table in (*TABLES, LARGE) if arguments.large else TABLES:
        shown = []
        for settings in (OFF, usual):
            for name, value in settings.items():
                setattr(pilot, name, value)
            found = np.median([fit(table, seed) for seed in range(arguments.seeds)], axis=0)
            shown.append(f"{found[0]:8.2f} s, {found[1]:.1e}")
        print(f"{table[0]:6} {table[1]:8} {table[3]:6} {shown[0]:>22} {shown[1]:>22}", flush=True)


if __name__ == "__main__":
    main()
