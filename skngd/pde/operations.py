"""The path of :mod:`skngd.geometry.combinations` in version 0.1."""

from ..geometry.combinations import *  # noqa: F403
