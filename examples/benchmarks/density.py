"""Densities from 100 and 500 rows: ours beside kernels and Gaussian mixtures.

Run with one thread::

    OMP_NUM_THREADS=1 python examples/benchmarks/density.py

Numbers are the mean log density of 2000 other rows, the median over the seeds, larger is better,
and the seconds of a fit. Ours has its defaults. The bandwidth of the kernels is chosen by
cross-validation, the number of components of the mixture by BIC.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

from skngd import NaturalMomentumDensity


def two_hills(n, rng):
    first = rng.uniform(size=n) < 0.4
    return np.where(first, rng.normal(-2, 0.5, n), rng.normal(1, 1, n))[:, np.newaxis]


def bent(n, rng):
    a, b = rng.standard_normal((2, n))
    return np.column_stack([a, 0.5 * a**2 - 1 + 0.5 * b])


CASES = {
    "two normal hills, 1-D": two_hills,
    "bent, 2-D": bent,
    "uniform, 1-D": lambda n, rng: rng.uniform(size=(n, 1)),
    "exponential, 1-D": lambda n, rng: rng.exponential(size=(n, 1)),
    "normal, 5-D": lambda n, rng: rng.standard_normal((n, 5)) @ np.tri(5),
}


def network(X):
    return NaturalMomentumDensity(random_state=0).fit(X)


def kernels(X):
    grid = {"bandwidth": np.geomspace(0.03, 3, 15)}
    return GridSearchCV(KernelDensity(), grid, cv=5).fit(X).best_estimator_


def mixture(X):
    fits = [GaussianMixture(k, random_state=0, reg_covar=1e-4).fit(X) for k in range(1, 6)]
    return min(fits, key=lambda fit: fit.bic(X))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    warnings.simplefilter("ignore", ConvergenceWarning)
    methods = (network, kernels, mixture)
    print(f"{'':24s}{'rows':>6s}" + "".join(f"{method.__name__:>18s}" for method in methods))
    for name, draw in CASES.items():
        for n in (100, 500):
            line = f"{name:24s}{n:6d}"
            for method in methods:
                scores, seconds = [], []
                for seed in seeds:
                    rng = np.random.RandomState(seed)
                    X, unseen = draw(n, rng), draw(2000, rng)
                    began = time.perf_counter()
                    found = method(X)
                    seconds.append(time.perf_counter() - began)
                    scores.append(found.score_samples(unseen).mean())
                line += f"{np.median(scores):10.3f} {np.median(seconds):5.2f} s"
            print(line, flush=True)


if __name__ == "__main__":
    main()
