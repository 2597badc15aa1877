"""
==============================================
Five equations: error by steps and by seconds
==============================================

Natural gradients were proposed for equations because first-order methods stall there. Here are five
problems of that literature, in a size for a quick look: Laplace's equation in two and in five
dimensions, the heat equation, Allen-Cahn's and Burgers' equation, each with one layer of tanh. All
methods start from the same parameters and see the same points. Each has 0.12 s.

* Gradient descent, Adam and L-BFGS (grey).
* Plain natural gradient descent, :eq:`NGD`, with a search along the step, :eq:`Armijo`, and a fixed
  cut-off of the singular values, one that adapts, :eq:`Cut`, or damping.
* The natural heavy ball, :eq:`HB`, with the same search and damping.
* The default: a trust region, where the damping is chosen in each step, :eq:`control`.
"""

# %%
# Problems and methods
# --------------------
# ``estimate_error=False, variable_projection=False`` leave out what a solver of equations does
# beside its method.

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from skngd import PINNEstimator
from skngd.inspection import ConvergenceDisplay
from skngd.problems import zoo

PROBLEMS = {
    "Laplace, 2-D": zoo.Laplace2D(),
    "Laplace, 5-D": zoo.Laplace5D(),
    "Heat": zoo.Heat(),
    "Allen-Cahn, ε = 0.1": zoo.AllenCahn(eps=0.1, rate=2.0),
    "Burgers, ν = 0.1": zoo.Burgers(nu=0.1),
}
LINE = {"momentum": None, "step_size": "backtracking"}
METHODS = {
    "gradient descent": {"optimizer": "gd", "momentum": None},
    "Adam": {"optimizer": "adam", "momentum": None, "step_size": 1e-2},
    "L-BFGS": {"optimizer": "lbfgs", "momentum": None},
    "plain, rcond 1e-4": {**LINE, "rcond": 1e-4},
    "plain, rcond adaptive": {**LINE, "rcond": "adaptive"},
    "plain, damped": {**LINE, "damping": 1e-6},
    "heavy ball, damped": {**LINE, "damping": 1e-6, "momentum": "heavy-ball"},
    "trust region": {},
}
SECONDS = 0.12
FIT = {"max_iter": 10_000, "tol": 0, "n_iter_no_change": 10_000, "n_init": 1, "random_state": 0}
ALONE = {"estimate_error": False, "variable_projection": False}

# %%
# A callback takes the error
# --------------------------
# It is called after each iteration, with a model that predicts. It takes the error now and then,
# keeps its own time out of the account, and ends the fit when the time is over.


class Course:
    def __init__(self, X, exact):
        self.X, self.exact = X, exact
        self.n_iter, self.own, self.began = 0, 0.0, time.process_time()
        self.iterations, self.seconds, self.errors = [], [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name != "iteration":
            return False
        now = time.process_time()
        self.n_iter += 1
        seconds = now - self.began - self.own
        if self.n_iter >= 1.1 * (self.iterations or [0])[-1] or seconds > SECONDS:
            error = np.linalg.norm(fitted_estimator.predict(self.X) - self.exact)
            self.iterations.append(self.n_iter)
            self.seconds.append(seconds)
            self.errors.append(error / np.linalg.norm(self.exact))
        self.own += time.process_time() - now
        return seconds > SECONDS


def follow(problem, X, exact, method):
    """The course of a fit with these settings."""
    points = {"n_interior": 200, "n_boundary": 60}
    solver = PINNEstimator(problem, (16,), activation="tanh", **points, **method, **ALONE, **FIT)
    course = Course(X, exact)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.set_callbacks(course).fit()
    return course


# %%
# The figure
# ----------
# Above the error by iterations, below by seconds of CPU, the statement of the problem included.
#
# In this time first-order methods stay near where they start. With a search along the step a fixed
# cut-off is as good as its choice: the same number is at its floor after ten steps of the first
# problem, and stalls in others. The cut-off that adapts falls from the first step on, and slows
# down soon. Damped steps wait for a while, then fall; a momentum beside a search changes little.
# The trust region, which has the damping that each step bears, is at the lower edge of all five.

# Torch loads its optimisers when the first of them is made: that is nobody's time.
torch.optim.Adam([torch.zeros(1)])

figure, axes = plt.subplots(2, 5, figsize=(16, 7), layout="constrained", sharey="col")
for column, (title, problem) in zip(axes.T, PROBLEMS.items(), strict=True):
    X = problem.domain.sample(500, random_state=1)
    exact = problem.solution(X)
    courses = {name: follow(problem, X, exact, method) for name, method in METHODS.items()}
    for ax, by in zip(column, ("iteration", "time"), strict=True):
        curves = {
            name: (course.iterations if by == "iteration" else course.seconds, course.errors)
            for name, course in courses.items()
        }
        display = ConvergenceDisplay.from_predictions(curves, by=by, label="", ax=ax)
        for line in display.artists_[:3]:
            line.set(color="0.6", zorder=1)
        for line in display.artists_[-1:]:
            line.set(color="0.0", linestyle="-", linewidth=2.0)
        ax.get_legend().remove()
    column[0].set(title=title, xscale="log")
    column[1].set(xlim=(None, 1.05 * SECONDS))
    told = "  ".join(f"{name} {course.errors[-1]:.0e}" for name, course in courses.items())
    print(f"{title}: {told}")
for ax in axes[:, 0]:
    ax.set_ylabel("relative L² error")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=8)
plt.show()
