"""Jets of networks: closed formulas, torch.func and nested reverse mode agree."""

from itertools import product

import numpy as np
import pytest
import torch
from cases import assert_close, normal, sequential
from differentiation import derivative
from physics import Differentiated, differentiate

from skngd.models import FullyConnected, TorchModule
from skngd.models.activations import ACTIVATIONS
from skngd.models.autodiff_jets import AutodiffJets
from skngd.models.jets import set_partitions, sub_indices, without
from skngd.models.network_jets import NetworkJets

POINTS = normal(3, 2)
SCALE = torch.tensor([0.5, 3.0], dtype=torch.float64)
INDICES = {
    "value": [()],
    "first": [(0,), (1,)],
    "up to second": [(), (0,), (1,), (0, 0), (0, 1), (1, 1)],
    "third": [(0, 0, 1), (1, 1, 1)],
    "fourth alone": [(0, 0, 1, 1)],
    "fourth": [(0, 1), (), (0, 0, 0, 1), (1,)],
}
HIDDEN = [(4,), (3, 2), (2, 3, 2)]

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_indices = pytest.mark.parametrize("indices", INDICES.values(), ids=INDICES)
every_hidden = pytest.mark.parametrize("hidden", HIDDEN, ids=str)
every_scale = pytest.mark.parametrize("scale", [None, SCALE], ids=["unscaled", "scaled"])


def parameters(model, seed=1):
    return normal(model.n_parameters, seed=seed)


class Truth(Differentiated):
    """The jet of a model as a function of θ, from nothing but its values."""

    def __init__(self, model, indices, scale, theta):
        factor = torch.ones_like(SCALE) if scale is None else scale

        def jet(theta):
            rows = [
                differentiate(lambda x, c=c: model.value(theta, x * factor)[:, c], at, index)
                for index, c in product(indices, range(model.n_outputs))
            ]
            return torch.cat(rows)

        at = POINTS / factor
        super().__init__(jet, theta)
        self.shape = len(indices), model.n_outputs, len(POINTS)


def assert_is_the_jet(record, truth, coefficients, directions):
    """Everything that a record can be asked for agrees with the truth."""
    k, c, m = truth.shape
    assert record.value.shape == truth.shape
    assert_close(record.value, truth.value.view(truth.shape), 1e-10)
    combined = (coefficients * truth.graph.view(k, c, m)).sum((0, 1))
    expected = truth.jacobian(combined).T
    out = torch.ones_like(expected)
    record.jacobian_into(coefficients, out)
    assert_close(out, expected, 1e-10)
    assert_close(record.gradient(coefficients), expected.sum(1), 1e-10)
    # A direction leaves no trace, for another one and for the Jacobian.
    for direction, order in zip(directions, (1, 2, 1), strict=True):
        along = truth.directional(direction, order).view(truth.shape)
        assert_close(record.directional(direction, order), along, 1e-10)
    again = torch.zeros_like(expected)
    record.jacobian_into(coefficients, again)
    assert_close(again, expected, 1e-10)
    assert_close(record.gradient(coefficients), expected.sum(1), 1e-10)


def assert_agrees(model, jets_of, indices, scale):
    theta = parameters(model)
    truth = Truth(model, indices, scale, theta)
    record = jets_of(model, indices, scale).record(theta, POINTS)
    directions = [parameters(model, seed=seed) for seed in (2, 3, 4)]
    assert_is_the_jet(record, truth, normal(*truth.shape, seed=5), directions)


# Networks in closed form


@every_activation
@pytest.mark.parametrize(
    ("sizes", "scale"),
    [((2, 4, 1), None), ((2, 4, 2), SCALE), ((2, 3, 2, 2), None), ((2, 2, 3, 2, 1), SCALE)],
    ids=["4", "4, 2 outputs, scaled", "3-2, 2 outputs", "2-3-2, scaled"],
)
def test_closed_formulas_for_all_activations(activation, sizes, scale):
    assert_agrees(FullyConnected(sizes, activation), NetworkJets, INDICES["fourth"], scale)


@every_indices
@every_hidden
def test_closed_formulas_for_any_set_of_derivatives(indices, hidden):
    assert_agrees(FullyConnected((2, *hidden, 2)), NetworkJets, indices, SCALE)


@pytest.mark.parametrize("sizes", [(2, 1, 1), (2, 1, 1, 2), (2, 3, 1, 1)], ids=str)
def test_closed_formulas_for_narrow_networks(sizes):
    assert_agrees(FullyConnected(sizes), NetworkJets, INDICES["fourth"], None)


@every_indices
def test_a_network_without_hidden_layers_is_affine(indices):
    assert_agrees(FullyConnected((2, 2)), NetworkJets, indices, SCALE)


