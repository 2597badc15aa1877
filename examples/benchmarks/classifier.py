"""Classification: natural momentum beside NGD, Adam, L-BFGS, MLPClassifier, LogisticRegression.

Run with one thread, alone on the machine::

    OMP_NUM_THREADS=1 python examples/benchmarks/classifier.py          # some minutes
    OMP_NUM_THREADS=1 python examples/benchmarks/classifier.py --xor --seeds 5

``--xor``: two by two clusters (``make_xor``, 2000 rows), five neurons. A method has converged when
the mean square error of its probabilities on the rows is within 0.001 of that of the true ones,
which is about 0.033. Iterations by seed; ∞ where 100 do not do. The settings of the constant steps
were chosen on the seeds 10 to 15.

``--data``: ``load_breast_cancer`` and ``load_digits``, five folds, ten neurons, standardised. Log
loss, accuracy, seconds of the fit (means over the folds), and the seconds that ours takes to the
log loss at which the peer ends, from the held-out log loss after each iteration. The default of
``alpha`` was chosen on ``load_wine``, ``make_classification`` and ``load_breast_cancer`` itself,
whose row is therefore not an independent one.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
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
CONSTANT = {"step_size": 0.05, "damping": 1e-3, "restart": None}
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


PEERS = {
    "MLPClassifier, adam": lambda: MLPClassifier((10,), max_iter=1000, random_state=0),
    "MLPClassifier, lbfgs": lambda: MLPClassifier(
        (10,), solver="lbfgs", max_iter=1000, random_state=0
    ),
    "LogisticRegression": lambda: LogisticRegression(max_iter=1000),
}


def data(name, load):
    """Log loss, accuracy and time over five folds."""
    X, y = load(return_X_y=True)
    rows = {method: [] for method in ["skngd", *PEERS]}
    to_level = {method: [] for method in PEERS}
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):

        def held_out(model, test=test):
            p = model.predict_proba(X[test])
            return log_loss(y[test], p), np.mean(p.argmax(axis=1) == y[test])

        seen = AfterEachIteration(held_out)
        ours = NaturalMomentumClassifier((10,), random_state=0).set_callbacks(seen)
        began = time.perf_counter()
        ours.fit(X[train], y[train])
        rows["skngd"].append((*held_out(ours), time.perf_counter() - began - seen.spent))
        losses = [loss for loss, _ in seen.found]
        for method, make in PEERS.items():
            peer = make_pipeline(StandardScaler(), make())
            began = time.perf_counter()
            peer.fit(X[train], y[train])
            seconds = time.perf_counter() - began
            rows[method].append((*held_out(peer), seconds))
            reached = first_below(losses, rows[method][-1][0])
            ours_to = np.inf if not np.isfinite(reached) else seen.times[reached - 1]
            to_level[method].append((ours_to, seconds))
    print(f"\n{name}: {X.shape[0]} rows, {X.shape[1]} columns, {len(np.unique(y))} classes")
    print("| method | log loss | accuracy | s | ours to its log loss, s | ratio |")
    print("|---|---|---|---|---|---|")
    for method, numbers in rows.items():
        loss, accuracy, seconds = np.mean(numbers, axis=0)
        cells = f"| {method} | {loss:.3f} | {accuracy:.3f} | {seconds:.2f} |"
        if method == "skngd":
            print(cells + " | |")
            continue
        own, theirs = np.median(to_level[method], axis=0)
        if np.isfinite(own):
            print(cells + f" {own:.2f} | {theirs / own:.1f} |")
        else:
            print(cells + " – | – |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--xor", action="store_true")
    parser.add_argument("--data", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    both = not (arguments.xor or arguments.data)
    if arguments.xor or both:
        xor(range(arguments.seeds))
    if arguments.data or both:
        data("load_breast_cancer", load_breast_cancer)
        data("load_digits", load_digits)


if __name__ == "__main__":
    main()
