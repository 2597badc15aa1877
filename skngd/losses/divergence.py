"""The Kullback-Leibler divergence between densities, and from a sample."""

import torch

from .base import PointwiseLoss


class KLDivergence(PointwiseLoss):
    """L(v) = ∫ v log(v / u) + u − v for positive v and u; the gradient is log(v / u), H = 1 / v.

    Neither has to have mass one. Where v is normalised by its model, as by
    :class:`skngd.models.NormalizedExponential`, the last two terms are a constant. Values v ≤ 0
    have an infinite loss: a model that can reach them is refused by every line search there.

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        u > 0.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`: those of the quadrature. Divided by their sum, they are a probability
        measure, to which v and u are densities.

    Raises
    ------
    ValueError
        If u is not positive.

    See Also
    --------
    skngd.losses.LogLikelihood : A density beside a sample.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import KLDivergence
    >>> loss = KLDivergence(torch.tensor([[1.0], [2.0]]))
    >>> float(loss.value(torch.tensor([[1.0], [2.0]])))
    0.0
    """

    def __init__(self, target, weights=None):
        super().__init__(target, weights)
        if not bool((target > 0).all()):
            raise ValueError(
                f"Expected a positive density, got the value {float(target.min()):g}. Add a small "
                "number, or leave out the points where it vanishes."
            )

    def density(self, v):
        ratio = torch.log(v) - torch.log(self.target)
        found = v * ratio + self.target - v
        return torch.where(v > 0, found, torch.inf)

    def gradient(self, v):
        return torch.log(v) - torch.log(self.target)

    def hessian(self, v):
        return 1.0 / v


class LogLikelihood(PointwiseLoss):
    """L(v) = −Σ w_i log(v(x_i) / u_i) for a density v at the rows of a sample.

    That is the Kullback-Leibler divergence from the sample to v, up to a constant. The gradient is
    −1 / v, H = 1 / v²: the rows of A are the scores √w ∂ log v, and AᵀA is the Fisher matrix as the
    sample sees it. Values v ≤ 0 have an infinite loss.

    Parameters
    ----------
    target : torch.Tensor of shape (m, 1)
        u > 0, what v is compared with; ones, say.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`: those of the rows.

    Raises
    ------
    ValueError
        If u is not positive.

    See Also
    --------
    skngd.losses.KLDivergence : A density beside another.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import LogLikelihood
    >>> loss = LogLikelihood(torch.ones(2, 1))
    >>> round(float(loss.value(torch.tensor([[1.0], [4.0]]))), 4)
    -0.6931
    """

    def __init__(self, target, weights=None):
        super().__init__(target, weights)
        if not bool((target > 0).all()):
            raise ValueError(
                f"Expected positive values to compare with, got {float(target.min()):g}. Pass ones."
            )

    def density(self, v):
        return torch.where(v > 0, torch.log(self.target) - torch.log(v), torch.inf)

    def gradient(self, v):
        return -1.0 / v

    def hessian(self, v):
        return v**-2.0
