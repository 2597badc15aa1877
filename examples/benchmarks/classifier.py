"""Classification: natural momentum beside NGD, Adam, L-BFGS, MLPClassifier, LogisticRegression.

Run with one thread, alone on the machine::

    OMP_NUM_THREADS=1 python examples/benchmarks/classifier.py          # some minutes
    OMP_NUM_THREADS=1 python examples/benchmarks/classifier.py --xor

``--xor``: two by two clusters (``make_xor``, 2000 rows), five neurons. A method has converged when
the mean square error of its probabilities on the rows is within 0.001 of that of the true ones,
which is about 0.033. Iterations by seed; ∞ where 100 do not do. The settings of the constant steps
were chosen on the seeds 10 to 15.

``--data``: ``load_breast_cancer`` and ``load_digits``, five folds times the seeds of the networks,
standardised. Log loss, accuracy, seconds of the fit (means), and the seconds that ours of the same
width takes to within one percent of the log loss at which the peer ends, from the held-out log loss
after each iteration (medians of the runs that get there). ``MLPClassifier`` has its defaults (relu
and next to no weight decay), and once, by L-BFGS, tanh and our weight decay: the same objective.
``LogisticRegression`` stands beside ours without a hidden layer, with its weight decay: the same
convex problem. The default of ``alpha`` was
chosen on ``load_wine``, ``make_classification`` and ``load_breast_cancer`` itself, whose row is
therefore not an independent one; the width of 32 on the sets of ``--projections``, by
cross-validation with other folds.

``--projections``: ten smaller sets, by the Gram matrix and by conjugate gradients, without
momentum, with the natural heavy ball (HB) and with the quasi-natural one (QN): seconds, and in
brackets iterations, to within 10 and 2 percent of the lowest training loss that any of them finds
in 100 iterations.
"""

import argparse
import itertools
import time
import warnings
from functools import partial

import numpy as np
import torch
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_gaussian_quantiles,
    make_moons,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skngd import NaturalMomentumClassifier
from skngd.datasets import make_xor

MARGIN, LONGEST = 1e-3, 100
CONSTANT = {
    "step_size": 0.05,
    "damping": 1e-3,
    "restart": None,
    "momentum_space": "function",
}
XOR = {
    "default": {},
    "NGD, trust region": {"momentum": None},
    "NGD, α = 0.05": {"momentum": None, **CONSTANT},
    "heavy ball, α = 0.05": {"momentum": "heavy-ball", "beta": 0.8, **CONSTANT},
    "Nesterov, α = 0.05": {
        "momentum": "nesterov",
        "memory": "difference",
        "beta": 0.8,
        **CONSTANT,
    },
    "Adam, 0.01": {"optimizer": "adam", "step_size": 0.01},
    "Adam, 0.1": {"optimizer": "adam", "step_size": 0.1},
    "L-BFGS": {"optimizer": "lbfgs"},
}


class AfterEachIteration:
    """A callback that collects a number, with the seconds of the fit so far."""

    def __init__(self, number):
        self.number, self.found, self.times, self.spent = number, [], [], 0.0

    def setup(self, estimator, context):
        self.began = time.perf_counter()

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "iteration":
            now = time.perf_counter()
            self.times.append(now - self.began - self.spent)
            self.found.append(self.number(fitted_estimator))
            self.spent += time.perf_counter() - now
        return False


def square_error(p, y):
    return float(np.mean((p - y) ** 2))


def first_below(numbers, level):
    below = np.flatnonzero(np.array(numbers) <= level)
    return below[0] + 1 if len(below) else np.inf


