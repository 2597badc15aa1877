"""Chaotic series, forecast as far as possible: ours beside echo state networks of reservoirpy.

Run with one thread::

    OMP_NUM_THREADS=1 python examples/benchmarks/forecast.py

2000 values of each series are learnt, and 500 are forecast from several starts beyond them:
Mackey-Glass as reservoirpy's tutorial makes it (``h=1``: the delayed value stands still during a
step), as the delay equation that it is, and that with noise, then the three coordinates of the
Lorenz equations at steps of 0.03. A forecast is valid until its error, relative to the standard
deviation of the series (for several coordinates the root mean square), passes 0.4. Valid times are
in steps, for Lorenz in Lyapunov times (1 / 0.906). The last columns are the part of the true values
inside of bands of 95 % over all steps, and over the steps up to the valid time.

The echo state networks have the settings of reservoirpy's tutorial 3: those of its generative mode
(500 neurons, spectral radius 0.99, ridge 1e-4) and those of its one-step task with as many neurons
(1.25, 1e-8), with 100 steps to warm up. They were not tuned for Lorenz, and have no bands. Ours are
the default regressor with 20 neurons for Mackey-Glass and 40 for Lorenz. The lags are what is known
of the systems: 18 for a delay of 17 steps, 1 for a state that is all observed, where the change is
learnt; two lags for Lorenz gave half the valid time. A linear autoregression stands beside them.
``--short 40`` measures bands on 40 short random series of each kind.
"""

import argparse
import time
import warnings
from importlib.util import find_spec

import numpy as np
from scipy.integrate import solve_ivp
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import BayesianRidge, LinearRegression

from skngd import NaturalMomentumRegressor
from skngd.datasets import make_mackey_glass
from skngd.forecast import RecursiveForecaster

N_LEARNT, WARM_UP, STEPS = 2000, 100, 500
TOLERANCE = 0.4
LYAPUNOV, LORENZ_STEP = 0.906, 0.03


def coarse_mackey_glass(n):
    """Runge-Kutta with a step of 1 and a delayed value that stands still, as in reservoirpy."""
    x = list(1.2 + 0.2 * (np.random.RandomState(0).uniform(size=18) - 0.5))
    for _ in range(n):
        driven = 0.2 * x[-18] / (1 + x[-18] ** 10)
        k1 = driven - 0.1 * x[-1]
        k2 = driven - 0.1 * (x[-1] + k1 / 2)
        k3 = driven - 0.1 * (x[-1] + k2 / 2)
        k4 = driven - 0.1 * (x[-1] + k3)
        x.append(x[-1] + (k1 + 2 * k2 + 2 * k3 + k4) / 6)
    return np.array(x[-n:])


def lorenz(n):
    """x, y, z at steps of 0.03."""

    def slope(_, u):
        x, y, z = u
        return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z

    times = LORENZ_STEP * np.arange(n)
    found = solve_ivp(
        slope, times[[0, -1]], [1.0, 1.0, 1.0], "DOP853", times, rtol=1e-10, atol=1e-10
    )
    return found.y.T


class Ours:
    """One recursive forecaster, its bands and its valid times."""

    def __init__(self, regressor, lags, target):
        self.model = RecursiveForecaster(
            regressor, lags=lags, target=target, n_paths=200, random_state=0
        )

    def fit(self, series):
        self.model.fit(series)

    def forecast(self, before, steps):
        return self.model.predict(steps, history=before)

    def band(self, before, steps):
        return self.model.predict_quantiles(steps, (0.025, 0.975), history=before)


class EchoState:
    """Reservoir and readout of reservoirpy, on values scaled to [-1, 1]."""

    def __init__(self, seed, sr, ridge):
        from reservoirpy.nodes import Reservoir, Ridge

        reservoir = Reservoir(
            500,
            input_scaling=1.0,
            sr=sr,
            lr=0.3,
            rc_connectivity=0.1,
            input_connectivity=0.2,
            seed=seed,
        )
        self.model = reservoir >> Ridge(ridge=ridge)

    def fit(self, series):
        self.low, self.width = series.min(axis=0), np.ptp(series, axis=0)
        scaled = self._scaled(series)
        self.model.fit(scaled[:-1], scaled[1:])

    def forecast(self, before, steps):
        self.model.reset()
        said = [self.model.run(self._scaled(before[-WARM_UP:]))[-1]]
        while len(said) < steps:
            said.append(self.model.step(said[-1]))
        said = (np.array(said) + 1) / 2
        return self.low + self.width * (said if np.ndim(self.low) else said[:, 0])

    def _scaled(self, series):
        scaled = 2 * (series - self.low) / self.width - 1
        return scaled.reshape(len(scaled), -1)


def valid_steps(told, true, scale):
    error = ((told - true) / scale) ** 2
    error = np.sqrt(error.reshape(len(error), -1).mean(axis=1))
    wrong = np.flatnonzero(~(error <= TOLERANCE))
    return wrong[0] if len(wrong) else len(error)


def measure(method, series, starts, band_starts):
    """Seconds of the fit, valid steps of each start, and what bands cover."""
    began, scale = time.perf_counter(), series.std(axis=0)
    method.fit(series[:N_LEARNT])
    seconds = time.perf_counter() - began
    valid, inside = [], [[], []]
    for number, start in enumerate(starts):
        true = series[start : start + STEPS]
        valid.append(valid_steps(method.forecast(series[:start], STEPS), true, scale))
        if hasattr(method, "band") and number < band_starts:
            low, high = method.band(series[:start], STEPS)
            is_inside = (low <= true) & (true <= high)
            inside[0].append(is_inside.mean())
            inside[1].append(is_inside[: valid[-1]].mean() if valid[-1] else np.nan)
    return seconds, valid, *inside


