"""The path of :mod:`skngd.pde.coefficients` in version 0.1."""

from .coefficients import *  # noqa: F403
