"""The path of :mod:`skngd.geometry.shapes` in version 0.1."""

from ..geometry.shapes import *  # noqa: F403
