"""
=======================================================
A population that remembers: an integral in an equation
=======================================================

Volterra's population: it grows, and is poisoned by all that it has left behind,

.. math:: u' = u - u^2 - u \\int_0^t u(s)\\, ds, \\qquad u(0) = 1/2.

With the integral as a second unknown, y' = u, it is a system of ordinary equations, which scipy
solves for comparison.
"""

# %%
# Stating it
# ----------
# An :class:`~skngd.pde.Integral` is called in the residual with the field.

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay
from skngd.pde import Initial, Integral, Interval, Problem


class Population(Problem):
    domain = Interval(0, 5, "t")
    conditions = (Initial(0.5),)
    remains = Integral(over="t", high="t")

    def residual(self, u, t):
        return u.t - u + u**2 + u * self.remains(u)


# %%
# Solving it
# ----------

solver = PINNEstimator(Population(), random_state=0).fit()
print(solver.stop_reason_)

t = np.linspace(0, 5, 200)
u = solver.predict(t[:, np.newaxis])

system = solve_ivp(
    lambda t, z: [z[0] - z[0] ** 2 - z[0] * z[1], z[0]],
    (0, 5),
    [0.5, 0.0],
    method="DOP853",
    t_eval=t,
    rtol=1e-13,
    atol=1e-13,
)
error = np.linalg.norm(u - system.y[0]) / np.linalg.norm(system.y[0])
print(f"relative error {error:.1e}, estimated {solver.error_estimate_['u']:.1e}")
assert error < 1e-6

display = FieldDisplay.from_estimator(solver)
display.artists_[0].set_label("the network")
display.ax_.plot(t[::10], system.y[0][::10], "o", label="scipy, as a system")
display.ax_.legend()
plt.show()
