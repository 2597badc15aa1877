"""The tangent space: projections of functions onto the span of the Jacobian's columns."""

from .base import Factorization, ProjectionInfo
from .choose import FACTORIZATIONS, choose, project

__all__ = ["FACTORIZATIONS", "Factorization", "ProjectionInfo", "choose", "project"]
