"""Two features with exact integrals: which method goes straight, and which leaves a minimum.

A path is straight where its iterates lie on the segment from the start to the target.
"""

from math import pi, sqrt

import numpy as np
import pytest
import torch
from cases import After, assert_close, run, trajectory

from skngd.losses import DistortedLoss, KWeightedLoss, SquaredLoss
from skngd.models import LinearModel, QuadraticModel
from skngd.optim import Objective, build_method
from skngd.optim.directions import Newton


def tensor(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


# The set-up

_nodes, _weights = np.polynomial.legendre.leggauss(20)
X = torch.as_tensor((_nodes + 1) / 2).unsqueeze(1)
WEIGHTS = torch.as_tensor(_weights / 2)


def features(x):
    """Φ = [1, √2 sin 2πx]."""
    return torch.cat([torch.ones_like(x), sqrt(2) * torch.sin(2 * pi * x)], dim=1)


PHI = features(X)
START, TARGET = tensor([-1.0, 1.0]), tensor([1.0, -0.5])
B = tensor([[1.0, 0.3], [0.0, 0.4]])
K = tensor([[2.0, 0.9], [0.9, 0.6]])


def function(coordinates):
    """Values at the nodes, shape (m, 1)."""
    return (PHI @ coordinates).unsqueeze(1)


def coordinates(values):
    """⟨φ_k, v⟩."""
    return PHI.T @ (WEIGHTS.unsqueeze(1) * values).squeeze(1)


def squared(target=TARGET):
    return SquaredLoss(function(target), WEIGHTS)


def weighted():
    rows = WEIGHTS.unsqueeze(1) * PHI
    return KWeightedLoss(function(TARGET), WEIGHTS, kernel=rows @ K @ rows.T)


OMEGA, QUARTER_TURN = 0.1, tensor([[0.0, -1.0], [1.0, 0.0]])
ASIDE = function(QUARTER_TURN @ (TARGET - START) + START)[:, 0]


def distortion(values):
    """f(v) = (1 + ω ‖v − q‖²)(v − q) + q."""
    away = values - ASIDE
    return (1 + OMEGA * (WEIGHTS * away**2).sum()) * away + ASIDE


def distorted():
    return DistortedLoss(function(TARGET), WEIGHTS, distortion=distortion)


def linear(loss, matrix=B, metric="l2"):
    """The model v = θᵀBΦ, and the parameters of the start."""
    model = LinearModel(lambda x: features(x) @ matrix.T, 2)
    return Objective(model, loss, X, metric), torch.linalg.solve(matrix.T, START)


def method(optimizer="ngd", alpha=0.3, **options):
    options = {"momentum": None, "restart": None, "damping": 0.0, **options}
    return build_method(optimizer, step_size=alpha, **options)


def path(objective, thetas, of_values=lambda values: values):
    """The iterates in function space, as coordinates in Φ."""
    values = [of_values(objective.at(theta).value) for theta in thetas]
    return torch.stack([coordinates(value) for value in values])


def deviation(points, end):
    """Largest distance of the points from the segment to ``end``, over its length."""
    way = end - points[0]
    along = ((points - points[0]) @ way / (way @ way)).clamp(0, 1)
    feet = points[0] + along.unsqueeze(1) * way
    return float((points - feet).norm(dim=1).max() / way.norm())


def test_the_features_are_orthonormal():
    assert_close(PHI.T @ (WEIGHTS.unsqueeze(1) * PHI), torch.eye(2), 1e-14)


# Linear models: straight and bent

STRAIGHT, BENT = 1e-13, 0.2


def test_gradient_descent_goes_straight_in_an_orthonormal_basis():
    objective, theta = linear(squared(), torch.eye(2).double())
    thetas = trajectory(method("gd"), objective, theta, 40)
    assert deviation(thetas, TARGET) < STRAIGHT
    assert deviation(path(objective, thetas), TARGET) < STRAIGHT
    assert_close(thetas[-1], TARGET, 1e-5)


def test_gradient_descent_is_bent_in_another_basis_and_the_natural_gradient_is_not():
    objective, theta = linear(squared())
    descent, natural = (
        path(objective, trajectory(method(name), objective, theta, 40)) for name in ("gd", "ngd")
    )
    assert deviation(descent, TARGET) > BENT
    assert deviation(natural, TARGET) < STRAIGHT


def test_the_natural_path_does_not_depend_on_the_basis():
    paths = []
    for matrix in (torch.eye(2).double(), B, 100 * B.flip(0)):
        objective, theta = linear(squared(), matrix)
        paths.append(path(objective, trajectory(method(), objective, theta, 10)))
    assert_close(paths[1], paths[0], 1e-12)
    assert_close(paths[2], paths[0], 1e-12)


@pytest.mark.parametrize(
    ("metric", "optimizer", "is_straight"),
    [
        ("l2", "gd", False),
        ("l2", "ngd", False),
        ("loss", "ngd", True),
        ("l2", "newton", True),
    ],
)
def test_a_weighted_loss_bends_all_paths_but_those_of_its_own_metric(
    metric, optimizer, is_straight
):
    objective, theta = linear(weighted(), metric=metric)
    thetas = trajectory(method(optimizer), objective, theta, 40)
    bend = deviation(path(objective, thetas), TARGET)
    assert bend < STRAIGHT if is_straight else bend > BENT


@pytest.mark.parametrize("loss", [squared, weighted])
@pytest.mark.parametrize(
    ("optimizer", "metric"), [("ngd", "loss"), ("newton", "l2"), ("newton", "loss")]
)
def test_one_full_step_solves_a_quadratic_loss(loss, optimizer, metric):
    objective, theta = linear(loss(), metric=metric)
    thetas = trajectory(method(optimizer, alpha=1.0), objective, theta, 1)
    assert_close(path(objective, thetas)[-1], TARGET, 1e-13)


def test_one_full_step_in_the_l2_metric_does_not_solve_a_weighted_loss():
    objective, theta = linear(weighted())
    thetas = trajectory(method(alpha=1.0), objective, theta, 1)
    assert float((path(objective, thetas)[-1] - TARGET).norm()) > 0.5


@pytest.mark.parametrize("loss", [squared, weighted])
def test_newton_is_the_natural_gradient_in_the_metric_of_the_loss(loss):
    objective, theta = linear(loss(), metric="loss")
    natural = trajectory(method(), objective, theta, 20)
    assert_close(trajectory(method("newton"), objective, theta, 20), natural, 1e-13)


# A quadratic manifold

QUADRATIC = torch.zeros(2, 2, 2).double()
QUADRATIC[1, 1, 0], QUADRATIC[0, 0, 1] = 0.6, 0.8
SOLUTION, BEGIN = tensor([1.0, -0.5]), tensor([-1.0, 1.0])


def quadratic():
    model = QuadraticModel(features, torch.eye(2).double(), QUADRATIC)
    target = model.coordinates(SOLUTION)
    return Objective(model, squared(target), X), target


def test_newton_bends_on_a_quadratic_manifold_and_the_natural_gradient_does_not():
    objective, target = quadratic()

    def bend(optimizer, alpha):
        thetas = trajectory(method(optimizer, alpha), objective, BEGIN, round(8 / alpha))
        assert objective.at(thetas[-1]).loss < 1e-5
        return deviation(path(objective, thetas), target)

    natural, newton = bend("ngd", 0.2), bend("newton", 0.2)
    assert natural < 0.05
    assert newton > BENT
    # Straight up to the length of the steps, and bent however short they are.
    assert bend("ngd", 0.1) < 0.6 * natural
    assert bend("newton", 0.1) > 0.9 * newton


def test_newton_and_the_natural_gradient_agree_at_the_solution_only():
    objective, _ = quadratic()

    def difference(distance):
        theta = SOLUTION + distance * (BEGIN - SOLUTION)
        steps = [
            trajectory(method(name, alpha=1.0), objective, theta, 1)[1] - theta
            for name in ("ngd", "newton")
        ]
        return float((steps[1] - steps[0]).norm() / steps[0].norm())

    assert difference(1.0) > 0.5
    assert difference(1e-3) == pytest.approx(10 * difference(1e-4), rel=0.05)
    assert difference(1e-6) < 1e-5


def test_undamped_newton_goes_to_a_saddle_point_where_the_natural_gradient_does_not():
    objective, _ = quadratic()
    natural, newton = (
        objective.at(trajectory(method(name), objective, tensor([-1.0, 0.4]), 40)[-1])
        for name in ("ngd", "newton")
    )
    assert natural.loss < 1e-9
    assert newton.loss > 1.0
    assert float(newton.gradient.norm()) < 1e-4
    lowest, highest = torch.linalg.eigvalsh(Newton().prepare(newton).hessian)
    assert lowest < 0 < highest
    # By products it ends where the curvature is negative, and goes downhill.
    by_products = build_method("newton", momentum=None, projection="cg", damping=1e-3)
    found = trajectory(by_products, objective, tensor([-1.0, 0.4]), 40)[-1]
    assert objective.at(found).loss < 1e-9


# A curve with a local minimum: θ b + θ² b⊥ with b = (0.18, 0), b⊥ = (0, 1) and the target at 0.3

ALPHA, BETA, N_ITER = 0.2, 0.75, 64
LOCAL_MINIMUM = (-0.3 - sqrt(0.3**2 - 2 * 0.18**2)) / 2
LOCAL_MAXIMUM = (-0.3 + sqrt(0.3**2 - 2 * 0.18**2)) / 2
ESCAPES = [
    {"momentum": "heavy-ball", "memory": "momentum"},
    {"momentum": "heavy-ball", "memory": "difference"},
    {"momentum": "nesterov", "memory": "momentum"},
    {"momentum": "nesterov", "memory": "difference"},
]

every_escape = pytest.mark.parametrize("momentum", ESCAPES, ids=lambda m: "-".join(m.values()))
each_last_gradient = pytest.mark.parametrize("momentum", ["heavy-ball", "nesterov"])


def curve():
    model = QuadraticModel(features, tensor([[0.18, 0.0]]), tensor([[[0.0, 2.0]]]))
    return Objective(model, squared(model.coordinates(tensor([0.3]))), X)


def walk(**options):
    """The parameter and the loss of each iterate, from θ = −0.7."""
    options = {"beta": BETA, **options}
    iterates = []
    watch = After(iterates.append)
    run(method(alpha=ALPHA, **options), curve(), tensor([-0.7]), N_ITER, watch=watch)
    return [float(iterate.theta) for iterate in iterates], [iterate.loss for iterate in iterates]


def test_the_curve_has_two_minima():
    losses = [curve().at(tensor([theta])).loss for theta in (LOCAL_MINIMUM, LOCAL_MAXIMUM, 0.3)]
    slopes = [curve().at(tensor([theta])).gradient for theta in (LOCAL_MINIMUM, LOCAL_MAXIMUM, 0.3)]
    assert_close(torch.cat(slopes) + 1, torch.ones(3), 1e-14)
    assert losses == pytest.approx([5.239e-3, 5.839e-3, 0.0], abs=1e-6)


def test_the_plain_natural_gradient_stays_in_the_local_minimum():
    thetas, losses = walk()
    assert min(losses) > 1e-3
    assert losses[-1] == pytest.approx(5.2e-3, rel=0.02)
    assert thetas[-1] == pytest.approx(LOCAL_MINIMUM, abs=1e-3)


@every_escape
def test_momentum_leaves_the_local_minimum(momentum):
    thetas, losses = walk(**momentum)
    assert losses[-1] < 1e-9
    assert thetas[-1] == pytest.approx(0.3, abs=1e-4)


@every_escape
def test_a_monotone_loss_stays_in_the_local_minimum(momentum):
    thetas, losses = walk(**momentum, restart="loss")
    assert max(np.diff(losses)) < 1e-15
    assert max(thetas) < LOCAL_MAXIMUM
    assert min(losses) > 1e-3


@each_last_gradient
def test_the_last_gradient_as_printed_does_not_leave(momentum):
    # Below α it slows the descent, above α it diverges.
    _, losses = walk(momentum=momentum, memory="gradient", beta=0.1)
    assert min(losses) > 1e-3
    assert losses[9] > walk()[1][9]
    assert walk(momentum=momentum, memory="gradient", beta=BETA)[1][-1] > 1e6


@each_last_gradient
def test_the_last_gradient_with_the_opposite_sign_leaves(momentum):
    assert walk(momentum=momentum, memory="gradient", beta=-BETA)[1][-1] < 1e-9


# A distorted loss


def distorted_path(metric, alpha, n_iter, **options):
    """The iterates in function space and after the distortion."""
    objective, theta = linear(distorted(), metric=metric)
    thetas = trajectory(method(alpha=alpha, **options), objective, theta, n_iter)
    image = path(objective, thetas, lambda values: distortion(values[:, 0]).unsqueeze(1))
    return path(objective, thetas), image, [objective.at(theta).loss for theta in thetas]


def test_a_distorted_loss_has_straight_paths_in_the_distorted_space_and_its_own_metric():
    goal = coordinates(distortion(function(TARGET)[:, 0]).unsqueeze(1))
    plain, plain_image, losses = distorted_path("l2", 0.05, 60)
    assert losses[-1] < 1e-9
    natural, image, losses = distorted_path("loss", 0.2, 60)
    assert losses[-1] < 1e-9
    _, short_steps, _ = distorted_path("loss", 0.05, 60)
    assert deviation(plain_image, goal) > BENT
    assert deviation(image, goal) < 0.03
    # Straight up to the length of the steps.
    assert deviation(short_steps, goal) < 0.3 * deviation(image, goal)
    assert deviation(natural, TARGET) < 0.5 * deviation(plain, TARGET)


@pytest.mark.parametrize(("metric", "alpha"), [("l2", 0.05), ("loss", 0.2)])
def test_momentum_needs_fewer_iterations_for_a_distorted_loss(metric, alpha):
    def n_iter(**options):
        losses = np.array(distorted_path(metric, alpha, 60, **options)[2])
        above = np.flatnonzero(losses > 1e-9)
        return above[-1] + 1

    assert n_iter(momentum="heavy-ball", beta=0.4) < 0.75 * n_iter()


def test_full_steps_in_the_metric_of_the_loss_converge_where_the_l2_metric_does_not():
    assert distorted_path("loss", 1.0, 8)[2][-1] < 1e-20
    assert distorted_path("l2", 0.1, 60)[2][-1] > 1e-3
