"""Natural gradient descent with momentum, as scikit-learn estimators."""

from .estimators.classifier import NaturalMomentumClassifier
from .estimators.density import NaturalMomentumDensity
from .estimators.pinn import PINNEstimator
from .estimators.regressor import NaturalMomentumRegressor

__version__ = "0.2.0.dev0"

__all__ = [
    "NaturalMomentumClassifier",
    "NaturalMomentumDensity",
    "NaturalMomentumRegressor",
    "PINNEstimator",
    "__version__",
]
