"""Models: differentiable maps from parameters to functions, with their Jacobians."""

from .autodiff_jets import AutodiffJets
from .base import Model, Record
from .density import DensityOnNodes
from .jets import JetModel, JetRecord
from .linear import LinearModel
from .module import TorchModule
from .network import FullyConnected
from .network_jets import NetworkJets
from .positive import Exponential, NormalizedExponential
from .quadratic import QuadraticModel
from .with_derivatives import WithDerivatives

__all__ = [
    "AutodiffJets",
    "DensityOnNodes",
    "Exponential",
    "FullyConnected",
    "JetModel",
    "JetRecord",
    "LinearModel",
    "Model",
    "NetworkJets",
    "NormalizedExponential",
    "QuadraticModel",
    "Record",
    "TorchModule",
    "WithDerivatives",
]
