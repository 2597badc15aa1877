"""A method: direction, momentum, search and restart rule, put together for one step."""

from functools import partial
from math import isfinite

import torch


class ProjectedMethod:
    """One iteration of every method of the table, from (GD) to (SPRING).

    Parameters
    ----------
    direction : NaturalGradient, Newton or GradientDescent
    momentum : NoMomentum or one of its subclasses
    search : Search
    beta : float, default=0.0
    restart : {"loss", "gradient"}, default=None
        ``"loss"``: the step is made again with β = 0 where the loss would rise.
        ``"gradient"``: β = 0 where the momentum points uphill. None: inertia is left alone. Where a
        search finds no step at all, it tries again with β = 0 in every case.
    """

    def __init__(self, direction, momentum, search, beta=0.0, restart=None):
        self.direction, self.momentum, self.search = direction, momentum, search
        self.beta, self.restart = beta, restart

    def advance(self, here, past):
        """Make one step.

        Parameters
        ----------
        here : Iterate
        past : Past or None

        Returns
        -------
        step : Step or None
            None where the search found no step.
        info : ProjectionInfo or None

        Raises
        ------
        torch.linalg.LinAlgError
            If the Jacobian is not finite.
        """
        beta = self.beta if past is not None else 0.0
        if beta and not self.momentum.extrapolates and self.search.momentum_rests():
            beta = 0.0
        if beta and self.restart == "gradient" and self._uphill(here, past):
            beta = 0.0
        step, info = self._step(here, past, beta)
        rises = step is not None and not step.end.loss <= here.loss
        # Where the momentum leaves no step that helps, the plain step may still do so.
        if beta and (step is None or (rises and self.restart == "loss")):
            step, info = self._step(here, past, 0.0)
        return step, info

    def state(self):
        """What a later run needs to go on from here: numbers."""
        return self.search.state()

    def restore(self, state):
        """Take up the state of an earlier run."""
        self.search.restore(state)

    def _step(self, here, past, beta):
        momentum = self.momentum
        expected = self.search.expected_relative_damping()
        prepare = partial(self.direction.prepare, relative_damping=expected)
        damping = self.search.damping_for
        start = momentum.start(here, past, prepare, damping, beta)
        if not isfinite(start.loss):
            return None, None
        remembered = momentum.remembered(start, past) if beta else None
        try:
            prepared = prepare(start, remembered)
        except torch.linalg.LinAlgError:
            # A Jacobian that overflows although the loss does not: there is no tangent space.
            if beta:
                return None, None
            raise

        def propose(damping, beta):
            return momentum.propose(prepared, past, damping, beta)

        step = self.search.step(start, prepared, propose, 0.0 if momentum.extrapolates else beta)
        if step is None:
            return None, None
        if momentum.extrapolates:
            step.beta = beta
        return step, prepared.info(step.descent, step.damping)

    def _uphill(self, here, past):
        """Whether ⟨∇L, β q⟩ > 0 for the remembered function q."""
        remembered = self.momentum.remembered(here, past)
        if remembered is None:
            return float(torch.dot(here.gradient, self.beta * past.step)) > 0
        return float(torch.dot(here.residual, self.beta * remembered)) > 0
