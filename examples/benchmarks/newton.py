"""Newton's method without a Hessian matrix beside Gauss and Newton's, and beside the matrix.

Run with one thread (a minute or two)::

    OMP_NUM_THREADS=1 python examples/benchmarks/newton.py

``optimizer="newton", projection="cg"`` finds its steps by conjugate gradients and products with the
Hessian, which negative curvature ends. The table has iterations and seconds of CPU until the loss
is within a millionth of where the method ends, and that loss: medians of the seeds, without
momentum and geodesic acceleration, with a trust region. "Gauss-Newton" is the natural gradient.

* no noise: Mackey-Glass, 4-10-1. Nothing is left of the second term at the solution.
* noise: Friedman's function with a deviation of 3, 400 rows, 10-20-1, α = 0.1. The residual stays.
* classes: 500 digits, 64-10-10, α = 0.01; Gauss-Newton is Fisher's there, by conjugate gradients,
  and the matrix of Newton's method takes a pass for each of 760 parameters: it is left out.
* equation: Burgers with ν = 0.1, 2-16-1, without variable projection.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.datasets import load_digits, make_friedman1

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.datasets import load_mackey_glass
from skngd.problems.zoo import Burgers

METHODS = {
    "Gauss-Newton": {},
    "Gauss-Newton, cg": {"projection": "cg"},
    "Newton, matrix": {"optimizer": "newton", "projection": "gram"},
    "Newton, cg": {"optimizer": "newton", "projection": "cg"},
}
PLAIN = {"momentum": None, "geodesic_acceleration": False, "n_init": 1, "tol": 0.0}


def no_noise(seed, **settings):
    data = load_mackey_glass()
    model = NaturalMomentumRegressor((10,), alpha=0.0, random_state=seed, **settings)
    return model, (data.X_train, data.y_train)


def noise(seed, **settings):
    X, y = make_friedman1(400, noise=3.0, random_state=seed)
    return NaturalMomentumRegressor((20,), alpha=0.1, random_state=seed, **settings), (X, y)


def classes(seed, **settings):
    X, y = load_digits(return_X_y=True)
    chosen = np.random.RandomState(seed).permutation(len(X))[:500]
    model = NaturalMomentumClassifier((10,), alpha=0.01, random_state=seed, **settings)
    return model, (X[chosen], y[chosen])


def equation(seed, **settings):
    points = {"n_interior": 200, "n_boundary": 60, "estimate_error": False}
    points["variable_projection"] = False
    solver = PINNEstimator(
        Burgers(nu=0.1), (16,), activation="tanh", random_state=seed, **points, **settings
    )
    return solver, ()


CASES = {"no noise": no_noise, "noise": noise, "classes": classes, "equation": equation}


def measure(case, seed, max_iter, settings):
    """Iterations and seconds until the loss is next to the last, and the last."""
    ends = {"max_iter": max_iter, "n_iter_no_change": max_iter}
    model, data = case(seed, **PLAIN, **ends, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.process_time()
        model.fit(*data)
        seconds = time.process_time() - began
    losses = model.loss_curve_
    arrived = int(np.flatnonzero(losses <= losses.min() * (1 + 1e-6))[0])
    return arrived, seconds * arrived / max(1, model.n_iter_), losses.min()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--max-iter", type=int, default=100)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    asked = parser.parse_args()
    print(f"{'':10s}{'':20s}{'iterations':>12s}{'seconds':>10s}{'last loss':>12s}")
    for name in asked.cases:
        for method, settings in METHODS.items():
            if (name, method) == ("classes", "Newton, matrix"):
                continue
            seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
            rows = [measure(CASES[name], seed, asked.max_iter, settings) for seed in seeds]
            n_iter, seconds, loss = np.median(rows, axis=0)
            print(f"{name:10s}{method:20s}{n_iter:12.0f}{seconds:10.2f}{loss:12.3e}", flush=True)


if __name__ == "__main__":
    main()
