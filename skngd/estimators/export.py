"""A fitted estimator as a ``torch.nn.Module`` or an ONNX graph, scaling included."""

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from ..losses.poisson import LARGEST_LOGARITHM
from ..models import TorchModule
from .several import refuse_slabs

# Points of a problem on which the module has to say what ``predict`` says, and how closely.
PROBES, CLOSE = 50, 1e-10


class Sine(torch.nn.Module):
    """The activation "sin"."""

    def forward(self, z):
        return torch.sin(z)


class Affine(torch.nn.Module):
    """v · factor + shift, one number for each output."""

    def __init__(self, shift, factor):
        super().__init__()
        self.register_buffer("shift", shift)
        self.register_buffer("factor", factor)

    def forward(self, v):
        return v * self.factor + self.shift


class Mean(torch.nn.Module):
    """e^v · factor: the mean of counts."""

    def __init__(self, factor):
        super().__init__()
        self.register_buffer("factor", factor)

    def forward(self, v):
        return torch.exp(v.clamp(max=LARGEST_LOGARITHM)) * self.factor


class TwoClasses(torch.nn.Module):
    """Probabilities of both classes from the log-odds of the second."""

    def forward(self, v):
        return torch.sigmoid(torch.cat([-v, v], dim=1))


# torch's softplus is linear from its threshold on, by default where that changes the ninth digit.
ACTIVATIONS = {
    "tanh": torch.nn.Tanh,
    "sin": Sine,
    "logistic": torch.nn.Sigmoid,
    "softplus": lambda: torch.nn.Softplus(threshold=40),
    "identity": torch.nn.Identity,
}


class FittedNetwork(torch.nn.Module):
    """What ``to_torch`` gives: rows of X in, predictions or probabilities out, in double precision.

    Parameters
    ----------
    mean, scale : torch.Tensor of shape (n_features,)
        The standardisation of X.
    network : torch.nn.Module
        Standardised X to standardised outputs.
    link : torch.nn.Module
        Outputs of the network to predictions.
    is_flat : bool
        Whether predictions have the shape (n,).
    """

    def __init__(self, mean, scale, network, link, is_flat):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.network, self.link, self.is_flat = network, link, is_flat

    def forward(self, X):
        """Predictions for rows of shape (n, n_features)."""
        v = self.network((X - self.mean) / self.scale)
        y = self.link(v.reshape(len(X), -1))
        return y[:, 0] if self.is_flat else y


def torch_module(estimator):
    """A fitted estimator as a module; see ``to_torch``."""
    check_is_fitted(estimator)
    inputs = estimator.X_mean_, estimator.X_scale_
    X_mean, X_scale = (torch.tensor(np.array(part, float)) for part in inputs)
    if _has_problem(estimator):
        refuse_slabs(estimator)
        n_outputs = len(estimator.problem_.fields)
        shift, factor, is_flat = estimator.y_mean_, estimator.y_scale_, n_outputs == 1
        link = _affine(shift, factor, n_outputs)
    else:
        targets = estimator._targets(is_fitted=True)
        n_outputs = targets.n_outputs
        link, is_flat = _link(targets, n_outputs)
    model = estimator._build_model(len(X_mean), n_outputs)
    theta = torch.tensor(estimator.theta_)
    if isinstance(model, TorchModule):
        network = model.module_at(theta.to(next(model.module.parameters()).dtype)).double()
        for parameter in network.parameters():
            parameter.requires_grad_(True)
    elif len(theta) == model.n_parameters:
        name = getattr(estimator, "activation_", None) or estimator._activation()
        network = _sequential(model, theta, ACTIVATIONS[name])
    else:
        _refuse_problem()
    module = FittedNetwork(X_mean, X_scale, network, link, is_flat).eval()
    if _has_problem(estimator):
        _check_problem(estimator, module)
    return module


def _has_problem(estimator):
    kind = getattr(estimator, "_kind_of_fit", None)
    return kind is not None and kind().has_problem


def _affine(shift, factor, n_outputs):
    parts = (np.broadcast_to(np.asarray(part, float), (n_outputs,)) for part in (shift, factor))
    return Affine(*(torch.tensor(part.copy()) for part in parts))


def _link(targets, n_outputs):
    """From outputs of the network to predictions, and whether these are flat."""
    if hasattr(targets, "classes"):
        if targets.is_multilabel:
            return torch.nn.Sigmoid(), n_outputs == 1
        return (TwoClasses() if n_outputs == 1 else torch.nn.Softmax(dim=1)), False
    if targets.is_positive:
        return Mean(torch.tensor(np.array(targets.scale, float))), targets.is_flat
    return _affine(targets.mean, targets.scale, n_outputs), targets.is_flat


