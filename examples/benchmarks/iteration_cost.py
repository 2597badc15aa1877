"""Milliseconds of the parts of an iteration, and of a whole one.

Run with one thread::

    OMP_NUM_THREADS=1 python examples/benchmarks/iteration_cost.py

The closed-form Jacobian stands beside ``torch.func`` on the same network, for the shapes of
Mackey-Glass (4-10-1), the 2-D Laplace problem (2-32-1) and the 5-D one (5-64-1).
"""

import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from timing import milliseconds

from skngd import NaturalMomentumRegressor
from skngd.datasets import load_mackey_glass
from skngd.models import FullyConnected
from skngd.tangent import FACTORIZATIONS


def by_torch_func(network, theta, x):
    def one_row(theta, point):
        return network.value(theta, point[None])[0]

    return torch.func.vmap(torch.func.jacrev(one_row), in_dims=(None, 0))(theta, x)


def parts():
    title = ("rows × P", "Jacobian", "torch.func", "ratio", "Gram and Cholesky solve")
    print(f"{title[0]:>14s}{title[1]:>12s}{title[2]:>12s}{title[3]:>8s}{title[4]:>26s}")
    for rows, sizes, repeats in (
        (500, (4, 10, 1), 200),
        (784, (2, 32, 1), 100),
        (4000, (5, 64, 1), 10),
    ):
        network = FullyConnected(sizes)
        rng = np.random.RandomState(0)
        theta = torch.as_tensor(network.initial(rng))
        x = torch.as_tensor(rng.uniform(-1, 1, (rows, sizes[0])))
        record = network.record(theta, x)
        a, f = record.jacobian(), torch.ones(rows, 1, dtype=torch.float64)
        closed = milliseconds(record.jacobian, repeats)
        automatic = milliseconds(lambda n=network, t=theta, x=x: by_torch_func(n, t, x), repeats)
        solve = milliseconds(
            lambda a=a, f=f: FACTORIZATIONS["gram"]([(a, f)]).solve(damping=1e-6), repeats
        )
        shape = f"{rows} × {network.n_parameters}"
        print(f"{shape:>14s}{closed:12.3f}{automatic:12.2f}{automatic / closed:8.1f}{solve:26.2f}")


def whole():
    data = load_mackey_glass()
    variants = {
        "defaults": {},
        "momentum=None": {"momentum": None},
        "geodesic_acceleration=False": {"geodesic_acceleration": False},
    }
    print("61 parameters, 500 rows: an iteration, and how many to training RMSE 0.005 and 0.004")
    times, counts = {name: [] for name in variants}, {name: [] for name in variants}
    for seed in range(20):  # in turn, so that the machine's moods hit all alike
        for name, settings in variants.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = NaturalMomentumRegressor(n_init=1, alpha=0.0, random_state=seed, **settings)
                model.fit(data.X_train, data.y_train)
            times[name] += list(np.diff(model.history_["time"]))
            error = np.sqrt(2 * model.loss_curve_)
            below = [np.flatnonzero(error <= level) for level in (0.005, 0.004)]
            counts[name].append([index[0] if len(index) else np.inf for index in below])
    for name in variants:
        to_005, to_004 = np.median(counts[name], axis=0)
        print(f"{name:28s}{1e3 * np.median(times[name]):8.2f} ms{to_005:8.0f}{to_004:8.0f}")


if __name__ == "__main__":
    parts()
    whole()
