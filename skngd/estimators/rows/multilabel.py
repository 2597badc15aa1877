"""Targets of several labels at once: an indicator matrix of 0 and 1."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import type_of_target

from ...losses import LogisticLoss
from .data import weighted_rows
from .targets import Labels


def is_indicator(y):
    """Whether y is a matrix that says of each label whether a row has it."""
    try:
        y = y if issparse(y) else np.asarray(y)
    except ValueError:  # ragged
        return False
    if y.ndim != 2 or y.shape[1] < 2:
        return False
    with np.errstate(invalid="ignore"):  # what is not finite is refused where y is validated
        return type_of_target(y) == "multilabel-indicator"


class Indicators(Labels):
    """Any number of labels in each row; independent logistic outputs, one for each label.

    The loss is the sum of their cross-entropies. ``classes`` are the numbers of the columns.
    """

    is_multilabel, is_relative = True, False

    @property
    def n_outputs(self):
        return len(self.classes)

    def validated(self, estimator, X, y, sample_weight, reset):
        """Rows of a positive weight, with y as numbers 0.0 and 1.0."""
        X, y = self.validated_rows(estimator, X, y, reset)
        y = np.asarray(y.toarray() if issparse(y) else y, dtype=np.float64)
        expected = (
            "Expected y of shape (n_samples, n_labels), 1 where a row has a label and 0 elsewhere, "
        )
        if y.ndim != 2 or not np.isin(y, (0.0, 1.0)).all():
            came = f"shape {y.shape}" if y.ndim != 2 else f"{np.unique(y)[:4].tolist()}"
            raise ValueError(
                f"{expected}got {came}. Pass such a matrix; MultiLabelBinarizer makes one."
            )
        if self.classes is None:
            self.classes = np.arange(y.shape[1])
        if y.shape[1] != len(self.classes):
            raise ValueError(
                f"{expected}with {len(self.classes)} columns, got {y.shape[1]}. Clone the "
                "estimator, or set warm_start=False, to start anew."
            )
        X, y, weight = weighted_rows(X, y, sample_weight)
        if isinstance(self.class_weight, dict):
            raise ValueError(
                "Expected class_weight='balanced' or None with several labels in each row, got "
                "a dict. Pass weights of the rows as sample_weight."
            )
        if self.class_weight is not None:
            weight = weight * compute_sample_weight(self.class_weight, y)
        return X, y, weight

    def decode(self, values):
        """1 where a label is more likely than not."""
        return (values > 0).astype(int)

    def as_given(self, y):
        """The indicator matrix."""
        return y.astype(int)

    def strata(self, y):
        """Each row counts with the rarest thing that it has: a rare label, or the lack of one."""
        share = y.mean(axis=0)
        is_rare = np.where(share <= 0.5, y, 1 - y).astype(bool)
        rarity = np.minimum(share, 1 - share)
        ranked = np.where(is_rare, rarity, np.inf)
        return np.where(is_rare.any(axis=1), ranked.argmin(axis=1), y.shape[1])

    def loss(self, target, weight):
        return LogisticLoss(target, weight)
