"""What a function takes, found without the price of :func:`inspect.signature` where possible."""

import inspect
import weakref
from types import FunctionType, MethodType
from typing import NamedTuple

import numpy as np

_SEEN = weakref.WeakKeyDictionary()


class Signature(NamedTuple):
    """The parameters of a function.

    Attributes
    ----------
    positional : tuple of str
        What may stand in order.
    n_required : int
        How many of these have no default.
    keywords : tuple of str
        What has to come by name and has no default.
    has_rest, has_keywords : bool
        Whether it takes ``*args`` and ``**kwargs``.
    is_named : bool
        Whether the positional ones may come by name, too.
    """

    positional: tuple
    n_required: int
    keywords: tuple = ()
    has_rest: bool = False
    has_keywords: bool = False
    is_named: bool = True

    @property
    def required(self):
        """The positional ones without default."""
        return self.positional[: self.n_required]


def signature_of(function):
    """The :class:`Signature` of a callable; None where it cannot be known."""
    if isinstance(function, np.ufunc):
        return Signature(("x",) * function.nin, function.nin, is_named=False)
    plain, n_bound = function, 0
    if isinstance(function, MethodType):
        plain, n_bound = function.__func__, 1
    elif not isinstance(function, FunctionType):
        plain, n_bound = getattr(type(function), "__call__", None), 1  # noqa: B004
    if isinstance(plain, FunctionType) and not _is_told(function) and not _is_told(plain):
        return _of_code(plain, n_bound)
    try:
        if function not in _SEEN:
            _SEEN[function] = _inspected(function)
        return _SEEN[function]
    except TypeError:  # it cannot be remembered
        return _inspected(function)


def _is_told(function):
    """Whether a function shows another signature than its own."""
    return hasattr(function, "__wrapped__") or hasattr(function, "__signature__")


def _of_code(function, n_bound):
    code = function.__code__
    n, n_keywords = code.co_argcount, code.co_kwonlyargcount
    positional = code.co_varnames[n_bound:n]
    keywords = code.co_varnames[n : n + n_keywords]
    if function.__kwdefaults__:
        keywords = tuple(name for name in keywords if name not in function.__kwdefaults__)
    return Signature(
        positional,
        max(len(positional) - len(function.__defaults__ or ()), 0),
        keywords,
        bool(code.co_flags & inspect.CO_VARARGS),
        bool(code.co_flags & inspect.CO_VARKEYWORDS),
        not code.co_posonlyargcount,
    )


def _inspected(function):
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
        sum(p.default is p.empty for p in positional),
        tuple(p.name for p in keywords if p.default is p.empty),
        inspect.Parameter.VAR_POSITIONAL in kinds,
        inspect.Parameter.VAR_KEYWORD in kinds,
        not only,
    )
