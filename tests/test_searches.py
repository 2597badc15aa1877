"""How far a step goes: constant, backtracking, grid and the trust region."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from cases import assert_close, every_problem, linear_problem, network_problem, normal, run

from skngd.losses import SquaredLoss
from skngd.models import TorchModule
from skngd.optim import MEMORIES, Objective, Past, build_method
from skngd.optim.directions import NaturalGradient
from skngd.optim.inertia import Inertia
from skngd.optim.momentum import Proposal
from skngd.optim.searches import Backtracking, Grid
from skngd.optim.trust_region import TrustRegion

SEARCHES = ["backtracking", "grid", "trust-region"]
every_search = pytest.mark.parametrize("search", SEARCHES)


def valley(bottom):
    """α ↦ an iterate whose loss is (α / bottom − 1)², and the slope at 0."""
    return lambda alpha: SimpleNamespace(loss=(alpha / bottom - 1) ** 2), -2 / bottom


def first_step(objective, theta, **options):
    return build_method(momentum=None, **options).advance(objective.at(theta), None)[0]


@every_problem
@pytest.mark.parametrize("alpha", [0.01, 1.0, 3.0])
def test_constant_step_moves_by_alpha(problem, alpha):
    objective, theta = problem()
    step = first_step(objective, theta, step_size=alpha, damping=0.1)
    (_, a), *_ = objective.at(theta).operator.rows()
    b = objective.at(theta).residual
    descent = -torch.linalg.solve(a.T @ a + 0.1 * torch.eye(len(theta)).double(), a.T @ b)
    assert step.step_size == alpha
    assert_close(step.end.theta - theta, alpha * descent, 1e-9)


@pytest.mark.parametrize("bottom", [0.6, 0.1, 1e-3, 1e-6])
def test_backtracking_halves_until_the_loss_falls_enough(bottom):
    at, slope = valley(bottom)
    alpha, end, n_trials = Backtracking().search(at, lambda: 1.0, slope)
    assert n_trials == 1 - np.log2(alpha)
    assert end.loss <= 1.0 + 1e-4 * alpha * slope
    assert alpha == 1.0 or at(2 * alpha).loss > 1.0 + 2e-4 * alpha * slope


def test_backtracking_starts_from_twice_the_last_length():
    search, (at, slope) = Backtracking(), valley(1e-3)
    first, _, _ = search.search(at, lambda: 1.0, slope)
    again, _, n_trials = search.search(at, lambda: 1.0, slope)
    assert (again, n_trials) == (first, 2)
    resumed = Backtracking()
    resumed.restore(search.state())
    assert resumed.search(at, lambda: 1.0, slope)[2] == 2


def test_backtracking_finds_nothing_on_a_plateau():
    at, _ = valley(0.5)
    assert Backtracking().search(at, lambda: 1.0, 0.0) is None
    assert Backtracking().search(lambda alpha: SimpleNamespace(loss=1.0), lambda: 1.0, -1.0) is None


def test_backtracking_without_a_largest_length_ends():
    # What optimizer="gd" uses: a gradient has no natural length.
    at, slope = valley(100.0)
    trials = []

    def counted(alpha):
        trials.append(alpha)
        assert len(trials) < 100, f"step lengths {trials[:3]}, ..."
        return at(alpha)

    alpha, end, _ = Backtracking(largest=float("inf")).search(counted, lambda: 1.0, slope)
    assert end.loss < 1.0
    assert alpha > 0.0


def test_grid_takes_the_best_of_its_lengths():
    objective, theta = network_problem()
    step = first_step(objective, theta, step_size="grid")
    losses = [objective.at(theta + alpha * step.direction).loss for alpha in Grid().alphas]
    assert step.n_trials == len(losses) == 31
    assert step.step_size == Grid().alphas[int(np.nanargmin(losses))]
    assert step.end.loss == pytest.approx(np.nanmin(losses), rel=1e-12)


def test_grid_refuses_where_every_length_raises_the_loss():
    at, slope = valley(0.5)
    assert Grid().search(at, lambda: 0.0, slope) is None


MOMENTA = [None, "heavy-ball", "nesterov", "spring"]


@every_search
@pytest.mark.parametrize("momentum", MOMENTA)
@every_problem
def test_searches_lower_the_loss_with_the_restart_by_loss(search, momentum, problem):
    objective, theta = problem()
    method = build_method(momentum=momentum, beta=0.9, restart="loss", step_size=search)
    losses = run(method, objective, theta, 10).history["loss"]
    assert np.all(np.diff(losses) <= 0)
    assert losses[-1] < losses[0]


# Trust region


@pytest.mark.parametrize("restart", ["loss", "gradient", None])
@pytest.mark.parametrize("momentum", MOMENTA)
def test_trust_region_never_raises_the_loss(momentum, restart):
    if momentum == "nesterov" and restart != "loss":
        pytest.skip("compares with the extrapolated point, which may lie higher")
    objective, theta = network_problem()
    method = build_method(momentum=momentum, beta=0.9, restart=restart, step_size="trust-region")
    assert np.all(np.diff(run(method, objective, theta, 30).history["loss"]) <= 0)


def test_trust_region_lowers_the_damping_where_the_linear_model_is_right():
    objective, theta = linear_problem(noise=1.0)
    method = build_method(momentum=None, step_size="trust-region", damping=1.0)
    damping = run(method, objective, theta, 5).history["damping"]
    assert_close(damping[1:], 0.4 ** np.arange(5.0), 1e-12)


def test_trust_region_raises_the_damping_until_the_loss_falls():
    objective, theta = network_problem()
    here = objective.at(theta)
    method = build_method(momentum=None, step_size="trust-region", damping=1e-8)
    step, _ = method.advance(here, None)
    assert step.n_trials > 1
    assert step.end.loss < here.loss
    # Twice, then four times, then eight times as much: 2, 2³, 2⁶, 2¹⁰, …
    n = step.n_trials - 1
    assert step.damping == pytest.approx(1e-8 * 2 ** (n * (n + 1) // 2), rel=1e-12)


@pytest.mark.parametrize("optimizer", ["ngd", "newton"])
@pytest.mark.parametrize("damping", ["auto", 0.0, 1e-30, 1e3])
def test_trust_region_finds_its_way_from_any_first_damping(optimizer, damping):
    objective, theta = network_problem()
    method = build_method(optimizer, momentum=None, damping=damping, step_size="trust-region")
    losses = run(method, objective, theta, 60).history["loss"]
    assert np.all(np.diff(losses) <= 0)
    assert losses[-1] < 1e-2 * losses[0]


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_trust_region_makes_the_better_of_the_steps_with_and_without_momentum(memory, sign):
    objective, theta = network_problem()
    here, p = objective.at(theta), sign * 0.1 * normal(len(theta), seed=7)
    past = Past(objective.at(theta - p), p, p)
    options = {"step_size": "trust-region", "damping": 1.0}
    without, _ = build_method(**options, momentum=None).advance(here, past)
    step, _ = build_method(**options, memory=memory).advance(here, past)
    # Equal steps differ by rounding: the projections are of one column and of two.
    assert step.end.loss <= without.end.loss * (1 + 1e-12)
    gains = step.end.loss < without.end.loss * (1 - 1e-12)
    assert (step.beta > 0) == gains


@pytest.mark.parametrize("accelerated", [True, False])
def test_trust_region_adds_the_acceleration(accelerated):
    objective, theta = network_problem()
    method = build_method(momentum=None, damping=1.0, geodesic_acceleration=accelerated)
    step, _ = method.advance(objective.at(theta), None)
    expected = step.direction
    if accelerated:
        prepared = NaturalGradient().prepare(objective.at(theta))
        expected = expected + prepared.acceleration(step.direction, 1.0)
    assert step.damping == 1.0
    assert_close(step.end.theta - theta, expected, 1e-11)


def test_trust_region_keeps_the_finite_of_two_trials():
    """With momentum the loss falls, without it the loss overflows."""
    objective, theta = linear_problem()
    here = objective.at(theta)
    prepared = NaturalGradient().prepare(here)
    descent = prepared.descent(1e-3)

    def propose(damping, beta):
        direction = descent if beta else torch.full_like(descent, torch.nan)
        return Proposal(None, direction, descent)

    step = TrustRegion(1e-3).step(here, prepared, propose, 0.5, Inertia(0.5, "loss"))
    assert step.beta == 0.5
    assert step.n_trials == 2


# Trials that overflow


class Exponential(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rate = torch.nn.Parameter(torch.tensor([0.0]))

    def forward(self, x):
        return torch.exp(self.rate * x)


def exponential_problem():
    """v = exp(θ x) from θ = 0 to θ = 7: the first full step is θ = 1096, where exp overflows."""
    x = torch.tensor([[1.0], [0.5]]).double()
    target = torch.exp(7.0 * x)
    model = TorchModule(Exponential(), 1)
    return Objective(model, SquaredLoss(target), x), torch.zeros(1).double()


def test_the_full_step_overflows():
    objective, theta = exponential_problem()
    assert not np.isfinite(first_step(objective, theta, step_size=1.0).end.loss)


@every_search
@pytest.mark.parametrize("momentum", MOMENTA)
def test_trials_that_overflow_are_refused(search, momentum):
    objective, theta = exponential_problem()
    method = build_method(momentum=momentum, step_size=search)
    result = run(method, objective, theta, 60)
    assert np.all(np.isfinite(result.history["loss"]))
    assert result.loss < 1e-3 * result.history["loss"][0]


# Geodesic acceleration


@every_problem
@pytest.mark.parametrize("damping", [0.01, 1.0])
def test_geodesic_acceleration_projects_the_second_derivative(problem, damping):
    objective, theta = problem()
    here, d = objective.at(theta), normal(len(theta), seed=7)
    acceleration = NaturalGradient().prepare(here).acceleration(d, damping)
    (_, a), *_ = here.operator.rows()
    gram = a.T @ a + damping * torch.eye(len(theta)).double()
    bend = here.operator.scaled(here.jacobian.record.directional(d, order=2))
    assert_close(acceleration, -0.5 * torch.linalg.solve(gram, a.T @ bend), 1e-9)


def test_geodesic_acceleration_makes_the_path_straight_to_third_order():
    # P_T[v(θ + t d + t² a) − v(θ) − t J d] is O(t³) with the acceleration a, O(t²) without.
    objective, theta = network_problem()
    here, d = objective.at(theta), normal(len(theta), seed=7)
    prepared = NaturalGradient("svd").prepare(here)
    (_, a), *_ = here.operator.rows()
    acceleration = prepared.acceleration(d, 0.0)

    def deviation(t, bent):
        v = objective.at(theta + t * d + bent * t**2 * acceleration).value
        off = here.operator.scaled(v - here.value - t * here.tangent(d))
        return float((a @ torch.linalg.lstsq(a, off.unsqueeze(1)).solution).norm())

    t = 1e-4
    assert np.log2(deviation(t, 0) / deviation(t / 2, 0)) == pytest.approx(2, abs=0.05)
    assert np.log2(deviation(t, 1) / deviation(t / 2, 1)) == pytest.approx(3, abs=0.05)
