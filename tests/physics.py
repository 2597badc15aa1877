"""Physics problems put together on points, and derivatives by nested automatic differentiation."""

import numpy as np
import torch

from skngd.losses import SquaredLoss
from skngd.models import FullyConnected
from skngd.models.network_jets import NetworkJets
from skngd.optim import Objective
from skngd.pde.residuals.blocks import Collocation
from skngd.pde.residuals.compile import Compiler
from skngd.pde.residuals.model import ResidualModel

KIND = {"dtype": torch.float64, "device": "cpu"}


def differentiate(function, x, index):
    """∂^index of a pointwise function at points of shape (m, d), by nested reverse mode."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        value = function(leaf)
        for axis in index:
            if not value.requires_grad:
                return torch.zeros_like(x[:, 0])
            (gradient,) = torch.autograd.grad(
                value.sum(), leaf, create_graph=True, allow_unused=True
            )
            if gradient is None:
                return torch.zeros_like(x[:, 0])
            value = gradient[:, axis]
        return value


def _gradient(value, leaf):
    """Zero where the value does not depend on the leaf."""
    if not value.requires_grad:
        return torch.zeros_like(leaf)
    (found,) = torch.autograd.grad(value, leaf, create_graph=True, allow_unused=True)
    return torch.zeros_like(leaf) if found is None else found


class Differentiated:
    """A function θ ↦ f(θ) of shape (n,) with its derivatives, by reverse mode alone."""

    def __init__(self, function, theta):
        self.theta = theta.clone().requires_grad_()
        with torch.enable_grad():
            self.graph = function(self.theta)
        self.value = self.graph.detach()

    def jacobian(self, graph=None):
        """Shape (n, P), of f or of a graph that was made from it."""
        graph = self.graph if graph is None else graph
        return torch.stack([_gradient(entry, self.theta).detach() for entry in graph])

    def directional(self, dtheta, order=1):
        """The pull-back is linear in its cotangent: its derivative in that is the push-forward."""
        with torch.enable_grad():
            cotangent = torch.zeros_like(self.value, requires_grad=True)
            along = self.graph @ cotangent
            for _ in range(order):
                along = _gradient(along, self.theta) @ dtheta
            return _gradient(along, cotangent).detach()


class Assembled:
    """A problem with a network on points of the interior and of each condition that is not hard.

    Parameters
    ----------
    problem : Problem
    hidden_layer_sizes : tuple of int, default=(4,)
    n_points : int, default=7
        Of each block.
    activation : str, default="tanh"
    output_scale : float, default=1.0
    jets : type, default=NetworkJets
    """

    def __init__(
        self,
        problem,
        hidden_layer_sizes=(4,),
        n_points=7,
        activation="tanh",
        output_scale=1.0,
        jets=NetworkJets,
    ):
        self.problem, self.output_scale = problem, output_scale
        inputs = problem.inputs.values()
        ranges = [*problem.domain.bounds.tolist(), *((i.low, i.high) for i in inputs)]
        bounds = torch.tensor(ranges, dtype=torch.float64)
        self.middle, self.half = bounds.mean(1), (bounds[:, 1] - bounds[:, 0]) / 2
        sizes = (len(ranges), *hidden_layer_sizes, len(problem.fields))
        self.network = FullyConnected(sizes, activation)
        self.compiler = Compiler(
            problem,
            lambda indices: jets(self.network, indices, 1 / self.half),
            self.normalise,
            KIND,
        )
        transforms = [unknown.transform() for unknown in problem.unknowns.values()]
        self.output_parameters = slice(self.network.layout[-1][1].start, self.network.n_parameters)
        self.model = ResidualModel(
            self.network.n_parameters, transforms, self.output_parameters, output_scale
        )
        random = np.random.RandomState(0)
        theta = 0.7 * random.standard_normal(self.network.n_parameters)
        start = [transform.start for transform in transforms]
        self.theta = self.model.internal(torch.tensor(theta), start)
        values = self.model.unknowns(self.theta)
        # Where the sites of each block are, and the normals there.
        self.places, blocks = [], []
        for stated in (self.compiler.equation, *self.compiler.conditions):
            condition = stated.condition
            if condition.hard and not condition.winds:
                continue
            sites, normals = condition.sites(problem.domain, n_points, "uniform", random)
            low, high = bounds[len(problem.domain.names) :].numpy().T
            extra = random.uniform(low, high, (len(sites[0]), len(low)))
            sites = [np.hstack([site, extra]) for site in sites]
            blocks.append(self.compiler.block(stated, sites, normals, unknowns=values))
            self.places.append(([torch.tensor(site) for site in sites], normals))
        self.collocation = Collocation(blocks)

    def normalise(self, x):
        return (x - self.middle) / self.half

    def network_value(self, theta, number=0):
        """The network as a function of points in the units of the problem, shape (m,)."""
        units = torch.ones(self.network.n_parameters, dtype=torch.float64)
        units[self.output_parameters] = self.output_scale
        parameters = theta[: self.network.n_parameters] * units
        return lambda x: self.network.value(parameters, self.normalise(x))[:, number]

    def objective(self):
        target = torch.zeros(len(self.collocation), 1, dtype=torch.float64)
        loss = SquaredLoss(target, self.collocation.weights())
        return Objective(self.model, loss, self.collocation)

    def direction(self, seed=1):
        random = np.random.RandomState(seed)
        return torch.tensor(random.standard_normal(self.model.n_parameters))
