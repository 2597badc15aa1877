"""Whether a solution is one between the points of a fit, where jumps can hide.

A network can jump between two points. Its values at both then meet the equation, and no residual
tells. So the place where the solution changes most along a line is looked at more and more closely:
a layer that is there dissolves, and meets the equation inside; a jump that hides does not. Where an
equation is not linear in its highest derivative, this can jump in the same way: functions with a
kink meet |u'| = 1 at almost all points, and no function with a slope everywhere does.

What the terms of an equation are at a point is asked there: one size for all of them says little
where they change by many orders of magnitude.
"""

import numpy as np
import torch

from ...geometry import Points
from ...pde.residuals.blocks import Collocation, Evaluation

# Lines for each coordinate, points on each, and how often the steepest interval is looked into.
LINES, POINTS, LOOKS, SEED = 3, 65, 5, 20240401
# A residual that is a smaller part of its terms, where they are, is that of a steep layer, no jump.
UNBALANCED = 0.5
# A step in x, and one of the solution, both relative, that are a jump.
CLOSE, JUMP = 1e-8, 1e-2
# The highest derivatives times each of these, at so many points, tell whether an equation is linear
# in them, up to a part of its slopes.
BENT_BY, BENDS_AT, BENT = (1.0, -2.0), 16, 1e-6


def steepest_points(discretization, values, random_state):
    """Points of lines along each coordinate, closer and closer where ``values`` change most.

    ``values(X, axis)`` has the shape (m, k).
    """
    n, found = len(discretization.domain.names), []
    for axis in range(n):
        low, high = discretization.low[axis], discretization.high[axis]
        for base in discretization.source.sample(LINES, "uniform", random_state):
            start, stop = low, high
            for _ in range(LOOKS):
                line = np.tile(base, (POINTS, 1))
                line[:, axis] = np.linspace(start, stop, POINTS)
                line = line[discretization.domain.contains(line[:, :n])]
                if len(line) < 2:
                    break
                found.append(line)
                changes = np.abs(np.diff(values(line, axis), axis=0)).max(axis=1)
                # Across an interface the solution may jump.
                changes[discretization.sides.crossed(line)] = 0.0
                first = int(changes.argmax())
                start, stop = line[first, axis], line[first + 1, axis]
    return np.vstack(found) if found else np.empty((0, len(discretization.columns)))


def residual_between(physics, theta):
    """The largest residual of the equation where the solution is steepest, in units of its terms.

    Infinite where it jumps, and 0 where the domain has no lines to look along.
    """
    d = physics.discretization
    values = _values_of(physics, theta)
    X, residual = _unbalanced(physics, theta, values)
    if not len(X):
        return 0.0
    changes, steps = np.diff(values(X), axis=0), np.diff(X, axis=0) / (d.high - d.low)
    steps = np.abs(steps).max(axis=1)
    is_close = (steps > 0) & (steps < CLOSE) & ~d.sides.crossed(X)
    if is_close.any() and np.abs(changes[is_close]).max() > JUMP:
        return np.inf
    return residual


def residual_at_kinks(physics, theta):
    """The same where the highest derivative along a coordinate changes most.

    0 where the equation is linear in these: then a kink is that of a source or a coefficient.
    """
    d = physics.discretization
    X = d.source.sample(BENDS_AT, "sobol", np.random.RandomState(SEED))
    try:
        block = d.equation(X, unknowns=physics.residuals.unknowns(theta))
    except ValueError:  # a term is not finite at one of them
        return 0.0
    indices = {index for one, _ in block.sites for index in one.indices}
    orders = [max(i.count(axis) for i in indices) for axis in range(len(d.columns))]
    if not _bends(physics, theta, block, orders):
        return 0.0
    return _unbalanced(physics, theta, _values_of(physics, theta, orders))[1]


def _bends(physics, theta, block, orders):
    """Whether an equation is not linear in the highest derivatives along the coordinates."""
    if block.affine is not None:
        return False
    network, unknowns = physics.residuals.network(theta), physics.residuals.unknowns(theta)
    jets = [one.record(network, x).value for one, x in block.sites]

    def is_highest(index):
        return any(order and index.count(axis) == order for axis, order in enumerate(orders))

    highest = [[is_highest(index) for index in one.indices] for one, _ in block.sites]
    slopes = []
    for factor in BENT_BY:
        moved = [jet.clone() for jet in jets]
        for jet, rows in zip(moved, highest, strict=True):
            jet[rows] *= factor
        of_jets, _ = Evaluation(block, moved, unknowns).linear()
        pairs = zip(of_jets, highest, strict=True)
        slopes.append(torch.cat([c[:, rows].flatten() for c, rows in pairs]))
    one, other = slopes
    return bool(torch.linalg.vector_norm(one - other) > BENT * torch.linalg.vector_norm(one))


def _values_of(physics, theta, orders=None):
    """What gives all fields, or derivatives of these orders along a coordinate, in their sizes."""
    d, network = physics.discretization, physics.residuals.network(theta)

    def values(X, axis=0):
        index = () if orders is None else (axis,) * orders[axis]
        columns = [d.derivative(network, X, index, field) for field in physics.problem.fields]
        return np.stack(columns, axis=1) / physics.field_sizes

    return values


def _unbalanced(physics, theta, values):
    """Points where values change most, and the largest residual there that nothing balances."""
    d = physics.discretization
    if isinstance(d.domain, Points):
        # Between the points of a cloud there may be no domain.
        return np.empty((0, len(d.columns))), 0.0
    X = steepest_points(d, values, np.random.RandomState(SEED))
    try:
        block = d.equation(X, unknowns=physics.residuals.unknowns(theta)) if len(X) else None
    except ValueError:  # a term is not finite at one of them
        block = None
    if block is None:
        return X[:0], 0.0
    residual = physics.residuals.value(theta, Collocation([block])).view(block.n_equations, -1)
    residual = residual.abs()
    is_unbalanced = residual > UNBALANCED * _local_terms(physics, theta, block)
    return X, float(torch.where(is_unbalanced, residual, 0.0).max())


def typical_part(physics, theta, X):
    """The median residual of the worst equation at points, as a part of its terms there."""
    block = physics.discretization.equation(X, unknowns=physics.residuals.unknowns(theta))
    residual = physics.residuals.value(theta, Collocation([block])).view(block.n_equations, -1)
    terms = _local_terms(physics, theta, block)
    part = residual.abs() / torch.where(terms > 0, terms, 1.0)
    return float(part.median(dim=1).values.max())


def _local_terms(physics, theta, block):
    """The sizes of the terms of each equation at each point, shape (e, m)."""
    network, unknowns = physics.residuals.network(theta), physics.residuals.unknowns(theta)
    jets = [one.record(network, x).value for one, x in block.sites]
    of_jets, _ = Evaluation(block, jets, unknowns).linear()
    pairs = zip(of_jets, jets, strict=True)
    return sum(((c * jet) ** 2).sum((1, 2)) for c, jet in pairs).sqrt()
