"""
====================================
An energy in the place of a residual
====================================

The temperature u of a plate with the conductivity a, which gives heat away through its edges,

.. math:: -\\operatorname{div}(a \\nabla u) = f, \\qquad a\\, \\partial_n u + u = g
    \\text{ on the edges},

is where the energy of :eq:`Ritz` is least,

.. math:: L(v) = \\int \\tfrac12 a |\\nabla v|^2 - f v \\; dx
    + \\int_\\text{edges} \\tfrac12 v^2 - g v \\; ds.

It holds first derivatives of v only, and none of a. The conditions on the edges are natural ones,
which need no weight. The Hilbert space of this problem is that of the energy, and the natural
gradient in its metric is the energy natural gradient of Müller and Zeinhofer.
"""

# %%
# The energy on a quadrature
# --------------------------
# :class:`skngd.losses.RitzEnergy` takes the value and the first derivatives side by side. Each has
# a stiffness and a source at each point: in the plate a for the derivatives and f for the value, on
# the edges 1 and g for the value. The exact solution here is u = sin(2x + y).

import math
import time

import matplotlib.pyplot as plt
import numpy as np
import torch

from skngd import PINNEstimator
from skngd.inspection import ConvergenceDisplay, FieldDisplay
from skngd.losses import RitzEnergy
from skngd.models import FullyConnected, WithDerivatives
from skngd.optim import Objective, Stopping, build_method, minimize
from skngd.pde import Box, Problem, Robin


def conductivity(x, y):
    return 1 + x * y


def exact(x, y):
    return np.sin(2 * x + y)


def source(x, y):
    angle = 2 * x + y
    return 5 * conductivity(x, y) * np.sin(angle) - (x + 2 * y) * np.cos(angle)


def given(axis, end):
    """g on one edge."""
    slope = (2 * end - 1) * (2, 1)[axis]
    return lambda x, y: conductivity(x, y) * slope * np.cos(2 * x + y) + exact(x, y)


nodes, gauss = np.polynomial.legendre.leggauss(16)
nodes, gauss = (nodes + 1) / 2, gauss / 2
inside = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
points, stiffness, load = [inside], [np.zeros((256, 3))], [np.zeros((256, 3))]
stiffness[0][:, 1:] = conductivity(*inside.T)[:, np.newaxis]
load[0][:, 0] = source(*inside.T)
weights = [np.outer(gauss, gauss).ravel()]
for axis in (0, 1):
    for end in (0.0, 1.0):
        edge = np.insert(nodes[:, np.newaxis], axis, end, axis=1)
        points.append(edge)
        stiffness.append(np.tile([1.0, 0.0, 0.0], (16, 1)))
        load.append(np.zeros((16, 3)))
        load[-1][:, 0] = given(axis, end)(*edge.T)
        weights.append(gauss)
X, stiffness, load, weights = (
    torch.tensor(np.concatenate(parts)) for parts in (points, stiffness, load, weights)
)
energy = RitzEnergy(load, weights, stiffness=stiffness)

# %%
# Three metrics
# -------------
# The same network from the same start. In the metric of the loss the steps are natural in the inner
# product of the energy; with "l2" in that of H¹, the same for plate and edges; gradient descent
# takes that of the parameters.

network = FullyConnected((2, 20, 1))
model = WithDerivatives(network.jets(((), (0,), (1,))))
start = torch.tensor(network.initial(np.random.RandomState(0)))
methods = {
    "energy": ("loss", build_method()),
    "H¹": ("l2", build_method()),
    "gradient descent": ("l2", build_method("gd", momentum=None)),
}
angle = 2 * X[:, 0] + X[:, 1]
rows = torch.stack([torch.sin(angle), 2 * torch.cos(angle), torch.cos(angle)], dim=1)
least = float(energy.value(rows))
side = np.linspace(0, 1, 101)
grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
truth, curves = exact(*grid.T), {}
for name, (metric, method) in methods.items():
    # The least energy is negative: no loss is small enough to stop at.
    patient = Stopping(tol=0.0, n_iter_no_change=60, floor=-math.inf)
    objective = Objective(model, energy, X, metric=metric)
    began = time.process_time()
    result = minimize(method, objective, start, max_iter=60, stop_rules=patient)
    seconds = time.process_time() - began
    curves[name] = np.array(result.history["loss"]) - least
    u = network.value(result.theta, torch.tensor(grid))[:, 0].numpy()
    error = np.linalg.norm(u - truth) / np.linalg.norm(truth)
    print(f"{name:18s} relative error {error:.1e}, {seconds:.2f} s")
    if name == "energy":
        solution = u

# %%
# The same by the residual
# ------------------------
# The residual asks for second derivatives of u and first ones of a, and says more: its least value
# is known to be zero, so that it can be seen whether it is small, and the error can be estimated
# and taken away. An energy is flat at its minimum: rounding hides errors below 1e-8 from it.


class Plate(Problem):
    domain = Box(x=(0, 1), y=(0, 1))
    conditions = (
        Robin(1.0, conductivity, given(0, 0.0), on="x.min"),
        Robin(1.0, conductivity, given(0, 1.0), on="x.max"),
        Robin(1.0, conductivity, given(1, 0.0), on="y.min"),
        Robin(1.0, conductivity, given(1, 1.0), on="y.max"),
    )

    def residual(self, u, x, y):
        return conductivity(x, y) * u.laplacian() + y * u.x + x * u.y + source(x, y)


solver = PINNEstimator(Plate(), (20,), activation="tanh", n_init=1, max_iter=60, random_state=0)
began = time.process_time()
solver.fit()
seconds = time.process_time() - began
error = np.linalg.norm(solver.predict(grid) - truth) / np.linalg.norm(truth)
print(f"{'residual':18s} relative error {error:.1e}, {seconds:.2f} s")
print(f"{'':18s} estimated at {solver.error_estimate_['u']:.1e}")

# %%
# The figure
# ----------
# Left the solution by the energy; in the middle how far the energies are above the least one, that
# of the exact solution on this quadrature; right the error.

figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
figure.get_layout_engine().set(w_pad=0.15)
places = {"x": side, "y": side}
FieldDisplay.from_predictions(places, solution, ax=axes[0])
axes[0].set_title("Solution by the energy")
ConvergenceDisplay.from_predictions(curves, label="energy above the least", ax=axes[1])
FieldDisplay.from_predictions(places, solution - truth, label="|error|", is_size=True, ax=axes[2])
axes[2].set_title("Its error")
plt.show()
