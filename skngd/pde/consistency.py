"""Checks of a problem before it is solved."""

import inspect

import numpy as np
import torch

from .ansatz import box_faces
from .conditions import Dirichlet, Initial
from .domains import Box
from .places import condition_value
from .problem import Problem
from .regions import Domain

# Points of an edge at which the values of two conditions are compared.
N_EDGE_POINTS = 9
# Difference at a corner, relative to the largest value there, that is worth a warning.
CORNER_TOLERANCE = 1e-6


def check_problem(problem):
    """Refuse what is not a problem, or has no domain, equation or fields.

    Raises
    ------
    TypeError, ValueError
        With what is missing.
    """
    if isinstance(problem, type) or not isinstance(problem, Problem):
        called = f" Call it: {problem.__name__}()." if isinstance(problem, type) else ""
        raise TypeError(
            "Expected problem to be an instance of a class derived from skngd.pde.Problem, got "
            f"{problem!r}.{called or ' Use Problem.from_function for a function.'}"
        )
    name = type(problem).__name__
    if not isinstance(problem.domain, Domain):
        raise ValueError(
            f"Expected {name}.domain to be a domain such as Box(t=(0, 1), x=(-1, 1)), got "
            f"{problem.domain!r}. Set it as a class attribute or a property."
        )
    fields = problem.fields
    if isinstance(fields, str) or not fields or len(set(fields)) != len(fields):
        raise ValueError(
            f"Expected {name}.fields to be a tuple of different names such as ('u', 'v'), got "
            f"{fields!r}. Give one name for each component of the solution."
        )
    clash = set(problem.inputs) & {*problem.domain.names, *fields}
    if clash:
        raise ValueError(
            f"Expected coefficients of {name} with other names than its coordinates and fields, "
            f"got {sorted(clash)} twice. Rename one of them."
        )
    _check_arguments(problem, name)


def _check_arguments(problem, name):
    wanted = [*problem.fields, *problem.domain.names]
    try:
        inspect.signature(problem.residual).bind(*wanted)
    except TypeError as error:
        raise ValueError(
            f"Expected {name}.residual to take the fields and the coordinates, "
            f"({', '.join(wanted)}), got another signature: {error}. Change its arguments."
        ) from error


def contradictions(problem):
    """Conditions that ask for different values where their faces meet.

    Parameters
    ----------
    problem : Problem
        On a :class:`Box`, or nothing is compared.

    Returns
    -------
    sentences : list of str
    """
    domain = problem.domain
    if type(domain) is not Box or problem.unknowns:
        return []
    conditions = problem.conditions
    on_faces = [
        (face, number)
        for number, condition in enumerate(conditions)
        if isinstance(condition, (Dirichlet, Initial)) and not getattr(condition, "derivative", 0)
        for face in box_faces(domain, condition)
    ]
    sentences = []
    for position, (face, number) in enumerate(on_faces):
        for other_face, other in on_faces[position + 1 :]:
            meet = other_face.axis != face.axis
            if meet and _share_field(conditions[number], conditions[other]):
                sentence = _at_edge(problem, (face, number), (other_face, other))
                sentences += [] if sentence is None else [sentence]
    return sentences


def _share_field(condition, other):
    return None in (condition.field, other.field) or condition.field == other.field


def _at_edge(problem, one, two):
    domain = problem.domain
    inputs = list(problem.inputs.values())
    random = np.random.RandomState(0)
    low = np.concatenate([domain.bounds[:, 0], [i.low for i in inputs]])
    high = np.concatenate([domain.bounds[:, 1], [i.high for i in inputs]])
    x = torch.as_tensor(random.uniform(low, high, (N_EDGE_POINTS, len(low))))
    for face, _ in (one, two):
        x = face.onto(x)
    values = [condition_value(problem, number, x).numpy() for _, number in (one, two)]
    gap = np.abs(values[0] - values[1])
    worst = int(gap.argmax())
    if gap[worst] <= CORNER_TOLERANCE * max(1.0, np.abs(values).max()):
        return None
    conditions = [problem.conditions[number] for _, number in (one, two)]
    point = ", ".join(
        f"{name}={value:.6g}" for name, value in zip(domain.names, x[worst].tolist(), strict=False)
    )
    return (
        f"The conditions {conditions[0]!r} and {conditions[1]!r} contradict each other at "
        f"({point}): {values[0][worst]:.6g} against {values[1][worst]:.6g}. No smooth solution "
        "meets both, and the error stays large near that corner. Change one if that is not meant."
    )
