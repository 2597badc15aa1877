"""Methods beyond least squares: metrics of the loss, two metrics, H¹, weight decay."""

import numpy as np
import pytest
import torch
from cases import (
    LOSS_CASES,
    assert_close,
    every_loss,
    every_memory,
    every_pointwise_loss,
    kernel,
    linear_problem,
    network_problem,
    normal,
    run,
)
from torch.func import grad, hessian

from skngd.losses import (
    KLDivergence,
    KWeightedLoss,
    LogLikelihood,
    OnValues,
    PoissonDeviance,
    SquaredLoss,
)
from skngd.models import FullyConnected, LinearModel, NetworkJets, WithDerivatives
from skngd.optim import MEMORIES, Objective, Past, build_method
from skngd.optim.directions import Newton
from skngd.tangent import FACTORIZATIONS

every_projection = pytest.mark.parametrize("projection", FACTORIZATIONS)


def plain(alpha=1.0, **options):
    """No damping, no search: the printed step."""
    return build_method(step_size=alpha, restart=None, rcond=1e-12, **options)


def network_with(case, metric="loss", penalty=None):
    """A network of the right number of outputs for a loss on seven points."""
    loss = case.make()
    n_outputs = case.target.shape[1]
    network, x = FullyConnected((2, 4, n_outputs)), normal(7, 2, seed=5)
    theta = torch.as_tensor(network.initial(np.random.RandomState(6)))
    if isinstance(loss, KLDivergence | LogLikelihood):
        theta = 0.1 * theta
        theta[network.layout[-1][2]] = 2.0  # positive values
    return Objective(network, loss, x, metric, penalty), theta


def scalar_loss(objective):
    def value(theta):
        decay = 0.0
        if objective.penalty is not None:
            decay = 0.5 * (objective.penalty * theta * theta).sum()
        return objective.loss.value(objective.model.value(theta, objective.points)) + decay

    return value


@every_loss
@pytest.mark.parametrize("metric", ["l2", "loss"])
@pytest.mark.parametrize("decays", [False, True])
def test_the_gradient_is_that_of_the_loss(case, metric, decays):
    objective, theta = network_with(case, metric)
    if decays:
        objective.penalty = torch.linspace(0, 1, len(theta)).double()
    here = objective.at(theta)
    expected = grad(scalar_loss(objective))(theta)
    assert_close(here.loss, scalar_loss(objective)(theta), 1e-13)
    assert_close(here.gradient, expected, 1e-11)
    chunks = here.operator.chunks(here.right_side.unsqueeze(1))
    found = sum((rows.T @ b)[:, 0] for rows, b in chunks)
    assert_close(found, expected, 1e-10)  # Aᵀb
    assert_close(here.operator.adjoint(here.right_side), expected, 1e-10)


@every_loss
@pytest.mark.parametrize("decays", [False, True])
def test_newton_is_the_second_derivative(case, decays):
    objective, theta = network_with(case)
    if decays:
        objective.penalty = torch.linspace(0, 1, len(theta)).double()
    prepared = Newton().prepare(objective.at(theta))
    assert_close(prepared.hessian, hessian(scalar_loss(objective))(theta), 1e-9)


@every_loss
@pytest.mark.parametrize("decays", [False, True])
def test_products_are_those_with_the_second_derivative(case, decays, monkeypatch):
    objective, theta = network_with(case)
    if decays:
        objective.penalty = torch.linspace(0, 1, len(theta)).double()
    expected = hessian(scalar_loss(objective))(theta)
    prepared = Newton("cg").prepare(objective.at(theta), is_checked=False)
    columns = [prepared.product(column) for column in torch.eye(len(theta)).double()]
    assert_close(torch.stack(columns), expected, 1e-9)
    damping = 2 * float(torch.linalg.eigvalsh(expected).abs().max())
    damped = expected + damping * torch.eye(len(theta)).double()
    step = -torch.linalg.solve(damped, objective.at(theta).gradient)
    assert_close(prepared.descent(damping), step, 1e-6)
    if not decays:
        # In chunks.
        monkeypatch.setattr("skngd.tangent.operator.CHUNK_ELEMENTS", 3)
        objective, theta = network_with(case)
        assert len(objective.sampled.passes) > 1
        prepared = Newton("cg").prepare(objective.at(theta))
        assert_close(prepared.product(columns[0]), expected @ columns[0], 1e-9)


