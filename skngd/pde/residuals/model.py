"""The residual of a physics problem as a model θ ↦ r_θ, equation (PINN).

A problem is one list of blocks. A block is an operator on the jets of the network at some points:
the equation in the interior, a condition on a face and a measurement differ in nothing else. The
residual is a model with one output; its weighted squared loss is the loss of the problem, and
everything that is said in :mod:`skngd.optim` about models holds for it.
"""

import numpy as np
import torch

from ...models import AutodiffJets
from ...models.base import Model, Record
from .blocks import Evaluation, combined

# Points at which a module is tried for second derivatives.
POINTS_OF_PROBE = 16


class ResidualModel(Model):
    """θ ↦ r_θ: the residuals of the blocks, for a network and unknown coefficients.

    Behind the parameters of the network come the unknowns, untransformed, with a transform for
    each; see :mod:`skngd.pde.coefficients`. Damping measures steps in units of the parameters, see
    :meth:`count_in`; ``output_parameters`` is the slice that belongs to the last layer.
    """

    n_outputs = 1

    def __init__(self, n_network, transforms=(), output_parameters=None, output_scale=1.0):
        self.n_network, self.transforms = n_network, tuple(transforms)
        self.n_parameters = n_network + len(self.transforms)
        self.output_parameters = output_parameters
        self.count_in(output_scale)

    def count_in(self, output_scale, units=None):
        """Set what one unit of a parameter is: the larger, the less damping holds it back.

        Parameters
        ----------
        output_scale : float or ndarray of shape (p,)
            Of the parameters of the last layer. It has the size of the field that they give, and
            is larger than for others: the layer is linear, and needs no small steps.
        units : ndarray of shape (P,), default=None
            Of those of the other layers; None stands for ones.
        """
        self.output_scale, self.units, self._known = output_scale, units, {}
        # The parameters before the first that is scaled are left alone.
        first = self.n_network
        if self.output_parameters is not None:
            first = self.output_parameters.start
        if units is not None:
            first = int(np.flatnonzero(np.append(units[:first] != 1.0, True))[0])
        self.scaled = slice(first, self.n_network)

    def network(self, theta):
        """The parameters of the network in its own units."""
        network = theta[: self.n_network] if self.transforms else theta
        if self.scaled.start == self.n_network:
            return network
        return network * self._constants(theta)[0]

    def _constants(self, like):
        """What the parameters of the network are counted in, and no unknowns."""
        key = like.dtype, like.device
        if key not in self._known:
            units = like.new_ones(self.n_network)
            if self.units is not None:
                units[:] = torch.as_tensor(self.units).to(units)
            if self.output_parameters is not None:
                units[self.output_parameters] = torch.as_tensor(self.output_scale).to(units)
            self._known[key] = units, like.new_empty(0)
        return self._known[key]

    def units_of(self, place, like):
        """What one unit of some parameters is, a tensor; ``place`` is their slice."""
        return self._constants(like)[0][place]

    def internal(self, network, unknowns=()):
        """Undo :meth:`network`; the unknowns, untransformed, are appended."""
        theta = network / self._constants(network)[0]
        return torch.cat([theta, theta.new_tensor(list(unknowns))])

    def unknowns(self, theta, order=0):
        """Values of the unknowns or their derivative in their own parameter, shape (q,)."""
        if not self.transforms:
            return self._constants(theta)[1]
        inner = theta[self.n_network :]
        pairs = zip(self.transforms, inner, strict=True)
        return torch.stack([transform.derivative(z, order) for transform, z in pairs])

    def record(self, theta, points):
        return ResidualRecord(self, theta, points)

    def contracted(self, points, cotangent):
        """θ ↦ Σ_i f_i r_i, by automatic differentiation throughout: for Newton's method."""

        def contracted(parameters):
            unknowns = self.unknowns(parameters)
            network = self.network(parameters)
            total = 0.0
            for block, rows in points.slices():
                jets = [jet.by_autodiff().values(network, x) for jet, x in block.sites]
                residual = block.residual(jets, unknowns).reshape(-1)
                total = total + (residual * cotangent[rows, 0]).sum()
            return total

        return contracted