@every_hidden
def test_coefficients_of_zero_give_rows_of_zero(hidden):
    network = FullyConnected((2, *hidden, 1))
    record = NetworkJets(network, INDICES["fourth"]).record(parameters(network), POINTS)
    coefficients = torch.zeros_like(record.value)
    out = normal(network.n_parameters, len(POINTS))
    record.jacobian_into(coefficients, out)
    assert not out.any()
    assert not record.gradient(coefficients).any()


@every_activation
@every_hidden
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_output_jacobian_is_that_of_the_last_layer(activation, hidden, n_outputs):
    network = FullyConnected((2, *hidden, n_outputs), activation)
    record = NetworkJets(network, INDICES["fourth"], SCALE).record(parameters(network), POINTS)
    coefficients = normal(*record.value.shape, seed=2)
    full = torch.zeros(network.n_parameters, len(POINTS), dtype=torch.float64)
    record.jacobian_into(coefficients, full)
    last = full[network.layout[-1][1].start :]
    out = torch.ones_like(last)
    record.output_jacobian_into(coefficients, out)
    assert_close(out, last, 1e-14)


@every_hidden
def test_a_record_with_another_last_layer_is_that_of_its_parameters(hidden):
    network = FullyConnected((2, *hidden, 2))
    theta, other = parameters(network), parameters(network, seed=2)
    other[: network.layout[-1][1].start] = theta[: network.layout[-1][1].start]
    jets = NetworkJets(network, INDICES["fourth"], SCALE)
    dtheta, before = parameters(network, seed=3), jets.record(theta, POINTS)
    coefficients = normal(*before.value.shape, seed=4)
    before.directional(dtheta, 2)
    shared = before.with_output(other)
    shared.directional(dtheta)
    for record, at in [(shared, other), (before, theta), (shared, other)]:
        new = jets.record(at, POINTS)
        assert_close(record.value, new.value, 1e-14)
        assert_close(record.gradient(coefficients), new.gradient(coefficients), 1e-13)
        for order in (1, 2):
            assert_close(record.directional(dtheta, order), new.directional(dtheta, order), 1e-13)


@every_hidden
@every_scale
def test_the_jet_is_linear_in_the_last_layer(hidden, scale):
    network = FullyConnected((2, *hidden, 1))
    theta, dtheta = parameters(network), torch.zeros(network.n_parameters, dtype=torch.float64)
    last = slice(network.layout[-1][1].start, None)
    dtheta[last] = normal(len(dtheta[last]), seed=2)
    jets = NetworkJets(network, INDICES["up to second"], scale)
    before = jets.record(theta, POINTS)
    change = jets.record(theta + dtheta, POINTS).value - before.value
    assert_close(before.directional(dtheta), change, 1e-13)
    assert float(before.directional(dtheta, 2).abs().max()) < 1e-13


@every_hidden
def test_derivatives_agree_with_differences_of_the_values(hidden):
    network = FullyConnected((2, *hidden, 1))
    theta = parameters(network)
    indices = INDICES["fourth"]
    value = NetworkJets(network, indices, SCALE).record(theta, POINTS).value[:, 0].numpy()
    x = (POINTS / SCALE).numpy()

    def at(x0, x1):
        points = torch.tensor(np.stack([x0, x1], axis=1)) * SCALE
        return network.value(theta, points)[:, 0].numpy()

    for index, found in zip(indices, value, strict=True):
        n = [index.count(0), index.count(1)]

        def along_first(x1, n=n):
            return derivative(lambda x0: at(x0, x1), x[:, 0], n[0]) if n[0] else at(x[:, 0], x1)

        expected = derivative(along_first, x[:, 1], n[1]) if n[1] else along_first(x[:, 1])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(value).max())


def test_single_precision_stays_single():
    network = FullyConnected((2, 4, 3, 1))
    theta, x = parameters(network), POINTS
    jets = NetworkJets(network, INDICES["fourth"], SCALE)
    exact = jets.record(theta, x)
    jets = NetworkJets(network, INDICES["fourth"], SCALE.float())
    single = jets.record(theta.float(), x.float())
    coefficients = normal(*exact.value.shape, seed=2)
    found = single.gradient(coefficients.float())
    assert single.value.dtype == found.dtype == torch.float32
    assert single.directional(theta.float(), 2).dtype == torch.float32
    assert_close(single.value, exact.value, 1e-4)
    assert_close(found, exact.gradient(coefficients), 1e-4)


# Any model by automatic differentiation


@pytest.mark.parametrize(
    ("sizes", "scale"),
    [((2, 4, 1), None), ((2, 3, 2, 2), SCALE), ((2, 2, 3, 2, 1), SCALE)],
    ids=["4", "3-2, 2 outputs, scaled", "2-3-2, scaled"],
)
def test_automatic_differentiation_agrees(sizes, scale):
    network = FullyConnected(sizes, "sin")
    assert_agrees(network, AutodiffJets, INDICES["up to second"], scale)


def test_automatic_differentiation_of_the_fourth_order():
    assert_agrees(FullyConnected((2, 3, 1)), AutodiffJets, INDICES["fourth alone"], SCALE)


