"""Conditions that ask for different things of the same points."""

from itertools import combinations

import numpy as np
import torch

from ..geometry.box import Box
from .residuals.ansatz import box_faces, derivative
from .residuals.bound import ranges_of, stated_conditions, written

# Points of a face or an edge at which the values of two conditions are compared.
N_POINTS = 9
# Difference, relative to the largest value there, that is worth a warning.
TOLERANCE = 1e-6
# What is said of conditions on one face.
NO_SOLUTION = "No solution meets both"


def contradictions(problem):
    """Sentences on conditions that ask for different values on a face, or where their faces meet.

    Nothing is compared but on a :class:`Box`, nor are values that contain unknowns.
    """
    domain = problem.domain
    if type(domain) is not Box or domain.face:
        return []
    on_faces = [
        (face, stated)
        for stated in stated_conditions(problem)
        if stated.condition.prescribes is not None
        for face in box_faces(domain, stated.condition)
        if not stated.unknowns_on(face)
    ]
    sentences = []
    for (face, stated), (other_face, other) in combinations(on_faces, 2):
        one, two = stated.condition, other.condition
        if None not in (one.field, two.field) and one.field != two.field:
            continue
        orders = _compared(one, two, face, other_face)
        if orders is not None:
            given = [(face, stated, orders[0]), (other_face, other, orders[1])]
            sentence = _sentence(problem, given)
            sentences += [] if sentence is None else [sentence]
    return sentences


def _compared(one, two, face, other_face):
    """For two conditions, the face to whose normal each is differentiated; None: no comparison."""
    kinds = one.prescribes, two.prescribes
    if face == other_face:
        return (None, None) if kinds[0] == kinds[1] else None
    if face.axis == other_face.axis:
        return None
    compared = {("value", "value"): (None, None)}
    if one.hard and two.hard:
        # What is built in cannot be met on one face and bent on the other.
        compared |= {("value", "slope"): (other_face, None), ("slope", "value"): (None, face)}
    return compared.get(kinds)


def _sentence(problem, given):
    """What two conditions say where they meet, if it is not the same."""
    low, high = ranges_of(problem).T
    x = torch.as_tensor(np.random.RandomState(0).uniform(low, high, (N_POINTS, len(low))))
    for face, _, _ in given:
        x = face.onto(x)
    values = []
    for _, stated, along in given:
        if along is None:
            values.append(stated.value(x).numpy())
        else:
            sign = -1.0 if along.is_low else 1.0
            values.append(sign * derivative(stated.value, x, (along.axis,)).numpy())
    gap = np.abs(values[0] - values[1])
    # Where one of them is not finite, another check says so.
    gap[~np.isfinite(gap)] = 0.0
    worst = int(gap.argmax())
    size = np.nanmax(np.abs(values), initial=0.0, where=np.isfinite(values))
    if gap[worst] <= TOLERANCE * max(1.0, size):
        return None
    (face, one, _), (other_face, two, _) = given
    is_edge = face != other_face
    which = "No smooth solution meets both" if is_edge else NO_SOLUTION
    return (
        f"The conditions {one.condition!r} and {two.condition!r} contradict each other at "
        f"({written(problem, x[worst])}): {values[0][worst]:.6g} against {values[1][worst]:.6g}. "
        f"{which}, and the error stays large {'near that corner' if is_edge else 'there'}. Change "
        "one if that is not meant."
    )
