"""Mackey-Glass, 4-10-1, constant step: iterations of each momentum beside plain NGD.

Run with one thread (about twenty minutes; ``--quick`` about one)::

    OMP_NUM_THREADS=1 python examples/benchmarks/momentum_constant_step.py

Each method has a constant step length α and no restart. Its settings (α, β, rcond) are the best on
ten seeds, by the median of the iterations to training RMSE 0.005 and, among equals, to 0.01; the
tables report the medians on twenty other seeds. First at the same α = 0.1 for all and with a
pseudo-inverse cut off at ``rcond``, as in the talk; then each at its best α; then with a damped
pseudo-inverse in the place of the cut-off, each at its best (α, β, λ). SPRING is damped everywhere.
A seed that does not get there within the iterations counts as infinite.
"""

import argparse
import itertools

import numpy as np
import torch

from skngd.datasets import load_mackey_glass
from skngd.losses import SquaredLoss
from skngd.models import FullyConnected
from skngd.optim import Objective, Stop, build_method, minimize

LEVELS = (0.01, 0.005)
MAX_ITER = 120

METHODS = {
    "plain NGD": {"momentum": None},
    "heavy ball, last momentum (LM)": {"momentum": "heavy-ball", "memory": "momentum"},
    "heavy ball, function difference (FD)": {"momentum": "heavy-ball", "memory": "difference"},
    "heavy ball, last gradient (LG)": {"momentum": "heavy-ball", "memory": "gradient"},
    "heavy ball, last gradient, −β": {"momentum": "heavy-ball", "memory": "gradient", "sign": -1},
    "Nesterov, function difference": {"momentum": "nesterov", "memory": "difference"},
    "Nesterov, last momentum": {"momentum": "nesterov", "memory": "momentum"},
    "quasi-natural (QN)": {"momentum": "heavy-ball", "momentum_space": "parameter"},
    "parameter-space Nesterov (pNAG)": {"momentum": "nesterov", "momentum_space": "parameter"},
    "SPRING": {"momentum": "spring"},
}


class UntilLevel:
    """Stop at the last level, or when the loss is hopeless."""

    def __init__(self, loss, hopeless=100):
        self.loss, self.hopeless = loss, hopeless

    def after(self, loss):
        if loss <= self.loss:
            return Stop("reached", "converged")
        return Stop("hopeless", "diverged") if not loss < self.hopeless else None


class Study:
    """Iterations to the levels, for any settings and seed."""

    def __init__(self):
        data = load_mackey_glass()
        X = (data.X_train - data.X_train.mean(0)) / data.X_train.std(0)
        self.scale = data.y_train.std()
        y = (data.y_train - data.y_train.mean()) / self.scale
        self.network = FullyConnected((4, 10, 1))
        loss = SquaredLoss(torch.as_tensor(y)[:, None])
        self.objective = Objective(self.network, loss, torch.as_tensor(X))

    def iterations(self, seed, sign=1, beta=0.0, cut=None, damped=False, **settings):
        cut = {"damping": cut} if damped else {"rcond": cut}
        method = build_method(beta=sign * beta, restart=None, **cut, **settings)
        theta = torch.as_tensor(self.network.initial(np.random.RandomState(seed)))
        with torch.no_grad():
            result = minimize(
                method,
                self.objective,
                theta,
                max_iter=MAX_ITER,
                stop_rules=UntilLevel(0.5 * (LEVELS[-1] / self.scale) ** 2),
            )
        rmse = np.sqrt(2 * np.array(result.history["loss"])) * self.scale
        below = [np.flatnonzero(rmse <= level) for level in LEVELS]
        return [index[0] if len(index) else np.inf for index in below]

    def medians(self, seeds, settings):
        return np.median([self.iterations(seed, **settings) for seed in seeds], axis=0)

    def best(self, method, seeds, alphas, betas, cuts):
        """The settings with the lowest median; bad ones are given up after three seeds."""
        if method["momentum"] is None:
            betas = (0.0,)
        ranked = []
        for alpha, beta, cut in itertools.product(alphas, betas, cuts):
            settings = {**method, "step_size": alpha, "beta": beta, "cut": cut}
            first = self.medians(seeds[:3], settings)
            if ranked and first[1] > 2 * ranked[0][0][0]:
                continue
            to_01, to_005 = self.medians(seeds, settings)
            ranked.append(((to_005, to_01), len(ranked), settings))
            ranked.sort()
        return ranked[0][2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a coarse grid, fewer seeds")
    arguments = parser.parse_args()
    study = Study()
    choose_on, report_on = list(range(1000, 1010)), list(range(20))
    alphas = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
    betas, rconds = (0.3, 0.45, 0.6, 0.75, 0.9), (3e-3, 1e-3, 3e-4, 1e-4)
    lambdas = (1e-1, 1e-2, 1e-3, 1e-4)
    if arguments.quick:
        alphas, betas, rconds, lambdas = (0.1, 0.2), (0.3, 0.6), (1e-3,), (1e-3,)
        choose_on, report_on = choose_on[:4], report_on[:8]
    tables = (
        ("α = 0.1 for all, cut off", (0.1,), False),
        ("each at its best α, cut off", alphas, False),
        ("each at its best α, damped", alphas, True),
    )
    for title, grid, all_damped in tables:
        print(f"\n{title}; iterations, medians over {len(report_on)} seeds")
        print(
            f"{'':38s}{'α':>6s}{'β':>7s}{'rcond, λ':>9s}"
            f"{'to 0.01':>9s}{'to 0.005':>10s}{'ratio':>7s}"
        )
        reference = None
        for name, choice in METHODS.items():
            damped = all_damped or choice["momentum"] == "spring"
            method = {**choice, "damped": damped}
            cuts = lambdas if damped else rconds
            settings = study.best(method, choose_on, grid, betas, cuts)
            to_01, to_005 = study.medians(report_on, settings)
            reference = to_005 if reference is None else reference
            beta = settings.get("sign", 1) * settings["beta"]
            ratio = to_005 / reference if np.isfinite(reference) else np.nan
            print(
                f"{name:38s}{settings['step_size']:6.2f}{beta:7.2f}{settings['cut']:9.0e}"
                f"{to_01:9.1f}{to_005:10.1f}{ratio:7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
