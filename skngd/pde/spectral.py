"""The path of :mod:`skngd.problems.spectral` in version 0.1."""

from ..problems.spectral import *  # noqa: F403
