"""The error of a solution, (Err): the linearised problem on a space that is richer than its own.

The error e = u − v of a solution v solves D'[v] e = −r: the problem, linearised at v, with the
residuals of v on the right. The tangent space of the network does not tell it, since there v is as
good as it can be. So fresh neurons join it, with several bandwidths, on fresh points, and (P) is
solved once on the span of both. Where v + e is the better solution it is the answer, and its error
is estimated in the same way, with more fresh neurons.

What a direction of the space changes in the solution, beside what it changes in the residuals, says
how well the problem determines its solution.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch

from ..models import FullyConnected
from ..tangent.qr import Qr
from .device import to_numpy
from .neurons import bandwidths_of, fresh_neurons
from .physics import Physics

# Fresh neurons of each look, their bandwidths as multiples of those of the first layer, and rows
# for each column of the system.
N_FRESH, FACTORS, ROWS_PER_COLUMN = 240, (0.75, 1.5, 3.0, 6.0, 12.0), 2
# Parameters from which on a network of one layer, and another one, take part with their last layer.
MOST_OF_ONE, MOST_OF_SEVERAL = 700, 1500
# Fresh neurons where the fit was so long that they cost less than it, the most columns with them,
# and an error worth them.
MANY_FRESH, MOST_COLUMNS, WORTH_MANY = 960, 3000, 1e-11
# λ / ‖A‖² of the first look, and of that at what is left, where rounding errors are not small.
FIRST_DAMPING, SECOND_DAMPING = 1e-24, 1e-21
# The points where e is looked at, and the seed of all of them.
LOOKED_AT, SEED = 300, 20241129
# An amplification with which a solution is not determined, and one of its parts that is a constant.
UNDETERMINED, CONSTANT = 1e6, 0.99
# The largest part of the residuals that counts as out of reach of the space.
MOST_LEFT = 0.99
# An error that is not worth a correction, and the parts of the error and of the residuals on fresh
# points that a correction leaves at most.
ROUNDING, ERROR_LEFT, RESIDUAL_LEFT = 1e-13, 0.3, 0.5


@dataclass(frozen=True)
class ErrorEstimate:
    """What the linearised problem says.

    Attributes
    ----------
    relative : dict
        ‖e‖ / ‖v + e‖ for each field, at points that are spread over the domain; infinite where the
        problem does not determine the solution.
    amplification : float
        The largest change of the solution, relative to its size, for a change of the residuals by
        one, relative to the sizes of their terms.
    free : str
        What changes the residuals least: what is free where that is out of bounds.
    error : dict or None
        e, where there is one, in parts: ``direction`` of the parameters of the network, ``fresh``
        parameters of a network of one layer, and the ``activation`` of that.
    correction : dict or None
        What is added to the solution, in the same parts; ``error`` is what is left then.
    """

    relative: dict
    amplification: float
    free: str
    error: dict | None
    correction: dict | None = None

    @property
    def is_determined(self):
        return self.amplification < UNDETERMINED

    @property
    def largest(self):
        """The error of the worst field."""
        return max(self.relative.values())


def estimated_error(physics, theta, activation, work):
    """The :class:`ErrorEstimate` of the solution at θ; None where it is not defined.

    With many fresh neurons where that costs less than the fit did, ``work`` multiplications.
    """
    model = physics.model
    if not isinstance(model, FullyConnected) and model.n_parameters > MOST_OF_SEVERAL:
        return None
    found = _estimated(physics, theta, activation, N_FRESH)
    n_columns = len(theta) + 2 * MANY_FRESH * len(physics.problem.fields)
    is_cheap = n_columns <= MOST_COLUMNS and 2 * ROWS_PER_COLUMN * n_columns**3 <= work
    if found is None or not is_cheap or not WORTH_MANY < found.largest < np.inf:
        return found
    richer = _estimated(physics, theta, activation, MANY_FRESH)
    return found if richer is None or richer.largest > found.largest else richer


def _estimated(physics, theta, activation, n_fresh):
    """The estimate with so many fresh neurons in the first look, twice as many in the second.

    Parameters
    ----------
    physics : Physics
        Of a problem without unknowns.
    theta : torch.Tensor of shape (P,)
    activation : str
        Of the fresh neurons.
    """
    random_state = np.random.RandomState(SEED)
    network = physics.residuals.network(theta)

    def look(n, damping, solution):
        fresh = _on_top(physics, _fields_of(*solution), activation, n)
        start = _with_fresh_neurons(fresh, physics, network, random_state)
        return _Look(physics, theta, (fresh, start, activation), damping, random_state)

    try:
        first = look(n_fresh, FIRST_DAMPING, (physics, network))
        if not first.is_finite:
            return None
        if not first.estimate.is_determined:
            unknown = dict.fromkeys(physics.problem.fields, np.inf)
            return dataclasses.replace(first.estimate, relative=unknown, error=None)
        if first.estimate.largest < ROUNDING:
            return first.estimate
        better = corrected(physics, network, first.estimate.error)
        second = look(2 * n_fresh, SECOND_DAMPING, better)
    except ValueError:  # a term is not finite at a fresh point
        return None
    if not second.is_finite or second.residual_left > RESIDUAL_LEFT:
        return first.estimate
    if not second.estimate.largest < ERROR_LEFT * first.estimate.largest:
        return first.estimate
    # Where little is left, rounding errors make up the amplification.
    return dataclasses.replace(
        second.estimate,
        amplification=first.estimate.amplification,
        correction=first.estimate.error,
    )


def corrected(physics, network, correction):
    """Physics of v + e and parameters of its network, from those of v and the parts of e."""
    fresh = torch.as_tensor(correction["fresh"], **physics.kind)
    direction = torch.as_tensor(correction["direction"], **physics.kind)
    moved, n_fresh = _fields_of(physics, network, direction), _n_neurons(physics, fresh)
    return _on_top(physics, moved, correction["activation"], n_fresh), fresh


def change_at(physics, network, change, X):
    """A direction of the richer space, in parts, as fields at points, shape (m, n_fields)."""
    fresh = torch.as_tensor(change["fresh"], **physics.kind)

    def nothing(field, index, x):
        return x.new_zeros(len(x))

    wide = _on_top(physics, nothing, change["activation"], _n_neurons(physics, fresh))
    along, place = torch.zeros_like(fresh), _last_layer(wide)
    along[place] = fresh[place]
    direction = torch.as_tensor(change["direction"], **physics.kind)
    total = 0.0
    for one, at, step in ((physics, network, direction), (wide, fresh - along, along)):
        theta, dtheta = one.residuals.internal(at), one.residuals.internal(step)
        total = total + one.objective(_values(one, X)).at(theta).jacobian.apply(dtheta)
    return to_numpy(total.reshape(len(physics.problem.fields), -1).T)


class _Look:
    """One solve of the linearised problem.

    ``network`` is the physics of v + e + w with a network of fresh neurons for w, its parameters
    where w is zero, and its activation. The columns are those of the tangent space at θ, and of the
    last layer of w.
    """

    def __init__(self, physics, theta, network, damping, random_state):
        fresh, start, self.activation = network
        fields = physics.problem.fields
        self.spaces = (physics, theta, _tangent(physics)), (fresh, start, _last_layer(fresh))
        n = ROWS_PER_COLUMN * sum(place.stop - place.start for *_, place in self.spaces)
        points = _points(physics, theta, n, random_state)
        looked_at = physics.discretization.source.sample(LOOKED_AT, "sobol", random_state)
        a, before, b = self._system(lambda one: one.discretization.blocks(points))
        phi, _, v = self._system(lambda one: _values(one, looked_at))
        self.is_finite = _are_finite(a, b, phi)
        if not self.is_finite:
            return
        norm = torch.linalg.vector_norm
        self.residual_left = float(norm(b) / norm(before).clamp_min(1e-300))
        sizes = norm(a, dim=0)
        sizes[sizes == 0] = 1.0
        a, phi = a / sizes, phi / sizes
        fitted = Qr([(a, b.unsqueeze(1))])
        damping *= fitted.square_norm
        solution = fitted.solve(0.0, damping)[:, 0]
        left = float(norm(b - a @ solution) / norm(b).clamp_min(1e-300))
        # Residuals that are out of reach come from an error of about the same size as the others.
        solution = solution / np.sqrt(1.0 - min(left, MOST_LEFT) ** 2)
        e = -(phi @ solution).reshape(len(fields), -1)
        scale = norm(v.reshape(len(fields), -1) + e, dim=1)
        # A field that is zero is measured by the size that it could have.
        sizes_of_fields = torch.as_tensor(physics.field_sizes, **physics.kind)
        scale = torch.where(scale > 0, scale, sizes_of_fields)
        # No error is below rounding.
        relative = to_numpy((norm(e, dim=1) / scale).clamp_min(torch.finfo(a.dtype).eps))

        changes = fitted.whitened(phi, damping).reshape(len(fields), LOOKED_AT, -1)
        changes = (changes / scale[:, None, None]).flatten(0, 1)
        self.is_finite = _are_finite(solution, changes)
        if not self.is_finite:
            return
        squares, vectors = torch.linalg.eigh(changes @ changes.T)
        amplification = float(squares[-1].clamp_min(0.0).sqrt())
        free = _free(to_numpy(vectors[:, -1]), physics.problem, looked_at)
        relative = dict(zip(fields, map(float, relative), strict=True))
        error = self._in_parts(-solution / sizes)
        self.estimate = ErrorEstimate(relative, amplification, free, error)

    def _system(self, blocks_of):
        """Columns of both spaces side by side, the residual of v, and that of v + e."""
        columns, residuals = [], []
        for physics, theta, place in self.spaces:
            iterate = physics.objective(blocks_of(physics)).at(theta)
            if place == _last_layer(physics):
                chunks = list(iterate.operator.output_chunks(iterate.residual))
            else:
                chunks = [(rows, None) for _, rows in iterate.operator.rows()]
            columns.append(torch.cat([rows for rows, _ in chunks]))
            residuals.append(iterate.residual)
        return torch.cat(columns, dim=1), *residuals

    def _in_parts(self, solution):
        """A vector of the space in units of the networks."""
        parts = solution.split([place.stop - place.start for *_, place in self.spaces])
        found = []
        for (physics, theta, place), part in zip(self.spaces, parts, strict=True):
            along = torch.zeros_like(theta)
            along[place] = part
            found.append(physics.residuals.network(along))
        fresh, start, _ = self.spaces[1]
        return {
            "direction": to_numpy(found[0]),
            "fresh": to_numpy(fresh.residuals.network(start) + found[1]),
            "activation": self.activation,
        }


def _are_finite(*tensors):
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _last_layer(physics):
    return physics.residuals.output_parameters


def _tangent(physics):
    """Which parameters span the tangent space: all, or those of the last layer."""
    model = physics.model
    if isinstance(model, FullyConnected):
        most = MOST_OF_ONE if len(model.layout) == 2 else MOST_OF_SEVERAL
        if model.n_parameters > most:
            return _last_layer(physics)
    return slice(0, model.n_parameters)


def _points(physics, theta, n, random_state):
    """As those of a fit with n interior ones, half of these where the residual is large.

    The conditions have as many as belong to n: between few of them fresh neurons would be free.
    """
    discretization, n_boundary = physics.discretization, physics.n_boundary("auto", n)
    points = discretization.sample(1, n_boundary, "sobol", random_state)
    X = discretization.adapted(physics.residuals, theta, n, random_state)
    return [([X], None, None), *points[1:]]


def _values(physics, X):
    """Blocks of the values of each field at points."""
    shape = len(X), len(physics.problem.fields)
    return physics.discretization.measurements(X, np.zeros(shape), np.ones(len(X)), 1.0)


def _fields_of(physics, network, direction=None):
    """∂^index of each field of a solution, or of one that is moved; see :class:`Compiler`."""

    def solution(field, index, x):
        return physics.discretization.field_at(network, x, index, field, direction)

    return solution


def _on_top(physics, solution, activation, n_fresh):
    """Physics of ``solution`` + w, where w is a network of one layer; see :class:`Compiler`."""
    old, n_fields = physics.discretization, len(physics.problem.fields)
    d = len(old.columns) + len(old.circles.axes)
    model = FullyConnected((d, n_fresh, n_fields), activation)
    new = Physics(physics.problem, model, physics.kind, physics.metric, old.circles.axes)
    new.discretization.sizes = old.sizes
    new.discretization.compiler.base = solution
    return new


def _with_fresh_neurons(fresh, physics, network, random_state):
    """Parameters of a network that is zero, with neurons like those of another one."""
    model, d = physics.model, fresh.model.layer_sizes[0]
    bandwidth = np.ones(d)
    if isinstance(model, FullyConnected):
        shape, place, _ = model.layout[0]
        bandwidth = bandwidths_of(to_numpy(network[place]).reshape(shape))
    (n, _), weights, biases = fresh.model.layout[0]
    drawn = [
        fresh_neurons(len(part), d, fresh.model.activation, factor * bandwidth, random_state)
        for part, factor in zip(np.array_split(np.arange(n), len(FACTORS)), FACTORS, strict=True)
    ]
    start = np.zeros(fresh.model.n_parameters)
    start[weights] = np.concatenate([one.ravel() for one, _ in drawn])
    start[biases] = np.concatenate([one for _, one in drawn])
    return fresh.residuals.internal(torch.as_tensor(start, **physics.kind))


def _n_neurons(physics, fresh):
    """How many neurons parameters of a network of one layer are those of."""
    n_fields = len(physics.problem.fields)
    d = len(physics.discretization.columns) + len(physics.discretization.circles.axes)
    return (len(fresh) - n_fields) // (d + 1 + n_fields)


def _free(values, problem, X):
    """What is free, from a change of the solution at points that changes no residual."""
    values = values.reshape(len(problem.fields), len(X))
    norms = np.linalg.norm(values, axis=1)
    number = int(norms.argmax())
    column, field = values[number], problem.fields[number]
    if abs(column.mean()) * np.sqrt(len(column)) > CONSTANT * norms[number]:
        return f"{field} is determined up to a constant"
    place = X[int(np.abs(column).argmax())]
    names = (*problem.domain.names, *problem.inputs)
    where = ", ".join(f"{name} = {x:.3g}" for name, x in zip(names, place, strict=True))
    return f"{field} is free most of all near {where}"
