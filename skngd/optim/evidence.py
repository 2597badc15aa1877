"""Weight decay and noise by the evidence, equation (EV)."""

import math

import numpy as np
import torch

from ..tangent.posterior import Posterior
from .source import Source

# Iterations before the first estimate, and after which groups are refined: what the network is to
# tell of its weights it has to learn first.
WARM, REFINED = 5, 40
# The same where iterations see batches, as numbers of estimates, with so many iterations between
# two of them at most.
WARM_OF_BATCHES, REFINED_OF_BATCHES, EVERY_OF_BATCHES = 1, 10, 20
# Estimates whose evidence has to agree before groups are refined earlier.
QUIET = 4
# The largest change of log a in one estimate; a change below which nothing is to come.
LARGEST_CHANGE, SMALL_CHANGE = 1.0, 0.01
# The most that α becomes: the weight is then zero beside inputs of size one.
LARGEST_DECAY = 1e6
# γ of a group, at least.
LEAST_SHARE = 1e-8
# Degrees of freedom that are left to the noise, at least, as a part of the observations.
LEAST_FREEDOM = 0.05
# A noise for which an output is weighed, at least, as a variance of standardised targets: beside
# that of the noisiest output, and by itself. What is smaller is no noise, but what the network has
# still to learn, and an output that is learnt first must not be all that counts.
LEAST_RATIO, LEAST_WEIGHED = 1e-2, 1e-4
# A variance of the noise that is zero to working precision, in units of eps².
LEAST_NOISE = 0.01
# The same with fewer values than parameters, which can all be met: further digits say nothing.
LEAST_NOISE_OF_FEW = 1e-8
# What is added to γ of the weights of an input: they are rather left out than kept.
LEANING = 1.0
# Halvings of log α in the search of a first one, which is not below this part of ‖A‖².
HALVINGS, LEAST_FIRST = 60, 1e-8


class Groups:
    """Which parameters share one decay.

    Parameters
    ----------
    index : torch.Tensor of shape (P,)
        The number of the group of each parameter, −1 for those without decay.
    n_inputs : int, default=0
        So many groups, the first ones, are the weights of one input each.
    """

    def __init__(self, index, n_inputs=0):
        self.index = index
        self.decaying = torch.nonzero(index >= 0)[:, 0]
        self.of_decaying = index[self.decaying]
        self.n_groups = int(index.max()) + 1
        self.leaning = LEANING * (torch.arange(self.n_groups, device=index.device) < n_inputs)
        self.sizes = self.sum(torch.ones_like(index, dtype=torch.float64))

    def sum(self, numbers):
        """The sum over each group, shape (n_groups,)."""
        total = numbers.new_zeros(self.n_groups)
        return total.index_add_(0, self.of_decaying, numbers[self.decaying])

    def spread(self, numbers):
        """The number of the group for each parameter, zero for those without decay."""
        spread = numbers.new_zeros(len(self.index))
        return spread.index_copy_(0, self.decaying, numbers[self.of_decaying])


