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

from ...models import FullyConnected
from ...pde.initial_values import states_its_solution
from ...pde.slab import OnSlab
from ..device import to_numpy
from ..neurons import bandwidths_of, fresh_neurons
from ..points.physics import Physics
from .between import typical_part
from .linearised import (
    LOOKED_AT,
    MOST_OF_SEVERAL,
    ROWS_PER_COLUMN,
    UNDETERMINED,
    Following,
    Look,
    Wider,
    values_of,
)

# Fresh neurons of each look, and their bandwidths as multiples of those of the first layer.
N_FRESH, FACTORS = 240, (0.75, 1.5, 3.0, 6.0, 12.0)
# Fresh neurons where the fit was so long that they cost less than it, the most columns with them,
# and an error worth them.
MANY_FRESH, MOST_COLUMNS, WORTH_MANY = 960, 3000, 1e-11
# The same on a slab of time alone, which is short enough for few.
FRESH_OF_SLAB = 80
# λ / ‖A‖² of the first look, and of that at what is left, where rounding errors are not small.
FIRST_DAMPING, SECOND_DAMPING = 1e-24, 1e-21
# The seed of all points and neurons.
SEED = 20241129
# An error that is not worth a correction, and the parts of the error and of the residuals on fresh
# points that a correction leaves at most.
ROUNDING, ERROR_LEFT, RESIDUAL_LEFT = 1e-13, 0.3, 0.5
# A residual beside its terms with which an equation holds at a point, where little would do.
HOLDS = 1e-3


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
        parameters of a network of one layer, the ``activation`` of that, and the change of the
        unknown coefficients in their own parameters.
    correction : dict or None
        What is added to the solution, in the same parts; ``error`` is what is left then.
    following : Following or None
        What is said of the unknown coefficients.
    unreached : float
        The residuals that no change of the solution makes smaller, as parts of their terms.
    free_unknowns : tuple of str
        Those that are not determined without measurements.
    is_stated : bool
        Whether there is one solution at most by what is stated, whatever amplification it has.
    """

    relative: dict
    amplification: float
    free: str
    error: dict | None
    correction: dict | None = None
    following: Following | None = None
    unreached: float = 0.0
    free_unknowns: tuple[str, ...] = ()
    is_stated: bool = False

    @property
    def is_determined(self):
        return self.is_stated or not self.is_amplified

    @property
    def is_amplified(self):
        """Whether small residuals allow a large error."""
        return self.amplification >= UNDETERMINED

    @property
    def largest(self):
        """The error of the worst field."""
        return max(self.relative.values())

    def unknown(self):
        """The same where the error may have any size."""
        relative = dict.fromkeys(self.relative, np.inf)
        return dataclasses.replace(self, relative=relative, error=None, correction=None)


def estimated_error(physics, theta, activation, work, rows=None):
    """The :class:`ErrorEstimate` of the solution at θ; None where it is not defined.

    With many fresh neurons where that costs less than the fit did, ``work`` multiplications.

    Parameters
    ----------
    physics : Physics
    theta : torch.Tensor of shape (P + q,)
    activation : str
        Of the fresh neurons.
    work : float
    rows : Rows, default=None
        The measurements. Where they take the place of conditions, the estimate is not defined.
    """
    model = physics.model
    if not isinstance(model, FullyConnected) and model.n_parameters > MOST_OF_SEVERAL:
        return None
    n_fresh = _n_fresh(physics)
    found = _estimated(physics, theta, activation, n_fresh, rows)
    is_cheap = work_of_estimate(physics, MANY_FRESH, MOST_COLUMNS) <= work
    if n_fresh < N_FRESH:
        return found
    if found is None or not is_cheap or not WORTH_MANY < found.largest < np.inf:
        return found
    richer = _estimated(physics, theta, activation, MANY_FRESH, rows)
    return found if richer is None or richer.largest > found.largest else richer


def _n_fresh(physics):
    """Fresh neurons of the first look."""
    problem = physics.problem
    is_short = isinstance(problem, OnSlab) and len(problem.domain.names) == 1
    return FRESH_OF_SLAB if is_short else N_FRESH


def work_of_estimate(physics, n_fresh=None, most=np.inf):
    """Multiplications of an estimate, about; infinite above so many columns."""
    n_fresh = _n_fresh(physics) if n_fresh is None else n_fresh
    n_columns = physics.residuals.n_parameters + 2 * n_fresh * len(physics.problem.fields)
    return 2 * ROWS_PER_COLUMN * n_columns**3 if n_columns <= most else np.inf


def is_determined(physics, theta, activation):
    """Whether the conditions determine the solution, for given unknowns, as far as θ tells."""
    if states_its_solution(physics.problem):
        return True
    solution = physics, physics.residuals.network(theta), theta[physics.model.n_parameters :]
    random_state = np.random.RandomState(SEED)
    try:
        look = _look(physics, theta, activation, random_state, None, N_FRESH, solution)
    except ValueError:
        return True
    return not look.is_finite or look.amplification < UNDETERMINED


def wider_at(physics, theta, activation, n, random_state, solution=None, bandwidth=None):
    """:class:`Wider` with n fresh neurons, at θ or a solution (physics, network, unknowns)."""
    network = physics.residuals.network(theta)
    solution = solution or (physics, network, theta[physics.model.n_parameters :])
    unknowns = _unknowns_of(*solution)
    fresh = _on_top(physics, _fields_of(*solution), activation, n, unknowns)
    given = fresh, physics, network, solution[2], random_state, bandwidth
    return Wider(fresh, _with_fresh_neurons(*given), activation)


def _look(physics, theta, activation, random_state, rows, n, solution, is_second=False):
    """With n fresh neurons, at a solution: its physics, network and unknowns."""
    wider = wider_at(physics, theta, activation, n, random_state, solution)
    damping = SECOND_DAMPING if is_second else FIRST_DAMPING
    return Look(physics, theta, wider, damping, random_state, rows, is_second)


def _estimated(physics, theta, activation, n_fresh, rows):
    """The estimate with so many fresh neurons in the first look, twice as many in the second."""
    network, inner = physics.residuals.network(theta), theta[physics.model.n_parameters :]
    given = physics, theta, activation, np.random.RandomState(SEED), rows
    try:
        first = _look(*given, n_fresh, (physics, network, inner))
        if not first.is_finite:
            return None
        found = _told(first)
        if not found.is_determined:
            if rows is not None:
                return None
            return found.unknown()
        if found.is_amplified and not _holds(physics, theta):
            return found.unknown()
        if found.largest < ROUNDING:
            return found
        better = corrected(physics, network, found.error, inner)
        second = _look(*given, 2 * n_fresh, better, is_second=True)
    except ValueError:  # a term is not finite at a fresh point
        return None
    if not second.is_finite or second.residual_left > RESIDUAL_LEFT:
        return found
    if not _told(second).largest * second.caution < ERROR_LEFT * found.largest:
        return found
    # Where little is left, rounding errors make up the amplification.
    return dataclasses.replace(
        _told(second), amplification=found.amplification, correction=found.error
    )


def _holds(physics, theta):
    """Whether the equation holds at most points, by its terms there."""
    X = physics.discretization.source.sample(LOOKED_AT, "sobol", np.random.RandomState(SEED))
    return typical_part(physics, theta, X) < HOLDS


def _told(look):
    """What a look says, without a correction."""
    amplification, free = look.amplification, look.free
    if look.free_unknowns:
        amplification, free = np.inf, f"{', '.join(look.free_unknowns)} may have any value"
    found = look.relative, amplification, free, look.error
    told = look.following, look.unreached, tuple(look.free_unknowns)
    is_stated = not look.free_unknowns and states_its_solution(look.physics.problem)
    return ErrorEstimate(*found, None, *told, is_stated)


def corrected(physics, network, correction, inner=None):
    """Physics of v + e, parameters of its network and unknowns, from those of v and parts of e.

    ``inner`` are unknowns in their own parameters, shape (q,), where the problem has some.
    """
    fresh = torch.as_tensor(correction["fresh"], **physics.kind)
    direction = torch.as_tensor(correction["direction"], **physics.kind)
    if inner is not None:
        inner = inner + torch.as_tensor(correction["unknowns"], **physics.kind)
    moved, n_fresh = _fields_of(physics, network, inner, direction), _n_neurons(physics, fresh)
    unknowns = _unknowns_of(physics, network, inner)
    wide = _on_top(physics, moved, correction["activation"], n_fresh, unknowns)
    return wide, fresh, inner


def physics_of_fresh(physics, parts):
    """Physics of the fresh network alone, that parts of the richer space name, and its θ."""
    fresh = torch.as_tensor(parts["fresh"], **physics.kind)

    def nothing(field, index, x):
        return x.new_zeros(len(x))

    return _on_top(physics, nothing, parts["activation"], _n_neurons(physics, fresh)), fresh


def on_top_alone(physics, solution):
    """Physics of a solution, a function as ``base`` of :class:`Compiler`, beside which is nothing.

    And the parameters of a network that is zero.
    """
    alone = _on_top(physics, solution, "tanh", 1)
    return alone, torch.zeros(alone.model.n_parameters, **physics.kind)


def carried_error(physics, theta, activation, correction, n_fresh=None):
    """The error of a solution in parts, where its initial values have one; None where it has none.

    Parameters
    ----------
    physics : Physics
        Of the problem with the initial values as they should be.
    theta : torch.Tensor of shape (P + q,)
    activation : str
        Of fresh neurons.
    correction : dict or None
        What was added to the network.
    n_fresh : int, default=None
        Fresh neurons; None: as many as look at what a correction leaves, and as carefully.
    """
    network, inner = physics.residuals.network(theta), theta[physics.model.n_parameters :]
    solution = physics, network, inner
    if correction is not None:
        solution = corrected(physics, network, correction, inner)
    n = 2 * _n_fresh(physics) if n_fresh is None else n_fresh
    given = physics, theta, activation, np.random.RandomState(SEED), None, n
    try:
        look = _look(*given, solution, is_second=n_fresh is None)
    except ValueError:  # a term is not finite at a fresh point
        return None
    return look.error if look.is_finite else None


def change_at(physics, network, change, X, along=()):
    """A direction of the richer space, in parts, as fields at points, shape (m, n_fields).

    Or as derivatives of them in coordinates that are named.
    """
    wide, fresh = physics_of_fresh(physics, change)
    last, place = torch.zeros_like(fresh), wide.residuals.output_parameters
    last[place] = fresh[place]
    direction = torch.as_tensor(change["direction"], **physics.kind)
    total = 0.0
    for one, at, step in ((physics, network, direction), (wide, fresh - last, last)):
        theta, dtheta = one.residuals.internal(at), one.residuals.internal(step)
        total = total + one.objective(values_of(one, X, along)).at(theta).jacobian.apply(dtheta)
    return to_numpy(total.reshape(len(physics.problem.fields), -1).T)


def _unknowns_of(physics, network, inner):
    """Their values; None where there are none."""
    if inner is None or not len(inner):
        return None
    return physics.residuals.unknowns(torch.cat([network, inner]))


def _fields_of(physics, network, inner=None, direction=None):
    """∂^index of each field of a solution, or of one that is moved; see :class:`Compiler`."""
    unknowns = _unknowns_of(physics, network, inner)

    def solution(field, index, x):
        at = network, x, index, field, direction, unknowns
        return physics.discretization.field_at(*at)

    return solution


def _on_top(physics, solution, activation, n_fresh, unknowns=None):
    """Physics of ``solution`` + w, where w is a network of one layer; see :class:`Compiler`."""
    old, n_fields = physics.discretization, len(physics.problem.fields)
    d = old.n_inputs
    model = FullyConnected((d, n_fresh, n_fields), activation)
    new = Physics(physics.problem, model, physics.kind, physics.metric, old.view)
    new.discretization.sizes, new.field_sizes = old.sizes, physics.field_sizes
    new.discretization.local_sizes = old.local_sizes
    new.discretization.compiler.base = solution
    new.discretization.compiler.base_unknowns = unknowns
    return new


def _with_fresh_neurons(fresh, physics, network, inner, random_state, bandwidth):
    """θ of a network that is zero, with neurons like those of another one, and unknowns."""
    model, d = physics.model, fresh.model.layer_sizes[0]
    if bandwidth is not None:
        bandwidth = np.broadcast_to(bandwidth, d)
    elif not isinstance(model, FullyConnected):
        bandwidth = np.ones(d)
    else:
        shape, place, _ = model.layout[0]
        bandwidth = bandwidths_of(to_numpy(network[place]).reshape(shape))
    (n, _), weights, biases = fresh.model.layout[0]
    drawn = [
        fresh_neurons(
            *(len(part), d, fresh.model.activation, factor * bandwidth, random_state),
            fresh.discretization.groups_of_inputs(),
        )
        for part, factor in zip(np.array_split(np.arange(n), len(FACTORS)), FACTORS, strict=True)
    ]
    start = np.zeros(fresh.model.n_parameters)
    start[weights] = np.concatenate([one.ravel() for one, _ in drawn])
    start[biases] = np.concatenate([one for _, one in drawn])
    return fresh.residuals.internal(torch.as_tensor(start, **physics.kind), inner.tolist())


def _n_neurons(physics, fresh):
    """How many neurons parameters of a network of one layer are those of."""
    n_fields = len(physics.problem.fields)
    d = physics.discretization.n_inputs
    return (len(fresh) - n_fields) // (d + 1 + n_fields)
