"""Losses that couple the points: K-weighted norms and distorted distances."""

import torch

from .base import Loss
from .factors import Coupled, square_root


class CoupledLoss(Loss):
    """A functional of all values together; one output."""

    def __init__(self, target, weights=None):
        super().__init__(target, weights)
        if target.shape[1] != 1:
            raise ValueError(
                f"Expected one output, got {target.shape[1]}: {type(self).__name__} is for scalar "
                "functions."
            )

    def at(self, index, factors=None):
        raise ValueError(
            f"{type(self).__name__} couples all points and has no part on some of them. Use all "
            "points at each iteration."
        )


class KWeightedLoss(CoupledLoss):
    """L(v) = ½ (v − u)ᵀ K (v − u), the K-weighted norm of the error.

    In the inner product of the weights, ∇L = W⁻¹ K (v − u). With the metric "l2" the natural
    gradient follows this bent field; with "loss", C = K^½, it goes straight.

    Parameters
    ----------
    target : torch.Tensor of shape (m, 1)
        The values u.
    weights : torch.Tensor of shape (m,)
        Weights of the points, divided by their sum; they enter the gradient.
    kernel : torch.Tensor of shape (m, m)
        K, symmetric and positive semidefinite.

    Raises
    ------
    ValueError
        If K is not symmetric and positive semidefinite.

    See Also
    --------
    skngd.losses.DistortedLoss : A distorted distance.
    skngd.losses.SquaredLoss : Squares.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import KWeightedLoss
    >>> kernel = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    >>> loss = KWeightedLoss(torch.zeros(2, 1, dtype=torch.float64), kernel=kernel)
    >>> round(float(loss.value(torch.ones(2, 1, dtype=torch.float64))), 6)
    3.0
    """

    def __init__(self, target, weights=None, *, kernel):
        super().__init__(target, weights)
        self.kernel, self.root = kernel, square_root(kernel)

    def value(self, v):
        return 0.5 * (self.root @ (v - self.target)).square().sum()

    def gradient(self, v):
        return (self.kernel @ (v - self.target)) / self.weights

    def hessian_rows(self, v):
        return Coupled(self.root), (self.root @ (v - self.target)).reshape(-1)

    def second_variation(self, v, jacobian):
        return jacobian.T @ self.kernel @ jacobian


class DistortedLoss(CoupledLoss):
    """L(v) = ½ ‖f(u) − f(v)‖²_K for a smooth map f of functions.

    The metric is that of Gauss and Newton, H = Df(v)ᵀ K Df(v); the Hessian itself can be
    indefinite. Derivatives of f come from ``torch.func``.

    Parameters
    ----------
    target : torch.Tensor of shape (m, 1)
        The values u.
    weights : torch.Tensor of shape (m,)
        Weights of the points, divided by their sum; they enter the gradient.
    distortion : callable
        f, maps the values of a function, shape (m,), to values of the same shape.
    kernel : torch.Tensor of shape (m, m), default=None
        K; None stands for the weights: the L2 norm.

    See Also
    --------
    skngd.losses.KWeightedLoss : A weighted norm.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import DistortedLoss
    >>> loss = DistortedLoss(torch.zeros(2, 1, dtype=torch.float64), distortion=torch.sinh)
    >>> round(float(loss.value(torch.ones(2, 1, dtype=torch.float64))), 4)  # sinh(1)² / 2
    0.6905
    """

    def __init__(self, target, weights=None, *, distortion, kernel=None):
        super().__init__(target, weights)
        self.distortion = distortion
        self.kernel = torch.diag(self.weights[:, 0]) if kernel is None else kernel
        self.root = square_root(self.kernel)
        self.goal = distortion(target[:, 0])

    def _half_square(self, values):
        return 0.5 * (self.root @ (self.distortion(values) - self.goal)).square().sum()

    def value(self, v):
        return self._half_square(v[:, 0])

    def gradient(self, v):
        return torch.func.grad(self._half_square)(v[:, 0]).unsqueeze(1) / self.weights

    def hessian_rows(self, v):
        slope = torch.func.jacrev(self.distortion)(v[:, 0])
        residual = self.root @ (self.distortion(v[:, 0]) - self.goal)
        return Coupled(self.root @ slope), residual

    def second_variation(self, v, jacobian):
        return jacobian.T @ torch.func.hessian(self._half_square)(v[:, 0]) @ jacobian
