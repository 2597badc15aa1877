"""
===========================================
A weighted loss: which metric goes straight
===========================================

The loss is a K-weighted norm of the error, :math:`L(v) = \\tfrac12 (v - u)^\\top K (v - u)`, on
functions :math:`v = \\theta^\\top B \\Phi` with
:math:`\\Phi(x) = [1, \\sqrt 2 \\sin 2 \\pi x]`. Its gradient in :math:`L^2(0, 1)` is
:math:`K (v - u)`, which does not point to the target.

* With the L2 metric the natural gradient (NGD) follows this field: its path is bent.
* With the loss Hessian in the Gram matrix (G), ``metric="loss"``, it goes straight.
* Newton's method (N) makes the same steps, for the model is linear.
"""

# %%
# The loss
# --------
# K acts on the coordinates in Φ. As a matrix between the nodes it is
# :math:`W \Phi K \Phi^\top W`, with the weights W of the quadrature.

import matplotlib.pyplot as plt
import torch
from toy import features, follow, function, table, three_panels, vector, weights, x

from skngd.losses import KWeightedLoss
from skngd.models import LinearModel
from skngd.optim import Objective, build_method

K = torch.stack([vector(2.0, 0.9), vector(0.9, 0.6)])
B = torch.stack([vector(1.0, 0.3), vector(0.0, 0.7)])
target, start = vector(1.0, -0.5), vector(-1.0, 1.0)

weighted = weights.unsqueeze(1) * features(x)
loss = KWeightedLoss(function(target), weights, kernel=weighted @ K @ weighted.T)
model = LinearModel(lambda x: features(x) @ B.T, 2)
in_l2 = Objective(model, loss, x, metric="l2")
in_loss = Objective(model, loss, x, metric="loss")

# %%
# The paths
# ---------
# All with the constant step α = 0.3.

ALPHA, N_ITER = 0.3, 40
gd = build_method("gd", momentum=None, step_size=ALPHA)
ngd = build_method("ngd", momentum=None, step_size=ALPHA, damping=0.0)
newton = build_method("newton", momentum=None, step_size=ALPHA, damping=0.0)

theta = torch.linalg.solve(B.T, start)
paths = [
    follow("gradient descent (GD)", gd, in_l2, theta, N_ITER),
    follow("natural gradient, L2 metric", ngd, in_l2, theta, N_ITER),
    follow("natural gradient, loss metric", ngd, in_loss, theta, N_ITER),
    follow("Newton (N)", newton, in_l2, theta, N_ITER),
]
table(paths, target)
difference = abs(paths[3].thetas - paths[2].thetas).max()
print(f"Newton and the natural gradient in the loss metric differ by at most {difference:.0e}")

# %%
# The figure
# ----------
# Newton's diamonds stand on the triangles of the natural gradient in the loss metric.

three_panels(in_l2, paths, target, "K-weighted loss: the loss metric goes straight")
plt.show()
