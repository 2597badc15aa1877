"""A fit whose residual between its points has become another one than at them, on the way."""

from ...optim import Stop
from .candidates import MISSED, OVERFITTED

# Iterations between two looks at held-out points.
EVERY = 40
OTHER_POINTS = Stop("Stopped: the residual between the points is another one", "budget")


class Overfitting:
    """Looks at held-out points from time to time, and at points that follow the residual then.

    Few points are enough for a smooth solution; in a corner or at a jump they are met one by one.

    Parameters
    ----------
    task : ProblemTask
        After a race, the winner of which has held-out points.
    """

    def __init__(self, task):
        self.task, self.n_iter = task, 0

    def look(self, iterate):
        """After an iteration: a :class:`Stop` where other points have to be taken, or None."""
        task, self.n_iter = self.task, self.n_iter + 1
        if self.n_iter % EVERY or task.raced is None or task.validation is not None:
            return None
        course = task.raced.course
        if iterate.objective.model is not course.ground.objective.model:
            return None
        between = course.held_out.at(iterate.theta).loss / course.reference
        part = iterate.loss / course.first_loss
        if between <= max(MISSED, OVERFITTED * part) or not task.can_follow():
            return None
        return OTHER_POINTS

    def go_on(self, result, minimized):
        """The end of a run that was stopped for other points, on these."""
        task = self.task
        task.follow(result.theta)
        left = task.estimator.max_iter - result.n_iter
        return minimized(None, result.theta, left).after(result)
