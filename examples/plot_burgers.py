"""
==============================
Burgers' equation, and a shock
==============================

A wave that steepens until viscosity stops it:

.. math:: u_t + u u_x = \\nu u_{xx}, \\qquad u(0, x) = -\\sin \\pi x, \\qquad u(t, \\pm 1) = 0,

with ν = 0.01. A shock of width 0.03 stands at x = 0 from t = 1/π on. Stating the problem and
solving it takes twenty lines.
"""

# %%
# The equation as it stands on paper
# ----------------------------------
# A problem is a class: where it lives, its conditions, and a residual that is to vanish. ``u`` is
# the value of the solution, ``u.t`` and ``u.xx`` are its derivatives.

import time

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay
from skngd.pde import Box, Dirichlet, Initial, Problem
from skngd.problems import zoo


class Burgers(Problem):
    domain = Box(t=(0, 1), x=(-1, 1))
    conditions = (Initial(lambda x: -np.sin(np.pi * x)), Dirichlet(0.0, on="x"))

    def __init__(self, nu=0.01):
        self.nu = nu

    def residual(self, u, t, x):
        return u.t + u * u.x - self.nu * u.xx


# %%
# Solving it
# ----------
# A smooth solution needs no settings at all. A shock wants several small layers, and points that
# move to where the residual is large: here every ten iterations. ``tol`` is the fall of the loss
# that further iterations have to be worth.

solver = PINNEstimator(
    Burgers(),
    hidden_layer_sizes=(12, 12, 12),
    activation="tanh",
    n_interior=1000,
    sampler="adaptive",
    resample_every=10,
    tol=1e-4,
    random_state=0,
)
began = time.perf_counter()
solver.fit()
seconds = time.perf_counter() - began

# %%
# How good it is
# --------------
# The same problem is in the zoo, with the solution of the Cole-Hopf formula.

t, x = np.linspace(0, 1, 101), np.linspace(-1, 1, 401)
grid = np.stack(np.meshgrid(t, x, indexing="ij"), axis=-1).reshape(-1, 2)
exact = zoo.Burgers(nu=0.01).solution(grid)
u = solver.predict(grid)
error = np.linalg.norm(u - exact) / np.linalg.norm(exact)
print(f"relative L2 error {error:.1e} after {solver.n_iter_} iterations, {seconds:.0f} s")

# %%
# The figure
# ----------
# The solution, cuts through it beside the exact one, and where the error sits.

u, exact = u.reshape(101, 401), exact.reshape(101, 401)
places = {"t": t, "x": x}
figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
figure.get_layout_engine().set(w_pad=0.15)
FieldDisplay.from_predictions(places, u, ax=axes[0])
axes[0].set(title="Solution u(t, x)")

rows = (0, 25, 50, 100)
cuts = [FieldDisplay.from_estimator(solver, fixed={"t": t[row]}, ax=axes[1]) for row in rows]
for row, cut in zip(rows, cuts, strict=True):
    colour = cut.artists_[0].get_color()
    axes[1].plot(x, exact[row], color=colour, linewidth=4, alpha=0.35, zorder=0)
axes[1].set(title="Network (thin) on exact (wide)", ylim=(-1.1, 1.2))
shock = axes[1].inset_axes((0.07, 0.12, 0.36, 0.34), xlim=(-0.08, 0.08), ylim=(-0.8, 0.8))
near = np.linspace(-0.08, 0.08, 61)
X = np.stack([np.ones_like(near), near], axis=1)
shock.plot(near, zoo.Burgers(nu=0.01).solution(X), color=colour, linewidth=4, alpha=0.35)
shock.plot(near, solver.predict(X), color=colour, linewidth=1)
shock.text(0.95, 0.95, "t = 1", transform=shock.transAxes, ha="right", va="top", fontsize="small")
shock.set(xticks=[-0.05, 0.05], yticks=[])
shock.tick_params(labelsize="small")

FieldDisplay.from_predictions(places, u - exact, label="|error|", is_size=True, ax=axes[2])
axes[2].set(title=f"Relative L2 error {error:.1e}")
plt.show()
