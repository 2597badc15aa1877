"""
==================================
A system: predators and their prey
==================================

The populations of prey u and of predators v, after Lotka and Volterra:

.. math:: u' = \\alpha u - \\beta u v, \\qquad v' = \\delta u v - \\gamma v, \\qquad
    u(0) = 2, \\quad v(0) = 1.

Two fields, two equations. First they are solved; then forty noisy counts of the predators, and none
of the prey, are to tell all four coefficients.
"""

# %%
# The equations
# -------------
# ``fields`` names the components of the solution; ``residual`` takes them in this order, then the
# coordinates, and returns one quantity for each equation.

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

from skngd import PINNEstimator
from skngd.inspection import IntervalDisplay
from skngd.pde import Box, Initial, Problem, Unknown


class PredatorPrey(Problem):
    domain = Box(t=(0, 6))
    fields = ("u", "v")
    conditions = (Initial(2.0, field="u"), Initial(1.0, field="v"))

    def __init__(self, alpha=1.5, beta=1.0, delta=1.0, gamma=1.0):
        self.alpha = alpha
        self.beta = beta
        self.delta = delta
        self.gamma = gamma

    def residual(self, u, v, t):
        return (
            u.t - self.alpha * u + self.beta * u * v,
            v.t - self.delta * u * v + self.gamma * v,
        )


# %%
# Solving them
# ------------
# A Runge-Kutta method of order eight stands for the exact solution. ``tol`` is the fall of the loss
# that ten more iterations have to be worth.

t = np.linspace(0, 6, 301)
exact = solve_ivp(
    lambda t, z: (1.5 * z[0] - z[0] * z[1], z[0] * z[1] - z[1]),
    (0, 6),
    (2.0, 1.0),
    method="DOP853",
    t_eval=t,
    rtol=1e-12,
    atol=1e-12,
).y.T

began = time.perf_counter()
solver = PINNEstimator(PredatorPrey(), tol=1e-9, random_state=0).fit()
seconds = time.perf_counter() - began
populations = solver.predict(t.reshape(-1, 1))
error = np.abs(populations - exact).max()
print(f"forward: largest error {error:.1e}, in {seconds:.1f} s")

# %%
# What the predators tell
# -----------------------
# Entries of y that are NaN were not observed: here the whole column of the prey.

random = np.random.default_rng(0)
rows = np.linspace(5, 300, 40).astype(int)
X = t[rows].reshape(-1, 1)
y = exact[rows] + 0.05 * random.normal(size=(40, 2))
y[:, 0] = np.nan

guess = Unknown(0.8, low=0)
observer = PINNEstimator(PredatorPrey(guess, guess, guess, guess), random_state=0)
began = time.perf_counter()
observer.fit(X, y)
seconds = time.perf_counter() - began
hidden = observer.predict(t.reshape(-1, 1))

truth = PredatorPrey().get_params()
print(f"inverse, in {seconds:.1f} s:")
for name, value in observer.unknowns_.items():
    print(f"  {name:5s} = {value:.3f} ± {1.96 * observer.unknowns_std_[name]:.3f}", end="")
    print(f"  (truth {truth[name]:g})")

# %%
# The figure
# ----------
# In the middle, the prey that nobody counted.

figure, axes = plt.subplots(1, 3, figsize=(12.5, 4), layout="constrained")
axes[0].plot(*exact.T, color="C0", linewidth=5, alpha=0.35, label="Runge-Kutta")
axes[0].plot(*populations.T, color="C0", linewidth=1.2, label="network")
axes[0].plot(2, 1, "o", color="C0")
axes[0].annotate("t = 0", (2, 1), (-8, 0), textcoords="offset points", ha="right", va="center")
axes[0].set(xlabel="prey u", ylabel="predators v", title=f"Forward: error {error:.0e}")
axes[0].legend(loc="center")

for column, (name, colour) in enumerate((("prey u", "C1"), ("predators v", "C2"))):
    axes[1].plot(t, exact[:, column], color=colour, linewidth=5, alpha=0.35)
    axes[1].plot(t, hidden[:, column], color=colour, linewidth=1.2, label=name)
axes[1].plot(X, y[:, 1], "o", color="C2", markersize=3.5, label="counts of v")
axes[1].set(xlabel="t", ylabel="population", title="Inverse: prey from predators (wide: truth)")
axes[1].legend(loc="upper right")

IntervalDisplay.from_unknowns(observer, truth, ax=axes[2])
axes[2].set_xticklabels(["α", "β", "δ", "γ"])
plt.show()
