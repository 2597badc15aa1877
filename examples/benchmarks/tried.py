"""Ideas for equations, each with and without: ``python tried.py [IDEA ...] [--seeds N ...]``.

The figures of the page "What was tried" of the documentation, on problems of ``race.py``, which are
not those of ``defaults.py``. Printed are geometric means over the seeds: of the relative L2 error
for the race, with its seconds; of the loss after 1, 2, 4 and 8 seconds for what concerns one
network, 20-20 neurons of tanh. One thread.
"""

import argparse
import contextlib
import time
import warnings
from dataclasses import replace
from unittest import mock

import long_times
import numpy as np
import plates
import race as problems
import torch

from skngd import PINNEstimator
from skngd.estimators.accuracy import error
from skngd.estimators.evolution import slabs
from skngd.estimators.points import physics
from skngd.estimators.starts import growth, race
from skngd.optim import trust_region
from skngd.optim.damping import BOLD
from skngd.pde import Equation, Initial, Periodic
from skngd.pde.discretization import Discretization
from skngd.pde.residuals import holes, view
from skngd.problems.zoo import Laplace2D

TIMES = 1, 2, 4, 8
NETWORK = {"hidden_layer_sizes": (20, 20), "activation": "tanh", "max_iter": 10_000, "tol": 0}
# What a network does, without what corrects it at the end.
NETWORK["estimate_error"] = False


class Ring(problems.Known):
    """u_t + 20 u_x = 0, periodic: a sine that travels."""

    domain = problems.Box(t=(0, 1), x=(0, 2 * np.pi))
    hard = False

    @property
    def conditions(self):
        return Initial(np.sin), Periodic("x", hard=self.hard)

    def exact(self, t, x):
        return np.sin(x - 20 * t)

    def residual(self, u, t, x):
        return u.t + 20 * u.x


def first(x):
    """The start of :class:`Diffusion` for quantities of the solver, too."""
    return sum(np.exp(-((x - 3 + 2 * np.pi * turn) ** 2) / 0.2) for turn in range(-2, 3))


class Diffusion(Ring):
    """u_t = 0.02 u_xx − u_x: a Gaussian on a ring."""

    def exact(self, t, x):
        width = 0.2 + 0.08 * t
        turns = 2 * np.pi * np.arange(-2, 3)[:, None]
        return np.sqrt(0.2 / width) * np.exp(-((x - 3 - t + turns) ** 2) / width).sum(0)

    @property
    def conditions(self):
        return Initial(first), Periodic("x", hard=self.hard)

    def residual(self, u, t, x):
        return u.t + u.x - 0.02 * u.xx


def plain_units(self):
    """Units as before: ten for the last layer, one for all others."""
    scale = 10.0 * self._by_output(self.field_sizes)
    self.residuals.count_in(scale, np.ones(self.model.n_parameters))


def worst(stage):
    """A candidate that does not win, in the place of a deep network."""
    return max(stage.race.candidates, key=lambda candidate: candidate.loss)


def none(*_):
    """A stage that changes nothing."""
    return False


RACED = {
    "as it is": [],
    "one bandwidth for all coordinates": [(race, "STRETCHED", 0)],
    "no deep networks": [(growth.Growth, "_deeper", worst)],
    "no second stage": [(growth.Growth, "second_stage", none)],
    "neither": [
        (race, "STRETCHED", 0),
        (growth.Growth, "_deeper", worst),
        (growth.Growth, "second_stage", none),
    ],
}
SCHEDULES = {
    "as it is": BOLD,
    "λ falls from a ratio of 0.5 on": replace(BOLD, good_ratio=0.5, poor_ratio=0.25),
    "from 0.75 on": replace(BOLD, good_ratio=0.75, poor_ratio=0.5),
    "from 0.9 on": replace(BOLD, good_ratio=0.9, poor_ratio=0.75),
    "λ × 3 after a refusal": replace(BOLD, growth=3.0),
    "λ × 4 after a refusal": replace(BOLD, growth=4.0),
}
HOLES = {
    "no potentials": [(race, "view_of", lambda problem, **_: view.view_of(problem))],
    "charges": [(holes, "ROOM", 0)],
    "charges and dipoles": [],
    "the same, no groups": [(Discretization, "groups_of_inputs", lambda self: None)],
}
UNITS = {
    "by the number of inputs": [],
    "ten for the last layer": [(physics.Physics, "_count_parameters", plain_units)],
}


def patched(changes):
    """A context in which attributes are others."""
    stack = contextlib.ExitStack()
    for change in changes:
        stack.enter_context(mock.patch.object(*change))
    return stack


def error_of(solver, problem):
    X = problem.domain.sample(3000, random_state=5)
    u = problem.solution(X)
    return np.linalg.norm(solver.predict(X) - u) / np.linalg.norm(u)


