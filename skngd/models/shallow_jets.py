"""Jets of a network with one hidden layer: the closed formula in σ and its derivatives.

With z = W x + b and the monomials M_α = Π_{i in α} W_i (one number for each neuron),

    ∂^α v = Σ_j a_j M_αj σ^(|α|)(z_j),

so that all derivatives of one order are one product of matrices, and the functions σ^(s)(z), the
only arrays of the size of neurons × points, are shared by values, Jacobian and directions.
"""

import copy
import functools

import torch

from .jets import JetRecord, Tower


class Orders:
    """The wanted multi-indices by their order.

    Parameters
    ----------
    indices : sequence of multi-indices

    Attributes
    ----------
    positions : dict of int to slice or list of int
        By order: where its multi-indices stand among ``indices``; a slice where they stand side by
        side, which copies nothing.
    inverse : list of int or None
        Sorts what comes order by order as ``indices``; None where it is sorted.
    """

    def __init__(self, indices):
        self.indices = tuple(indices)
        found = {}
        for position, index in enumerate(self.indices):
            found.setdefault(len(index), []).append(position)
        found = {order: found[order] for order in sorted(found)}
        by_order = [position for positions in found.values() for position in positions]
        is_sorted = by_order == sorted(by_order)
        self.inverse = None if is_sorted else [by_order.index(p) for p in range(len(by_order))]
        self._by_order = {o: [self.indices[p] for p in found[o]] for o in found}
        self.positions = {order: _slice(positions) for order, positions in found.items()}

    def of(self, order):
        """The multi-indices of an order."""
        return self._by_order[order]

    @functools.cached_property
    def slopes(self):
        """How monomials depend on a column of W.

        From (order, input) to a list of (position among the indices, position among those of the
        order, count, rest of the index).
        """
        found = {}
        for position, index in enumerate(self.indices):
            for i in set(index):
                rest = list(index)
                rest.remove(i)
                inner = self.of(len(index)).index(index)
                entry = position, inner, index.count(i), tuple(rest)
                found.setdefault((len(index), i), []).append(entry)
        return found


def _slice(positions):
    """Neighbouring positions as a slice."""
    first, n = positions[0], len(positions)
    return slice(first, first + n) if positions == list(range(first, first + n)) else positions


