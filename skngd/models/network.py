"""The fully connected network, its Jacobian in closed form."""

import numpy as np
import torch

from .activations import ACTIVATIONS
from .base import Model, Record
from .network_jets import NetworkJets


class FullyConnected(Model):
    """Fully connected network with a linear output layer.

    The parameters are laid out layer by layer, the weights of a layer (row by row,
    one row for each neuron) before its biases.

    Parameters
    ----------
    layer_sizes : sequence of int
        Numbers of inputs, of neurons in each hidden layer, and of outputs.
    activation : {"tanh", "sin", "logistic", "softplus", "identity"}, default="tanh"
        Activation function of the hidden layers.

    See Also
    --------
    skngd.models.TorchModule : A module of torch.
    skngd.models.NetworkJets : Derivatives in x in closed form.

    Examples
    --------
    >>> from skngd.models import FullyConnected
    >>> FullyConnected((4, 10, 1)).n_parameters
    61
    """

    def __init__(self, layer_sizes, activation="tanh"):
        self.layer_sizes = tuple(layer_sizes)
        self.activation = ACTIVATIONS[activation]
        shapes = list(zip(self.layer_sizes[1:], self.layer_sizes[:-1], strict=True))
        self.sizes = [size for out, into in shapes for size in (out * into, out)]
        ends = np.cumsum(self.sizes)
        starts = [0, *ends[:-1]]
        blocks = [slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
        # One (shape of the weights, their place, the place of the biases) for each layer.
        self.layout = list(zip(shapes, blocks[::2], blocks[1::2], strict=True))
        self.n_parameters = int(ends[-1])
        self.n_outputs = self.layer_sizes[-1]
        self.decaying = np.concatenate([np.r_[place] for _, place, _ in self.layout])
        self.output_parameters = slice(self.layout[-1][1].start, self.n_parameters)

    @property
    def record_size(self):
        # Pre-activations, values and slopes of all neurons.
        return 3 * sum(self.layer_sizes)

    def groups(self):
        """The weights and hidden biases of a layer each; then the first weights by input (ARD)."""
        index, n_groups = np.full(self.n_parameters, -1), 0
        for _, weights, biases in self.layout:
            for place in (weights, biases):
                if place != self.layout[-1][2]:
                    index[place], n_groups = n_groups, n_groups + 1
        (neurons, d), first, _ = self.layout[0]
        if len(self.layout) == 1 or d == 1:
            return [index]
        by_input = np.where(index > 0, index + d - 1, index)
        by_input[first] = np.tile(np.arange(d), neurons)
        return [index, by_input]

    def layers(self, theta, last_only=False):
        """The weights (out, in) and biases (out, 1) of each layer, as views of ``theta``."""
        # Not by slices: small networks spend their time on the calls, and this is one for each.
        theta = theta.contiguous()
        offset = theta.storage_offset()
        return [
            (
                theta.as_strided((out, into), (into, 1), offset + weights.start),
                theta.as_strided((out, 1), (1, 1), offset + biases.start),
            )
            for (out, into), weights, biases in (self.layout[-1:] if last_only else self.layout)
        ]

    def initial(self, random_state):
        """Draw a starting point (Glorot and Bengio, 2010), in NumPy.

        Weights and hidden biases are uniform with bound √(6 / (fan-in + fan-out)); the
        biases of the output are zero.

        Parameters
        ----------
        random_state : numpy.random.RandomState
            Source of the draw, which is advanced.

        Returns
        -------
        theta : ndarray of shape (P,)
            Parameters, layer by layer.
        """
        theta = np.zeros(self.n_parameters)
        for depth, ((out, into), weights, biases) in enumerate(self.layout, start=1):
            bound = np.sqrt(6.0 / (into + out))
            theta[weights] = random_state.uniform(-bound, bound, out * into)
            if depth < len(self.layout):
                theta[biases] = random_state.uniform(-bound, bound, out)
        return theta

    def jets(self, indices, input_scale=None, features=None):
        return NetworkJets(self, indices, input_scale, features)

    def record(self, theta, x):
        return NetworkRecord(self, theta, x)

    def value(self, theta, x):
        parts = iter(theta.split(self.sizes))
        shapes = [shape for shape, _, _ in self.layout]
        layers = [(next(parts).view(shape), next(parts).unsqueeze(1)) for shape in shapes]
        a = x.T
        for weights, biases in layers[:-1]:
            a = self.activation.value(torch.addmm(biases, weights, a))
        weights, biases = layers[-1]
        return torch.addmm(biases, weights, a).T


class NetworkRecord(Record):
    """One forward pass. Inside, arrays hold one row for each neuron: shape (h, m)."""

    def __init__(self, network, theta, x):
        self.network = network
        self.layers = network.layers(theta)
        self.inputs, self.pre_activations = [x.T], []
        for weights, biases in self.layers[:-1]:
            z = torch.mm(weights, self.inputs[-1]).add_(biases)
            self.pre_activations.append(z)
            self.inputs.append(network.activation.value(z))
        weights, biases = self.layers[-1]
        self.value = torch.mm(weights, self.inputs[-1]).add_(biases).T
        self.slopes = [None] * len(self.pre_activations)

    def _slope(self, depth):
        """σ' of a hidden layer, computed once."""
        if self.slopes[depth] is None:
            z, a = self.pre_activations[depth], self.inputs[depth + 1]
            self.slopes[depth] = self.network.activation.derivative(z, a)
        return self.slopes[depth]

    def _curvature(self, depth):
        """σ'' of a hidden layer."""
        z, a = self.pre_activations[depth], self.inputs[depth + 1]
        return self.network.activation.second_derivative(z, a, self._slope(depth))

    def _first_delta(self, scale):
        """Where back-propagation starts: shape (neurons, m) or (neurons, m, rows per point).

        From the row factor instead of the identity, so that it yields C J at the price of J.
        """
        m, c = self.value.shape
        if scale is None:
            scale = self.value.new_ones(m, c)
        if scale.ndim == 2:
            return scale.reshape(1, m) if c == 1 else torch.diag_embed(scale).permute(2, 0, 1)
        return scale.permute(2, 0, 1)

    def _layer_into(self, depth, delta, weights):
        """Write the rows of the weights of one layer."""
        (out, into), _, _ = self.network.layout[depth]
        block = weights.view(out, into, *delta.shape[1:])
        torch.mul(delta.unsqueeze(1), _by_point(self.inputs[depth], delta), out=block)

    def _deltas(self, delta, biases=None):
        """(depth, derivatives of the rows in the pre-activations), from the last layer on.

        Those of hidden layers are their rows of the biases: they are written there, if they have a
        place.
        """
        for depth in reversed(range(len(self.layers))):
            yield depth, delta
            if depth:
                weights, flat = self.layers[depth][0], delta.reshape(len(delta), -1)
                out = None if biases is None else biases[depth - 1]
                if len(weights) == 1:
                    back = torch.mul(weights.view(-1, 1), flat, out=out)
                else:
                    back = torch.mm(weights.T, flat, out=out)
                back = back.view(-1, *delta.shape[1:])
                delta = back.mul_(_by_point(self._slope(depth - 1), delta))

    def jacobian(self, scale=None):
        first = self._first_delta(scale)
        n_rows = first.shape[1:].numel()
        jacobian = first.new_empty(self.network.n_parameters, n_rows)
        blocks = jacobian.split(self.network.sizes)
        biases = blocks[1::2]
        biases[-1].view_as(first).copy_(first)
        for depth, delta in self._deltas(first, biases):
            self._layer_into(depth, delta, blocks[2 * depth])
        return jacobian.T

    plain_jacobian = jacobian

    def outer_rows(self, scale=None):
        deltas = [delta for _, delta in self._deltas(self._first_delta(scale))][::-1]
        repeats = 1 if deltas[0].ndim == 2 else deltas[0].shape[2]
        return [
            (delta.reshape(len(delta), -1), inputs.repeat_interleave(repeats, dim=1), layout)
            for delta, inputs, layout in zip(deltas, self.inputs, self.network.layout, strict=True)
        ]

    def gram(self, scale=None):
        # The rows of a layer are products of δ, which knows the output, and of the inputs, which
        # do not: summing over the outputs first saves a factor of their number.
        deltas = [delta for _, delta in self._deltas(self._first_delta(scale))][::-1]
        deltas = [delta if delta.ndim == 3 else delta.unsqueeze(2) for delta in deltas]
        ones = self.value.new_ones(1, len(self.value))
        inputs = [torch.cat([a, ones]) for a in self.inputs]
        gram = ones.new_empty(self.network.n_parameters, self.network.n_parameters)
        for left in range(len(deltas)):
            for right in range(left, len(deltas)):
                block = self._gram_block(deltas, inputs, left, right)
                # Behind the inputs of a neuron stands its bias.
                for here, some in self._weights_and_biases(left):
                    for there, others in self._weights_and_biases(right):
                        part = block[:, some][:, :, :, others]
                        part = part.reshape(part.shape[0] * part.shape[1], -1)
                        gram[here, there], gram[there, here] = part, part.T
        return gram

    def _weights_and_biases(self, depth):
        """Where the parameters of a layer stand, and which of the extended inputs they meet."""
        (_, into), weights, biases = self.network.layout[depth]
        return (weights, slice(0, into)), (biases, slice(into, None))

    def _gram_block(self, deltas, inputs, left, right):
        """Products of the rows of two layers, shape (out, in + 1, out', in' + 1)."""
        shapes = [(len(deltas[depth]), len(inputs[depth])) for depth in (left, right)]
        block = deltas[left].new_empty(*shapes[0], *shapes[1])
        for neuron, delta in enumerate(deltas[left]):
            # Within a layer the matrix is symmetric.
            first = neuron if left == right else 0
            products = (deltas[right][first:] * delta).sum(2)
            weighted = (products.unsqueeze(1) * inputs[right]).flatten(0, 1)
            part = (inputs[left] @ weighted.T).view(shapes[0][1], -1, shapes[1][1])
            block[neuron, :, first:] = part
            if left == right:
                block[first:, :, neuron] = part.permute(1, 2, 0)
        return block

    def output_jacobian(self, scale=None):
        first = self._first_delta(scale)
        sizes = self.network.sizes[-2:]
        columns = first.new_empty(sum(sizes), first.shape[1:].numel())
        weights, biases = columns.split(sizes)
        biases.view_as(first).copy_(first)
        self._layer_into(len(self.layers) - 1, first, weights)
        return columns.T

    def gradient(self, cotangent):
        gradient = cotangent.new_empty(self.network.n_parameters)
        blocks = gradient.split(self.network.sizes)
        for depth, delta in self._deltas(cotangent.T):
            torch.sum(delta, dim=1, out=blocks[2 * depth + 1])
            weights = blocks[2 * depth].view(self.network.layout[depth][0])
            torch.mm(delta, self.inputs[depth].T, out=weights)
        return gradient

    def directional(self, dtheta, order=1):
        # The first and second derivatives of the inputs of a layer along dtheta travel
        # forward; the inputs of the first layer do not move.
        first = second = None
        last = len(self.layers) - 1
        for depth, (dweights, dbiases) in enumerate(self.network.layers(dtheta)):
            weights = self.layers[depth][0]
            ddz = None
            if order == 2 and first is not None:
                ddz = torch.mm(weights, second).addmm_(dweights, first, alpha=2)
            if order == 2 and depth == last:
                return torch.zeros_like(self.value) if ddz is None else ddz.T
            dz = torch.mm(dweights, self.inputs[depth]).add_(dbiases)
            if first is not None:
                dz.addmm_(weights, first)
            if depth == last:
                return dz.T
            slope = self._slope(depth)
            first = slope * dz
            if order == 2:
                second = self._curvature(depth) * dz * dz
                if ddz is not None:
                    second.addcmul_(slope, ddz)


def _by_point(array, delta):
    """An array (h, m) beside one of shape (neurons, m) or (neurons, m, rows per point)."""
    return array if delta.ndim == 2 else array.unsqueeze(2)
