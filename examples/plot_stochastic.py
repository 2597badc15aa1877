"""
==============================
Fresh points in each iteration
==============================

The equation

.. math:: -\\varepsilon u'' + u' = 1 \\quad \\text{on } (0, 1), \\qquad u(0) = u(1) = 0,

is solved from a few random points in each iteration. Does a momentum help, which remembers a
function, and with it what the earlier points said? The answer is read off the mean square of the
residual on points that stay the same. Where the points should be is another question:
:ref:`sphx_glr_auto_examples_plot_optimal_points.py`.
"""

# %%
# Few points, and a memory
# ------------------------
# ``batch_size=10`` draws ten points of the equation in each iteration; a network 1-10-1 has 31
# parameters, so that a natural gradient step could satisfy the equation at all of them. The step
# length is searched on the same ten points; the β of the heavy ball was chosen on other seeds. The
# remembered function is evaluated at the new points. One seed is shown; twenty are in
# ``examples/benchmarks/stochastic.py`` and ``stochastic_talk.py``.

import warnings

import matplotlib.pyplot as plt

from skngd import PINNEstimator
from skngd.inspection import ConvergenceDisplay
from skngd.problems.zoo import AdvectionDiffusion

ITERATIONS = 40

methods = {
    "plain NGD": {"momentum": None},
    "heavy ball, last momentum": {"memory": "momentum", "beta": 0.3},
    "heavy ball, function difference": {"memory": "difference", "beta": 0.3},
    "heavy ball, last gradient": {"memory": "gradient", "beta": 0.3},
    "Nesterov": {"momentum": "nesterov", "memory": "difference", "beta": 0.6},
    "SPRING": {"momentum": "spring", "beta": 0.9, "damping": 1e-3, "rcond": 0.0},
}


def solve(**settings):
    """A fit with new points in each iteration; its warnings are that it ends early."""
    solver = PINNEstimator(
        AdvectionDiffusion(eps=1.0),
        (10,),
        activation="tanh",
        estimate_error=False,
        n_interior=200,
        variable_projection=False,
        restart=None,
        tol=0.0,
        n_iter_no_change=ITERATIONS,
        max_iter=ITERATIONS,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return solver.set_params(**settings).fit()


def residuals(**settings):
    """Mean square of the residual at the start and after each iteration."""
    return 2 * solve(**settings).history_["monitored_loss"]


def print_row(name, curve):
    print(f"{name:34s}" + "".join(f"{value:10.1e}" for value in curve[[5, 10, 25, ITERATIONS]]))


common = {"sampler": "uniform", "step_size": "backtracking", "momentum": "heavy-ball"}
curves = {}
print(f"mean square of the residual{'':7s}" + "".join(f"{k:10d}" for k in (5, 10, 25, ITERATIONS)))
for n_points in (10, 3):
    print(f"{n_points} points")
    for name, choice in methods.items():
        settings = {**common, "rcond": 1e-5, "batch_size": n_points, **choice}
        curves[n_points, name] = residuals(**settings)
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
    curves["short", name] = residuals(**settings)
    print_row("  " + name, curves["short", name])

figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), layout="constrained", sharey=True)
panels = {
    "10 fresh points, searched steps": {name: curves[10, name] for name in methods},
    "3 fresh points, searched steps": {name: curves[3, name] for name in methods},
    "10 fresh points, α = 0.02": {name: curves["short", name] for name in short},
}
for ax, (title, found) in zip(axes, panels.items(), strict=True):
    label = "mean square of the residual" if ax is axes[0] else ""
    ConvergenceDisplay.from_predictions(found, label=label, ax=ax)
    ax.set_title(title)
    ax.get_legend().remove()
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()
