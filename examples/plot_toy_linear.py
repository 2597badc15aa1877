"""
======================================================
Straight and bent: the gradient depends on coordinates
======================================================

A function :math:`v = \\theta^\\top B \\Phi` is fitted to a target u in
:math:`L^2(0, 1)`, with the orthonormal features :math:`\\Phi(x) = [1, \\sqrt 2 \\sin 2 \\pi x]` and
the loss :math:`L(v) = \\tfrac12 \\|v - u\\|^2`. Two questions are asked of each method: does
it go straight to the target, and does its path depend on the matrix B?

* With :math:`B = I` gradient descent (GD) goes straight.
* With another B it is bent, although the functions are the same.
* The natural gradient (NGD) projects :math:`\\nabla L` in function space and goes straight for
  every B.

Integrals are exact: 20 Gauss-Legendre nodes, with their weights as the weights of the loss. The
tables show the first iteration with a loss below 1e-6, the last loss, and the deviation: the
largest distance of the iterates from the straight line between start and target, over its length.
"""

# %%
# An orthonormal basis
# --------------------
# The Gram matrix (G) is the identity, so that the gradient is the natural gradient: the path is
# straight in both spaces. The dashed line joins start and target.

import matplotlib.pyplot as plt
import torch
from toy import features, follow, function, table, three_panels, vector, weights, x

from skngd.losses import SquaredLoss
from skngd.models import LinearModel
from skngd.optim import Objective, build_method

target, start = vector(1.0, -0.5), vector(-1.0, 1.0)
loss = SquaredLoss(function(target), weights)
ALPHA, N_ITER = 0.3, 40

gd = build_method("gd", momentum=None, step_size=ALPHA)
ngd = build_method("ngd", momentum=None, step_size=ALPHA, damping=0.0)

orthonormal = Objective(LinearModel(features, 2), loss, x)
paths = [follow("gradient descent (GD)", gd, orthonormal, start, N_ITER)]
table(paths, target)
three_panels(orthonormal, paths, target, "Orthonormal basis: gradient descent goes straight")
plt.show()

# %%
# Another basis
# -------------
# The same functions in the basis :math:`B \Phi`. In function space a step of gradient descent is
# :math:`-\alpha \Phi^\top B^\top B \langle \Phi, \nabla L \rangle`: first the direction in which B
# is large, then the other. The natural gradient undoes B by the Gram matrix
# :math:`G = B B^\top` and repeats the path of the first figure. With α = 1 it would be there in one
# step.

B = torch.stack([vector(1.0, 0.3), vector(0.0, 0.4)])
skewed = Objective(LinearModel(lambda x: features(x) @ B.T, 2), loss, x)
theta = torch.linalg.solve(B.T, start)
paths = [
    follow("gradient descent (GD)", gd, skewed, theta, N_ITER),
    follow("natural gradient (NGD)", ngd, skewed, theta, N_ITER),
]
table(paths, target)
three_panels(skewed, paths, target, "Another basis: only the natural gradient goes straight")
plt.show()
