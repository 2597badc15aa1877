"""What a function takes."""

import inspect
from typing import NamedTuple

import numpy as np


class Signature(NamedTuple):
    """The parameters of a function."""

    positional: tuple  # what may stand in order
    required: tuple  # those of them that have no default
    keywords: tuple = ()  # what has to come by name and has no default
    has_rest: bool = False  # whether it takes *args
    has_keywords: bool = False  # whether it takes **kwargs
    is_named: bool = True  # whether the positional ones may come by name, too


def signature_of(function):
    """The :class:`Signature` of a callable; None where it cannot be known."""
    if isinstance(function, np.ufunc):
        return Signature(("x",) * function.nin, ("x",) * function.nin, is_named=False)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = {}
    for parameter in parameters:
        kinds.setdefault(parameter.kind, []).append(parameter)
    only = kinds.get(inspect.Parameter.POSITIONAL_ONLY, [])
    positional = [*only, *kinds.get(inspect.Parameter.POSITIONAL_OR_KEYWORD, [])]
    keywords = kinds.get(inspect.Parameter.KEYWORD_ONLY, [])
    return Signature(
        tuple(p.name for p in positional),
        tuple(p.name for p in positional if p.default is p.empty),
        tuple(p.name for p in keywords if p.default is p.empty),
        inspect.Parameter.VAR_POSITIONAL in kinds,
        inspect.Parameter.VAR_KEYWORD in kinds,
        not only,
    )
