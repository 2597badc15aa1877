"""Memory of a fit with a million rows: the peak above what was in use before.

Run::

    python examples/benchmarks/memory.py
"""

import argparse
import resource
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skngd import NaturalMomentumRegressor


def peak():
    """Peak resident memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--projection", default="auto")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (arguments.rows, 4))
    y = np.sin(X.sum(axis=1))
    small = NaturalMomentumRegressor(max_iter=1, projection=arguments.projection, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        small.fit(X[:1000], y[:1000])  # the libraries' own memory
        before = peak()
        model = NaturalMomentumRegressor(
            max_iter=3, projection=arguments.projection, random_state=0
        ).fit(X, y)
    seconds = np.diff(model.history_["time"])
    print(
        f"{arguments.rows} rows, {len(model.theta_)} parameters, {arguments.projection}: "
        f"{peak() - before:.0f} MiB more at the peak, {np.median(seconds):.2f} s an iteration"
    )


if __name__ == "__main__":
    main()
