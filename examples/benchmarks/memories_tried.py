"""Two ideas for momentum: several remembered functions, and a search in the plane of (α, β).

Run with one thread (about ten minutes; names of problems select)::

    OMP_NUM_THREADS=1 python examples/benchmarks/memories_tried.py --seeds 0 1 2

*Anderson acceleration in function space.* The fixed-point map of natural gradient descent is
v ↦ v + α F(v) with F = −P_T ∇L, and the last differences of functions ΔV and of F, ΔF, say how it
changes: γ = argmin ‖F_k − ΔF γ‖ by least squares, and dθ = α A⁺ F_k − A⁺ (ΔV + α ΔF) γ. The natural
heavy ball with :eq:`FD` remembers one difference with a coefficient that is given.

*Plane search.* Where a search along a line varies α only, in β A⁺q − α A⁺b, this one looks at the
loss of both: on a grid of 11 step lengths and 6 values of β, or with two trial steps, from which
the two coefficients follow by least squares in the residual. With a trust region the plane is that
of β and the damping.

Each beside the plain natural gradient, and heavy ball and Nesterov with β = 0.5: with a constant
step of 0.1 and a cut-off of 1e-3, of 0.3 and a damping, with a search along the step, with a trust
region. No restart but where it is said; searches and the trust region have one. Printed are medians
over the seeds of iterations, and in brackets of losses evaluated, until the loss has fallen to the
two levels of the problem (a dash: half of the seeds or more do not get there in 100 iterations),
and the geometric mean of the lowest loss.
"""

import argparse
import functools
import warnings

import numpy as np
import torch

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.datasets import load_mackey_glass, make_xor
from skngd.optim.directions import NaturalGradient
from skngd.optim.inertia import Inertia
from skngd.optim.memories import function_difference, last_momentum
from skngd.optim.method import ProjectedMethod
from skngd.optim.momentum import HeavyBall, Nesterov, NoMomentum, Proposal
from skngd.optim.needs import PLACE
from skngd.optim.searches import Backtracking, FixedStep, Search, Step
from skngd.optim.trust_region import TrustRegion
from skngd.problems import zoo

N_ITER = 100
RELATIVE_DAMPING = 1e-8


class Anderson(NoMomentum):
    """Several function differences, with coefficients by least squares."""

    needs = (PLACE,)

    def __init__(self, depth, alpha=1.0):
        self.depth, self.alpha = depth, alpha
        self.met = []

    def propose(self, prepared, past, damping, beta):
        here, descent = prepared.here, prepared.descent(damping)
        change = here.tangent(descent)
        if self.met and self.met[-1][0] is here.theta:
            self.met.pop()
        self.met = [*self.met[-self.depth :], (here.theta, here.value, change)]
        if len(self.met) == 1 or not beta:
            return Proposal(None, descent, descent)
        values, changes = (torch.stack([row[k] for row in self.met]).diff(dim=0) for k in (1, 2))
        scale = here.plain_operator.scaled
        columns = torch.stack([scale(function) for function in changes], dim=1)
        gamma = torch.linalg.lstsq(columns, scale(change), rcond=1e-8, driver="gelsd").solution
        q = torch.tensordot(gamma, values + self.alpha * changes, dims=1)
        operator = here.operator
        solve = prepared.factorization.solve_function
        offset = -solve(operator.scaled(q), operator.adjoint, prepared.rcond, damping)
        return Proposal(offset, descent, descent)


