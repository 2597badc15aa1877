"""Unknown coefficients from first guesses that lead to another minimum: what comes out.

Problems with oscillations, whose misfit has many minima, by default settings and with a network
that is named. Printed are the guess, what was found, its error in standard deviations, and CPU
seconds. One thread.
"""

import time
import warnings

import numpy as np
from scipy.integrate import solve_ivp

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Initial, Problem, Unknown


def swing(u, t, w):
    return u.tt + w**2 * u


def damped(u, t, c, w):
    return u.tt + c * u.t + w**2 * u


def pendulum(u, t, g):
    return u.tt + g * np.sin(u)


def wave(u, t, x, c):
    return u.tt - c**2 * u.xx


def mode(x):
    return np.sin(2 * np.pi * x)


def solved(right, end, start):
    """A solution of u″ = right(u, u′) by scipy."""
    found = solve_ivp(
        lambda t, y: [y[1], right(*y)], (0, end), [start, 0.0], rtol=1e-10, dense_output=True
    )
    return lambda X: found.sol(X[:, 0])[0]


def rest(start):
    """Conditions of a start at rest."""
    return Initial(start), Initial(0.0, derivative=1)


STRING = Initial(mode), Initial(0.0, derivative=1), Dirichlet(0.0, on="x")
# Name: residual, domain, conditions, solution, true values, first guesses.
PROBLEMS = {
    "swing": (
        swing,
        Box(t=(0, 10)),
        rest(1.0),
        lambda X: np.cos(5 * X[:, 0]),
        {"w": 5.0},
        [{"w": 2.8}, {"w": 1.0}, {"w": 12.0}],
    ),
    "damped": (
        damped,
        Box(t=(0, 8)),
        rest(1.0),
        solved(lambda u, v: -0.3 * v - 16 * u, 8, 1.0),
        {"c": 0.3, "w": 4.0},
        [{"c": 0.1, "w": 1.0}, {"c": 1.0, "w": 10.0}, {"c": 2.0, "w": 1.5}],
    ),
    "pendulum": (
        pendulum,
        Box(t=(0, 6)),
        rest(1.5),
        solved(lambda u, v: -9 * np.sin(u), 6, 1.5),
        {"g": 9.0},
        [{"g": 1.0}, {"g": 30.0}],
    ),
    "wave": (
        wave,
        Box(t=(0, 3), x=(0, 1)),
        STRING,
        lambda X: np.sin(2 * np.pi * X[:, 1]) * np.cos(2 * np.pi * X[:, 0]),
        {"c": 1.0},
        [{"c": 0.3}, {"c": 3.0}],
    ),
}
NETWORKS = {"default": {}, "named": {"hidden_layer_sizes": (32,), "activation": "sin"}}


def main():
    print(f"{'problem':10}{'network':10}{'guess':24}{'found':26}{'error / std':>12}{'s':>7}")
    for name, (residual, domain, conditions, solution, truth, starts) in PROBLEMS.items():
        X = domain.sample(60, "uniform", 0)
        y = solution(X) + 0.03 * np.random.RandomState(1).standard_normal(len(X))
        for start in starts:
            for network, settings in NETWORKS.items():
                unknowns = {one: Unknown(value, low=0) for one, value in start.items()}
                problem = Problem.from_function(residual, domain, conditions, coefficients=unknowns)
                began = time.process_time()
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    fit = PINNEstimator(problem, random_state=0, **settings).fit(X, y)
                seconds = time.process_time() - began
                off = max(
                    abs(fit.unknowns_[one] - truth[one]) / fit.unknowns_std_[one] for one in truth
                )
                told = "" if not caught else " warned"
                guess, found = (
                    ", ".join(f"{one} = {value:.4g}" for one, value in values.items())
                    for values in (start, fit.unknowns_)
                )
                print(
                    f"{name:10}{network:10}{guess:24}{found:26}{off:12.2g}{seconds:7.1f}{told}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
