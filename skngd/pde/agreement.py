"""Conditions that ask for different things of the same points."""

import numpy as np
import torch

from ..geometry.box import Box
from .conditions import Dirichlet, Initial, Neumann
from .expressions.places import condition_value
from .residuals.ansatz import box_faces, derivative, has_unknowns

# Points of a face or an edge at which the values of two conditions are compared.
N_POINTS = 9
# Difference, relative to the largest value there, that is worth a warning.
TOLERANCE = 1e-6


def contradictions(problem):
    """Conditions that ask for different values on one face, or where their faces meet.

    Parameters
    ----------
    problem : Problem
        On a :class:`Box`, or nothing is compared; nor are values that contain unknowns.

    Returns
    -------
    sentences : list of str
    """
    domain = problem.domain
    if type(domain) is not Box or domain.face:
        return []
    conditions = problem.with_numbers().conditions
    on_faces = [
        (face, number)
        for number, condition in enumerate(conditions)
        if isinstance(condition, (Dirichlet, Initial, Neumann))
        for face in box_faces(domain, condition)
        if not has_unknowns(problem, number, face)
    ]
    sentences = []
    for position, (face, number) in enumerate(on_faces):
        for other_face, other in on_faces[position + 1 :]:
            one, two = conditions[number], conditions[other]
            if None not in (one.field, two.field) and one.field != two.field:
                continue
            orders = _compared(one, two, face, other_face)
            if orders is not None:
                given = [(face, number, orders[0]), (other_face, other, orders[1])]
                sentence = _sentence(problem, given)
                sentences += [] if sentence is None else [sentence]
    return sentences


def _kind(condition):
    """What is prescribed: the value, the slope, or a derivative in time."""
    if isinstance(condition, Neumann):
        return "slope"
    return getattr(condition, "derivative", 0)


def _compared(one, two, face, other_face):
    """For two conditions, the face to whose normal each is differentiated; None: no comparison."""
    kinds = _kind(one), _kind(two)
    if face == other_face:
        return (None, None) if kinds[0] == kinds[1] else None
    if face.axis == other_face.axis:
        return None
    if kinds == (0, 0):
        return None, None
    # What is built in cannot be met on one face and bent on the other.
    if one.hard and two.hard and kinds == (0, "slope"):
        return other_face, None
    if one.hard and two.hard and kinds == ("slope", 0):
        return None, face
    return None


def _sentence(problem, given):
    """What two conditions say where they meet, if it is not the same."""
    domain, inputs = problem.domain, list(problem.inputs.values())
    random = np.random.RandomState(0)
    low = np.concatenate([domain.bounds[:, 0], [i.low for i in inputs]])
    high = np.concatenate([domain.bounds[:, 1], [i.high for i in inputs]])
    x = torch.as_tensor(random.uniform(low, high, (N_POINTS, len(low))))
    for face, _, _ in given:
        x = face.onto(x)
    values = []
    for _, number, along in given:

        def value(x, number=number):
            return condition_value(problem, number, x)

        if along is None:
            values.append(value(x).numpy())
        else:
            sign = -1.0 if along.is_low else 1.0
            values.append(sign * derivative(value, x, (along.axis,)).numpy())
    gap = np.abs(values[0] - values[1])
    # Where one of them is not finite, another check says so.
    gap[~np.isfinite(gap)] = 0.0
    worst = int(gap.argmax())
    size = np.nanmax(np.abs(values), initial=0.0, where=np.isfinite(values))
    if gap[worst] <= TOLERANCE * max(1.0, size):
        return None
    stated = problem.with_numbers().conditions
    point = ", ".join(
        f"{name}={value:.6g}" for name, value in zip(domain.names, x[worst].tolist(), strict=False)
    )
    is_edge = given[0][0] != given[1][0]
    which = "No smooth solution meets both" if is_edge else "No solution meets both"
    return (
        f"The conditions {stated[given[0][1]]!r} and {stated[given[1][1]]!r} contradict each other "
        f"at ({point}): {values[0][worst]:.6g} against {values[1][worst]:.6g}. {which}, and the "
        f"error stays large {'near that corner' if is_edge else 'there'}. Change one if that is "
        "not meant."
    )
