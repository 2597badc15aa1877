"""The Huber loss: squared for small residuals, linear for large ones."""

from .base import PointwiseLoss


class HuberLoss(PointwiseLoss):
    """ℓ(r) = ½ r² up to the distance δ, linear beyond, with r = v − u.

    ℓ'' vanishes in the tails; the metric takes the weight ψ(r) / r in its place, with ψ = ℓ',
    which makes the step that of iteratively reweighted least squares (Huber, 1964).

    Parameters
    ----------
    target, weights
        See :class:`Loss`.
    delta : float, default=1.0
        δ > 0, in the units of v.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import HuberLoss
    >>> loss = HuberLoss(torch.tensor([[0.0], [0.0]]), delta=1.0)
    >>> loss.gradient(torch.tensor([[0.5], [-3.0]]))
    tensor([[ 0.5000],
            [-1.0000]])
    """

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
