"""
=========================================
A quantum wave on a ring: a complex field
=========================================

Schrödinger's equation :math:`i\\, \\psi_t = -\\tfrac12 \\psi_{xx}` has complex solutions. With
:math:`\\psi = a + i b` it is a system of two real fields,

.. math:: a_t = -\\tfrac12 b_{xx}, \\qquad b_t = \\tfrac12 a_{xx}.
"""

# %%
# Stating it
# ----------
# The initial wave is a sum of three plane waves :math:`c_k e^{ikx}`, which turn at the rate k²/2.

import matplotlib.pyplot as plt
import numpy as np

from skngd import PINNEstimator
from skngd.inspection import FieldDisplay
from skngd.pde import Box, Initial, Periodic, Problem

WAVES = {0: 1.0, 1: 0.5, 2: 0.5j}


def exact(t, x):
    return sum(c * np.exp(1j * (k * x - k**2 * t / 2)) for k, c in WAVES.items())


def real_at_start(x):
    return 1.0 + 0.5 * np.cos(x) - 0.5 * np.sin(2 * x)


def imaginary_at_start(x):
    return 0.5 * np.sin(x) + 0.5 * np.cos(2 * x)


class Ring(Problem):
    domain = Box(t=(0, 2), x=(0, 2 * np.pi))
    fields = ("a", "b")
    conditions = (
        Initial(real_at_start, field="a"),
        Initial(imaginary_at_start, field="b"),
        Periodic("x"),
    )

    def residual(self, a, b, t, x):
        return a.t + b.xx / 2, b.t - a.xx / 2


# %%
# Solving it
# ----------
# Columns of ``predict`` are the fields.

solver = PINNEstimator(Ring(), tol=1e-8, random_state=0).fit()
print(solver.stop_reason_)

X = Ring.domain.sample(1000, random_state=1)
psi = solver.predict(X) @ [1, 1j]
error = np.linalg.norm(psi - exact(*X.T)) / np.linalg.norm(exact(*X.T))
print(f"relative error {error:.1e}, estimated {max(solver.error_estimate_.values()):.1e}")
assert error < 1e-6

x = np.linspace(0, 2 * np.pi, 200)
figure, ax = plt.subplots(layout="constrained")
for t in (0.0, 1.0, 2.0):
    line = np.stack([np.full_like(x, t), x], axis=1)
    density = np.abs(solver.predict(line) @ [1, 1j]) ** 2
    FieldDisplay({"x": x}, density, "|ψ|²", title=f"t = {t:g}").plot(ax)
plt.show()
