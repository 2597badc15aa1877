"""The path of :mod:`skngd.geometry` in version 0.1."""

from ..geometry.box import *  # noqa: F403
from ..geometry.points import *  # noqa: F403
