"""Problems whose statement says that they have one solution at most: initial value problems.

Equations that can be solved for the highest derivatives in time, with an initial value for each
lower one and conditions on all other faces, have at most one solution for given coefficients
(Picard and Lindelöf; with several coordinates Holmgren, for smooth coefficients). A small change of
their residuals may still change it much: where it grows, or is stiff.
"""

from typing import NamedTuple

import numpy as np
import torch

from .conditions import Dirichlet, Initial, Neumann, Periodic, Robin
from .residuals.bound import ranges_of
from .residuals.compile import Compiler
from .residuals.recording import Recording

# Points of a trial, trials, and a part of the largest singular value that counts as zero.
N_POINTS, TRIALS, SINGULAR = 16, 3, 1e-8
# Conditions that are one row for each of their fields.
OF_ONE_ROW = Dirichlet, Neumann, Robin


def states_its_solution(problem):
    """Whether a problem is an initial value problem with all conditions that belong to one.

    False is no verdict. Unknown coefficients have their first values.
    """
    conditions = problem.with_numbers().conditions
    times = {one.time for one in conditions if isinstance(one, Initial)}
    if len(times) != 1:
        return False
    axis = problem.domain.names.index(times.pop())
    trial = _trial(problem, axis)
    if trial is None:
        return False
    asked, orders, highest = trial.asked, trial.orders, trial.highest
    # ∂_t ∂_xx in the place of ∂_t needs another theorem.
    is_mixed = any(
        orders[field] and index.count(axis) == orders[field] and (field, index) not in highest
        for field, index in asked
    )
    return (
        any(orders.values())
        and not is_mixed
        and all(_is_started(field, order, conditions) for field, order in orders.items())
        and _is_solvable(trial)
        and all(_are_sides_given(problem, axis, field, asked) for field in problem.fields)
    )


def lacks_its_start(problem, time="t"):
    """Whether an evolution has no condition at either end of its time.

    Only where the sides have no more rows than belong to them: with more, these tell the solution
    from there. False is no verdict.
    """
    names, conditions = problem.domain.names, problem.with_numbers().conditions
    if time not in names[:1] or len(names) < 2 or not conditions:
        return False
    ends = {time, f"{time}.min", f"{time}.max"}
    for one in conditions:
        on = one.on if isinstance(one, (*OF_ONE_ROW, Periodic)) else time
        if ends & {*((on,) if isinstance(on, str) else on or ())}:
            return False
    trial = _trial(problem, 0)
    return (
        trial is not None
        and min(trial.orders.values()) > 0
        and _is_solvable(trial)
        and all(
            max(_rows_of_sides(problem, 0, field).values(), default=0.0)
            <= _order_in_space(problem, 0, field, trial.asked) / 2
            for field in problem.fields
        )
    )


class _Trial(NamedTuple):
    """An equation at some points, and the derivatives that it asks for."""

    recording: Recording
    # First values of the unknown coefficients, shape (q,).
    unknowns: torch.Tensor
    # (field, index) of all derivatives, and of the highest in time of each field.
    asked: set
    highest: list
    # Of each field in time.
    orders: dict


def _trial(problem, axis):
    """The :class:`_Trial` of a problem in time, two points at its ends; None where it has none.

    That is where a term is not finite, where there are integrals, as several solutions may meet
    these, or another number of equations than of fields.
    """
    kind = {"dtype": torch.float64, "device": "cpu"}
    compiler, random_state = Compiler(problem, None, None, kind), np.random.RandomState(0)
    low, high = ranges_of(problem).T
    x = random_state.uniform(low, high, (N_POINTS, len(low)))
    n = len(problem.domain.names)
    x[:, :n] = problem.domain.sample(N_POINTS, "sobol", random_state)[:, :n]
    x[:2, axis] = low[axis], high[axis]
    recording = Recording(compiler.bound(compiler.equation, [x]))
    unknowns = torch.tensor([float(unknown.start) for unknown in problem.unknowns.values()])
    try:
        rows = recording.rows(unknowns)
    except ValueError:
        return None
    asked = recording.requested.pop(0)
    if recording.requested or len(rows) != len(problem.fields):
        return None
    orders = {field: _order(field, axis, asked) for field in problem.fields}
    highest = [(field, (axis,) * order) for field, order in orders.items()]
    return _Trial(recording, unknowns, asked, highest, orders)


def _order(field, axis, asked):
    """The order of a field in one coordinate."""
    return max((index.count(axis) for name, index in asked if name == field), default=0)


def _is_started(field, order, conditions):
    """Whether a field has as many initial values as its order in time."""
    initial = [one for one in conditions if isinstance(one, Initial)]
    given = {one.derivative for one in initial if one.field in (None, field)}
    return given.issuperset(range(order))


def _is_solvable(trial):
    """Whether det ∂(equations) / ∂(highest derivatives) has the same sign everywhere."""
    recording, unknowns, asked, highest, _ = trial
    keys, signs = sorted(asked | set(highest)), set()
    for _ in range(TRIALS):
        values = torch.as_tensor(recording.random.uniform(-1.0, 1.0, (len(keys), N_POINTS)))
        jets = dict(zip(keys, values, strict=True))
        leaves = [jets[key].requires_grad_() for key in highest]
        recording.jets = {(0, *key): jet for key, jet in jets.items()}
        with torch.enable_grad():
            slopes = [_slopes(row, leaves) for row in recording.rows(unknowns)]
        matrix = torch.stack(slopes).permute(2, 0, 1)
        if not bool(torch.isfinite(matrix).all()):
            return False
        for side in (1, 2):
            # Equations and fields have units of their own, the same at all points.
            sizes = matrix.abs().amax((0, side), keepdim=True)
            matrix = matrix / torch.where(sizes > 0, sizes, torch.ones_like(sizes))
        if bool((torch.linalg.svdvals(matrix)[:, -1] < SINGULAR).any()):
            return False
        signs |= set(torch.linalg.det(matrix).sign().tolist())
    return len(signs) == 1


def _slopes(row, leaves):
    """Derivatives of one equation at each point, shape (n_leaves, m)."""
    tensor, zero = getattr(row, "tensor", None), torch.zeros_like(leaves[0])
    if tensor is None or not tensor.requires_grad:
        return torch.stack([zero] * len(leaves))
    found = torch.autograd.grad(tensor.sum(), leaves, allow_unused=True, retain_graph=True)
    return torch.stack([zero if one is None else one for one in found])


def _rows_of_sides(problem, axis, field):
    """By name of a face but the ends of time: the rows that conditions have there on a field."""
    domain, time = problem.domain, problem.domain.names[axis]
    rows = dict.fromkeys(set(domain.face_names(None)) - {f"{time}.min", f"{time}.max"}, 0.0)
    for one in problem.with_numbers().conditions:
        if one.field not in (None, field) or not isinstance(one, (*OF_ONE_ROW, Periodic)):
            continue
        for face in domain.face_names(one.faces(domain)):
            # A row that compares two faces is half a row of each.
            rows[face] = rows.get(face, 0.0) + (
                (one.derivatives + 1) / 2 if isinstance(one, Periodic) else 1.0
            )
    return rows


def _order_in_space(problem, axis, field, asked):
    axes = range(len(problem.domain.names))
    return max((_order(field, i, asked) for i in axes if i != axis), default=0)


def _are_sides_given(problem, axis, field, asked):
    """Whether each face has half as many rows on a field as its order in space."""
    order = _order_in_space(problem, axis, field, asked)
    rows = _rows_of_sides(problem, axis, field)
    return not order or min(rows.values(), default=0.0) >= order / 2
