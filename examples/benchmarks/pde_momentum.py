"""What momentum does for −ε u″ + u′ = 1 and −u″ + u³ = f: iterations and time to an error.

Run with one thread::

    OMP_NUM_THREADS=1 python examples/benchmarks/pde_momentum.py

Hard conditions, 20 and 40 neurons, 200 points. Medians over the seeds of iterations and
milliseconds to the mean square error named; a seed that does not get there counts as infinite.
Above: the natural gradient with a constant step, where momentum has all the work to do. Below: the
adaptive damping of a trust region, as Levenberg-Marquardt has it, and what is added to it.
"""

import argparse
import warnings

import numpy as np
import torch
from pde_ours import run
from sklearn.exceptions import ConvergenceWarning

PLAIN = {"variable_projection": False, "geodesic_acceleration": False}
CONSTANT = {
    **PLAIN,
    "step_size": 0.3,
    "damping": 1e-6,
    "restart": None,
    "n_iter_no_change": 300,
}
METHODS = {
    "constant step, plain NGD": {**CONSTANT, "momentum": None},
    "constant step, heavy ball, last momentum": {**CONSTANT, "momentum": "heavy-ball"},
    "constant step, heavy ball, function difference": {
        **CONSTANT,
        "momentum": "heavy-ball",
        "memory": "difference",
    },
    "constant step, Nesterov, last momentum": {**CONSTANT, "momentum": "nesterov"},
    "constant step, SPRING": {**CONSTANT, "momentum": "spring"},
    "plain NGD, cut-off, grid search (ANaGRAM)": {
        **PLAIN,
        "momentum": None,
        "projection": "svd",
        "rcond": 1e-6,
        "step_size": "grid",
    },
    "Levenberg-Marquardt": {**PLAIN, "momentum": None},
    "Levenberg-Marquardt + natural heavy ball": {**PLAIN, "momentum": "heavy-ball"},
    "Levenberg-Marquardt + natural Nesterov": {**PLAIN, "momentum": "nesterov"},
    "default without momentum": {"momentum": None},
    "default": {},
    "default, Nesterov": {"momentum": "nesterov"},
}
LEVELS = {"advection_diffusion": (1e-8, 1e-12, 1e-16), "reaction_diffusion": (1e-8, 1e-13, 1e-16)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-iter", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    for case, levels in LEVELS.items():
        print(f"\n{case}")
        heads = " | ".join(f"{level:.0e}: iterations, ms" for level in levels)
        print(
            f"| method | {heads} | at the end: median, worst |\n" + "|---" * (len(levels) + 2) + "|"
        )
        runs = {method: [] for method in METHODS}
        for seed in range(arguments.seeds):
            for method, settings in METHODS.items():
                runs[method].append(run(case, seed, max_iter=arguments.max_iter, **settings))
        for method, results in runs.items():
            cells = []
            for level in levels:
                reached = []
                for result in results:
                    # The relative error squared times the mean square of the solution.
                    scale = result["square_error"] / result["final_error"] ** 2
                    square = np.array(result["errors"]) ** 2 * scale
                    below = np.flatnonzero(square <= level)
                    first = below[0] if len(below) else None
                    reached.append(
                        (np.inf, np.inf) if first is None else (first + 1, result["times"][first])
                    )
                n, seconds = np.median(reached, axis=0)
                cells.append(f"{n:.0f}, {1e3 * seconds:.0f}" if np.isfinite(n) else "–")
            ends = [result["square_error"] for result in results]
            cells.append(f"{np.median(ends):.0e}, {np.max(ends):.0e}")
            print(f"| {method} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
