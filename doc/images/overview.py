"""The figure of the first page and of the README, on light and on dark ground.

    python doc/images/overview.py

writes ``overview_light.png`` and ``overview_dark.png`` beside this file, in a minute or two, and
prints what the figure says.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skngd import NaturalMomentumRegressor, PINNEstimator
from skngd.datasets import make_mackey_glass
from skngd.forecast import RecursiveForecaster
from skngd.pde import Unknown
from skngd.problems import zoo

# What was learnt, what is forecast and what is drawn of the series before; intervals.
LEARNT, AHEAD, BEFORE, N_INTERVALS = 400, 150, 100, 20
NOISE = 0.03
GROUNDS = {"light": ("white", "0.15"), "dark": ("#14181e", "0.85")}


def forecast_of_a_series():
    """A chaotic series with noise, learnt, and its next values with a band."""
    random = np.random.RandomState(0)
    truth = make_mackey_glass(300 + LEARNT + AHEAD)[300:]
    series = truth + NOISE * random.standard_normal(len(truth))
    network = NaturalMomentumRegressor(n_init=1, random_state=0)
    forecaster = RecursiveForecaster(network, lags=18, random_state=0).fit(series[:LEARNT])
    low, middle, high = forecaster.predict_quantiles(AHEAD, (0.025, 0.5, 0.975))
    inside = np.mean((low <= series[LEARNT:]) & (series[LEARNT:] <= high))
    print(f"forecast: {100 * inside:.0f} % of the next {AHEAD} values are in the band")
    return series, low, middle, high


def solution_of_an_equation():
    """Burgers' equation, and what the fit says of its error."""
    solver = PINNEstimator(zoo.Burgers(nu=0.02), tol=1e-4, random_state=0).fit()
    t, x = np.linspace(0, 1, 121), np.linspace(-1, 1, 161)
    grid = np.stack(np.meshgrid(t, x, indexing="ij"), axis=-1).reshape(-1, 2)
    u, exact = solver.predict(grid), zoo.Burgers(nu=0.02).solution(grid)
    error = solver.error_estimate_["u"]
    actual = np.linalg.norm(u - exact) / np.linalg.norm(exact)
    print(f"equation: relative error {error:.0e} by the fit, {actual:.0e} in truth")
    return t, x, u.reshape(len(t), len(x)), error


def intervals_of_a_coefficient():
    """The diffusivity of the heat equation from fifty measurements, in several experiments."""
    found = []
    for seed in range(N_INTERVALS):
        random = np.random.RandomState(seed)
        X = random.uniform(size=(50, 2))
        y = zoo.Heat().solution(X) + 0.004 * random.standard_normal(50)
        solver = PINNEstimator(zoo.Heat(kappa=Unknown(1.0, low=0)), random_state=0).fit(X, y)
        found.append((solver.unknowns_["kappa"], 1.96 * solver.unknowns_std_["kappa"]))
    values, widths = np.array(found).T
    covered = np.abs(values - 0.25) <= widths
    print(f"both: {covered.sum()} of {N_INTERVALS} intervals cover the truth")
    return values, widths, covered


def draw(ground, ink, forecast, solution, intervals):
    settings = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), ink)
    settings |= {"xtick.color": ink, "ytick.color": ink, "legend.labelcolor": ink}
    settings |= {"figure.facecolor": ground, "axes.facecolor": ground, "font.size": 11}
    settings |= {"legend.frameon": False, "legend.fontsize": 9, "axes.titlesize": 12}
    with plt.rc_context(settings):
        figure, (data, equation, both) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")

        series, low, middle, high = forecast
        steps, ahead = np.arange(-BEFORE, AHEAD), np.arange(AHEAD)
        seen = series[LEARNT - BEFORE :]
        data.plot(steps, seen, ".", color="0.5", markersize=3, label="measured")
        blue = "#0072B2" if ground == "white" else "#56B4E9"
        data.plot(ahead, middle, color=blue, linewidth=1.6, label="forecast")
        data.fill_between(ahead, low, high, color=blue, alpha=0.3, linewidth=0, label="95 % band")
        data.axvline(0, color="0.5", linewidth=0.8, linestyle=":")
        data.set(xlabel="steps ahead", ylabel="x", title="I have data", ylim=(0.1, 1.85))
        data.legend(loc="upper right", ncols=3, columnspacing=1.0, handlelength=1.2, markerscale=2)

        t, x, u, error = solution
        image = equation.pcolormesh(t, x, u.T, cmap="cividis", shading="nearest", rasterized=True)
        equation.contour(
            t,
            x,
            u.T,
            levels=[-0.8, -0.6, -0.4, -0.2, 0.2, 0.4, 0.6, 0.8],
            colors="white",
            linewidths=0.6,
        )
        figure.colorbar(image, ax=equation, label="u").outline.set_edgecolor("0.5")
        equation.set(xlabel="t", ylabel="x", title="I have an equation")
        equation.text(
            0.97,
            0.04,
            f"estimated error {error:.0e}",
            transform=equation.transAxes,
            ha="right",
            fontsize=9,
            color="white",
        )

        values, widths, covered = intervals
        number = np.arange(1, len(values) + 1)
        for chosen, mark, label in ((covered, "o", None), (~covered, "s", "misses it")):
            both.errorbar(
                number[chosen],
                values[chosen],
                widths[chosen],
                fmt=mark,
                color=blue,
                capsize=2,
                label=label,
                markersize=4,
                markerfacecolor=blue if mark == "o" else ground,
                linewidth=1.2,
            )
        both.axhline(0.25, color="0.5", linestyle="--", linewidth=1, label="truth")
        both.set(xlabel="experiment", ylabel="κ, 95 % interval", title="I have both")
        both.legend(loc="upper left")
        for axes in (data, both):
            axes.spines[["top", "right"]].set_visible(False)
        return figure


if __name__ == "__main__":
    answers = forecast_of_a_series(), solution_of_an_equation(), intervals_of_a_coefficient()
    for name, (ground, ink) in GROUNDS.items():
        figure = draw(ground, ink, *answers)
        figure.savefig(Path(__file__).with_name(f"overview_{name}.png"), dpi=110)
        plt.close(figure)