@every_loss
def test_chunks_change_nothing(case, monkeypatch):
    objective, theta = network_with(case)
    expected = plain(momentum=None).advance(objective.at(theta), None)[0]
    monkeypatch.setattr("skngd.tangent.operator.CHUNK_ELEMENTS", len(theta) * 3)
    objective, theta = network_with(case)
    assert len(objective.sampled.chunks) > 1
    found = plain(momentum=None).advance(objective.at(theta), None)[0]
    assert_close(found.end.theta, expected.end.theta, 1e-7)


# Not for those whose metric is not their Hessian, nor for two outputs and more.
@pytest.mark.parametrize("name", ["squared, 1 outputs", "Poisson", "logistic", "KL", "K-weighted"])
def test_newton_and_the_natural_gradient_of_the_loss_agree_for_a_linear_model(name):
    case = LOSS_CASES[name]
    if case.target.shape[1] > 1:
        case = type(case)(case.kind, case.target[:, :1], case.values[:, :1])
    x = torch.linspace(-1, 1, 7, dtype=torch.float64).unsqueeze(1)
    model = LinearModel(lambda x: torch.cat([torch.ones_like(x), x], dim=1), 2)
    objective = Objective(model, case.make(), x, "loss")
    theta = torch.tensor([1.0, 0.3]).double()
    steps = [
        build_method(kind, momentum=None, step_size=1.0, damping=0.0).advance(
            objective.at(theta), None
        )[0]
        for kind in ("ngd", "newton")
    ]
    assert_close(steps[0].end.theta, steps[1].end.theta, 1e-9)


def test_one_step_solves_a_k_weighted_problem_in_its_own_metric():
    objective, theta = linear_problem(noise=0.3)
    loss = KWeightedLoss(objective.loss.target, kernel=kernel(12))
    direct = Objective(objective.model, loss, objective.points, "loss")
    end = run(plain(momentum=None), direct, theta, 1).last
    assert float(end.gradient.abs().max()) < 1e-9
    bent = Objective(objective.model, loss, objective.points, "l2")
    assert float(run(plain(0.1, momentum=None), bent, theta, 1).last.gradient.abs().max()) > 1e-2


@every_memory
@pytest.mark.parametrize("name", ["Poisson", "cross-entropy", "KL", "logistic"])
def test_two_metrics(name, memory):
    # dθ = β (W^½J)⁺ q − α (JᵀWHJ)⁺ JᵀW g, equation (2M), by dense pseudo-inverses.
    objective, theta = network_with(LOSS_CASES[name])
    step = 0.01 * normal(len(theta), seed=7)
    past, here = Past(objective.at(theta - step), step, step), objective.at(theta)
    method = plain(0.3, momentum="heavy-ball", memory=memory, beta=0.6)
    taken, _ = method.advance(here, past)
    jacobian = here.jacobian.record.jacobian()
    root = here.objective.loss.root_weights.expand_as(here.value).reshape(-1, 1)
    q = MEMORIES[memory](past.on(objective), here, step).reshape(-1, 1)
    ((_, a),) = here.operator.rows()
    expected = 0.6 * np.linalg.pinv((root * jacobian).numpy(), rcond=1e-12) @ (root * q).numpy()
    expected = expected[:, 0] - 0.3 * np.linalg.pinv(a.numpy(), rcond=1e-12) @ here.residual.numpy()
    assert_close(taken.end.theta - theta, expected, 1e-5)


def test_the_squared_loss_has_one_metric():
    for metric in ("l2", "loss"):
        objective, _ = network_problem(metric)
        assert not objective.has_two_metrics


@every_projection
def test_decay_of_a_linear_model_is_ridge_regression(projection):
    objective, theta = linear_problem(noise=0.3)
    penalty = torch.tensor([0.0, 0.1, 0.2, 0.5]).double()
    decayed = Objective(objective.model, objective.loss, objective.points, "l2", penalty)
    method = build_method(momentum=None, step_size=1.0, damping=0.0, projection=projection)
    end = run(method, decayed, theta, 2).last
    features = objective.model.features(objective.points)
    weighted = objective.loss.weights * features
    normal_matrix = features.T @ weighted + torch.diag(penalty)
    expected = torch.linalg.solve(normal_matrix, weighted.T @ objective.loss.target)[:, 0]
    assert_close(end.theta, expected, 1e-8)


