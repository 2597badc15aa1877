"""Measurements that the solution does not meet: outliers, or those of another equation."""

import numpy as np

from ...optim.stopping import out_of_iterations
from ..callers import warn
from ..rows.outliers import LEADS, NORMAL_MEDIAN, outliers
from ..rows.scaling import moments, scale_of_inputs
from ..rows.underfit import correlation, neighbours
from .unknowns import at_bounds, misses, warn_if_unexplained

# Rows that are enough to tell, and residuals, as a part of the spread of what was measured, that
# are no more than errors of the solution.
LEAST_ROWS, NO_NOISE = 25, 1e-3
# An error of the solution that is too large for its residuals to tell something.
UNSOLVED = 0.01
# Of more rows than this part it is another one that misses them.
MOST_OUTLIERS = 0.25
# Outliers count as so many robust standard deviations where neighbours are compared.
CLIPPED = 4.0
# How often Huber's weights are found again, iterations between, and a change that is none.
REWEIGHTED, BETWEEN_WEIGHTS, SAME_WEIGHTS = 15, 15, 0.05


def without_outliers(task, result, minimized):
    """With ``measurement_loss="huber"`` more iterations, outliers being held off.

    The weights ψ(r) / r are found again until they stay.

    Parameters
    ----------
    task : ProblemTask
    result : Result
        As it has ended.
    minimized : callable
        Makes iterations: ``minimized(objective, theta, max_iter)``.
    """
    is_robust = task.y is not None and task.estimator.measurement_loss == "huber"
    if not is_robust or task.ground.free_fields or task.source.draws:
        return result
    max_iter = task.first_iterations(task.estimator.max_iter)
    for _ in range(REWEIGHTED):
        left = min(max_iter - result.n_iter, BETWEEN_WEIGHTS)
        if left < 1 or task.ground.hold_off(result.theta) < SAME_WEIGHTS:
            break
        task.objective = task.ground.objective_on(task.ground.points.draw())
        stop, again = result.stop, minimized(task.objective, result.theta, left)
        result = again.after(result)
        if again.stop == out_of_iterations(left):
            result.stop = stop
    return result


def warn_of_misfit(task, physics, theta, measured):
    """Warn of a solution that explains little, or whose residuals are not noise.

    Parameters
    ----------
    task : ProblemTask
    physics : Physics
    theta : torch.Tensor of shape (P + q,)
    measured : list of Block
    """
    is_robust = task.estimator.measurement_loss != "squared"
    solution = physics, theta, measured, task.y
    if warn_if_unexplained(*solution, task.n_guesses, is_robust) or task.error() > UNSOLVED:
        return
    # What a bound does is said by itself.
    values = physics.residuals.unknowns(theta).tolist()
    if any(at_bounds(physics.problem, values)):
        return
    for name, (off, weights, seen, column) in misses(*solution).items():
        if len(off) < LEAST_ROWS or np.sqrt(weights @ off**2) < NO_NOISE * column[seen].std():
            continue
        told = _sentence(task.X[seen], off * np.sqrt(weights * len(weights)), is_robust)
        if told:
            warn(f"{name[0].upper()}{name[1:]}: {told}")


def _sentence(X, errors, is_robust):
    """A sentence on residuals in units of one noise, or none."""
    # Outliers on one side move all others to the other one.
    robust = np.median(np.abs(errors - np.median(errors))) / NORMAL_MEDIAN
    count, ratio = outliers((errors - np.median(errors))[:, None])
    if not is_robust and ratio >= LEADS and 0 < count <= MOST_OUTLIERS * len(errors):
        return (
            f"{count} of {len(errors)} are outliers, and squares let them lead the unknown "
            "coefficients. Try measurement_loss='huber'."
        )
    mean, deviation = moments(X, np.ones(len(X)))
    pairs = neighbours((X - mean) / scale_of_inputs(deviation), LEAST_ROWS)
    if pairs is not None:
        clipped = errors.clip(-CLIPPED * robust, CLIPPED * robust)
        found, bound, _ = correlation(clipped[pairs][:, :, None])
        if found[0] > bound:
            return (
                f"residuals of neighbouring measurements are alike (correlation {found[0]:.2f}, of "
                f"noise at most {bound:.2f}). The equation, a condition or a constant may be "
                "another one: the intervals of the unknown coefficients do not say that."
            )
    return ""
