"""Stating a physics problem: equation, domain, conditions and coefficients."""

from ..geometry.ball import Ball
from ..geometry.box import Box, Interval
from ..geometry.combinations import Difference, Product, Union
from ..geometry.mesh import Mesh
from ..geometry.points import Points
from ..geometry.shapes import Disk, Polygon
from .coefficients import Input, Unknown
from .conditions import At, Dirichlet, Equation, Initial, Neumann, Periodic, Robin
from .grids import Grid
from .integrals import Integral
from .interfaces import Interface
from .observe import Observe
from .problem import Problem

__all__ = [
    "At",
    "Ball",
    "Box",
    "Difference",
    "Dirichlet",
    "Disk",
    "Equation",
    "Grid",
    "Initial",
    "Input",
    "Integral",
    "Interface",
    "Interval",
    "Mesh",
    "Neumann",
    "Observe",
    "Periodic",
    "Points",
    "Polygon",
    "Problem",
    "Product",
    "Robin",
    "Union",
    "Unknown",
]
