"""A jump between the points of a fit meets the equation at all of them, and is no solution."""

import warnings

import numpy as np
import pytest
import torch

from skngd import PINNEstimator
from skngd.estimators.accuracy.between import residual_between
from skngd.estimators.accuracy.verdict import hidden_residual
from skngd.estimators.evaluate import fitted_physics
from skngd.pde import Box, Dirichlet, Points, Problem
from skngd.problems.zoo import AdvectionDiffusion, Burgers, Heat

MESSAGE = "not between them"


def layer(eps):
    conditions = Dirichlet(0.0, on="x.min"), Dirichlet(1.0, on="x.max")
    return Problem.from_function(lambda u, x: eps * u.xx + u.x, Box(x=(0, 1)), conditions)


def hidden(problem, **settings):
    settings = {"hidden_layer_sizes": (32,), "activation": "tanh", "random_state": 0, **settings}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        PINNEstimator(problem, **settings).fit()
    return any(MESSAGE in str(warning.message) for warning in caught)


def test_a_jump_between_the_points_is_said():
    assert hidden(layer(1e-4))


def test_an_equation_without_solution_is_no_convergence():
    problem = Problem.from_function(lambda u, x: u.x - 1, Box(x=(0, 1)), (Dirichlet(0.0),))
    assert hidden(problem)


@pytest.mark.parametrize(
    "problem",
    [AdvectionDiffusion(eps=0.02), Heat(), Burgers(nu=0.1), layer(0.02)],
    ids=["advection", "heat", "burgers", "layer"],
)
def test_steep_solutions_that_are_resolved_are_no_jumps(problem):
    assert not hidden(problem, hidden_layer_sizes=(16,), max_iter=60)


def test_a_layer_thinner_than_the_distance_of_the_points_is_seen():
    """A network that jumps by hand: its values at the points meet u' = 0."""
    problem = Problem.from_function(lambda u, x: u.x, Box(x=(0, 1)), (Dirichlet(2.0, on="x.min"),))
    model = PINNEstimator(problem, (1,), activation="tanh", max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit()
    physics = fitted_physics(model)
    # w, b of the neuron, then its output weight and bias: a jump at 0.3 by 1e6.
    for steepness, is_jump in ((1e12, True), (3.0, False)):
        theta = np.array([steepness, -steepness * 0.3, 1.0, 1.0])
        theta = torch.as_tensor(theta, **physics.kind)
        found = residual_between(physics, physics.residuals.internal(theta))
        assert (found > 1e3) == is_jump


@pytest.mark.parametrize(("share", "is_jump"), [(0.9, False), (0.0, True)])
def test_a_residual_that_is_a_small_part_of_large_terms_is_no_jump(share, is_jump):
    """u = tanh 300 (x − 0.3) where u' is that of 0.9 u, or nothing."""

    def residual(u, x):
        return u.x - share * 300 / np.cosh(300 * (x - 0.3)) ** 2

    problem = Problem.from_function(residual, Box(x=(0, 1)), (Dirichlet(-1.0, on="x.min"),))
    model = PINNEstimator(problem, (1,), activation="tanh", max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit()
    physics = fitted_physics(model)
    # in [−1, 1], where the network lives, the neuron is half as steep
    theta = torch.as_tensor(np.array([150.0, 60.0, 1.0, 0.0]), **physics.kind)
    theta = physics.residuals.internal(theta)
    assert (residual_between(physics, theta) > 1) == is_jump


def test_between_the_points_of_a_cloud_there_may_be_no_domain():
    corner = np.random.RandomState(0).uniform(0, 1, (400, 2))
    corner = corner[(corner > 0.4).sum(axis=1) < 2]  # an L
    edge = np.c_[np.linspace(0, 1, 20), np.zeros(20)]
    domain = Points(corner, ("x", "y"), boundary={"edge": edge})
    problem = Problem.from_function(
        lambda u, x, y: u.laplacian() + u, domain, (Dirichlet(1.0, on="edge"),)
    )
    assert not hidden(problem, hidden_layer_sizes=(8,), max_iter=20)


@pytest.mark.parametrize(
    ("residual", "is_kink"),
    [
        (lambda u, x: (2 * u.x - 1) ** 2 - 1, True),
        (lambda u, x: np.abs(2 * u.x - 1) - 1, True),
        # the same function, of an equation that says where the slope jumps
        (lambda u, x: u.x + 0 * u**2 - np.where(x < 0.3, 0.0, 1.0), False),
    ],
    ids=["square", "size", "source"],
)
def test_a_kink_meets_an_equation_of_the_slope_at_almost_all_points(residual, is_kink):
    """A kink by hand: the slope is 0 for x < 0.3 and 1 beyond."""
    problem = Problem.from_function(residual, Box(x=(0, 1)), (Dirichlet(0.0, on="x.min"),))
    settings = {"activation": "softplus", "max_iter": 1, "random_state": 0}
    model = PINNEstimator(problem, hidden_layer_sizes=(1,), **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit()
    physics, steepness = fitted_physics(model), 1e6
    # x = (1 + z) / 2 for z in [−1, 1], where the network lives
    theta = np.array([steepness, 0.4 * steepness, 0.5 / steepness, 0.0])
    theta = physics.residuals.internal(torch.as_tensor(theta, **physics.kind))
    assert (hidden_residual(physics, theta, seen=1e-6) is not None) == is_kink
