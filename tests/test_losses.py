"""Every loss against automatic differentiation of its value."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from cases import (
    LOSS_CASES,
    assert_close,
    every_loss,
    every_pointwise_loss,
    every_weight,
    kernel,
    normal,
)
from torch.func import grad, hessian

from skngd.losses import (
    CrossEntropy,
    HuberLoss,
    KLDivergence,
    KWeightedLoss,
    LogisticLoss,
    LogLikelihood,
    PoissonDeviance,
    RitzEnergy,
)
from skngd.models import FullyConnected, Record
from skngd.tangent import project

# What stands for the Hessian in their metric is not the Hessian.
OWN_METRIC = ("Huber, 1 outputs", "Huber, 2 outputs", "distorted")


class Values(Record):
    """The model whose parameters are its values: J is the identity."""

    def __init__(self, value):
        self.value = value

    def plain_jacobian(self):
        return torch.eye(self.value.numel(), dtype=self.value.dtype)

    def directional(self, dtheta, order=1):
        return dtheta.view_as(self.value) if order == 1 else torch.zeros_like(self.value)


class Linear(Values):
    """The model v = J θ."""

    def __init__(self, jacobian, value):
        super().__init__(value)
        self.plain_jacobian = lambda: jacobian


def matrix(factor, v):
    """C as a matrix."""
    return factor.rows(Values(v), slice(None))


@every_loss
@every_weight
def test_gradient_is_the_derivative_in_the_weighted_inner_product(case, weights):
    loss, v = case.make(weights=weights), case.values
    assert_close(loss.weights * loss.gradient(v), grad(loss.value)(v), 1e-12)


@every_loss
@every_weight
def test_second_variation_is_the_second_derivative(case, weights):
    loss, v = case.make(weights=weights), case.values
    n = v.numel()
    expected = hessian(loss.value)(v).reshape(n, n)
    jacobian = normal(n, 5, seed=3)
    found = loss.second_variation(v, jacobian)
    assert_close(found, jacobian.T @ expected @ jacobian, 1e-12)


@every_loss
@every_weight
@pytest.mark.parametrize("metric", ["l2", "loss"])
def test_row_factor_factorises_the_metric_and_the_gradient(case, weights, metric):
    loss, v = case.make(weights=weights), case.values
    factor, residual = loss.row_factor(v, metric)
    rows = matrix(factor, v)
    weighted = loss.weights * loss.gradient(v)
    assert_close(factor.adjoint(residual), weighted, 1e-12)  # Cᵀb = W g
    assert_close(rows.T @ residual, weighted.reshape(-1), 1e-12)
    f = normal(*v.shape, seed=4)
    assert_close(factor.apply(f), rows @ f.reshape(-1), 1e-13)
    if metric == "l2":
        expected = torch.diag(loss.weights.expand_as(v).reshape(-1))  # CᵀC = W
        assert_close(rows.T @ rows, expected, 1e-13)


@pytest.mark.parametrize("name", [name for name in LOSS_CASES if name not in OWN_METRIC])
@every_weight
def test_the_metric_of_the_loss_is_its_hessian(name, weights):
    case = LOSS_CASES[name]
    loss, v = case.make(weights=weights), case.values
    rows = matrix(loss.row_factor(v, "loss")[0], v)
    n = v.numel()
    assert_close(rows.T @ rows, hessian(loss.value)(v).reshape(n, n), 1e-12)  # CᵀC = W H


def test_the_metric_of_huber_is_its_weight():
    target, v = normal(7, 1, seed=1), 2 * normal(7, 1, seed=2)
    loss = HuberLoss(target, delta=0.8)
    rows = matrix(loss.row_factor(v, "loss")[0], v)
    weight = loss.weights * loss.gradient(v) / (v - target)  # ψ(r) / r
    assert_close(rows.T @ rows, torch.diag(weight[:, 0]), 1e-13)


def test_the_metric_of_the_distorted_loss_is_that_of_gauss_and_newton():
    case = LOSS_CASES["distorted"]
    loss, v = case.make(), case.values
    rows = matrix(loss.row_factor(v, "loss")[0], v)
    slope = torch.func.jacrev(loss.distortion)(v[:, 0])
    assert_close(rows.T @ rows, slope.T @ loss.kernel @ slope, 1e-12)


@every_loss
def test_weights_are_a_probability(case):
    weights = torch.arange(1.0, 8.0).double()
    loss, scaled = case.make(weights=weights), case.make(weights=3.0 * weights)
    assert_close(loss.weights.sum(), 1.0, 1e-14)
    assert_close(scaled.value(case.values), loss.value(case.values), 1e-14)


@every_pointwise_loss
def test_a_weight_of_two_equals_two_rows(case):
    weights = torch.ones(len(case.target)).double()
    weights[0] = 2.0
    repeated = torch.tensor([0, *range(len(case.values))])
    twice = case.make(case.target[repeated])
    once = case.make(weights=weights).value(case.values)
    assert_close(once, twice.value(case.values[repeated]), 1e-14)


@every_pointwise_loss
@every_weight
def test_at_restricts_to_some_points(case, weights):
    loss, v, index = case.make(weights=weights), case.values, torch.tensor([4, 0, 5])
    restricted, w = loss.at(index), loss.weights[index]
    assert_close(restricted.weights, w / w.sum(), 1e-14)
    assert_close(restricted.gradient(v[index]), loss.gradient(v)[index], 1e-14)


@pytest.mark.parametrize("name", ["K-weighted", "distorted"])
def test_a_loss_that_couples_its_points_has_no_part(name):
    with pytest.raises(ValueError, match="couples all points"):
        LOSS_CASES[name].make().at(torch.tensor([0]))


def test_the_likelihood_is_largest_for_the_weights_of_the_rows():
    # Among densities, Σ v = 1, −Σ w log v is least for v = w: its gradient is constant there.
    weights = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
    loss = LogLikelihood(torch.ones(3, 1, dtype=torch.float64), weights)
    gradient = loss.weights * loss.gradient(weights.unsqueeze(1))
    torch.testing.assert_close(gradient, -torch.ones_like(gradient))


@every_loss
def test_the_minimum_is_the_target(case):
    if case.kind is LogLikelihood:
        return  # it is bounded among densities only: below
    if case.kind is CrossEntropy:
        minimum = torch.log(case.target)
    elif case.kind is LogisticLoss:
        minimum = torch.logit(case.target)
    elif "Poisson" in case.kind.__name__:
        case = counts_from_one(case)
        minimum = torch.log(case.target)
    else:
        minimum = case.target
    loss = case.make()
    if isinstance(loss, RitzEnergy):
        minimum = case.target / loss.stiffness
    assert float(loss.gradient(minimum).abs().max()) < 1e-12
    for seed in range(3):
        near = minimum + 1e-2 * normal(*minimum.shape, seed=seed)
        assert float(loss.value(near)) > float(loss.value(minimum))


def counts_from_one(case):
    return type(case)(case.kind, case.target + 1.0, case.values)


def test_cross_entropy_of_two_classes_is_the_logistic_loss():
    v, p = normal(7, 1, seed=2), torch.sigmoid(normal(7, 1, seed=1))
    one = LogisticLoss(p)
    two = CrossEntropy(torch.cat([1 - p, p], dim=1))
    both = torch.cat([torch.zeros_like(v), v], dim=1)
    assert_close(two.value(both), one.value(v), 1e-13)
    assert_close(two.gradient(both)[:, 1:], one.gradient(v), 1e-13)


def test_sure_and_wrong_predictions_stay_finite():
    v = torch.tensor([[800.0, 0.0, -800.0], [0.0, 0.0, 0.0]]).double()
    loss = CrossEntropy(torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]).double())
    factor, residual = loss.row_factor(v, "loss")
    assert bool(torch.isfinite(residual).all() & torch.isfinite(factor.at(slice(None))).all())
    for kind in (LogisticLoss, PoissonDeviance):
        loss = kind(torch.tensor([[1.0], [0.0], [0.0]]).double())
        v = torch.tensor([[-900.0], [900.0], [-900.0]]).double()
        factor, residual = loss.row_factor(v, "loss")
        assert bool(torch.isfinite(residual).all() & torch.isfinite(factor.numbers).all())


def surprised(kind, p):
    """A loss on seven points, two of which have a target of probability ``p``, and its values."""
    outputs = {CrossEntropy: 3, LogisticLoss: 1, PoissonDeviance: 1}[kind]
    v = normal(7, outputs, seed=2)
    if kind is CrossEntropy:
        v[:2] = torch.tensor([np.log(p), 0.0, 0.3]).double()
        target = torch.eye(3).double()[[0, 0, 1, 2, 0, 1, 2]]
    else:
        v[:2] = np.log(p)
        target = torch.tensor([[1.0], [1.0], [0.0], [1.0], [0.0], [1.0], [0.0]]).double()
    return kind(target), v


PROBABILITIES = [1e-1, 1e-3, 1e-7, 1e-9, 1e-16, 1e-30, 1e-51, 1e-60, 1e-300]
every_surprise = pytest.mark.parametrize("p", PROBABILITIES)
every_family = pytest.mark.parametrize("kind", [CrossEntropy, LogisticLoss, PoissonDeviance])


@every_surprise
@every_family
def test_the_residual_is_exact_however_small_the_probability(kind, p):
    loss, v = surprised(kind, p)
    factor, residual = loss.row_factor(v, "loss")
    assert float(residual.abs().max()) < 1e4  # rounding errors of A are multiplied by it
    rows = factor.at(slice(None)) if kind is CrossEntropy else factor.numbers.unsqueeze(2)
    by_point = residual.view(len(v), -1)
    for i, (w, g) in enumerate(zip(loss.weights[:, 0], loss.gradient(v), strict=True)):
        # Cᵀb in exact arithmetic.
        c, b = ([Fraction(x) for x in x.reshape(-1).tolist()] for x in (rows[i], by_point[i]))
        n = len(b)
        exact = [float(sum(c[r * n + k] * b[r] for r in range(n))) for k in range(n)]
        assert_close(exact, w * g, 4e-16 * n)


@every_surprise
@every_family
@pytest.mark.parametrize("damping", [1e-2, 1e-6])
def test_all_forms_make_the_same_step_however_small_the_probability(kind, p, damping):
    loss, v = surprised(kind, p)
    factor, residual = loss.row_factor(v, "loss")
    n_parameters = 5
    # Rows of one model for all: (m c, P).
    jacobian = normal(v.numel(), n_parameters, seed=6)
    a = factor.rows(Linear(jacobian, v), slice(None))
    steps = [project(a, residual, form, damping=damping)[0] for form in ("gram", "svd", "qr")]
    expected = torch.linalg.solve(
        a.T @ a + damping * torch.eye(n_parameters).double(),
        jacobian.T @ (loss.weights * loss.gradient(v)).reshape(-1),
    )
    for step in steps:
        assert_close(step, expected, 1e-9)


def test_densities_that_are_not_positive():
    with pytest.raises(ValueError, match="positive density"):
        KLDivergence(torch.tensor([[1.0], [0.0]]))
    loss = KLDivergence(torch.tensor([[1.0], [2.0]]))
    assert float(loss.value(torch.tensor([[1.0], [-0.1]]))) == torch.inf


@pytest.mark.parametrize(
    ("matrix", "message"),
    [(kernel() + torch.triu(torch.ones(7, 7)), "symmetric"), (-kernel(), "positive semidefinite")],
    ids=["not symmetric", "negative"],
)
def test_a_kernel_that_is_no_norm(matrix, message):
    with pytest.raises(ValueError, match=message):
        KWeightedLoss(normal(7, 1), kernel=matrix)


def test_a_kernel_wants_one_output():
    with pytest.raises(ValueError, match="one output"):
        KWeightedLoss(normal(7, 2), kernel=kernel())


def test_blocks_are_rows_of_the_network():
    network, x = FullyConnected((2, 4, 3)), normal(7, 2)
    theta = normal(network.n_parameters, seed=3)
    record = network.record(theta, x)
    loss = LOSS_CASES["cross-entropy"].make()
    factor, residual = loss.row_factor(record.value, "loss")
    rows = factor.rows(record, slice(None))
    gradient = grad(lambda theta: loss.value(network.value(theta, x)))(theta)
    assert_close(rows.T @ residual, gradient, 1e-11)
    blocks = factor.at(slice(None))
    fisher = record.jacobian().T @ torch.block_diag(*(blocks.transpose(1, 2) @ blocks))
    assert_close(rows.T @ rows, fisher @ record.jacobian(), 1e-11)


@every_loss
def test_the_rows_of_the_last_layer_are_columns_of_all(case):
    network, x = FullyConnected((2, 4, case.target.shape[1])), normal(7, 2)
    record = network.record(normal(network.n_parameters, seed=3), x)
    factor, _ = case.make().row_factor(case.values, "loss")
    columns = factor.output_rows(record, slice(None))
    assert_close(columns, factor.rows(record, slice(None))[:, network.output_parameters], 1e-14)
