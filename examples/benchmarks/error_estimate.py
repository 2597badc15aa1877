"""What a fit says of its own error, beside the truth: ``python error_estimate.py [--random N]``.

Random problems with a known solution (order, dimension, nonlinearity, coefficients over orders of
magnitude, conditions of several kinds, some of them forgotten), each solved by default. Printed are
the error, ``error_estimate_``, the error without the correction, and whether the fit warned; below
the table in how many the truth is within a factor of five, and how many errors above 10 % went
unsaid. ``--network`` names one network of 32 neurons and sixty iterations, which is less than most
of them need: errors of all sizes; ``--small`` half of the neurons and a quarter of the iterations,
one second a problem. ``--strict`` ends with an error where a wrong answer went unsaid. One thread.
"""

import argparse
import time
import warnings

import numpy as np
from random_problems import RandomProblem

from skngd import PINNEstimator

NETWORK = {"hidden_layer_sizes": (32,), "activation": "tanh", "max_iter": 60}
SMALL = {"hidden_layer_sizes": (16,), "activation": "tanh", "max_iter": 15, "n_interior": 150}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--random", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--strict", action="store_true")
    arguments = parser.parse_args()
    print(f"{'':4} {'kind':10} {'error':>8} {'estimate':>8} {'before':>8} {'s':>5}  warned")
    errors, estimates, before, warned, determined = [], [], [], [], []
    for seed in range(arguments.first, arguments.first + arguments.random):
        problem = RandomProblem(seed)
        began = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            settings = NETWORK if arguments.network else SMALL if arguments.small else {}
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
        determined.append(problem.is_determined)
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
    if arguments.strict and np.any((errors > 0.1) & ~warned):
        raise SystemExit("A wrong answer went unsaid.")


if __name__ == "__main__":
    main()
