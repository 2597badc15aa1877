"""Momentum: how the past enters a step.

A momentum says where the gradient is taken (``start``), which function has to be projected
beside the gradient (``remembered``), and the line θ + offset + α direction along which the step
length is searched (``propose``). ``past`` is None in the first iteration, where all of them are
the plain method.
"""

from dataclasses import dataclass

import torch

from .needs import HELD_BACK, NATURAL_MEMORY, PLACE, PROJECTED_MEMORY, Need


@dataclass
class Proposal:
    """The line θ + offset + α direction; ``descent`` is the direction without momentum."""

    offset: torch.Tensor | None
    direction: torch.Tensor
    descent: torch.Tensor


@dataclass
class Remembered:
    """A function that is to be projected.

    Attributes
    ----------
    function : torch.Tensor of shape (m, c)
    is_plain : bool
        Whether the projection is that of L2 whatever the metric of the gradient, equation (2M).
    """

    function: torch.Tensor
    is_plain: bool = True


class NoMomentum:
    """dθ = −α A⁺ b, equation (NGD), or (GD), or (N).

    See Also
    --------
    skngd.optim.momentum.HeavyBall : A function is remembered.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.momentum import NoMomentum
    >>> isinstance(build_method(momentum=None).momentum, NoMomentum)
    True
    """

    # Whether β moves the point where the gradient is taken, not the step from it.
    extrapolates = False
    needs: tuple[Need, ...] = ()

    def start(self, here, past, prepare, damping, beta):
        return here

    def remembered(self, here, past):
        return None

    def propose(self, prepared, past, damping, beta):
        descent = prepared.descent(damping)
        return Proposal(None, descent, descent)

    def uphill(self, here, past, beta):
        """Whether the momentum points uphill: ⟨∇_θ L, β dθ_{k−1}⟩ > 0."""
        return float(torch.dot(here.gradient, beta * past.step)) > 0


class FunctionMomentum(NoMomentum):
    """Shared by the momenta that remember a function.

    Parameters
    ----------
    memory : callable
        One of ``skngd.optim.memories``.
    """

    needs = PLACE, PROJECTED_MEMORY

    def __init__(self, memory):
        self.memory = memory

    def recall(self, here, past):
        """The remembered function q at today's points."""
        before = past.on(here.objective)
        return Remembered(self.memory(before, here, past.step))

    def uphill(self, here, past, beta):
        """Whether ⟨∇L, β q⟩ > 0."""
        q = self.recall(here, past).function
        return float((here.objective.loss.weights * here.functional_gradient * beta * q).sum()) > 0


class HeavyBall(FunctionMomentum):
    """(HB) dθ_k = β A⁺ q − α A⁺ b; the search varies α only.

    Parameters
    ----------
    memory : callable
        One of ``skngd.optim.memories``.

    See Also
    --------
    skngd.optim.momentum.Nesterov : The gradient is taken ahead.
    skngd.optim.momentum.ParameterHeavyBall : A parameter step is remembered.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.momentum import HeavyBall
    >>> isinstance(build_method(momentum="heavy-ball").momentum, HeavyBall)
    True
    """

    def remembered(self, here, past):
        return None if past is None else self.recall(here, past)

    def propose(self, prepared, past, damping, beta):
        descent = prepared.descent(damping)
        offset = None
        if past is not None and beta:
            offset = beta * prepared.memory(damping)
        return Proposal(offset, descent, descent)


class Nesterov(FunctionMomentum):
    """(NAG) w_k = R[v_k + β P_T q], then v_{k+1} = R[w_k − α P_T ∇L(w_k)], T taken at w_k.

    q is v_k − v_{k−1} as printed with the memory "difference", its linearisation with
    "momentum". "gradient" replaces it by ∇L(v_{k−1}), the way of a gradient step up to its
    length; it is there for completeness and works against the motion for β > 0.

    Parameters
    ----------
    memory : callable
        One of ``skngd.optim.memories``.

    See Also
    --------
    skngd.optim.momentum.HeavyBall : A function is remembered.
    skngd.optim.momentum.ParameterNesterov : The same, taken ahead.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.momentum import Nesterov
    >>> isinstance(build_method(momentum="nesterov").momentum, Nesterov)
    True
    """

    extrapolates = True

    def start(self, here, past, prepare, damping, beta):
        if past is None or not beta:
            return here
        prepared = prepare(here, self.recall(here, past))
        offset = beta * prepared.memory(damping(prepared.square_norm))
        return here.objective.at(here.theta + offset)


class ParameterHeavyBall(NoMomentum):
    """(QN), with gradient descent (pHB): dθ_k = β dθ_{k−1} − α d.

    See Also
    --------
    skngd.optim.momentum.HeavyBall : A function is remembered.
    skngd.optim.momentum.Spring : The last direction is remembered.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.momentum import ParameterHeavyBall
    >>> method = build_method(momentum="heavy-ball", momentum_space="parameter")
    >>> isinstance(method.momentum, ParameterHeavyBall)
    True
    """

    needs = (PLACE,)

    def propose(self, prepared, past, damping, beta):
        descent = prepared.descent(damping)
        offset = beta * past.step if past is not None and beta else None
        return Proposal(offset, descent, descent)


class ParameterNesterov(NoMomentum):
    """(pNAG) the direction d is taken at θ_k + β dθ_{k−1}.

    See Also
    --------
    skngd.optim.momentum.Nesterov : The gradient is taken ahead.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.momentum import ParameterNesterov
    >>> method = build_method(momentum="nesterov", momentum_space="parameter")
    >>> isinstance(method.momentum, ParameterNesterov)
    True
    """

    extrapolates = True
    needs = (PLACE,)

    def start(self, here, past, prepare, damping, beta):
        if past is None or not beta:
            return here
        return here.objective.at(here.theta + beta * past.step)


class Spring(NoMomentum):
    """(SPRING) dθ_k = μ p − (AᵀA + λ I)⁻¹ Aᵀ (b + μ A p), with p the last direction, μ = β.

    See Also
    --------
    skngd.optim.momentum.ParameterHeavyBall : A parameter step is remembered.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.momentum import Spring
    >>> isinstance(build_method(momentum="spring").momentum, Spring)
    True
    """

    needs = PLACE, NATURAL_MEMORY, HELD_BACK

    def remembered(self, here, past):
        return None if past is None else Remembered(here.tangent(past.direction), is_plain=False)

    def propose(self, prepared, past, damping, beta):
        descent = prepared.descent(damping)
        if past is None or not beta:
            return Proposal(None, descent, descent)
        direction = descent + beta * prepared.held_back(past.direction, damping)
        return Proposal(None, direction, descent)

    def uphill(self, here, past, beta):
        """Whether ⟨∇_θ L, μ p⟩ > 0."""
        return float(torch.dot(here.gradient, beta * past.direction)) > 0
