"""Levenberg-Marquardt and ANaGRAM as an ordinary JAX user writes them, on one thread in float64.

    python examples/benchmarks/pde_peers.py laplace2d lm --seed 0 --max-time 20

prints one line of JSON: the seconds, relative L2 errors and losses of every iteration (the start
included, at 0 s), the seconds of compilation, which are not in the times, and what the process
had of its core. The settings below were chosen on the seeds from 100 on, for each case and method
by themselves. Derivatives are nested ``jax.grad`` under ``jax.vmap``: here the fastest of the
usual ways.
"""

import argparse
import dataclasses
import json
import os
import time

import numpy as np
from pde_cases import (
    CASES,
    EPS_ADVECTION,
    EPS_ALLEN_CAHN,
    KAPPA_HEAT,
    NU_BURGERS,
    relative_error,
)

if __name__ == "__main__":  # before JAX starts its threads; the flag alone leaves XLA its own pool
    os.environ["NPROC"] = os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp


def partial(u, i):
    return lambda x: jax.grad(u)(x)[i]


def second(u, i):
    return partial(partial(u, i), i)


EQUATIONS = {
    "laplace2d": lambda u, x: second(u, 0)(x) + second(u, 1)(x),
    "laplace5d": lambda u, x: sum(second(u, i)(x) for i in range(5)),
    "heat": lambda u, x: partial(u, 0)(x) - KAPPA_HEAT * second(u, 1)(x),
    "burgers": lambda u, x: (
        partial(u, 0)(x) + u(x) * partial(u, 1)(x) - NU_BURGERS * second(u, 1)(x)
    ),
    "allen_cahn": lambda u, x: (
        partial(u, 0)(x) - EPS_ALLEN_CAHN * second(u, 1)(x) - 5 * (u(x) - u(x) ** 3)
    ),
    "advection_diffusion": lambda u, x: partial(u, 0)(x) - EPS_ADVECTION * second(u, 0)(x),
    "reaction_diffusion": lambda u, x: u(x) ** 3 - second(u, 0)(x),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What was chosen: start (weights of std 1/√fan-in × ``scale``, biases of std ``bias``), steps.

    ``down``, ``up``, ``damping``: Levenberg-Marquardt's λ is divided, multiplied, started. A large
    ``down`` and a small ``up`` find about the smallest λ that lowers the loss: the boldest step.
    ``rcond``: ANaGRAM's cut-off, relative to the largest singular value. ``weight``: of all
    conditions beside the equation's 1. ``resample_every``: iterations; 0 for never.
    """

    scale: float = 1.0
    bias: float = 1.0
    down: float = 200.0
    up: float = 2.0
    damping: float = 1.0
    rcond: float = 1e-6
    weight: float = 1.0
    resample_every: int = 0


SETTINGS = {
    ("laplace2d", "lm"): Settings(bias=1.5),
    ("laplace2d", "anagram"): Settings(rcond=3e-7),
    ("heat", "lm"): Settings(),
    ("heat", "anagram"): Settings(),
    ("laplace5d", "lm"): Settings(bias=2.0),
    ("advection_diffusion", "lm"): Settings(),
    ("advection_diffusion", "anagram"): Settings(bias=3.0, rcond=1e-9),
    ("reaction_diffusion", "lm"): Settings(bias=1.5),
    ("burgers", "lm"): Settings(bias=0.5, weight=10.0),
    ("allen_cahn", "lm"): Settings(bias=0.5, weight=100.0),
}


class Solver:
    """The network on inputs mapped to (−1, 1), its residuals, their Jacobian and the error."""

    def __init__(self, case, settings, seed, reference=None):
        self.case, self.settings, self.seed = case, settings, seed
        rng = np.random.default_rng(seed)
        start = []
        for n_in, n_out in self.sizes():
            start.append(rng.standard_normal(n_in * n_out) * settings.scale / np.sqrt(n_in))
            start.append(rng.standard_normal(n_out) * settings.bias)
        self.theta = jnp.asarray(np.concatenate(start))
        self.draw(0)
        X, self.exact = case.test_set(reference)
        predict = jax.jit(lambda theta, X: jax.vmap(lambda x: self.network(theta, x))(X))
        self.predict = lambda theta: np.asarray(predict(theta, X))

    def sizes(self):
        return tuple(zip(self.case.layers[:-1], self.case.layers[1:], strict=True))

    def draw(self, round):
        """Points are arguments of the compiled functions, so that they can be drawn anew."""
        blocks = self.case.points(self.seed, round)
        self.kinds = [block.kind for block in blocks]
        self.points = [(jnp.asarray(block.X), jnp.asarray(block.target)) for block in blocks]

    def network(self, theta, x):
        low, high = np.array(self.case.low), np.array(self.case.high)
        a, first = (2 * x - low - high) / (high - low), 0
        for n_in, n_out in self.sizes():
            last = first + n_in * n_out
            z = theta[first:last].reshape(n_out, n_in) @ a + theta[last : last + n_out]
            a, first = jnp.tanh(z), last + n_out
        return z[0] * x[0] * (1 - x[0]) if self.case.hard else z[0]

    def condition(self, kind, theta, x):
        def u(x):
            return self.network(theta, x)

        if kind == "equation":
            return EQUATIONS[self.case.name](u, x)
        return u(x) if kind == "value" else partial(u, len(x) - 1)(x)

    def rows(self, function, points):
        """√(weight / n) × a function of each point, block below block."""
        blocks = []
        for kind, (X, target) in zip(self.kinds, points, strict=True):
            weight = 1.0 if kind == "equation" else self.settings.weight
            blocks.append(np.sqrt(weight / len(X)) * function(kind, X, target))
        return jnp.concatenate(blocks)

    def residual(self, theta, points):
        def values(kind, X, target):
            return jax.vmap(lambda x: self.condition(kind, theta, x))(X) - target

        return self.rows(values, points)

    def jacobian(self, theta, points):
        def slopes(kind, X, target):
            gradient = jax.grad(lambda theta, x: self.condition(kind, theta, x))
            return jax.vmap(gradient, (None, 0))(theta, X)

        return self.rows(slopes, points)

    def loss(self, theta, points):
        return jnp.sum(self.residual(theta, points) ** 2)

    def compiled(self, function, *arguments):
        """Compiled ahead of time, for arguments like these; and the seconds that it took."""
        began = time.perf_counter()
        compiled = jax.jit(function).lower(*arguments).compile()
        return compiled, time.perf_counter() - began


def levenberg_marquardt(solver):
    """A function that takes a step, (θ, loss) or None, and the seconds of compilation."""
    settings, damping = solver.settings, solver.settings.damping

    def linearize(theta, points):
        r, J = solver.residual(theta, points), solver.jacobian(theta, points)
        return r @ r, J.T @ r, J.T @ J

    def attempt(theta, gradient, gram, damping, points):
        factor = jax.scipy.linalg.cho_factor(gram + damping * jnp.eye(len(theta)))
        new = theta - jax.scipy.linalg.cho_solve(factor, gradient)
        return new, solver.loss(new, points)

    theta, points = solver.theta, solver.points
    linearize, seconds = solver.compiled(linearize, theta, points)
    _, gradient, gram = linearize(theta, points)
    attempt, more = solver.compiled(attempt, theta, gradient, gram, damping, points)

    def step(theta):
        nonlocal damping
        loss, gradient, gram = linearize(theta, solver.points)
        while damping < 1e12:
            new, new_loss = attempt(theta, gradient, gram, damping, solver.points)
            if new_loss < loss:  # not so for the NaN of a failed Cholesky factorisation
                damping = max(damping / settings.down, 1e-16)
                return new, new_loss
            damping *= settings.up
        return None

    return step, seconds + more


def anagram(solver):
    """A step with a cut-off pseudo-inverse, the best of 31 lengths 1, 1/2, … 2⁻³⁰."""
    lengths = 2.0 ** -np.arange(31)

    def advance(theta, points):
        r, J = solver.residual(theta, points), solver.jacobian(theta, points)
        U, s, Vt = jnp.linalg.svd(J, full_matrices=False)
        inverse = jnp.where(s > solver.settings.rcond * s[0], 1 / s, 0.0)
        direction = Vt.T @ (inverse * (U.T @ r))
        news = theta - lengths[:, None] * direction
        losses = jax.vmap(lambda theta: solver.loss(theta, points))(news)
        best = jnp.nanargmin(losses)
        return news[best], losses[best]

    advance, seconds = solver.compiled(advance, solver.theta, solver.points)
    return lambda theta: advance(theta, solver.points), seconds


METHODS = {"lm": levenberg_marquardt, "anagram": anagram}


def run(case, method, seed=0, max_time=None, max_iter=100_000, settings=None, reference=None):
    """Times, errors and losses of a method on a case.

    Parameters
    ----------
    case, method : str
        Names in ``CASES`` and ``METHODS``.
    seed : int, default=0
        Of the initial weights and of the points, where these are drawn.
    max_time : float, default=the case's
        Seconds on the clock, which stands still while the error is evaluated.
    max_iter : int, default=100_000
    settings : Settings, default=those chosen for the case and the method
    reference : path or callable, optional
        See ``Case.test_set``.

    Returns
    -------
    dict
        ``times`` (seconds without compilation), ``errors`` and ``losses``: lists with the start
        and every iteration; ``compile_time`` and ``n_iter``; ``core_share``, processor time over
        clock time: below 1 where other work had the core, above 1 if the method used a second one.
    """
    problem = CASES[case]
    max_time = problem.max_time if max_time is None else max_time
    settings = settings or SETTINGS.get((case, method), Settings())
    solver = Solver(problem, settings, seed, reference)
    step, compile_time = METHODS[method](solver)
    theta, clock, processor, loss = solver.theta, 0.0, 0.0, solver.loss(solver.theta, solver.points)
    times, losses = [0.0], [float(loss)]
    errors = [relative_error(solver.predict(theta), solver.exact)]
    every = settings.resample_every
    while clock < max_time and len(times) <= max_iter:
        began, began_processor = time.perf_counter(), time.process_time()
        if every and len(times) % every == 0:
            solver.draw(len(times))
        taken = step(theta)
        if taken is None or not np.isfinite(taken[1]):
            break
        theta, loss = taken
        clock += time.perf_counter() - began
        processor += time.process_time() - began_processor
        times.append(clock)
        losses.append(float(loss))
        errors.append(relative_error(solver.predict(theta), solver.exact))
    return {
        "case": case,
        "method": method,
        "seed": seed,
        "times": times,
        "errors": errors,
        "losses": losses,
        "compile_time": compile_time,
        "n_iter": len(times) - 1,
        "core_share": processor / clock if clock else 1.0,
        "settings": dataclasses.asdict(settings),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=CASES)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-time", type=float, help="seconds; default: the case's")
    parser.add_argument("--max-iter", type=int, default=100_000)
    parser.add_argument("--reference", help="arrays t, x, u (.npz); default: of skngd.problems.zoo")
    for field in dataclasses.fields(Settings):
        parser.add_argument("--" + field.name.replace("_", "-"), type=field.type)
    arguments = vars(parser.parse_args())
    chosen = SETTINGS.get((arguments["case"], arguments["method"]), Settings())
    changes = {field.name: arguments.pop(field.name) for field in dataclasses.fields(Settings)}
    changes = {name: value for name, value in changes.items() if value is not None}
    settings = dataclasses.replace(chosen, **changes)
    print(json.dumps(run(**arguments, settings=settings)))


jax.config.update("jax_enable_x64", True)
if __name__ == "__main__":
    main()
