"""
================================================
Fresh points in each iteration, and optimal ones
================================================

The equation

.. math:: -\\varepsilon u'' + u' = 1 \\quad \\text{on } (0, 1), \\qquad u(0) = u(1) = 0,

is solved from a few random points in each iteration. Two questions:

* does a momentum help, which remembers a function, and with it what the earlier points said?
* does it matter where the points are?

The answers are read off the mean square of the residual on points that stay the same.
"""

# %%
# Few points, and a memory
# ------------------------
# ``batch_size=10`` draws ten points of the equation in each iteration; a network 1-10-1 has 31
# parameters, so that a natural gradient step could satisfy the equation at all of them. The step
# length is searched on the same ten points; the β of the heavy ball was chosen on other seeds. The
# remembered function is evaluated at the new points.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from skngd import PINNEstimator
from skngd.problems.zoo import AdvectionDiffusion

SEEDS, ITERATIONS = range(3), 40

methods = {
    "plain NGD": {"momentum": None},
    "heavy ball, last momentum": {"memory": "momentum", "beta": 0.3},
    "heavy ball, function difference": {"memory": "difference", "beta": 0.3},
    "heavy ball, last gradient": {"memory": "gradient", "beta": 0.3},
    "Nesterov": {"momentum": "nesterov", "memory": "difference", "beta": 0.6},
    "SPRING": {"momentum": "spring", "beta": 0.9, "damping": 1e-3, "rcond": 0.0},
}


def solve(eps, seed, **settings):
    """A fit with new points in each iteration; its warnings are that it ends early."""
    solver = PINNEstimator(
        AdvectionDiffusion(eps=eps),
        (10,),
        activation="tanh",
        estimate_error=False,
        n_interior=200,
        variable_projection=False,
        restart=None,
        tol=0.0,
        n_iter_no_change=ITERATIONS,
        max_iter=ITERATIONS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return solver.set_params(**settings).fit()


def residuals(eps, **settings):
    """Mean square of the residual, of shape (seeds, iterations + 1)."""
    fits = [solve(eps, seed, **settings) for seed in SEEDS]
    return 2 * np.array([fitted.history_["monitored_loss"] for fitted in fits])


def print_row(name, curves):
    ends = curves[:, [5, 10, 25, ITERATIONS]]
    print(f"{name:34s}" + "".join(f"{value:10.1e}" for value in np.median(ends, axis=0)))


common = {"sampler": "uniform", "step_size": "backtracking", "momentum": "heavy-ball"}
curves = {}
print(f"mean square of the residual{'':7s}" + "".join(f"{k:10d}" for k in (5, 10, 25, ITERATIONS)))
for n_points in (10, 3):
    print(f"{n_points} points")
    for name, choice in methods.items():
        settings = {**common, "rcond": 1e-5, "batch_size": n_points, **choice}
        curves[n_points, name] = residuals(1.0, **settings)
        print_row("  " + name, curves[n_points, name])

# %%
# With ten points plain NGD does not need a memory: the pseudo-inverse takes the smallest of the
# steps that satisfy the ten equations, and this smooth step is a good one between the points, too.
# A memory slows the first iterations down. With three points a step forgets much of what the last
# one has learned, and a memory of a function does not bring it back: it is projected onto what the
# same three points can see, where a whole step in the direction of the gradient has the last word.
# Nesterov's method then makes the step of plain NGD but for the curvature. SPRING remembers what
# the points do not see; with whole steps that is too much, and it is the slowest here.
#
# In a talk by the authors of the method, the residual of plain NGD stays at about 100 with ten
# points, its value at the start, and the memories take it to 1e-2 and below. Such a picture appears
# where the steps are short, here α = 0.02: plain NGD is then slow, and a memory lends it long
# steps; SPRING, whose step satisfies the equations of the batch whatever it remembers, is as slow.
# How short those of the talk were is not known to us. The last gradient has β = −0.3 here, for with
# a positive one it diverges, as it does without fresh points. Twenty seeds, and what else was
# tried, are in ``examples/benchmarks/stochastic_talk.py``.

short = {
    "plain NGD": {"momentum": None},
    "heavy ball, last momentum": {"memory": "momentum", "beta": 0.8},
    "heavy ball, function difference": {"memory": "difference", "beta": 0.8},
    "heavy ball, last gradient": {"memory": "gradient", "beta": -0.3},
    "Nesterov": {"momentum": "nesterov", "memory": "difference", "beta": 0.8},
    "SPRING": methods["SPRING"],
}
print("10 points, α = 0.02")
for name, choice in short.items():
    settings = {**common, "rcond": 1e-5, "batch_size": 10, "step_size": 0.02, **choice}
    curves["short", name] = residuals(1.0, **settings)
    print_row("  " + name, curves["short", name])

colours = ("#000000", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
styles = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)))


