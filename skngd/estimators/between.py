"""Whether a solution is one between the points of a fit, where jumps can hide.

A network can jump between two points. Its values at both then meet the equation, and no residual
tells. So the place where the solution changes most along a line is looked at more and more closely:
a layer that is there dissolves, and meets the equation inside; a jump that hides does not.

What the terms of an equation are at a point is asked there: one size for all of them says little
where they change by many orders of magnitude.
"""

import numpy as np
import torch

from ..geometry import Points
from ..pde.residuals.blocks import Collocation, Evaluation

# Lines for each coordinate, points on each, and how often the steepest interval is looked into.
LINES, POINTS, LOOKS, SEED = 3, 65, 5, 20240401
# A residual that is a smaller part of its terms, where they are, is that of a steep layer, no jump.
UNBALANCED = 0.5
# A step in x, and one of the solution, both relative, that are a jump.
CLOSE, JUMP = 1e-8, 1e-2


def steepest_points(discretization, values, random_state):
    """Points of lines along each coordinate, closer and closer where ``values`` change most."""
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
                changes = np.abs(np.diff(values(line), axis=0)).max(axis=1)
                # Across an interface the solution may jump.
                changes[discretization.sides.crossed(line)] = 0.0
                first = int(changes.argmax())
                start, stop = line[first, axis], line[first + 1, axis]
    return np.vstack(found) if found else np.empty((0, len(discretization.columns)))


def residual_between(physics, theta):
    """The largest residual of the equation where the solution is steepest, in units of its terms.

    Infinite where it jumps, and 0 where the domain has no lines to look along.
    """
    d, fields = physics.discretization, physics.problem.fields
    if isinstance(d.domain, Points):
        # Between the points of a cloud there may be no domain.
        return 0.0
    network, sizes = physics.residuals.network(theta), physics.field_sizes

    def values(X):
        return np.stack([d.derivative(network, X, (), f) for f in fields], axis=1) / sizes

    X = steepest_points(d, values, np.random.RandomState(SEED))
    if not len(X):
        return 0.0
    try:
        block = d.equation(X, unknowns=physics.residuals.unknowns(theta))
    except ValueError:  # a term is not finite at one of them
        return 0.0
    changes, steps = np.diff(values(X), axis=0), np.diff(X, axis=0) / (d.high - d.low)
    steps = np.abs(steps).max(axis=1)
    is_close = (steps > 0) & (steps < CLOSE) & ~d.sides.crossed(X)
    if is_close.any() and np.abs(changes[is_close]).max() > JUMP:
        return np.inf
    residual = physics.residuals.value(theta, Collocation([block])).view(block.n_equations, -1)
    residual = residual.abs()
    is_unbalanced = residual > UNBALANCED * _local_terms(physics, theta, block)
    return float(torch.where(is_unbalanced, residual, 0.0).max())


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
