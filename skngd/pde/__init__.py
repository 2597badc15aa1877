"""Stating a physics problem: equation, domain, conditions and coefficients."""

from .conditions import Dirichlet, Equation, Initial, Neumann, Periodic, Robin
from .domains import Box, Interval, Points
from .operations import Difference, Product, Union
from .problem import Problem
from .shapes import Disk, Polygon
from .unknowns import Input, Unknown

__all__ = [
    "Box",
    "Difference",
    "Dirichlet",
    "Disk",
    "Equation",
    "Initial",
    "Input",
    "Interval",
    "Neumann",
    "Periodic",
    "Points",
    "Polygon",
    "Problem",
    "Product",
    "Robin",
    "Union",
    "Unknown",
]
