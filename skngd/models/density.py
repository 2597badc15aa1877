"""A probability density that is normalised by nodes of its own."""

import torch

from .base import Record
from .positive import Exponential


class DensityOnNodes(Exponential):
    """v_θ = exp f_θ / Σ_q ω_q exp f_θ(z_q) for a model f: a density, evaluated anywhere.

    It is a density to the measure that the quadrature stands for. As
    :class:`NormalizedExponential`, but the points may be few, such as data, and a batch of them.

    Parameters
    ----------
    model : Model
        f, with one output.
    nodes : torch.Tensor of shape (n_nodes, d)
        The nodes z_q of the quadrature.
    weights : torch.Tensor of shape (n_nodes,)
        They are divided by their sum.

    See Also
    --------
    skngd.models.NormalizedExponential : A density on points.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import DensityOnNodes, LinearModel
    >>> nodes = torch.tensor([[0.0], [1.0]])
    >>> density = DensityOnNodes(LinearModel(lambda x: x, 1), nodes, torch.ones(2))
    >>> float(density.value(torch.tensor([0.0]), torch.tensor([[5.0]])))
    1.0
    """

    def __init__(self, model, nodes, weights):
        super().__init__(model)
        self.nodes, self.weights = nodes, (weights / weights.sum()).unsqueeze(1)

    def groups(self):
        """Those of f. What f has in common at all points is none of v, and joins the last group."""
        stages = []
        for index in self.model.groups():
            index = index.copy()
            index[index < 0] = max(index.max(), 0)
            stages.append(index)
        return stages

    def log_mass(self, theta):
        """log Σ ω exp f, a tensor with one element."""
        return torch.logsumexp(torch.log(self.weights) + self.model.value(theta, self.nodes), 0)

    def record(self, theta, x):
        there = self.model.record(theta, self.nodes)
        return DensityRecord(self.model.record(theta, x), there, self.weights)


class DensityRecord(Record):
    """v = exp(f − log Z): ∂v = v (∂f − E ∂f), the mean E over the nodes with the density v.

    Parameters
    ----------
    inner, there : Record
        f at the points, and at the nodes.
    weights : torch.Tensor of shape (n_nodes, 1)
    """

    def __init__(self, inner, there, weights):
        self.inner, self.there = inner, there
        logs = torch.log(weights) + there.value
        self.log_mass = torch.logsumexp(logs, 0)
        self.probability = torch.exp(logs - self.log_mass)
        self.value = torch.exp(inner.value - self.log_mass)

    def _mean(self, f):
        return (self.probability * f).sum(0)

    def plain_jacobian(self):
        return self.value * (self.inner.jacobian() - self.there.gradient(self.probability))

    def gradient(self, cotangent):
        weighted = self.value * cotangent
        return self.inner.gradient(weighted) - weighted.sum() * self.there.gradient(
            self.probability
        )

    def directional(self, dtheta, order=1):
        at_nodes = self.there.directional(dtheta)
        mean = self._mean(at_nodes)
        first = self.inner.directional(dtheta) - mean
        if order == 1:
            return self.value * first
        # d² log v = f̈ − E f̈ − E (ḟ − E ḟ)².
        drift = self._mean(self.there.directional(dtheta, 2) + (at_nodes - mean) ** 2)
        return self.value * (self.inner.directional(dtheta, 2) - drift + first**2)
