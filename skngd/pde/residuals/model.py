"""The residual of a physics problem as a model θ ↦ r_θ, equation (PINN).

A problem is one list of blocks. A block is an operator on the jets of the network at some points:
the equation in the interior, a condition on a face and a measurement differ in nothing else. The
residual is a model with one output; its weighted squared loss is the loss of the problem, and
everything that is said in :mod:`skngd.optim` about models holds for it.
"""

import warnings

import torch

from ...models import AutodiffJets
from ...models.base import Model, Record
from .blocks import combined

# Points at which a module is tried for second derivatives.
POINTS_OF_PROBE = 16


class ResidualModel(Model):
    """θ ↦ r_θ: the residuals of the blocks, for a network and unknown coefficients.

    Parameters
    ----------
    n_network : int
        Number of parameters of the network; the unknowns, untransformed, come behind them.
    transforms : sequence of Transform, default=()
        One for each unknown; see :mod:`skngd.pde.coefficients`.
    output_parameters : slice, default=None
        The parameters of the network's last layer.
    output_scale : float, default=1.0
        What one unit of those parameters is: damping, which holds back large steps, then holds
        the last layer back less than the others. It is linear, and needs no small steps.
    """

    n_outputs = 1

    def __init__(self, n_network, transforms=(), output_parameters=None, output_scale=1.0):
        self.n_network, self.transforms = n_network, tuple(transforms)
        self.n_parameters = n_network + len(self.transforms)
        self.output_parameters, self.output_scale = output_parameters, output_scale

    def network(self, theta):
        """The parameters of the network in its own units."""
        network = theta[: self.n_network]
        if self.output_parameters is None or self.output_scale == 1.0:
            return network
        scale = torch.ones_like(network)
        scale[self.output_parameters] = self.output_scale
        return network * scale

    def internal(self, network, unknowns=()):
        """Undo :meth:`network`; the unknowns, untransformed, are appended."""
        theta = network.clone()
        if self.output_parameters is not None:
            theta[self.output_parameters] /= self.output_scale
        return torch.cat([theta, theta.new_tensor(list(unknowns))])

    def unknowns(self, theta, order=0):
        """Values of the unknowns or their derivative in their own parameter, shape (q,)."""
        inner = theta[self.n_network :]
        if not self.transforms:
            return inner
        pairs = zip(self.transforms, inner, strict=True)
        return torch.stack([transform.derivative(z, order) for transform, z in pairs])

    def record(self, theta, points):
        return ResidualRecord(self, theta, points)

    def curvature(self, theta, points, cotangent):
        """Σ_i f_i ∂²r_i, by automatic differentiation throughout: for Newton's method."""

        def contracted(parameters):
            unknowns = self.unknowns(parameters)
            network = self.network(parameters)
            total = 0.0
            for block, rows in points.slices():
                jets = [jet.by_autodiff().values(network, x) for jet, x in block.sites]
                residual = block.residual(jets, unknowns).reshape(-1)
                total = total + (residual * cotangent[rows, 0]).sum()
            return total

        with warnings.catch_warnings():
            # Torch's own warning about its own use of torch.jit.
            warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
            return torch.func.hessian(contracted)(theta).detach()


