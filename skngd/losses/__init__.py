"""Losses: functionals of the model's values, with gradient and Hessian weight."""

from .base import Loss
from .squared import SquaredLoss

__all__ = ["Loss", "SquaredLoss"]
