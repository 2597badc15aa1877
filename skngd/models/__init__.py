"""Models: differentiable maps from parameters to functions, with their Jacobians."""

from .base import Model, Record
from .linear import LinearModel
from .module import TorchModule
from .network import FullyConnected

__all__ = ["FullyConnected", "LinearModel", "Model", "Record", "TorchModule"]