class Estimate:
    """What the evidence says at one iterate, whose metric is that of the loss.

    Parameters
    ----------
    iterate : Iterate
    n : float
        The sum of the sample weights.

    Attributes
    ----------
    posterior : Posterior or None
        None, the loss infinite and the other numbers NaN where the tangent space is not finite.
    noise : torch.Tensor of shape (c,)
        σ² of each output; ones where the loss is a likelihood by itself.
    precisions : torch.Tensor of shape (c,)
        Weights for the outputs, in proportion to 1 / σ², but not too far apart.
    unit : float
        σ² of a weighed output: α = a σ² / n with this one.
    n_effective : float
        Σ γ_p, parameters without decay counted in full.
    log_evidence : float
    loss : float
        The evidence as a loss, smaller where the evidence is larger: ½ the mean squared error for
        which the likelihood alone would be as large or, without noise, −1 / n of its logarithm.
    """

    def __init__(self, iterate, n):
        penalty, loss = iterate.objective.penalty, iterate.objective.loss
        self.penalty, self.has_noise = penalty, loss.has_noise
        self.posterior, self.loss, self.n_effective = None, math.inf, math.nan
        self.log_evidence, self.unit = math.nan, math.nan
        self.noise = penalty.new_full((loss.target.shape[1],), math.nan)
        try:
            if math.isfinite(iterate.loss):
                self.posterior = Posterior(iterate.operator, penalty)
        except torch.linalg.LinAlgError:
            pass
        if self.posterior is not None:
            self._weigh(iterate, n)

    def _weigh(self, iterate, n):
        penalty, loss = iterate.objective.penalty, iterate.objective.loss
        self.n_effective = float(self.posterior.shares.sum())
        n_outputs, n_free = loss.target.shape[1], int((penalty <= 0).sum())
        if loss.has_noise:
            parts, self.noise = self._noise(iterate, n, n_outputs)
            least = max(LEAST_RATIO * float(self.noise.max()), LEAST_WEIGHED)
            weighed = self.noise.clamp(min=least)
            self.precisions = torch.exp(torch.log(weighed).mean()) / weighed
            self.unit = float((self.precisions * self.noise).mean())
            spread = self.unit / self.precisions
            logs = 0.5 * torch.log(2 * math.pi * spread)
            likelihood = -n * float((parts / spread + logs).sum())
        else:
            self.noise = self.precisions = self.spread = penalty.new_ones(n_outputs)
            self.unit = 1.0
            likelihood = -n * (iterate.loss - iterate.penalty)
        volume = self.posterior.log_determinant + n_free * math.log(n / self.unit)
        flat = 0.5 * n_free * math.log(2 * math.pi)
        self.log_evidence = likelihood - n * iterate.penalty / self.unit - 0.5 * volume + flat
        if not loss.has_noise:
            self.loss = -self.log_evidence / n
        elif self.is_exact:
            self.loss = iterate.loss
        else:
            exponent = -2 * self.log_evidence / (n * n_outputs) - 1 - math.log(2 * math.pi)
            self.loss = 0.5 * n_outputs * math.exp(min(exponent, 600.0))

    def _noise(self, iterate, n, n_outputs):
        """What each output contributes to the loss, and σ² ← ‖r‖² n / (n − γ)."""
        loss, observed = iterate.objective.loss, n * n_outputs
        freedom = max(observed - self.n_effective, LEAST_FREEDOM * observed)
        near, b = loss.within_reach(iterate.value), iterate.residual
        if near is not iterate.value:
            b = loss.hessian_rows(near)[1]
        b = b.view(len(near), -1)[:, :n_outputs]
        squares = (b * b).sum(0)
        if loss.precisions is not None:
            squares = squares / loss.precisions
        self.spread = loss.spread(iterate.value) * math.sqrt(observed / freedom)
        least = LEAST_NOISE * torch.finfo(b.dtype).eps ** 2
        if self.posterior.by_rows:
            least = max(least, LEAST_NOISE_OF_FEW)
        self.is_exact = float(squares.max()) <= least
        noise = (squares * observed / freedom).clamp(min=least)
        return loss.by_output(near), noise