class ShallowJetRecord(JetRecord):
    """One forward pass. Inside, arrays hold one row for each neuron: shape (h, m) or (h, 1).

    Parameters
    ----------
    jets : NetworkJets
        Of a network with one hidden layer.
    theta : torch.Tensor of shape (P,)
    x : torch.Tensor of shape (m, d)
    """

    def __init__(self, jets, theta, x):
        self.jets, self.network, self.x = jets, jets.network, x.T
        (weights, biases), self.output = self.network.layers(theta)
        self.weights = self._scaled(weights)
        z = torch.addmm(biases, weights, self.x)
        self.tower = Tower(self.network.activation, z)
        self._monomials, self._tables = {}, {}
        self.value = self._values()

    def with_output(self, theta):
        other = copy.copy(self)
        other.output = self.network.layers(theta)[-1]
        other.value = other._values()
        return other

    def _scaled(self, weights):
        """What one unit of x does to the pre-activations, (h, d)."""
        scale = self.jets.input_scale
        return weights if scale is None else weights * scale

    def _monomial(self, index):
        """M_α, shape (h,)."""
        if index not in self._monomials:
            if index:
                rest = self._monomial(index[1:])
                self._monomials[index] = self.weights[:, index[0]] * rest
            else:
                self._monomials[index] = torch.ones_like(self.weights[:, 0])
        return self._monomials[index]

    def _table(self, order):
        """M_α of one order, shape (h, k)."""
        if order not in self._tables:
            columns = [self._monomial(index) for index in self.jets.orders.of(order)]
            self._tables[order] = torch.stack(columns, dim=1)
        return self._tables[order]

    def _in_order(self, parts, bias):
        """Parts (k c, m), order by order, as an array of shape (k, c, m)."""
        orders = self.jets.orders
        joined = (parts[0] if len(parts) == 1 else torch.cat(parts)).view(
            len(orders.indices), -1, self.x.shape[1]
        )
        if orders.inverse is not None:
            joined = joined[orders.inverse]
        if bias is not None and () in orders.indices:
            joined[orders.indices.index(())] += bias
        return joined

    def _values(self):
        weights, biases = self.output
        parts = [
            _rows(weights, self._table(order)) @ self.tower[order]
            for order in self.jets.orders.positions
        ]
        return self._in_order(parts, biases)

    # Jacobian

    def _contracted(self, coefficients, output):
        """Σ_α coefficients_α M_α of one output: {order: (h, m)}."""
        return {
            order: self._table(order) @ coefficients[positions, output]
            for order, positions in self.jets.orders.positions.items()
        }

    def _sum(self, contracted, raised):
        """Σ_s σ^(s + raised) N_s."""
        total = None
        for order, n in contracted.items():
            sigma = self.tower[order + raised]
            total = sigma * n if total is None else total.addcmul_(sigma, n)
        return total

    def _bent(self, coefficients, i):
        """What the rows of W_i get through the monomials: Σ_s σ^(s) Σ_c a_c ∂N_sc/∂W_i."""
        total = None
        scale = self.jets.input_scales[i]
        for order in self.jets.orders.positions:
            entries = self.jets.orders.slopes.get((order, i))
            if not entries:
                continue
            table = torch.stack([n * scale * self._monomial(rest) for _, _, n, rest in entries])
            # One row for each output and multi-index.
            table = (self.output[0].unsqueeze(1) * table).flatten(0, 1)
            chosen = coefficients[_slice([position for position, *_ in entries])]
            inner = table.T @ chosen.transpose(0, 1).flatten(0, 1)
            sigma = self.tower[order]
            total = sigma * inner if total is None else total.addcmul_(sigma, inner)
        return total

    def jacobian_into(self, coefficients, out):
        (shape, weights, biases), _ = self.network.layout
        self.output_jacobian_into(coefficients, out[self.network.output_parameters])
        delta = self._delta(coefficients)
        out[biases] += delta
        block = out[weights].view(*shape, -1)
        for i, x in enumerate(self.x):
            block[:, i].addcmul_(delta, x)
            bent = self._bent(coefficients, i)
            if bent is not None:
                block[:, i] += bent

    def _delta(self, coefficients):
        """The derivative of the combination in the pre-activations, shape (h, m)."""
        total = None
        for c, weights in enumerate(self.output[0]):
            part = self._sum(self._contracted(coefficients, c), 1).mul_(weights.unsqueeze(1))
            total = part if total is None else total.add_(part)
        return total

    def output_jacobian_into(self, coefficients, out):
        """Add the rows of :meth:`jacobian_into` that belong to the last layer, shape (p, m)."""
        (n_out, h), _, _ = self.network.layout[-1]
        for c in range(n_out):
            out[c * h : (c + 1) * h] += self._sum(self._contracted(coefficients, c), 0)
        if () in self.jets.indices:
            out[n_out * h :] += coefficients[self.jets.indices.index(())]

    def gradient(self, cotangent):
        (shape, weights, biases), (_, output, output_biases) = self.network.layout
        gradient = cotangent.new_empty(self.network.n_parameters)
        n_out, h = self.output[0].shape
        sums, bends = 0.0, [0.0] * shape[1]
        for order, positions in self.jets.orders.positions.items():
            # Σ_i σ^(s)(z_ji) f_kci, shape (k, c, h).
            pulled = (cotangent[positions].flatten(0, 1) @ self.tower[order].T).view(-1, n_out, h)
            sums = sums + (pulled * self._table(order).T.unsqueeze(1)).sum(0)
            moved = (pulled * self.output[0]).sum(1)
            for i, scale in enumerate(self.jets.input_scales):
                for _, inner, n, rest in self.jets.orders.slopes.get((order, i), ()):
                    part = n * scale * self._monomial(rest) * moved[inner]
                    bends[i] = bends[i] + part
        gradient[output] = sums.reshape(-1)
        has_value = () in self.jets.indices
        gradient[output_biases] = (
            cotangent[self.jets.indices.index(())].sum(1) if has_value else 0.0
        )
        delta = self._delta(cotangent)
        gradient[biases] = delta.sum(1)
        block = gradient[weights].view(shape)
        torch.mm(delta, self.x.T, out=block)
        for i, bend in enumerate(bends):
            block[:, i] += bend
        return gradient

    # Directions

    def directional(self, dtheta, order=1):
        (dweights, dbiases), (doutput, doutput_biases) = self.network.layers(dtheta)
        dz = torch.addmm(dbiases, dweights, self.x)
        moved = self._scaled(dweights)
        weights, parts = self.output[0], []
        for n in self.jets.orders.positions:
            zeroth, first, second = self._taylor(moved, n)
            # The coefficients of ε⁰ and ε¹ (and ε²) in (a + ε da) M(W + ε dW).
            once = _rows(doutput, zeroth) + _rows(weights, first)
            if order == 1:
                part = once @ self.tower[n]
                part.addmm_(_rows(weights, zeroth), self.tower[n + 1] * dz)
            else:
                twice = _rows(doutput, first) + _rows(weights, second)
                part = (2 * twice) @ self.tower[n]
                part.addmm_(2 * once, self.tower[n + 1] * dz)
                part.addmm_(_rows(weights, zeroth), self.tower[n + 2] * (dz * dz))
            parts.append(part)
        return self._in_order(parts, doutput_biases if order == 1 else None)

    def _taylor(self, moved, order):
        """Coefficients of ε⁰, ε¹ and ε² in M_α(W + ε dW), each of shape (h, k)."""
        columns = []
        for index in self.jets.orders.of(order):
            zeroth, first, second = self._monomial(()), torch.zeros_like(moved[:, 0]), None
            for i in index:
                w, dw = self.weights[:, i], moved[:, i]
                second = first * dw if second is None else second * w + first * dw
                zeroth, first = zeroth * w, first * w + zeroth * dw
            columns.append((zeroth, first, torch.zeros_like(first) if second is None else second))
        return [torch.stack(column, dim=1) for column in zip(*columns, strict=True)]


def _rows(weights, table):
    """a_cj M_αj as rows (k c, h), for weights (c, h) and a table (h, k)."""
    if len(weights) == 1:
        return table.T * weights
    return (table.T.unsqueeze(1) * weights).flatten(0, 1)