class ResidualRecord(Record):
    """The residuals at one parameter vector."""

    def __init__(self, model, theta, collocation, records=None, output=None):
        self.model, self.theta, self.collocation = model, theta, collocation
        self.unknowns = model.unknowns(theta)
        self.blocks = collocation.joined
        if records is None:
            network = model.network(theta)
            records = [
                [jets.record(network, x) for jets, x in block.sites] for block, _ in self.blocks
            ]
        self.records, self.output = records, output
        if model.output_parameters is not None and collocation.is_linear_in_output:
            self.evaluations = [None] * len(self.blocks)
            self._linear = [block.affine[0] for block, _ in self.blocks]
            self.value = self._by_output().view(-1, 1)
        else:
            self.evaluations = [
                Evaluation(block, [record.value for record in of_sites], self.unknowns)
                for (block, _), of_sites in zip(self.blocks, records, strict=True)
            ]
            self._linear = None
            self.value = self._column([part.residual for part in self.evaluations])

    def _by_output(self):
        """Residuals of affine operators, from the columns of the last layer, which is kept."""
        place, value = self.model.output_parameters, self.collocation.constants
        if self.model.transforms:
            parts = [
                (block.affine[0][1] * self.unknowns.unsqueeze(1)).sum(1) for block, _ in self.blocks
            ]
            value = value + self._column(parts)[:, 0]
        if self.output is None:
            self.output = value.new_empty(place.stop - place.start, len(value))
            self._write(self.output, None, last_only=True)
        return torch.addmv(value, self.output.T, self.model.network(self.theta)[place])

    def _column(self, parts):
        """Numbers of shape (e, m) for each block as one of shape (n, 1)."""
        flat = [part.view(-1, 1) for part in parts]
        return flat[0] if len(flat) == 1 else torch.cat(flat)

    def with_output(self, theta):
        network = self.model.network(theta)
        records = [[site.with_output(network) for site in sites] for sites in self.records]
        if any(site is None for sites in records for site in sites):
            return None
        return ResidualRecord(self.model, theta, self.collocation, records, self.output)

    def _rows(self):
        """(block, evaluation, records, coefficients, those of the unknowns, rows) of each block."""
        if self._linear is None:
            self._linear = [part.linear() for part in self.evaluations]
        parts = zip(self.evaluations, self.records, self._linear, self.blocks, strict=True)
        for evaluation, records, (of_jets, of_unknowns), (block, rows) in parts:
            yield block, evaluation, records, of_jets, of_unknowns, rows

    def _write(self, transposed, scale, last_only=False):
        """Write the rows of each equation times ``scale`` as columns, (p, n)."""
        for block, _, records, of_jets, _, rows in self._rows():
            m = block.n_points
            for equation, first in enumerate(range(rows.start, rows.stop, m)):
                place = slice(first, first + m)
                out = transposed if m == transposed.shape[1] else transposed[:, place]
                for site, (record, coefficients) in enumerate(zip(records, of_jets, strict=True)):
                    weights = coefficients[equation]
                    if scale is not None:
                        weights = weights * (scale if out is transposed else scale[place])
                    into = torch.empty_like(out) if site else out
                    if last_only:
                        record.output_jacobian_into(weights, into)
                    else:
                        record.jacobian_into(weights, into)
                    if site:
                        out += into

    def output_jacobian(self, scale=None):
        place, n = self.model.output_parameters, len(self.value)
        unit = self.model.units_of(place, self.value).unsqueeze(1)
        if self.output is not None:
            return (self.output * (unit if scale is None else scale.view(n) * unit)).T
        transposed = self.value.new_empty(place.stop - place.start, n)
        self._write(transposed, None if scale is None else scale.view(n), last_only=True)
        return transposed.mul_(unit).T

    def jacobian(self, scale=None):
        n, n_network = len(self.value), self.model.n_network
        if scale is not None and scale.numel() != n:
            return super().jacobian(scale)
        scale = None if scale is None else scale.view(n)
        transposed = self.value.new_empty(self.model.n_parameters, n)
        of_network = transposed if not self.model.transforms else transposed[:n_network]
        self._write(of_network, scale)
        if self.model.transforms:
            slopes = self.model.unknowns(self.theta, 1).unsqueeze(1)
            for _, _, _, _, of_unknowns, rows in self._rows():
                columns = of_unknowns.transpose(0, 1).flatten(1) * slopes
                transposed[n_network:, rows] = columns if scale is None else columns * scale[rows]
        scaled = self.model.scaled
        if scaled.start < n_network:
            transposed[scaled].mul_(self.model.units_of(scaled, self.value).unsqueeze(1))
        return transposed.T

    def plain_jacobian(self):
        return self.jacobian()

    def gradient(self, cotangent):
        slopes = self.model.unknowns(self.theta, 1)
        gradient = cotangent.new_zeros(self.model.n_parameters)
        for block, _, records, of_jets, of_unknowns, rows in self._rows():
            f = cotangent[rows, 0].view(block.n_equations, -1)
            for record, coefficients in zip(records, of_jets, strict=True):
                pulled = (coefficients * f[:, None, None]).sum(0)
                gradient[: self.model.n_network] += record.gradient(pulled)
            if len(slopes):
                gradient[self.model.n_network :] += torch.einsum("eqm,em->q", of_unknowns, f)
        gradient[self.model.n_network :] *= slopes
        scaled = self.model.scaled
        gradient[scaled] *= self.model.units_of(scaled, gradient)
        return gradient

    def directional(self, dtheta, order=1):
        network = self.model.network(dtheta)
        moved = curved = self.unknowns
        if self.model.transforms:
            inner = dtheta[self.model.n_network :]
            moved = self.model.unknowns(self.theta, 1) * inner
            curved = self.model.unknowns(self.theta, 2) * inner**2
        parts = []
        for block, evaluation, records, of_jets, of_unknowns, _ in self._rows():
            bends = order == 2 and block.affine is None
            if bends:
                pairs = [record.directionals(network) for record in records]
                first, changes = zip(*pairs, strict=True)
            else:
                changes = [record.directional(network, order) for record in records]
            change = combined(of_jets, of_unknowns, changes, moved if order == 1 else curved)
            parts.append(change + evaluation.bend(first, moved) if bends else change)
        return self._column(parts)


def check_smoothness(collocation, theta):
    """Refuse a module whose higher derivatives vanish: it would solve another equation."""
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
