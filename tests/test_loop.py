"""The one loop: what it keeps, why it stops, and that it can be continued."""

import math

import numpy as np
import pytest
import torch
from cases import (
    After,
    assert_close,
    every_momentum,
    every_problem,
    linear_problem,
    network_problem,
    run,
    trajectory,
)

from skngd.losses import SquaredLoss
from skngd.optim import Objective, Source, Stopping, build_method, minimize
from skngd.optim.source import Batches, Redrawn, epochs

# Walks past the bottom of the loss: inertia with a constant step.
OVERSHOOTING = {"momentum": "heavy-ball", "beta": 0.95, "restart": None, "step_size": 0.05}


def test_best_iterate_is_kept_although_the_last_is_worse():
    objective, theta = network_problem()
    result = run(build_method(**OVERSHOOTING, damping=1e-3), objective, theta, 40)
    losses = result.history["loss"]
    assert result.loss == min(losses) < losses[-1]
    assert objective.at(result.theta).loss == result.loss
    assert result.last.loss == losses[-1]


@pytest.mark.parametrize("optimizer", ["ngd", "newton", "gd", "adam", "lbfgs"])
def test_history_has_one_row_for_the_start_and_each_iteration(optimizer):
    objective, theta = network_problem()
    options = {"step_size": 0.01} if optimizer == "gd" else {}
    result = run(build_method(optimizer, **options), objective, theta, 5)
    assert {len(column) for column in result.history.values()} == {6}
    assert result.n_iter == 5
    assert np.all(np.diff(result.history["time"]) >= 0)
    assert result.history["loss"][0] == objective.at(theta).loss


@every_problem
@every_momentum
def test_a_run_continued_from_its_past_equals_a_longer_one(problem, momentum):
    objective, theta = problem()
    options = {**momentum, "step_size": 0.2, "restart": None, "damping": 1e-3}
    whole = trajectory(build_method(**options), objective, theta, 5)
    first = run(build_method(**options), objective, theta, 2)
    rest = trajectory(build_method(**options), objective, first.last.theta, 3, past=first.past)
    assert_close(rest, whole[2:], 1e-11)


@pytest.mark.parametrize("optimizer", ["ngd", "adam"])
def test_the_state_of_a_method_is_restored(optimizer):
    objective, theta = network_problem()
    whole = trajectory(build_method(optimizer), objective, theta, 7)
    method = build_method(optimizer)
    first = run(method, objective, theta, 4)
    resumed = build_method(optimizer)
    resumed.restore(method.state())
    rest = trajectory(resumed, objective, first.last.theta, 3, past=first.past)
    assert_close(rest, whole[4:], 1e-11)


class InTurn(Source):
    """Objectives of a list, one after the other."""

    draws = True

    def __init__(self, objectives):
        self.objectives = objectives

    def begin(self, theta):
        self.rest = iter(self.objectives)

    def draw(self, here):
        return next(self.rest)


@pytest.mark.parametrize("momentum", [None, "heavy-ball", "nesterov", "spring"])
def test_batches_are_taken_in_turn(momentum):
    objective, theta = network_problem()
    batches = [objective.subset(torch.arange(30)[k::3]) for k in range(3)]
    seen = []
    method = build_method(momentum=momentum)
    result = run(
        method,
        objective,
        theta,
        6,
        source=InTurn(2 * batches),
        monitor=lambda iterate: objective.at(iterate.theta).loss,
        watch=After(lambda iterate: seen.append(iterate.objective)),
    )
    assert seen == 2 * batches
    assert result.loss == pytest.approx(objective.at(result.theta).loss, rel=1e-12)
    assert result.loss < objective.at(theta).loss


def test_all_rows_judge_once_in_an_epoch_and_at_the_end():
    objective, theta = network_problem()
    seen = []

    def monitor(iterate):
        seen.append(objective.at(iterate.theta).loss)
        return seen[-1]

    source = Batches(objective, 10, np.random.RandomState(0))
    result = run(build_method(**OVERSHOOTING), objective, theta, 7, source=source, monitor=monitor)
    # The start, two epochs of three batches, and the last iterate.
    assert len(seen) == 4
    assert seen[-1] == objective.at(result.last.theta).loss
    assert result.loss == min(seen)


def test_each_row_comes_once_in_an_epoch():
    order = epochs(11, 3, np.random.RandomState(0))
    for _ in range(4):
        rows = np.concatenate([next(order) for _ in range(3)])
        assert len(np.unique(rows)) == 9


@pytest.mark.parametrize("begins_fresh", [False, True])
def test_points_are_drawn_again_where_the_iterations_are(begins_fresh):
    objective, theta = network_problem()
    drawn, seen = [], []

    def at(theta):
        drawn.append((theta, objective.subset(torch.arange(20))))
        return drawn[-1][1]

    source = Redrawn(at, 3, begins_fresh)
    watch = After(lambda iterate: seen.append(iterate))
    run(build_method(), objective, theta, 7, source=source, watch=watch)
    first = 0 if begins_fresh else 3
    assert len(drawn) == (3 if begins_fresh else 2)
    for number, (where, points) in enumerate(drawn):
        k = first + 3 * number
        assert where is (theta if k == 0 else seen[k - 1].theta)
        assert all(iterate.objective is points for iterate in seen[k : k + 3])
    assert all(iterate.objective is objective for iterate in seen[:first])


# Why it stops


