"""
=========================================
A density, with the engine below the face
=========================================

The engine of the estimators takes any model and any loss. Here a neural network is the logarithm of
a density, :math:`v = e^f / \\int e^f`, and the loss is the Kullback-Leibler divergence
:math:`\\int v \\log (v / u)`: what variational inference minimises. Its Hessian, 1 / v, makes
the Gram matrix that of Fisher and Rao.
"""

# %%
# The target
# ----------
# A bent density on the square [-3, 3]², known up to its mass. Integrals are exact quadratures: a
# tensor product of Gauss-Legendre nodes.

import matplotlib.pyplot as plt
import numpy as np
import torch

from skngd.losses import KLDivergence
from skngd.models import FullyConnected, NormalizedExponential
from skngd.optim import Objective, build_method, minimize

nodes, weights = np.polynomial.legendre.leggauss(40)
x = torch.tensor(3 * np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2))
w = torch.tensor(np.outer(weights, weights).ravel() / 4)  # the uniform probability on the square


def target(x):
    """A banana: normal in x₁, and in x₂ around a parabola; shape (m, 1)."""
    return torch.exp(-0.5 * x[:, :1] ** 2 - 2 * (x[:, 1:] - 0.5 * x[:, :1] ** 2 + 1) ** 2)


u = target(x)
u = u / (w @ u)

# %%
# Three methods
# -------------
# The same network from the same start: gradient descent, the natural gradient in the metric of
# :math:`L^2`, and in that of the loss.

network = FullyConnected((2, 12, 1))
density = NormalizedExponential(network, w)
start = torch.tensor(network.initial(np.random.RandomState(0)))
methods = {
    "gradient descent": ("l2", build_method("gd", momentum=None)),
    "natural gradient, metric “l2”": ("l2", build_method()),
    "natural gradient, metric “loss”": ("loss", build_method()),
}
results = {}
for name, (metric, method) in methods.items():
    objective = Objective(density, KLDivergence(u, w), x, metric=metric)
    results[name] = minimize(method, objective, start, max_iter=100)
    print(f"{name:34s} divergence {results[name].loss:.1e}, {results[name].n_iter} iterations")

# %%
# The figure
# ----------
# The fitted density, its error, and the divergence by iteration.

colors = ["#999999", "#E69F00", "#0072B2"]
figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
best = results["natural gradient, metric “loss”"]
v = density.value(best.theta, x)
axis = 3 * nodes
for ax, values, title in (
    (axes[0], v, "fitted density"),
    (axes[1], v - u, "error of the fit"),
):
    table = values.reshape(40, 40).T.numpy()
    size = np.abs(table).max()
    limits = {"vmin": -size, "vmax": size} if ax is axes[1] else {"vmin": 0, "vmax": size}
    cmap = "RdBu_r" if ax is axes[1] else "viridis"
    image = ax.pcolormesh(axis, axis, table, cmap=cmap, shading="gouraud", **limits)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title, aspect="equal")
    figure.colorbar(image, ax=ax, shrink=0.9)
for (name, result), color in zip(results.items(), colors, strict=True):
    axes[2].semilogy(result.history["loss"], label=name, color=color)
axes[2].set(
    ylim=(1e-5, 3e3), xlabel="iteration", ylabel="Kullback-Leibler divergence", title="convergence"
)
axes[2].legend(loc="upper right", fontsize=8)
plt.show()