@every_projection
@pytest.mark.parametrize("variable_projection", [False, True])
def test_decay_with_every_part_of_the_default_method(projection, variable_projection):
    objective, theta = network_problem()
    penalty = torch.full_like(theta, 1e-3)
    decayed = Objective(objective.model, objective.loss, objective.points, "l2", penalty)
    method = build_method(projection=projection, variable_projection=variable_projection)
    end = run(method, decayed, theta, 40).last
    # Conjugate gradients leave a tenth of the gradient in each step.
    assert float(end.gradient.abs().max()) < (1e-3 if projection == "cg" else 1e-6)
    assert end.penalty == pytest.approx(0.5e-3 * float(end.theta @ end.theta))


def test_a_weight_decay_shrinks_the_weights():
    norms = []
    objective, theta = network_problem()
    for alpha in (1e-4, 1e-2, 1.0):
        penalty = torch.full_like(theta, alpha)
        decayed = Objective(objective.model, objective.loss, objective.points, "l2", penalty)
        norms.append(float(run(build_method(), decayed, theta, 30).theta.norm()))
    assert norms[0] > norms[1] > norms[2]


# Devices


@every_pointwise_loss
@pytest.mark.parametrize("place", ["reversed", pytest.param("cuda", marks=pytest.mark.cuda)])
def test_devices_and_the_order_of_the_rows_change_nothing(case, place):
    objective, theta = network_with(case, penalty=None)
    penalty = torch.full_like(theta, 1e-3)
    x, target = objective.points, case.target
    if place == "reversed":
        x, target, at = x.flip(0), target.flip(0), "cpu"
    else:
        x, target, at = x.to(place), target.to(place), place
    losses = [case.make(), case.make(target)]
    runs = []
    for loss, points, device in zip(losses, [objective.points, x], ["cpu", at], strict=True):
        there = Objective(objective.model, loss, points, "loss", penalty.to(device))
        runs.append(run(build_method(), there, theta.to(device), 8).history["loss"])
    assert_close(runs[1], runs[0], 1e-8)


# H¹


def sobolev_problem():
    network, x = FullyConnected((2, 5, 1)), normal(40, 2, seed=5)
    theta = torch.as_tensor(network.initial(np.random.RandomState(6)))
    target = torch.sin(x[:, :1]) * x[:, 1:]
    model = WithDerivatives(NetworkJets(network, [(), (0,), (1,)]))
    loss = OnValues(SquaredLoss(target), model.n_outputs)
    return Objective(model, loss, x), Objective(network, SquaredLoss(target), x), theta


def test_the_tangent_space_of_h1_has_rows_for_derivatives():
    in_h1, in_l2, theta = sobolev_problem()
    here, there = in_h1.at(theta), in_l2.at(theta)
    assert here.loss == pytest.approx(there.loss)
    assert_close(here.gradient, there.gradient, 1e-12)

    def gradients(theta):
        def value(x):
            return in_l2.model.value(theta, x.unsqueeze(0))[0, 0]

        return torch.func.vmap(grad(value))(in_l2.points)

    ((_, rows),) = here.operator.rows()
    ((_, plain_rows),) = there.operator.rows()
    slopes = torch.func.jacrev(gradients)(theta).reshape(-1, len(theta))
    gram = plain_rows.T @ plain_rows + slopes.T @ slopes / 40
    assert_close(rows.T @ rows, gram, 1e-12)  # ⟨f, g⟩ + ⟨∇f, ∇g⟩


def test_the_natural_gradient_of_h1_descends():
    in_h1, _, theta = sobolev_problem()
    result = run(build_method(), in_h1, theta, 30)
    assert result.loss < 1e-2 * result.history["loss"][0]


def test_a_loss_of_values_keeps_its_hessian():
    network = FullyConnected((2, 3, 1))
    model = WithDerivatives(NetworkJets(network, [(), (0,), (1,)]))
    counts = torch.arange(7.0).double().unsqueeze(1)
    loss = OnValues(PoissonDeviance(counts), model.n_outputs)
    v = normal(7, 3, seed=2)
    factor, residual = loss.row_factor(v, "loss")
    expected = loss.loss.hessian(v[:, :1]) * loss.weights
    assert_close(factor.numbers[:, :1] ** 2, expected, 1e-12)
    assert_close(factor.numbers[:, 1:] ** 2, loss.weights.expand(7, 2), 1e-12)
    assert_close(factor.adjoint(residual), loss.weights * loss.gradient(v), 1e-12)