def fitted(problem, seed, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PINNEstimator(problem, random_state=seed, **settings).fit()


def mean(columns):
    """Geometric means over the seeds."""
    return np.exp(np.mean(np.log(np.maximum(columns, 1e-300)), axis=0))


def show_race(seeds):
    for cls in (problems.Wave, problems.Pulse, problems.Peak, problems.Bump, problems.Relaxation):
        for name, changes in RACED.items():
            rows = []
            for seed in seeds:
                with patched(changes):
                    began = time.perf_counter()
                    solver = fitted(cls(), seed)
                    rows.append((error_of(solver, cls()), time.perf_counter() - began))
            error, seconds = mean(rows)
            print(f"{cls.__name__:12} {name:36} {error:8.1e} {seconds:6.1f} s", flush=True)


def losses(problem, seed, **settings):
    """The lowest loss so far at the times, and the error at the end."""
    solver = fitted(problem, seed, max_time=TIMES[-1], **{**NETWORK, **settings})
    lowest = np.minimum.accumulate(solver.history_["loss"])
    places = np.searchsorted(solver.history_["time"], TIMES, side="right") - 1
    return [*lowest[np.maximum(places, 0)], error_of(solver, problem)]


def show(cls, name, rows):
    *found, error = mean(rows)
    told = " ".join(f"{loss:8.1e}" for loss in found)
    print(f"{cls.__name__:16} {name:36} {told}   error {error:8.1e}", flush=True)


def show_units(seeds):
    for cls in (problems.Peak, problems.Soliton, problems.Bump, problems.Pulse, problems.Rational):
        for name, changes in UNITS.items():
            with patched(changes):
                show(cls, name, [losses(cls(), seed) for seed in seeds])


def show_ratio(seeds):
    for cls in (problems.Peak, problems.Soliton, problems.Bump, problems.Pulse):
        for name, schedule in SCHEDULES.items():
            with patched([(trust_region, "BOLD", schedule)]):
                show(cls, name, [losses(cls(), seed) for seed in seeds])


def show_circles(seeds):
    networks = {"sin 64": ((64,), "sin"), "tanh 20-20": ((20, 20), "tanh")}
    for cls in (Ring, Diffusion):
        for label, (sizes, activation) in networks.items():
            for hard in (False, True):
                problem = type(cls.__name__, (cls,), {"hard": hard})()
                named = {"hidden_layer_sizes": sizes, "activation": activation}
                rows = [losses(problem, seed, **named) for seed in seeds]
                show(cls, f"{label}, {'cosine and sine' if hard else 'soft'}", rows)


def show_holes(seeds):
    for cls in plates.PLATES:
        for name, changes in HOLES.items():
            rows = []
            for seed in seeds:
                with patched(changes):
                    began = time.perf_counter()
                    solver = fitted(cls(), seed, max_time=30.0)
                    rows.append((error_of(solver, cls()), time.perf_counter() - began))
            error, seconds = mean(rows)
            print(f"{cls.__name__:12} {name:36} {error:8.1e} {seconds:6.1f} s", flush=True)


def with_weight(cls, weight):
    """The problem with the weight of all conditions."""

    def conditions(self):
        found = cls().conditions
        for condition in found:
            condition.weight = weight
        return found

    return type(cls.__name__, (cls,), {"conditions": property(conditions)})()


def show_weights(seeds):
    for cls in (problems.Pulse, problems.Soliton, problems.Peak, problems.Reaction):
        for weight in (1.0, 10.0, 100.0):
            rows = [losses(with_weight(cls, weight), seed) for seed in seeds]
            show(cls, f"conditions weigh {weight:g}", rows)
        rows = []
        for seed in seeds:
            # As DSGNAR: the equation is small at first. Two seconds, then as stated.
            heavy = fitted(with_weight(cls, 100.0), seed, max_time=2.0, **NETWORK)
            heavy.set_params(problem=cls(), warm_start=True, max_time=TIMES[-1] - 2.0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                heavy.fit()
            rows.append([np.nan, np.nan, np.nan, heavy.loss_, error_of(heavy, cls())])
        show(cls, "100 for two seconds, then 1", rows)


class PeakWithGradient(problems.Peak):
    """Peak, and the gradient of its residual as further rows."""

    @property
    def conditions(self):
        return (
            *super().conditions,
            Equation(self.slope_x, name="x"),
            Equation(self.slope_y, name="y"),
        )

    def source(self, x, y):
        """f, the square of the distance to the middle, and u."""
        square = (x - 0.4) ** 2 + (y - 0.6) ** 2
        return 10000 * square - 200, self.exact(x, y)

    def slope_x(self, u, x, y):
        factor, v = self.source(x, y)
        return u.xxx + u.d("x", "y", "y") - (20000 - 100 * factor) * (x - 0.4) * v

    def slope_y(self, u, x, y):
        factor, v = self.source(x, y)
        return u.yyy + u.d("x", "x", "y") - (20000 - 100 * factor) * (y - 0.6) * v


def show_gradient(seeds):
    for n in (300, 600, 2400):
        points = {"n_interior": n, "n_boundary": 200}
        for cls in (problems.Peak, PeakWithGradient):
            rows = [losses(cls(), seed, **points) for seed in seeds]
            show(cls, f"{n} points", rows)
        points["n_boundary"] = [200, n, n]
        rows = [losses(PeakWithGradient(), seed, **points) for seed in seeds]
        show(PeakWithGradient, f"{n} points, as many of the gradient", rows)
        rows = [losses(problems.Peak(), seed, n_interior=n, sampler="adaptive") for seed in seeds]
        show(problems.Peak, f"{n} points, adaptive", rows)


def show_points(seeds):
    n_parameters = 481
    for cls in (problems.Peak, problems.Soliton, problems.Bump, problems.Pulse, problems.Reaction):
        for factor in (5, 3, 2, 1.3):
            n = round(factor * n_parameters)
            show(cls, f"{n} points", [losses(cls(), seed, n_interior=n) for seed in seeds])


def show_correction(seeds):
    networks = {"32": (32,), "20-20": (20, 20)}
    for cls in (
        *(problems.Exponential, problems.Peak, problems.Runge, problems.Pulse, problems.Bump),
        *(problems.Reaction, problems.Soliton, problems.Wave),
    ):
        for name, sizes in networks.items():
            rows = []
            for seed in seeds:
                named = {"hidden_layer_sizes": sizes, "activation": "tanh", "max_iter": 60}
                solver = fitted(cls(), seed, **named)
                with_it, (estimate,) = error_of(solver, cls()), solver.error_estimate_.values()
                solver = fitted(cls(), seed, **named, estimate_error=False)
                rows.append([error_of(solver, cls()), with_it, estimate])
            before, after, estimate = mean(rows)
            print(
                f"{cls.__name__:12} {name:6} network {before:8.1e}   corrected {after:8.1e}   "
                f"estimate {estimate:8.1e}",
                flush=True,
            )


def show_cutoff(seeds):
    cutoffs = {f"rcond {r:g}": {"rcond": r} for r in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)}
    cutoffs |= {"rcond auto": {}, "damping 1e-6": {"damping": 1e-6}}
    cutoffs["rcond adaptive"] = {"rcond": "adaptive"}
    fit = {"hidden_layer_sizes": (16,), "activation": "tanh", "n_interior": 400, "max_iter": 100}
    fit |= {"momentum": None, "tol": 0, "estimate_error": False, "variable_projection": False}
    for step_size in ("grid", 0.3, "trust-region"):
        for name, choice in cutoffs.items():
            errors = []
            for seed in seeds:
                solver = fitted(Laplace2D(), seed, step_size=step_size, **choice, **fit)
                errors.append(error_of(solver, Laplace2D()))
            best = np.exp(np.mean(np.log(errors)))
            told = f"{best:8.1e}   worst {max(errors):8.1e}"
            print(f"Laplace  {step_size!s:14} {name:16} {told}", flush=True)


def by_slabs(problem, seed):
    """Solutions on slabs of time, without what comes before them, and the processor's seconds."""
    began = time.process_time()
    estimator, random_state = PINNEstimator(problem, random_state=seed), np.random.RandomState(seed)
    with torch.no_grad():
        found = slabs.Slabs(estimator, problem, random_state, time.perf_counter()).run()
    return found, time.process_time() - began


def show_slabs(seeds):
    ways = {
        "as it is": [],
        "240 fresh neurons": [(error, "FRESH_OF_SLAB", 240)],
        "300 iterations": [(slabs, "FEW_ITERATIONS", 300)],
        "races where one fails": [(slabs, "RACED_AFTER", 0)],
        "half of the digits": [(slabs, "WANTED", 1e-5)],
    }
    for cls, end in ((long_times.Duffing, 12.0), (long_times.Lorenz, 2.5)):
        problem = type(cls.__name__, (cls,), {"end": end})()
        t = np.linspace(0, end, 1001)
        exact = problem.steps(t, rtol=1e-13, atol=1e-14)
        for name, changes in ways.items():
            rows = []
            for seed in seeds:
                with patched(changes):
                    found, seconds = by_slabs(problem, seed)
                ends = [one.problem_.high for one in found.fitted[:-1]]
                parts = zip(found.fitted, np.split(t, np.searchsorted(t, ends)), strict=True)
                u = [one.predict(part[:, None]).reshape(len(part), -1) for one, part in parts]
                off = long_times.error(np.concatenate(u), exact)
                rows.append([off, found.largest, len(found.fitted), seconds])
            off, told, n, seconds = mean(rows)
            print(
                f"{cls.__name__:8} {name:22} error {off:7.1e}  told {told:7.1e}  {n:4.1f} slabs  "
                f"{seconds:5.1f} s",
                flush=True,
            )


IDEAS = {
    "race": show_race,
    "units": show_units,
    "ratio": show_ratio,
    "circles": show_circles,
    "holes": show_holes,
    "weights": show_weights,
    "gradient": show_gradient,
    "points": show_points,
    "correction": show_correction,
    "cutoff": show_cutoff,
    "slabs": show_slabs,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("ideas", nargs="*", help=", ".join(IDEAS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for idea in arguments.ideas or IDEAS:
        print(f"\n{idea}")
        IDEAS[idea](arguments.seeds)


if __name__ == "__main__":
    main()
