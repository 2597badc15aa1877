"""The scikit-learn estimators."""

from .classifier import NaturalMomentumClassifier
from .pinn import PINNEstimator
from .regressor import NaturalMomentumRegressor

__all__ = ["NaturalMomentumClassifier", "NaturalMomentumRegressor", "PINNEstimator"]
