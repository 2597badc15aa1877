"""Jets of a network with one hidden layer: the closed formula in σ and its derivatives.

With z = W x + b and the monomials M_α = Π_{i in α} W_i (one number for each neuron),

    ∂^α v = Σ_j a_j M_αj σ^(|α|)(z_j),

so that all derivatives of one order are one product of matrices, and the functions σ^(s)(z), the
only arrays of the size of neurons × points, are shared by values, Jacobian and directions.
"""

import copy
import math
from functools import cached_property

import torch

from .jets import JetRecord, Tower


class Orders:
    """The wanted multi-indices by their order, and what does not change with θ.

    ``sizes`` is how many there are of each order; ``sort`` and ``inverse`` lead from ``indices`` to
    order by order, and back, and are None where they are sorted.
    """

    def __init__(self, indices, input_scales):
        self.indices, self.input_scales = tuple(indices), input_scales
        self.by_order = {}
        for index in sorted(self.indices, key=len):
            self.by_order.setdefault(len(index), []).append(index)
        self.sizes = [len(found) for found in self.by_order.values()]
        in_order = [index for found in self.by_order.values() for index in found]
        self.sort = self.inverse = None
        if in_order != list(self.indices):
            self.sort = [self.indices.index(index) for index in in_order]
            self.inverse = [in_order.index(index) for index in self.indices]
        self._constants = {}
        # What is made inside of a transform of torch.func must not outlive it: these are made now.
        self.constants(torch.empty(0, dtype=torch.float64, device="cpu"))

    def constants(self, like):
        """Tables on the device and in the dtype of a tensor, made once: (columns, scales, units).

        ``columns`` says which input the first, second, … factors of the monomials of each order
        belong to, one behind the other, see :meth:`of_factors`; None where no derivative is wanted.
        ``scales`` are those of these inputs, ``units`` their unit vectors times the scales, (d, k)
        for each order and factor.
        """
        key = like.dtype, like.device
        if key not in self._constants:
            found = [
                [index[place] for index in indices]
                for order, indices in self.by_order.items()
                for place in range(order)
            ]
            self.factor_sizes = [len(columns) for columns in found]
            scales = like.new_tensor(self.input_scales)
            units = [scales.diag()[:, columns] for columns in found]
            columns = torch.tensor([i for part in found for i in part], device=like.device)
            columns = columns if found else None
            self._constants[key] = columns, None if columns is None else scales[columns], units
        return self._constants[key]

    def of_factors(self, parts):
        """A sequence with one entry for each order and factor as {order: entries}."""
        parts = iter(parts)
        return {order: [next(parts) for _ in range(order)] for order in self.by_order}