def autoregression(n, rng):
    """x(t) = 1.3 x(t − 1) − 0.6 x(t − 2) + ε."""
    x, noise = np.zeros(n + 50), rng.standard_normal(n + 50)
    for t in range(2, n + 50):
        x[t] = 1.3 * x[t - 1] - 0.6 * x[t - 2] + noise[t]
    return x[50:]


def seasons(n, rng):
    """A wave of period 12 on a trend, with noise."""
    t = np.arange(n)
    return np.sin(2 * np.pi * t / 12) + 0.01 * t + 0.2 * rng.standard_normal(n)


def logistic_map(n, rng):
    """Chaos, observed with noise."""
    x = [rng.uniform(0.1, 0.9)]
    while len(x) < n:
        x.append(3.8 * x[-1] * (1 - x[-1]))
    return np.array(x) + 0.01 * rng.standard_normal(n)


def coverage(n_series, horizon=10):
    """What bands of 95 % hold of short random series, ten steps ahead."""
    cases = {
        "autoregression": (autoregression, 3, "value"),
        "random walk": (lambda n, rng: rng.standard_normal(n).cumsum(), 2, "change"),
        "seasons": (seasons, 13, "change"),
        "logistic map": (logistic_map, 2, "value"),
    }
    regressors = {
        "skngd": NaturalMomentumRegressor((5,), n_init=1, random_state=0),
        "BayesianRidge": BayesianRidge(),
        "LinearRegression": LinearRegression(),
    }
    print(
        f"part of {n_series} series inside of bands of 95 %, over {horizon} steps, and at the last"
    )
    print(f"{'':18s}{'values':>8s}" + "".join(f"{name:>20s}" for name in regressors))
    for name, (draw, lags, target) in cases.items():
        for n in (80, 300):
            line = f"{name:18s}{n:8d}"
            for regressor in regressors.values():
                model = RecursiveForecaster(
                    regressor, lags=lags, target=target, n_paths=300, random_state=0
                )
                inside = []
                for seed in range(n_series):
                    x = draw(n + horizon, np.random.RandomState(seed))
                    low, high = model.fit(x[:n]).predict_quantiles(horizon, (0.025, 0.975))
                    inside.append((low <= x[n:]) & (x[n:] <= high))
                at_last = np.mean([row[-1] for row in inside])
                line += f"{100 * np.mean(inside):11.0f} % {100 * at_last:5.0f} %"
            print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--bands", type=int, default=6, help="starts of which bands are made")
    parser.add_argument("--short", type=int, metavar="N", help="N short random series instead")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", "Expected rows near those of fit")
    if arguments.short:
        return coverage(arguments.short)
    n = N_LEARNT + 300 * arguments.starts + 800
    exact = make_mackey_glass(n + 300, system="dde")[300:]
    noise = 0.01 * exact.std() * np.random.RandomState(0).standard_normal(n)
    # name: series, lags, target, neurons, unit of the valid time
    cases = {
        "Mackey-Glass, h = 1": (coarse_mackey_glass(n), 18, "value", 20, 1.0),
        "Mackey-Glass": (exact, 18, "value", 20, 1.0),
        "Mackey-Glass, 1 % noise": (exact + noise, 18, "value", 20, 1.0),
        "Lorenz": (lorenz(n + 300)[300:], 1, "change", 40, LORENZ_STEP * LYAPUNOV),
    }
    methods = {
        "skngd": lambda seed, lags, target, neurons: Ours(
            NaturalMomentumRegressor((neurons,), n_init=1, random_state=seed), lags, target
        ),
        "linear": lambda seed, lags, target, neurons: Ours(LinearRegression(), lags, target),
    }
    if find_spec("reservoirpy") is None:
        print("note: reservoirpy is not installed (extra 'bench')")
    else:
        methods["reservoirpy, generative"] = lambda seed, *_: EchoState(seed, 0.99, 1e-4)
        methods["reservoirpy, one step"] = lambda seed, *_: EchoState(seed, 1.25, 1e-8)
    print(f"medians over {arguments.seeds} seeds and {arguments.starts} starts, [10 %, 90 %]")
    print(f"{'':26s}{'valid':>9s}{'':16s}{'fit, s':>8s}{'inside':>9s}{'while valid':>13s}")
    for title, (series, *settings, unit) in cases.items():
        kind = "steps" if unit == 1 else "Lyapunov times"
        print(f"{title}, {STEPS * unit:.4g} {kind} at most")
        starts = N_LEARNT + WARM_UP + 300 * np.arange(arguments.starts)
        for name, make in methods.items():
            rows = [
                measure(make(seed, *settings), series, starts, arguments.bands)
                for seed in range(arguments.seeds if name != "linear" else 1)
            ]
            seconds, valid, inside, while_valid = (
                np.concatenate([np.atleast_1d(part) for part in parts])
                for parts in zip(*rows, strict=True)
            )
            low, middle, high = np.quantile(unit * valid, (0.1, 0.5, 0.9))
            spread = f" [{low:.1f}, {high:.1f}]"
            line = f"  {name:24s}{middle:9.1f}{spread:16s}{np.median(seconds):8.2f}"
            if len(inside):
                line += f"{100 * inside.mean():7.0f} %{100 * np.nanmean(while_valid):11.0f} %"
            print(line, flush=True)


if __name__ == "__main__":
    main()
