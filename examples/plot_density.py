"""
===================================
Densities, from rows and from words
===================================

A density whose logarithm is a neural network, :math:`v = \\varphi\\, e^f / Z`.
:class:`skngd.NaturalMomentumDensity` learns it from rows, by the likelihood. Where the density is
known up to its mass instead, the engine below minimises the Kullback-Leibler divergence
:math:`\\int v \\log (v / u)`: what variational inference does. In both, the Gram matrix in the
metric of the loss is that of Fisher and Rao.
"""

# %%
# The target
# ----------
# A bent density: normal in x₁, and in x₂ around a parabola.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

from skngd import NaturalMomentumDensity
from skngd.inspection import ConvergenceDisplay
from skngd.losses import KLDivergence
from skngd.models import FullyConnected, NormalizedExponential
from skngd.optim import Objective, build_method, minimize


def target(x):
    """The density up to its mass, shape (m, 1)."""
    return np.exp(-0.5 * x[:, :1] ** 2 - 2 * (x[:, 1:] - 0.5 * x[:, :1] ** 2 + 1) ** 2)


def draw(n, rng):
    a, b = rng.standard_normal((2, n))
    return np.column_stack([a, 0.5 * a**2 - 1 + 0.5 * b])


# %%
# From rows
# ---------
# 400 rows. The weight decay is chosen by the evidence, so that nothing is to be searched for; the
# bandwidth of kernels is, by cross-validation.

rows, unseen = draw(400, np.random.RandomState(0)), draw(4000, np.random.RandomState(1))
density = NaturalMomentumDensity(random_state=0).fit(rows)
grid = {"bandwidth": np.logspace(-1, 0, 20)}
kernels = GridSearchCV(KernelDensity(), grid, cv=5).fit(rows).best_estimator_
exact = np.mean(np.log(target(unseen)) - np.log(np.pi))
print("mean log density of 4000 other rows")
print(f"    network {density.score(unseen) / 4000:.3f}, ", end="")
print(f"kernels {kernels.score(unseen) / 4000:.3f}, the true one {exact:.3f}")
print(
    f"    {density.n_effective_parameters_:.0f} of {len(density.theta_)} parameters are effective"
)

# %%
# From a formula
# --------------
# The same network from the same start, by three methods, on a tensor product of Gauss-Legendre
# nodes in [-3, 3]².

nodes, weights = np.polynomial.legendre.leggauss(40)
x = 3 * np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
w = torch.tensor(np.outer(weights, weights).ravel() / 4)  # the uniform probability on the square
u, points = torch.tensor(target(x)), torch.tensor(x)
u = u / (w @ u)
network = FullyConnected((2, 12, 1))
normalised = NormalizedExponential(network, w)
start = torch.tensor(network.initial(np.random.RandomState(0)))
methods = {
    "gradient descent": ("l2", build_method("gd", momentum=None)),
    "natural gradient, metric “l2”": ("l2", build_method()),
    "natural gradient, metric “loss”": ("loss", build_method()),
}
results = {}
for name, (metric, method) in methods.items():
    objective = Objective(normalised, KLDivergence(u, w), points, metric=metric)
    results[name] = minimize(method, objective, start, max_iter=100)
    print(f"{name:34s} divergence {results[name].loss:.1e}, {results[name].n_iter} iterations")

# %%
# The figure
# ----------
# Rows drawn from the fitted density lie where those of the sample lie.

figure, axes = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
axis = np.linspace(-3.5, 3.5, 120)
mesh = np.stack(np.meshgrid(axis, axis + 1), axis=-1).reshape(-1, 2)
drawn = density.sample(400, random_state=0)
for ax, model, points_of, title in (
    (axes[0, 0], density, rows, "Network, and the rows it was fitted to"),
    (axes[0, 1], kernels, rows, "Kernels, and the same rows"),
    (axes[1, 0], density, drawn, "Network, and rows drawn from it"),
):
    v = np.exp(model.score_samples(mesh)).reshape(120, 120)
    ax.contour(axis, axis + 1, v, levels=np.geomspace(1e-3, 0.3, 7), cmap="viridis")
    ax.plot(*points_of.T, ".", color="0.3", markersize=2)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title, xlim=(-3.5, 3.5), ylim=(-2.5, 4.5))
curves = {name: result.history["loss"] for name, result in results.items()}
ConvergenceDisplay.from_predictions(curves, label="Kullback-Leibler divergence", ax=axes[1, 1])
axes[1, 1].set(ylim=(1e-5, 3e3), title="From the formula")
axes[1, 1].legend(loc="upper right", fontsize="small")
plt.show()
