"""The path of :mod:`skngd.problems.evolution` in version 0.1."""

from ..problems.evolution import *  # noqa: F403
