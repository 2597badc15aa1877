"""Which rows an iteration sees: epochs of random batches, and optimal rows with their weights."""

import math
import warnings

import numpy as np
import torch

from ..geometry.sampling import as_generator
from ..tangent.christoffel import (
    RCOND,
    STABLE,
    draw,
    enough_points,
    kept_fraction,
    orthonormal_basis,
)

# The part of the rows of a batch that is drawn by the weights alone. The leverage scores are those
# of the beginning of the epoch, and vanish where a loss is flat: no row is then left out, and none
# weighs more than this allows.
PLAIN_PART = 0.1


def draws_optimal(estimator):
    """Whether the iterations of ``fit`` draw optimal points or rows."""
    if estimator.sampler != "christoffel":
        return False
    return estimator.batch_size is not None or getattr(estimator, "problem", None) is not None


def check_step_rule(estimator, draws):
    """Refuse a step length that belongs to points which are not drawn.

    Parameters
    ----------
    estimator : BaseNaturalMomentum
    draws : bool
        Whether optimal points or rows are drawn.

    Raises
    ------
    ValueError
        With what is set, and what to set instead.
    """
    if estimator.step_size == "christoffel" and not draws:
        raise ValueError(
            "Expected optimal points in each iteration for step_size='christoffel', which takes "
            f"the step length from them, got sampler={estimator.sampler!r} with batch_size="
            f"{estimator.batch_size}. Call fit with sampler='christoffel' and a batch_size, or set "
            "step_size='auto'."
        )


def drawn_parts(parts):
    """Columns of the history about the draw of each iteration, beside those of ``parts``."""

    def with_draw(iterate):
        found = {} if parts is None else dict(parts(iterate))
        sample = iterate.objective.sample
        found["gram_deviation"] = math.nan if sample is None else sample.deviation
        found["n_draws"] = 0 if sample is None else sample.n_attempts
        return found

    return with_draw


class Tally:
    """How many draws there were, and how many of them were not stable."""

    def __init__(self):
        self.n_draws, self.n_unstable, self.dimension = 0, 0, 0

    def add(self, sample):
        self.n_draws += 1
        self.n_unstable += not sample.is_stable
        self.dimension = sample.dimension

    def warn(self, names, stacklevel, n_available=math.inf):
        """Say that optimal points were not enough of them.

        Parameters
        ----------
        names : str
            The hyperparameters to increase.
        stacklevel : int
        n_available : int, default=inf
            How many rows there are to draw from.
        """
        if self.n_unstable:
            d = self.dimension
            advice = f"Increase {names}, or raise rcond."
            if enough_points(d) >= n_available:
                advice = (
                    f"That is not less than all {n_available} rows: a batch cannot stand for them. "
                    "Take them all, batch_size=None, or raise rcond, or take fewer neurons."
                )
            warnings.warn(
                f"sampler='christoffel': {self.n_unstable} of {self.n_draws} draws did not reach "
                f"‖Ĝ − I‖ ≤ {STABLE}, and the best of their attempts was taken. The tangent space "
                f"has {d} dimensions at the end, for which {enough_points(d)} points are enough. "
                + advice,
                UserWarning,
                stacklevel=stacklevel,
            )


class Batches:
    """Endless fresh rows: each epoch is a new permutation, cut into batches."""

    def __init__(self, objective, size, random_state):
        self.objective, self.size, self.random_state = objective, size, random_state
        self.order = iter(())

    def __iter__(self):
        return self

    def __next__(self):
        index = next(self.order, None)
        if index is None:
            n = len(self.objective.points)
            permutation = self.random_state.permutation(n)
            # A remainder shorter than a batch waits for a later epoch.
            whole = permutation[: n - n % self.size].reshape(-1, self.size)
            self.order = iter(whole)
            index = next(self.order)
        device = self.objective.points.device
        return self.objective.subset(torch.as_tensor(index, device=device))

    def following(self, monitor):
        """The monitor: where the iterations are does not matter."""
        return monitor


class OptimalBatches:
    """Endless optimal rows, drawn with repetitions: π_i = 0.9 w_i K_i / d + 0.1 w_i.

    The weight w_i / (n π_i) of a drawn row makes loss, gradient and Gram matrix of a batch unbiased
    for any π > 0. K is that of all rows at the parameters where the epoch began; an epoch is as
    many batches as the rows fill.

    Parameters
    ----------
    objective : Objective
        All rows.
    size : int
        n.
    random_state : RandomState
    theta : torch.Tensor of shape (P,)
        Where the iterations begin.
    rcond : float
        Singular values up to this part of the largest are no directions.
    tally : Tally
    """

    def __init__(self, objective, size, random_state, theta, rcond, tally):
        self.objective, self.size, self.theta = objective, size, theta
        self.generator, self.rcond, self.tally = as_generator(random_state), rcond, tally
        self.left = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.left == 0:
            self._begin_epoch()
        self.left -= 1
        sample = draw(
            self.basis,
            self.size,
            self.generator,
            self.n_outputs,
            at_least=self.at_least,
            kept=self.kept,
        )
        self.tally.add(sample)
        return self.objective.subset_of(sample)

    def following(self, monitor):
        """The monitor, which also tells where the iterations are."""

        def monitored(iterate):
            self.theta = iterate.theta
            return monitor(iterate)

        return monitored

    def _begin_epoch(self):
        """An orthonormal basis of today's tangent space, on all rows."""
        m = len(self.objective.points)
        here = self.objective.at(self.theta)
        rows = torch.cat([rows for _, rows in here.operator.rows()])
        basis = orthonormal_basis(rows, self.rcond)
        self.kept = kept_fraction(basis, here.residual)
        # The rows of one point stand together in A, those of one output in a basis to draw from.
        self.n_outputs = len(rows) // m
        self.basis = basis.view(m, self.n_outputs, -1).transpose(0, 1).reshape(basis.shape)
        weights = self.objective.loss.weights[:, 0].cpu().numpy().astype(np.float64)
        self.at_least = PLAIN_PART * weights / weights.sum()
        self.left = m // self.size


class EpochMonitor:
    """The loss on all rows, once in an epoch; None between."""

    def __init__(self, monitor, n_batches):
        self.monitor, self.n_batches, self.calls = monitor, n_batches, -1

    def __call__(self, iterate):
        self.calls += 1
        return self.monitor(iterate) if self.calls % self.n_batches == 0 else None


def row_batches(estimator, objective, theta, random_state, tally):
    """The batches of one start, by ``sampler``."""
    size = estimator.batch_size
    if not draws_optimal(estimator):
        return Batches(objective, size, random_state)
    rcond = RCOND if estimator.rcond == "auto" else estimator.rcond
    return OptimalBatches(objective, size, random_state, theta, rcond, tally)
