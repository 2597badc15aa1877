"""What a message says of a value."""

import inspect
from math import prod
from types import FunctionType

import numpy as np

# Numbers that are written out, and letters of other descriptions.
MOST_NUMBERS, MOST_LETTERS = 24, 1000


def shown(value):
    """A value in a message: as it is written, but many numbers by their shape.

    Examples
    --------
    >>> from skngd.geometry.shown import shown
    >>> shown((0, 1.5)), shown([[0.0, 1.0]] * 500)
    ('(0, 1.5)', '<list of shape (500, 2)>')
    >>> shown(lambda x: x + 1)
    'lambda x: ...'
    """
    shape = _shape(value)
    if shape is not None and prod(shape) > MOST_NUMBERS:
        return f"<{type(value).__name__} of shape {tuple(map(int, shape))}>"
    if type(value) in (list, tuple):
        inside = ", ".join(map(shown, value))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, FunctionType):
        return _function(value)
    if type(value) is dict:
        return f"{{{', '.join(f'{key!r}: {shown(inner)}' for key, inner in value.items())}}}"
    # Arrays may stand within the description of something else.
    with np.printoptions(threshold=MOST_NUMBERS, edgeitems=1):
        text = repr(value)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]} …"


def _function(value):
    """A function by its name, without its place in the memory; a lambda by its arguments."""
    if value.__name__ != "<lambda>":
        return value.__name__
    return f"lambda {', '.join(inspect.signature(value).parameters)}: ..."


def _shape(value):
    if type(value) in (list, tuple):
        try:
            return np.shape(value)
        except (TypeError, ValueError):  # rows of different lengths, or no numbers
            return (len(value),)
    shape = getattr(value, "shape", None)
    return shape if isinstance(shape, tuple) else None
