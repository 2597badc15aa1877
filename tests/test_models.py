"""Every model against automatic differentiation of its values."""

import numpy as np
import pytest
import torch
from cases import assert_close, every_model, normal, sequential
from torch.func import hessian, jacrev, jvp, vjp

from skngd.models import FullyConnected, Record, TorchModule

POINTS = normal(6, 2)


def parameters(model, seed=1):
    return 0.7 * normal(model.n_parameters, seed=seed)


def value_at_points(model):
    return lambda theta: model.value(theta, POINTS)


@every_model
def test_record_holds_the_values(model):
    theta = parameters(model)
    value = model.record(theta, POINTS).value
    assert value.shape == (len(POINTS), model.n_outputs)
    assert_close(value, model.value(theta, POINTS), 1e-14)


@every_model
@pytest.mark.parametrize("scale", ["none", "diagonal", "blocks"])
def test_jacobian_is_the_scaled_derivative_of_the_values(model, scale):
    m, c, r = len(POINTS), model.n_outputs, 2
    theta = parameters(model)
    expected = jacrev(value_at_points(model))(theta)
    factor = {
        "none": None,
        "diagonal": 1 + normal(m, c, seed=2) ** 2,
        "blocks": normal(m, r, c, seed=2),
    }[scale]
    if scale == "diagonal":
        expected = factor.unsqueeze(2) * expected
    elif scale == "blocks":
        expected = factor @ expected
    jacobian = model.record(theta, POINTS).jacobian(factor)
    assert_close(jacobian, expected.reshape(-1, model.n_parameters), 1e-12)


@every_model
def test_gradient_pulls_a_cotangent_back(model):
    theta, cotangent = parameters(model), normal(len(POINTS), model.n_outputs, seed=2)
    expected = vjp(value_at_points(model), theta)[1](cotangent)[0]
    assert_close(model.record(theta, POINTS).gradient(cotangent), expected, 1e-12)


@every_model
@pytest.mark.parametrize("order", [1, 2])
def test_directional_derivatives(model, order):
    theta, dtheta = parameters(model), parameters(model, seed=2)

    def first(theta):
        return jvp(value_at_points(model), (theta,), (dtheta,))[1]

    expected = first(theta) if order == 1 else jvp(first, (theta,), (dtheta,))[1]
    assert_close(model.record(theta, POINTS).directional(dtheta, order), expected, 1e-12)


@every_model
def test_curvature_is_the_contracted_second_derivative(model):
    theta, cotangent = parameters(model), normal(len(POINTS), model.n_outputs, seed=2)
    second = hessian(value_at_points(model))(theta)
    expected = torch.einsum("ic,icpq->pq", cotangent, second)
    assert_close(model.curvature(theta, POINTS, cotangent), expected, 1e-12)


@pytest.mark.parametrize("sizes", [(2, 1), (2, 5, 3), (2, 4, 3, 1)], ids=str)
@pytest.mark.parametrize(
    ("activation", "layer"),
    [("tanh", torch.nn.Tanh), ("logistic", torch.nn.Sigmoid), ("softplus", torch.nn.Softplus)],
)
def test_module_equals_the_network_of_the_same_weights(sizes, activation, layer):
    network = FullyConnected(sizes, activation)
    module = TorchModule(sequential(*sizes, activation=layer), n_features=2)
    assert module.n_parameters == network.n_parameters
    theta = parameters(network)
    ours, theirs = network.record(theta, POINTS), module.record(theta, POINTS)
    assert_close(ours.value, theirs.value, 1e-14)
    assert_close(ours.jacobian(), theirs.jacobian(), 1e-12)


def test_module_starts_from_its_own_parameters():
    module = sequential(2, 4, 3, 1)
    model = TorchModule(module, n_features=2)
    theta = torch.as_tensor(model.initial())
    assert_close(model.value(theta, POINTS), module(POINTS).detach(), 1e-14)
    assert_close(model.module_at(0 * theta)(POINTS), torch.zeros(len(POINTS), 1), 0.0)


