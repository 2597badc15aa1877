"""A model together with its first derivatives in x: the Hilbert space H¹, equation (H1)."""

from .base import Model, Record
from .jets import JetModel


class WithDerivatives(Model):
    """x ↦ (v, ∂_1 v, …, ∂_d v) as one model with c (1 + d) outputs.

    The outputs come by derivative: the c values first. With
    :class:`skngd.losses.OnValues` the tangent space is that of H¹, and nothing else changes.

    Parameters
    ----------
    jets : JetModel
        With the multi-indices (), (0,), …, (d − 1,), in this order.

    See Also
    --------
    skngd.models.NetworkJets : Derivatives in x in closed form.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skngd.models import FullyConnected, NetworkJets, WithDerivatives
    >>> jets = NetworkJets(FullyConnected((2, 4, 1)), [(), (0,), (1,)])
    >>> theta = torch.as_tensor(jets.network.initial(np.random.RandomState(0)))
    >>> WithDerivatives(jets).value(theta, torch.zeros(5, 2, dtype=torch.float64)).shape
    torch.Size([5, 3])
    """

    def __init__(self, jets: JetModel):
        self.inner = jets
        self.n_parameters = jets.n_parameters
        self.n_outputs = jets.n_outputs * len(jets.indices)

    def record(self, theta, x):
        return DerivativesRecord(self, self.inner.record(theta, x))


class DerivativesRecord(Record):
    """One record of the jet, its k derivatives side by side."""

    def __init__(self, model, inner):
        self.model, self.inner = model, inner
        k, c, m = inner.value.shape
        self.shape = k, c, m
        self.value = self._flat(inner.value)

    def _flat(self, jet):
        k, c, m = self.shape
        return jet.reshape(k * c, m).T

    def jacobian(self, scale=None):
        k, c, m = self.shape
        n = k * c
        if scale is None:
            scale = self.value.new_ones(m, n)
        if scale.ndim == 2:
            scale = scale.diag_embed()
        rows = self.value.new_empty(scale.shape[1], self.model.n_parameters, m)
        for out, factor in zip(rows, scale.unbind(1), strict=True):
            self.inner.jacobian_into(factor.T.reshape(k, c, m).contiguous(), out)
        # (r, P, m) to rows by point, then by output.
        return rows.permute(2, 0, 1).reshape(-1, self.model.n_parameters)

    def gradient(self, cotangent):
        return self.inner.gradient(cotangent.T.reshape(self.shape).contiguous())

    def directional(self, dtheta, order=1):
        return self._flat(self.inner.directional(dtheta, order))
