"""The members that the tests of the engine run over, and how they are compared."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch

from skngd.losses import (
    CrossEntropy,
    DistortedLoss,
    HuberLoss,
    KLDivergence,
    KWeightedLoss,
    LogisticLoss,
    LogLikelihood,
    PoissonDeviance,
    RitzEnergy,
    SquaredLoss,
)
from skngd.models import (
    DensityOnNodes,
    Exponential,
    FullyConnected,
    LinearModel,
    NetworkJets,
    NormalizedExponential,
    QuadraticModel,
    TorchModule,
    WithDerivatives,
)
from skngd.models.activations import ACTIVATIONS
from skngd.optim import MEMORIES, Objective, Stopping, minimize


def normal(*shape, seed=0):
    """Standard normal numbers in float64."""
    return torch.as_tensor(np.random.RandomState(seed).standard_normal(shape))


def shown(value):
    """Its repr without addresses: the name of a test is the same in each process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def assert_close(actual, expected, rtol):
    """Equal up to ``rtol`` of the largest of the expected numbers."""
    # Through NumPy, for torch makes lists of floats single.
    actual, expected = torch.as_tensor(np.asarray(actual)), torch.as_tensor(np.asarray(expected))
    atol = rtol * float(expected.abs().max())
    torch.testing.assert_close(
        actual, expected, rtol=0.0, atol=atol, check_dtype=False, check_stride=False
    )


# Models


