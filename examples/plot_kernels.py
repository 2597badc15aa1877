"""
==================================================
Kernels: what a step of the natural gradient does
==================================================

Gradient descent moves the function by the gradient of the loss, smoothed by the *neural tangent
kernel* NTK. The natural gradient undoes the parametrisation: its kernel NNTK is that of the
projection onto the tangent space. For an equation D v = f it is a *Green's function*,

.. math:: dv = -\\alpha \\int g(\\cdot, z)\\, r(z)\\, dz,

with the residual r: :eq:`NTK` and :eq:`Green` in the user guide.
"""

# %%
# A problem whose Green's function is known
# -----------------------------------------
# A string under a load, −u″ = f with fixed ends. A unit load at z bends it to a triangle,
# g(x, z) = min(x, z) (1 − max(x, z)).

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.inspection import (
    KernelDisplay,
    SpectrumDisplay,
    determining_points,
    empirical_nntk,
    greens_function,
    nntk,
)
from skngd.pde import Dirichlet, Interval, Problem


class String(Problem):
    domain = Interval(0, 1)
    conditions = (Dirichlet(0.0),)

    def residual(self, u, x):
        return -u.xx - np.exp(x)


def exact(x, z):
    return np.minimum(x, z.T) * (1 - np.maximum(x, z.T))


solver = PINNEstimator(String(), (40,), activation="sin", random_state=0).fit()
X = np.linspace(0, 1, 101).reshape(-1, 1)

# %%
# The tangent space and its kernels
# ---------------------------------
# The singular values of the Jacobian say how many directions the tangent space has. NTK is smooth
# and wide: gradient descent sees the slowest few. NNTK is a bump of the width that the space can
# resolve, the nearest thing to a delta function that it holds.

figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
SpectrumDisplay.from_estimator(solver, ax=axes[0])
KernelDisplay.from_estimator(solver, X, kind="ntk", ax=axes[1])
KernelDisplay.from_estimator(solver, X, kind="nntk", ax=axes[2])
for ax, title in zip(axes, ("Directions", "Gradient", "Natural gradient"), strict=True):
    ax.set_title(title)
plt.show()

# %%
# Points that determine it
# ------------------------
# The functions NNTK(x_i, ·) of a few points span a part of the tangent space, with a kernel of its
# own. As many points as there are directions can span all of it. QR with pivots finds some.

chosen = X[determining_points(solver, X)]
kernel = nntk(solver, X)
print(f"{len(chosen)} points determine {np.trace(kernel) / len(X):.0f} directions")
for n in (2, 5, len(chosen)):
    empirical = empirical_nntk(solver, X, points=chosen[:: max(1, len(chosen) // n)][:n])
    print(
        f"{n:3d} points: largest difference of the kernels {np.abs(empirical - kernel).max():.1e}"
    )

# %%
# Green's function
# ----------------
# The space is rich enough for the triangle but for its tip. To apply g to a load is to solve the
# equation: here to one that the network has never seen.

g = greens_function(solver, X, X)
print(f"largest error of Green's function {np.abs(g - exact(X, X)).max():.3f}, of 0.25")

nodes, weights = np.polynomial.legendre.leggauss(40)
Z, weights = (nodes.reshape(-1, 1) + 1) / 2, weights / 2
load = np.sin(3 * np.pi * Z[:, 0])
answer = greens_function(solver, X, Z) @ (weights * load)
truth = np.sin(3 * np.pi * X[:, 0]) / (3 * np.pi) ** 2
print(f"relative error for the load sin 3πx {np.abs(answer - truth).max() / truth.max():.1e}")

figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
sources = np.array([[0.2], [0.5], [0.7]])
axes[0].plot(X, exact(X, sources), color="0.6", linewidth=5, alpha=0.5)
KernelDisplay.from_estimator(solver, X, sources, kind="green", ax=axes[0])
axes[0].set_title("On the exact one (wide)")
axes[1].plot(X, truth, color="0.6", linewidth=5, alpha=0.5, label="exact")
axes[1].plot(X, answer, color="#0072B2", label="∫ g(x, z) sin 3πz dz")
axes[1].set(xlabel="x", ylabel="u", title="Another load, without a fit")
axes[1].legend()
plt.show()
