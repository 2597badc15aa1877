"""Batches: what memories are worth there, and what the default comes to beside all rows at once.

Run with one thread, each part by its name::

    OMP_NUM_THREADS=1 python examples/benchmarks/batches.py memories   # ten minutes
    OMP_NUM_THREADS=1 python examples/benchmarks/batches.py default    # some minutes
    OMP_NUM_THREADS=1 python examples/benchmarks/batches.py many       # a minute

``memories``: 1 − R² on noise-free rows after equal time, each method with the best of a grid of
settings for each size of a batch, chosen on two tables and told for three others, medians over
seeds. The time is that of the processor: each method makes as many iterations as fit into it, by
what forty of them take. The first group projects onto the tangent space of the batch, the second
has the metric that remembers earlier batches; all take the mean of the last iterates.

``default``: batches of 32, 200 and 2000 rows by default beside all rows, as ratios of the errors.

``many``: a million rows by default, beside HistGradientBoostingRegressor.
"""

import argparse
import itertools
import time
import warnings

import numpy as np
import torch
from sklearn.datasets import make_friedman3
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning

from skngd import NaturalMomentumRegressor
from skngd.losses import SquaredLoss
from skngd.models import FullyConnected
from skngd.optim import Objective, build_method, minimize
from skngd.optim.averaging import Average
from skngd.optim.source import Batches
from skngd.optim.stopping import Stopping

N_TEST = 2000
# Settings that decide what an iteration costs.
KIND = ("momentum", "momentum_space", "memory", "step_size")


def friedman(random, n):
    X = random.uniform(size=(n, 10))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return X, y + 10 * X[:, 3] + 5 * X[:, 4]


def waves(random, n):
    X = random.uniform(-1, 1, (n, 4))
    return X, np.sin(3 * X[:, 0]) * X[:, 1] + np.cos(2 * X[:, 2] + X[:, 3])


def correlated(random, n):
    sources = random.standard_normal((n, 6))
    mixture = random.standard_normal((6, 6)) * np.array([3, 1, 1, 0.3, 0.1, 0.03])[:, None]
    y = np.tanh(sources[:, 0] + sources[:, 3] / 2) + sources[:, 1] * sources[:, 2] / 2
    return sources @ mixture, y + 0.3 * sources[:, 4]


def impedance(random, n):
    return make_friedman3(n, random_state=random.integers(2**31 - 1))


def product(random, n):
    X = random.standard_normal((n, 5))
    return X, np.cos(X[:, 0]) * X[:, 1] + np.exp(-(X[:, 2] ** 2)) + 0.2 * X[:, 3]


# Name: the function, the noise as a part of its deviation, hidden layers.
CHOOSING = {
    "friedman1, noise 0.2": (friedman, 0.2, (10,)),
    "waves, noise 0.1": (waves, 0.1, (10,)),
}
TOLD = {
    "correlated, noise 0.1": (correlated, 0.1, (10,)),
    "impedance, noise 0.1": (impedance, 0.1, (10,)),
    "product, noise 0": (product, 0.0, (8, 8)),
}


def table(name, seed, n=6000):
    """Noisy rows to fit, and noise-free ones to test."""
    make, noise, hidden = {**CHOOSING, **TOLD}[name]
    random = np.random.default_rng([seed, len(name)])
    X, y = make(random, n + N_TEST)
    noisy = y + noise * y.std() * random.standard_normal(len(y))
    return hidden, X[:n], noisy[:n], X[n:], y[n:]


class Study:
    """One network on one table; errors after some seconds."""

    def __init__(self, name, seed):
        hidden, X, y, X_test, y_test = table(name, seed)
        mean, scale = X.mean(0), X.std(0)
        self.points, self.rest = (
            torch.as_tensor((part - mean) / scale, dtype=torch.float64) for part in (X, X_test)
        )
        target = torch.as_tensor((y - y.mean()) / y.std(), dtype=torch.float64)
        self.truth = torch.as_tensor((y_test - y.mean()) / y.std(), dtype=torch.float64)
        self.network = FullyConnected((X.shape[1], *hidden, 1))
        self.objective = Objective(self.network, SquaredLoss(target[:, None]), self.points)
        self.seed, self.costs = seed, {}

    def mean_of_iterates(self, settings, size, n_iter):
        """Where so many iterations lead, θ̄."""
        random_state, average = np.random.RandomState(self.seed), Average()
        source = Batches(self.objective, size, random_state)
        with torch.no_grad():
            minimize(
                build_method(restart=None, **settings),
                self.objective,
                torch.as_tensor(self.network.initial(random_state)),
                source=Unwatched(source),
                monitor=lambda iterate: 0.0,
                stop_rules=Stopping(tol=0.0, floor=-1.0, n_iter_no_change=10**9),
                max_iter=n_iter,
                average=average,
            )
        return average.mean

    def iterations(self, settings, size, seconds):
        """How many fit into these seconds of the processor."""
        kind = tuple(settings.get(name) for name in KIND), size
        if kind not in self.costs:
            self.mean_of_iterates(settings, size, 10)
            began = time.process_time()
            self.mean_of_iterates(settings, size, 40)
            self.costs[kind] = (time.process_time() - began) / 40
        return int(seconds / self.costs[kind])

    def error(self, settings, size, seconds):
        """1 − R² on noise-free rows of the mean of the last iterates."""
        theta = self.mean_of_iterates(settings, size, self.iterations(settings, size, seconds))
        error = self.network.value(theta, self.rest)[:, 0] - self.truth
        part = float((error**2).mean() / self.truth.var())
        return min(part, 10.0) if np.isfinite(part) else 10.0