def panel(axis, found, title):
    for (name, rows), colour, style in zip(found.items(), colours, styles, strict=False):
        axis.semilogy(np.median(rows, axis=0), color=colour, linestyle=style, label=name)
    axis.set(xlabel="iteration", title=title)


figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), layout="constrained", sharey=True)
for axis, n_points in zip(axes, (10, 3), strict=False):
    found = {name: curves[n_points, name] for name in methods}
    panel(axis, found, f"{n_points} fresh points, searched steps")
panel(axes[2], {name: curves["short", name] for name in short}, "10 fresh points, α = 0.02")
axes[0].set_ylabel("mean square of the residual")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

# %%
# Optimal points
# --------------
# For ε = 0.05 the solution has a boundary layer. Gruhlke, Nouy and Trunschke draw points with the
# density K / d, where K(x) = Σ b_j(x)² for an orthonormal basis b of the tangent space and d is its
# dimension, each with the weight d / K, until the Gram matrix of b on them is within 1/2 of the
# identity: ``sampler="christoffel"``. It asks for the tangent space of each iteration, and puts the
# points where functions of that space are large.

samplers = {"uniform": "uniform", "Sobol": "sobol", "optimal": "christoffel"}
optimal = {}
print(f"\nε = 0.05, plain NGD{'':15s}" + "".join(f"{k:10d}" for k in (5, 10, 25, ITERATIONS)))
for n_points in (10, 20):
    print(f"{n_points} points")
    for name, sampler in samplers.items():
        settings = {"momentum": None, "step_size": "backtracking", "rcond": 1e-3}
        settings = {**settings, "batch_size": n_points, "sampler": sampler}
        optimal[n_points, name] = residuals(0.05, **settings)
        print_row("  " + name, optimal[n_points, name])

# %%
# The same number of points tells more where they are optimal. Of twenty points, Sobol points, which
# are even, are between them and independent ones; of ten they are no better than those at the end.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
for axis, n_points in zip(axes, (10, 20), strict=True):
    found = {name: optimal[n_points, name] for name in samplers}
    panel(axis, found, f"ε = 0.05, {n_points} points in each iteration")
axes[0].set_ylabel("mean square of the residual")
axes[0].legend(loc="lower left")

# %%
# How far to step
# ---------------
# :func:`skngd.tangent.christoffel.largest_step` bounds the step length below which the loss falls
# on average for a linear model; half of it is best. What the tangent space holds of the gradient, a
# projection of least squares finds exactly. The rest is noise, and asks for smaller steps the more
# of it there is. With d = 7 directions and points of ‖Ĝ − I‖ = 1/2:

from skngd.tangent.christoffel import largest_step

print(f"\nin the tangent space{'':20s}" + "".join(f"{kept:10.0%}" for kept in (1.0, 0.5, 0.1)))
for n_points in (10, 20, 100):
    steps = [largest_step(kept, 7, n_points, deviation=0.5) / 2 for kept in (1.0, 0.5, 0.1)]
    print(f"{n_points:4d} points{'':29s}" + "".join(f"{step:10.2f}" for step in steps))

# %%
# ``step_size="christoffel"`` takes this step with the ‖Ĝ − I‖ of the points of each iteration. It
# looks at no loss, and is compared here with whole steps, which do not, either, and with the steps
# of the search above.

