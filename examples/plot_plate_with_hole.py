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
x, y = np.meshgrid(side, side)
grid = np.stack([x.ravel(), y.ravel()], axis=1)
inside = Plate.domain.contains(grid)


def on_grid(values):
    everywhere = np.full(len(grid), np.nan)
    everywhere[inside] = values
    return everywhere.reshape(x.shape)


u = on_grid(solver.predict(grid[inside]))
flux = [on_grid(-solver.derivative(grid[inside], name)) for name in ("x", "y")]
error = np.abs(u - on_grid(around_hole(*grid[inside].T)))
print(f"largest error {np.nanmax(error):.1e}, RMS {np.sqrt(np.nanmean(error**2)):.1e}")
print(f"{solver.n_iter_} iterations, {seconds:.1f} s")

# %%
# The figure
# ----------
# Left, lines of the heat flux −∇u, from the derivatives of the network; they close around the hole.

figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
image = axes[0].contourf(x, y, u, 24, cmap="coolwarm")
figure.colorbar(image, ax=axes[0], shrink=0.8, label="temperature u")
axes[0].streamplot(x, y, *flux, color="0.2", linewidth=0.7, arrowsize=0.8, density=1.1)
axes[0].set(title="Temperature and heat flux")
image = axes[1].pcolormesh(x, y, np.log10(np.maximum(error, 1e-8)), cmap="magma", rasterized=True)
figure.colorbar(image, ax=axes[1], shrink=0.8, label="log₁₀ |error|")
axes[1].set(title=f"Largest error {np.nanmax(error):.0e}")
for ax in axes:
    ax.add_patch(plt.Circle((0, 0), RADIUS, facecolor="white", edgecolor="0.2"))
    ax.set(xlabel="x", ylabel="y", aspect="equal", xlim=(-1, 1), ylim=(-1, 1))
plt.show()
