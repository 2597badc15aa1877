"""The path of :mod:`skngd.pde.expressions.quantity` in version 0.1."""

from .expressions.quantity import *  # noqa: F403
