"""Points of quadrature that belong to the points of a condition, and the network's jets there.

For Q nodes and c fields, the jet of a site with m points has the shape (k, Q c, m): to each point
belong the values at all of its nodes. A residual that contains an integral is then pointwise, as
any other, and its Jacobian is exact.
"""

from dataclasses import dataclass, field

import torch

from ...models.jets import JetModel, JetRecord


@dataclass(frozen=True)
class NodeKey:
    """Which nodes: those of the points of one site, in some coordinates."""

    site: int
    over: tuple[str, ...]
    n: int | None


@dataclass(frozen=True, eq=False)
class Nodes:
    """Nodes of quadrature in some coordinates, for points of shape (m, d).

    Attributes
    ----------
    axes : tuple of int
        The columns that are integrated over.
    points : torch.Tensor of shape (Q, k)
        The nodes in these coordinates.
    weights : torch.Tensor of shape (Q,)
    x : torch.Tensor of shape (m, d)
        The points that they belong to.
    """

    axes: tuple[int, ...]
    points: torch.Tensor
    weights: torch.Tensor
    x: torch.Tensor
    full: torch.Tensor = field(init=False)

    def __post_init__(self):
        # The same nodes for all points where nothing else varies.
        x = self.x[:1] if self.is_shared else self.x
        full = x.expand(len(self.points), *x.shape).clone()
        for column, axis in enumerate(self.axes):
            full[:, :, axis] = self.points[:, column, None]
        object.__setattr__(self, "full", full)

    @property
    def is_shared(self):
        """Whether all coordinates and inputs are integrated over."""
        return len(self.axes) == self.x.shape[1]

    @property
    def shape(self):
        """(Q, m)."""
        return len(self.points), len(self.x)

    def flat(self):
        """All nodes one after the other, (Q m, d), or (Q, d) if they are shared."""
        return self.full.flatten(0, 1)

    def spread(self, values):
        """What is known at :meth:`flat`, as an array of shape (Q, m); None stays."""
        if values is None:
            return None
        return values.view(self.full.shape[:2]).expand(self.shape)


class NodeJets(JetModel):
    """The jets of a network at nodes, for points that are the numbers of their rows.

    Parameters
    ----------
    jets : JetModel
        Of the network.
    inputs : torch.Tensor of shape (Q, m, d) or (Q, 1, d)
        The nodes as the network sees them; the same for all points in the second case.
    """

    def __init__(self, jets, inputs):
        self.jets, self.inputs, self.indices = jets, inputs, jets.indices
        self.n_nodes, self.n_parameters = len(inputs), jets.n_parameters
        self.n_fields, self.n_outputs = jets.n_outputs, len(inputs) * jets.n_outputs
        self.has_output = jets.has_output

    def at(self, rows):
        """The nodes of some points, one after the other, and their number m, 1 if shared."""
        inputs = self.inputs
        if inputs.shape[1] > 1:
            inputs = inputs[:, rows[:, 0].long()]
        return inputs.flatten(0, 1), inputs.shape[1]

    def folded(self, values, rows):
        """Jets at the nodes, (k, c, Q m), as one of shape (k, Q c, m)."""
        (k, c, _), m = values.shape, len(rows)
        values = values.view(k, c, self.n_nodes, -1).transpose(1, 2)
        return values.expand(k, self.n_nodes, c, m).reshape(k, self.n_nodes * c, m)

    def unfolded(self, values):
        """The same the other way, (k, c, Q, m)."""
        k, _, m = values.shape
        return values.reshape(k, self.n_nodes, self.n_fields, m).transpose(1, 2)

    def record(self, theta, x):
        return NodeRecord(self, self.jets.record(theta, self.at(x)[0]), x)

    def by_autodiff(self):
        return _NodesByAutodiff(self, self.jets.by_autodiff())


class _NodesByAutodiff:
    def __init__(self, jets, plain):
        self.jets, self.plain = jets, plain

    def values(self, theta, x):
        return self.jets.folded(self.plain.values(theta, self.jets.at(x)[0]), x)


class NodeRecord(JetRecord):
    """The jets at nodes at one parameter vector."""

    def __init__(self, jets, inner, x):
        self.jets, self.inner, self.x = jets, inner, x
        self.is_shared = jets.inputs.shape[1] == 1 and len(x) > 1
        self.value = jets.folded(inner.value, x)

    def with_output(self, theta):
        inner = self.inner.with_output(theta)
        return None if inner is None else NodeRecord(self.jets, inner, self.x)

    def jacobian_into(self, coefficients, out):
        self._into(self.inner.jacobian_into, coefficients, out)

    def output_jacobian_into(self, coefficients, out):
        self._into(self.inner.output_jacobian_into, coefficients, out)

    def _into(self, write, coefficients, out):
        """Σ_q of the rows of ``write`` at the nodes of each point."""
        by_node = self.jets.unfolded(coefficients)
        k, c, n, m = by_node.shape
        if not self.is_shared:
            rows = out.new_empty(len(out), n * m)
            write(by_node.reshape(k, c, n * m), rows)
            out.copy_(rows.view(len(out), n, m).sum(1))
            return
        # The rows of each derivative at the nodes once, then for each point its combination.
        out.zero_()
        rows = out.new_empty(len(out), n)
        for index in range(k):
            for number in range(c):
                unit = rows.new_zeros(k, c, n)
                unit[index, number] = 1.0
                write(unit, rows)
                out.add_(rows @ by_node[index, number])

    def gradient(self, cotangent):
        by_node = self.jets.unfolded(cotangent)
        if self.is_shared:
            return self.inner.gradient(by_node.sum(3))
        return self.inner.gradient(by_node.flatten(2))

    def directional(self, dtheta, order=1):
        return self.jets.folded(self.inner.directional(dtheta, order), self.x)

    def directionals(self, dtheta):
        return tuple(self.jets.folded(one, self.x) for one in self.inner.directionals(dtheta))