def test_a_module_is_copied():
    module = sequential(2, 3, 1)
    before = torch.nn.utils.parameters_to_vector(module.parameters()).detach().clone()
    model = TorchModule(module, n_features=2)
    model.module_at(torch.zeros(model.n_parameters, dtype=torch.float64))
    assert_close(torch.nn.utils.parameters_to_vector(module.parameters()).detach(), before, 0.0)
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_initial_weights_are_within_the_glorot_bounds():
    network = FullyConnected((3, 50, 2))
    theta = torch.as_tensor(network.initial(np.random.RandomState(0)))
    (first, first_biases), (last, last_biases) = network.layers(theta)
    for block, bound in [(first, 6 / 53), (first_biases, 6 / 53), (last, 6 / 52)]:
        assert 0.8 * bound**0.5 < float(block.abs().max()) <= bound**0.5
    assert not last_biases.any()


class Mean(torch.nn.Module):
    """Mixes the rows: (m, d) to ()."""

    def __init__(self):
        super().__init__()
        self.rate = torch.nn.Parameter(torch.ones(2))

    def forward(self, x):
        return (x @ self.rate).mean()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (torch.nn.Tanh(), "with parameters to fit"),
        (sequential(3, 1), "does not take inputs of shape"),
        (
            torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Unflatten(1, (1, 2))),
            r"got \(2, 1, 2\)",
        ),
        (Mean(), r"outputs of shape \(2, c\) or \(2,\), got \(\)"),
    ],
    ids=["no parameters", "wrong number of inputs", "matrices", "not row by row"],
)
def test_module_that_is_no_map_of_rows_is_refused(module, message):
    with pytest.raises(ValueError, match=message):
        TorchModule(module, n_features=2)


WIDTHS = [
    (2, *hidden, n_outputs)
    for hidden in [(), (1,), (4,), (1, 1), (3, 1), (1, 3), (3, 4), (2, 1, 2)]
    for n_outputs in (1, 2, 3)
]


@pytest.mark.parametrize("sizes", WIDTHS, ids=str)
@pytest.mark.parametrize("kind", ["none", "numbers", "blocks"])
def test_the_gram_matrix_without_its_rows(sizes, kind):
    network, x = FullyConnected(sizes), normal(6, 2)
    record = network.record(normal(network.n_parameters, seed=1), x)
    shapes = {"none": None, "numbers": (6, sizes[-1]), "blocks": (6, 2, sizes[-1])}
    scale = None if kind == "none" else normal(*shapes[kind], seed=2)
    rows = record.jacobian(scale)
    assert_close(record.gram(scale), rows.T @ rows, 1e-13)


class Bare(Record):
    """The least that a record has to say."""

    def __init__(self, jacobian, value):
        self.rows, self.value = jacobian, value

    def plain_jacobian(self):
        return self.rows

    def directional(self, dtheta, order=1):
        return (self.rows @ dtheta).view_as(self.value) * (order == 1)


def test_what_a_record_says_follows_from_its_jacobian():
    model = FullyConnected((2, 3, 2))
    whole = model.record(parameters(model), POINTS)
    bare = Bare(whole.jacobian(), whole.value)
    for scale in (None, normal(6, 2, seed=2), normal(6, 3, 2, seed=3)):
        assert_close(bare.jacobian(scale), whole.jacobian(scale), 1e-13)
    f = normal(6, 2, seed=4)
    assert_close(bare.gradient(f), whole.gradient(f), 1e-13)
    with pytest.raises(TypeError, match="no last layer"):
        bare.output_jacobian()


def test_a_record_without_a_jacobian_says_what_is_missing():
    class Silent(Bare):
        plain_jacobian = Record.plain_jacobian

    with pytest.raises(NotImplementedError, match="Silent to define plain_jacobian"):
        Silent(None, POINTS).jacobian()
