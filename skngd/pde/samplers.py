"""The path of :mod:`skngd.geometry.sampling` in version 0.1."""

from ..geometry.patch import *  # noqa: F403
from ..geometry.sampling import *  # noqa: F403
