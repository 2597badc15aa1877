"""The linear model: its manifold is its tangent space."""

import torch

from .base import Model, Record


class LinearModel(Model):
    """v_θ(x) = Σ_p θ_p φ_p(x).

    Parameters
    ----------
    features : callable
        Maps points of shape (m, d) to the features φ_p(x_i), shape (m, P).
    n_parameters : int
        P, the number of features.

    See Also
    --------
    skngd.models.QuadraticModel : A quadratic manifold.
    skngd.models.FullyConnected : The network.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import LinearModel
    >>> line = LinearModel(lambda x: torch.cat([torch.ones_like(x), x], dim=1), 2)
    >>> line.value(torch.tensor([1.0, 2.0]), torch.tensor([[3.0]]))
    tensor([[7.]])
    """

    n_outputs = 1

    def __init__(self, features, n_parameters):
        self.features = features
        self.n_parameters = n_parameters

    def record(self, theta, x):
        return LinearRecord(theta, self.features(x))


class LinearRecord(Record):
    """The features at the points, which are the Jacobian."""

    def __init__(self, theta, features):
        self.features = features
        self.value = (features @ theta).unsqueeze(1)

    def plain_jacobian(self):
        return self.features

    def directional(self, dtheta, order=1):
        return (self.features @ dtheta).unsqueeze(1) if order == 1 else torch.zeros_like(self.value)
