"""
========================================
Momentum leaves a local minimum: a curve
========================================

The curve :math:`v_\\theta = (\\theta b + \\theta^2 b_\\perp) \\Phi` has one parameter, with
:math:`\\Phi(x) = [1, \\sqrt 2 \\sin 2 \\pi x]`, b = (0.18, 0) and :math:`b_\\perp` = (0, 1). The
target u is the point θ = 0.3 of the curve. The loss :math:`\\tfrac12 \\|v_\\theta - u\\|^2` in
:math:`L^2(0, 1)` vanishes there. It also has a local minimum at θ ≈ −0.229, of loss 0.0052, behind
a maximum at θ ≈ −0.071, of loss 0.0058.

The runs start at θ = −0.7 and make 64 iterations with the constant step α = 0.2.

* The plain natural gradient (NGD) stays in the local minimum.
* Natural heavy ball (HB) and natural Nesterov (NAG) with β = 0.75 leave it by their inertia, with
  the last momentum (LM) and with the function difference (FD).
* With a restart whenever the loss would rise (restart), they stay in the local minimum, too.
* The last gradient (LG) with the printed sign, β > 0, works against the motion and does not leave.
  With β < 0 it does.
"""

# %%
# The curve
# ---------

import matplotlib.pyplot as plt
import numpy as np
from toy import features, follow, function, table, three_panels, vector, weights, x

from skngd.losses import SquaredLoss
from skngd.models import QuadraticModel
from skngd.optim import Objective, build_method

b, b_perpendicular = vector(0.18, 0.0), vector(0.0, 1.0)
curve = QuadraticModel(features, b.view(1, 2), 2 * b_perpendicular.view(1, 1, 2))
target, start = curve.coordinates(vector(0.3)), vector(-0.7)
objective = Objective(curve, SquaredLoss(function(target), weights), x)

span = (-0.75, 0.55)
manifold = [[curve.coordinates(vector(theta)).numpy() for theta in np.linspace(*span, 200)]]


def run(name, momentum=None, memory="momentum", beta=0.75, restart=None, start=start, **options):
    method = build_method(
        momentum=momentum,
        memory=memory,
        beta=beta,
        restart=restart,
        step_size=0.2,
        damping=0.0,
        **options,
    )
    return follow(name, method, objective, start, 64)


# %%
# Natural heavy ball
# ------------------
# ``restart=None`` leaves inertia alone. The iterates overshoot the local minimum, cross the maximum
# and swing into the global minimum.

plain = run("natural gradient (NGD)")
heavy_balls = [
    plain,
    run("heavy ball (LM)", "heavy-ball"),
    run("heavy ball (FD)", "heavy-ball", "difference"),
]
table(heavy_balls)
three_panels(objective, heavy_balls, target, "Heavy ball leaves the local minimum", manifold, span)
plt.show()

# %%
# Natural Nesterov
# ----------------

nesterovs = [
    plain,
    run("Nesterov (LM)", "nesterov"),
    run("Nesterov (FD)", "nesterov", "difference"),
]
table(nesterovs)
three_panels(objective, nesterovs, target, "Nesterov leaves the local minimum", manifold, span)
plt.show()

# %%
# The last gradient
# -----------------
# The step is :math:`P_T [\beta \nabla L(v_{k-1}) - \alpha \nabla L(v_k)]`. For 0 < β < α the memory
# takes back a part of the gradient step, for β > α more than all of it: the loss grows without
# bound. For β < 0 two gradients are added. The old one still points ahead when the valley has been
# passed: that is inertia of a kind, and the iterates leave.

last_gradients = [
    run("(LG) with β = 0.1", "heavy-ball", "gradient", beta=0.1),
    run("(LG) with β = −0.75", "heavy-ball", "gradient", beta=-0.75),
]
rest = [
    run("(LG) with β = 0.75", "heavy-ball", "gradient"),
    run("Nesterov (LG) with β = 0.1", "nesterov", "gradient", beta=0.1),
    run("Nesterov (LG) with β = −0.75", "nesterov", "gradient", beta=-0.75),
    run("Nesterov (LG) with β = 0.75", "nesterov", "gradient"),
]
table([*last_gradients, *rest])
three_panels(
    objective, last_gradients, target, "The last gradient, with either sign", manifold, span
)
plt.show()

# %%
# A monotone loss stays
# ---------------------
# ``restart="loss"`` makes a step again with β = 0 where the loss would rise. No iterate climbs out
# of the local minimum.

monotone = [
    run("heavy ball (LM), restart", "heavy-ball", restart="loss"),
    run("heavy ball (FD), restart", "heavy-ball", "difference", restart="loss"),
    run("Nesterov (LM), restart", "nesterov", restart="loss"),
    run("Nesterov (FD), restart", "nesterov", "difference", restart="loss"),
]
table(monotone)
three_panels(objective, monotone, target, "A restart keeps the iterates in", manifold, span)
plt.show()

# %%
# How far it holds
# ----------------
# None of this holds for every start. From θ = −0.6 Nesterov with (FD) has not gathered enough speed
# and stays. From θ = −0.8 a step of Nesterov with (LM) leaps over the maximum to a point of lower
# loss, which a restart permits. Momentum in parameter space is tried from the start of the figures:
# (QN) leaves more slowly, (pNAG) stays.

others = [
    run("Nesterov (FD), θ = −0.6", "nesterov", "difference", start=vector(-0.6)),
    run("Nesterov (LM), restart, θ = −0.8", "nesterov", restart="loss", start=vector(-0.8)),
    run("heavy ball in parameters (QN)", "heavy-ball", momentum_space="parameter"),
    run("Nesterov in parameters (pNAG)", "nesterov", momentum_space="parameter"),
]
table(others)
