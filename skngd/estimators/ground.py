"""A network on the points of a problem: the residuals that a fit is to make small."""

import copy

import numpy as np
import torch

from ..pde.scales import free_scales
from .accuracy.error import is_determined
from .accuracy.linearised import Rows
from .accuracy.prior import MEASUREMENT_WEIGHT as BESIDE_PRIOR
from .accuracy.prior import prior_blocks, scale_blocks, unobserved
from .accuracy.unknowns import misses
from .device import multiplications, resolve_device, to_numpy
from .points.physics import build_physics, columns_of
from .points.points import Points
from .rows.outliers import huber_weights

# The weight of measurements where equation and conditions are constraints: while a fit finds its
# way, and where noise has bent a nonlinear problem by more than (Err) can undo.
FINDING, STRAIGHT = 1e-2, 1e-6
# The same where all of them can be met.
MET = 1.0
# The network that is expected where it is left open.
EXPECTED = "tanh", (32,)


class Ground:
    """One network, the blocks of a problem for it, and their objective.

    Parameters
    ----------
    estimator : PINNEstimator
        Names the network and the points.
    problem : Problem
    rows : tuple (X, y, weight)
        Of ``fit``; None where they were not given.
    device : torch.device
    random_state : numpy.random.RandomState
    view : View, default=None
        How the network sees the points; None: coordinates that have to be circles are.
    free_fields : tuple of str, default=()
        Those that measurements alone determine: they get rows of a prior.
    """

    # What ``tol="auto"`` stands for.
    relative_tol = 1e-3

    def __init__(self, estimator, problem, rows, device, random_state, view=None, free_fields=()):
        X, y, weight = rows
        self.estimator, self.random_state = estimator, random_state
        self.physics = physics = build_physics(estimator, problem, device, view)
        self.model = physics.model
        self.points = Points(estimator, physics, X if y is None else None, weight, random_state)
        self.measured, self.held_off = [], None
        of_measured = estimator.measurement_weight
        if of_measured == "auto":
            of_measured = BESIDE_PRIOR if free_fields else FINDING
        self.rows = self.observations = None
        if y is not None:
            self.rows = physics.checked(X), y, weight, of_measured
            self.observations = Rows(*self.rows[:3], estimator.measurement_loss)
            self.measured = self.measurements_for(physics)
        # L(v_θ), the weighted squares of the residuals of all blocks, equation (PINN).
        blocks = physics.adopt_sizes(self.points.draw() + self.measured)
        self.measured = blocks[len(blocks) - len(self.measured) :]
        self.free_fields, self.smooth = free_fields, prior_blocks(physics, free_fields)
        self.free_scales = free_scales(problem, free_fields)
        self.scales = self.scales_for(physics)
        self.objective = physics.objective(blocks + self.smooth + self.scales)
        n_parameters = physics.residuals.n_parameters
        self.n_multiplications = multiplications(self.objective.n_rows, 1, n_parameters)

    def objective_on(self, blocks, sample=None):
        """With all measurements and the prior, on blocks of the equation and its conditions."""
        return self.physics.objective(blocks + self.measured + self.smooth + self.scales, sample)

    def measurements_for(self, physics):
        """The blocks of the measurements for a physics of the same problem."""
        return physics.discretization.measurements(*self.rows, physics.trial_unknowns())

    def scales_for(self, physics):
        """The rows that hold what is determined up to a factor, for a physics of the problem."""
        return scale_blocks(physics, self.free_scales)

    def solution(self, theta):
        """Physics, θ, and the blocks of the problem and of the measurements, or None for these.

        Where there are unknown coefficients, in the sizes that these have come out with.
        """
        if not self.physics.problem.unknowns:
            return self.physics, theta, None, None
        return self.physics.resized(theta, self.points.spread(), self.observations)

    def straighten(self, solution, following):
        """Let the measurements not bend the physics any more.

        What the linearised problem says of them takes their place: equation, conditions and these
        can all be met. Where it says nothing their weight is taken back.

        Parameters
        ----------
        solution : tuple
            As :meth:`solution` gives it.
        following : Following or None
            What is said there of the unknown coefficients.
        """
        if following is None:
            self.measured = [block.weighted(STRAIGHT / FINDING) for block in self.measured]
            return
        X, y, weight, _ = self.observations
        y, start = y.reshape(len(X), -1).copy(), 0
        columns = [column for column in y.T if np.isfinite(column).any()]
        for block, column in zip(solution[3], columns, strict=True):
            weights, size = to_numpy(block.row_weights[0]).copy(), float(block.sizes[0])
            off = following.met[start : start + len(weights)].copy()
            seen, start = np.isfinite(column), start + len(weights)
            counts = weights > 0
            off[~counts], weights[~counts] = 0.0, 1.0
            column[seen] += size * off / np.sqrt(weights)
        self.rows = X, y, weight, MET
        self.measured = self.measurements_for(self.physics)

    def hold_off(self, theta):
        """Weigh measurements by Huber's ψ(r) / r at θ; the largest change of such a weight.

        The residuals are in units of one noise: a weight of the row tells how far it may be off.
        """
        y = self.rows[1].reshape(len(self.rows[0]), -1)
        plain, before = self.held_off or (self.measured, None)
        found = misses(self.physics, theta, plain, y).values()
        weights = [self.tensor(huber_weights(off * np.sqrt(w))) for off, w, *_ in found]
        before = before or [torch.ones_like(one) for one in weights]
        pairs = zip(plain, weights, strict=True)
        self.measured = [block.weighted(weight) for block, weight in pairs]
        self.held_off = plain, weights
        return max(float((a - b).abs().max()) for a, b in zip(weights, before, strict=True))

    def held_out(self, seed):
        """The objective on points of its own, the same for all networks of one size."""
        physics, points = self.physics, self.points
        n = int(np.prod(points.n_interior if points.own is None else len(points.own[0])))
        drawn = physics.discretization.sample(
            n, points.n_boundary, "sobol", np.random.RandomState(seed)
        )
        return self.objective_on(physics.discretization.blocks(drawn, physics.trial_unknowns()))

    def tensor(self, theta):
        return torch.as_tensor(theta, **self.physics.kind)


