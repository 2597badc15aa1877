"""Loss functionals L(v): value, functional gradient and Hessian weight."""

from .base import Loss, PointwiseLoss
from .classes import CrossEntropy, LogisticLoss
from .coupled import DistortedLoss, KWeightedLoss
from .divergence import KLDivergence, LogLikelihood
from .huber import HuberLoss
from .on_values import OnValues
from .poisson import PoissonDeviance
from .ritz import RitzEnergy
from .squared import SquaredLoss

__all__ = [
    "CrossEntropy",
    "DistortedLoss",
    "HuberLoss",
    "KLDivergence",
    "KWeightedLoss",
    "LogLikelihood",
    "LogisticLoss",
    "Loss",
    "OnValues",
    "PointwiseLoss",
    "PoissonDeviance",
    "RitzEnergy",
    "SquaredLoss",
]