def xor(seeds):
    """Iterations to the error of the true probabilities."""
    found = {name: [] for name in [*XOR, "MLPClassifier, adam (epochs)", "MLPClassifier, lbfgs"]}
    levels = []
    for seed in seeds:
        X, y, p = make_xor(2000, random_state=seed, return_probability=True)
        level = square_error(p, y) + MARGIN
        levels.append(level - MARGIN)

        def error(model, X=X, y=y):
            return square_error(model.predict_proba(X)[:, 1], y)

        for name, settings in XOR.items():
            seen = AfterEachIteration(error)
            NaturalMomentumClassifier(
                (5,),
                alpha=0.0,
                max_iter=LONGEST,
                n_init=1,
                n_iter_no_change=LONGEST,
                random_state=seed,
                **settings,
            ).set_callbacks(seen).fit(X, y)
            found[name].append(first_below(seen.found, level))
        peer = MLPClassifier((5,), activation="tanh", learning_rate_init=0.01, random_state=seed)
        errors = []
        for _ in range(LONGEST):
            errors.append(error(peer.partial_fit(X, y, classes=[0, 1])))
        found["MLPClassifier, adam (epochs)"].append(first_below(errors, level))
        errors = [
            error(
                MLPClassifier(
                    (5,), activation="tanh", solver="lbfgs", max_iter=n, random_state=seed
                ).fit(X, y)
            )
            for n in range(1, LONGEST + 1)
        ]
        found["MLPClassifier, lbfgs"].append(first_below(errors, level))
    print(f"\nXOR: mean square error of the true probabilities {np.round(levels, 4)}")
    print("| method | iterations, by seed | median |\n|---|---|---|")
    for name, numbers in found.items():
        cells = ", ".join("∞" if not np.isfinite(n) else f"{n:.0f}" for n in numbers)
        median = np.median(numbers)
        print(f"| {name} | {cells} | {'∞' if not np.isfinite(median) else f'{median:.0f}'} |")


WIDTHS = {"10 neurons": (10,), "32 neurons": (32,), "no hidden layer": ()}


def peers(hidden_layer_sizes, seed, n):
    """What stands beside ours of this width."""
    if not hidden_layer_sizes:
        return {"LogisticRegression": LogisticRegression(max_iter=1000)}
    settings = {"max_iter": 1000, "random_state": seed}
    lbfgs = {**settings, "solver": "lbfgs"}
    decay = {"activation": "tanh", "alpha": n * NaturalMomentumClassifier().alpha}
    return {
        "MLPClassifier, adam": MLPClassifier(hidden_layer_sizes, **settings),
        "MLPClassifier, lbfgs": MLPClassifier(hidden_layer_sizes, **lbfgs),
        "MLPClassifier, lbfgs, our decay": MLPClassifier(hidden_layer_sizes, **lbfgs, **decay),
    }


def data(name, load, seeds):
    """Log loss, accuracy and time over five folds and the seeds of the networks."""
    X, y = load(return_X_y=True)
    rows, to_level = {}, {}
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    for width, seed, (train, test) in itertools.product(WIDTHS, seeds, folds):

        def held_out(model, test=test):
            p = model.predict_proba(X[test])
            return log_loss(y[test], p), np.mean(p.argmax(axis=1) == y[test])

        seen = AfterEachIteration(held_out)
        ours = NaturalMomentumClassifier(WIDTHS[width], random_state=seed)
        if not WIDTHS[width]:
            ours.set_params(alpha=1 / len(train), tol=1e-4)
        ours.set_callbacks(seen)
        began = time.perf_counter()
        ours.fit(X[train], y[train])
        seconds = time.perf_counter() - began - seen.spent
        rows.setdefault((width, "skngd"), []).append((*held_out(ours), seconds))
        losses = [loss for loss, _ in seen.found]
        for method, model in peers(WIDTHS[width], seed, len(train)).items():
            peer = make_pipeline(StandardScaler(), model)
            began = time.perf_counter()
            peer.fit(X[train], y[train])
            seconds = time.perf_counter() - began
            rows.setdefault((width, method), []).append((*held_out(peer), seconds))
            reached = first_below(losses, 1.01 * rows[width, method][-1][0])
            ours_to = np.inf if not np.isfinite(reached) else seen.times[reached - 1]
            to_level.setdefault((width, method), []).append((ours_to, seconds))
    print(f"\n{name}: {X.shape[0]} rows, {X.shape[1]} columns, {len(np.unique(y))} classes")
    print("| width | method | log loss | accuracy | s | ours to its log loss | ratio of times |")
    print("|---|---|---|---|---|---|---|")
    for (width, method), numbers in rows.items():
        loss, accuracy, seconds = np.mean(numbers, axis=0)
        cells = f"| {width} | {method} | {loss:.3f} | {accuracy:.3f} | {seconds:.3f} s |"
        if method == "skngd":
            print(cells + " | |")
            continue
        times = np.array(to_level[width, method])
        there = times[np.isfinite(times[:, 0])]
        own, theirs = np.median(there, axis=0) if len(there) else (np.nan, np.nan)
        print(cells + f" {own:.3f} s, {len(there)} of {len(times)} | {theirs / own:.1f} |")


