"""Directions: (GD), (NGD) and (N), each against its defining equation."""

import numpy as np
import pytest
import torch
from cases import assert_close, every_problem, linear_problem, network_problem, run, trajectory
from torch.func import grad, hessian

from skngd.optim import build_method
from skngd.optim.directions import GradientDescent, NaturalGradient, Newton
from skngd.optim.method import ProjectedMethod
from skngd.optim.momentum import NoMomentum
from skngd.optim.searches import FixedStep
from skngd.tangent import operator

every_metric = pytest.mark.parametrize("metric", ["l2", "loss"])


def loss_of(objective):
    """θ ↦ L(v_θ), for automatic differentiation."""
    return lambda theta: objective.loss.value(objective.model.value(theta, objective.points))


def one_step(direction, objective, theta):
    method = ProjectedMethod(direction, NoMomentum(), FixedStep(1.0))
    return run(method, objective, theta, 1).last.theta - theta


@every_problem
@every_metric
def test_an_iterate_holds_the_least_squares_problem(problem, metric):
    objective, theta = problem(metric)
    here = objective.at(theta)
    gradient = grad(loss_of(objective))(theta)
    (_, a), *_ = here.operator.rows()
    assert here.loss == pytest.approx(float(loss_of(objective)(theta)), rel=1e-14)
    assert_close(here.gradient, gradient, 1e-12)  # ∇_θ L
    assert_close(a.T @ here.residual, gradient, 1e-12)  # Aᵀb
    assert_close(here.operator.adjoint(here.residual), gradient, 1e-12)


@every_problem
def test_tangent_vectors_are_the_same_with_and_without_the_rows(problem):
    objective, theta = problem()
    fresh, factorised = objective.at(theta), objective.at(theta)
    list(factorised.operator.rows())
    assert_close(factorised.tangent(2 * theta + 1), fresh.tangent(2 * theta + 1), 1e-12)


@every_metric
@pytest.mark.parametrize("optimizer", ["ngd", "newton"])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_one_full_step_solves_a_linear_problem(optimizer, metric, noise):
    objective, theta = linear_problem(metric, noise)
    method = build_method(optimizer, momentum=None, step_size=1.0, rcond=1e-12)
    solution = run(method, objective, theta, 1).last.theta
    root = objective.loss.root_weights
    features = objective.model.features(objective.points)
    expected = np.linalg.lstsq(root * features, (root * objective.loss.target)[:, 0])[0]
    assert_close(solution, expected, 1e-11)


@every_problem
@pytest.mark.parametrize("projection", ["svd", "qr", "gram", "kernel"])
def test_natural_gradient_projects_the_functional_gradient(problem, projection):
    objective, theta = problem()
    step = one_step(NaturalGradient(projection, rcond=1e-3), objective, theta)
    (_, a), *_ = objective.at(theta).operator.rows()
    expected = -np.linalg.pinv(a.numpy(), rcond=1e-3) @ objective.at(theta).residual.numpy()
    assert_close(step, expected, 1e-9)


@every_problem
def test_newton_solves_with_the_hessian_of_the_loss(problem):
    objective, theta = problem()
    curvature = hessian(loss_of(objective))(theta)
    prepared = Newton().prepare(objective.at(theta))
    assert_close(prepared.hessian, curvature, 1e-12)
    expected = -torch.linalg.solve(curvature, grad(loss_of(objective))(theta))
    assert_close(one_step(Newton(), objective, theta), expected, 1e-9)


def test_newton_is_the_natural_gradient_of_the_loss_metric_for_a_linear_model_only():
    objective, theta = linear_problem("loss", noise=1.0)
    natural = one_step(NaturalGradient(), objective, theta)
    assert_close(one_step(Newton(), objective, theta), natural, 1e-11)

    objective, theta = network_problem("loss")
    natural = one_step(NaturalGradient(), objective, theta)
    assert float((one_step(Newton(), objective, theta) - natural).norm()) > 0.1


@every_problem
def test_gradient_descent_goes_down_the_gradient(problem):
    objective, theta = problem()
    assert_close(
        one_step(GradientDescent(), objective, theta), -grad(loss_of(objective))(theta), 1e-12
    )


@every_problem
@every_metric
def test_gradient_descent_preconditioned_by_the_gram_matrix_is_natural(problem, metric):
    objective, theta = problem(metric)
    (_, a), *_ = objective.at(theta).operator.rows()
    preconditioned = one_step(GradientDescent(a.T @ a), objective, theta)
    assert_close(preconditioned, one_step(NaturalGradient(), objective, theta), 1e-8)


@pytest.mark.parametrize("direction", [NaturalGradient(), Newton()], ids=["ngd", "newton"])
@pytest.mark.parametrize("damping", [0.0, 0.3])
@every_metric
def test_predicted_decrease_of_a_linear_model_is_the_true_one(direction, damping, metric):
    objective, theta = linear_problem(metric, noise=1.0)
    here = objective.at(theta)
    prepared = direction.prepare(here)
    step = prepared.descent(damping)
    decrease = here.loss - objective.at(theta + step).loss
    assert prepared.predicted_decrease(step, damping) == pytest.approx(decrease, rel=1e-11)


@every_problem
@pytest.mark.parametrize("momentum", [None, "heavy-ball", "nesterov", "spring"])
def test_chunks_of_rows_change_nothing(problem, momentum, monkeypatch):
    method = {"momentum": momentum, "step_size": 0.2, "damping": 1e-2, "restart": None}
    whole, theta = problem()
    expected = trajectory(build_method(**method), whole, theta, 5)
    monkeypatch.setattr(operator, "CHUNK_ELEMENTS", 5 * len(theta) * whole.model.n_outputs)
    chunked, _ = problem()
    assert len(chunked.sampled.chunks) > 2
    assert_close(trajectory(build_method(**method), chunked, theta, 5), expected, 1e-10)
