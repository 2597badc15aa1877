"""The path of :mod:`skngd.problems.solutions` in version 0.1."""

from ..problems.solutions import *  # noqa: F403
