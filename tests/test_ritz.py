"""The energy of an elliptic equation: its minimum is the solution."""

import math

import numpy as np
import pytest
import torch
from cases import assert_close

from skngd import PINNEstimator
from skngd.losses import RitzEnergy
from skngd.models import FullyConnected, LinearModel, WithDerivatives
from skngd.optim import Objective, Stopping, build_method, minimize
from skngd.pde import Equation, Interval, Neumann, Problem

NODES, WEIGHTS = (torch.tensor(a) / 2 for a in np.polynomial.legendre.leggauss(40))
X = NODES.unsqueeze(1) + 0.5
# An energy may be negative.
PATIENT = Stopping(tol=0.0, n_iter_no_change=200, floor=-math.inf)


def conductivity(x):
    return 1.0 + x**2


def beside(value, slope):
    return torch.cat([value, slope], dim=1)


def test_one_natural_step_is_galerkins_solution():
    # −(a u')' + u = f, u(0) = u(1) = 0, in the span of four sines, from any start.
    k = torch.arange(1.0, 5.0).double()
    model = LinearModel(lambda x: torch.sin(math.pi * k * x), 4)
    a, f = conductivity(X), torch.exp(X)
    loss = RitzEnergy(beside(f, 0 * f), WEIGHTS, stiffness=beside(torch.ones_like(a), a))
    objective = Objective(WithDerivatives(model.jets(((), (0,)))), loss, X, metric="loss")
    sines, slopes = torch.sin(math.pi * k * X), math.pi * k * torch.cos(math.pi * k * X)
    w = WEIGHTS.unsqueeze(1)
    matrix = sines.T @ (w * sines) + slopes.T @ (w * a * slopes)
    expected = torch.linalg.solve(matrix, sines.T @ (w * f))[:, 0]
    method = build_method(momentum=None, step_size=1.0, damping=0.0)
    step, _ = method.advance(objective.at(torch.tensor([3.0, -1.0, 0.5, 2.0]).double()), None)
    assert_close(step.end.theta, expected, 1e-12)
    # The least energy is minus one half of ∫ f u.
    least = -0.5 * float((w * f * (sines @ expected).unsqueeze(1)).sum())
    assert step.end.loss == pytest.approx(least, rel=1e-12)


class Rod(Problem):
    """−((1 + x²) u')' = f, u'(0) = 0, 2 u'(1) + 3 u(1) = g, of the solution cos 2x."""

    domain = Interval(0, 1)
    conditions = (
        Neumann(0.0, on="x.min"),
        Equation(lambda u, x: 2 * u.x + 3 * u + 4 * np.sin(2) - 3 * np.cos(2), on="x.max"),
    )

    def residual(self, u, x):
        flux = -2 * np.sin(2 * x)
        return conductivity(x) * (u.xx + 4 * np.cos(2 * x)) + 2 * x * (u.x - flux)


def test_a_network_with_natural_conditions_finds_what_the_residual_finds():
    points = torch.cat([X, torch.ones(1, 1).double()])
    a, x = conductivity(X), X
    f = 4 * a * torch.cos(2 * x) + 4 * x * torch.sin(2 * x)
    robin = torch.tensor([[3 * math.cos(2) - 4 * math.sin(2), 0.0]]).double()
    loss = RitzEnergy(
        torch.cat([beside(f, 0 * f), robin]),
        torch.cat([WEIGHTS, torch.ones(1).double()]),
        stiffness=torch.cat([beside(0 * a, a), torch.tensor([[3.0, 0.0]]).double()]),
    )
    network = FullyConnected((1, 8, 1))
    model = WithDerivatives(network.jets(((), (0,))))
    theta = torch.tensor(network.initial(np.random.RandomState(0)))
    objective = Objective(model, loss, points, metric="loss")
    found = minimize(build_method(), objective, theta, max_iter=60, stop_rules=PATIENT)
    u, exact = objective.at(found.theta).value[:, 0], torch.cos(2 * points[:, 0])
    assert float((u - exact).norm() / exact.norm()) < 1e-5
    solver = PINNEstimator(Rod(), (8,), activation="tanh", n_init=1, random_state=0).fit()
    assert_close(u, solver.predict(points.numpy()), 1e-5)


def test_an_energy_without_a_lower_bound_is_refused():
    source = torch.ones(3, 2).double()
    with pytest.raises(
        ValueError, match=r"Expected stiffness ≥ 0 of the shape of source, \(3, 2\)"
    ):
        RitzEnergy(source, stiffness=-source)
    with pytest.raises(ValueError, match="got shape"):
        RitzEnergy(source, stiffness=source[:2])
    with pytest.raises(ValueError, match="Expected stiffness somewhere"):
        RitzEnergy(source, stiffness=0 * source)
