"""
==================================
The tones of a drum: an eigenvalue
==================================

A round drum vibrates as u(x, y) cos(ωt) with

.. math:: \\Delta u + \\lambda u = 0, \\qquad u = 0 \\text{ on the rim}, \\qquad
    \\int u^2\\, dx\\, dy = 1.

Here the second round tone is found: λ is the square of the second zero of Bessel's function J₀.
"""

# %%
# Stating it
# ----------
# λ is an :class:`~skngd.pde.Unknown` and its start says which eigenvalue is meant. The norm is an
# :class:`~skngd.pde.Integral`; without it u = 0 would be a solution. u = 0 on the rim is built in,
# and the coordinate is the radius, so that only round tones are there: Δu = u'' + u' / r.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import j0, j1, jn_zeros

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay
from skngd.pde import Dirichlet, Integral, Interval, Neumann, Problem, Unknown


class Drum(Problem):
    domain = Interval(0, 1, "r")
    conditions = (
        Neumann(0.0, on="r.min"),
        Dirichlet(0.0, on="r.max", hard=True),
        Integral(lambda u, r: 2 * np.pi * r * u**2, value=1.0),
    )

    def __init__(self, squared):
        self.squared = squared

    def residual(self, u, r):
        return r * u.rr + u.r + self.squared * r * u


# %%
# Solving it
# ----------

solver = PINNEstimator(Drum(Unknown(25.0, low=0)), random_state=0).fit()
print(solver.stop_reason_)

zero = jn_zeros(0, 2)[1]
found = solver.unknowns_["squared"]
print(f"λ = {found:.12f}, the square of Bessel's zero {zero**2:.12f}")
assert abs(found / zero**2 - 1) < 1e-6

r = np.linspace(0, 1, 200)
u = solver.predict(r[:, np.newaxis])
exact = j0(zero * r) / (np.sqrt(np.pi) * j1(zero))
exact *= np.sign(exact @ u)
error = np.linalg.norm(u - exact) / np.linalg.norm(exact)
print(f"relative error {error:.1e}, estimated {solver.error_estimate_['u']:.1e}")
assert error < 1e-6

display = FieldDisplay.from_estimator(solver)
display.artists_[0].set_label("the network")
display.ax_.plot(r[::10], exact[::10], "o", label="Bessel's function")
display.ax_.legend()
plt.show()
