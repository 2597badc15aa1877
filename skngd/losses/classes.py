"""Cross-entropy for classes; its metric "loss" is the Fisher metric."""

import torch

from .base import Loss, PointwiseLoss
from .factors import Softmax, bounded


class LogisticLoss(PointwiseLoss):
    """Two classes: ℓ(v) = log(1 + e^v) − u v for the target u in [0, 1], p = σ(v).

    The gradient is p − u, the Hessian p (1 − p); for labels that were thought next to impossible
    the metric takes a little more, see ``skngd.losses.factors.bounded``.

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The u: 1 or 0, or a probability.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`.

    See Also
    --------
    skngd.losses.CrossEntropy : Several classes.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import LogisticLoss
    >>> loss = LogisticLoss(torch.tensor([[1.0], [0.0]]))
    >>> round(float(loss.value(torch.tensor([[0.0], [0.0]]))), 4)
    0.6931
    """

    def density(self, v):
        return torch.logaddexp(v, torch.zeros_like(v)) - self.target * v

    def constant(self):
        """The log-odds of the targets, the best values that are all the same: shape (1, c)."""
        return torch.logit((self.weights * self.target).sum(0, keepdim=True))

    def gradient(self, v):
        return torch.sigmoid(v) - self.target

    def hessian(self, v):
        # Each factor by itself, so that neither is lost where the other is one.
        return torch.sigmoid(v) * torch.sigmoid(-v)

    def metric_weight(self, v):
        return bounded(self.hessian(v), self.gradient(v))


class CrossEntropy(Loss):
    """Several classes: L(v) = −Σ w_i Σ_c u_ic log p_ic with p = softmax(v).

    The targets of a point are probabilities, for labels one of them is 1. g = p − u, and with
    H = diag q − q qᵀ the row factor of a point is C = diag √q − √q qᵀ, b_c = (p_c − u_c) / √q_c.
    Here q is p, but not below 1e-8 for a label that was missed: see
    ``skngd.losses.factors.bounded``.

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The u_ic, each row with the sum 1.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`.

    See Also
    --------
    skngd.losses.LogisticLoss : Two classes.
    skngd.losses.factors.Softmax : That of probabilities.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import CrossEntropy
    >>> loss = CrossEntropy(torch.tensor([[1.0, 0.0, 0.0]]))
    >>> round(float(loss.value(torch.zeros(1, 3))), 4)
    1.0986
    """

    def value(self, v):
        logs = torch.log_softmax(v, dim=1)
        return -(self.weights * self.target * logs).sum()

    def constant(self):
        """The logarithms of the shares, the best values that are all the same: shape (1, c)."""
        return torch.log((self.weights * self.target).sum(0, keepdim=True))

    def gradient(self, v):
        return torch.softmax(v, dim=1) - self.target

    def hessian_rows(self, v):
        p = torch.softmax(v, dim=1).clamp(min=torch.finfo(v.dtype).tiny)
        q = bounded(p, p - self.target)
        q = q / q.sum(1, keepdim=True)
        residual = self.root_weights * (p - self.target) / torch.sqrt(q)
        return Softmax(q, self.root_weights), residual.reshape(-1)

    def second_variation(self, v, jacobian):
        factor = Softmax(torch.softmax(v, dim=1), self.root_weights)
        m, c = v.shape
        rows = (factor.at(slice(None)) @ jacobian.view(m, c, -1)).reshape(m * c, -1)
        return rows.T @ rows