class Evidence(Source):
    """α and σ² are estimated again before an iteration (MacKay, 1992; Foresee and Hagan, 1997).

    Parameters
    ----------
    objective : Objective
        All rows, in the metric of the fit.
    judged : Objective
        The rows by which the evidence judges, in the metric of the loss: those of ``objective``,
        or a part of them that will do.
    n : float
        The sum of the sample weights: a weight of 2 is two rows.
    stages : list of Groups
        The first ones, and those that take their place after some more iterations.
    first : callable
        Maps the iterate of a start, without decay, and its number to its first α: one for all, or
        one for each parameter.
    source : Source
        The rows of each iteration.
    every : int, default=1
        Iterations between two estimates.
    adapts : bool, default=True
        Whether α is estimated, or only what belongs to the noise, and α is that of ``first``.
    earlier : tuple, default=None
        The :attr:`progress` of an earlier source, where ``first`` goes on from its α.
    """

    draws = True

    def __init__(
        self, objective, judged, n, stages, first, source, every=1, adapts=True, earlier=None
    ):
        self.objective, self.judged, self.n = objective, judged, n
        self.stages, self.first, self.inner, self.adapts = stages, first, source, adapts
        self.earlier = earlier
        self.looks_every, self.every = source.looks_every, every
        self.least_patience, self.is_optimal = source.least_patience, source.is_optimal
        self.n_starts = 0
        self.warm, self.refined = WARM, REFINED
        if source.draws:
            self.every = max(every, min(source.looks_every, EVERY_OF_BATCHES))
            self.warm, self.refined = WARM_OF_BATCHES, REFINED_OF_BATCHES

    @property
    def place(self):
        return self.inner.place

    @property
    def repeats(self):
        return self.inner.repeats

    @property
    def n_draws(self):
        return self.inner.n_draws

    @property
    def n_unstable(self):
        return self.inner.n_unstable

    @property
    def dimension(self):
        return self.inner.dimension

    def begin(self, theta):
        self.inner.begin(theta)
        self.n_iter, self.is_settled, self.groups = 0, False, self.stages[0]
        self.losses, self.best = [], None
        self.coarse, self.precisions, self.spread, self.unit = None, None, None, 1.0
        self.found, self.of_all = (None, None), None
        first = self.first(self.judged.at(theta), self.n_starts)
        self.n_starts += 1
        if not isinstance(first, float | int):
            # An α for each parameter goes on where an earlier fit has left it.
            self.n_iter, is_refined, self.unit, *self.losses = self.earlier
            self.groups = self.stages[-1 if is_refined else 0]
            first = self.groups.sum(first) / self.groups.sizes.to(first)
        self.decay = theta.new_zeros(self.groups.n_groups) + first
        self.penalty = self.groups.spread(self.decay)

    @property
    def progress(self):
        """What a later source needs beside α: iterations, whether groups are fine, σ², losses."""
        return self.n_iter, self.groups is self.stages[-1], self.unit, *self.losses

    def opening(self, objective):
        return self.today(objective)

    def estimate(self, iterate):
        """The :class:`Estimate` at an iterate, with today's α."""
        theta, found = self.found
        if theta is not iterate.theta or found.penalty is not self.penalty:
            found = Estimate(self.today(self.judged).take(iterate), self.n)
            self.found = iterate.theta, found
        return found

    def judge(self, iterate):
        """The evidence at an iterate as a loss."""
        loss = self.estimate(iterate).loss
        if self.best is None or loss < self.best[0]:
            self.best = loss, iterate.theta, self.state()
        return loss

    def draw(self, here):
        done, self.n_iter = self.n_iter, self.n_iter + 1
        drawn = self.inner.draw(here)
        if done % self.every == 0 and done // self.every >= self.warm:
            # The losses of a start that overflows say nothing.
            if self.groups is not self.stages[-1] and self._is_time(done // self.every, here):
                self._refine(self.stages[-1], here)
            if self.estimate(here).posterior is not None:
                self._update(here)
        return self.today(drawn)

    def columns(self, iterate):
        return self.inner.columns(iterate)

    def today(self, objective):
        """An objective with today's decay and noise."""
        if objective.penalty is self.penalty:
            return objective
        return objective.with_decay(self.penalty, self._loss(objective.loss))

    def _loss(self, loss):
        """A loss for today's noise; that of all rows is made once."""
        if self.precisions is None:
            return loss
        if loss is not self.objective.loss:
            return loss.with_noise(self.precisions, self.spread)
        if self.of_all is None:
            self.of_all = loss.with_noise(self.precisions, self.spread)
        return self.of_all

    def state(self):
        """What :meth:`restore` takes up: today's decay and noise."""
        return self.groups, self.decay, self.penalty, self.precisions, self.spread, self.unit

    def restore(self, state):
        """Go back to the decay and noise of an earlier moment."""
        self.groups, self.decay, self.penalty, self.precisions, self.spread, self.unit = state
        self.of_all, self.found = None, (None, None)

    def settled(self, result):
        """The result, or where groups were refined if the evidence was larger there.

        Decay and noise become again what they were at the iterate that is kept.
        """
        if self.best is not None and result.theta is self.best[1]:
            self.restore(self.best[2])
        if self.coarse is not None and result.theta is result.last.theta:
            theta, state, loss = self.coarse
            if loss < self._loss_of_groups(result.last):
                self.restore(state)
                result.theta = theta
        return result

    def _loss_of_groups(self, iterate):
        """The evidence as a loss, with what it costs to choose the decay of each group.

        The posterior of log a_g has the width √(2 / γ_g); its prior has the width 10, about.
        """
        found = self.estimate(iterate)
        if found.posterior is None:
            return math.inf
        shares = self.groups.sum(found.posterior.shares)
        cost = 0.5 * float(torch.log1p(8 * shares).sum())
        if not found.has_noise:
            return found.loss + cost / self.n
        return found.loss * math.exp(2 * cost / (self.n * len(found.noise)))

    def _is_time(self, n_estimates, here):
        """Whether the coarse groups have settled, or have had their time."""
        self.losses = [*self.losses[1 - QUIET :], self.judge(here)]
        is_quiet = np.ptp(self.losses) <= SMALL_CHANGE * self.losses[-1]
        if not math.isfinite(self.losses[-1]):
            return False
        return n_estimates >= self.refined or (len(self.losses) == QUIET and is_quiet)

    def _refine(self, groups, here):
        """Finer groups begin with the decay of the coarser ones."""
        self.coarse = here.theta, self.state(), self._loss_of_groups(here)
        self.decay = groups.sum(self.penalty) / groups.sizes.to(self.penalty)
        self.groups = groups

    def _update(self, here):
        """a_g ← γ_g / ‖θ_g‖², α_g = a_g σ² / n."""
        found, groups = self.estimate(here), self.groups
        before, self.unit = self.decay / self.unit, found.unit
        decay = self.decay
        if self.adapts:
            tiny = torch.finfo(decay.dtype).tiny
            shares = groups.sum(found.posterior.shares).clamp(min=LEAST_SHARE) + groups.leaning
            precision = shares / groups.sum(here.theta**2).clamp(min=tiny) / self.n
            change = torch.log(precision / before).clamp(-LARGEST_CHANGE, LARGEST_CHANGE)
            decay = (before * torch.exp(change) * found.unit).clamp(max=LARGEST_DECAY)
        moved = torch.log(decay / self.decay).abs().max() if self.adapts else 0.0
        self.is_settled = bool(moved < SMALL_CHANGE) and self.groups is self.stages[-1]
        self.precisions, self.spread, self.of_all = found.precisions, found.spread, None
        self.decay, self.penalty = decay, groups.spread(decay)


def first_decay(iterate, n, part):
    """The α that leaves a part of the parameters effective, or of the observations if fewer.

    Σ s²/(s² + α) = part · min(n c, P) with the singular values s of A.
    """
    operator, n_outputs = iterate.operator, iterate.value.shape[1]
    if operator.has_fewer_rows:
        rows = torch.cat([rows for _, rows in operator.rows()])
        matrix = torch.mm(rows, rows.T)
    else:
        matrix = operator.data_gram()
    if not bool(torch.isfinite(matrix).all()):
        return 1.0
    squares = torch.linalg.eigvalsh(matrix).clamp(min=0.0)
    wanted = part * min(n * n_outputs, len(iterate.theta))
    largest = float(squares[-1]) or 1.0
    low, high = math.log(largest * LEAST_FIRST), math.log(largest * len(squares) / part)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        is_too_free = float((squares / (squares + math.exp(middle))).sum()) > wanted
        low, high = (middle, high) if is_too_free else (low, middle)
    return math.exp(high)
