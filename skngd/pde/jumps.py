"""Coefficients that jump: where they do, the equation alone says nothing of the flux."""

import numpy as np
import torch

from .conditions import Interior
from .expressions.places import as_tensor
from .interfaces import Sides
from .residuals.blocks import gradients
from .residuals.bound import BoundCondition, Stated, ranges_of, written

# Lines that are looked along, and points on each.
LINES, POINTS = 8, 33
# How often the gap around a jump is halved; what is left of a difference that is one; and the
# smallest that counts, in parts of the largest coefficient.
HALVINGS, LEFT, SMALLEST = 40, 0.5, 1e-3


def naive_coefficients(problem):
    """Sentences on second derivatives whose coefficient jumps where no interface is."""
    low, high = ranges_of(problem).T
    domain, random_state = problem.domain, np.random.RandomState(0)
    try:
        found = _second(problem, random_state.uniform(low, high, (2, len(low))))
    except (ArithmeticError, LookupError, ValueError, TypeError):  # said elsewhere, or an integral
        return []
    axes = sorted({axis for _, index in found for axis in index})
    if not axes:
        return []
    ends = random_state.uniform(low, high, (2, LINES, len(low)))
    # Nothing moves along but what is differentiated in twice: a jump in time is none of the flux.
    still = np.setdiff1d(np.arange(len(low)), axes)
    ends[1][:, still] = ends[0][:, still]
    part = np.linspace(0, 1, POINTS)[:, None, None]
    X = (1 - part) * ends[0] + part * ends[1]
    inside = domain.contains(X.reshape(-1, len(low))[:, : len(domain.names)]).reshape(POINTS, -1)
    sides = Sides(problem)
    sentences = []
    for (field, index), values in _second(problem, X.reshape(-1, len(low))).items():
        values = values.reshape(POINTS, LINES)
        size = np.abs(values).max()
        gaps = np.where(inside[1:] & inside[:-1], np.abs(np.diff(values, axis=0)), 0.0)
        first, line = np.unravel_index(np.argsort(gaps, axis=None)[::-1][:LINES], gaps.shape)
        large = gaps[first, line] > SMALLEST * size
        if not large.any():
            continue
        place = _jump(problem, (field, index), X, first[large], line[large], gaps, sides)
        if place is not None:
            names = "".join(domain.names[axis] for axis in index)
            sentences.append(
                f"The coefficient of {field}.{names} in the equation of {type(problem).__name__} "
                f"jumps near ({written(problem, place)}), where the equation does not say that "
                f"the flux, coefficient times slope, is continuous. Add an Interface with the "
                f"region on one side, and the coefficients as inside= and outside=."
            )
            break
    return sentences


def _jump(problem, key, X, first, line, gaps, sides):
    """A place where a coefficient jumps and no interface is, or None."""
    a, b = X[first, line], X[first + 1, line]
    start = gaps[first, line]
    of_a = _second(problem, a)[key]
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        of_middle, of_b = _second(problem, middle)[key], _second(problem, b)[key]
        left = np.abs(of_middle - of_a) >= np.abs(of_b - of_middle)
        a, b = np.where(left[:, None], a, middle), np.where(left[:, None], middle, b)
        of_a = np.where(left, of_a, of_middle)
    jumps = np.abs(_second(problem, b)[key] - of_a) > LEFT * start
    names = sides.names
    for interface in sides.interfaces:
        # The bisection ends some rounding errors beside the interface.
        gap = 1e-9 * (b - a + np.sign(X[first + 1, line] - X[first, line]))
        scale = np.ptp(ranges_of(problem), axis=1)
        one, other = a - gap * scale, b + gap * scale
        jumps &= interface.side(one, names) == interface.side(other, names)
    return b[np.flatnonzero(jumps)[0]] if jumps.any() else None


def _second(problem, X):
    """Coefficients of the second derivatives in the equation at points, by (field, index)."""
    site = torch.tensor(X)
    bound, leaves = BoundCondition(Stated(problem, Interior()), [site]), {}

    def lookup(*key):
        if key not in leaves:
            leaves[key] = torch.ones(len(X), dtype=torch.float64, requires_grad=True)
        return leaves[key]

    starts = [float(unknown.start) for unknown in problem.unknowns.values()]
    with torch.enable_grad(), np.errstate(all="ignore"):
        rows = bound.equations([lookup], site.new_tensor(starts))
        second = {key: leaf for key, leaf in leaves.items() if len(key[1]) == 2}
        found = {key: torch.zeros(len(X), dtype=torch.float64) for key in second}
        for row in rows if second else ():
            row = as_tensor(row, site).expand(len(X))
            for key, gradient in zip(second, gradients(row, list(second.values())), strict=True):
                found[key] = found[key] + gradient.detach().abs()
    return {key: value.numpy() for key, value in found.items()}
