"""Targets that are numbers: their checks, their scale and their losses."""

import numpy as np

from ..losses import HuberLoss, PoissonDeviance, SquaredLoss
from .data import validate_rows
from .scaling import robust_standardisation, standardisation
from .training import Units

LOSSES = {"squared": SquaredLoss, "huber": HuberLoss, "poisson": PoissonDeviance}


class NumericTargets:
    """What a regressor has beside a classifier."""

    def _validated_rows(self, X, y, sample_weight, reset):
        X, y, weight, is_flat = validate_rows(self, X, y, sample_weight, reset)
        if self.loss == "poisson" and (y.min() < 0 or (y.max(axis=0) == 0).any()):
            raise ValueError(
                "Expected counts, y >= 0 and not all zero, for loss='poisson', got y from "
                f"{y.min():g} to {y.max():g}. Set loss='squared' or 'huber' for other targets."
            )
        if reset:
            self._y_is_flat = is_flat
        return X, y, weight

    def _as_given(self, y):
        return y.ravel() if self._y_is_flat else y

    def _standardise(self, X, y, weight):
        self.X_mean_, self.X_scale_ = standardisation(X, weight)
        if self.loss == "poisson":
            # Counts are divided by their mean, whose logarithm is then zero.
            self.y_scale_ = np.average(y, axis=0, weights=weight)
            self.y_mean_ = np.zeros_like(self.y_scale_)
        else:
            kind = robust_standardisation if self.loss == "huber" else standardisation
            self.y_mean_, self.y_scale_ = kind(y, weight)
        if not np.all((self.y_scale_ > 1e-152) & (self.y_scale_ < 1e152)):
            raise ValueError(
                "Expected y with a standard deviation between 1e-152 and 1e152, so that its square "
                f"is a number, got {self.y_scale_}. Rescale y, for example with "
                "TransformedTargetRegressor."
            )

    def _standardised(self, y):
        return (y - self.y_mean_) / self.y_scale_

    def _metric(self):
        metric = super()._metric()
        return "l2" if metric == "loss" and self.loss == "squared" else metric

    def _loss(self, target, weight):
        if self.loss == "huber":
            return HuberLoss(target, weight, self.huber_delta)
        return LOSSES[self.loss](target, weight)

    def _units(self):
        return Units(self.y_scale_ if self.loss == "poisson" else self.y_scale_**2)

    def _output_units(self):
        if self.loss == "poisson":
            return np.log(self.y_scale_), 1.0
        return self.y_mean_, self.y_scale_

    def _n_network_outputs(self):
        return len(self.y_mean_)
