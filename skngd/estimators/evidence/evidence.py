"""Decay and noise by the evidence, equation (EV), as a fit to rows sets it up and keeps it."""

from functools import cached_property

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from ...optim.evidence import Estimate, Evidence, Groups, first_decay
from ...tangent.posterior import Posterior, variances
from ..callers import is_refitted, warn
from ..device import to_numpy
from ..rows.copies import told_of_copies
from ..rows.outliers import (
    HARMS,
    LEAST_ROWS,
    MOST_ROWS,
    alone,
    leave_one_out,
    outliers,
    outliers_on_one_side,
    remark_on_alone,
    robust_variances,
)
from ..rows.outliers import remark as remark_on_outliers
from ..rows.underfit import is_worth_more_neurons, neighbours, remark
from .left_out import left_out

# The parts of the parameters that are effective at first, of one start after the other. With few of
# them a network does not find products of inputs, and its weights decay to nothing.
PARTS = (0.4, 0.15, 0.7)
# The smaller one of the numbers of parameters and of values up to which the matrix is formed;
# beyond, a part of the rows stands for all.
LARGEST = 1500
# Iterations between two estimates where steps are cheap beside them.
SELDOM = 10
# Rows for each input from which on each has a decay of its own: with fewer, some inputs or others
# always explain the noise.
ROWS_PER_INPUT = 4
# Rows that stand for all where an iteration sees few, for each parameter.
ROWS_OF_BATCHES = 20
# A fit with more effective parameters than this part of the values may follow the noise, where the
# noise, as a part of the variance of y, is more than this.
MANY, NOISY = 1 / 3, 1e-3
# A part of the values that is as good as all of them.
ALL = 0.9
# What is left of the variance of y is noise from here on, for the fit is to find all else.
LEAST_NOISY = 1e-5
# Parameters beside the means of the outputs that are as good as none.
LEFT_FREE = 0.2
# A change of the log evidence that says nothing of what is the more probable one.
ONE_NAT = 1.0

# A noise, as a part of the variance of y, of which neighbours are asked. Of labels it is more, for
# a decay holds the probabilities of classes that can be separated away from 0 and 1.
WORTH_A_WORD, MISSED_OF_LABELS = 0.05, 0.1
# One that is worth another fit with more neurons.
WORTH_A_FIT = 2e-3
# One that leaves so little explained that a warning says it.
MOST_OF_Y = 0.5


def is_auto(setting):
    """Whether a setting, which may be an array, is "auto"."""
    return isinstance(setting, str) and setting == "auto"


