"""Domains, their algebra and the points that are drawn from them; no equation is known here."""

from .ball import Ball
from .box import Box, Interval
from .combinations import Difference, Product, Shape, Union
from .domain import Domain
from .points import Points
from .shapes import Disk, Polygon

__all__ = [
    "Ball",
    "Box",
    "Difference",
    "Disk",
    "Domain",
    "Interval",
    "Points",
    "Polygon",
    "Product",
    "Shape",
    "Union",
]
