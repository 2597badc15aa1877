"""A run that goes ahead: on a part of many rows, or for some iterations from several starts.

On a part of the rows an iteration costs that part, and its evidence tells which start is the best
one, and nearly what it is to be held back by. Beside noise some iterations tell it, too.
"""

import copy
from math import isfinite

import torch

from .evidence import build_evidence, judged_objective

# Rows of the part for each parameter, and at least; how many times as many there have to be.
ROWS_PER_PARAMETER, LEAST_ROWS, WORTH = 4, 1000, 4
# The part has led far enough where its loss changes by less than this in so many iterations.
ENOUGH, PATIENCE = 1e-2, 5
# Iterations from each start on a part of the rows, at most, and on all.
MOST_FIRST, FIRST = 60, 30
# The best start goes on by itself where it leaves more than this of the variance of y as noise.
# Without noise starts differ by orders of magnitude in the end, and nothing is decided ahead.
NOISY_START = 1e-2


def _may_go_ahead(task):
    """Whether the evidence judges a fit to all rows, with a method that searches its step.

    What is named otherwise is run as it is named.
    """
    estimator, evidence = task.estimator, task.evidence
    judges = evidence is not None and evidence.adapts and task.validation is None
    if not judges or task.continues or not task.source.repeats or estimator._metric() == "h1":
        return False
    return estimator.optimizer == "ngd" and estimator._build_method(task.step_size).searches


def rows_of_pilot(task):
    """How many rows a first run takes; None where it is not worth it."""
    n = max(LEAST_ROWS, ROWS_PER_PARAMETER * task.model.n_parameters // task.targets.n_outputs)
    return n if n * WORTH <= len(task.training[0]) else None


def pilot_of(task):
    """What goes ahead, or None."""
    if not _may_go_ahead(task):
        return None
    n = rows_of_pilot(task)
    if n is not None:
        return Pilot(_on_some_rows(task, n), min(MOST_FIRST, task.estimator.max_iter), is_part=True)
    if len(task.starts) == 1 or not task.objective.loss.has_noise:
        return None
    same = copy.copy(task)
    same.source = task.evidence.inner
    same.evidence = same.source = build_evidence(same)
    return Pilot(same, min(FIRST, task.estimator.max_iter), is_part=False)


def _on_some_rows(task, n):
    """The same task on rows that are drawn once."""
    total, part = len(task.training[0]), copy.copy(task)
    part.relative_tol = max(ENOUGH, task.relative_tol)
    part.n_iter_no_change = min(PATIENCE, task.n_iter_no_change)
    index = task.random_state.choice(total, n, replace=False)
    index.sort()
    part.training = tuple(one[index] for one in task.training)
    weight = task.training[2]
    part.n_observed = task.n_observed * float(part.training[2].sum() / weight.sum())
    rows = torch.as_tensor(index, device=task.objective.points.device)
    part.objective, part.source = task.objective.subset(rows), task.evidence.inner
    part.judged = judged_objective(part)
    part.evidence = part.source = build_evidence(part)
    return part


class Pilot:
    """What goes ahead.

    Attributes
    ----------
    task : RowsTask
        On a part of the rows, or on all.
    max_iter : int
        Of each start.
    is_part : bool
        Whether it sees a part of the rows.
    """

    def __init__(self, task, max_iter, is_part):
        self.task, self.max_iter, self.is_part = task, max_iter, is_part

    def those_that_go_on(self, ends):
        """The best one, and with one that has come to its end those that have not.

        Where there is no noise to speak of all on all rows, or none on a part of them.
        """
        finite = [end for end in ends if isfinite(end.result.loss)] or ends
        best = min(finite, key=lambda end: end.result.loss)
        if ends[-1].ended is not None:
            best.ended = ends[-1].ended
            return [best]
        # The noise of a run that has overflowed is no number.
        if not best.noise > NOISY_START:
            return [] if self.is_part else ends
        if best.is_finished:
            return [end for end in finite if end is best or not end.is_finished]
        return [best]


class Ahead:
    """Where a start has come to.

    Parameters
    ----------
    pilot : Pilot
    result : Result
    method : ProjectedMethod
        With the damping that it has found.
    number : int
        Which start it was, from 0.
    ended : Stop or None
        What ends the whole fit.
    """

    def __init__(self, pilot, result, method, number, ended):
        self.result, self.number, self.ended, self._method = result, number, ended, method
        evidence = pilot.task.evidence
        self.is_part, self.state, self.progress = pilot.is_part, evidence.state(), evidence.progress
        self.decay, self.noise = evidence.penalty * pilot.task.n_observed, evidence.unit
        goes_on = not self.is_part and result.theta is result.last.theta
        self.past = result.past if goes_on else None

    def method_of(self, estimator):
        """The method with what it has learnt."""
        return self._method

    @property
    def n_iter(self):
        return self.result.n_iter

    @property
    def is_finished(self):
        """Whether its run has ended by itself, on all rows."""
        return not self.is_part and self.result.stop.kind != "budget"

    def leads(self, evidence):
        """Let the evidence of the fit go on from here, tag (EV): α = a σ² / n."""
        known = self.decay / evidence.n
        evidence.earlier = self.progress
        evidence.first = lambda iterate, number: known
        if self.is_finished:
            evidence.begin(self.result.theta)
            evidence.restore(self.state)
