"""
====================================================
A family of sources: an operator with three numbers
====================================================

An operator maps a source f to the solution u of

.. math:: -u'' + 50 u^3 = 50 f, \\qquad u(0) = u(1) = 0.

Where the sources are described by a few numbers, here f = a sin πx + b sin 2πx + c sin 3πx, each
number is an :class:`~skngd.pde.Input`, one more column of X: the operator on this family is a
function of four variables, and one fit finds it from the equation, without a single solution.
"""

# %%
# The equation
# ------------

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_bvp
from sklearn.exceptions import ConvergenceWarning

from skngd import PINNEstimator
from skngd.pde import Dirichlet, Input, Interval, Problem


class Family(Problem):
    domain = Interval(0, 1)
    conditions = (Dirichlet(0.0, hard=True),)

    def __init__(self, a, b, c):
        self.a, self.b, self.c = a, b, c

    def source(self, x):
        waves = [np.sin(k * np.pi * x) for k in (1, 2, 3)]
        return self.a * waves[0] + self.b * waves[1] + self.c * waves[2]

    def residual(self, u, x):
        return -u.xx + 50 * u**3 - 50 * self.source(x)


# %%
# One fit
# -------
# Points are drawn in x and in the three numbers at once. Sixty iterations give two digits; the
# warning that more would be found is left out here.

family = Family(Input(-1, 1), Input(-1, 1), Input(-1, 1))
solver = PINNEstimator(
    family, (20, 20), activation="tanh", n_interior=1500, max_iter=60, random_state=0
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    solver.fit()
(estimate,) = solver.error_estimate_.values()
print(f"{solver.n_iter_} iterations, estimated relative error {estimate:.1e}")

# %%
# Held-out functions
# ------------------
# Thirty sources with random numbers, none of which were among the points. The truth is solved for
# one by one, by SciPy's collocation.

x = np.linspace(0, 1, 51)


def truth(source):
    def slopes(x, y):
        return np.stack([y[1], 50 * y[0] ** 3 - 50 * source(x)])

    def ends(left, right):
        return np.array([left[0], right[0]])

    return solve_bvp(slopes, ends, x, np.zeros((2, len(x))), tol=1e-6).sol(x)[0]


def answer(numbers):
    return solver.predict(np.column_stack([x, np.tile(numbers, (len(x), 1))]))


def relative_error(u, exact):
    return np.linalg.norm(u - exact) / np.linalg.norm(exact)


numbers = np.random.default_rng(1).uniform(-1, 1, (30, 3))
exact = [truth(Family(*row).source) for row in numbers]
found = [answer(row) for row in numbers]
errors = np.array([relative_error(u, v) for u, v in zip(found, exact, strict=True)])
print(f"relative error: median {np.median(errors):.1e}, largest {errors.max():.1e}")

# %%
# A source that is not in the family
# ----------------------------------
# It is replaced by the nearest one that is, by least squares. What the operator then misses is what
# the family misses, and the fit cannot know it: a hat is near to three sines, a load on a small
# part is not.


def hat(x):
    return 0.8 - 1.6 * np.abs(x - 0.5)


def load(x):
    return 1.0 * (np.abs(x - 0.3) < 0.1)


fine = np.linspace(0, 1, 501)
waves = np.stack([np.sin(k * np.pi * fine) for k in (1, 2, 3)], axis=1)
figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
figure.get_layout_engine().set(w_pad=0.15)
order = np.argsort(errors)
for index, color in zip(order[[0, 10, 20, 29]], ("C0", "C1", "C2", "C3"), strict=True):
    axes[0].plot(x, exact[index], color=color, linewidth=5, alpha=0.35)
    label = f"error {errors[index]:.0e}"
    axes[0].plot(x, found[index], color=color, linewidth=1.2, label=label)
axes[0].set(xlabel="x", ylabel="u", title="Held-out sources, on the truth (wide)")
axes[0].legend(fontsize="small")
for source, color, style in ((hat, "C0", "-"), (load, "C3", "--")):
    nearest = np.linalg.lstsq(waves, source(fine), rcond=None)[0]
    u, v = answer(nearest), truth(source)
    axes[1].plot(fine, source(fine), color=color, linewidth=5, alpha=0.35)
    axes[1].plot(fine, waves @ nearest, color=color, linestyle=style, linewidth=1.2)
    axes[2].plot(x, v, color=color, linewidth=5, alpha=0.35)
    label = f"{source.__name__}: error {relative_error(u, v):.0e}"
    axes[2].plot(x, u, color=color, linestyle=style, linewidth=1.2, label=label)
axes[1].set(xlabel="x", ylabel="f", title="Two others, and the nearest (thin)")
axes[2].set(xlabel="x", ylabel="u", title="Their solutions, on the truth (wide)")
axes[2].legend(fontsize="small")
plt.show()
