"""Optimisation on the manifold: one loop, directions, momentum, memories and step lengths."""

from .loop import Result, minimize
from .memories import MEMORIES
from .objective import Iterate, Objective, Past
from .settings import build_method
from .source import Source
from .stopping import Stop, Stopping

__all__ = [
    "MEMORIES",
    "Iterate",
    "Objective",
    "Past",
    "Result",
    "Source",
    "Stop",
    "Stopping",
    "build_method",
    "minimize",
]
