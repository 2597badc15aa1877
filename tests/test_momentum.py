"""Momentum and its memories: (HB), (NAG), (LM), (FD), (LG), (QN) and (SPRING)."""

import numpy as np
import pytest
import torch
from cases import (
    assert_close,
    errors,
    every_memory,
    every_momentum,
    every_problem,
    linear_problem,
    network_problem,
    normal,
    run,
    spelled,
    trajectory,
)
from torch.func import jvp

from skngd.losses import SquaredLoss
from skngd.optim import MEMORIES, Objective, Past, build_method


def constant_step(alpha=0.3, **options):
    """Inertia left alone, so that the iterates follow the printed recurrence."""
    return build_method(step_size=alpha, restart=None, **options)


@every_problem
@every_momentum
def test_without_beta_every_momentum_is_the_natural_gradient(problem, momentum):
    objective, theta = problem()
    plain = trajectory(constant_step(momentum=None, damping=1e-3), objective, theta, 10)
    method = constant_step(**momentum, beta=0.0, damping=1e-3)
    assert_close(trajectory(method, objective, theta, 10), plain, 1e-12)


# For a linear model with full column rank, P_T is the identity on the errors e_k = v_k − u of a
# solvable problem, and every method is a scalar recurrence.

ALPHA, BETA = 0.3, 0.6


def recurrence(first, step, n_iter):
    """e_0, e_1 = (1 − α) e_0, for there is no past yet, and e_{k+1} = step(e_k, e_{k−1})."""
    e = [first, (1 - ALPHA) * first]
    for _ in range(n_iter - 1):
        e.append(step(e[-1], e[-2]))
    return torch.stack(e)


def heavy_ball(e, before):
    return (1 - ALPHA + BETA) * e - BETA * before


def nesterov(e, before):
    return (1 - ALPHA) * ((1 + BETA) * e - BETA * before)


def heavy_ball_of_gradients(e, before):
    return (1 - ALPHA) * e + BETA * before


