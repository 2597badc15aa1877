"""
======================================
Where the points are: optimal sampling
======================================

The boundary layer of

.. math:: -\\varepsilon u'' + u' = 1 \\quad \\text{on } (0, 1), \\qquad u(0) = u(1) = 0,

is found from twenty fresh points in each iteration. Does it matter where they are? The answer is
read off the mean square of the residual on points that stay the same.
"""

# %%
# Optimal points
# --------------
# Gruhlke, Nouy and Trunschke draw points with the density K / d, where K(x) = Σ b_j(x)² for an
# orthonormal basis b of the tangent space and d is its dimension, each with the weight d / K, until
# the Gram matrix of b on them is within 1/2 of the identity: ``sampler="christoffel"``. It asks for
# the tangent space of each iteration, and puts the points where functions of that space are large.
# Here ε = 0.05.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from skngd import NaturalMomentumRegressor, PINNEstimator
from skngd.inspection import ConvergenceDisplay
from skngd.problems.zoo import AdvectionDiffusion
from skngd.tangent.christoffel import largest_step

SEEDS, ITERATIONS = range(3), 25


def solve(seed, **settings):
    """A fit with new points in each iteration; its warnings are that it ends early."""
    solver = PINNEstimator(
        AdvectionDiffusion(eps=0.05),
        (10,),
        activation="tanh",
        batch_size=20,
        estimate_error=False,
        momentum=None,
        n_interior=200,
        rcond=1e-3,
        variable_projection=False,
        tol=0.0,
        n_iter_no_change=ITERATIONS,
        max_iter=ITERATIONS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return solver.set_params(**settings).fit()


def residuals(**settings):
    """Mean square of the residual after each iteration, the median over the seeds."""
    fits = [solve(seed, **settings) for seed in SEEDS]
    return 2 * np.median([fitted.history_["monitored_loss"] for fitted in fits], axis=0)


def print_row(name, curve):
    print(f"{name:30s}" + "".join(f"{value:10.1e}" for value in curve[[5, 10, 15, ITERATIONS]]))


samplers = {"uniform": "uniform", "Sobol": "sobol", "optimal": "christoffel"}
curves = {}
print(f"mean square of the residual{'':3s}" + "".join(f"{k:10d}" for k in (5, 10, 15, ITERATIONS)))
for name, sampler in samplers.items():
    curves[f"{name}, searched"] = residuals(sampler=sampler, step_size="backtracking")
for name, curve in curves.items():
    print_row(name, curve)

# %%
# The same number of points tells more where they are optimal.
#
# How far to step
# ---------------
# :func:`skngd.tangent.christoffel.largest_step` bounds the step length below which the loss falls
# on average for a linear model; half of it is best. What the tangent space holds of the gradient, a
# projection of least squares finds exactly. The rest is noise, and asks for smaller steps the more
# of it there is. With d = 7 directions and points of ‖Ĝ − I‖ = 1/2:

print(f"in the tangent space{'':16s}" + "".join(f"{kept:10.0%}" for kept in (1.0, 0.5, 0.1)))
for n_points in (10, 20, 100):
    steps = [largest_step(kept, 7, n_points, deviation=0.5) / 2 for kept in (1.0, 0.5, 0.1)]
    print(f"{n_points:4d} points{'':25s}" + "".join(f"{step:10.2f}" for step in steps))

# %%
# ``step_size="christoffel"`` takes this step with the ‖Ĝ − I‖ of the points of each iteration. It
# looks at no loss, and is compared here with whole steps, which do not, either, and with the steps
# of the search above.

rules = {
    "uniform, whole steps": {"sampler": "uniform", "step_size": 1.0},
    "optimal, whole steps": {"sampler": "christoffel", "step_size": 1.0},
    "optimal, steps of the draw": {"sampler": "christoffel", "step_size": "christoffel"},
}
stepped = {"optimal, searched": curves["optimal, searched"]}
for name, settings in rules.items():
    stepped[name] = residuals(**settings)
    print_row(name, stepped[name])

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
for ax, found in zip(axes, (curves, stepped), strict=True):
    label = "mean square of the residual" if ax is axes[0] else ""
    ConvergenceDisplay.from_predictions(found, label=label, ax=ax)
axes[0].set_title("Searched steps")
axes[1].set(title="How far to step", ylim=(None, 1e5))
axes[1].legend(loc="upper right", fontsize="small")
plt.show()

# %%
# At first, far from the solution, neither knows how the network bends, and they overshoot; the
# search does not. The steps of the draw are the first to recover. Which ends lowest differs from
# seed to seed: the residual of this equation can vanish, and with it the noise.
#
# Rows of a data set
# ------------------
# The rows of a batch can be drawn in the same way. Here ten of a thousand rows say what the
# function is outside of a thick cluster. Uniform batches of fifty rows miss most of them; optimal
# ones contain them, with a small weight. The table has ½ the mean squared error on all rows.


def error_on_rows(sampler, seed):
    """½ the mean squared error of a fit from batches, on all rows."""
    random = np.random.RandomState(seed)
    x = np.append(0.05 * random.standard_normal(990), random.uniform(-1, 1, 10))
    y = np.sin(4 * x) + 0.01 * random.standard_normal(1000)
    model = NaturalMomentumRegressor((5,), batch_size=50, n_init=1, max_iter=40, tol=0.0)
    model.set_params(sampler=sampler, n_iter_no_change=40, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(x.reshape(-1, 1), y).loss_


for sampler in ("uniform", "christoffel"):
    found = sorted(error_on_rows(sampler, seed) for seed in SEEDS)
    print(f"{sampler:12s} three seeds" + "".join(f"{value:10.1e}" for value in found))

# %%
# Noise that does not vanish is what the step length of the draw is for. From batches of fifty noisy
# rows, forty iterations with a search come near the minimum. From there on the search, and whole
# steps, follow the noise of each batch. The table has the loss on all rows that is left in the last
# iterations, above that of a fit to all rows at once: medians over the seeds.


def excess(**settings):
    """What is left after forty iterations with a search, and eighty with other settings."""
    found = []
    for seed in SEEDS:
        random = np.random.RandomState(seed)
        X = random.uniform(-1, 1, (400, 1))
        y = np.sin(3 * X[:, 0]) + 0.1 * random.standard_normal(400)
        model = NaturalMomentumRegressor((5,), n_init=1, random_state=seed)
        batched = clone(model).set_params(batch_size=50, rcond=1e-2, tol=0.0, n_iter_no_change=99)
        batched.set_params(momentum=None, step_size="backtracking", max_iter=40)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batched.set_params(sampler=settings["sampler"]).fit(X, y)
            batched.set_params(warm_start=True, max_iter=80, **settings).fit(X, y)
            best = model.fit(X, y).loss_
        found.append(np.median(batched.history_["monitored_loss"][-24:]) - best)
    return np.median(found)


for name, settings in {
    "uniform, searched": {"sampler": "uniform", "step_size": "backtracking"},
    "optimal, whole steps": rules["optimal, whole steps"],
    "optimal, steps of the draw": rules["optimal, steps of the draw"],
}.items():
    print(f"{name:30s}{excess(**settings):10.1e}")