rules = {
    "uniform, whole steps": {"sampler": "uniform", "step_size": 1.0},
    "optimal, whole steps": {"sampler": "christoffel", "step_size": 1.0},
    "optimal, steps of the draw": {"sampler": "christoffel", "step_size": "christoffel"},
}
print(f"\nε = 0.05, 20 points{'':15s}" + "".join(f"{k:10d}" for k in (5, 10, 25, ITERATIONS)))
stepped = {"optimal, searched": optimal[20, "optimal"]}
for name, choice in rules.items():
    settings = {"momentum": None, "rcond": 1e-3, "batch_size": 20, **choice}
    stepped[name] = residuals(0.05, **settings)
for name, rows in stepped.items():
    print_row(name, rows)

figure, axis = plt.subplots(figsize=(6, 4.2), layout="constrained")
panel(axis, stepped, "ε = 0.05, 20 points in each iteration")
axis.set_ylabel("mean square of the residual")
axis.legend(loc="upper right")

# %%
# At first, far from the solution, neither knows how the network bends, and they overshoot; the
# search does not. Which of them ends lowest differs from seed to seed: the residual of this
# equation can vanish, and with it the noise.
#
# Rows of a data set
# ------------------
# The rows of a batch can be drawn in the same way. Here ten of a thousand rows say what the
# function is outside of a thick cluster. Uniform batches of fifty rows miss most of them; optimal
# ones contain them, with a small weight. The table has ½ the mean squared error on all rows.

from skngd import NaturalMomentumRegressor


def error_on_rows(sampler, seed):
    """½ the mean squared error of a fit from batches, on all rows."""
    random = np.random.RandomState(seed)
    x = np.append(0.05 * random.standard_normal(990), random.uniform(-1, 1, 10))
    y = np.sin(4 * x) + 0.01 * random.standard_normal(1000)
    model = NaturalMomentumRegressor((5,), batch_size=50, n_init=1, max_iter=60, tol=0.0)
    model.set_params(sampler=sampler, n_iter_no_change=60, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(x.reshape(-1, 1), y).loss_


print(f"\n{'quartiles of five seeds':34s}{'25%':>10s}{'50%':>10s}{'75%':>10s}")
for sampler in ("uniform", "christoffel"):
    quartiles = np.quantile([error_on_rows(sampler, seed) for seed in range(5)], [0.25, 0.5, 0.75])
    print(f"{sampler:34s}" + "".join(f"{value:10.1e}" for value in quartiles))

# %%
# Noise that does not vanish is what the step length of the draw is for. From batches of fifty noisy
# rows, forty iterations with a search come near the minimum. From there on the search, and whole
# steps, follow the noise of each batch. The table has the loss on all rows that is left in the last
# iterations, above that of a fit to all rows at once: medians over the seeds.


def excess(**settings):
    """What is left after forty iterations with a search, and 120 with other settings."""
    found = []
    for seed in SEEDS:
        random = np.random.RandomState(seed)
        X = random.uniform(-1, 1, (400, 1))
        y = np.sin(3 * X[:, 0]) + 0.1 * random.standard_normal(400)
        model = NaturalMomentumRegressor((5,), n_init=1, random_state=seed, max_iter=200)
        batched = clone(model).set_params(batch_size=50, rcond=1e-2, tol=0.0, n_iter_no_change=99)
        batched.set_params(momentum=None, step_size="backtracking", max_iter=40)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batched.set_params(sampler=settings["sampler"]).fit(X, y)
            batched.set_params(warm_start=True, max_iter=120, **settings).fit(X, y)
            best = model.fit(X, y).loss_
        found.append(np.median(batched.history_["monitored_loss"][-24:]) - best)
    return np.median(found)


print()
for name, settings in {
    "uniform, searched": {"sampler": "uniform", "step_size": "backtracking"},
    "optimal, whole steps": rules["optimal, whole steps"],
    "optimal, steps of the draw": rules["optimal, steps of the draw"],
}.items():
    print(f"{name:34s}{excess(**settings):10.1e}")

plt.show()
