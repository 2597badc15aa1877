"""Jets of any model by automatic differentiation, several times slower than closed formulas."""

import torch
from torch.func import jacrev, jvp, vjp, vmap

from .jets import JetModel, JetRecord


class AutodiffJets(JetModel):
    """Derivatives in x of any :class:`Model`, by nested forward mode of ``torch.func``.

    Parameters
    ----------
    model : Model
        Its ``value`` has to be differentiable by ``torch.func``.
    indices : sequence of multi-indices
        Which derivatives; see ``skngd.models.jets``.
    input_scale : torch.Tensor of shape (d,), default=None
        As in :class:`NetworkJets`.

    See Also
    --------
    skngd.models.NetworkJets : Derivatives in x in closed form.
    skngd.models.TorchModule : A module of torch.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import AutodiffJets, TorchModule
    >>> model = TorchModule(torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh()), 1)
    >>> jets = AutodiffJets(model, [(), (0,), (0, 0)])  # v, its first and second derivative
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> jets.record(torch.as_tensor(model.initial()), x).value.shape
    torch.Size([3, 4, 5])
    """

    def __init__(self, model, indices, input_scale=None):
        self.model = model
        self.n_parameters, self.n_outputs = model.n_parameters, model.n_outputs
        self.indices = tuple(indices)
        self.input_scale = input_scale

    def jet(self, theta, point):
        """The jet at one point of shape (d,): shape (k, c)."""
        columns = []
        for index in self.indices:

            def along(x):
                return self.model.value(theta, x.unsqueeze(0)).squeeze(0)

            for position in index:
                along = self._differentiated(along, position, point)
            columns.append(along(point))
        return torch.stack(columns)

    def _differentiated(self, function, position, point):
        unit = point.new_zeros(len(point))
        unit[position] = 1.0 if self.input_scale is None else float(self.input_scale[position])

        def derivative(x):
            return jvp(function, (x,), (unit,))[1]

        return derivative

    def values(self, theta, x):
        """The jet at points of shape (m, d), shape (k, c, m)."""
        return vmap(lambda point: self.jet(theta, point))(x).permute(1, 2, 0)

    def record(self, theta, x):
        return AutodiffJetRecord(self, theta, x)

    def by_autodiff(self):
        return self


class ByAutodiff:
    """Derivatives of ``_at(theta)`` at ``self.theta``, each computed when it is asked for."""

    def gradient(self, cotangent):
        _, pull_back = vjp(self._at, self.theta)
        return pull_back(cotangent)[0]

    def directional(self, dtheta, order=1):
        def first(theta):
            return jvp(self._at, (theta,), (dtheta,))[1]

        return first(self.theta) if order == 1 else jvp(first, (self.theta,), (dtheta,))[1]


class AutodiffJetRecord(ByAutodiff, JetRecord):
    """The jet at one parameter vector."""

    def __init__(self, jets, theta, x):
        self.jets, self.theta, self.x = jets, theta, x
        self.value = self._at(theta)

    def _at(self, theta):
        return self.jets.values(theta, self.x)

    def jacobian_into(self, coefficients, out):
        def combined(theta, point, weights):
            return (self.jets.jet(theta, point) * weights).sum()

        rows = vmap(jacrev(combined), in_dims=(None, 0, 2))(self.theta, self.x, coefficients)
        out.copy_(rows.T)
