"""Momentum as a damped oscillator: the recursions of the guide, direction by direction."""

import numpy as np
import pytest
import torch

from skngd.losses import SquaredLoss
from skngd.models import LinearModel
from skngd.optim import Objective, Stopping, build_method, minimize

ALPHA, BETA, DAMPING, N_ITER = 0.1, 0.5, 0.3, 12
SINGULAR = torch.tensor([2.0, 0.5, 0.1], dtype=torch.float64)
# What the damping leaves of the stiffness 1 of each direction.
STIFFNESS = (SINGULAR**2 / (SINGULAR**2 + DAMPING)).numpy()


class Distances:
    """The distance from the target in each direction, from the start on."""

    def __init__(self, start):
        self.rows = [start.value[:, 0].numpy()]

    def begin(self):
        pass

    def end(self, iterate):
        self.rows.append(iterate.value[:, 0].numpy())


def followed(**settings):
    """Iterates of a linear model with A = diag(s), towards 0."""
    model = LinearModel(lambda x: x, 3)
    zero = SquaredLoss(torch.zeros((3, 1), dtype=torch.float64))
    objective = Objective(model, zero, torch.diag(SINGULAR) * 3**0.5)
    start = 1 / SINGULAR
    seen = Distances(objective.at(start))
    method = build_method(restart=None, step_size=ALPHA, **settings)
    rules = Stopping(tol=0.0, n_iter_no_change=N_ITER + 1)
    minimize(method, objective, start, max_iter=N_ITER, stop_rules=rules, watch=seen)
    return np.array(seen.rows)


def oscillator(beta, stiffness):
    """e_{k+1} − e_k = β_h (e_k − e_{k−1}) − α h e_k from rest."""
    rows = [np.full(3, 3**0.5)]
    velocity = np.zeros(3)
    for _ in range(N_ITER):
        velocity = beta * velocity - ALPHA * stiffness * rows[-1]
        rows.append(rows[-1] + velocity)
    return np.array(rows)


@pytest.mark.parametrize(
    ("settings", "beta"),
    [
        ({"momentum": "heavy-ball", "memory": "momentum"}, BETA * STIFFNESS),
        ({"momentum": "heavy-ball", "memory": "difference"}, BETA * STIFFNESS),
        ({"momentum": "heavy-ball", "momentum_space": "parameter"}, np.full(3, BETA)),
        ({"momentum": "spring"}, BETA * (1 - STIFFNESS)),
        ({"momentum": None}, np.zeros(3)),
    ],
    ids=["LM", "FD", "QN", "SPRING", "NGD"],
)
def test_a_damping_leaves_each_memory_its_own_inertia(settings, beta):
    rows = followed(beta=BETA, damping=DAMPING, **settings)
    np.testing.assert_allclose(rows, oscillator(beta, STIFFNESS), rtol=1e-9)


@pytest.mark.parametrize(
    ("momentum", "beta"),
    [
        ("heavy-ball", (1 - ALPHA**0.5) ** 2),
        ("nesterov", (1 - ALPHA**0.5) / (1 + ALPHA**0.5)),
    ],
)
def test_critical_friction_has_the_rate_one_minus_root_alpha(momentum, beta):
    rows = followed(momentum=momentum, beta=beta, damping=0.0)[:, 0]
    # A double root r: e_k / r^k is a straight line.
    k = np.arange(N_ITER + 1)
    line = rows / (1 - ALPHA**0.5) ** k
    np.testing.assert_allclose(np.diff(line, n=2), 0.0, atol=1e-9)


def test_short_steps_follow_the_differential_equation():
    """The heavy ball with α = h² and friction γ is within O(h) of v'' + γ v' + v = 0."""
    gamma, errors = 1.0, []
    frequency = (1 - gamma**2 / 4) ** 0.5
    for h in (0.1, 0.05):
        beta, n = 1 - gamma * h, round(3 / h)
        e, velocity = 1.0, 0.0
        for _ in range(n):
            velocity = beta * velocity - h**2 * e
            e += velocity
        turned = np.cos(frequency * 3) + gamma / (2 * frequency) * np.sin(frequency * 3)
        errors.append(abs(e - np.exp(-gamma * 3 / 2) * turned))
    assert errors[1] < 0.6 * errors[0] < 0.1