class ResidualRecord(Record):
    """The residuals at one parameter vector."""

    def __init__(self, model, theta, collocation, records=None):
        self.model, self.theta, self.collocation = model, theta, collocation
        self.unknowns = model.unknowns(theta)
        if records is None:
            network = model.network(theta)
            records = [
                [jets.record(network, x) for jets, x in block.sites] for block in collocation.blocks
            ]
        self.records = records
        self.residuals = [
            block.residual([record.value for record in records], self.unknowns)
            for block, records in zip(collocation.blocks, self.records, strict=True)
        ]
        self.value = torch.cat([r.reshape(-1) for r in self.residuals]).unsqueeze(1)
        self._linear = None

    def with_output(self, theta):
        network = self.model.network(theta)
        records = [[site.with_output(network) for site in sites] for sites in self.records]
        if any(site is None for sites in records for site in sites):
            return None
        return ResidualRecord(self.model, theta, self.collocation, records)

    def _linearised(self):
        if self._linear is None:
            self._linear = [
                block.linearise([record.value for record in records], self.unknowns)
                for block, records in self._blocks()
            ]
        return self._linear

    def _blocks(self):
        return zip(self.collocation.blocks, self.records, strict=True)

    def _rows(self):
        """(records, coefficients, those of the unknowns, rows) of each block."""
        parts = zip(self.collocation.slices(), self.records, self._linearised(), strict=True)
        for (block, rows), records, (of_jets, of_unknowns) in parts:
            yield block, records, of_jets, of_unknowns, rows

    def output_jacobian(self, scale=None):
        place = self.model.output_parameters
        transposed = self.value.new_zeros(place.stop - place.start, len(self.value))
        for block, records, of_jets, _, rows in self._rows():
            out = transposed[:, rows].view(-1, block.n_equations, block.n_points)
            for equation in range(block.n_equations):
                for record, coefficients in zip(records, of_jets, strict=True):
                    weights = coefficients[equation] * self.model.output_scale
                    if scale is not None:
                        weights = weights * scale[rows].view(block.n_equations, -1)[equation]
                    record.output_jacobian_into(weights, out[:, equation])
        return transposed.T

    def jacobian(self, scale=None):
        n_rows = len(self.value)
        if scale is not None and scale.ndim == 3:
            scale = scale.squeeze(2)
        transposed = self.value.new_zeros(self.model.n_parameters, n_rows)
        slopes = self.model.unknowns(self.theta, 1)
        for block, records, of_jets, of_unknowns, rows in self._rows():
            out = transposed[:, rows].view(-1, block.n_equations, block.n_points)
            factor = None
            if scale is not None:
                factor = scale[rows].view(block.n_equations, 1, block.n_points)
            for equation in range(block.n_equations):
                into = out[: self.model.n_network, equation]
                for record, coefficients in zip(records, of_jets, strict=True):
                    weights = coefficients[equation]
                    if factor is not None:
                        weights = weights * factor[equation]
                    record.jacobian_into(weights, into)
                if len(slopes):
                    columns = of_unknowns[equation] * slopes.unsqueeze(1)
                    if factor is not None:
                        columns = columns * factor[equation]
                    out[self.model.n_network :, equation] = columns
        if self.model.output_parameters is not None:
            transposed[self.model.output_parameters] *= self.model.output_scale
        return transposed.T

    def gradient(self, cotangent):
        slopes = self.model.unknowns(self.theta, 1)
        gradient = cotangent.new_zeros(self.model.n_parameters)
        for block, records, of_jets, of_unknowns, rows in self._rows():
            f = cotangent[rows, 0].view(block.n_equations, block.n_points)
            for record, coefficients in zip(records, of_jets, strict=True):
                pulled = torch.einsum("ekcm,em->kcm", coefficients, f)
                gradient[: self.model.n_network] += record.gradient(pulled)
            if len(slopes):
                gradient[self.model.n_network :] += torch.einsum("eqm,em->q", of_unknowns, f)
        gradient[self.model.n_network :] *= slopes
        if self.model.output_parameters is not None:
            gradient[self.model.output_parameters] *= self.model.output_scale
        return gradient

    def directional(self, dtheta, order=1):
        network, inner = self.model.network(dtheta), dtheta[self.model.n_network :]
        slopes = self.model.unknowns(self.theta, 1)
        moved = slopes * inner
        parts = []
        for block, records, of_jets, of_unknowns, _ in self._rows():
            changes = [record.directional(network, order) for record in records]
            if order == 1:
                change = combined(of_jets, of_unknowns, changes, moved)
            else:
                first = []
                if block.affine is None:
                    first = [record.directional(network) for record in records]
                curved = self.model.unknowns(self.theta, 2) * inner**2
                change = combined(of_jets, of_unknowns, changes, curved)
                jets = [record.value for record in records]
                change = change + block.bend(jets, self.unknowns, first, moved)
            parts.append(change.reshape(-1))
        return torch.cat(parts).unsqueeze(1)


def check_smoothness(collocation, theta):
    """Refuse a module whose second derivatives vanish: it would solve another equation.

    Parameters
    ----------
    collocation : Collocation
    theta : torch.Tensor of shape (P + q,)

    Raises
    ------
    ValueError
        If all derivatives of second and higher order that the problem contains are zero.
    """
    for jets, x in (site for block in collocation.blocks for site in block.sites):
        higher = [place for place, index in enumerate(jets.indices) if len(index) > 1]
        if not higher or not isinstance(jets, AutodiffJets):
            continue
        values = jets.values(theta[: jets.n_parameters], x[:POINTS_OF_PROBE])
        if not bool(values[higher].any()):
            raise ValueError(
                "Expected a model with the second derivatives in x that the problem contains, got "
                "one where they all vanish: a linear module, or one with ReLU. Take a smooth "
                "activation, such as torch.nn.Tanh."
            )