def _sequential(model, theta, activation):
    """The fully connected network of torch.nn."""
    parts, layers = [], model.layers(theta)
    for weights, biases in layers:
        linear = torch.nn.Linear(weights.shape[1], weights.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(weights)
            linear.bias.copy_(biases[:, 0])
        parts += [linear, activation()]
    return torch.nn.Sequential(*parts[:-1])


def _refuse_problem():
    raise ValueError(
        "Expected a solution that is a network by itself for an export, got one with hard "
        "conditions, periodic coordinates, interfaces, or what estimate_error has added. Take soft "
        "conditions and estimate_error=False, or fit a NaturalMomentumRegressor to its predictions."
    )


def _check_problem(estimator, module):
    """Refuse a module that is not the whole solution."""
    X = estimator.problem_.domain.sample(PROBES, random_state=0)
    n_more = estimator.n_features_in_ - X.shape[1]
    if n_more:
        _refuse_problem()
    expected = estimator.predict(X)
    with torch.no_grad():
        found = module(torch.tensor(X)).numpy()
    if not np.allclose(found, expected, rtol=0, atol=CLOSE * np.abs(expected).max(initial=1e-300)):
        _refuse_problem()


# Operators of ONNX by the modules that they stand for.
OPERATORS = {
    torch.nn.Tanh: "Tanh",
    Sine: "Sin",
    torch.nn.Sigmoid: "Sigmoid",
    torch.nn.Identity: "Identity",
    torch.nn.Softmax: "Softmax",
}


class Graph:
    """Nodes of an ONNX graph, one after the other."""

    def __init__(self, onnx, given):
        self.onnx, self.nodes, self.constants, self.last = onnx, [], [], given

    def constant(self, values):
        """The name of an array of the graph."""
        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(values, dtype=np.float64)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def axes(self, numbers):
        """The name of an array of numbers of axes."""
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.array(numbers), name))
        return name

    def add(self, operator, *others, first=None, **attributes):
        """One more node, on what the last one has given and other names."""
        name = f"t{len(self.nodes)}"
        inputs = [self.last if first is None else first, *others]
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [name], **attributes))
        self.last = name
        return name

    def network(self, network):
        """The layers of a sequential network."""
        for part in network:
            if isinstance(part, torch.nn.Linear):
                self.add("MatMul", self.constant(part.weight.detach().numpy().T))
                self.add("Add", self.constant(part.bias.detach().numpy()))
            elif isinstance(part, torch.nn.Softplus):
                self.softplus()
            else:
                self.add(OPERATORS[type(part)])

    def softplus(self):
        """max(z, 0) + log(1 + e^-|z|): few runtimes have Softplus in double precision."""
        positive = self.add("Max", self.constant(np.array(0.0)), first=(z := self.last))
        self.add("Abs", first=z)
        for operator in ("Neg", "Exp"):
            self.add(operator)
        self.add("Add", self.constant(np.array(1.0)))
        self.add("Log")
        self.add("Add", positive)

    def link(self, link):
        """From outputs of the network to predictions."""
        if isinstance(link, Affine):
            self.add("Mul", self.constant(link.factor.numpy()))
            self.add("Add", self.constant(link.shift.numpy()))
        elif isinstance(link, Mean):
            self.add("Min", self.constant(np.array(LARGEST_LOGARITHM)))
            self.add("Exp")
            self.add("Mul", self.constant(link.factor.numpy()))
        elif isinstance(link, TwoClasses):
            second = self.last
            self.add("Concat", second, first=self.add("Neg"), axis=1)
            self.add("Sigmoid")
        else:
            attributes = {"axis": 1} if isinstance(link, torch.nn.Softmax) else {}
            self.add(OPERATORS[type(link)], **attributes)


def onnx_model(estimator):
    """A fitted estimator as an ONNX model; see ``to_onnx``."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError("to_onnx needs onnx: pip install 'skngd[onnx]'.") from error
    module = torch_module(estimator)
    if not isinstance(module.network, torch.nn.Sequential) or estimator.model is not None:
        raise ValueError(
            "Expected a built-in network for to_onnx, got model="
            f"{estimator.model!r}. Take torch.onnx.export(estimator.to_torch(), …)."
        )
    graph = Graph(onnx, "X")
    graph.add("Sub", graph.constant(module.mean.numpy()))
    graph.add("Div", graph.constant(module.scale.numpy()))
    graph.network(module.network)
    graph.link(module.link)
    if module.is_flat:
        graph.add("Squeeze", graph.axes([1]))
    kind, n_features = onnx.TensorProto.DOUBLE, len(module.mean)
    with torch.no_grad():
        shape = module(module.mean.unsqueeze(0)).shape[1:]
    given = onnx.helper.make_tensor_value_info("X", kind, ["n", n_features])
    told = onnx.helper.make_tensor_value_info(graph.last, kind, ["n", *shape])
    made = onnx.helper.make_graph(graph.nodes, "skngd", [given], [told], graph.constants)
    return onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
