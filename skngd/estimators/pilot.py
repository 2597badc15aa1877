"""Many rows for each parameter: a part of them leads to where all of them go on.

On a part of the rows an iteration costs that part, and its evidence tells which start is the best
one, and nearly what it is to be held back by.
"""

import copy

import torch

from .evidence import build_evidence, judged_objective

# Rows of the part for each parameter, and at least; how many times as many there have to be.
ROWS_PER_PARAMETER, LEAST_ROWS, WORTH = 4, 1000, 4
# The part has led far enough where its loss changes by less than this in so many iterations.
ENOUGH, PATIENCE = 1e-2, 5


def rows_of_pilot(task):
    """How many rows a first run takes; None where it is not worth it.

    Only where the evidence judges a fit to all rows, with a method that searches its step: what was
    named otherwise is run as it is named.
    """
    estimator, evidence = task.estimator, task.evidence
    judges = evidence is not None and evidence.adapts and task.validation is None
    if not judges or task.continues or not task.source.repeats or estimator._metric() == "h1":
        return None
    if estimator.optimizer != "ngd" or not estimator._build_method(task.step_size).searches:
        return None
    n = max(LEAST_ROWS, ROWS_PER_PARAMETER * task.model.n_parameters // task.targets.n_outputs)
    return n if n * WORTH <= len(task.training[0]) else None


def pilot_of(task):
    """The same task on some of the rows, drawn once, or None."""
    n = rows_of_pilot(task)
    if n is None:
        return None
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


class Ahead:
    """Where the run on a part of the rows has ended.

    Attributes
    ----------
    result : Result
    number : int
        Which start it was, from 0.
    """

    past = None

    def __init__(self, result, method, number):
        self.result, self.method, self.number = result, method, number

    def method_of(self, estimator):
        """The method, with the damping that it has found."""
        return self.method

    @property
    def n_iter(self):
        return self.result.n_iter

    @property
    def is_finished(self):
        """Never: all rows are still to come."""
        return False

    def leads(self, evidence, part):
        """Let the evidence of all rows go on from that of the part, tag (EV): α = a σ² / n."""
        known = part.evidence.penalty * (part.n_observed / evidence.n)
        evidence.earlier = part.evidence.progress
        evidence.first = lambda iterate, number: known
