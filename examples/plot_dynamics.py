"""
=================================================
Momentum as dynamics: a mass, friction and hills
=================================================

The heavy ball is a damped oscillator on the manifold,

.. math:: P_T \\ddot v + \\gamma \\dot v + P_T \\nabla L(v) = 0, \\qquad
          \\gamma = (1 - \\beta) / \\sqrt\\alpha,

with the time :math:`\\sqrt\\alpha` for one iteration: :eq:`ODE` in the user guide, :ref:`dynamics`.
"""

# %%
# Friction
# --------
# A linear model and the squared loss: all directions have the stiffness 1. Marks are natural heavy
# balls with α = 0.04, lines the solutions of the differential equation. With β = 0.64 the friction
# is critical: nothing comes back sooner without swinging over.

import matplotlib.pyplot as plt
import numpy as np
from toy import features, follow, function, vector, weights, x

from skngd.inspection import ConvergenceDisplay
from skngd.losses import SquaredLoss
from skngd.models import LinearModel, QuadraticModel
from skngd.optim import Objective, build_method

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
MARKERS = ("o", "s", "^", "D")
target, start = vector(0.0, 0.0), vector(1.0, 0.0)
straight = Objective(LinearModel(features, 2), SquaredLoss(function(target), weights), x)


def distances(momentum, alpha, beta, n_iter):
    """The first coordinate of the iterates."""
    settings = {"restart": None, "step_size": alpha, "damping": 0.0}
    method = build_method(momentum=momentum, beta=beta, **settings)
    return follow("", method, straight, start, n_iter).coordinates[:, 0]


def oscillation(t, gamma):
    """The solution of v'' + γ v' + v = 0 from rest at 1."""
    slow, fast = np.roots([1, gamma, 1]).astype(complex) + np.array([1e-6, -1e-6])
    return ((fast * np.exp(slow * t) - slow * np.exp(fast * t)) / (fast - slow)).real


figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
alpha, n_iter = 0.04, 60
h, t = np.sqrt(alpha), np.linspace(0, n_iter * np.sqrt(alpha), 300)
for beta, color, marker in zip((0.0, 0.64, 0.8, 0.95), COLORS, MARKERS, strict=True):
    path = distances("heavy-ball", alpha, beta, n_iter)
    gamma = (1 - beta) / h
    ax.plot(t / h, oscillation(t, gamma), color=color, linewidth=1.0)
    ax.plot(path, marker, color=color, markerfacecolor="none", markevery=2, markersize=4)
    ax.plot([], [], marker + "-", color=color, label=f"β = {beta:g}, γ = {gamma:.2g}")
ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
ax.set(xlabel="iteration", ylabel="v − u", title="Heavy balls and their equation")
ax.legend(fontsize="small")
plt.show()

# %%
# One β for all directions
# ------------------------
# How fast the distance falls, α = 0.1: marks from the last twenty of sixty iterations, lines from
# the roots of the recursion. Both methods have the rate 1 − √α at best, and rates near it around
# β = 0.5.

figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
betas = np.linspace(0, 0.95, 20)
alpha, best = 0.1, 1 - 0.1**0.5
recursions = {
    "heavy ball": ("heavy-ball", lambda b: [1, -(1 + b - alpha), b]),
    "Nesterov": ("nesterov", lambda b: [1, -(1 - alpha) * (1 + b), (1 - alpha) * b]),
}
for (name, (momentum, recursion)), color, marker in zip(
    recursions.items(), COLORS, MARKERS, strict=False
):
    fine = np.linspace(0, 0.95, 400)
    rates = [np.abs(np.roots(recursion(beta))).max() for beta in fine]
    ax.plot(fine, rates, color=color, linewidth=1.0)
    measured = []
    for beta in betas:
        path = np.abs(distances(momentum, alpha, beta, 60))
        # Where the path swings, the largest of ten is its size.
        measured.append((path[-10:].max() / path[-30:-20].max()) ** (1 / 20))
    ax.plot(betas, measured, marker, color=color, markerfacecolor="none", label=name)
ax.axhline(1 - alpha, color="0.6", linestyle=":", label="no momentum, 1 − α")
ax.axhline(best, color="0.6", linestyle="--", label="1 − √α")
ax.set(xlabel="β", ylabel="factor of each iteration", title="α = 0.1")
ax.legend(fontsize="small")
plt.show()

# %%
# Over a hill
# -----------
# The curve of :ref:`sphx_glr_auto_examples_plot_toy_escape.py` has a local minimum before a hill.
# The energy, kinetic and potential, falls; the loss by itself rises where the mass climbs. With a
# restart it may not rise: the method is monotone, and ends in the local minimum.

b, b_perpendicular = vector(0.18, 0.0), vector(0.0, 1.0)
curve = QuadraticModel(features, b.view(1, 2), 2 * b_perpendicular.view(1, 1, 2))
u = curve.coordinates(vector(0.3))
bent = Objective(curve, SquaredLoss(function(u), weights), x)
alpha = 0.2
curves = {}
for restart in (None, "loss"):
    method = build_method(
        momentum="heavy-ball", beta=0.75, restart=restart, step_size=alpha, damping=0.0
    )
    path = follow("", method, bent, vector(-0.7), 40)
    speeds = np.diff(path.coordinates, axis=0, prepend=path.coordinates[:1])
    energy = path.losses + (speeds**2).sum(1) / (2 * alpha)
    curves["no restart: loss" if restart is None else "restart: loss"] = path.losses
    if restart is None:
        curves["no restart: energy"] = energy
hill = float(bent.at(vector(-0.071)).loss)
figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
ConvergenceDisplay.from_predictions(curves, label="loss, energy", ax=ax)
ax.axhline(hill, color="0.6", linestyle=":", label="top of the hill")
ax.set(ylim=(1e-5, 1), title="Over a hill: α = 0.2, β = 0.75")
ax.legend(fontsize="small")
plt.show()
