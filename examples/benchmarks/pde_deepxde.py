"""DeepXDE with Adam and then L-BFGS on a case of :mod:`pde_cases`, float64, one thread.

    python examples/benchmarks/pde_deepxde.py laplace2d --seed 0 --max-time 20

prints one line of JSON as :mod:`pde_peers` does. Same network, points and precision; Adam has the
first half of the time, L-BFGS the second. The error is taken every so many steps, off the clock.
"""

import argparse
import json
import os
import time

os.environ.setdefault("DDE_BACKEND", "pytorch")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import deepxde as dde
import numpy as np
import torch
from pde_cases import (
    CASES,
    EPS_ADVECTION,
    EPS_ALLEN_CAHN,
    KAPPA_HEAT,
    NU_BURGERS,
    relative_error,
)

from skngd.problems import zoo

TABLES = {"burgers": zoo.Burgers, "allen_cahn": zoo.AllenCahn}


def first(y, x, j):
    return dde.grad.jacobian(y, x, j=j)


def second(y, x, j):
    return dde.grad.hessian(y, x, i=j, j=j)


EQUATIONS = {
    "laplace2d": lambda x, y: second(y, x, 0) + second(y, x, 1),
    "laplace5d": lambda x, y: sum(second(y, x, j) for j in range(5)),
    "heat": lambda x, y: first(y, x, 0) - KAPPA_HEAT * second(y, x, 1),
    "burgers": lambda x, y: first(y, x, 0) + y * first(y, x, 1) - NU_BURGERS * second(y, x, 1),
    "allen_cahn": lambda x, y: first(y, x, 0) - EPS_ALLEN_CAHN * second(y, x, 1) - 5 * (y - y**3),
    "advection_diffusion": lambda x, y: first(y, x, 0) - EPS_ADVECTION * second(y, x, 0),
    "reaction_diffusion": lambda x, y: y**3 - second(y, x, 0),
}


def column(values):
    return values.reshape(-1, 1)


SOURCES = {
    "laplace2d": lambda x: column(-2 * np.pi**2 * torch.sin(np.pi * x).prod(1)),
    "laplace5d": lambda x: column(-(np.pi**2) * torch.sin(np.pi * x).sum(1)),
    "reaction_diffusion": lambda x: np.pi**2 * torch.cos(np.pi * x) + torch.cos(np.pi * x) ** 3,
}


class Watch(dde.callbacks.Callback):
    """Times and errors; stops when the seconds are over."""

    def __init__(self, X, exact, every):
        super().__init__()
        self.X, self.exact, self.every = X, exact, every
        self.times, self.errors, self.steps = [], [], 0
        self.spent, self.began, self.limit = 0.0, time.perf_counter(), np.inf

    def on_batch_end(self):
        self.steps += 1
        now = self.spent + time.perf_counter() - self.began
        if now > self.limit:
            self.model.stop_training = True
        if self.steps % self.every == 0 or now > self.limit:
            self.times.append(now)
            self.errors.append(relative_error(self.model.predict(self.X)[:, 0], self.exact))
            self.spent, self.began = now, time.perf_counter()


def run(name, seed, max_time):
    case = CASES[name]
    torch.set_num_threads(1)
    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)
    blocks = case.points(seed)
    equation = blocks[0]
    waves = SOURCES.get(name, lambda x: float(equation.target[0]))

    def residual(x, y):
        return EQUATIONS[name](x, y) - waves(x)

    conditions = []
    for block in blocks[1:]:
        values = block.target.reshape(-1, 1)
        if block.kind == "value":
            conditions.append(dde.icbc.PointSetBC(block.X, values))
        else:
            conditions.append(
                dde.icbc.PointSetOperatorBC(block.X, values, lambda x, y, _: first(y, x, 0))
            )
    low, high = list(case.low), list(case.high)
    box = dde.geometry.Hypercube(low, high) if len(low) > 1 else dde.geometry.Interval(*low, *high)
    data = dde.data.PDE(box, residual, conditions, num_domain=0, num_boundary=0, anchors=equation.X)
    network = dde.nn.FNN(list(case.layers), "tanh", "Glorot normal")
    if case.hard:
        network.apply_output_transform(lambda x, y: x * (1 - x) * y)
    X, exact = case.test_set((lambda X: TABLES[name]().solution(X)) if name in TABLES else None)
    model = dde.Model(data, network)
    model.compile("adam", lr=1e-3)
    watch = Watch(X, exact, every=100)
    watch.limit = max_time / 2
    model.train(iterations=10**7, callbacks=[watch], display_every=10**9, verbose=0)
    dde.optimizers.set_LBFGS_options(maxiter=10**7, ftol=0, gtol=0)
    # One step is as many iterations; the watch looks in between.
    dde.optimizers.config.LBFGS_options.update(iter_per_step=20, fun_per_step=25)
    model.compile("L-BFGS")
    model.stop_training = False
    watch.limit, watch.every, watch.began = max_time, 1, time.perf_counter()
    while watch.spent < max_time and not (watch.steps and model.stop_training):
        before = watch.steps
        model.train(callbacks=[watch], display_every=10**9, verbose=0)
        if watch.steps == before:
            break
    return {
        "case": name,
        "method": "deepxde",
        "seed": seed,
        "times": watch.times,
        "errors": watch.errors,
        "compile_time": 0.0,
        "n_iter": watch.steps,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=sorted(CASES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-time", type=float, default=20.0)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.case, arguments.seed, arguments.max_time)))


if __name__ == "__main__":
    main()
