"""The path of :mod:`skngd.problems.zoo` in version 0.1."""

from ..problems.zoo import *  # noqa: F403