class Unwatched:
    """Batches without looks at all rows, so that the seconds are those of the steps."""

    draws, looks_every = True, 10**9

    def __init__(self, source):
        self.begin, self.draw, self.columns = source.begin, source.draw, source.columns


MEMORIES = {
    "none": {"momentum": None},
    "heavy ball, last momentum": {"momentum": "heavy-ball", "memory": "momentum"},
    "heavy ball, function difference": {"momentum": "heavy-ball", "memory": "difference"},
    "heavy ball, last gradient": {"momentum": "heavy-ball", "memory": "gradient"},
    "heavy ball, parameters": {"momentum": "heavy-ball", "momentum_space": "parameter"},
    "Nesterov, function difference": {"momentum": "nesterov", "memory": "difference"},
    "SPRING": {"momentum": "spring"},
}
# Of the metric of a batch, and of the one that remembers, whose α follows from the rows.
GRIDS = {
    "metric of the batch": {"step_size": (0.1, 0.3), "damping": (1e-3, 1e-2, 1e-1)},
    "metric with a memory": {"step_size": ("batches",), "damping": (3e-4, 1e-3, 3e-3, 1e-2)},
}
BETAS = {None: (0.5,), "spring": (0.8, 0.9, 0.95)}
OTHER_BETAS = (-0.3, 0.3, 0.6, 0.9)


def settings_of(group, memory):
    """Each of the grid as a dict."""
    grid = {**GRIDS[group], "beta": BETAS.get(memory["momentum"], OTHER_BETAS)}
    for values in itertools.product(*grid.values()):
        yield {**memory, **dict(zip(grid, values, strict=True))}


def memories(arguments):
    seconds = arguments.seconds
    chosen = [Study(name, 1000) for name in CHOOSING]
    told = {name: [Study(name, seed) for seed in range(arguments.seeds)] for name in TOLD}
    print(f"1 − R² on noise-free rows after {seconds:g} s; medians of {arguments.seeds} seeds\n")
    heads = [f"{name.split(',')[0]} {part:g} P" for name in TOLD for part in arguments.sizes]
    print(f"{'':54s}" + "".join(f"{head:>18s}" for head in heads))
    for group, (name, memory) in itertools.product(GRIDS, MEMORIES.items()):
        cells, found = [], {}
        for part in arguments.sizes:

            def mean_error(settings, part=part):
                errors = [study.error(settings, rows(study, part), seconds) for study in chosen]
                return np.mean(np.log(errors))

            found[part] = min(settings_of(group, memory), key=mean_error)
        for studies, part in itertools.product(told.values(), arguments.sizes):
            errors = [study.error(found[part], rows(study, part), seconds) for study in studies]
            cells.append(np.median(errors))
        print(f"{group + ', ' + name:54s}" + "".join(f"{cell:18.1e}" for cell in cells), flush=True)
        if arguments.settings:
            for part, settings in found.items():
                print(f"    {part:g} P: {settings}", flush=True)


def rows(study, part):
    return max(4, round(part * study.network.n_parameters))


def default(arguments):
    print("error on noise-free rows, as a part of that of all rows at once; seconds")
    for name in {**CHOOSING, **TOLD}:
        for size in (32, 200, 2000):
            ratios, times = [], []
            for seed in range(arguments.seeds):
                hidden, X, y, X_test, y_test = table(name, seed)
                whole = NaturalMomentumRegressor(hidden, n_init=1, random_state=seed).fit(X, y)
                began = time.perf_counter()
                batches = NaturalMomentumRegressor(
                    hidden,
                    n_init=1,
                    batch_size=size,
                    max_iter=arguments.max_iter,
                    random_state=seed,
                ).fit(X, y)
                times.append(time.perf_counter() - began)
                errors = [1 - model.score(X_test, y_test) for model in (batches, whole)]
                ratios.append(errors[0] / errors[1])
            told = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
            print(
                f"{name:24s} {size:5d} rows  {np.median(ratios):6.2f} ({told})"
                f"  {np.median(times):5.1f} s, {batches.n_iter_} iterations",
                flush=True,
            )


def many(arguments):
    random = np.random.default_rng(0)
    X, y = friedman(random, 1_100_000)
    y = y + random.standard_normal(len(y))
    n = 1_000_000
    for model in (
        NaturalMomentumRegressor(random_state=0),
        HistGradientBoostingRegressor(random_state=0),
    ):
        began = time.perf_counter()
        model.fit(X[:n], y[:n])
        seconds = time.perf_counter() - began
        score = model.score(X[n:], y[n:])
        print(f"{type(model).__name__:32s} {seconds:6.1f} s  R² {score:.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("memories", "default", "many"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each fit of memories")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.25, 1.0, 4.0], metavar="PART")
    parser.add_argument("--settings", action="store_true", help="print what was chosen")
    parser.add_argument("--max-iter", type=int, default=3000, help="of the fits of default")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    {"memories": memories, "default": default, "many": many}[arguments.part](arguments)


if __name__ == "__main__":
    main()
