"""The peers' own suite, PINNacle, by default: ``python pinnacle.py [--seeds N ...] [CASE ...]``.

Each case of :mod:`skngd.problems.pinnacle` is stated, and ``PINNEstimator(case,
random_state=seed).fit()`` has to answer; the two with unknown fields get their measurements. No
setting is named. Printed are the parameters of the network, the median of the seconds (of the
processor, so that other work on the machine does not count), the median and the largest error of
the seeds (relative L2 of all fields together, beside the solution or the reference that is part of
the package), what the fit says of it (the largest ``error_estimate_``, median), how many of the
fits warned, the best error of the suite's eleven methods and how many times smaller ours is. No
ratio is given for the two cases whose solution in the suite is wrong.

Fits are kept in ``--results FILE``, one line each, so that a run goes on where it was ended; a fit
that is there is not made again. ``--quick`` runs four cases that take seconds. One thread.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from skngd import PINNEstimator
from skngd.problems import pinnacle

QUICK = "Wave1d", "Poisson2dC", "PNd", "Heat2dMS"
HEADER = (
    f"{'case':12} {'seeds':>5} {'par.':>5} {'s':>6} {'median':>8} {'worst':>8} {'said':>8} "
    f"{'warned':>6} {'published':>9} {'ratio':>8}"
)


def relative_error(predicted, truth):
    """‖v − u‖ / ‖u‖ over all points and fields."""
    return float(np.linalg.norm(predicted - truth) / np.linalg.norm(truth))


def fitted(name, seed):
    """What one fit tells, as plain values."""
    case = getattr(pinnacle, name)()
    data = case.measured(seed) if isinstance(case, pinnacle.Inverse) else ()
    began = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solver = PINNEstimator(case, random_state=seed).fit(*data)
    seconds = time.process_time() - began
    X, u = case.reference()
    v = solver.predict(X).reshape(u.shape)
    return {
        "case": name,
        "seed": seed,
        "parameters": len(solver.theta_),
        "network": f"{solver.activation_} {'-'.join(map(str, solver.hidden_layer_sizes_))}",
        "seconds": round(seconds, 1),
        "error": relative_error(v, u),
        "errors": [relative_error(v[:, k], u[:, k]) for k in range(u.shape[1])],
        "said": solver.error_estimate_,
        "iterations": int(solver.n_iter_),
        "stop": solver.stop_reason_,
        "warnings": [str(one.message) for one in caught],
    }


def line(name, rows):
    """One row of the table."""
    errors = [row["error"] for row in rows]
    said = [max(row["said"].values()) for row in rows]
    published = getattr(pinnacle, name).published
    beside = f"{'–':>9} {'–':>8}"
    if published is not None:
        beside = f"{published:9.1e} {published / np.median(errors):8.3g}"
    return (
        f"{name:12} {len(rows):5} {max(row['parameters'] for row in rows):5} "
        f"{np.median([row['seconds'] for row in rows]):6.1f} {np.median(errors):8.1e} "
        f"{max(errors):8.1e} {np.median(said):8.1e} "
        f"{sum(bool(row['warnings']) for row in rows):6} {beside}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", help="of cases")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(3))
    parser.add_argument("--quick", action="store_true", help="four cases that take seconds")
    parser.add_argument("--results", type=Path, default=Path("pinnacle_results.jsonl"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = arguments.names or (QUICK if arguments.quick else pinnacle.CASES)
    kept = arguments.results.read_text().splitlines() if arguments.results.exists() else []
    rows = {(row["case"], row["seed"]): row for row in map(json.loads, kept)}
    for seed in arguments.seeds:
        for name in names:
            if (name, seed) not in rows:
                rows[name, seed] = fitted(name, seed)
                with arguments.results.open("a") as results:
                    results.write(json.dumps(rows[name, seed]) + "\n")
    print(HEADER)
    for name in names:
        print(line(name, [rows[name, seed] for seed in arguments.seeds]))


if __name__ == "__main__":
    main()