class ShallowJetRecord(JetRecord):
    """One forward pass through a network with one hidden layer.

    Inside, arrays hold one row for each neuron, shape (h, m); tables of numbers for each neuron,
    such as the monomials, have shape (k, h).
    """

    def __init__(self, jets, theta, x):
        self.jets, self.network, self.x = jets, jets.network, x.T
        (weights, biases), self.output = self.network.layers(theta)
        self.columns, self.scales, self.units = jets.orders.constants(theta)
        self.selected = self._selected(weights)
        self.factors = self._factors(self.selected)
        self.monomials = {
            order: math.prod(factors[1:], start=factors[0]) if factors else None
            for order, factors in self.factors.items()
        }
        self.transposed = {}
        self.tower = Tower(self.network.activation, torch.mm(weights, self.x).add_(biases))
        self.slopes = {}

    def with_output(self, theta):
        other = copy.copy(self)
        (other.output,) = self.network.layers(theta, last_only=True)
        other.slopes = {}
        for name in ("rows", "value"):
            vars(other).pop(name, None)
        return other

    @cached_property
    def rows(self):
        """a_cj M_αj by order, (k c, h)."""
        return {order: _rows(self.output[0], table) for order, table in self.monomials.items()}

    @cached_property
    def value(self):
        # Only where it is asked for: affine equations are linear in the rows of the last layer.
        parts = [torch.mm(rows, self.tower[order]) for order, rows in self.rows.items()]
        return self._in_order(parts, self.output[1])

    def _selected(self, weights):
        """The columns of W that the monomials are products of, one behind the other."""
        if self.columns is None:
            return None
        selected = weights.index_select(1, self.columns)
        return selected if self.jets.input_scale is None else selected * self.scales

    def _factors(self, selected):
        """The factors of the monomials of each order, lists of (k, h)."""
        orders = self.jets.orders
        return orders.of_factors(() if selected is None else selected.T.split(orders.factor_sizes))

    def _in_order(self, parts, biases):
        """Parts (k c, m), order by order, as an array of shape (k, c, m)."""
        orders = self.jets.orders
        if biases is not None and 0 in orders.by_order:
            parts[0].add_(biases)
        joined = parts[0] if len(parts) == 1 else torch.cat(parts)
        joined = joined.view(len(orders.indices), len(self.output[0]), -1)
        return joined if orders.inverse is None else joined[orders.inverse]

    def _by_order(self, jet):
        """(k, c, m) as a dict of parts (k_s c, m)."""
        orders, n_outputs = self.jets.orders, len(self.output[0])
        jet = jet.contiguous() if orders.sort is None else jet[orders.sort]
        flat = jet.view(len(orders.indices) * n_outputs, -1)
        parts = [flat]
        if len(orders.sizes) > 1:
            parts = flat.split([size * n_outputs for size in orders.sizes])
        return dict(zip(orders.by_order, parts, strict=True))

    # Jacobian

    def _contracted(self, parts):
        """Σ_α coefficients_α M_α: for each output a dict of order to (h, m), or (1, m)."""
        n_outputs = len(self.output[0])
        if not self.transposed:
            self.transposed.update({o: t.T for o, t in self.monomials.items() if t is not None})
        contracted = []
        for c in range(n_outputs):
            mine = parts if n_outputs == 1 else {o: part[c::n_outputs] for o, part in parts.items()}
            contracted.append(
                {o: torch.mm(self.transposed[o], part) if o else part for o, part in mine.items()}
            )
        return contracted

    def _sum(self, contracted, raised, out=None):
        """Σ_s σ^(s + raised) N_s."""
        (first, n), *others = contracted.items()
        total = torch.mul(self.tower[first + raised], n, out=out)
        for order, n in others:
            total.addcmul_(self.tower[order + raised], n)
        return total

    def _delta(self, contracted, out=None):
        """The derivative of the combination in the pre-activations, shape (h, m)."""
        total, columns = None, self.output[0].unsqueeze(2)
        for weights, of_output in zip(columns, contracted, strict=True):
            if total is None:
                total = self._sum(of_output, 1, out).mul_(weights)
            else:
                total.addcmul_(self._sum(of_output, 1), weights)
        return total

    def _slopes(self, order):
        """Σ_c a_c ∂M_α/∂W as a matrix from (α, c) to (neuron, input): shape (h d, k c)."""
        if order not in self.slopes:
            orders, (n_outputs, h) = self.jets.orders, self.output[0].shape
            units, total = orders.of_factors(self.units)[order], None
            parts = self.selected.unsqueeze(1).split(orders.factor_sizes, dim=2)
            factors = orders.of_factors(parts)[order]
            # The product rule: each factor in turn gives way to its unit vector.
            for left, unit in enumerate(units):
                others = [factor for place, factor in enumerate(factors) if place != left]
                if not others:
                    total = unit.expand(h, *unit.shape)
                    continue
                rest = math.prod(others[1:], start=others[0])
                total = rest * unit if total is None else total.addcmul_(rest, unit)
            weighted = total.unsqueeze(3) * self.output[0].T.reshape(h, 1, 1, n_outputs)
            self.slopes[order] = weighted.reshape(h * total.shape[1], -1)
        return self.slopes[order]

    def jacobian_into(self, coefficients, out):
        parts = self._by_order(coefficients)
        contracted = self._contracted(parts)
        block, biases, *output = out.split(self.network.sizes)
        self._output_into(parts, contracted, *output)
        delta = self._delta(contracted, biases).unsqueeze(1)
        by_input, is_written = block.view(len(biases), len(self.x), -1), False
        for order, part in parts.items():
            if order == 0:
                continue
            sigma = self.tower[order].unsqueeze(1)
            if is_written:
                by_input.addcmul_(sigma, torch.mm(self._slopes(order), part).view_as(by_input))
            else:
                torch.mm(self._slopes(order), part, out=block)
                by_input.mul_(sigma)
            is_written = True
        if is_written:
            by_input.addcmul_(delta, self.x)
        else:
            torch.mul(delta, self.x, out=by_input)

    def output_jacobian_into(self, coefficients, out):
        parts = self._by_order(coefficients)
        self._output_into(parts, self._contracted(parts), *out.split(self.network.sizes[-2:]))

    def _output_into(self, parts, contracted, weights, biases):
        by_output = [weights] if len(contracted) == 1 else weights.chunk(len(contracted))
        for block, of_output in zip(by_output, contracted, strict=True):
            self._sum(of_output, 0, block)
        biases.copy_(parts[0]) if 0 in parts else biases.zero_()

    def gradient(self, cotangent):
        (shape, weights, biases), (_, output, output_biases) = self.network.layout
        gradient = cotangent.new_empty(self.network.n_parameters)
        parts = self._by_order(cotangent)
        n_outputs, h = self.output[0].shape
        sums, block = 0.0, gradient[weights].view(shape)
        delta = self._delta(self._contracted(parts))
        torch.mm(delta, self.x.T, out=block)
        for order, part in parts.items():
            # Σ_i σ^(s)(z_ji) f_kci, shape (k c, h).
            pulled = part @ self.tower[order].T
            by_index, table = pulled.view(-1, n_outputs, h), self.monomials[order]
            sums = sums + (by_index if table is None else by_index * table.unsqueeze(1)).sum(0)
            if order:
                block += (self._slopes(order).view(*shape, -1) * pulled.T.unsqueeze(1)).sum(2)
        gradient[output] = sums.reshape(-1)
        gradient[output_biases] = parts[0].sum(1) if 0 in parts else 0.0
        gradient[biases] = delta.sum(1)
        return gradient

    # Directions

    def directional(self, dtheta, order=1):
        (dweights, dbiases), (doutput, doutput_biases) = self.network.layers(dtheta)
        dz = torch.mm(dweights, self.x).add_(dbiases)
        square = dz * dz if order == 2 else None
        moved, weights, parts = self._factors(self._selected(dweights)), self.output[0], []
        for n, rows in self.rows.items():
            zeroth, first, second = self._taylor(n, moved[n])
            # The coefficients of ε⁰ and ε¹ (and ε²) in (a + ε da) M(W + ε dW).
            once = _rows(doutput, zeroth)
            once = once if first is None else _rows(weights, first, once)
            if order == 1:
                part = torch.mm(once, self.tower[n])
                part.addmm_(rows, self.tower[n + 1] * dz)
            else:
                part = torch.mm(rows, self.tower[n + 2] * square)
                part.addmm_(once, self.tower[n + 1] * dz, alpha=2)
                if first is not None:
                    twice = _rows(doutput, first)
                    twice = twice if second is None else _rows(weights, second, twice)
                    part.addmm_(twice, self.tower[n], alpha=2)
            parts.append(part)
        return self._in_order(parts, doutput_biases if order == 1 else None)

    def _taylor(self, order, moved):
        """Coefficients of ε⁰, ε¹ and ε² in M_α(W + ε dW), (k, h) each; None for 1, 0 and 0."""
        if order == 0:
            return None, None, None
        zeroth, first, second = self.factors[order][0], moved[0], None
        for w, dw in zip(self.factors[order][1:], moved[1:], strict=True):
            second = first * dw if second is None else (second * w).addcmul_(first, dw)
            zeroth, first = zeroth * w, (first * w).addcmul_(zeroth, dw)
        return zeroth, first, second


def _rows(weights, table, total=None):
    """a_cj M_αj as rows (k c, h), for weights (c, h) and a table (k, h); None stands for ones.

    Added to ``total``, if there is one.
    """
    if table is None:
        return weights
    if len(weights) > 1:
        rows = (table.unsqueeze(1) * weights).flatten(0, 1)
        return rows if total is None else total + rows
    return table * weights if total is None else total.addcmul_(table, weights)
