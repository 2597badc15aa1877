"""The Huber loss: squared for small residuals, linear for large ones."""

import math
from copy import copy

import torch

from .base import PointwiseLoss

# Standard deviation over median absolute deviation of a normal distribution.
NORMAL_MAD = 1.4826
# δ, at least, in the units of v: more than half of the residuals may vanish.
LEAST_DELTA = 1e-4
# Residuals of more than this many robust standard deviations are no noise of the others.
FAR = 10.0


class HuberLoss(PointwiseLoss):
    """ℓ(r) = ½ r² up to the distance δ, linear beyond, with r = v − u.

    ℓ'' vanishes in the tails; the metric takes the weight ψ(r) / r in its place, with ψ = ℓ',
    which makes the step that of iteratively reweighted least squares (Huber, 1964).

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The values u_i.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`.
    delta : float, default=1.0
        δ > 0, in the units of v.

    See Also
    --------
    skngd.losses.SquaredLoss : Squares.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import HuberLoss
    >>> loss = HuberLoss(torch.tensor([[0.0], [0.0]]), delta=1.0)
    >>> loss.gradient(torch.tensor([[0.5], [-3.0]]))
    tensor([[ 0.5000],
            [-1.0000]])
    """

    has_noise = True

    def __init__(self, target, weights=None, delta=1.0):
        super().__init__(target, weights)
        self.delta = delta

    def density(self, v):
        size = (v - self.target).abs()
        near = size.clamp(max=self.delta)
        return near * (size - 0.5 * near)

    def gradient(self, v):
        return (v - self.target).clamp(-self.delta, self.delta)

    def hessian(self, v):
        return ((v - self.target).abs() <= self.delta).to(v.dtype)

    def metric_weight(self, v):
        return self.delta / (v - self.target).abs().clamp(min=self.delta)


class ScaledHuberLoss(HuberLoss):
    """The same with δ = k σ, where σ is the size of the residuals that outliers do not set.

    σ is 1.4826 times the median of their sizes; the fit estimates it with its noise, equation (EV).
    All is divided by P(|z| < k) for a normal z, the part of the residuals whose ℓ'' is 1: for
    normal noise the mean curvature is that of squares, so that a weight decay means the same, and
    the mean of ψ(r) r is the variance. In that a residual counts as ten σ at most: else few rows,
    if only they are far enough, would be the noise of all.

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The values u_i.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`.
    k : float, default=1.0
        δ in units of σ.
    """

    follows_noise = True

    def __init__(self, target, weights=None, k=1.0):
        super().__init__(target, weights, k)
        self.k, self.share = k, math.erf(k / math.sqrt(2.0))

    def density(self, v):
        return super().density(v) / self.share

    def gradient(self, v):
        return super().gradient(v) / self.share

    def hessian(self, v):
        return super().hessian(v) / self.share

    def metric_weight(self, v):
        return super().metric_weight(v) / self.share

    def spread(self, v):
        sizes, order = torch.sort((v - self.target).abs(), dim=0)
        below = torch.cumsum(self.point_weights[:, 0][order], dim=0)
        middle = (below < 0.5 * below[-1]).sum(0, keepdim=True)
        return NORMAL_MAD * torch.gather(sizes, 0, middle)[0]

    def within_reach(self, v):
        far = FAR * self.spread(v).clamp(min=LEAST_DELTA)
        return torch.clamp(v, self.target - far, self.target + far)

    def with_noise(self, precisions, spread):
        other = copy(super().with_noise(precisions, spread))
        other.delta = (self.k * spread).clamp(min=LEAST_DELTA)
        return other
