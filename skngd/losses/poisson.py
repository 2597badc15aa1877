"""The Poisson deviance, for counts."""

import torch

from .base import PointwiseLoss
from .factors import bounded

# exp of a larger number overflows the products that are formed with it.
LARGEST_LOGARITHM = 60.0


class PoissonDeviance(PointwiseLoss):
    """ℓ(v) = e^v − u v + u log u − u: half the deviance of counts u with the mean e^v.

    The gradient is e^v − u, the Hessian e^v: the metric "loss" is the Fisher metric, but for
    counts that were thought next to impossible; see ``skngd.losses.factors.bounded``.

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The counts u, not negative.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`.

    See Also
    --------
    skngd.losses.LogisticLoss : Two classes.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import PoissonDeviance
    >>> loss = PoissonDeviance(torch.tensor([[3.0], [0.0]]))
    >>> loss.gradient(torch.tensor([[0.0], [0.0]]))
    tensor([[-2.],
            [ 1.]])
    """

    # σ² is the dispersion: counts may vary by more than those of Poisson.
    has_noise = True

    def _mean(self, v):
        return torch.exp(v.clamp(max=LARGEST_LOGARITHM))

    def density(self, v):
        return self._mean(v) - self.target * v + torch.xlogy(self.target, self.target) - self.target

    def gradient(self, v):
        return self._mean(v) - self.target

    def hessian(self, v):
        return self._mean(v)

    def metric_weight(self, v):
        return bounded(self.hessian(v), self.gradient(v))
