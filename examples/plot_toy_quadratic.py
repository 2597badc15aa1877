"""
=====================================================
A quadratic manifold: Newton and the natural gradient
=====================================================

The smallest model that is not linear is :math:`v = (\\theta^\\top B + \\tfrac12 \\theta^\\top Q
\\theta) \\Phi` with :math:`\\Phi(x) = [1, \\sqrt 2 \\sin 2 \\pi x]`. The loss is
:math:`L(v) = \\tfrac12 \\|v - u\\|^2` in :math:`L^2(0, 1)`.

Newton's matrix (N) is :math:`\\nabla^2_\\theta L = G + \\langle \\nabla L, H_A \\rangle`: the Gram
matrix (G) of the natural gradient (NGD) and the curvature of the model. For a linear model there is
none, and both methods agree. Here they differ:

* the natural gradient goes straight in function space, up to the length of its steps;
* Newton's path is bent, and from some starts it ends in a saddle point.

They agree again at the target, where :math:`\\nabla L` vanishes.
"""

# %%
# The model
# ---------
# Two parameters for two features: the manifold is a part of the plane, with bent coordinate lines.

import matplotlib.pyplot as plt
import numpy as np
import torch
from toy import features, follow, function, table, three_panels, vector, weights, x

from skngd.losses import SquaredLoss
from skngd.models import QuadraticModel
from skngd.optim import Objective, build_method

B = torch.eye(2, dtype=torch.float64)
Q = torch.zeros(2, 2, 2, dtype=torch.float64)
Q[1, 1, 0], Q[0, 0, 1] = 0.6, 0.8  # v = (θ₁ + 0.3 θ₂²) φ₁ + (θ₂ + 0.4 θ₁²) φ₂
model = QuadraticModel(features, B, Q)

solution, start = vector(1.0, -0.5), vector(-1.0, 1.0)
target = model.coordinates(solution)
objective = Objective(model, SquaredLoss(function(target), weights), x)

# %%
# The paths
# ---------

ALPHA, N_ITER = 0.1, 80
gd = build_method("gd", momentum=None, step_size=ALPHA)
ngd = build_method("ngd", momentum=None, step_size=ALPHA, damping=0.0)
newton = build_method("newton", momentum=None, step_size=ALPHA, damping=0.0)

paths = [
    follow("gradient descent (GD)", gd, objective, start, N_ITER),
    follow("natural gradient (NGD)", ngd, objective, start, N_ITER),
    follow("Newton (N)", newton, objective, start, N_ITER),
]
table(paths, target)

# %%
# Newton without damping looks for a point where the parameter gradient vanishes. From another start
# it finds a saddle point of the loss, where the manifold folds; the natural gradient does not.

other = vector(-1.0, 0.4)
for name, method in (("natural gradient", ngd), ("Newton", newton)):
    path = follow(name, method, objective, other, N_ITER)
    slope = objective.at(torch.as_tensor(path.thetas[-1])).gradient.norm()
    print(f"{name:16s} loss {path.losses[-1]:.1e}, norm of the gradient {float(slope):.1e}")

# %%
# The directions at points that approach the solution: their relative difference falls with the
# distance.

full = [build_method(name, momentum=None, step_size=1.0, damping=0.0) for name in ("ngd", "newton")]
for distance in (1.0, 0.1, 0.01):
    theta = solution + distance * (start - solution)
    natural, newtons = (follow("", method, objective, theta, 1).thetas for method in full)
    difference = np.linalg.norm(newtons[1] - natural[1]) / np.linalg.norm(natural[1] - natural[0])
    print(f"at {distance:4g} of the way back to the start the steps differ by {difference:.1e}")

# %%
# The figure
# ----------
# Thin lines in function space are the images of the lines of constant θ₁ and θ₂.

lines = np.linspace(-2, 2, 21)
fine = np.linspace(-2, 2, 41)
grid = [[(fixed, free) for free in fine] for fixed in lines]
grid += [[(free, fixed) for free in fine] for fixed in lines]
manifold = [[model.coordinates(vector(*theta)).numpy() for theta in line] for line in grid]
three_panels(
    objective, paths, target, "Quadratic manifold: Newton and the natural gradient differ", manifold
)
plt.show()
