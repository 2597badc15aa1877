"""Jets of the fully connected network in closed form.

Derivatives in x travel forward through the layers by Faà di Bruno's formula,

    ∂^α σ(z) = Σ_π σ^(|π|)(z) Π_{B in π} ∂^B z,

the sum over the partitions π of α; one backward pass gives the rows of the Jacobian. In the first
layer ∂_i z is a column of the weights and higher derivatives vanish, so that for one hidden layer
this *is* the closed formula in σ and its derivatives. A direction of θ is treated as one more
input, the position ``ALONG``: ∂_ε (W + ε dW) a = W ∂_ε a + dW a.
"""

import copy
import math

import torch

from .autodiff_jets import AutodiffJets
from .jets import JetModel, JetRecord, Tower, by_order, set_partitions, sub_indices, without
from .shallow_jets import Orders, ShallowJetRecord

ALONG = -1
# A common pass may compute so many numbers that nobody asked for: they cost less than a call.
LARGEST_EXCESS = 2**17


class NetworkJets(JetModel):
    """Derivatives of a :class:`FullyConnected` network in its inputs.

    Parameters
    ----------
    network : FullyConnected
        The network whose derivatives are wanted.
    indices : sequence of multi-indices
        Which derivatives; see ``skngd.models.jets``.
    input_scale : torch.Tensor of shape (d,), default=None
        The derivatives are taken in x, and the network is evaluated at (x − shift) · scale:
        its points come normalised. None stands for ones.
    features : object, default=None
        Where the last inputs are functions of the others: ``derivative(index, x)`` is ∂^index of
        them at points of the network, shape (k, m), or None where it vanishes, and ``again(x)``
        gives the points with these inputs computed anew.

    See Also
    --------
    skngd.models.AutodiffJets : Derivatives in x of any model.
    skngd.models.FullyConnected : The network.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skngd.models import FullyConnected, NetworkJets
    >>> network = FullyConnected((1, 4, 1))
    >>> theta = torch.as_tensor(network.initial(np.random.RandomState(0)))
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> NetworkJets(network, [(), (0,), (0, 0)]).record(theta, x).value.shape  # u, u_x, u_xx
    torch.Size([3, 1, 5])
    """

    has_output = True

    def __init__(self, network, indices, input_scale=None, features=None):
        self.network, self.features, self._seen = network, features, (None, None)
        self.n_parameters, self.n_outputs = network.n_parameters, network.n_outputs
        self.indices = tuple(indices)
        self.input_scale = input_scale
        # As numbers: reading them from a GPU in each pass would wait for it.
        ones = [1.0] * network.layer_sizes[0]
        self.input_scales = ones if input_scale is None else input_scale.tolist()
        # Inner layers have to know all parts of what is wanted, the last one only that.
        self.orders = Orders(self.indices, self.input_scales)
        self.closure = sorted(set().union(*map(sub_indices, self.indices)), key=by_order)

    def record(self, theta, x):
        shallow = len(self.network.layout) == 2 and self.features is None
        return (ShallowJetRecord if shallow else NetworkJetRecord)(self, theta, x)

    def joined(self, sites):
        for jets, _ in sites:
            if not isinstance(jets, NetworkJets) or jets.network is not self.network:
                return None
            if jets.input_scales != self.input_scales or jets.features is not self.features:
                return None
        indices = set().union(*(jets.indices for jets, _ in sites))
        shared = NetworkJets(
            self.network, sorted(indices, key=by_order), self.input_scale, self.features
        )
        wanted = sum(jets.n_arrays * n for jets, n in sites)
        more = shared.n_arrays * sum(n for _, n in sites) - wanted
        return shared if more * max(self.network.layer_sizes) <= LARGEST_EXCESS else None

    @property
    def n_arrays(self):
        """About how many numbers a pass computes for each neuron and point."""
        is_shallow = len(self.network.layout) == 2 and self.features is None
        return len(self.orders.by_order if is_shallow else self.closure)

    def by_autodiff(self):
        network = self.network if self.features is None else Featured(self.network, self.features)
        return AutodiffJets(network, self.indices, self.input_scale)

    def first_inputs(self, x):
        """The inputs of the first layer and, with features, their derivatives, shape (d, m).

        Without these, derivatives are columns of the weights.
        """
        if self.features is None:
            return {(): x.T}
        points, known = self._seen
        if points is not x:
            known = {(): x.T}
            for index in self.closure:
                rows = self.features.derivative(index, x) if index else None
                if rows is None and len(index) != 1:
                    continue
                known[index] = x.new_zeros(x.shape[1], len(x))
                if rows is not None:
                    known[index][-len(rows) :] = rows
                if len(index) == 1:
                    known[index][index[0]] = self.input_scales[index[0]]
            # What is made inside of torch.grad or torch.func.grad must not outlive it.
            if not torch.is_grad_enabled():
                self._seen = x, known
        return dict(known)


