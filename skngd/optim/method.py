"""A method: direction, momentum, search and restart rule, put together for one step."""

from functools import partial
from math import isfinite

import torch

from .inertia import Inertia
from .searches import NoDescent


class ProjectedMethod:
    """One iteration of every method of the table, from (GD) to (SPRING).

    Parameters
    ----------
    direction : NaturalGradient, Newton or GradientDescent
        Which gradient is followed, and in which metric.
    momentum : NoMomentum or one of its subclasses
        What is remembered.
    search : Search
        How far a step goes.
    beta : float, default=0.0
        Of the momentum.
    restart : {"loss", "gradient"}, default=None
        See ``skngd.optim.inertia.Inertia``.

    See Also
    --------
    skngd.optim.build_method : Build a method by names.
    skngd.optim.directions.NaturalGradient : The natural gradient.
    skngd.optim.momentum.HeavyBall : A function is remembered.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective, minimize
    >>> from skngd.optim.directions import NaturalGradient
    >>> from skngd.optim.memories import last_momentum
    >>> from skngd.optim.method import ProjectedMethod
    >>> from skngd.optim.momentum import HeavyBall
    >>> from skngd.optim.searches import FixedStep
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> momentum = HeavyBall(last_momentum)
    >>> method = ProjectedMethod(NaturalGradient(), momentum, FixedStep(0.5), beta=0.5)
    >>> result = minimize(method, objective, theta, max_iter=2)
    >>> round(float(result.theta), 6)  # 1.5, then 1.5 + 0.5 · 1.5 + 0.5 · 1.5
    3.0
    """

    def __init__(self, direction, momentum, search, beta=0.0, restart=None):
        self.direction, self.momentum, self.search = direction, momentum, search
        self.inertia = Inertia(beta, restart)

    @property
    def searches(self):
        """Whether a step is made only where it lowers the loss."""
        return self.search.looks_at_losses

    def advance(self, here, past):
        """Make one step.

        Parameters
        ----------
        here : Iterate
            Where the iterations are.
        past : Past or None
            The step that led there.

        Returns
        -------
        step : Step or None
            None where the search found no step.
        info : ProjectionInfo or None
            What the projection was like, where there was one.

        Raises
        ------
        torch.linalg.LinAlgError
            If the Jacobian is not finite.
        NoDescent
            If the plain direction does not point downhill and the search looks at losses.
        """
        beta = self.inertia.enters(self.momentum, here, past)
        step, info = self._attempt(here, past, beta)
        # Where the momentum leaves no step that helps, the plain step may still do so.
        if beta and self.inertia.is_dropped(step, here):
            step, info = self._attempt(here, past, 0.0)
        return step, info

    def state(self):
        """What a later run needs to go on from here: numbers and tensors."""
        return {**self.search.state(), **self.inertia.state(), **self.direction.state()}

    def restore(self, state):
        """Take up the state of an earlier run."""
        self.search.restore(state)
        self.inertia.restore(state)
        self.direction.restore(state)

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
        prepare = partial(
            self.direction.prepare,
            relative_damping=expected,
            is_checked=search.looks_at_losses,
        )
        start = momentum.start(here, past, prepare, search.damping_for, beta)
        if not isfinite(start.loss):
            return None, None
        prepared = prepare(start, momentum.remembered(start, past) if beta else None)
        propose = partial(momentum.propose, prepared, past)
        beta_of_step = 0.0 if momentum.extrapolates else beta
        step = search.step(start, prepared, propose, beta_of_step, self.inertia)
        if step is None:
            return None, None
        if momentum.extrapolates:
            step.beta = beta
        return step, prepared.info(step.descent, step.damping)
