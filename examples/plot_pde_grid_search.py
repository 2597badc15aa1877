"""
=============================================
Which equation is it? A grid over the problem
=============================================

A reactant diffuses into a porous catalyst and is used up there. Its concentration c obeys

.. math:: c'' = \\varphi^2 c^n, \\qquad c'(0) = 0, \\quad c(1) = 1,

with the order n of the reaction and the Thiele modulus φ. Neither is known, but the concentration
was measured at forty places. A problem is a parameter of its estimator, so that cross-validation
can choose the equation as it chooses any hyperparameter; then it chooses the network as well.
"""

# %%
# The equation
# ------------
# ``hard=True`` builds the conditions into the ansatz.

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_bvp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Neumann, Problem, Unknown


class Pellet(Problem):
    domain = Box(x=(0, 1))
    conditions = (Neumann(0.0, on="x.min", hard=True), Dirichlet(1.0, on="x.max", hard=True))

    def __init__(self, thiele=1.0, order=1):
        self.thiele = thiele
        self.order = order

    def residual(self, c, x):
        return c.xx - self.thiele**2 * c**self.order


# %%
# The measurements
# ----------------
# The truth is of second order, with φ = 3; a collocation method of SciPy solves it.


def true_concentration(x, thiele=3.0, order=2):
    nodes = np.linspace(0, 1, 101)
    guess = np.stack([nodes**2, 2 * nodes])
    solution = solve_bvp(
        lambda x, c: np.stack([c[1], thiele**2 * c[0] ** order]),
        lambda left, right: np.array([left[1], right[0] - 1]),
        nodes,
        guess,
        tol=1e-10,
    )
    return solution.sol(x)[0]


random = np.random.default_rng(0)
X = random.uniform(size=(40, 1))
y = true_concentration(X[:, 0]) + 0.01 * random.normal(size=40)

# %%
# Which equation?
# ---------------
# ``problem__order`` reaches into the problem. φ is fitted in each fold together with c; only the
# measurements are split, every fold keeps the whole equation. The search looks at predictions only:
# ``estimate_error=False`` saves the estimate of the error.

orders = [1, 2, 3]
modulus = Unknown(1.0, low=0)
solver = PINNEstimator(
    Pellet(modulus), (16,), activation="tanh", estimate_error=False, random_state=0
)
began = time.perf_counter()
equations = GridSearchCV(
    solver,
    {"problem__order": orders},
    scoring="neg_root_mean_squared_error",
    cv=3,
    error_score="raise",
).fit(X, y)
seconds = time.perf_counter() - began

best = equations.best_estimator_
thiele, half_width = best.unknowns_["thiele"], 1.96 * best.unknowns_std_["thiele"]
x = np.linspace(0, 1, 201).reshape(-1, 1)
error = np.abs(best.predict(x) - true_concentration(x[:, 0])).max()
print(f"best: {equations.best_params_}, in {seconds:.0f} s")
print(f"φ = {thiele:.3f} ± {half_width:.3f} (truth 3), noise {best.noise_std_:.4f} (truth 0.01)")
print(f"largest error of the concentration {error:.1e}")

# %%
# Which network?
# --------------
# Without y, X holds the points where the equation is to hold, and the score is minus the root mean
# square of its residual at those of the other fold. The points of ``sample`` come in no order;
# sorted ones would make each fold an extrapolation, unless they are shuffled.

activations, sizes = ["tanh", "softplus"], [(8,), (16,), (8, 8)]
points = Pellet.domain.sample(120, random_state=0)
began = time.perf_counter()
networks = GridSearchCV(
    PINNEstimator(Pellet(thiele=3.0, order=2), tol=1e-7, random_state=0),
    {"hidden_layer_sizes": sizes, "activation": activations},
    cv=2,
    error_score="raise",
).fit(points)
seconds = time.perf_counter() - began
error = np.abs(networks.predict(x) - true_concentration(x[:, 0])).max()
print(f"best: {networks.best_params_}, in {seconds:.0f} s")
print(f"largest error of the concentration {error:.1e}")

# %%
# The figure
# ----------
# The right order predicts new measurements as well as their noise allows. In the middle, the fits
# of three orders, each with its own φ. Right, the results for the networks.

figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.9), layout="constrained")
axes[0].plot(orders, -equations.cv_results_["mean_test_score"], "o-", color="C0")
axes[0].axhline(0.01, color="0.3", linestyle="--", label="noise")
axes[0].set(xlabel="order n", ylabel="cross-validated RMSE", title="Equations", ylim=(0, None))
axes[0].set_xticks(orders)
axes[0].legend(loc="lower right")

axes[1].plot(X, y, "o", color="0.6", markersize=4, label="measurements")
for order, style in ((1, ":"), (2, "-"), (3, "--")):
    fitted = clone(solver).set_params(problem__order=order).fit(X, y)
    label = f"n = {order}, φ = {fitted.unknowns_['thiele']:.2f}"
    axes[1].plot(x, fitted.predict(x), style, color="C0", label=label)
axes[1].set(xlabel="x", ylabel="concentration c", title="Fitted concentrations")
axes[1].legend()

table = np.empty((len(activations), len(sizes)))
results = networks.cv_results_
for params, score in zip(results["params"], results["mean_test_score"], strict=True):
    place = activations.index(params["activation"]), sizes.index(params["hidden_layer_sizes"])
    table[place] = np.log10(-score)
image = axes[2].imshow(table, cmap="viridis_r", aspect="auto")
figure.colorbar(image, ax=axes[2], label="log₁₀ RMS residual")
for (row, column), value in np.ndenumerate(table):
    colour = "white" if value > table.mean() else "black"
    axes[2].text(column, row, f"{value:.1f}", ha="center", va="center", color=colour)
axes[2].set_xticks(range(len(sizes)), [str(size) for size in sizes])
axes[2].set_yticks(range(len(activations)), activations)
axes[2].set(xlabel="hidden_layer_sizes", title="Networks")
plt.show()
