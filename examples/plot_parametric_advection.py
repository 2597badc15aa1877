"""
===========================================
One network for a whole family of solutions
===========================================

Advection against diffusion on the unit interval, for every diffusion ε from 0.1 to 1 at once:

.. math:: -\\varepsilon u'' + u' = 1, \\qquad u(0) = u(1) = 0.

A coefficient that is an :class:`~skngd.pde.Input` is one more column of X. Solved once, the whole
family can be evaluated in microseconds, for curves that were never computed before.
"""

# %%
# The equation
# ------------
# The conditions are built into the ansatz by ``hard=True``: the network is multiplied by x (1 − x).

import time

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay
from skngd.pde import Box, Dirichlet, Input, Problem


class AdvectionDiffusion(Problem):
    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0, hard=True),)

    def __init__(self, eps=0.1):
        self.eps = eps

    def residual(self, u, x):
        return -self.eps * u.xx + u.x - 1


def exact(x, eps):
    return x - (np.exp((x - 1) / eps) - np.exp(-1 / eps)) / (1 - np.exp(-1 / eps))


# %%
# Solving it once
# ---------------
# Small ε bend the solution most. ``scale="log"`` draws the logarithm of ε evenly, and shows it to
# the network. ``tol`` is the relative error that is enough.

eps = Input(0.1, 1.0, scale="log")
solver = PINNEstimator(AdvectionDiffusion(eps), tol=1e-5, random_state=0)
began = time.perf_counter()
solver.fit()
seconds = time.perf_counter() - began

# %%
# Using it for twenty others
# --------------------------
# X has the columns x and ε. None of these twenty values of ε was among the training points.

x, held_out = np.linspace(0, 1, 201), np.linspace(0.1, 1, 20)
X = np.stack(np.meshgrid(x, held_out), axis=-1).reshape(-1, 2)
began = time.perf_counter()
u = solver.predict(X)
milliseconds = 1e3 * (time.perf_counter() - began)
worst = np.abs(u - exact(*X.T)).reshape(20, 201).max(axis=1)
print(f"fitted in {seconds:.1f} s, 20 solutions of 201 points in {milliseconds:.0f} ms")
print(f"largest error at any held-out ε: {worst.max():.1e}")

# %%
# The figure
# ----------

figure, axes = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
shown = (0.1, 0.2, 0.4, 1.0)
displays = [FieldDisplay.from_estimator(solver, fixed={"eps": eps}, ax=axes[0]) for eps in shown]
for eps, display in zip(shown, displays, strict=True):
    colour = display.artists_[0].get_color()
    axes[0].plot(x, exact(x, eps), color=colour, linewidth=5, alpha=0.35, zorder=0)
axes[0].set(title="Network (thin) on exact (wide)")
axes[1].semilogy(held_out, worst, "o-", color="C0")
axes[1].set(xlabel="ε", ylabel="max over x of |error|", title="Values of ε that were held out")
axes[1].grid(alpha=0.3)
plt.show()
