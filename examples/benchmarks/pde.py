"""Differential equations: ours beside Levenberg-Marquardt, ANaGRAM and DeepXDE.

Run with one thread, alone on the machine::

    OMP_NUM_THREADS=1 python examples/benchmarks/pde.py            # about an hour
    OMP_NUM_THREADS=1 python examples/benchmarks/pde.py laplace2d heat --seeds 3

Each run is a process of its own; methods take turns, seed by seed. Networks, and on the grids the
points, are the same for all; where points are random there are as many for all. Columns: median
seconds to each relative L2 error on a fine grid (a seed that does not get there counts as
infinite), without and with compilation (for ours: the first use of the libraries in the process);
iterations in brackets; then the median and the worst error at the end and the seconds of the whole
fit. The last column is the time of the best peer over ours, compilation left out (and, in brackets,
included, on both sides). Settings were chosen on the seeds
10 and 11, those of the peers on 100 and above.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from pde_cases import CASES

HERE = Path(__file__).parent
OURS = "skngd"
PEERS = {
    "Levenberg-Marquardt (JAX)": ("pde_peers.py", ["lm"]),
    "the same, usual damping": (
        "pde_peers.py",
        ["lm", "--down", "3", "--damping", "0.01", "--bias", "0.1"],
    ),
    "ANaGRAM (JAX)": ("pde_peers.py", ["anagram"]),
    "DeepXDE": ("pde_deepxde.py", []),
}
# Seconds for each run of a peer: two to ten times what the best of them needs to its last level.
BUDGETS = {
    "laplace2d": 8,
    "heat": 12,
    "laplace5d": 30,
    "burgers": 60,
    "allen_cahn": 100,
    "advection_diffusion": 5,
    "reaction_diffusion": 5,
}


def process(script, arguments):
    """The last line that a script prints, as JSON; None if it fails."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        print(f"{' '.join(command)} failed:\n{done.stderr[-600:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def run(name, method, seed, budget):
    if method == OURS:
        return process("pde_ours.py", [name, "--seed", seed])
    script, arguments = PEERS[method]
    return process(script, [name, *arguments, "--seed", seed, "--max-time", budget])


def reached(result, level, with_compilation):
    """Seconds and iterations to an error; infinite if it is not reached."""
    below = np.flatnonzero(np.array(result["errors"], dtype=float) <= level)
    if not len(below):
        return np.inf, np.inf
    extra = result["compile_time"] if with_compilation else 0.0
    # The lists of the peers begin with the start.
    offset = 0 if result["times"][0] == 0 else 1
    return result["times"][below[0]] + extra, below[0] + offset


def medians(results, level, with_compilation=False):
    times = [reached(result, level, with_compilation) for result in results]
    return np.median(times, axis=0)


def seconds(value):
    return "–" if not np.isfinite(value) else f"{value:.3g}"


def table(name, results):
    """Print the table of one case."""
    levels = [
        level for level in CASES[name].levels if np.isfinite(medians(results[OURS], level)[0])
    ]
    print(f"\n{name}: {CASES[name].equation}, network {'-'.join(map(str, CASES[name].layers))}")
    methods = list(results)
    print("| error | " + " | ".join(methods) + " | best peer : ours |")
    print("|---" * (len(methods) + 2) + "|")
    for level in levels:
        cells, without, within = [], [], []
        for method in methods:
            time, n = medians(results[method], level)
            compiled, _ = medians(results[method], level, True)
            if np.isfinite(time):
                cells.append(f"{seconds(time)} s, {seconds(compiled)} s ({n:.0f})")
            else:
                cells.append("–")
            if method == OURS:
                own = time, compiled
                continue
            without.append(time)
            within.append(compiled)
        ratio = " | –"
        if without:
            ratios = min(without) / own[0], min(within) / own[1]
            ratio = f" | {ratios[0]:.1f} ({ratios[1]:.1f})" if np.isfinite(ratios[0]) else " | –"
        print(f"| {level:.0e} | " + " | ".join(cells) + ratio + " |")
    ends = []
    for method in methods:
        errors = [min(r["errors"]) if method != OURS else r["final_error"] for r in results[method]]
        ends.append(f"{np.median(errors):.1e}, {np.max(errors):.1e}")
    print("| end: median, worst | " + " | ".join(ends) + " | |")
    whole = [np.median([r.get("seconds", r["times"][-1]) for r in results[m]]) for m in methods]
    print("| whole fit | " + " | ".join(f"{w:.3g} s" for w in whole) + " | |")
    squares = [result["square_error"] for result in results[OURS]]
    print(
        f"mean square error of ours: median {np.median(squares):.1e}, worst {np.max(squares):.1e}"
    )


def load(path):
    """The tables of saved runs."""
    cases = {}
    for line in Path(path).read_text().splitlines():
        result = json.loads(line)
        cases.setdefault(result["case"], {}).setdefault(result["method"], []).append(result)
    for name, results in cases.items():
        table(name, results)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", choices=[*CASES, []])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--save", help="a file that gets all runs as lines of JSON")
    parser.add_argument("--load", help="print the tables of such a file; nothing is run")
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load)
        return
    for name in arguments.cases or CASES:
        results = {}
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            for method in (OURS, *arguments.peers):
                result = run(name, method, seed, BUDGETS[name])
                if result is not None:
                    results.setdefault(method, []).append(result)
                    if arguments.save:
                        with open(arguments.save, "a") as file:
                            file.write(json.dumps({**result, "method": method}) + "\n")
        table(name, results)


if __name__ == "__main__":
    main()
