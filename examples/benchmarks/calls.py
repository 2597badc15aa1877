"""Calls of torch and milliseconds of an iteration, of this version or beside another one.

Run with one thread, and for a comparison with a second checkout (``git worktree``)::

    OMP_NUM_THREADS=1 python examples/benchmarks/calls.py
    OMP_NUM_THREADS=1 python examples/benchmarks/calls.py --other ../skngd-0.1

The two versions run in turn, each time in a new process, so that the machine's moods hit both
alike; times are medians over these runs. Calls are those of ``aten``, the ones inside of others
included, and do not depend on the machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # the profiler is to print nothing

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch.profiler import ProfilerActivity, profile

import skngd
from skngd import NaturalMomentumRegressor, PINNEstimator
from skngd.datasets import load_mackey_glass
from skngd.pde import zoo  # the place that all versions have

ROOT = Path(__file__).resolve().parents[2]


def equation(problem, hidden, **points):
    """A fit of a problem, by its number of iterations and further settings."""

    def fit(max_iter, **settings):
        settings = {"random_state": 0, "tol": 0, **points, **settings}
        return PINNEstimator(
            problem, hidden, activation="tanh", max_iter=max_iter, estimate_error=False, **settings
        ).fit()

    return fit


def series(max_iter, **settings):
    data = load_mackey_glass()
    model = NaturalMomentumRegressor(n_init=1, random_state=0, tol=0, max_iter=max_iter, **settings)
    return model.fit(data.X_train, data.y_train)


def cases():
    """Fits with two numbers of iterations: an iteration is the difference by their difference."""
    grid = {"n_interior": 784, "sampler": "grid"}
    heat = {"initial": 30, "dirichlet x": 60}
    uniform = {"n_interior": 4000, "n_boundary": 500, "sampler": "uniform"}
    return {
        "2-D Laplace, 900 × 129": (equation(zoo.Laplace2D(), (32,), n_boundary=116, **grid), 5, 25),
        "heat, 874 × 257": (equation(zoo.Heat(), (64,), n_boundary=heat, **grid), 5, 25),
        "Mackey-Glass, 500 × 61": (series, 5, 55),
        "5-D Laplace, 4500 × 449": (equation(zoo.Laplace5D(), (64,), **uniform), 3, 13),
        "Burgers, 4200 × 921": (
            equation(zoo.Burgers(), (20, 20, 20), n_interior=4000, n_boundary=100),
            2,
            8,
        ),
    }


def events_of_an_iteration(fit, few, many):
    """How often each thing that the profiler sees happens, by name, in an iteration."""
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    found, n_iterations = Counter(), 0
    for max_iter, sign in ((few, -1), (many, 1)):
        with profile(activities=activities) as profiled:
            n_iterations += sign * fit(max_iter).n_iter_
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.json"
            profiled.export_chrome_trace(str(trace))
            events = json.loads(trace.read_text(errors="replace"))["traceEvents"]
        for event in events:
            if event.get("ph") == "X":
                found[event["name"]] += sign
    return {name: count / n_iterations for name, count in found.items()}


def n_calls(events):
    """The calls of aten among them."""
    return sum(count for name, count in events.items() if name.startswith("aten::"))


def seconds_of_an_iteration(fit, few, many):
    """The mean over the same iterations."""
    time = fit(many).history_["time"]
    return (time[-1] - time[few]) / (len(time) - 1 - few)


def measure(counts_too):
    """Both for each case, by name; calls are None where they are not counted."""
    found = {}
    for name, (fit, few, many) in cases().items():
        fit(few)
        seconds = seconds_of_an_iteration(fit, few, many)
        calls = n_calls(events_of_an_iteration(fit, few, many)) if counts_too else None
        found[name] = [seconds, calls]
    return {"package": str(Path(skngd.__file__).parents[1]), "cases": found}


def measured_in(root, counts_too):
    """:func:`measure` in a new process that imports the package from a folder."""
    command = [sys.executable, __file__, "--measure", *(["--count"] if counts_too else [])]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"With the package in {root}:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if Path(answer["package"]) != root:
        raise SystemExit(f"Expected the package in {root}, got the one in {answer['package']}.")
    return answer["cases"]


def table(rounds):
    """Print what was measured: one column of each kind for each version, and ratios of two."""
    labels = ["calls", "ms"] if len(rounds) == 1 else ["old", "new", "ratio"] * 2
    if len(rounds) == 2:
        print(f"{'':26s}{'calls of an iteration':>27s}{'ms of an iteration':>27s}")
    print(f"{'':26s}" + "".join(f"{label:>9s}" for label in labels))
    for name in rounds[0][0]:
        calls = [runs[0][name][1] for runs in rounds]
        times = [1e3 * np.median([run[name][0] for run in runs]) for runs in rounds]
        line = f"{name:26s}"
        for values, digits in ((calls, 0), (times, 2)):
            line += "".join(f"{value:9.{digits}f}" for value in values)
            if len(values) == 2:
                line += f"{values[1] / values[0]:9.2f}"
        print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=Path, help="a checkout of an older version")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each version")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    if options.measure:
        print(json.dumps(measure(options.count)))
        return
    roots = [ROOT] if options.other is None else [options.other.resolve(), ROOT]
    rounds = [[] for _ in roots]
    for number in range(options.rounds):
        for root, runs in zip(roots, rounds, strict=True):
            runs.append(measured_in(root, counts_too=number == 0))
    table(rounds)


if __name__ == "__main__":
    main()