def nesterov_of_gradients(e, before):
    return (1 - ALPHA) * (e + BETA * before)


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (heavy_ball, {"momentum": "heavy-ball", "memory": "momentum"}),
        (heavy_ball, {"momentum": "heavy-ball", "memory": "difference"}),
        (heavy_ball, {"momentum": "heavy-ball", "momentum_space": "parameter"}),
        (heavy_ball_of_gradients, {"momentum": "heavy-ball", "memory": "gradient"}),
        (nesterov, {"momentum": "nesterov", "memory": "momentum"}),
        (nesterov, {"momentum": "nesterov", "memory": "difference"}),
        (nesterov, {"momentum": "nesterov", "momentum_space": "parameter"}),
        (nesterov_of_gradients, {"momentum": "nesterov", "memory": "gradient"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else spelled(value),
)
def test_a_linear_model_follows_the_scalar_recurrence(step, options):
    objective, theta = linear_problem()
    method = constant_step(ALPHA, **options, beta=BETA, rcond=1e-12)
    e = errors(objective, trajectory(method, objective, theta, 15))
    assert_close(e, recurrence(e[0], step, 15), 1e-11)


@pytest.mark.parametrize("momentum", ["heavy-ball", "nesterov"])
def test_the_ways_to_remember_agree_for_a_linear_model_only(momentum):
    def runs(problem, n_iter):
        objective, theta = problem
        for options in ({"memory": "difference"}, {"momentum_space": "parameter"}, {}):
            method = constant_step(momentum=momentum, **options, rcond=1e-12)
            yield trajectory(method, objective, theta, n_iter)

    difference, parameter, last_momentum = runs(linear_problem(noise=1.0), 10)
    assert_close(difference, last_momentum, 1e-11)
    assert_close(parameter, last_momentum, 1e-11)
    difference, parameter, last_momentum = runs(network_problem(), 3)
    assert float((difference - last_momentum).norm()) > 1e-3
    assert float((parameter - last_momentum).norm()) > 1e-3
    assert float((parameter - difference).norm()) > 1e-3


@pytest.mark.parametrize(
    ("beta", "converges"), [(0.6, False), (0.4, False), (0.2, True), (-0.6, True), (-0.9, True)]
)
def test_last_gradient_converges_below_alpha_and_with_the_opposite_sign(beta, converges):
    # z² = (1 − α) z + β has a root above 1 where β > α, and none outside the unit circle for
    # −1 < β < α.
    objective, theta = linear_problem()
    method = constant_step(ALPHA, momentum="heavy-ball", memory="gradient", beta=beta, rcond=1e-12)
    losses = run(method, objective, theta, 100).history["loss"]
    assert (losses[-1] < 1e-2 * losses[0]) == converges
    assert (losses[-1] > losses[0]) != converges


# Memories at new points


def another(objective):
    """The same model on other points, with another target."""
    x = normal(7, objective.points.shape[1], seed=8)
    loss = SquaredLoss(normal(7, objective.model.n_outputs, seed=9))
    return Objective(objective.model, loss, x, objective.metric)


@every_problem
@every_memory
@pytest.mark.parametrize("place", [lambda objective: objective, another], ids=["same", "new"])
def test_memories_are_functions_at_todays_points(problem, memory, place):
    yesterday, before = problem()
    step = 0.1 * normal(len(before), seed=7)
    today = place(yesterday)
    past, here = Past(yesterday.at(before), step, step), today.at(before + step)

    def value(theta):
        return today.model.value(theta, today.points)

    expected = {
        "momentum": lambda: jvp(value, (before,), (step,))[1],
        "difference": lambda: value(before + step) - value(before),
        "gradient": lambda: today.loss.gradient(value(before)),
    }[memory]()
    assert_close(MEMORIES[memory](past.on(today), here, step), expected, 1e-12)


@every_problem
@every_memory
def test_heavy_ball_projects_the_memory_at_new_points(problem, memory):
    yesterday, before = problem()
    step = 0.1 * normal(len(before), seed=7)
    past, here = Past(yesterday.at(before), step, step), another(yesterday).at(before + step)
    method = constant_step(0.3, momentum="heavy-ball", memory=memory, beta=0.6, damping=0.01)
    taken, _ = method.advance(here, past)
    (_, a), *_ = here.operator.rows()
    q = here.operator.scaled(MEMORIES[memory](past.on(here.objective), here, step))
    gram = a.T @ a + 0.01 * torch.eye(len(before)).double()
    expected = torch.linalg.solve(gram, a.T @ (0.6 * q - 0.3 * here.residual))
    assert_close(taken.end.theta - here.theta, expected, 1e-9)


# SPRING


@every_problem
@pytest.mark.parametrize("mu", [0.3, 0.9])
def test_spring_is_its_argmin(problem, mu):
    # dθ = argmin ‖A dθ + b‖² + λ ‖dθ − μ p‖², as one dense least-squares problem.
    objective, theta = problem()
    here, p, damping = objective.at(theta), normal(len(theta), seed=7), 0.01
    method = constant_step(1.0, momentum="spring", beta=mu, damping=damping)
    step, _ = method.advance(here, Past(objective.at(theta - p), p, p))
    (_, a), *_ = here.operator.rows()
    rows = np.vstack([a.numpy(), damping**0.5 * np.eye(len(p))])
    sides = np.concatenate([-here.residual.numpy(), damping**0.5 * mu * p.numpy()])
    assert_close(step.direction, np.linalg.lstsq(rows, sides)[0], 1e-9)


def test_spring_remembers_the_direction_before_its_length():
    objective, theta = network_problem()
    result = run(constant_step(0.25, momentum="spring", damping=0.01), objective, theta, 3)
    assert_close(result.past.step, 0.25 * result.past.direction, 1e-12)


def test_spring_with_full_column_rank_tends_to_the_natural_gradient():
    objective, theta = linear_problem(noise=1.0)
    plain = trajectory(constant_step(momentum=None, rcond=1e-12), objective, theta, 5)

    def distance(damping):
        method = constant_step(momentum="spring", beta=0.9, damping=damping)
        return float((trajectory(method, objective, theta, 5) - plain).norm())

    assert distance(1e-3) > 0.01
    assert distance(1e-6) == pytest.approx(1e-3 * distance(1e-3), rel=0.2)
    assert distance(1e-12) < 1e-8
