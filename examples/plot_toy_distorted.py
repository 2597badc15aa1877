"""
=================================================
A distorted loss: straight in the distorted space
=================================================

The loss measures a distance after a distortion of functions,
:math:`L(v) = \\tfrac12 \\|f(u) - f(v)\\|^2` in :math:`L^2(0, 1)`, with

.. math:: f(v) = (1 + \\omega \\|v - q\\|^2)(v - q) + q, \\qquad q = R(u - v_0) + v_0.

f stretches the functions away from q. R turns the plane of the features
:math:`\\Phi(x) = [1, \\sqrt 2 \\sin 2 \\pi x]` by 90°, so that q lies beside the way from the start
:math:`v_0` to the target u. The formula is also written with the current v in the place of
:math:`v_0`. Both are here: with the current v the roles of the metrics change, for that loss
depends on the distance to u alone.

* The L2 gradient :math:`Df(v)^\\top (f(v) - f(u))` is steepest towards q. In the L2 metric the path
  of the natural gradient (NGD) is bent.
* With ``metric="loss"`` the Gram matrix (G) holds :math:`Df^\\top Df`, the Gauss-Newton part of the
  Hessian. The natural gradient then goes straight for f(u) in the distorted space, up to the
  length of its steps. In function space its path is bent, less than in the L2 metric.
* Momentum (HB) needs fewer iterations in either metric, and its path is less straight. With
  ``metric="loss"`` the gradient is projected in the metric of the loss and the memory in L2,
  equation (2M).
"""

# %%
# The loss
# --------
# The distortion maps the values of a function at the nodes of the quadrature. The model is
# :math:`v = \theta^\top B \Phi`.

import matplotlib.pyplot as plt
import numpy as np
import torch
from toy import (
    coordinates,
    deviation,
    draw,
    features,
    follow,
    function,
    table,
    three_panels,
    vector,
    weights,
    x,
)

from skngd.losses import DistortedLoss
from skngd.models import LinearModel
from skngd.optim import Objective, build_method

OMEGA = 0.1
B = torch.stack([vector(1.0, 0.3), vector(0.0, 0.7)])
R = torch.stack([vector(0.0, -1.0), vector(1.0, 0.0)])  # 90°
target, start = vector(1.0, -0.5), vector(-1.0, 1.0)
q = function(R @ (target - start) + start)[:, 0]


def distortion(values):
    away = values - q
    return (1 + OMEGA * (weights * away**2).sum()) * away + q


loss = DistortedLoss(function(target), weights, distortion=distortion)
model = LinearModel(lambda x: features(x) @ B.T, 2)
in_l2 = Objective(model, loss, x, metric="l2")
in_loss = Objective(model, loss, x, metric="loss")

# %%
# The paths
# ---------
# The steps are constant. In the L2 metric the curvature of the loss limits them: α = 0.05 converges
# and α = 0.1 does not. In the metric of the loss the natural length is 1, the Gauss-Newton step;
# α = 0.2 is taken to show a path. The speeds of the two metrics below are those of these choices.

N_ITER = 60
theta = torch.linalg.solve(B.T, start)


def run(name, objective, alpha, momentum=None):
    method = build_method(momentum=momentum, beta=0.4, restart=None, step_size=alpha, damping=0.0)
    return follow(name, method, objective, theta, N_ITER)


paths = [
    run("NGD, L2 metric", in_l2, 0.05),
    run("heavy ball, L2 metric", in_l2, 0.05, "heavy-ball"),
    run("NGD, loss metric", in_loss, 0.2),
    run("heavy ball, loss metric", in_loss, 0.2, "heavy-ball"),
]
longest = [
    run("NGD, L2 metric, α = 0.1", in_l2, 0.1),
    run("NGD, loss metric, α = 1", in_loss, 1.0),
]
table([*paths, *longest], target)
three_panels(in_l2, paths, target, "Distorted loss: the metric decides how straight the path is")
plt.show()

# %%
# The distorted space
# -------------------
# The same paths after f. That of the natural gradient in the metric of the loss is straight.


def distorted(points):
    images = [distortion(function(vector(*point))[:, 0]) for point in points]
    return np.array([coordinates(image.unsqueeze(1)).numpy() for image in images])


goal = distorted([target])[0]
images = [distorted(path.coordinates) for path in paths]
for path, image in zip(paths, images, strict=True):
    print(f"{path.name:26s} deviates by {deviation(image, goal):.1e} from the straight line")

figure, ax = plt.subplots(figsize=(5.5, 5), layout="constrained")
ax.plot(*np.stack([images[0][0], goal]).T, "--", color="0.4", linewidth=1)
for i, (path, image) in enumerate(zip(paths, images, strict=True)):
    draw(ax, image, i, label=path.name)
ax.plot(*goal, "*", color="black", markersize=13, label="target")
ax.set(xlabel="coordinate of 1", ylabel="coordinate of √2 sin 2πx", aspect="equal")
ax.set_title("distorted space")
figure.legend(loc="outside lower center", ncols=2)
plt.show()

# %%
# With the current v
# ------------------
# With q = R (u − v) + v, which moves along, v − q = R (v − u) is as long as v − u. So f(u) = u and
#
# .. math:: f(v) - f(u) = e + \omega \|e\|^2 R e, \qquad
#           L(v) = \tfrac12 \left( \|e\|^2 + \omega^2 \|e\|^6 \right), \qquad e = v - u,
#
# for R turns by 90°: the loss is the same in all directions. Its gradient points away from the
# target, and the natural gradient in the L2 metric goes straight in function space. The metric of
# the loss goes straight after f, which winds the plane around the target: in function space that is
# a spiral. No rotation R bends the first path, which is why q stays where it is above.


def winding(values):
    away = function(R @ coordinates(values.unsqueeze(1) - function(target)))[:, 0]
    q = values - away
    return (1 + OMEGA * (weights * away**2).sum()) * away + q


loss = DistortedLoss(function(target), weights, distortion=winding)
length = (weights * (function(start - target)[:, 0]) ** 2).sum()
difference = loss.value(function(start)) - 0.5 * (length + OMEGA**2 * length**3)
print(f"the formula for L at the start differs by {abs(float(difference)):.0e}")
in_l2 = Objective(model, loss, x, metric="l2")
in_loss = Objective(model, loss, x, metric="loss")
paths = [run("NGD, L2 metric", in_l2, 0.05), run("NGD, loss metric", in_loss, 0.2)]
table(paths, target)
three_panels(in_l2, paths, target, "The current v: the loss is round, and L2 goes straight")
plt.show()
