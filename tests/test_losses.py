"""Every loss against automatic differentiation of its value."""

import pytest
import torch
from cases import assert_close, every_loss, normal
from torch.func import grad, hessian


def values(loss):
    return normal(*loss.target.shape, seed=2)


@every_loss
def test_gradient_is_the_derivative_in_the_weighted_inner_product(loss):
    v = values(loss)
    assert_close(loss.weights * loss.gradient(v), grad(loss.value)(v), 1e-13)


@every_loss
def test_hessian_is_the_second_derivative_in_the_weighted_inner_product(loss):
    v = values(loss)
    n = v.numel()
    diagonal = torch.diag((loss.weights * loss.hessian(v)).reshape(-1))
    assert_close(diagonal, hessian(loss.value)(v).reshape(n, n), 1e-13)


@every_loss
@pytest.mark.parametrize("metric", ["l2", "loss"])
def test_row_factor_factorises_the_metric_and_the_gradient(loss, metric):
    v = values(loss)
    factor, residual = loss.row_factor(v, metric)
    weight = loss.weights * (loss.hessian(v) if metric == "loss" else torch.ones_like(v))
    assert_close(factor * factor, weight, 1e-13)  # CᵀC = W H
    assert_close(factor * residual, loss.weights * loss.gradient(v), 1e-13)  # Cᵀb = W g


@every_loss
def test_weights_are_a_probability(loss):
    assert_close(loss.weights.sum(), 1.0, 1e-14)
    scaled = type(loss)(loss.target, 3.0 * loss.weights[:, 0])
    assert_close(scaled.value(values(loss)), loss.value(values(loss)), 1e-14)


@every_loss
def test_a_weight_of_two_equals_two_rows(loss):
    v, weights = values(loss), torch.ones(len(loss.target)).double()
    weights[0] = 2.0
    repeated = torch.tensor([0, *range(len(v))])
    twice = type(loss)(loss.target[repeated])
    assert_close(type(loss)(loss.target, weights).value(v), twice.value(v[repeated]), 1e-14)


@every_loss
def test_at_restricts_to_some_points(loss):
    v, index = values(loss), torch.tensor([4, 0, 5])
    restricted, w = loss.at(index), loss.weights[index]
    assert_close(restricted.weights, w / w.sum(), 1e-14)
    assert_close(restricted.gradient(v[index]), loss.gradient(v)[index], 1e-14)
