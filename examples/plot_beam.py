"""
====================================
A pile in soil: a fourth-order equation
====================================

A steel pile of length 10 m stands in soil that resists like springs. A horizontal force H = 100 kN
pushes its head; the deflection w obeys

.. math:: EI w'''' + k w = 0, \\qquad
    EI w'''(0) = H, \\quad w''(0) = 0, \\qquad w''(L) = w'''(L) = 0,

with bending stiffness EI and stiffness k of the soil. An engineer wants the bending moment and the
shear force, EI w'' and EI w''', so that errors in the derivatives matter.
"""

# %%
# The equation
# ------------
# ``u.xxxx`` is the fourth derivative. With lengths in metres and forces in meganewtons all terms
# are of order one; conditions that are no plain values are an :class:`~skngd.pde.Equation`.

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skngd import PINNEstimator
from skngd.pde import Box, Equation, Problem

LENGTH = 10.0  # m


class Pile(Problem):
    domain = Box(x=(0, LENGTH))

    def __init__(self, force=0.1, stiffness=50.0, soil=10.0):
        self.force = force  # MN
        self.stiffness = stiffness  # MN m²
        self.soil = soil  # MN/m²

    @property
    def conditions(self):
        return (
            Equation(lambda w, x: self.stiffness * w.xxx - self.force, on="x.min", name="force"),
            Equation(lambda w, x: self.stiffness * w.xx, on="x", name="no moments"),
            Equation(lambda w, x: self.stiffness * w.xxx, on="x.max", name="free tip"),
        )

    def residual(self, w, x):
        return self.stiffness * w.xxxx + self.soil * w


solver = PINNEstimator(Pile(), random_state=0)
began = time.perf_counter()
solver.fit()
seconds = time.perf_counter() - began
x = np.linspace(0, LENGTH, 201)
X=x[:,None]

def exact(x, derivative, pile):
    """Derivatives of the solution: the four exponentials that obey the equation, combined."""
    root = (pile.soil / (4 * pile.stiffness)) ** 0.25
    rates = root * np.array([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j])

    def basis(x, k):  # scaled so that none exceeds one
        ends = np.where(rates.real > 0, LENGTH, 0.0)
        return rates**k * np.exp(rates * (np.reshape(x, (-1, 1)) - ends))

    rows = [basis(0.0, 3), basis(0.0, 2), basis(LENGTH, 2), basis(LENGTH, 3)]
    right = [pile.force / pile.stiffness, 0, 0, 0]
    return (basis(x, derivative) @ np.linalg.solve(np.concatenate(rows), right)).real
p=Pile()
print(solver.n_iter_,solver.stop_reason_,seconds,solver.loss_)
for k,n in enumerate(["","x","xx","xxx"]):
    d=solver.derivative(X,n) if n else solver.predict(X)
    e=exact(x,k,p); print(k, np.abs(e).max(), np.abs(d-e).max(), np.abs(d-e).max()/np.abs(e).max())
