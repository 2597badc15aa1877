"""Natural gradient descent with momentum, as scikit-learn estimators."""

from ._regressor import NaturalMomentumRegressor

__version__ = "0.1.0"

__all__ = ["NaturalMomentumRegressor", "__version__"]
