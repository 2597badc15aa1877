"""Where the points of an iteration come from: all, batches, optimal rows, points drawn again."""

import math

import numpy as np
import torch

from ..geometry.sampling import as_generator
from ..tangent.christoffel import RCOND, draw, kept_fraction, orthonormal_basis

# The part of the rows of a batch that is drawn by the weights alone. The leverage scores are those
# of the beginning of the epoch, and vanish where a loss is flat: no row is then left out, and none
# weighs more than this allows.
PLAIN_PART = 0.1
# Draws without progress after which a fit has converged, at least: new points take some iterations
# to show what they are good for.
ROUNDS_OF_PATIENCE = 2


class Source:
    """All the points, in each iteration; the base class of those that draw.

    Attributes
    ----------
    draws : bool
        Whether iterations see different points. Then a loss may rise, and a step that finds nothing
        to gain is no end.
    is_optimal : bool
        Whether the points are optimal ones; see :mod:`skngd.tangent.christoffel`.
    looks_every : int
        Iterations between two looks at the monitored loss.
    least_patience : int
        Looks without progress that a fit waits for, at least.
    is_settled : bool
        Whether the next iterations see the same objective, although they may see others.
    keeps_last : bool
        Whether the last iterate is kept in place of the best one.

    See Also
    --------
    skngd.optim.Objective : A loss on points.
    skngd.optim.minimize : Run a method.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective, Source
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> source = Source()
    >>> source.begin(theta)
    >>> source.opening(objective) is objective, source.draws
    (True, False)
    """

    draws, is_optimal, looks_every, least_patience = False, False, 1, 0
    # What a later source needs to go on from here.
    place = None
    is_settled = keeps_last = False

    @property
    def repeats(self):
        """Whether iterations see the same points."""
        return not self.draws

    # How many draws of optimal points there were, how many of them were not stable, and the
    # dimension of the last tangent space.
    n_draws = n_unstable = dimension = 0

    def begin(self, theta):
        """A new start at these parameters."""

    def opening(self, objective):
        """The objective at the start."""
        return objective

    def draw(self, here):
        """The objective of the next iteration.

        Parameters
        ----------
        here : Iterate
            Where the iterations are.

        Returns
        -------
        objective : Objective
            On the points of this iteration.
        """
        return here.objective

    def columns(self, iterate):
        """The columns of the history about the draw of an iteration, a dict of numbers."""
        if not self.is_optimal:
            return {}
        sample = iterate.objective.sample
        if sample is None:
            return {"gram_deviation": math.nan, "n_draws": 0}
        return {"gram_deviation": sample.deviation, "n_draws": sample.n_attempts}

    def _count(self, sample):
        self.n_draws += 1
        self.n_unstable += not sample.is_stable
        self.dimension = sample.dimension


def epochs(n, size, random_state):
    """Endless sets of rows: each epoch is a new permutation, cut into batches."""
    while True:
        permutation = random_state.permutation(n)
        # A remainder shorter than a batch waits for a later epoch.
        yield from permutation[: n - n % size].reshape(-1, size)


class Batches(Source):
    """Epochs of random rows; the monitored loss is looked at once in each.

    Parameters
    ----------
    objective : Objective
        All rows.
    size : int
        How many of them an iteration sees.
    random_state : RandomState
    place : tuple of int, default=None
        The :attr:`place` of an earlier source, to go on from there.

    Attributes
    ----------
    place : tuple of int
        The seed of the permutations, and how many batches were drawn.
    """

    draws = True

    def __init__(self, objective, size, random_state, place=None):
        self.objective, self.size, self.random_state = objective, size, random_state
        self.looks_every = self.per_epoch = len(objective.points) // size
        self.place = (random_state.randint(2**31 - 1), 0) if place is None else place
        self._epoch = None

    def draw(self, here):
        points, (seed, n_drawn) = self.objective.points, self.place
        self.place = seed, n_drawn + 1
        epoch, first = divmod(n_drawn, self.per_epoch)
        if epoch != self._epoch:
            order = np.random.RandomState([seed, epoch]).permutation(len(points))
            self._epoch, self._order = epoch, torch.as_tensor(order, device=points.device)
        # A remainder shorter than a batch waits for a later epoch.
        return self.objective.subset(self._order[first * self.size : (first + 1) * self.size])


class OptimalBatches(Batches):
    """Optimal rows, drawn with repetitions: π_i = 0.9 w_i K_i / d + 0.1 w_i.

    The weight w_i / (n π_i) of a drawn row makes loss, gradient and Gram matrix of a batch unbiased
    for any π > 0. K is that of all rows at the parameters where the epoch began; an epoch is as
    many batches as the rows fill.

    Parameters
    ----------
    objective, size, random_state
        As in :class:`Batches`.
    rcond : float, default=1e-5
        Singular values up to this part of the largest are no directions.
    """

    is_optimal = True

    def __init__(self, objective, size, random_state, rcond=RCOND):
        super().__init__(objective, size, random_state)
        self.rcond = rcond

    def begin(self, theta):
        self.generator, self.left = as_generator(self.random_state), 0

    def draw(self, here):
        if self.left == 0:
            self._begin_epoch(here.theta)
        self.left -= 1
        rule = {"at_least": self.at_least, "kept": self.kept}
        sample = draw(self.basis, self.size, self.generator, self.n_outputs, **rule)
        self._count(sample)
        return self.objective.subset_of(sample)

    def _begin_epoch(self, theta):
        """An orthonormal basis of today's tangent space, on all rows."""
        m = len(self.objective.points)
        here = self.objective.at(theta)
        rows = torch.cat([rows for _, rows in here.operator.rows()])
        basis = orthonormal_basis(rows, self.rcond)
        self.kept = kept_fraction(basis, here.residual)
        # The rows of one point stand together in A, those of one output in a basis to draw from.
        self.n_outputs = len(rows) // m
        self.basis = basis.view(m, self.n_outputs, -1).transpose(0, 1).reshape(basis.shape)
        weights = self.objective.loss.point_weights[:, 0].cpu().numpy().astype(np.float64)
        self.at_least = PLAIN_PART * weights / weights.sum()
        self.left = self.looks_every


class Redrawn(Source):
    """New points from time to time, by a rule of one's own.

    Parameters
    ----------
    at : callable
        Maps parameters of shape (P,) to an :class:`Objective` on new points.
    every : int
        Iterations between two draws.
    begins_fresh : bool
        Whether the first iteration draws, too.
    is_optimal : bool, default=False
        Whether they are optimal points.
    """

    draws = True

    def __init__(self, at, every, begins_fresh, is_optimal=False):
        self.at, self.every = at, every
        self.begins_fresh, self.is_optimal = begins_fresh, is_optimal
        self.least_patience = ROUNDS_OF_PATIENCE * every

    def begin(self, theta):
        self.waited = self.every if self.begins_fresh else 0

    def draw(self, here):
        drawn = here.objective
        if self.waited == self.every:
            drawn, self.waited = self.at(here.theta), 0
            if self.is_optimal:
                self._count(drawn.sample)
        self.waited += 1
        return drawn
