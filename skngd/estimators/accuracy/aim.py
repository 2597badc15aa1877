"""What ``tol`` is for a problem: the estimated error, (Err), with which a fit may end."""

import numpy as np

from ...optim import Stop
from ...pde.uncertainty import covariance
from ..device import multiplications
from .error import estimated_error, work_of_estimate
from .unknowns import relative_spread
from .verdict import hidden_residual

# The relative error that tol="auto" stands for, and the part of the noise's that is enough, too.
AUTO, OF_NOISE = 1e-12, 0.1
# A look at the error is worth it where the fit has taken so many times its work since the last one,
# the loss has become this part of what it was then, and its root is at most so many times the error
# that is wanted: what (Err) adds to a solution makes it that much better at best.
WORTH, FALLEN, REACH = 2.0, 0.1, 1e6
# What an iteration and a look cost at least, in multiplications: calls, small as their arrays are.
LEAST_ITERATION, LEAST_LOOK = 1e8, 5e8


class Aim:
    """The error that is wanted, the work of a fit so far, and what looks at its error have found.

    Parameters
    ----------
    tol : float or "auto"
        The relative error of a field. With 0 there is no aim.
    is_estimated : bool
        Whether the error is.
    is_measured : bool
        Whether there are measurements.

    Attributes
    ----------
    is_there, is_met : bool
        Whether there is an aim, and whether a look has found it met.
    known : tuple (theta, solution, ErrorEstimate or None)
        Of the last look that counts; three times None before.
    """

    def __init__(self, tol, is_estimated, is_measured):
        self.wanted, self.is_measured = AUTO if tol == "auto" else tol, is_measured
        self.is_there, self.is_met = is_estimated and self.wanted > 0, False
        self.spent, self.spent_then, self.part_then = 0.0, 0.0, np.inf
        self.known = None, None, None

    @property
    def stop(self):
        """Why a fit ends."""
        error = self.known[2].largest
        beside = "beside what the noise does, " if self.is_measured else ""
        enough = f"tol={self.wanted:g}"
        if error > self.wanted:
            enough = f"which is at most a part {OF_NOISE:g} of that"
        return Stop(
            f"Converged: {beside}the relative error is estimated at {error:.1e}, {enough}",
            "converged",
        )

    def spend(self, objective, n_iter):
        """Count iterations."""
        self.spent += n_iter * LEAST_ITERATION + work_of_iterations(objective, n_iter)

    def is_due(self, physics, part):
        """Whether a look is worth it with a loss that is this part of the first."""
        if not self.is_there or self.is_met:
            return False
        since, cost = self.spent - self.spent_then, LEAST_LOOK + work_of_estimate(physics)
        if self.is_measured:
            # The loss is that of the noise in the end.
            return since >= max(WORTH * cost, self.spent_then)
        is_near = part <= FALLEN * self.part_then and part <= (REACH * self.wanted) ** 2
        return is_near and since >= WORTH * cost

    def look(self, ground, iterate, activation, part):
        """Whether an iterate is exact enough, with a loss that is this part of the first."""
        physics, theta = ground.physics, iterate.theta
        self.spent_then, self.part_then = self.spent, part
        seen = np.sqrt(physics.relative_parts(iterate)["equation"])
        if hidden_residual(physics, theta, seen) is None:
            solution = ground.solution(theta)
            given = activation, 0.0, ground.observations
            estimate = estimated_error(*solution[:2], *given)
            self.is_met = estimate is not None and is_enough(estimate, self.wanted)
            if self.is_met:
                self.known = theta, solution, estimate
        return self.is_met


class Watched:
    """A watch of the loop that ends it where the aim of a task is met.

    Parameters
    ----------
    task : ProblemTask
    watch : Watch, Lines or None
        What else is told of each iteration.
    """

    def __init__(self, task, watch):
        self.task, self.watch = task, watch

    def begin(self):
        """Before an iteration."""
        if self.watch is not None:
            self.watch.begin()

    def end(self, iterate):
        """After an iteration: a :class:`Stop`, or whether a callback wants to stop."""
        is_ended = self.watch is not None and self.watch.end(iterate)
        return is_ended or self.task.end_at(iterate)


def of_loss(tol, aim):
    """The tolerance of the loss: a number is that of the error where there is an aim."""
    return None if aim.is_there and tol != "auto" else tol


def work_of_iterations(objective, n_iter):
    """Multiplications of iterations, about."""
    return 2 * n_iter * multiplications(objective.n_rows, 1, objective.model.n_parameters)


def is_enough(estimate, wanted):
    """Whether fields and unknown coefficients are as exact as is wanted, or as noise allows."""
    following, allowed = estimate.following, wanted
    if not estimate.is_determined:
        return False
    if following is not None and following.information is not None:
        of_noise, _ = covariance(following.information, following.residuals, following.weights)
        allowed = max(wanted, OF_NOISE * relative_spread(of_noise, estimate).max())
        within = np.maximum(wanted, OF_NOISE * np.sqrt(np.diag(of_noise)))
        if not (np.isfinite(within) & (np.abs(following.change) <= within)).all():
            return False
    return estimate.largest <= allowed
