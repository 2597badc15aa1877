"""The quadratic manifold: the smallest model that is not linear."""

import torch

from .base import Model, Record


class QuadraticModel(Model):
    """v_θ(x) = Σ_k (θᵀB + ½ θᵀQθ)_k φ_k(x).

    The manifold bends in the span of the features φ; its second derivative is constant. A curve
    θ b + θ² b⊥ is the case of one parameter with B = [b] and Q = [2 b⊥].

    Parameters
    ----------
    features : callable
        Maps points of shape (m, d) to the features φ_k(x_i), shape (m, K).
    linear : torch.Tensor of shape (P, K)
        B.
    quadratic : torch.Tensor of shape (P, P, K)
        Q, symmetric in the first two places.

    Raises
    ------
    ValueError
        If the shapes do not agree, or Q is not symmetric.

    See Also
    --------
    skngd.models.LinearModel : A linear model.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import QuadraticModel
    >>> parabola = QuadraticModel(
    ...     lambda x: torch.cat([torch.ones_like(x), x], dim=1),
    ...     torch.tensor([[1.0, 0.0]]),
    ...     torch.tensor([[[0.0, 2.0]]]),
    ... )
    >>> parabola.value(torch.tensor([3.0]), torch.tensor([[1.0]]))  # 3 · 1 + 9 x
    tensor([[12.]])
    """

    n_outputs = 1

    def __init__(self, features, linear, quadratic):
        P, K = linear.shape
        if quadratic.shape != (P, P, K):
            raise ValueError(
                f"Expected quadratic of shape ({P}, {P}, {K}), for linear of shape ({P}, {K}), got "
                f"{tuple(quadratic.shape)}."
            )
        if not torch.allclose(quadratic, quadratic.transpose(0, 1)):
            raise ValueError(
                "Expected quadratic to be symmetric in its first two places. Pass "
                "(Q + Q.transpose(0, 1)) / 2: the manifold is the same."
            )
        self.features, self.linear, self.quadratic = features, linear, quadratic
        self.n_parameters = P

    def coordinates(self, theta):
        """The coordinates of v_θ in the features, shape (K,)."""
        return theta @ self.linear + 0.5 * torch.einsum("p,pqk,q->k", theta, self.quadratic, theta)

    def record(self, theta, x):
        return QuadraticRecord(self, theta, self.features(x))


class QuadraticRecord(Record):
    """The features at the points, and the tangent space in their coordinates."""

    def __init__(self, model, theta, features):
        self.model, self.features = model, features
        self.slope = model.linear + torch.einsum("pqk,q->pk", model.quadratic, theta)
        self.value = (features @ model.coordinates(theta)).unsqueeze(1)

    def plain_jacobian(self):
        return self.features @ self.slope.T

    def gradient(self, cotangent):
        return self.slope @ (self.features.T @ cotangent.squeeze(1))

    def directional(self, dtheta, order=1):
        if order == 1:
            change = dtheta @ self.slope
        else:
            change = torch.einsum("p,pqk,q->k", dtheta, self.model.quadratic, dtheta)
        return (self.features @ change).unsqueeze(1)
