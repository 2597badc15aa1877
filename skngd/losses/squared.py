"""The squared loss."""

import torch

from .base import PointwiseLoss


class SquaredLoss(PointwiseLoss):
    """L(v) = ½ Σ w_i ‖v(x_i) − u_i‖²: the gradient is v − u, the Hessian the identity.

    The metrics "l2" and "loss" agree for it.

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The values u_i.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`.

    See Also
    --------
    skngd.losses.HuberLoss : Squares that outliers do not lead.
    skngd.losses.KWeightedLoss : A weighted norm.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> loss = SquaredLoss(torch.tensor([[0.0], [2.0]]))
    >>> round(float(loss.value(torch.tensor([[0.0], [0.0]]))), 6)
    1.0
    """

    has_unit_hessian = has_noise = True

    def density(self, v):
        return 0.5 * (v - self.target) ** 2

    def value(self, v):
        residual = (self.root_weights * (v - self.target)).reshape(-1)
        return 0.5 * torch.dot(residual, residual)

    def gradient(self, v):
        return v - self.target

    def hessian(self, v):
        return torch.ones_like(v)
