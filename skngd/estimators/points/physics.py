"""From a problem and the settings of an estimator to an objective, and back to NumPy."""

import numpy as np
import torch
from sklearn.base import clone

from ...geometry.box import Box
from ...geometry.sampling import check_count
from ...losses import SquaredLoss
from ...models import FullyConnected
from ...optim import Objective
from ...pde.discretization import Discretization, n_inputs_of
from ...pde.residuals.blocks import Collocation
from ...pde.residuals.bound import written
from ...pde.residuals.holes import holes_of
from ...pde.residuals.model import ResidualModel, check_smoothness
from ...pde.residuals.view import View, view_of
from ...pde.sizes import (
    OUT_OF_PROPORTION,
    proportion_of_unknown,
    sizes_of_equations,
    sizes_of_fields,
)
from ...pde.uncertainty import fisher_information
from ..base import DTYPES
from ..device import to_numpy

# What one unit of the parameters of the last layer is for the damping, behind one hidden layer and
# behind several; see ResidualModel.count_in.
OUTPUT_SCALE, DEEP_OUTPUT_SCALE = 10.0, 1.0
# Points for each parameter where n_interior="auto", in races few of them, and the fewest.
POINTS_PER_PARAMETER = {"auto": 5, "few": 2}
FEWEST_POINTS = 200


def columns_of(problem):
    """Names of the columns of X: coordinates, then inputs."""
    return (*problem.domain.names, *problem.inputs)


def fitted_view(estimator):
    """How a fitted network sees its points; see ``circles_`` and ``holes_``."""
    domain = estimator.problem_.domain
    circles = tuple(domain.names.index(name) for name in estimator.circles_)
    return View(circles, tuple(one for one in holes_of(domain) if one.face in estimator.holes_))


def build_physics(estimator, problem, device, view=None):
    """The problem with the network that an estimator's settings name.

    ``view`` is how it sees the points; None: coordinates that have to be circles are.
    """
    kind = {"dtype": DTYPES[estimator.dtype], "device": device}
    view = view_of(problem) if view is None else view
    model = estimator._build_model(n_inputs_of(problem, view), len(problem.fields), device)
    return Physics(problem, model, kind, estimator._metric(), view)


def empty_equations(block, name):
    """Sentences on equations that are the same whatever the solution is: zero, or never zero."""
    if block.affine is None or block.name != "equation":
        return []
    (of_jets, of_unknowns), constant = block.affine
    sentences = []
    for number in range(block.n_equations):
        if any(bool((c[number] != 0).any()) for c in (*of_jets, of_unknowns)):
            continue
        is_zero = not bool((constant[number] != 0).any())
        which = "The equation" if block.n_equations == 1 else f"Equation {number + 1}"
        what = "zero whatever the solution is: it asks for nothing, and the solution is not unique"
        if not is_zero:
            what = "not zero whatever the solution is: there is no solution"
        sentences.append(f"{which} of {name} is {what}. Check its factors, or leave it out.")
    return sentences


