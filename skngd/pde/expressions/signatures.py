"""What a function takes."""

import inspect
from typing import NamedTuple

import numpy as np


class Signature(NamedTuple):
    """The parameters of a function.

    Attributes
    ----------
    positional : tuple of str
        What may stand in order.
    required : tuple of str
        Those of them that have no default.
    keywords : tuple of str
        What has to come by name and has no default.
    has_rest, has_keywords : bool
        Whether it takes ``*args`` and ``**kwargs``.
    is_named : bool
        Whether the positional ones may come by name, too.
    """

    positional: tuple
    required: tuple
    keywords: tuple = ()
    has_rest: bool = False
    has_keywords: bool = False
    is_named: bool = True


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
