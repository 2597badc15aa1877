"""How far to go along θ + offset + α direction: constant, backtracking and grid."""

from dataclasses import dataclass
from math import isfinite

import torch

from .needs import CONSTANT_STEP, NATURAL_STEP, SEARCH, Need


@dataclass
class Step:
    """A step that a search has settled for.

    Attributes
    ----------
    end : Iterate
        Where it leads.
    direction : torch.Tensor of shape (P,)
        The step before its length was chosen.
    descent : torch.Tensor of shape (P,)
        The direction without momentum.
    step_size : float
        α.
    damping : float
        λ of the projection.
    beta : float
        The β that entered.
    n_trials : int
        Number of losses evaluated.
    """

    end: object
    direction: torch.Tensor
    descent: torch.Tensor
    step_size: float
    damping: float
    beta: float
    n_trials: int


class NoDescent(ArithmeticError):
    """The direction points uphill, or is not a number: its matrix is indefinite or singular."""


class Search:
    """Common to the searches over α with a fixed rule for λ.

    Parameters
    ----------
    damping : float, default=0.0
        λ, absolute.
    relative_damping : float, default=0.0
        λ / ‖A‖²; added to ``damping``.
    """

    looks_at_losses = True
    needs: tuple[Need, ...] = (SEARCH,)

    def __init__(self, damping=0.0, relative_damping=0.0):
        self.damping, self.relative_damping = damping, relative_damping
        self._last_square_norm = 1.0

    def damping_for(self, square_norm):
        """λ at a point where the squared Frobenius norm of A is ``square_norm``."""
        self._last_square_norm = square_norm or 1.0
        return self.damping + self.relative_damping * square_norm

    def expected_relative_damping(self):
        """The λ / ‖A‖² to come, judged by ‖A‖² of the last iteration."""
        return self.relative_damping + self.damping / self._last_square_norm

    def state(self):
        """The numbers that the next step starts from."""
        return {}

    def restore(self, state):
        """Take up an earlier :meth:`state`."""

    def step(self, start, prepared, propose, beta, inertia):
        """Search a step length.

        Parameters
        ----------
        start : Iterate
            Where the gradient was taken.
        prepared : PreparedNatural, PreparedNewton or PreparedGradient
            The direction at ``start``, factorised.
        propose : callable
            ``propose(damping, beta)`` gives a ``Proposal``.
        beta : float
            Of the momentum.
        inertia : Inertia
            What compares steps with and without momentum; only a trust region asks.

        Returns
        -------
        step : Step or None
            None where no step length leads anywhere better.

        Raises
        ------
        NoDescent
            If losses are looked at along a direction that does not point downhill.
        """
        damping = self.damping_for(prepared.square_norm)
        proposal = propose(damping, beta)
        origin = start.theta if proposal.offset is None else start.theta + proposal.offset

        def at(alpha):
            return start.objective.at(origin + alpha * proposal.direction)

        def origin_loss():
            return start.loss if proposal.offset is None else start.objective.at(origin).loss

        slope = float(torch.dot(prepared.gradient, proposal.direction))
        if self.looks_at_losses and not slope <= 0:
            raise NoDescent
        found = self.search(at, origin_loss, slope)
        if found is None:
            return None
        alpha, end, n_trials = found
        return Step(end, proposal.direction, proposal.descent, alpha, damping, beta, n_trials)


class FixedStep(Search):
    """A constant α: no loss is looked at.

    Parameters
    ----------
    alpha : float
        The step length.
    damping : float, default=0.0
        λ, equation (P).
    relative_damping : float, default=0.0
        A further λ, relative to ‖A‖².

    See Also
    --------
    skngd.optim.searches.Backtracking : Halve until the loss falls.
    skngd.optim.trust_region.TrustRegion : Adapt the damping.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.searches import FixedStep
    >>> isinstance(build_method(step_size=0.1).search, FixedStep)
    True
    """

    looks_at_losses = False
    needs = (CONSTANT_STEP,)

    def __init__(self, alpha, damping=0.0, relative_damping=0.0):
        super().__init__(damping, relative_damping)
        self.alpha = alpha

    def search(self, at, origin_loss, slope):
        return self.alpha, at(self.alpha), 1


class DrawnStep(FixedStep):
    """The α that the optimal points of the iteration allow, ``start.objective.sample.step_size``.

    See :func:`skngd.tangent.christoffel.largest_step`.
    """

    needs = (NATURAL_STEP,)

    def __init__(self, damping=0.0, relative_damping=0.0):
        super().__init__(None, damping, relative_damping)

    def step(self, start, prepared, propose, beta, inertia):
        self.alpha = start.objective.sample.step_size
        return super().step(start, prepared, propose, beta, inertia)


class Backtracking(Search):
    """Halve α until the loss falls by a part of what the slope promises (Armijo).

    It starts from twice the last step length, at most ``largest``, so that two or three trials are
    the rule. With an offset the decrease is counted from its end: inertia is left alone.

    Parameters
    ----------
    damping : float, default=0.0
        λ, equation (P).
    relative_damping : float, default=0.0
        A further λ, relative to ‖A‖².
    largest : float, default=1.0
        Largest α; the natural length of a projected step is 1.
    smallest : float, default=2**-30
        Smallest α: below, there is no step.
    sufficient : float, default=1e-4
        The part of the slope.

    See Also
    --------
    skngd.optim.searches.Grid : The best of many lengths.
    skngd.optim.trust_region.TrustRegion : Adapt the damping.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.searches import Backtracking
    >>> isinstance(build_method(step_size="backtracking").search, Backtracking)
    True
    """

    def __init__(
        self, damping=0.0, relative_damping=0.0, largest=1.0, smallest=2.0**-30, sufficient=1e-4
    ):
        super().__init__(damping, relative_damping)
        self.largest, self.smallest, self.sufficient = largest, smallest, sufficient
        self.last = min(largest, 1.0)

    def state(self):
        return {"last": self.last}

    def restore(self, state):
        self.last = state.get("last", self.last)

    def search(self, at, origin_loss, slope):
        if slope == 0:
            return None
        origin = origin_loss()
        alpha, n_trials = min(self.largest, 2 * self.last), 0
        while alpha >= self.smallest:
            end, n_trials = at(alpha), n_trials + 1
            if end.loss <= origin + self.sufficient * alpha * slope and end.loss < origin:
                self.last = alpha
                return alpha, end, n_trials
            alpha /= 2
        return None


class Grid(Search):
    """The best of α = 1, 1/2, …, 2⁻³⁰, all of them evaluated.

    Parameters
    ----------
    damping : float, default=0.0
        λ, equation (P).
    relative_damping : float, default=0.0
        A further λ, relative to ‖A‖².
    n_halvings : int, default=30
        How often 1 is halved.

    See Also
    --------
    skngd.optim.searches.Backtracking : Halve until the loss falls.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.searches import Grid
    >>> isinstance(build_method(step_size="grid").search, Grid)
    True
    """

    def __init__(self, damping=0.0, relative_damping=0.0, n_halvings=30):
        super().__init__(damping, relative_damping)
        self.alphas = [2.0**-k for k in range(n_halvings + 1)]

    def search(self, at, origin_loss, slope):
        trials = [(alpha, at(alpha)) for alpha in self.alphas]
        finite = [trial for trial in trials if isfinite(trial[1].loss)]
        if not finite:
            return None
        alpha, end = min(finite, key=lambda trial: trial[1].loss)
        if end.loss >= origin_loss():
            return None
        return alpha, end, len(trials)