class Flat(torch.nn.Module):
    """Maps (m, d) to (m,), with a parameter that is not in a layer."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(2, 3)
        self.rate = torch.nn.Parameter(torch.tensor([0.5, -1.0, 2.0]))

    def forward(self, x):
        return torch.exp(-(self.inner(x) ** 2)) @ self.rate


def cosines(x):
    """cos(k x_j) for k = 0, 1, 2 and each input, shape (m, 3 d)."""
    return torch.cat([torch.cos(k * x) for k in range(3)], dim=1)


def sequential(*sizes, activation=torch.nn.Tanh):
    """The ``torch.nn`` form of a fully connected network."""
    layers = []
    for into, out in pairwise(sizes):
        layers += [torch.nn.Linear(into, out, dtype=torch.float64), activation()]
    return torch.nn.Sequential(*layers[:-1])


def _symmetric(q):
    return q + q.transpose(0, 1)


LAYER_SIZES = [
    (2, 1),
    (2, 3),
    (2, 5, 1),
    (2, 5, 3),
    (2, 4, 3, 1),
    (2, 4, 3, 3),
    (2, 4, 3, 4, 1),
    (2, 4, 3, 4, 3),
]

MODELS = {
    f"{'-'.join(map(str, sizes))} {activation}": FullyConnected(sizes, activation)
    for sizes in LAYER_SIZES
    for activation in (ACTIVATIONS if len(sizes) > 2 else ["tanh"])
}
MODELS["linear"] = LinearModel(cosines, 6)
MODELS["module 2-4-3"] = TorchModule(sequential(2, 4, 3), 2)
MODELS["module flat"] = TorchModule(Flat(), 2)

MODELS["quadratic"] = QuadraticModel(cosines, normal(3, 6), _symmetric(normal(3, 3, 6, seed=1)))
MODELS["exponential"] = Exponential(FullyConnected((2, 3, 1)))
MODELS["normalised"] = NormalizedExponential(FullyConnected((2, 3, 1)))
MODELS["normalised on nodes"] = DensityOnNodes(
    FullyConnected((2, 3, 1)), normal(9, 2, seed=3), torch.arange(1.0, 10.0, dtype=torch.float64)
)
MODELS["with derivatives"] = WithDerivatives(
    NetworkJets(FullyConnected((2, 3, 2)), [(), (0,), (1,)])
)

every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


# Losses


@dataclass(frozen=True)
class LossCase:
    """A kind of loss, and values at which it is differentiated."""

    kind: Callable
    target: torch.Tensor
    values: torch.Tensor

    def make(self, target=None, weights=None):
        return self.kind(self.target if target is None else target, weights)


WEIGHTS = {"equal": None, "unequal": torch.tensor([1.0, 4.0, 2.0, 0.5, 3.0, 1.5, 0.1]).double()}


def cube(v):
    """A distortion of functions that couples the points."""
    return v + 0.3 * v**3 + 0.1 * v.mean() ** 2


def kernel(n=7):
    """A symmetric positive definite matrix."""
    root = normal(n, n, seed=8)
    return root @ root.T / n


def _probabilities(*shape):
    return torch.softmax(normal(*shape, seed=1), dim=1)


LOSS_CASES = {
    **{
        f"squared, {c} outputs": LossCase(SquaredLoss, normal(7, c, seed=1), normal(7, c, seed=2))
        for c in (1, 3)
    },
    **{
        f"Huber, {c} outputs": LossCase(
            lambda target, weights: HuberLoss(target, weights, delta=0.8),
            normal(7, c, seed=1),
            2 * normal(7, c, seed=2),
        )
        for c in (1, 2)
    },
    "Poisson": LossCase(
        PoissonDeviance, torch.arange(14.0).double().view(7, 2), normal(7, 2, seed=2)
    ),
    "logistic": LossCase(LogisticLoss, _probabilities(7, 2)[:, :1], 3 * normal(7, 1, seed=2)),
    "cross-entropy": LossCase(CrossEntropy, _probabilities(7, 3), 2 * normal(7, 3, seed=2)),
    "KL": LossCase(KLDivergence, normal(7, 2, seed=1) ** 2 + 0.1, normal(7, 2, seed=2) ** 2 + 0.1),
    "likelihood": LossCase(
        LogLikelihood, normal(7, 2, seed=1) ** 2 + 0.1, normal(7, 2, seed=2) ** 2 + 0.1
    ),
    "Ritz": LossCase(
        lambda target, weights: RitzEnergy(target, weights, stiffness=1.0 + target**2),
        normal(7, 2, seed=1),
        normal(7, 2, seed=2),
    ),
    "K-weighted": LossCase(
        lambda target, weights: KWeightedLoss(target, weights, kernel=kernel()),
        normal(7, 1, seed=1),
        normal(7, 1, seed=2),
    ),
    "distorted": LossCase(
        lambda target, weights: DistortedLoss(target, weights, distortion=cube, kernel=kernel()),
        normal(7, 1, seed=1),
        normal(7, 1, seed=2),
    ),
}
POINTWISE = {
    name: case for name, case in LOSS_CASES.items() if name not in ("K-weighted", "distorted")
}

every_loss = pytest.mark.parametrize("case", LOSS_CASES.values(), ids=LOSS_CASES.keys())
every_pointwise_loss = pytest.mark.parametrize("case", POINTWISE.values(), ids=POINTWISE.keys())
every_weight = pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS.keys())


# Problems: an objective and where to start


def linear_problem(metric="l2", noise=0.0):
    """Polynomials of degree 3; without noise the solution is exact, v = u."""
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).unsqueeze(1)
    model = LinearModel(lambda x: torch.cat([x**k for k in range(4)], dim=1), 4)
    target = model.value(normal(4, seed=2), x) + noise * normal(12, 1, seed=3)
    loss = SquaredLoss(target, weights=1.0 + torch.arange(12.0).double())
    return Objective(model, loss, x, metric), normal(4, seed=4)


def network_problem(metric="l2", n_outputs=1, n_points=30):
    """A function of two inputs and a network of one hidden layer that starts far from it."""
    x = normal(n_points, 2, seed=5)
    target = torch.cat([torch.sin(x[:, :1] * (k + 1)) * x[:, 1:] for k in range(n_outputs)], 1)
    model = FullyConnected((2, 4, n_outputs))
    theta = torch.as_tensor(model.initial(np.random.RandomState(6)))
    return Objective(model, SquaredLoss(target), x, metric), theta


PROBLEMS = {
    "linear": linear_problem,
    "network": network_problem,
    "network, 3 outputs": lambda metric="l2": network_problem(metric, n_outputs=3),
}

every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())


# Methods


def spelled(options):
    """A readable id: "momentum=spring step_size=0.2"."""
    return " ".join(f"{name}={value}" for name, value in options.items()) or "default"


MOMENTA = [
    *({"momentum": "heavy-ball", "memory": memory} for memory in MEMORIES),
    {"momentum": "heavy-ball", "momentum_space": "parameter"},
    *({"momentum": "nesterov", "memory": memory} for memory in MEMORIES),
    {"momentum": "nesterov", "momentum_space": "parameter"},
    {"momentum": "spring"},
]

every_memory = pytest.mark.parametrize("memory", MEMORIES)
every_momentum = pytest.mark.parametrize("momentum", MOMENTA, ids=spelled)


# Runs


def run(method, objective, theta, n_iter, **options):
    """Make ``n_iter`` iterations, whatever the loss does on the way."""
    rules = Stopping(tol=0.0, n_iter_no_change=n_iter + 1)
    return minimize(method, objective, theta, max_iter=n_iter, stop_rules=rules, **options)


class After:
    """A watch that only looks at the end of each iteration."""

    def __init__(self, end):
        self.end = end

    def begin(self):
        pass


def trajectory(method, objective, theta, n_iter, **options):
    """The parameters before and after each iteration, shape (n_iter + 1, P)."""
    thetas = [theta]
    options["watch"] = After(lambda iterate: thetas.append(iterate.theta))
    run(method, objective, theta, n_iter, **options)
    return torch.stack(thetas)


def errors(objective, thetas):
    """e_k = v_k − u at the points, one row for each parameter vector."""
    model, loss = objective.model, objective.loss
    values = [model.value(theta, objective.points) for theta in thetas]
    return torch.stack(values).squeeze(2) - loss.target.squeeze(1)
