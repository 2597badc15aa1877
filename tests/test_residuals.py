"""The residual of a problem is a model: it equals the equations by hand, differentiated."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from cases import assert_close, normal, run
from physics import Assembled, Differentiated, differentiate
from physics_problems import PROBLEMS, SYSTEM, every_physics

from skngd.models import AutodiffJets, NetworkJets, network_jets
from skngd.optim import build_method
from skngd.pde.observe import Observe, Observed
from skngd.pde.residuals.blocks import Block, Collocation
from skngd.pde.residuals.bound import Stated
from skngd.tangent import operator

SETTINGS = {
    "1 layer": {},
    "2 layers, scaled output": {"hidden_layer_sizes": (3, 2), "output_scale": 10.0},
}
every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def by_transforms(unknowns, inner):
    """Values of unknown coefficients for numbers of the whole line."""
    for (name, unknown), z in zip(unknowns.items(), inner, strict=True):
        if unknown.low is None and unknown.high is None:
            yield name, abs(unknown.start) * z
        elif unknown.high is None:
            yield name, unknown.low + torch.exp(z)
        elif unknown.low is None:
            yield name, unknown.high - torch.exp(z)
        else:
            yield name, unknown.low + (unknown.high - unknown.low) / (1 + torch.exp(-z))


def by_hand(assembled):
    """The residuals as a function of θ, without anything of what is tested."""
    problem, n_network = assembled.problem, assembled.network.n_parameters

    def residuals(theta):
        fields = []
        for number in range(len(problem.fields)):
            v = assembled.network_value(theta, number)
            v = problem.ansatz(v) if hasattr(problem, "ansatz") else v
            fields.append(lambda x, *index, v=v: differentiate(v, x, index))
        coefficients = dict(by_transforms(problem.unknowns, theta[n_network:]))
        return torch.cat(list(problem.by_hand(fields, coefficients, assembled.places)))

    return residuals


@every_physics
@every_setting
def test_residuals_and_their_derivatives(problem, setting):
    assembled = Assembled(problem, **setting)
    theta = assembled.theta + 0.1 * assembled.direction(5)
    truth = Differentiated(by_hand(assembled), theta)
    record = assembled.model.record(theta, assembled.collocation)
    assert record.value.shape == (len(assembled.collocation), 1)
    assert_close(record.value[:, 0], truth.value, 1e-10)
    jacobian = truth.jacobian()
    assert_close(record.jacobian(), jacobian, 1e-10)
    scale = 1 + normal(*record.value.shape) ** 2
    assert_close(record.jacobian(scale), scale * jacobian, 1e-10)
    assert_close(record.jacobian(scale.unsqueeze(2)), scale * jacobian, 1e-10)
    last = jacobian[:, assembled.output_parameters]
    assert_close(record.output_jacobian(), last, 1e-10)
    assert_close(record.output_jacobian(scale), scale * last, 1e-10)
    cotangent = normal(*record.value.shape, seed=3)
    assert_close(record.gradient(cotangent), jacobian.T @ cotangent[:, 0], 1e-10)
    for seed, order in [(1, 1), (2, 2), (2, 1), (3, 2)]:
        dtheta = assembled.direction(seed)
        expected = truth.directional(dtheta, order)
        assert_close(record.directional(dtheta, order)[:, 0], expected, 1e-10)
    # A direction leaves no trace.
    assert_close(record.jacobian(), jacobian, 1e-10)


@every_physics
def test_derivatives_do_not_need_torch_to_record(problem):
    assembled = Assembled(problem)
    dtheta = assembled.direction()

    def everything():
        record = assembled.model.record(assembled.theta, assembled.collocation)
        cotangent = torch.ones_like(record.value)
        found = [record.value, record.jacobian(), record.gradient(cotangent)]
        return found + [record.directional(dtheta, order) for order in (1, 2)]

    expected = everything()
    with torch.no_grad():
        found = everything()
    for one, other in zip(expected, found, strict=True):
        assert not one.requires_grad
        assert_close(other, one, 1e-14)


@pytest.mark.parametrize(
    ("problem", "jets"),
    [*((problem, NetworkJets) for problem in PROBLEMS.values()), (SYSTEM, AutodiffJets)],
    ids=[*PROBLEMS, "by automatic differentiation"],
)
def test_a_record_with_another_last_layer_is_that_of_its_parameters(problem, jets):
    assembled = Assembled(problem, n_points=3, output_scale=10.0, jets=jets)
    place, dtheta = assembled.output_parameters, assembled.direction()
    other = assembled.theta.clone()
    other[place] += dtheta[place]
    start = assembled.objective().at(assembled.theta)
    start.jacobian.record.jacobian()
    found, expected = start.with_output(other), start.objective.at(other)
    assert_close(found.loss, expected.loss, 1e-13)
    assert_close(found.jacobian.record.value, expected.jacobian.record.value, 1e-13)
    assert_close(found.gradient, expected.gradient, 1e-12)
    assert_close(found.jacobian.record.jacobian(), expected.jacobian.record.jacobian(), 1e-12)
    assert_close(found.bend(dtheta), expected.bend(dtheta), 1e-12)


@every_physics
def test_curvature_is_the_contracted_second_derivative(problem):
    assembled = Assembled(problem, n_points=3, output_scale=10.0)
    theta, cotangent = assembled.theta, normal(len(assembled.collocation), 1)
    curvature = assembled.model.curvature(theta, assembled.collocation, cotangent)
    record = assembled.model.record(theta, assembled.collocation)
    assert_close(curvature, curvature.T, 1e-10)
    product = assembled.model.curvature_product(theta, assembled.collocation, cotangent)
    for seed in (1, 2):
        dtheta = assembled.direction(seed)
        second = record.directional(dtheta, order=2)
        assert_close(dtheta @ curvature @ dtheta, (second * cotangent).sum(), 1e-9)
        assert_close(product(dtheta), curvature @ dtheta, 1e-9)


@pytest.mark.parametrize("name", ["affine", "hard values in time"])
def test_models_without_closed_formulas_have_the_same_residuals(name):
    closed, automatic = (
        Assembled(PROBLEMS[name], n_points=4, **jets) for jets in ({}, {"jets": AutodiffJets})
    )
    records = [a.model.record(a.theta, a.collocation) for a in (closed, automatic)]
    assert_close(records[0].value, records[1].value, 1e-10)
    assert_close(records[0].jacobian(), records[1].jacobian(), 1e-10)


def test_theta_is_internal_and_back():
    assembled = Assembled(PROBLEMS["parametric"], output_scale=7.0)
    model, network = assembled.model, normal(assembled.network.n_parameters)
    theta = model.internal(network, [0.3])
    assert_close(model.network(theta), network, 1e-14)
    assert float(theta[-1]) == 0.3
    assert_close(
        network[assembled.output_parameters], 7 * theta[assembled.output_parameters], 1e-14
    )


@pytest.mark.parametrize("first", [0, 7])
def test_units_of_parameters_scale_columns(first):
    """One unit is another one; the residual of the same network is the same."""
    assembled, scaled = (Assembled(SYSTEM, hidden_layer_sizes=(3, 2)) for _ in range(2))
    model, n = scaled.model, scaled.network.n_parameters
    units = np.ones(n)
    units[first:] = np.random.RandomState(0).uniform(0.2, 3.0, n - first)
    model.count_in(5.0, units)
    assert model.scaled.start == first
    scale = torch.ones(model.n_parameters, dtype=torch.float64)
    scale[:n] = torch.tensor(units)
    scale[assembled.output_parameters] = 5.0
    before = assembled.model.record(assembled.theta, assembled.collocation)
    after = model.record(assembled.theta / scale, scaled.collocation)
    assert_close(after.value, before.value, 1e-12)
    assert_close(after.jacobian(), before.jacobian() * scale, 1e-12)
    cotangent = normal(*after.value.shape)
    assert_close(after.gradient(cotangent), before.gradient(cotangent) * scale, 1e-12)
    step = normal(model.n_parameters)
    for order in (1, 2):
        expected = before.directional(step * scale, order)
        assert_close(after.directional(step, order), expected, 1e-11)


def test_unknowns_begin_where_they_are_told():
    assembled = Assembled(SYSTEM)
    starts = [unknown.start for unknown in assembled.problem.unknowns.values()]
    assert_close(assembled.model.unknowns(assembled.theta), starts, 1e-14)


@pytest.mark.parametrize("unknown", SYSTEM.unknowns.values(), ids=repr)
def test_transforms_keep_the_bounds_and_know_their_derivatives(unknown):
    transform = unknown.transform()
    z = torch.linspace(-20, 20, 41, dtype=torch.float64)
    values = transform.derivative(z, 0)
    assert unknown.low is None or float(values.min()) >= unknown.low
    assert unknown.high is None or float(values.max()) <= unknown.high
    for order in (1, 2):
        expected = differentiate(
            lambda z: transform.derivative(z[:, 0], 0), z.unsqueeze(1), (0,) * order
        )
        assert_close(transform.derivative(z, order), expected.detach(), 1e-12)


# Rows and chunks of rows


@every_physics
def test_rows_of_a_collocation(problem):
    assembled = Assembled(problem)
    collocation, model, theta = assembled.collocation, assembled.model, assembled.theta
    whole, n = model.record(theta, collocation), len(collocation)
    jacobian, weights = whole.jacobian(), collocation.weights()
    dtheta, cotangent = assembled.direction(), normal(n, 1)
    second = whole.directional(dtheta, 2)
    assert [len(weights)] == [n]
    for rows in [slice(0, n), slice(3, 4), slice(2, n - 2), slice(n - 5, n + 9), slice(None, 8)]:
        part = collocation[rows]
        record = model.record(theta, part)
        assert len(part) == len(record.value) == len(weights[rows])
        assert torch.equal(part.weights(), weights[rows])
        assert_close(record.value, whole.value[rows], 1e-13)
        assert_close(record.jacobian(), jacobian[rows], 1e-13)
        assert_close(record.directional(dtheta, 2), second[rows], 1e-12)
        gradient = jacobian[rows].T @ cotangent[rows, 0]
        assert_close(record.gradient(cotangent[rows]), gradient, 1e-12)
    nested = collocation[2 : n - 2][1:3]
    assert_close(model.record(theta, nested).value, whole.value[3:5], 1e-13)


def gram(iterate):
    return sum(rows.T @ rows for _, rows in iterate.operator.rows())


@every_physics
def test_chunks_give_what_one_chunk_gives(problem, monkeypatch):
    assembled, n_rows = Assembled(problem, output_scale=3.0), 5
    whole = assembled.objective().at(assembled.theta)
    monkeypatch.setattr(operator, "CHUNK_ELEMENTS", n_rows * assembled.model.n_parameters)
    chunked = assembled.objective().at(assembled.theta)
    assert len(chunked.objective.sampled.chunks) == -(-len(assembled.collocation) // n_rows)
    dtheta = assembled.direction()
    assert_close(chunked.loss, whole.loss, 1e-13)
    assert_close(gram(chunked), gram(whole), 1e-12)
    assert_close(chunked.gradient, whole.gradient, 1e-12)
    assert_close(chunked.bend(dtheta), whole.bend(dtheta), 1e-12)
    steps = [
        run(build_method(variable_projection=True), iterate.objective, iterate.theta, 2)
        for iterate in (chunked, whole)
    ]
    assert_close(steps[0].theta, steps[1].theta, 1e-6)
    assert steps[0].loss < whole.loss


@pytest.mark.parametrize("name", ["affine", "affine, hard values", "parametric"])
def test_the_affine_form_agrees_with_the_operator(name):
    assembled = Assembled(PROBLEMS[name])
    blocks = assembled.collocation.blocks
    assert any(block.affine is not None for block in blocks)
    plain = Collocation([Block(b.name, b.sites, b.operator, b.row_weights) for b in blocks])
    one, two = (assembled.model.record(assembled.theta, c) for c in (assembled.collocation, plain))
    assert_close(one.value, two.value, 1e-12)
    assert_close(one.jacobian(), two.jacobian(), 1e-12)
    for order in (1, 2):
        dtheta = assembled.direction()
        assert_close(one.directional(dtheta, order), two.directional(dtheta, order), 1e-12)


# Blocks that share a pass


def answers(assembled):
    """Everything that a record can be asked for."""
    record = assembled.model.record(assembled.theta, Collocation(assembled.collocation.blocks))
    scale, dtheta = 1 + normal(*record.value.shape) ** 2, assembled.direction()
    other = assembled.theta.clone()
    other[assembled.output_parameters] += dtheta[assembled.output_parameters]
    found = [record.value, record.jacobian(scale), record.gradient(scale)]
    found += [record.output_jacobian(scale), record.with_output(other).value]
    return found + [record.directional(dtheta, order) for order in (1, 2)]


@every_physics
@every_setting
def test_shared_passes_change_nothing(problem, setting, monkeypatch):
    assembled = Assembled(problem, **setting)
    for largest in (0, 2**40):
        monkeypatch.setattr(network_jets, "LARGEST_EXCESS", largest)
        collocation = Collocation(assembled.collocation.blocks)
        rows = [rows for _, rows in collocation.joined]
        assert [rows[0].start, rows[-1].stop] == [0, len(collocation)]
        assert all(one.stop == other.start for one, other in pairwise(rows))
        simple = [b.n_equations == len(b.sites) == 1 for b in collocation.blocks]
        if largest and any(a and b for a, b in pairwise(simple)):
            assert len(rows) < len(simple)
        if largest == 0:
            expected = answers(assembled)
    for one, other in zip(answers(assembled), expected, strict=True):
        assert_close(one, other, 1e-12)


def test_a_pass_is_shared_where_that_costs_little():
    problem = PROBLEMS["affine"]
    small, large = (Assembled(problem, n_points=n) for n in (7, 40000))
    assert len(small.collocation.joined) == 1
    assert len(large.collocation.joined) > 1
    assert len(Assembled(problem, jets=AutodiffJets).collocation.joined) > 1


@every_physics
def test_an_operator_is_evaluated_once(problem):
    assembled = Assembled(problem)
    blocks, calls = assembled.collocation.blocks, []
    for block in blocks:
        operator = block.operator
        block.operator = lambda *jets, operator=operator: calls.append(1) or operator(*jets)
    record = assembled.model.record(assembled.theta, assembled.collocation)
    record.jacobian()
    record.output_jacobian()
    record.directional(assembled.direction(), 2)
    assert len(calls) == sum(block.affine is None for block in blocks)


# What else


def test_equations_of_a_system_share_one_jet():
    assembled = Assembled(SYSTEM)
    interior = assembled.collocation.blocks[0]
    assert interior.n_equations == 2
    assert len(interior.sites) == 1
    periodic = next(b for b in assembled.collocation.blocks if b.name == "periodic x u")
    assert periodic.n_equations == len(periodic.sites) == 2


def test_measurements_are_values_less_what_was_seen():
    assembled = Assembled(SYSTEM)
    points, y = SYSTEM.domain.sample(5, "uniform", 3), normal(5, seed=4)
    weights = np.arange(1.0, 6.0)
    block = assembled.compiler.block(
        Stated(SYSTEM, Observed(Observe("v"))),
        [points],
        weights=weights,
        target=y.numpy(),
        unknowns=assembled.model.unknowns(assembled.theta),
    )
    assert block.name == "measurements v"
    assert_close(block.row_weights[0], weights, 0)
    record = assembled.model.record(assembled.theta, Collocation([block]))
    v = assembled.network_value(assembled.theta, 1)(torch.tensor(points))
    assert_close(record.value[:, 0], v - y, 1e-12)
