"""An evolution problem on a growing interval of time, (Slab): the start of each from the last."""

from math import isfinite

import numpy as np

from ...optim import Stopping, minimize

# The first part of the interval, and the shortest step by which it grows.
FIRST_PART, SHORTEST = 1 / 8, 1 / 64
# Iterations on each part, the loss, beside that of the solution zero, with which it is solved, and
# one with which the next part may begin.
ITERATIONS, SOLVED, GOOD = 60, 1e-6, 1e-5
# Parts that are tried, those that are tried again included; iterations, in multiples of max_iter.
MOST_PARTS, MOST_ITERATIONS = 32, 3


def on_part(ground, axis, part, seed, theta):
    """The objective on the first part of the interval, with as many points as the whole has.

    Half of those of the equation are where the residual at ``theta`` is large.
    """
    physics, points = ground.physics, ground.points
    discretization, start = physics.discretization, physics.discretization.low[axis]
    random_state = np.random.RandomState(seed)

    def moved(site):
        site[:, axis] = start + part * (site[:, axis] - start)
        return site

    drawn = discretization.sample(
        points.n_interior, points.n_boundary, points.sampler, random_state
    )
    for given in drawn:
        for site in () if given is None else given[0]:
            moved(site)
    n = int(np.prod(points.n_interior))
    interior = discretization.adapted(physics.residuals, theta, n, random_state, moved)
    drawn[0] = [interior], None, None
    return physics.objective(discretization.blocks(drawn, physics.trial_unknowns()))


def solved_by_parts(estimator, ground, axis, theta, reference, is_late, spend):
    """Parameters for the whole interval, found on a growing part of it; None where it fails.

    ``theta`` is where the first part begins, ``reference`` what the solution zero has for
    parameters, ``is_late`` tells when to give up, and ``spend`` is told of objectives and numbers
    of iterations.
    """
    theta, reference = ground.tensor(theta), ground.tensor(reference)
    reached, step, n_left = 0.0, FIRST_PART, MOST_ITERATIONS * estimator.max_iter
    for seed in range(MOST_PARTS):
        part = min(reached + step, 1.0)
        objective = on_part(ground, axis, part, seed, theta)
        zero = objective.at(reference).loss
        result = minimize(
            estimator._build_method(),
            objective,
            theta,
            stop_rules=Stopping(0.0, ITERATIONS, SOLVED * zero),
            max_iter=ITERATIONS,
        )
        n_left -= result.n_iter
        spend(objective, result.n_iter)
        if isfinite(result.loss) and result.loss <= GOOD * zero:
            theta, reached, step = result.theta, part, min(2 * step, FIRST_PART)
        else:
            step /= 2
        if reached == 1.0:
            return theta
        if step < SHORTEST or n_left <= 0 or is_late():
            return None
    return None
