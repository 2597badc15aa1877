"""Equations solved by default, beside their targets: ``python defaults.py [--seeds N ...] [NAME]``.

Each problem is stated, and ``PINNEstimator(problem, random_state=seed).fit()`` has to answer: no
setting is named. Printed are the median and the largest error of the seeds (relative L2, at points
of its own), the median of ``error_estimate_`` ("said"), the median of the seconds, the target, and
which network won. ``!`` marks what misses its target; ``w`` counts the fits that warned, so that a
wrong answer without one is seen. One thread. The settings of the defaults were chosen with
``race.py``.

``--fastlsq`` runs that package beside ours, on its own problems: with the scale that it chooses,
and with the scale given. Its time is that of ``solve_linear`` or ``solve_nonlinear`` alone.
"""

import argparse
import time
import warnings

import default_problems as problems
import numpy as np
import torch

from skngd import PINNEstimator

HEADER = (
    f"{'problem':20} {'median':>8} {'worst':>8} {'said':>8} {'s':>6} {'target':>8} {'s':>4}    w  "
    "networks"
)


def measured(cls, seed):
    """Error, its estimate, seconds, whether it warned, and the network of one fit."""
    problem = cls()
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solver = PINNEstimator(problem, random_state=seed).fit()
    seconds = time.perf_counter() - began
    X = problem.points()
    u = problem.solution(X)
    error = np.linalg.norm(solver.predict(X) - u) / np.linalg.norm(u)
    sizes = "-".join(map(str, solver.hidden_layer_sizes_))
    estimate = max(solver.error_estimate_.values())
    return error, estimate, seconds, bool(caught), f"{solver.activation_} {sizes}"


def line(cls, seeds):
    """One row of the table."""
    errors, said, seconds, warned, won = zip(*(measured(cls, seed) for seed in seeds), strict=True)
    target, limit = cls.target
    error, took = np.median(errors), np.median(seconds)
    spread = " spread" if max(errors) > max(30 * error, target) else ""
    missed = ("!" if error > target else " ") + ("!" if took > limit else " ")
    return (
        f"{cls.__name__:20} {error:8.1e} {max(errors):8.1e} {np.median(said):8.1e} {took:6.1f} "
        f"{target:8.0e} {limit:4} {missed} {sum(warned)}  {', '.join(won)}{spread}"
    )


def beside_fastlsq(seeds, names):
    """The peer's problems, by both."""
    import fastlsq
    from fastlsq.problems import linear, nonlinear

    known = {"linear": linear, "nonlinear": nonlinear}
    solvers = {"linear": fastlsq.solve_linear, "nonlinear": fastlsq.solve_nonlinear}
    print(f"{'problem':20} {'solver':22} {'median':>8} {'worst':>8} {'s':>6}")
    for cls, (name, scale) in problems.OF_PEER.items():
        if names and cls.__name__ not in names:
            continue
        kind, name = name.split(".")

        def of_peer(seed, scale, kind=kind, name=name):
            torch.manual_seed(seed)
            problem = getattr(known[kind], name)()
            began = time.perf_counter()
            found = solvers[kind](problem, scale=scale, verbose=False, return_metrics=False)
            seconds = time.perf_counter() - began
            X = problem.get_test_points(3000)
            u, v = problem.exact(X), found["u_fn"](X)
            v = v[0] if isinstance(v, tuple) else v
            return float((u - v).norm() / u.norm()), seconds

        runs = {
            "skngd": lambda seed, cls=cls: measured(cls, seed)[::2][:2],
            "fastlsq": lambda seed: of_peer(seed, None),
            f"fastlsq, scale {scale:g}": lambda seed, scale=scale: of_peer(seed, scale),
        }
        for solver, run in runs.items():
            errors, seconds = zip(*map(run, seeds), strict=True)
            print(
                f"{cls.__name__:20} {solver:22} {np.median(errors):8.1e} {max(errors):8.1e} "
                f"{np.median(seconds):6.2f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", help="of problems or groups")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--fastlsq", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.fastlsq:
        return beside_fastlsq(arguments.seeds, arguments.names)
    print(HEADER)
    done = set()
    for group, classes in problems.GROUPS.items():
        for cls in classes:
            names = {group, cls.__name__}
            if cls in done or (arguments.names and not names & set(arguments.names)):
                continue
            done.add(cls)
            print(line(cls, arguments.seeds), flush=True)
    return None


if __name__ == "__main__":
    main()
