"""What is said of a solution: how large its error is, and what to try where that is too much."""

from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..callers import warn
from .between import residual_at_kinks, residual_between
from .error import ErrorEstimate

# The part of the first squared residuals that is too much for a solution.
UNSOLVED = 1e-5
# The residual between the points, in units of the terms of the equation, that is too much, and how
# much larger than at the points.
HIDDEN, OVERFITTED = 1.0, 100.0
# The same at a kink: there it is as large as the terms beside it, and no larger.
KINK = 0.3
# A residual at the points with which the equation is said to hold there.
HOLDS = 0.03
# Residuals, as a part of their terms, that a problem with a solution does not keep.
UNREACHED = 0.01
# Residuals of a converged fit, as a part of their terms, with which nothing is solved.
FAR = 0.1
# An error, as a part of the solution, that is said.
LARGE_ERROR = 0.01


@dataclass(frozen=True)
class Verdict:
    """The sentences on an estimated error.

    Attributes
    ----------
    estimate : ErrorEstimate
    worst : str
        The block with the largest residuals.
    problem : str
        What it is called.
    untried : str
        Networks that were not fitted yet.
    contradicts : bool, default=False
        Whether conditions contradict each other where they meet.
    left : float
        The residuals of that block where the fit has converged, as a part of their terms.
    is_linear : bool
        Whether there are no other minima that a fit could have converged to.
    """

    estimate: ErrorEstimate
    worst: str
    problem: str
    untried: str
    contradicts: bool = False
    left: float = 0.0
    is_linear: bool = False

    @property
    def sentence(self):
        """For ``stop_reason_``."""
        if self.has_none:
            return " The problem has no solution."
        if self.is_free:
            return " The problem does not determine its solution."
        where = more = ""
        if self.contradicts:
            where = " over the whole domain"
            more = " Where conditions contradict each other it is of the size of the gap."
        return f" Estimated relative error{where}: {self.estimate.largest:.1e}.{more}"

    @property
    def has_none(self):
        """Whether something is free, and yet the residuals do not become small."""
        is_far = self.is_linear and self.left > FAR
        return not self.estimate.is_determined and (self.estimate.unreached > UNREACHED or is_far)

    @property
    def is_free(self):
        """Whether there are other solutions beside the one that was found."""
        return not (self.estimate.is_determined or self.has_none or self.left > FAR)

    @property
    def stays(self):
        """What the residuals stay at, in percent of their terms."""
        return f"{100 * max(self.estimate.unreached, self.left * self.is_linear):.2g} %"

    @property
    def found(self):
        estimate = self.estimate
        sentence = (
            f"The error of the solution is estimated at {100 * estimate.largest:.3g} % of its "
            f"size; the largest residuals are those of {self.worst!r}."
        )
        if not np.isfinite(estimate.largest):
            sentence = f"The largest residuals are those of {self.worst!r}."
        if estimate.is_amplified:
            sentence = (
                f"{sentence} A change of residuals by {1 / estimate.amplification:.0e} of their "
                "terms may change all of the solution: it grows by orders of magnitude, is stiff, "
                "or this is far from it."
            )
        if estimate.unreached <= UNREACHED:
            return sentence
        return (
            f"{sentence} Whatever is added, they stay at {100 * estimate.unreached:.2g} % of their "
            "terms: there may be no solution, because conditions contradict each other or do not "
            "balance the sources, or it is very rough."
        )

    @property
    def advice(self):
        return (
            f"Try {self.untried}, more points by n_interior, a smaller domain, or another "
            "random_state."
        )

    @property
    def advice_for_more(self):
        """Behind the sentence that the budget, of iterations or seconds, is spent."""
        return (
            f"{self.found} The best one so far was kept. Allow more iterations, or more time. "
            f"{self.advice}"
        )

    def warn(self, stop):
        """Warn of what is not determined, and of an end that is none, but for a spent budget."""
        estimate = self.estimate
        if self.has_none:
            warn(
                f"{self.problem} has no solution: whatever is added, the residuals stay at "
                f"{self.stays} of their terms, while {estimate.free}. Sources "
                "and conditions do not balance: check them, or take one of them out."
            )
        elif self.is_free:
            how = ". Add the condition that is missing, or measurements by fit(X, y)."
            if not estimate.free_unknowns:
                how = (
                    ", where a change of the size of the solution changes no residual by more than "
                    f"{1 / estimate.amplification:.0e} of its terms. Add the condition that is "
                    "missing."
                )
            warn(f"{self.problem} does not determine its solution: {estimate.free}{how}")
        elif estimate.largest > LARGE_ERROR and stop.kind == "converged":
            warn(
                f"The fit has converged, but not to a solution. {self.found} {self.advice}",
                ConvergenceWarning,
            )


def _untried(is_raced):
    """Networks that were not fitted yet."""
    if not is_raced:
        return "other neurons, such as hidden_layer_sizes='auto', or activation='sin'"
    return "hidden_layer_sizes=(20, 20, 20)"


def hidden_residual(physics, theta, seen):
    """The residual between the points of the fit where it is not that at them; None elsewhere.

    ``seen`` is the residual at the points, both in units of the terms of the equation.
    """
    for found, much in (
        (residual_between(physics, theta), HIDDEN),
        (residual_at_kinks(physics, theta), KINK),
    ):
        if found > much and found > OVERFITTED * seen:
            return found
    return None


def warn_of_hidden(found, seen):
    """The equation holds at the points of the fit, if so, but not between them.

    ``seen`` is as for :func:`hidden_residual`, and ``found`` what that gives.
    """
    if found is None:
        return
    where = (
        "The equation holds at the points of the fit, but not between them:"
        if seen < HOLDS
        else "The equation holds neither at the points of the fit nor between them:"
    )
    warn(
        f"{where} where the solution is steepest the residual is {found:.2g} of the size "
        f"of its terms, at the points {seen:.2g}. This need not be a solution, and there may "
        "be none. Increase n_interior, set sampler='adaptive', or take fewer neurons.",
        ConvergenceWarning,
    )


def warn_if_unsolved(name, part, untried):
    """A loss that does not fall any more need not be small: a part of the first squares is left.

    ``name`` is the worst block.
    """
    if part > UNSOLVED:
        warn(
            "The fit has converged, but not to a solution: the residuals are still "
            f"{np.sqrt(part):.2g} of those at the start, the largest those of {name!r}. Try "
            f"{untried}, more points by n_interior, a smaller domain, or another random_state.",
            ConvergenceWarning,
        )


def tell(task, parts, stop):
    """Say how large the error of a task is, and warn where it is large.

    ``parts`` are the mean squares of the residuals by block, in units of their terms.
    """
    name, part = task.physics.unsolved(task.first_parts, parts)
    networks = _untried(task.raced is not None)
    if task.estimate is None:
        if stop.kind == "converged":
            warn_if_unsolved(name, part, networks)
        return
    left = np.sqrt(parts[name]) if stop.kind == "converged" else 0.0
    given = task.estimate, name, type(task.problem).__name__, networks, task.contradicts
    told = Verdict(*given, left, task.objective.points.is_linear_in_output)
    task.verdict = told.sentence
    if task.estimator.verbose:
        print(f"[{type(task.estimator).__name__}]{task.verdict}")
    if stop.kind == "budget" and task.error() > LARGE_ERROR:
        task.budget_advice = told.advice_for_more
    told.warn(stop)
