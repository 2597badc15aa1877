"""Natural gradient descent with momentum, as scikit-learn estimators."""

from ._classifier import NaturalMomentumClassifier
from ._pinn import PINNEstimator
from ._regressor import NaturalMomentumRegressor

__version__ = "0.1.0"

__all__ = ["NaturalMomentumClassifier", "NaturalMomentumRegressor", "PINNEstimator", "__version__"]
