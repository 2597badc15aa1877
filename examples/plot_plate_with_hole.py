"""
===================
A plate with a hole
===================

Heat flows from the right edge of a plate to the left one, around an insulated hole of radius R:

.. math:: \\Delta u = 0, \\qquad \\partial u / \\partial n = 0 \\text{ on the hole},
    \\qquad u = x \\left(1 + R^2 / (x^2 + y^2)\\right) \\text{ on the edges}.

The values on the edges are those of a hole in an infinite plate, so that the exact solution is the
same expression everywhere. It is also the potential of a flow past a cylinder.
"""

# %%
# The equation
# ------------
# Domains can be subtracted and joined. Each face has a name for the conditions: those of a box are
# its coordinates, that of the disk is given here.

import time

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay
from skngd.pde import Box, Dirichlet, Disk, Neumann, Problem

RADIUS = 0.4


def around_hole(x, y):
    return x * (1 + RADIUS**2 / (x**2 + y**2))


class Plate(Problem):
    domain = Box(x=(-1, 1), y=(-1, 1)) - Disk(radius=RADIUS, face="hole")
    conditions = (Dirichlet(around_hole, on=("x", "y")), Neumann(0.0, on="hole"))

    def residual(self, u, x, y):
        return u.laplacian()


# %%
# Solving it
# ----------
# One hidden layer hardly bends around a hole; two small ones do.

solver = PINNEstimator(
    Plate(),
    hidden_layer_sizes=(20, 20),
    activation="tanh",
    n_interior=1000,
    tol=1e-4,
    random_state=0,
)
began = time.perf_counter()
solver.fit()
seconds = time.perf_counter() - began

# %%
# How good it is
# --------------
# ``contains`` tells which points of a grid belong to the domain; the others stay NaN.

side = np.linspace(-1, 1, 161)
grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
inside = Plate.domain.contains(grid)


def on_grid(values):
    everywhere = np.full(len(grid), np.nan)
    everywhere[inside] = values
    return everywhere.reshape(161, 161)


flux = [on_grid(-solver.derivative(grid[inside], name)) for name in ("x", "y")]
error = on_grid(solver.predict(grid[inside]) - around_hole(*grid[inside].T))
print(f"largest error {np.nanmax(np.abs(error)):.1e}, RMS {np.sqrt(np.nanmean(error**2)):.1e}")
print(f"{solver.n_iter_} iterations, {seconds:.1f} s")

# %%
# The figure
# ----------
# Left, lines of the heat flux −∇u, from the derivatives of the network; they close around the hole.

figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
FieldDisplay.from_estimator(solver, ax=axes[0])
axes[0].streamplot(
    side, side, *(part.T for part in flux), color="white", linewidth=0.7, arrowsize=0.8
)
axes[0].set(title="Temperature and heat flux")
places = {"x": side, "y": side}
FieldDisplay.from_predictions(places, error, label="|error|", is_size=True, ax=axes[1])
axes[1].set(title=f"Largest error {np.nanmax(np.abs(error)):.0e}")
for ax in axes:
    ax.add_patch(plt.Circle((0, 0), RADIUS, facecolor="white", edgecolor="0.2"))
    ax.set_aspect("equal")
plt.show()