@every_activation
@every_hidden
def test_closed_formulas_and_automatic_differentiation_agree(activation, hidden):
    network = FullyConnected((2, *hidden, 1), activation)
    theta, dtheta = parameters(network), parameters(network, seed=2)
    indices = [(), (1,), (0, 0), (0, 1)]
    closed = NetworkJets(network, indices, SCALE).record(theta, POINTS)
    automatic = AutodiffJets(network, indices, SCALE).record(theta, POINTS)
    coefficients = normal(*closed.value.shape, seed=3)
    assert_close(closed.value, automatic.value, 1e-10)
    assert_close(closed.gradient(coefficients), automatic.gradient(coefficients), 1e-10)
    assert_close(closed.directional(dtheta), automatic.directional(dtheta), 1e-10)
    rows = [torch.zeros(network.n_parameters, len(POINTS), dtype=torch.float64) for _ in range(2)]
    closed.jacobian_into(coefficients, rows[0])
    automatic.jacobian_into(coefficients, rows[1])
    assert_close(rows[0], rows[1], 1e-10)


@pytest.mark.parametrize("sizes", [(2, 5, 2), (2, 4, 3, 1)], ids=str)
def test_a_module_has_the_jets_of_the_network_of_the_same_weights(sizes):
    network, module = FullyConnected(sizes), TorchModule(sequential(*sizes), n_features=2)
    theta, dtheta = parameters(network), parameters(network, seed=2)
    indices = INDICES["up to second"]
    ours = NetworkJets(network, indices, SCALE).record(theta, POINTS)
    theirs = AutodiffJets(module, indices, SCALE).record(theta, POINTS)
    coefficients = normal(*ours.value.shape, seed=3)
    assert_close(ours.value, theirs.value, 1e-10)
    assert_close(ours.gradient(coefficients), theirs.gradient(coefficients), 1e-10)
    for order in (1, 2):
        assert_close(ours.directional(dtheta, order), theirs.directional(dtheta, order), 1e-10)


# Activations


@every_activation
@pytest.mark.parametrize("order", [2, 3, 4, 5, 6])
def test_higher_derivatives_of_activations(activation, order):
    function = ACTIVATIONS[activation]
    z = torch.linspace(-4, 4, 33, dtype=torch.float64)
    a = function.value(z)
    slope = function.derivative(z, a)
    copies = z.clone(), a.clone(), slope.clone()
    expected = differentiate(lambda z: function.value(z[:, 0]), z.unsqueeze(1), (0,) * order)
    expected = expected.detach()
    found = function.higher(z, a, slope, order)
    assert_close(found, expected, 1e-12) if expected.any() else assert_close(found, expected, 0)
    if order == 2:
        assert_close(found, function.second_derivative(z, a, slope), 1e-14)
    # The towers of a record are shared.
    assert all(torch.equal(*pair) for pair in zip((z, a, slope), copies, strict=True))


@every_activation
def test_higher_derivatives_far_out_are_finite(activation):
    function = ACTIVATIONS[activation]
    z = torch.tensor([-800.0, 800.0], dtype=torch.float64)
    a = function.value(z)
    slope = function.derivative(z, a)
    for order in range(2, 7):
        assert torch.isfinite(function.higher(z, a, slope, order)).all()


# Multi-indices


@pytest.mark.parametrize(("order", "bell"), [(0, 1), (1, 1), (2, 2), (3, 5), (4, 15), (5, 52)])
def test_there_are_as_many_partitions_as_bell_numbers(order, bell):
    for index in [(0,) * order, tuple(range(order))]:
        partitions = set_partitions(index)
        assert sum(count for count, _ in partitions) == bell
        assert all(sorted(sum(blocks, ())) == list(index) for _, blocks in partitions)
        assert all(block == tuple(sorted(block)) for _, blocks in partitions for block in blocks)
    assert len(set_partitions(tuple(range(order)))) == bell


def test_parts_of_a_multi_index():
    assert sub_indices((0, 0, 1)) == {(), (0,), (1,), (0, 0), (0, 1), (0, 0, 1)}
    assert without((0, 0, 1), (0, 1)) == (0,)
    assert without((0, 1), ()) == (0, 1)


@pytest.mark.parametrize("hidden", HIDDEN[:2], ids=str)
def test_a_transform_leaves_nothing_behind(hidden):
    """What is known from inside of one transform of torch.func is not that of the next."""
    jets = NetworkJets(FullyConnected((2, *hidden, 1), "tanh"), INDICES["up to second"], SCALE)
    theta = parameters(jets)

    def total(theta):
        return jets.record(theta, POINTS).value.pow(2).sum()

    first = torch.func.hessian(total)(theta)
    assert_close(torch.func.hessian(total)(theta), first, 1e-14)
    assert_close(torch.func.jacfwd(torch.func.grad(total))(theta), first, 1e-12)
    assert np.isfinite(float(total(theta)))