class Featured:
    """A network whose last inputs follow from the others."""

    def __init__(self, network, features):
        self.network, self.features = network, features
        self.n_parameters, self.n_outputs = network.n_parameters, network.n_outputs

    def value(self, theta, x):
        return self.network.value(theta, self.features.again(x))


class NetworkJetRecord(JetRecord):
    """One forward pass. Inside, arrays hold one row for each neuron: shape (h, m) or (h, 1)."""

    def __init__(self, jets, theta, x):
        self.jets, self.network = jets, jets.network
        self.layers = self.network.layers(theta)
        self.n_points = len(x)
        n_hidden = len(self.layers) - 1
        # Per layer: the derivatives of its inputs and of its pre-activations; absent ones are 0.
        self.inputs = [jets.first_inputs(x), *({} for _ in range(n_hidden))]
        self.pre_activations = [{} for _ in range(n_hidden)]
        self.towers = {}
        self.monomials = [{} for _ in range(n_hidden)]
        self._forward(jets.indices, jets.closure)
        self.value = torch.stack(self._outputs(jets.indices))

    def with_output(self, theta):
        other = copy.copy(self)
        other.layers = [*self.layers[:-1], self.network.layers(theta)[-1]]
        other.value = torch.stack(other._outputs(self.jets.indices))
        return other

    # Forward

    def _forward(self, wanted, closure, changes=None):
        n_hidden = len(self.pre_activations)
        for depth in range(n_hidden):
            here = self.pre_activations[depth]
            for index in closure:
                if index not in here:
                    z = self._affine(depth, index, changes)
                    if z is not None:
                        here[index] = z
            after = self.inputs[depth + 1]
            for index in wanted if depth == n_hidden - 1 else closure:
                if index not in after:
                    a = self._activated(depth, index)
                    if a is not None:
                        after[index] = a

    def _affine(self, depth, index, changes):
        """∂^index of the pre-activations W a + b of a layer; None where it vanishes."""
        weights, biases = self.layers[depth]
        inputs, z = self.inputs[depth], None
        along, space = index.count(ALONG), without_along(index)
        if depth == 0 and self.jets.features is None:
            if along > 1 or len(space) > 1:
                return None
            if along:
                weights, biases = changes[depth]
            if not space:
                return torch.mm(weights, inputs[()]).add_(biases)
            return weights[:, space[0] : space[0] + 1] * self._input_scale(space)
        if index in inputs:
            z = torch.mm(weights, inputs[index])
        if index == ():
            return z.add_(biases)
        if along:
            dweights, dbiases = changes[depth]
            lower = without(index, (ALONG,))
            if lower in inputs:
                if z is None:
                    z = torch.mm(dweights, inputs[lower]).mul_(along)
                else:
                    z.addmm_(dweights, inputs[lower], alpha=along)
                if lower == ():
                    z.add_(dbiases)
        return z

    def _input_scale(self, index):
        """What one unit of an input is to the network."""
        return self.jets.input_scales[index[0]]

    def _tower(self, depth, order):
        """σ^(order) of a hidden layer."""
        if depth not in self.towers:
            z = self.pre_activations[depth][()]
            self.towers[depth] = Tower(self.network.activation, z)
        return self.towers[depth][order]

    def _terms(self, depth, index):
        """(count, blocks) of the partitions whose factors do not vanish."""
        known = self.pre_activations[depth]
        for count, blocks in set_partitions(index):
            if all(block in known for block in blocks):
                yield count, blocks

    def _monomial(self, depth, blocks):
        """Π ∂^B z; None for the number 1."""
        if len(blocks) < 2:
            return self.pre_activations[depth][blocks[0]] if blocks else None
        known = self.monomials[depth]
        if blocks not in known:
            factors = [self.pre_activations[depth][block] for block in blocks]
            factors.sort(key=lambda factor: factor.shape[1])
            known[blocks] = math.prod(factors[1:], start=factors[0])
        return known[blocks]

    def _activated(self, depth, index):
        """∂^index σ(z), by Faà di Bruno; None where it vanishes."""
        if index == ():
            return self._tower(depth, 0)
        sums = {}
        for count, blocks in self._terms(depth, index):
            _add(sums, index, self._monomial(depth, blocks), self._tower(depth, len(blocks)), count)
        return sums.get(index)

    def _outputs(self, wanted, changes=None):
        """∂^index of the network for each of ``wanted``, shape (c, m)."""
        last = len(self.layers) - 1
        out = []
        for index in wanted:
            v = self._affine(last, index, changes)
            if v is None:
                v = self.layers[0][0].new_zeros(self.network.n_outputs, 1)
            out.append(v.expand(-1, self.n_points))
        return out

    # Backward

    def _backward(self, cotangent):
        """From the last layer on: its depth, and the cotangents of its ∂^index z by index."""
        last = len(self.layers) - 1
        deltas = dict(zip(self.jets.indices, cotangent, strict=True))
        for depth in reversed(range(last + 1)):
            yield depth, deltas
            if depth == 0:
                return
            weights = self.layers[depth][0]
            transposed, back = weights.T, {}
            for index, delta in deltas.items():
                if index in self.inputs[depth]:
                    if len(weights) == 1:
                        back[index] = weights.view(-1, 1) * delta
                    else:
                        back[index] = torch.mm(transposed, delta)
            deltas = self._through_activation(depth - 1, back)

    def _through_activation(self, depth, back):
        """The adjoint of Faà di Bruno's formula."""
        deltas = {}
        for index, delta in back.items():
            for count, blocks in self._terms(depth, index):
                order, monomial = len(blocks), self._monomial(depth, blocks)
                weighted = delta if monomial is None else delta * monomial
                _add(deltas, (), weighted, self._tower(depth, order + 1), count)
                lowered = delta * self._tower(depth, order) if blocks else None
                for block in set(blocks):
                    others = self._monomial(depth, without_block(blocks, block))
                    _add(deltas, block, others, lowered, count * blocks.count(block))
        return deltas

    def _layer_into(self, depth, deltas, weights, biases):
        """Write the rows of one layer: each δ beside the inputs that it meets."""
        block, is_written = weights.view(*self.network.layout[depth][0], -1), False
        for index, delta in deltas.items():
            if index in self.inputs[depth]:
                product = delta.unsqueeze(1), self.inputs[depth][index]
                block.addcmul_(*product) if is_written else torch.mul(*product, out=block)
                is_written = True
        if not is_written:
            block.zero_()
        for index, delta in deltas.items():
            if depth == 0 and len(index) == 1 and self.jets.features is None:
                block[:, index[0]].add_(delta, alpha=self._input_scale(index))
        biases.copy_(deltas[()]) if () in deltas else biases.zero_()

    def jacobian_into(self, coefficients, out):
        blocks = out.split(self.network.sizes)
        for depth, deltas in self._backward(coefficients):
            self._layer_into(depth, deltas, *blocks[2 * depth : 2 * depth + 2])

    def output_jacobian_into(self, coefficients, out):
        deltas = dict(zip(self.jets.indices, coefficients, strict=True))
        blocks = out.split(self.network.sizes[-2:])
        self._layer_into(len(self.layers) - 1, deltas, *blocks)

    def gradient(self, cotangent):
        gradient = cotangent.new_zeros(self.network.n_parameters)
        for depth, deltas in self._backward(cotangent):
            shape, weights, biases = self.network.layout[depth]
            block = gradient[weights].view(shape)
            for index, delta in deltas.items():
                if index == ():
                    gradient[biases] += delta.sum(1)
                if depth == 0 and len(index) == 1 and self.jets.features is None:
                    block[:, index[0]] += self._input_scale(index) * delta.sum(1)
                elif index in self.inputs[depth]:
                    inputs = self.inputs[depth][index].expand(-1, self.n_points)
                    block.addmm_(delta, inputs.T)
        return gradient

    def directional(self, dtheta, order=1):
        return self._along(dtheta, [order])[0]

    def directionals(self, dtheta):
        return self._along(dtheta, [1, 2])

    def _along(self, dtheta, orders):
        """Derivatives of the jet along ``dtheta``, from one pass forward."""
        changes = self.network.layers(dtheta)
        moved = [[(ALONG,) * n + index for index in self.jets.indices] for n in orders]
        wanted = [index for indices in moved for index in indices]
        closure = sorted(set().union(*map(sub_indices, wanted)), key=by_order)
        # In the output layer dW meets what has one derivative along θ less.
        lower = [without(index, (ALONG,)) for index in wanted]
        self._forward([*lower, *wanted], closure, changes)
        values = [torch.stack(self._outputs(indices, changes)) for indices in moved]
        # What belongs to this direction must not be taken for another one.
        for known in (*self.inputs, *self.pre_activations):
            for index in [index for index in known if ALONG in index]:
                del known[index]
        for known in self.monomials:
            for key in [key for key in known if any(ALONG in block for block in key)]:
                del known[key]
        return values


def _add(sums, index, factor, other, count):
    """Add count · factor · other to one of the sums; a factor of None is 1."""
    if index not in sums:
        product = other if factor is None else factor * other
        # A number alone is copied, for more may be added to it.
        sums[index] = product * float(count) if factor is None or count != 1 else product
    elif factor is None:
        sums[index].add_(other, alpha=count)
    else:
        sums[index].addcmul_(factor, other, value=count)


def without_along(index):
    """The derivatives in x of a multi-index."""
    return tuple(position for position in index if position != ALONG)


def without_block(blocks, block):
    """The blocks of a partition without one occurrence of ``block``."""
    position = blocks.index(block)
    return blocks[:position] + blocks[position + 1 :]
