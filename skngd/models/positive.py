"""Positive models: the exponential of another model, as it is or normalised to mass one."""

import torch

from .base import Model, Record


class Exponential(Model):
    """v_θ = exp f_θ for a model f: positive whatever the parameters.

    Parameters
    ----------
    model : Model
        f, with one output.

    See Also
    --------
    skngd.models.NormalizedExponential : A density on points.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import Exponential, LinearModel
    >>> model = Exponential(LinearModel(lambda x: x, 1))
    >>> model.value(torch.tensor([0.0]), torch.tensor([[5.0]]))
    tensor([[1.]])
    """

    n_outputs = 1

    def __init__(self, model):
        if model.n_outputs != 1:
            raise ValueError(f"Expected a model with one output, got {model.n_outputs}.")
        self.model, self.n_parameters = model, model.n_parameters

    def record(self, theta, x):
        return ExponentialRecord(self.model.record(theta, x))


class ExponentialRecord(Record):
    """v = exp f: ∂v = v ∂f and ∂²v = v (∂²f + (∂f)²)."""

    def __init__(self, inner):
        self.inner = inner
        self.value = torch.exp(inner.value)

    def plain_jacobian(self):
        return self.inner.jacobian(self.value)

    def gradient(self, cotangent):
        return self.inner.gradient(self.value * cotangent)

    def directional(self, dtheta, order=1):
        first = self.inner.directional(dtheta)
        if order == 1:
            return self.value * first
        return self.value * (self.inner.directional(dtheta, 2) + first**2)


class NormalizedExponential(Exponential):
    """v_θ = exp f_θ / ∫ exp f_θ for a model f: a probability density at weighted points.

    A constant that is added to f changes nothing: that direction is not seen by A, and the
    pseudo-inverse leaves it out. The density is normalised over the points it is evaluated on, so
    that all points belong to every step.

    Parameters
    ----------
    model : Model
        f, with one output.
    weights : torch.Tensor of shape (m,), default=None
        Weights of the quadrature; they are divided by their sum. None stands for equal weights.

    See Also
    --------
    skngd.models.Exponential : A positive model.
    skngd.models.DensityOnNodes : A density on a quadrature.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import LinearModel, NormalizedExponential
    >>> density = NormalizedExponential(LinearModel(lambda x: x, 1))
    >>> v = density.value(torch.tensor([1.0]), torch.tensor([[0.0], [1.0]]))
    >>> round(float(v.mean()), 6)
    1.0
    """

    def __init__(self, model, weights=None):
        super().__init__(model)
        self.weights = None if weights is None else (weights / weights.sum()).unsqueeze(1)

    def record(self, theta, x):
        weights = self.weights
        if weights is None:
            weights = x.new_full((len(x), 1), 1.0 / len(x))
        if len(weights) != len(x):
            raise ValueError(
                f"Expected the {len(weights)} points of the quadrature, got {len(x)}. A density is "
                "normalised over all of its points."
            )
        return NormalizedRecord(self.model.record(theta, x), weights)


class NormalizedRecord(Record):
    """v = exp(f − log ∫ exp f): ∂v = v (∂f − E ∂f), the mean E taken with the density v."""

    def __init__(self, inner, weights):
        self.inner, self.weights = inner, weights
        exponent = inner.value - inner.value.max()
        positive = torch.exp(exponent)
        self.value = positive / (weights * positive).sum()

    def _centred(self, f):
        return f - (self.weights * self.value * f).sum(0)

    def plain_jacobian(self):
        return self.value * self._centred(self.inner.jacobian())

    def gradient(self, cotangent):
        weighted = self.value * cotangent
        return self.inner.gradient(weighted - self.weights * self.value * weighted.sum())

    def directional(self, dtheta, order=1):
        first = self._centred(self.inner.directional(dtheta))
        if order == 1:
            return self.value * first
        # E changes with the density, too: d E f = E f ḟ for a centred f.
        second = self._centred(self.inner.directional(dtheta, 2) + first**2)
        return self.value * second