def with_network(estimator, activation, hidden_layer_sizes):
    """The estimator with a network that is named; a shallow copy."""
    shaped = copy.copy(estimator)
    shaped.activation, shaped.hidden_layer_sizes = activation, hidden_layer_sizes
    return shaped


def free_fields(estimator, given, is_raced):
    """Those that nobody measured, where the conditions do not determine the solution.

    ``given`` are the arguments of :class:`Ground` behind the estimator.
    """
    problem, (_, y, _), *_ = given
    if y is None or estimator.measurement_weight != "auto":
        return ()
    fields = unobserved(problem, y)
    if not fields:
        return ()
    ground = Ground(with_network(estimator, *EXPECTED) if is_raced else estimator, *given)
    theta = ground.tensor(ground.physics.initial(np.random.RandomState(0)))
    return () if is_determined(ground.physics, theta, "tanh") else fields


def device_for(estimator, problem, X, is_raced):
    """Where to fit: from the sizes that are to be expected."""
    n_fields = len(problem.fields)
    if is_raced:
        estimator = with_network(estimator, *EXPECTED)
    model = estimator._build_model(len(columns_of(problem)), n_fields)
    n_rows = estimator.n_interior
    if n_rows == "auto" or X is not None:
        n_rows = 5 * model.n_parameters if X is None else len(X)
    n_rows = n_rows if estimator.batch_size is None else estimator.batch_size
    work = multiplications(int(np.prod(n_rows)), n_fields, model.n_parameters)
    return resolve_device(estimator.device, work)
