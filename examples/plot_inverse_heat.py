"""
=====================================
A diffusivity from fifty measurements
=====================================

A rod cools, and fifty noisy readings of its temperature are to tell its diffusivity κ:

.. math:: u_t = \\kappa u_{xx}, \\qquad u(0, x) = \\sin \\pi x, \\qquad u(t, 0) = u(t, 1) = 0.

κ is fitted together with the temperature, and comes with an interval.
"""

# %%
# The equation
# ------------
# It is written once. Whether κ is a number or unknown is decided when the problem is made.

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay, IntervalDisplay
from skngd.pde import Box, Dirichlet, Initial, Problem, Unknown


class Heat(Problem):
    domain = Box(t=(0, 1), x=(0, 1))
    conditions = (Initial(lambda x: np.sin(np.pi * x)), Dirichlet(0.0, on="x"))

    def __init__(self, kappa=0.25):
        self.kappa = kappa

    def residual(self, u, t, x):
        return u.t - self.kappa * u.xx


def temperature(X, kappa=0.25):
    return np.exp(-kappa * np.pi**2 * X[:, 0]) * np.sin(np.pi * X[:, 1])


# %%
# The measurements
# ----------------
# Fifty places and times at random, with noise of 1 % of the standard deviation of u.

TRUTH = 0.25
t, x = np.linspace(0, 1, 81), np.linspace(0, 1, 81)
grid = np.stack(np.meshgrid(t, x, indexing="ij"), axis=-1).reshape(-1, 2)
NOISE = 0.01 * temperature(grid, TRUTH).std()


def measure(seed):
    random = np.random.default_rng(seed)
    X = random.uniform(size=(50, 2))
    return X, temperature(X, TRUTH) + NOISE * random.normal(size=50)


# %%
# κ and its interval
# ------------------
# The first guess is four times too large. The equation and its conditions are constraints; only
# the measurements have noise, and its size is estimated from them.

X, y = measure(seed=0)
solver = PINNEstimator(Heat(kappa=Unknown(1.0, low=0)), random_state=0)
began = time.perf_counter()
solver.fit(X, y)
seconds = time.perf_counter() - began

kappa, std = solver.unknowns_["kappa"], solver.unknowns_std_["kappa"]
error = np.sqrt(np.mean((solver.predict(grid) - temperature(grid, TRUTH)) ** 2))
print(f"κ = {kappa:.5f} ± {1.96 * std:.5f} (truth {TRUTH}), in {seconds:.1f} s")
print(f"noise of a reading {solver.noise_std_:.5f} (truth {NOISE:.5f})")
print(f"RMS error of the temperature {error:.1e}, below the noise")

# %%
# Does the interval keep its promise?
# -----------------------------------
# Ten experiments with new places and new noise. Of ten 95 % intervals one may miss. The first
# fit has shown which network is enough: sines, and half as many of them do.

lean = clone(solver).set_params(hidden_layer_sizes=(16,), activation="sin")
estimates = []
for seed in range(10):
    again = clone(lean).fit(*measure(seed))
    estimates.append((again.unknowns_["kappa"], 1.96 * again.unknowns_std_["kappa"]))
values, widths = np.array(estimates).T
names, truth = [str(1 + k) for k in range(10)], np.full(10, TRUTH)
intervals = IntervalDisplay(names, values, widths, label="κ", column="experiment", truth=truth)
print(f"{intervals.coverage:.0%} of the intervals cover the truth")

# %%
# The figure
# ----------

figure, axes = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
figure.get_layout_engine().set(w_pad=0.15)
FieldDisplay.from_estimator(solver, X, y, ax=axes[0])
axes[0].set(title="Fitted temperature and the 50 readings")

intervals.plot(axes[1])
axes[1].set(title="κ ± 1.96 standard deviations")
plt.show()
