"""A method: direction, momentum, search and restart rule, put together for one step."""

from functools import partial
from math import isfinite

import torch

from .searches import NoDescent


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
        NoDescent
            If the plain direction does not point downhill and the search looks at losses.
        """
        beta = self.beta if past is not None else 0.0
        if beta and not self.momentum.extrapolates and self.search.take_rest():
            beta = 0.0
        if beta and self.restart == "gradient" and self.momentum.uphill(here, past, beta):
            beta = 0.0
        step, info = self._attempt(here, past, beta)
        rises = step is not None and not step.end.loss <= here.loss
        # Where the momentum leaves no step that helps, the plain step may still do so.
        if beta and (step is None or (rises and self.restart == "loss")):
            step, info = self._attempt(here, past, 0.0)
        return step, info

    def state(self):
        """What a later run needs to go on from here: numbers."""
        return self.search.state()

    def restore(self, state):
        """Take up the state of an earlier run."""
        self.search.restore(state)

    def _attempt(self, here, past, beta):
        """One step with this β, or (None, None) where its point has no tangent space."""
        try:
            return self._step(here, past, beta)
        except (torch.linalg.LinAlgError, NoDescent):
            if beta:
                return None, None
            raise

    def _step(self, here, past, beta):
        momentum, search = self.momentum, self.search
        expected = search.expected_relative_damping()
        prepare = partial(self.direction.prepare, relative_damping=expected)
        start = momentum.start(here, past, prepare, search.damping_for, beta)
        if not isfinite(start.loss):
            return None, None
        prepared = prepare(start, momentum.remembered(start, past) if beta else None)
        propose = partial(momentum.propose, prepared, past)
        step = search.step(start, prepared, propose, 0.0 if momentum.extrapolates else beta)
        if step is None:
            return None, None
        if momentum.extrapolates:
            step.beta = beta
        return step, prepared.info(step.descent, step.damping)
