"""Natural gradient descent with momentum, as scikit-learn estimators."""

from ._pinn import PINNEstimator
from ._regressor import NaturalMomentumRegressor

__version__ = "0.1.0"

__all__ = ["NaturalMomentumRegressor", "PINNEstimator", "__version__"]
