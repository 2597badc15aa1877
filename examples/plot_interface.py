"""
=================================
A fin of three layers: interfaces
=================================

Heat runs along a fin of brick, foam and plaster and is lost on the way, u'' = π² u in each layer.
Between them the temperature and the flux a u' are continuous, so that the slope jumps with the
conductivity a. A smooth network cannot do that. An :class:`~skngd.pde.Interface` gives each side a
function of its own.
"""

# %%
# Stating it
# ----------
# The region of an interface is what lies on one side: here the foam, with two ends in the fin.
# Its conductivity is ``inside``, that of the layers around it ``outside``.

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay
from skngd.pde import Dirichlet, Interface, Interval, Problem

LEFT, RIGHT = 0.4, 0.7
BRICK, FOAM, PLASTER = 1.0, 0.1, 0.5


def around(x):
    return np.where(x < (LEFT + RIGHT) / 2, BRICK, PLASTER)


class Fin(Problem):
    domain = Interval(0, 1)
    conditions = (
        Dirichlet(0.0, on="x.min"),
        Dirichlet(1.0, on="x.max"),
        Interface(Interval(LEFT, RIGHT), inside=FOAM, outside=around),
    )

    def residual(self, u, x):
        return u.xx - np.pi**2 * u


# %%
# The exact solution is c sinh(πx) + d cosh(πx) in each layer.

a = np.zeros((6, 6))


def value(x):
    return np.array([np.sinh(np.pi * x), np.cosh(np.pi * x)])


def slope(x):
    return np.array([np.cosh(np.pi * x), np.sinh(np.pi * x)])


a[0, :2], a[1, 4:] = value(0), value(1)
a[2, :2], a[2, 2:4] = value(LEFT), -value(LEFT)
a[3, :2], a[3, 2:4] = BRICK * slope(LEFT), -FOAM * slope(LEFT)
a[4, 2:4], a[4, 4:] = value(RIGHT), -value(RIGHT)
a[5, 2:4], a[5, 4:] = FOAM * slope(RIGHT), -PLASTER * slope(RIGHT)
PARTS = np.linalg.solve(a, [0, 1, 0, 0, 0, 0]).reshape(3, 2)


def profile(x):
    layers = [c * np.sinh(np.pi * x) + d * np.cosh(np.pi * x) for c, d in PARTS.tolist()]
    return np.where(x < LEFT, layers[0], np.where(x < RIGHT, layers[1], layers[2]))


# %%
# Solving it
# ----------

solver = PINNEstimator(Fin(), random_state=0).fit()
print(solver.stop_reason_)

x = np.linspace(0, 1, 300)
u, exact = solver.predict(x[:, np.newaxis]), profile(x)
error = np.linalg.norm(u - exact) / np.linalg.norm(exact)
print(f"relative error {error:.1e}, estimated {solver.error_estimate_['u']:.1e}")
assert error < 1e-6

display = FieldDisplay.from_estimator(solver)
display.artists_[0].set_label("the network")
display.ax_.plot(x[::15], exact[::15], "o", label="exact")
display.ax_.axvspan(LEFT, RIGHT, color="0.5", alpha=0.2, linewidth=0, label="foam")
display.ax_.legend()
plt.show()
