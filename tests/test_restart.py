"""What the restart rules do to inertia."""

import numpy as np
import pytest
from cases import MOMENTA, every_problem, network_problem, run, spelled

from skngd.optim import Past, build_method


def overshooting(restart):
    """Much inertia with a constant step, which goes past the bottom of the loss."""
    objective, theta = network_problem()
    method = build_method(
        momentum="heavy-ball", beta=0.95, restart=restart, step_size=0.05, damping=1e-3
    )
    return objective, run(method, objective, theta, 60)


def test_inertia_left_alone_lets_the_loss_rise():
    assert np.diff(overshooting(None)[1].history["loss"]).max() > 1e-4


def test_restart_by_loss_makes_a_small_constant_step_monotone():
    history = overshooting("loss")[1].history
    assert np.diff(history["loss"]).max() <= 0
    assert {0.0, 0.95} <= set(history["beta"])


@pytest.mark.parametrize("restart", ["loss", "gradient", None])
def test_best_iterate_is_kept_under_every_rule(restart):
    objective, result = overshooting(restart)
    assert result.loss == min(result.history["loss"])
    assert objective.at(result.theta).loss == pytest.approx(result.loss, rel=1e-12)


# The last gradient points uphill by itself, whatever the last step was.
REMEMBER_A_STEP = [options for options in MOMENTA if options.get("memory") != "gradient"]


@every_problem
@pytest.mark.parametrize("momentum", REMEMBER_A_STEP, ids=spelled)
@pytest.mark.parametrize("restart", ["gradient", None])
def test_restart_by_gradient_drops_momentum_that_points_uphill(problem, momentum, restart):
    objective, theta = problem()
    gradient = objective.at(theta).gradient
    for sign in (1.0, -1.0):
        p = sign * 1e-4 * gradient
        method = build_method(**momentum, beta=0.5, restart=restart, step_size=0.1, damping=1e-3)
        step, _ = method.advance(objective.at(theta), Past(objective.at(theta - p), p, p))
        uphill = sign > 0
        assert step.beta == (0.0 if uphill and restart == "gradient" else 0.5)
