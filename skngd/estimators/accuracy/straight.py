"""Noise of measurements that bends equation and conditions, and how it is kept from that."""

from ...optim.stopping import out_of_iterations
from .aim import is_enough
from .unknowns import noise_of

# The error that measurements may bend a solution by, and the part of what their noise does.
STRAIGHT_ENOUGH, BENT = 1e-6, 0.1
# The iterations after which what the linearised problem says of the measurements is found again.
STRAIGHTENED = 30, 30, 30


def straightened(task, result, minimized):
    """With more iterations, in which measurements do not bend equation and conditions.

    Parameters
    ----------
    task : ProblemTask
    result : Result
        As it has ended.
    minimized : callable
        Makes iterations: ``minimized(objective, theta, max_iter)``.
    """
    max_iter, has_met = task.estimator.max_iter, False
    for most in (*STRAIGHTENED, max_iter):
        left = min(most, max_iter - result.n_iter)
        if left > 0 and _is_bent(task, result):
            _, solution, estimate = task.aim.known
            task.ground.straighten(solution, estimate.following)
            task.objective = task.ground.objective_on(task.ground.points.draw())
            has_met = True
        elif has_met and is_enough(task.aim.known[2], task.aim.wanted):
            result.stop, task.aim.is_met = task.aim.stop, True
            break
        elif left < 1 or result.stop.kind != "budget":
            break
        result = minimized(task.objective, result.theta, left).after(result)
        if result.stop == out_of_iterations(left):
            result.stop = out_of_iterations(max_iter)
    return result


def _is_bent(task, result):
    """Whether more than a part of the error is not the noise's."""
    solution = task.solution(result.theta)
    estimate = task.estimated(solution, result.n_iter)
    task.aim.known = result.theta, solution, estimate
    if estimate is None or not estimate.is_determined:
        return False
    allowed = STRAIGHT_ENOUGH
    if estimate.following is not None:
        allowed = max(allowed, BENT * noise_of(estimate).max())
    return not estimate.largest <= allowed
