"""Targets that are labels: their checks, their encoding and their loss."""

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from ..losses import CrossEntropy, LogisticLoss
from .data import advice, weighted_rows
from .scaling import standardisation
from .training import LogLossUnits

ROWS = (
    "Expected X of shape (n_samples, n_features), dense, real and finite, and y of shape "
    "(n_samples,) with one label for each row."
)


class Labels:
    """What a classifier has beside a regressor.

    Two classes have one output, the log-odds of the second; more have one output each.
    """

    # Labels are settled long before the third digit of the cross-entropy is.
    _relative_tol = 1e-2
    _outputs_are = "one for each class, or one for two classes"

    def _validated_rows(self, X, y, sample_weight, reset):
        with advice(ROWS):
            X, y = validate_data(self, X, y, reset=reset, dtype=np.float64, multi_output=True)
            check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        X, y, weight = weighted_rows(X, y, sample_weight)
        if reset:
            given = self.__dict__.pop("_given_classes", None)
            self.classes_ = np.unique(y) if given is None else given
            if len(self.classes_) < 2:
                raise ValueError(
                    "Expected labels of at least two classes, got one class: "
                    f"{self.classes_.tolist()[0]!r}. Check the labels, or the split that they come "
                    "from; partial_fit takes all the labels that are to come as classes=."
                )
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ValueError(
                f"Expected labels out of classes_={self.classes_.tolist()}, got "
                f"{np.unique(y[~known]).tolist()}. Start anew: clone the estimator, or set "
                "warm_start=False; partial_fit takes all labels at its first call, as classes=."
            )
        if self.class_weight is not None:
            by_class = compute_class_weight(
                self.class_weight, classes=self.classes_, y=y, sample_weight=weight
            )
            weight = weight * by_class[np.searchsorted(self.classes_, y)]
        return X, self._encoded(y), weight

    def _expect_classes(self, classes):
        """Labels that are to come, at the first call of ``partial_fit``."""
        if classes is None:
            return
        classes = np.unique(classes)
        if hasattr(self, "theta_") and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"Expected classes={self.classes_}, as at the first call, got {classes}. Leave "
                "classes out, or clone the estimator to start anew."
            )
        if not hasattr(self, "theta_"):
            self._given_classes = classes

    def _encoded(self, y):
        """Targets in [0, 1], shape (n, 1) for two classes, else (n, n_classes)."""
        codes = np.searchsorted(self.classes_, y)
        if len(self.classes_) == 2:
            return codes.reshape(-1, 1).astype(float)
        return np.eye(len(self.classes_))[codes]

    def _codes(self, targets):
        return targets[:, 0].astype(int) if targets.shape[1] == 1 else targets.argmax(axis=1)

    def _as_given(self, y):
        return self.classes_[self._codes(y)]

    def _strata(self, y):
        codes = self._codes(y)
        # A class of one row cannot be split.
        return codes if np.bincount(codes).min() > 1 else None

    def _standardise(self, X, y, weight):
        self.X_mean_, self.X_scale_ = standardisation(X, weight)

    def _standardised(self, y):
        return y

    def _loss(self, target, weight):
        return (LogisticLoss if len(self.classes_) == 2 else CrossEntropy)(target, weight)

    def _units(self):
        return LogLossUnits()

    def _output_units(self):
        return 0.0, 1.0

    def _n_network_outputs(self):
        return 1 if len(self.classes_) == 2 else len(self.classes_)