class Physics:
    """One fit of a problem by a network; ``kind`` is ``dtype`` and ``device`` of its tensors."""

    def __init__(self, problem, model, kind, metric="l2", view=None):
        self.problem, self.model, self.kind, self.metric = problem, model, kind, metric
        self.discretization = Discretization(problem, model.jets, kind, view)
        transforms = [unknown.transform() for unknown in problem.unknowns.values()]
        self.residuals = ResidualModel(model.n_parameters, transforms, model.output_parameters)
        self.field_sizes = np.ones(len(problem.fields))
        self.unknown_starts = np.array([transform.start for transform in transforms], dtype=float)

    def initial(self, random_state):
        """Draw a starting point for the network and the unknowns, shape (P + q,).

        The weights and biases of the first layer are uniform with bound √(2 / d), whatever the
        number of neurons, so that the neurons bend inside the domain; the others as Glorot's.
        """
        theta = self.model.initial(random_state)
        if isinstance(self.model, FullyConnected) and len(self.model.layout) > 1:
            (out, into), weights, biases = self.model.layout[0]
            factor = np.sqrt(2.0 / into) / np.sqrt(6.0 / (into + out))
            theta[weights] *= factor
            theta[biases] *= factor
            theta[self.model.output_parameters] *= self._by_output(self.field_sizes)
        network = torch.as_tensor(theta, **self.kind)
        return to_numpy(self.residuals.internal(network, self.unknown_starts))

    def _count_parameters(self):
        """Set what one unit of each parameter is.

        A unit of the weights of a neuron moves what it sees by about as much in all hidden layers,
        in units of the first: by the square root of the number of its inputs.
        """
        layout, units = self.model.layout, np.ones(self.model.n_parameters)
        for (_, into), weights, biases in layout[1:-1]:
            units[weights.start : biases.stop] = np.sqrt(layout[0][0][1] / into)
        scale = OUTPUT_SCALE if len(layout) < 3 else DEEP_OUTPUT_SCALE
        self.residuals.count_in(scale * self._by_output(self.field_sizes), units)

    def _by_output(self, fields):
        """A number for each field as one for each parameter of the last layer."""
        width = self.model.layout[-1][0][1]
        return np.concatenate([np.repeat(fields, width), fields])

    def adopt_sizes(self, blocks):
        """Measure fields by what is prescribed or measured, and each equation by its terms.

        A change of units, or a factor on an equation, then changes no iterate, tag (Units). The
        first guess of an unknown whose terms are out of proportion is moved to where they are not.

        Returns
        -------
        blocks : list of Block
            The same in units of these sizes.
        """
        half_width, n_fields = self.discretization.units_of_inputs(), len(self.problem.fields)
        unknowns = self.trial_unknowns()
        for number, unknown in enumerate(self.problem.unknowns.values()):
            fields = sizes_of_fields(blocks, half_width, unknowns, n_fields)
            part = proportion_of_unknown(blocks, half_width, unknowns, fields, number)
            if part is None or 1 / OUT_OF_PROPORTION <= part <= OUT_OF_PROPORTION:
                continue
            moved = float(unknowns[number]) / part
            if unknown.allows(moved):
                self.unknown_starts[number] = self.residuals.transforms[number].inverse(moved)
                unknowns = self.trial_unknowns()
        self.field_sizes = sizes_of_fields(blocks, half_width, unknowns, n_fields)
        self.discretization.measure_locally(blocks, self.field_sizes)
        if self.discretization.local_sizes is not None:
            blocks = [self.discretization.locally(block) for block in blocks]
            self.field_sizes = sizes_of_fields(blocks, half_width, unknowns, n_fields)
        if isinstance(self.model, FullyConnected):
            self._count_parameters()
        self.discretization.sizes = {
            block.name: sizes_of_equations(block, half_width, unknowns, self.field_sizes)
            for block in blocks
        }
        sizes = self.discretization.sizes
        return [block.divided(sizes[block.name]) for block in blocks]

    def resized(self, theta, points, rows):
        """The same with sizes as they are for the unknowns at θ, which may have moved far.

        Parameters
        ----------
        theta : torch.Tensor of shape (P + q,)
        points : list
            As :meth:`Discretization.sample` gives them.
        rows : Rows or None
            The measurements.

        Returns
        -------
        physics : Physics
        theta : torch.Tensor of shape (P + q,)
            The same network in its units.
        constraints, measured : list of Block
        """
        inner = theta[self.model.n_parameters :]
        view = self.discretization.view
        new = Physics(self.problem, self.model, self.kind, self.metric, view)
        new.unknown_starts = to_numpy(inner)
        discretization, trial = new.discretization, new.trial_unknowns()
        blocks = discretization.blocks(points, trial)
        measured = [] if rows is None else discretization.measurements(*rows[:3], 1.0, trial)
        blocks = new.adopt_sizes(blocks + measured)
        theta = new.residuals.internal(self.residuals.network(theta), inner.tolist())
        n = len(blocks) - len(measured)
        return new, theta, blocks[:n], blocks[n:]

    def unsolved(self, first, last):
        """The name of the block that is furthest from being solved, and which part of all is left.

        ``first`` and ``last`` are the mean squares of the residuals by block, at the start and at
        the end, each in units of its terms. Measurements do not count: they have noise.
        """
        names = [name for name in self.discretization.labels() if name in first]
        name = max(names, key=last.get)
        return name, sum(map(last.get, names)) / (sum(map(first.get, names)) or 1.0)

    def internal(self, network, unknowns):
        """Undo :meth:`fitted_at`: values that leave the bounds begin at their start."""
        inner = self.unknown_starts.copy()
        stated = zip(self.problem.unknowns.items(), self.residuals.transforms, strict=True)
        for position, ((name, unknown), transform) in enumerate(stated):
            if name in unknowns and unknown.allows(unknowns[name]):
                inner[position] = transform.inverse(unknowns[name])
        theta = torch.tensor(network, **self.kind)
        return to_numpy(self.residuals.internal(theta, inner))

    def in_own_units(self, directions):
        """Directions of θ, shape (P + q, k), with the network in its own units, as an array."""
        found = directions.clone()
        for column in found.T:
            column[: self.model.n_parameters] = self.residuals.network(column)
        return to_numpy(found)

    def trial_unknowns(self):
        """Values at which the operators are tried."""
        theta = torch.zeros(self.residuals.n_parameters, **self.kind)
        theta[self.model.n_parameters :] = torch.as_tensor(self.unknown_starts, **self.kind)
        return self.residuals.unknowns(theta)

    def n_interior(self, setting):
        """Number of interior points for what ``n_interior`` says, or "few"."""
        if not isinstance(setting, str):
            return setting
        return max(FEWEST_POINTS, POINTS_PER_PARAMETER[setting] * self.model.n_parameters)

    def n_boundary(self, setting, n_interior):
        """Number of points of each condition."""
        labels = self.discretization.labels()[1:]
        if setting == "auto":
            n, d = int(np.prod(n_interior)), len(self.discretization.columns)
            setting = max(10, round(4 * n ** ((d - 1) / d)))
        if np.isscalar(setting):
            return [check_count(setting)] * len(labels)
        if isinstance(setting, dict):
            if set(setting) != set(labels):
                raise ValueError(
                    f"Expected n_boundary to name the conditions {labels}, got {list(setting)}. "
                    "Give one number for each, or a single number."
                )
            setting = [setting[label] for label in labels]
        if len(setting) != len(labels):
            raise ValueError(
                f"Expected n_boundary to hold one number for each of the conditions {labels}, got "
                f"{len(setting)}. Give a single number for all."
            )
        return [check_count(n) for n in setting]

    def objective(self, blocks, sample=None):
        """The weighted squared loss of the blocks; ``sample`` is how optimal points were drawn."""
        collocation = Collocation(blocks)
        target = torch.zeros(len(collocation), 1, **self.kind)
        loss = SquaredLoss(target, collocation.weights())
        objective = Objective(self.residuals, loss, collocation, self.metric)
        objective.sample = sample
        return objective

    def checked(self, X):
        """X in a layout that torch can take; points outside of the domain are refused."""
        outside = np.flatnonzero(self.discretization.outside(X))
        if len(outside):
            d, domain = self.discretization, self.problem.domain
            columns = zip(d.columns, d.low, d.high, strict=True)
            ranges = ", ".join(f"{name} in [{low:g}, {high:g}]" for name, low, high in columns)
            ranges = ranges if type(domain) is Box else f"{domain!r}; {ranges}"
            raise ValueError(
                f"Expected X inside the domain of the problem ({ranges}), got {len(outside)} of "
                f"{len(X)} rows outside, the first ({written(self.problem, X[outside[0]])}). Pass "
                f"the columns in the order {tuple(d.columns)} and in the units of the equation: a "
                "scaler in front of a PINNEstimator would change the equation, and is not needed, "
                "for coordinates are normalised inside."
            )
        # A copy where torch could not take it: with negative strides, or read-only.
        return np.require(X, requirements=["C", "W"])

    def fitted_at(self, theta):
        """What an estimator keeps of parameters of shape (P + q,)."""
        values = self.residuals.unknowns(theta).tolist()
        unknowns = dict(zip(self.problem.unknowns, values, strict=True))
        return {
            "theta_": to_numpy(self.residuals.network(theta)),
            "unknowns_": unknowns,
            "problem_": clone(self.problem, safe=False).set_params(**unknowns),
        }

    def values(self, network, blocks):
        """Residuals of blocks for fitted parameters of the network, as a NumPy array."""
        theta = self.residuals.internal(torch.as_tensor(network, **self.kind))
        return to_numpy(self.residuals.value(theta, Collocation(blocks))[:, 0])

    def check_start(self, iterate):
        """Refuse a problem whose residuals are not finite at the starting point.

        And a module whose second derivatives vanish, which would solve another equation.
        """
        if np.isfinite(iterate.loss):
            check_smoothness(iterate.objective.points, iterate.theta)
            return
        for block, rows in iterate.objective.points.slices():
            residual = iterate.value[rows, 0].view(block.n_equations, -1)
            bad = torch.nonzero(~torch.isfinite(residual).all(0))
            if not len(bad):
                continue
            first, d = int(bad[0]), self.discretization
            x = d.located(to_numpy(block.sites[0][1][first]))
            raise ValueError(
                f"Expected the residual of {block.name!r} to be finite for the network that the "
                f"fit starts from, got {float(residual[0, first])} at "
                f"({written(self.problem, x)}), one of {len(bad)} such points. A logarithm or a "
                "root of the solution needs np.where or np.maximum, or a hard condition: use one "
                "that keeps it in range."
            )

    def relative_parts(self, iterate):
        """Mean square of each block's residual, in units of the sizes of its terms."""
        return self._mean_squares(iterate, lambda residual, sizes: residual)

    def _mean_squares(self, iterate, counted):
        found = {}
        for block, rows in iterate.objective.points.slices():
            residual = counted(iterate.value[rows, 0].view(block.n_equations, -1), block.sizes)
            square = float(torch.linalg.vector_norm(residual)) ** 2 / block.n_points
            found[block.name] = found.get(block.name, 0.0) + square
        return found

    def parts(self, iterate):
        """Mean square of each block's residual, and the unknowns, for the history."""
        found = self._mean_squares(iterate, lambda residual, sizes: residual * sizes)
        if self.problem.unknowns:
            values = self.residuals.unknowns(iterate.theta).tolist()
            # "beta" is a column of its own, the momentum's.
            names = [f"{name}_" if name == "beta" else name for name in self.problem.unknowns]
            found.update(zip(names, values, strict=True))
        return found

    def information(self, theta, constraints, measurements):
        """Of the measurements on the unknowns, the residuals of these, and their weights.

        As :func:`covariance` takes them.
        """
        constraint = Collocation(constraints)
        record = self.residuals.record(theta, constraint)
        a = record.jacobian(constraint.weights().sqrt().unsqueeze(1))
        measured = Collocation(measurements)
        record = self.residuals.record(theta, measured)
        weights = measured.weights() / measured.weights().mean()
        b = record.jacobian(weights.sqrt().unsqueeze(1))
        information = fisher_information(a, b, self.model.n_parameters)
        return to_numpy(information), to_numpy(record.value[:, 0]), to_numpy(weights)

    def noise_in_units_of_y(self, noise, measurements):
        """Of several fields, in those of their sizes on average."""
        blocks = measurements
        sizes = [block.sizes * torch.ones_like(block.row_weights) for block in blocks]
        weights = torch.cat([block.row_weights.reshape(-1) for block in blocks])
        shares = to_numpy(weights / weights.mean())
        shares = shares / to_numpy(torch.cat([size.reshape(-1) for size in sizes])) ** 2
        return float(noise / np.sqrt(np.mean(shares)))
