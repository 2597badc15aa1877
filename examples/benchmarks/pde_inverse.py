"""Unknown coefficients and families of solutions: what the intervals are worth.

Run with one thread::

    OMP_NUM_THREADS=1 python examples/benchmarks/pde_inverse.py

Heat: kappa from 50 measurements with noise of 1 % of std(u), 50 seeds; the Cramér-Rao bound is that
of the exact solution at the same points. Burgers: nu, started at ten times the truth, from 1000
measurements with noise of 1 %. Advection-diffusion: one network for all eps in [0.1, 1]. Settings
were chosen on the seeds from 1000 on.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from skngd import PINNEstimator
from skngd.pde import Input, Unknown
from skngd.problems.zoo import AdvectionDiffusion, Burgers, Heat

KAPPA, NU = 0.25, 0.01 / np.pi
# Where nothing else is said; one start.
NETWORK = {"hidden_layer_sizes": (32,), "activation": "tanh"}


def heat(seeds, n_measurements=50):
    spread = Heat(KAPPA).solution(np.random.RandomState(0).uniform(size=(100_000, 2))).std()
    sigma, rows = 0.01 * spread, []
    for seed in seeds:
        random = np.random.RandomState(seed)
        X = random.uniform(size=(n_measurements, 2))
        u = Heat(KAPPA).solution(X)
        y = u + sigma * random.standard_normal(n_measurements)
        began = time.perf_counter()
        problem = Heat(kappa=Unknown(0.5, low=0))
        model = PINNEstimator(problem, **NETWORK, max_iter=100, random_state=seed).fit(X, y)
        seconds = time.perf_counter() - began
        kappa, std = model.unknowns_["kappa"], model.unknowns_std_["kappa"]
        sensitivity = -(np.pi**2) * X[:, 0] * u
        bound = sigma / np.linalg.norm(sensitivity)
        rows.append((abs(kappa - KAPPA) <= 1.96 * std, std / bound, kappa / KAPPA - 1, seconds))
    covered, ratio, error, seconds = np.array(rows).T
    print(f"heat, kappa: interval covers the truth in {covered.sum():.0f} of {len(rows)} seeds")
    print(
        f"  std / Cramér-Rao bound: median {np.median(ratio):.3f}, range {ratio.min():.2f} to "
        f"{ratio.max():.2f}"
    )
    print(
        f"  error of kappa: median {np.median(np.abs(error)):.2%}, worst {np.abs(error).max():.2%}"
        f"; {np.median(seconds):.2f} s a fit"
    )


def burgers(seeds, n_measurements=1000):
    for seed in seeds:
        random = np.random.RandomState(seed)
        X = np.column_stack(
            [random.uniform(0, 1, n_measurements), random.uniform(-1, 1, n_measurements)]
        )
        u = Burgers(NU).solution(X)
        y = u + 0.01 * u.std() * random.standard_normal(n_measurements)
        began = time.perf_counter()
        model = PINNEstimator(
            Burgers(nu=Unknown(10 * NU, low=0)),
            (20, 20, 20),
            activation="tanh",
            n_interior=3000,
            n_boundary=100,
            max_iter=150,
            random_state=seed,
        ).fit(X, y)
        nu, std = model.unknowns_["nu"] / NU, model.unknowns_std_["nu"] / NU
        print(
            f"Burgers, nu / truth: {nu:.4f} ± {1.96 * std:.4f}, {model.n_iter_} iterations, "
            f"{time.perf_counter() - began:.0f} s (seed {seed})"
        )


def parametric(seeds):
    x = np.linspace(0, 1, 201)
    for seed in seeds:
        held_out = np.random.RandomState(100 + seed).uniform(0.1, 1, 20)
        began = time.perf_counter()
        problem = AdvectionDiffusion(eps=Input(0.1, 1, scale="log"))
        model = PINNEstimator(problem, **NETWORK, max_iter=150, random_state=seed).fit()
        seconds = time.perf_counter() - began
        errors = [
            np.linalg.norm(model.predict(np.column_stack([x, np.full_like(x, eps)])) - exact)
            / np.linalg.norm(exact)
            for eps in held_out
            for exact in [AdvectionDiffusion(eps).solution(x[:, None])]
        ]
        print(
            f"advection-diffusion for all eps: relative L2 error at 20 held-out eps at most "
            f"{max(errors):.1e}, {seconds:.1f} s (seed {seed})"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heat", type=int, default=50, help="number of seeds")
    parser.add_argument("--burgers", type=int, default=3)
    parser.add_argument("--parametric", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    if arguments.heat:
        heat(range(arguments.heat))
    parametric(range(arguments.parametric))
    burgers(range(arguments.burgers))


if __name__ == "__main__":
    main()
