"""
===================================
A chaotic series, and how far ahead
===================================

Eighteen past values of the Mackey-Glass equation tell the next one. A network learns that from 1000
values, and is then applied again and again to what it has said itself. The band comes from sampled
paths, each with errors as large and as correlated in time as those of the fit.
"""

# %%
# The series
# ----------
# The delay equation, without noise and with some of it. The first 1000 values are learnt, the next
# 500 are forecast.

import matplotlib.pyplot as plt
import numpy as np

from skngd import NaturalMomentumRegressor
from skngd.datasets import make_mackey_glass
from skngd.forecast import RecursiveForecaster
from skngd.inspection import ForecastDisplay

exact = make_mackey_glass(2000, system="dde")[500:]
noise = 0.01 * np.random.RandomState(0).standard_normal(len(exact))
LEARNT, STEPS = 1000, 500
truth = exact[LEARNT : LEARNT + STEPS]

# %%
# Two forecasts
# -------------
# ``predict`` gives the path without errors, ``predict_quantiles`` a band of 95 %.

forecasts = {}
for name, series in {"exact values": exact, "values with noise": exact + noise}.items():
    network = NaturalMomentumRegressor((10,), max_iter=150, n_init=1, random_state=0)
    forecaster = RecursiveForecaster(network, lags=18, n_paths=200, random_state=0)
    forecaster.fit(series[:LEARNT])
    path = forecaster.predict(STEPS)
    band = forecaster.predict_quantiles(STEPS, (0.025, 0.975))
    future = series[LEARNT : LEARNT + STEPS]
    inside = np.mean((band[0] <= future) & (future <= band[1]))
    wrong = np.flatnonzero(np.abs(path - truth) > 0.4 * exact.std())
    forecasts[name] = path, band
    n_valid = wrong[0] if len(wrong) else STEPS
    print(f"{name}: standard deviation of the errors {forecaster.estimator_.noise_std_:.1e},")
    print(f"    valid for {n_valid} steps of {STEPS}, {100 * inside:.0f} % inside the band")

# %%
# The figure
# ----------
# A forecast counts as valid until it is off by 0.4 standard deviations of the series.

figure, axes = plt.subplots(3, 1, figsize=(10, 8), sharex=True, layout="constrained")
steps = np.arange(1, STEPS + 1)
for ax, (name, (path, band)) in zip(axes, forecasts.items(), strict=False):
    past = exact[:LEARNT]
    ForecastDisplay.from_predictions(path, band, past, truth, ax=ax)
    ax.set(title=f"Learnt from {name}", xlabel="", xlim=(-100, STEPS), ylim=(0.1, 1.9))
    ax.legend(loc="upper left", ncols=4)
for style, (name, (path, band)) in zip(("-", "--"), forecasts.items(), strict=True):
    axes[2].semilogy(steps, np.abs(path - truth), style, color="0.4", linewidth=1)
    axes[2].semilogy(steps, (band[1] - band[0]) / 2, style, color="C0", linewidth=2, label=name)
axes[2].set(
    xlabel="steps ahead",
    ylabel="half width, error",
    title="Half the width of the band (thick) and error of the forecast (thin)",
    ylim=(1e-8, 5),
)
axes[2].legend(loc="lower right")
plt.show()