def small_sets():
    """Ten sets of data."""
    X, y = load_diabetes(return_X_y=True)
    made = partial(make_classification, n_clusters_per_class=1)
    return {
        "load_wine": load_wine(return_X_y=True),
        "load_iris": load_iris(return_X_y=True),
        "load_diabetes, halves": (X, np.digitize(y, np.quantile(y, [1 / 2]))),
        "load_diabetes, thirds": (X, np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))),
        "easy": made(500, 30, n_informative=10, n_redundant=10, class_sep=1.5, random_state=1),
        "noisy": made(500, 20, n_informative=5, flip_y=0.15, random_state=2),
        "five classes": made(1000, 30, n_informative=15, n_classes=5, random_state=3),
        "four clusters": made(
            1000, 10, n_informative=6, n_clusters_per_class=4, flip_y=0.02, random_state=4
        ),
        "moons": make_moons(300, noise=0.25, random_state=5),
        "quantiles": make_gaussian_quantiles(
            n_samples=600, n_features=5, n_classes=3, random_state=6
        ),
    }


NATURAL = {"momentum_space": "function", "restart": "loss"}
PROJECTIONS = {
    "gram": {"projection": "gram", "momentum": None},
    "cg": {"projection": "cg", "momentum": None},
    "gram (HB)": {"projection": "gram", "momentum": "heavy-ball", **NATURAL},
    "cg (HB)": {"projection": "cg", "momentum": "heavy-ball", **NATURAL},
    "cg (QN)": {"projection": "cg"},
}


LEVELS, MOST = (1.1, 1.02), 100


def to_level(model, level):
    """Seconds and iterations to a training loss; half as many again as there were if it is not."""
    below = np.flatnonzero(model.loss_curve_ <= level)
    times = model.history_["time"]
    return (times[below[0]], max(below[0], 1)) if len(below) else (1.5 * times[-1], 1.5 * MOST)


def projections(seeds):
    """Seconds and iterations of each form, relative to plain conjugate gradients."""
    print("\n| set | P | " + " | ".join(PROJECTIONS) + " |")
    print("|---|---|" + "---|" * len(PROJECTIONS))
    for width in (5, 32):
        logs = {name: [] for name in PROJECTIONS}
        for name, (X, y) in small_sets().items():
            fits = {
                method: [
                    NaturalMomentumClassifier(
                        (width,), n_init=1, max_iter=MOST, tol=1e-9, random_state=seed, **settings
                    ).fit(X, y)
                    for seed in seeds
                ]
                for method, settings in PROJECTIONS.items()
            }
            best = np.min([[model.loss_ for model in models] for models in fits.values()], axis=0)
            cells = []
            for method, models in fits.items():
                # (levels, 2), medians over the seeds
                found = np.median(
                    [
                        [to_level(model, level * low) for level in LEVELS]
                        for model, low in zip(models, best, strict=True)
                    ],
                    axis=0,
                )
                logs[method].append(np.log(found))
                cells.append(", ".join(f"{1000 * s:.0f} ms ({n:.0f})" for s, n in found))
            print(f"| {name} | {len(models[0].theta_)} | " + " | ".join(cells) + " |", flush=True)
        cells = []
        for numbers in logs.values():
            means = np.exp(np.mean(np.array(numbers) - np.array(logs["cg"]), axis=0))
            cells.append(", ".join(f"{s:.2f} ({n:.2f})" for s, n in means))
        print(f"| geometric mean, {width} neurons | | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--xor", action="store_true")
    parser.add_argument("--data", action="store_true")
    parser.add_argument("--projections", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    chosen = arguments.xor, arguments.data, arguments.projections
    seeds = range(arguments.seeds)
    if arguments.xor or not any(chosen):
        xor(seeds)
    if arguments.data or not any(chosen):
        data("load_breast_cancer", load_breast_cancer, seeds)
        data("load_digits", load_digits, seeds)
    if arguments.projections or not any(chosen):
        projections(seeds)


if __name__ == "__main__":
    main()