class Plane(Search):
    """Both coefficients of β A⁺q − α A⁺b by the loss; with β = 0 a search along the step."""

    def __init__(self, is_grid, relative_damping):
        super().__init__(relative_damping=relative_damping)
        self.is_grid, self.line = is_grid, Backtracking(relative_damping=relative_damping)

    def step(self, start, prepared, propose, beta, inertia):
        damping = self.damping_for(prepared.square_norm)
        proposal = propose(damping, 1.0) if beta else None
        if proposal is None or proposal.offset is None:
            return self.line.step(start, prepared, propose, 0.0, inertia)

        def at(alpha, beta):
            theta = start.theta + alpha * proposal.direction + beta * proposal.offset
            return alpha, beta, start.objective.at(theta)

        if self.is_grid:
            trials = [
                at(2.0**-k, beta) for k in range(11) for beta in (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
            ]
        else:
            trials = [at(1.0, 0.0), at(0.0, 1.0)]
            ends = [end.residual for *_, end in trials]
            if all(torch.isfinite(end).all() for end in ends):
                columns = torch.stack([end - start.residual for end in ends], dim=1)
                pair = torch.linalg.lstsq(columns, -start.residual, driver="gelsd").solution
                trials.append(at(*pair.clamp(-1.0, 2.0).tolist()))
        alpha, beta, end = min(trials, key=lambda trial: np.nan_to_num(trial[2].loss, nan=np.inf))
        if not end.loss < start.loss:
            return self.line.step(start, prepared, propose, 0.0, inertia)
        parts = proposal.direction, proposal.descent
        return Step(end, *parts, alpha, damping, beta, len(trials))


class Rivals(Inertia):
    """A trust region compares five values of β in each step."""

    def rivals(self, beta):
        return (0.9, 0.7, 0.5, 0.25, 0.0) if beta else (0.0,)


def method(momentum, search, beta=0.0, restart=None, inertia=None, rcond=0.0):
    made = ProjectedMethod(NaturalGradient(rcond=rcond), momentum, search, beta, restart)
    made.inertia = made.inertia if inertia is None else inertia(beta, restart)
    return made


def constant(alpha, **other):
    """The methods with a constant step: names, and what makes them."""
    settings = {
        "plain": (NoMomentum, 0.0),
        "heavy ball (LM)": (lambda: HeavyBall(last_momentum), 0.5),
        "heavy ball (FD)": (lambda: HeavyBall(function_difference), 0.5),
        "Nesterov (LM)": (lambda: Nesterov(last_momentum), 0.5),
        "Anderson, 1": (lambda: Anderson(1, alpha), 1.0),
        "Anderson, 3": (lambda: Anderson(3, alpha), 1.0),
        "Anderson, 5": (lambda: Anderson(5, alpha), 1.0),
        "Anderson, 3, restart": (lambda: Anderson(3, alpha), 1.0, "loss"),
    }

    def maker(momentum, beta, restart=None):
        damping = 0.0 if other else RELATIVE_DAMPING
        step = FixedStep(alpha, relative_damping=damping)
        return method(momentum(), step, beta, restart, **other)

    return {name: functools.partial(maker, *given) for name, given in settings.items()}


def line():
    return Backtracking(relative_damping=RELATIVE_DAMPING)


def plane(is_grid):
    return Plane(is_grid, RELATIVE_DAMPING)


def ball():
    return HeavyBall(last_momentum)


METHODS = {
    "α = 0.1, cut off": constant(0.1, rcond=1e-3),
    "α = 0.3, damped": constant(0.3),
    "search": {
        "plain": lambda: method(NoMomentum(), line()),
        "heavy ball (LM)": lambda: method(ball(), line(), 0.5, "loss"),
        "Anderson, 3, restart": lambda: method(Anderson(3), line(), 1.0, "loss"),
        "plane, on a grid": lambda: method(ball(), plane(True), 1.0),
        "plane, two trials": lambda: method(ball(), plane(False), 1.0),
    },
    "trust region": {
        "plain": lambda: method(NoMomentum(), TrustRegion()),
        "heavy ball (LM)": lambda: method(ball(), TrustRegion(), 0.5, "loss"),
        "Anderson, 3": lambda: method(Anderson(3), TrustRegion(), 1.0, "loss"),
        "five values of β": lambda: method(ball(), TrustRegion(), 0.5, "loss", Rivals),
    },
}


def series(seed):
    data = load_mackey_glass()
    model = NaturalMomentumRegressor((10,), activation="tanh", alpha=0.0, random_state=seed)
    return model, (data.X_train, data.y_train)


def classes(seed):
    X, y = make_xor(500, random_state=0)
    return NaturalMomentumClassifier((5,), alpha=1e-4, random_state=seed), (X, y)


def equation(problem, sizes):
    def made(seed):
        points = {"n_interior": 400, "n_boundary": 100, "random_state": seed}
        alone = {"estimate_error": False, "variable_projection": False}
        return PINNEstimator(problem, sizes, activation="tanh", **points, **alone), ()

    return made


# Each with two levels of the loss, chosen after a look at seed 0.
PROBLEMS = {
    "series": (series, 5e-5, 1.5e-5),
    "classes": (classes, 0.20, 0.16),
    "laplace": (equation(zoo.Laplace2D(), (16,)), 1e-5, 1e-6),
    "heat": (equation(zoo.Heat(), (16,)), 1e-5, 1e-6),
    "burgers": (equation(zoo.Burgers(nu=0.1), (20,)), 1e-2, 1e-3),
}


def course(problem, seed, made):
    """Losses and numbers of trials by iteration."""
    estimator, data = PROBLEMS[problem][0](seed)
    fixed = {"max_iter": N_ITER, "tol": 0, "n_iter_no_change": N_ITER, "n_init": 1}
    estimator.set_params(**fixed)
    estimator._build_method = lambda step_size=None: made()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(*data)
    losses = np.minimum.accumulate(np.nan_to_num(estimator.history_["loss"], nan=np.inf))
    return losses, np.cumsum(estimator.history_["n_trials"])


def reached(curves, level):
    found = []
    for losses, trials in curves:
        below = np.flatnonzero(losses <= level)
        found.append((below[0], trials[below[0]]) if len(below) else (np.inf, np.inf))
    n, trials = np.median(found, axis=0)
    return f"{n:.0f} ({trials:.0f})" if np.isfinite(n) else "–"


def table(problem, seeds, regimes):
    _, *levels = PROBLEMS[problem]
    print(f"\n{problem}; losses {levels[0]:.1e} and {levels[1]:.1e}, seeds {seeds}")
    for regime in regimes:
        for name, made in METHODS[regime].items():
            curves = [course(problem, seed, made) for seed in seeds]
            lowest = np.exp(np.mean([np.log(losses[-1]) for losses, _ in curves]))
            cells = "".join(f"{reached(curves, level):>12}" for level in levels)
            print(f"{regime:18}{name:22}{cells}{lowest:10.1e}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("problems", nargs="*", help=", ".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--regimes", nargs="+", choices=list(METHODS), default=list(METHODS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for problem in arguments.problems or PROBLEMS:
        table(problem, arguments.seeds, arguments.regimes)


if __name__ == "__main__":
    main()
