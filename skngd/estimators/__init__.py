"""The scikit-learn estimators."""

from .classifier import NaturalMomentumClassifier
from .density import NaturalMomentumDensity
from .pinn import PINNEstimator
from .regressor import NaturalMomentumRegressor

__all__ = [
    "NaturalMomentumClassifier",
    "NaturalMomentumDensity",
    "NaturalMomentumRegressor",
    "PINNEstimator",
]
