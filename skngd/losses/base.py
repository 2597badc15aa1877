"""What the optimisers need to know of a loss functional."""

from abc import ABC, abstractmethod

import torch


class Loss(ABC):
    """A pointwise functional L(v) = Σ w_i ℓ(v(x_i), u_i), equation (L).

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The values u_i.
    weights : torch.Tensor of shape (m,), default=None
        Weights w_i > 0; they are divided by their sum. None stands for equal weights.
    """

    def __init__(self, target, weights=None):
        if weights is None:
            weights = target.new_full((len(target),), 1.0 / len(target))
        self.target = target
        self.weights = (weights / weights.sum()).unsqueeze(1)
        self.root_weights = torch.sqrt(self.weights)

    @abstractmethod
    def value(self, v):
        """L(v), a tensor with one element."""

    @abstractmethod
    def gradient(self, v):
        """Functional gradient g = ∇L(v), its values at the points: shape (m, c)."""

    @abstractmethod
    def hessian(self, v):
        """Hessian weight H = H_V L(v) at the points: shape (m, c)."""

    def at(self, index):
        """The same functional on some of the points, the weights rescaled to sum 1."""
        return type(self)(self.target[index], self.weights[index, 0])

    def row_factor(self, v, metric):
        """Row factor C and residual b of equation (A), with Cᵀb = W g.

        Parameters
        ----------
        v : torch.Tensor of shape (m, c)
        metric : {"l2", "loss"}
            ``"l2"``: CᵀC = W. ``"loss"``: CᵀC = W H.

        Returns
        -------
        factor : torch.Tensor of shape (m, c)
        residual : torch.Tensor of shape (m, c)
        """
        if metric == "l2":
            return self.root_weights.expand_as(v), self.root_weights * self.gradient(v)
        root_hessian = torch.sqrt(self.hessian(v))
        factor = self.root_weights * root_hessian
        return factor, self.root_weights * self.gradient(v) / root_hessian
