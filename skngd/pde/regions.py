"""The path of :mod:`skngd.geometry.domain` in version 0.1."""

from ..geometry.domain import *  # noqa: F403
