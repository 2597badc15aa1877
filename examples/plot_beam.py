"""
=======================================
A pile in soil: a fourth-order equation
=======================================

A steel pile of length L = 10 m stands in soil that resists like springs. A horizontal force H
pushes its head; its deflection w obeys

.. math:: EI w'''' + k w = 0, \\qquad
    EI w'''(0) = H, \\quad w''(0) = 0, \\quad w''(L) = w'''(L) = 0,

with the bending stiffness EI of the pile and the stiffness k of the soil. What an engineer needs
is the bending moment :math:`EI w''` and the shear force :math:`EI w'''`: derivatives have to be
good, too.
"""

# %%
# The equation
# ------------
# ``w.xxxx`` is the fourth derivative. A condition that is no plain value or slope is an
# :class:`~skngd.pde.Equation`. Here lengths are in metres and forces in meganewtons, so that all
# terms are of order one.

import time

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.pde import Box, Equation, Problem

LENGTH = 10.0  # m


class Pile(Problem):
    domain = Box(x=(0, LENGTH))

    def __init__(self, force=0.1, stiffness=50.0, soil=10.0):
        self.force = force  # H, MN
        self.stiffness = stiffness  # EI, MN m²
        self.soil = soil  # k, MN/m²

    @property
    def conditions(self):
        return (
            Equation(lambda w, x: self.stiffness * w.xxx - self.force, on="x.min", name="push"),
            Equation(lambda w, x: self.stiffness * w.xxx, on="x.max", name="free tip"),
            Equation(lambda w, x: self.stiffness * w.xx, on="x", name="no moments"),
        )

    def residual(self, w, x):
        return self.stiffness * w.xxxx + self.soil * w


# %%
# Solving it
# ----------

pile = Pile()
began = time.perf_counter()
solver = PINNEstimator(pile, random_state=0).fit()
seconds = time.perf_counter() - began
print(f"{solver.n_iter_} iterations, {seconds:.1f} s")
print(solver.stop_reason_)

# %%
# How good it is
# --------------
# The exact solution combines four exponentials that obey the equation; the conditions at the ends
# say how. ``derivative`` gives the derivatives of the network.


def exact(x, order):
    root = (pile.soil / (4 * pile.stiffness)) ** 0.25
    rates = root * np.array([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j])
    largest_at = np.array([LENGTH, LENGTH, 0, 0])

    def exponentials(x, order):
        return rates**order * np.exp(rates * (np.reshape(x, (-1, 1)) - largest_at))

    rows = [exponentials(end, k) for end, k in ((0, 3), (0, 2), (LENGTH, 2), (LENGTH, 3))]
    weights = np.linalg.solve(np.concatenate(rows), [pile.force / pile.stiffness, 0, 0, 0])
    return (exponentials(x, order) @ weights).real


x = np.linspace(0, LENGTH, 201)
X = x.reshape(-1, 1)
curves = {
    "deflection w (mm)": (1e3, solver.predict(X), exact(x, 0)),
    "slope w′ (mrad)": (1e3, solver.derivative(X, "x"), exact(x, 1)),
    "moment EI w″ (kN m)": (1e3 * pile.stiffness, solver.derivative(X, "xx"), exact(x, 2)),
    "shear force EI w‴ (kN)": (1e3 * pile.stiffness, solver.derivative(X, "xxx"), exact(x, 3)),
}
for name, (_, found, true) in curves.items():
    print(f"{name:24s} relative error {np.abs(found - true).max() / np.abs(true).max():.0e}")

# %%
# The figure
# ----------
# The diagrams of an engineer, along the depth of the pile. The network is drawn on the exact curve.

figure, axes = plt.subplots(1, 4, figsize=(11, 4.5), sharey=True, layout="constrained")
for ax, (name, (unit, found, true)) in zip(axes, curves.items(), strict=True):
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.fill_betweenx(x, unit * found, color="C0", alpha=0.12)
    ax.plot(unit * true, x, color="C0", linewidth=5, alpha=0.35, label="exact")
    ax.plot(unit * found, x, color="C0", linewidth=1.2, label="network")
    ax.set(xlabel=name)
axes[0].set(ylabel="depth x (m)", ylim=(LENGTH, 0))
axes[0].legend(loc="lower right")
figure.suptitle("Pile under a horizontal force of 100 kN at its head")
plt.show()