def test_converged_by_tol():
    objective, theta = linear_problem(noise=1.0)
    method = build_method(momentum=None, step_size=1.0, rcond=1e-12)
    rules = Stopping(tol=1e-6, n_iter_no_change=4)
    stop = minimize(method, objective, theta, stop_rules=rules).stop
    assert stop.kind == "converged"
    assert "tol=1e-06 in n_iter_no_change=4 iterations" in stop.sentence


@pytest.mark.parametrize(("tol", "n_iter"), [(0.0, 9), (0.15, 7), (2.0, 4), ("auto", 9)])
def test_tol_is_measured_from_the_last_loss_that_counted(tol, n_iter):
    losses = iter([2.0, 1.0, 1.0, 0.8, 0.7, 0.69, 0.69, 0.69, 0.69, 0.69])
    rules, waited = Stopping(tol, n_iter_no_change=3), 0
    while rules.after(next(losses)) is None:
        waited += 1
    assert waited + 1 == n_iter


def test_a_small_loss_has_to_fall_faster():
    """By 10 % in each iteration: enough, but where further digits are worth little."""
    for small, ends in ((0.0, False), (1e-3, False), (1.0, True)):
        rules = Stopping(n_iter_no_change=3, small=small)
        rules.begin(0.1)
        stops = [rules.after(0.1 * 0.9**k) for k in range(1, 20)]
        assert any(stop is not None for stop in stops) == ends


def test_what_is_noise_need_not_fall_as_far():
    """By 1 % in ten iterations: no progress beside noise, but where a loss can be zero."""
    for noisy, ends in ((math.inf, False), (0.5, False), (0.01, True)):
        rules = Stopping(n_iter_no_change=10, noisy=noisy, noisy_tol=0.02)
        rules.begin(0.1)
        stops = [rules.after(0.1 * 0.999**k) for k in range(1, 40)]
        assert any(stop is not None for stop in stops) == ends


def test_zero_loss():
    objective, theta = linear_problem()
    method = build_method(momentum=None, step_size=1.0, rcond=1e-12)
    result = minimize(method, objective, theta, stop_rules=Stopping(floor=1e-24))
    assert result.n_iter == 1
    assert result.stop.kind == "converged"
    assert "zero to working precision" in result.stop.sentence


SEARCHES = ["backtracking", "grid", "trust-region"]


@pytest.mark.parametrize("search", SEARCHES)
def test_stalled_at_the_minimum(search):
    objective, theta = linear_problem(noise=1.0)
    full_step = build_method(momentum=None, step_size=1.0, rcond=1e-12)
    solution = run(full_step, objective, theta, 3).theta
    result = run(build_method(momentum=None, step_size=search), objective, solution, 100)
    assert result.n_iter < 100
    assert result.stop.kind == "converged"
    assert "no step along the proposed direction" in result.stop.sentence


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("restart", ["loss", "gradient", None])
@pytest.mark.parametrize("momentum", ["heavy-ball", "nesterov", "spring"])
def test_a_run_that_stalls_cannot_be_helped_by_the_plain_step(search, restart, momentum):
    objective, theta = network_problem()
    method = build_method(momentum=momentum, beta=0.9, restart=restart, step_size=search)
    result = run(method, objective, theta, 30)
    if result.n_iter < 30:
        plain = build_method(momentum=None, step_size=search)
        further = run(plain, objective, result.last.theta, 10)
        assert further.loss == pytest.approx(result.last.loss, rel=1e-6), result.stop.sentence


def test_out_of_iterations():
    objective, theta = network_problem()
    result = minimize(build_method(), objective, theta, max_iter=3)
    assert result.n_iter == 3
    assert result.stop.kind == "budget"
    assert "max_iter=3" in result.stop.sentence


def test_out_of_time():
    objective, theta = network_problem()
    result = minimize(build_method(), objective, theta, max_time=1e-9)
    assert result.n_iter == 1
    assert result.stop.kind == "budget"
    assert "max_time=1e-09 s" in result.stop.sentence


def test_diverged():
    objective, theta = linear_problem()
    result = run(build_method(momentum=None, step_size=1e100), objective, theta, 20)
    assert result.stop.kind == "diverged"
    assert "Try a smaller step_size" in result.stop.sentence
    assert result.history["loss"][-1] > 1e100
    assert_close(result.theta, theta, 0.0)


def test_a_callback_stops():
    objective, theta = network_problem()
    result = run(build_method(), objective, theta, 20, watch=After(lambda iterate: True))
    assert result.n_iter == 1
    assert "callback" in result.stop.sentence


def test_an_interrupt_keeps_the_best():
    objective, theta = network_problem()
    seen = []

    def interrupt(iterate):
        seen.append(iterate.loss)
        if len(seen) == 30:
            raise KeyboardInterrupt

    method = build_method(**OVERSHOOTING, damping=1e-3)
    result = run(method, objective, theta, 40, watch=After(interrupt))
    assert result.stop.kind == "interrupted"
    assert result.n_iter == 30
    assert {len(column) for column in result.history.values()} == {31}
    assert result.loss == min(result.history["loss"])
    assert objective.at(result.theta).loss == result.loss


@pytest.mark.parametrize("optimizer", ["ngd", "newton"])
def test_single_precision_stays_single(optimizer):
    objective, theta = network_problem()
    model, x, target = objective.model, objective.points, objective.loss.target
    single = Objective(model, SquaredLoss(target.float()), x.float())
    result = run(build_method(optimizer), single, theta.float(), 5)
    assert result.theta.dtype == torch.float32
    assert result.loss == pytest.approx(
        run(build_method(optimizer), objective, theta, 5).loss, 0.05
    )