def judged_objective(task):
    """Rows by which the evidence judges, with the metric of the loss: all, or enough of them."""
    X, y, weight = task.training
    model, draws = task.model, task.source.draws
    n_outputs = max(1, task.targets.n_outputs)
    most = len(X)
    if min(most * n_outputs, model.n_parameters) > LARGEST:
        most = max(1, LARGEST // n_outputs)
    elif draws:
        most = min(most, max(LARGEST, ROWS_OF_BATCHES * model.n_parameters))
    if most == len(X) and task.estimator._metric() != "h1":
        return task.objective.in_metric("loss")
    rows = np.linspace(0, len(X) - 1, most).round().astype(int)
    plain = task._objective(X[rows], y[rows], weight[rows], values_only=True)
    return plain.in_metric("loss")


def build_evidence(task):
    """The source that estimates, or None where all is named."""
    estimator, model = task.estimator, task.model
    adapts = is_auto(task.alpha)
    if not adapts and not task.objective.loss.follows_noise:
        return None
    kind = {"device": task.objective.points.device}
    indices = model.groups() if adapts else [_named(model)]
    if adapts and not task.objective.loss.has_noise:
        # Probabilities do not change with what all outputs have in common: biases decay, too.
        indices = [np.where(index < 0, index.max() + 1, index) for index in _of_classes(indices)]
    coarse, *finer = (torch.as_tensor(index, **kind) for index in indices)
    stages, n_inputs = [Groups(coarse)], task.training[0].shape[1]
    if not task.objective.loss.has_noise:
        stages += [Groups(index) for index in finer]
    elif task.n_observed >= ROWS_PER_INPUT * n_inputs:
        stages += [Groups(index, n_inputs) for index in finer]
    evidence = Evidence(
        task.objective,
        task.judged,
        task.n_observed,
        stages,
        _first_decays(task, adapts),
        task.source,
        every=1 if min(task.judged.n_rows, model.n_parameters) <= LARGEST else SELDOM,
        adapts=adapts,
        earlier=known_before(task)[1],
    )
    if estimator.optimizer not in ("ngd", "newton"):
        evidence.every = max(evidence.every, SELDOM)
    return evidence


def _of_classes(indices):
    """All weights together, then by layer.

    A label tells less than a number: with a decay for each input, some of them are left out that
    matter, and those of layers by themselves may lead where the labels are learnt by heart.
    """
    coarse = indices[0]
    together = np.where(coarse < 0, -1, 0)
    return [together] if coarse.max() == 0 else [together, coarse]


def _named(model):
    """The parameters that a named α holds back, as with a loss that follows no noise."""
    index = np.full(model.n_parameters, -1)
    index[model.decaying] = 0
    return index


def noisy_part(task):
    """A standardised loss that is mostly noise, and the part of it that is one nat of evidence."""
    n_outputs = task.targets.n_outputs
    if not task.objective.loss.has_noise:
        return np.inf, 0.0
    # More neurons than the default go on moving where nothing depends on it.
    nats = ONE_NAT * (1.0 if task.drawn is None else task.drawn.n_nats)
    return 0.5 * n_outputs * LEAST_NOISY, 2 * nats / (task.n_observed * n_outputs)


def known_before(task):
    """α of each parameter and how far its estimate has come, or None for both.

    From an earlier fit that goes on, or from a start that brings its own.
    """
    progress = getattr(task.estimator, "_progress", None) if task.continues else None
    if task.drawn is not None:
        return task.drawn.decay(task.model, task.n_observed), (0, False, task.drawn.noise)
    return (None, None) if progress is None else (task.estimator.alpha_, progress)


def _first_decays(task, adapts):
    """The first α of each start."""
    if not adapts:
        return lambda iterate, number: task.alpha
    known, _ = known_before(task)
    if known is not None:
        known = torch.as_tensor(known).to(task.objective.points)
        return lambda iterate, number: known
    return lambda iterate, number: first_decay(iterate, task.n_observed, PARTS[number % len(PARTS)])


class Belief:
    """The posterior at the end of a fit, in NumPy.

    Parameters
    ----------
    task : RowsTask
    theta : torch.Tensor of shape (P,)
    """

    def __init__(self, task, theta):
        evidence, judged = task.evidence, task.judged
        if evidence is not None:
            found = Estimate(evidence.today(judged).at(theta), task.n_observed)
            penalty = evidence.penalty
        else:
            penalty = task.objective.penalty
            if penalty is None:
                penalty = torch.zeros_like(theta)
            found = Estimate(judged.with_decay(penalty).at(theta), task.n_observed)
        self.task, self.found, self.penalty = task, found, to_numpy(penalty)
        self.theta, self.is_underfit = theta, False
        self.n_values = task.n_observed * task.targets.n_outputs

    def attributes(self):
        """What the estimator keeps."""
        found, posterior = self.found, self.found.posterior
        kept = None
        if posterior is not None:
            kept = {
                "scale": to_numpy(posterior.scale),
                "half": to_numpy(posterior.half),
                "by_rows": posterior.by_rows,
                "unit": found.unit / self.task.n_observed,
            }
        # Biases of the outputs may be free: they are integrated out. Others have to have a prior.
        is_proper = np.count_nonzero(self.penalty == 0) <= self.task.targets.n_outputs
        return {
            "alpha_": self.penalty,
            "n_effective_parameters_": found.n_effective,
            "log_evidence_": found.log_evidence if is_proper else float("nan"),
            "_posterior": kept,
            "_progress": None if self.task.evidence is None else self.task.evidence.progress,
            **self.task.targets.noise_attributes(np.sqrt(to_numpy(found.noise))),
        }

    @property
    def follows_noise(self):
        """Whether so many parameters are effective that the fit may have learnt the noise."""
        if self.task.validation is not None:
            return False
        is_noisy = not self.found.has_noise or float(self.found.noise.max()) > NOISY
        most = MANY * self.n_values
        if not is_noisy or not self.found.n_effective > most:
            return False
        return float(self.decayed.shares.sum()) > most

    @property
    def is_constant(self):
        """Whether the evidence has left nothing but the mean of each output."""
        is_asked = self.task.evidence is not None and self.task.evidence.adapts
        n_free = self.found.n_effective - self.task.targets.n_outputs
        constant = np.all(self.task.targets.is_constant)
        return is_asked and self.found.has_noise and n_free < LEFT_FREE and not constant

    def sentence(self):
        """What ``stop_reason_`` says of it."""
        n, total = self.found.n_effective, len(self.penalty)
        told = f" By the evidence {n:.1f} of {total} parameters are effective."
        told = told if self.task.evidence is not None and self.task.evidence.adapts else ""
        if self.is_constant:
            more = (
                ", or try loss='huber' for heavy tails"
                if self.task.targets.follows_outliers
                else ""
            )
            told += (
                " That is the mean of y alone: X tells less of it than its noise does. Where it "
                f"should, add rows{more}."
            )
        if self.follows_noise:
            n = float(self.decayed.shares.sum())
            told += (
                f" The fit has {n:.1f} effective parameters for {self.n_values:g} values of y, "
                "more than a third: it may follow the noise. Take fewer neurons, alpha='auto' "
                "where it is named, or more rows."
            )
        elif told and self.is_exact:
            told += (
                " As many are effective as there are values of y: nothing tells noise from y, and "
                "the bands know of none. More rows tell."
            )
        return told + told_of_copies(*self.task.training[:2])

    @property
    def is_exact(self):
        """Whether as good as all values are met by a parameter each, so that no noise is left."""
        is_judged = self.task.validation is None and self.found.has_noise
        return is_judged and self.found.n_effective > ALL * self.n_values

    @cached_property
    def decayed(self):
        """The posterior where a named decay holds hidden biases, too, or None.

        They are free, and count in full where no row has a say in them.
        """
        largest, found = self.penalty.max(), self.found
        if found.posterior is None or largest <= 0 or is_auto(self.task.alpha):
            return found.posterior
        penalty = torch.as_tensor(np.where(self.penalty > 0, self.penalty, largest))
        here = self.task.judged.with_decay(penalty.to(self.theta)).at(self.theta)
        return Posterior(here.operator, here.objective.penalty)

    def left_out(self):
        """The loss of left-out rows; None where the matrix of all rows is not formed."""
        task = self.task
        n_values = len(task.training[0]) * task.targets.n_outputs
        if min(n_values, len(self.penalty)) > LARGEST or self.decayed is None:
            return None
        return left_out(task, self.decayed, self.theta)

    def warn_of_underfit(self, stop):
        """Say where errors of neighbouring rows are alike: a sentence for ``stop_reason_``.

        Of labels, and where the fit misses most of y, a warning says it, too, if it has converged.
        ``is_underfit`` is set where they are, also where what is missed is not worth a word.
        """
        task, found = self.task, self.found
        part = float(found.noise.max()) if found.has_noise else 1.0
        if found.posterior is None or part < WORTH_A_FIT:
            return ""
        X, y, weight = task.training
        pairs = neighbours((X - task.X_mean) / task.X_scale)
        if pairs is None:
            return ""
        rows = pairs.ravel()
        objective = task._objective(X[rows], y[rows], weight[rows], values_only=True)
        end = objective.at(self.theta)
        errors = to_numpy(objective.loss.gradient(end.value)).reshape(len(pairs), 2, -1)
        worth = WORTH_A_WORD if found.has_noise else MISSED_OF_LABELS
        spread = to_numpy(objective.loss.target).var(axis=0)
        told = remark(errors, worth * np.minimum(spread, 1.0))
        less = WORTH_A_FIT * np.minimum(spread, 1.0)
        self.is_underfit = bool(told) or is_worth_more_neurons(errors, less)
        has_converged = stop is not None and stop.kind == "converged"
        if told and has_converged and part > MOST_OF_Y and not is_refitted():
            less = "The fit explains less than half of y." if found.has_noise else ""
            warn(f"{less}{told}".lstrip(), ConvergenceWarning)
        return told

    def errors_left_out(self):
        """Targets of rows, their errors in the linearised fit without them, and leverages.

        Standardised, shape (m, c), of all rows or of enough of them.
        """
        task, found = self.task, self.found
        X, y, weight = task.training
        rows = np.linspace(0, len(X) - 1, min(len(X), MOST_ROWS)).round().astype(int)
        objective = task._objective(X[rows], y[rows], weight[rows], values_only=True)
        posterior, end = found.posterior, objective.at(self.theta)
        jacobian = task.model.record(self.theta, objective.points).jacobian()
        spread = variances(jacobian, posterior.scale, posterior.half, posterior.by_rows)
        spread = to_numpy(spread).reshape(len(rows), -1) * found.unit
        leverage = np.asarray(weight)[rows, None] / np.sum(weight) * spread
        target, noise = task.targets.encode(y[rows]), to_numpy(found.noise)
        leverage = leverage / np.where(noise > 0, noise, 1.0)
        residual = target - to_numpy(end.value).reshape(len(rows), -1)
        return target, leave_one_out(residual, leverage), leverage

    def warn_of_outliers(self, stop):
        """Say where few rows lead a fit by squares: a sentence for ``stop_reason_``, a warning."""
        task, found = self.task, self.found
        noise = to_numpy(found.noise)
        # A fit without decay learns outliers by heart, as it does noise: another word for that.
        is_asked = task.targets.follows_outliers and is_auto(task.alpha)
        # What a fit has not learnt yet may look like outliers.
        is_asked = is_asked and stop is not None and stop.kind == "converged"
        X, y, _ = task.training
        if not is_asked or found.posterior is None or len(X) < LEAST_ROWS:
            return ""
        # Outliers make the variance of y so large that the noise of all other rows is nothing.
        ordinary = robust_variances(task.targets.encode(y))
        if np.all(noise <= NOISY * np.minimum(ordinary, 1.0)):
            return ""
        target, errors, leverage = self.errors_left_out()
        n_rows = len(errors)
        errors = errors[:, np.mean(errors**2, axis=0) > HARMS]
        told = remark_on_alone(alone(target, leverage), n_rows)
        if errors.size and not told and noise.max() > NOISY:
            told = remark_on_outliers(*outliers(errors), n_rows)
            told = told or remark_on_outliers(*outliers_on_one_side(errors), n_rows)
        if told and not is_refitted():
            warn(told.lstrip())
        return told


def variance(estimator, model, theta, points):
    """var v = J H⁻¹ Jᵀ at points, equation (Var): shape (k, c), in standardised units."""
    kept = estimator._posterior
    kind = {"dtype": theta.dtype, "device": theta.device}
    scale, half = (torch.as_tensor(kept[name], **kind) for name in ("scale", "half"))
    rows = model.record(theta, points).jacobian()
    found = variances(rows, scale, half, kept["by_rows"])
    return kept["unit"] * to_numpy(found).reshape(len(points), -1)
