"""What is fitted: numbers, counts or labels, with their checks, encoding, loss and units."""

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ...losses import CrossEntropy, HuberLoss, LogisticLoss, Loss, PoissonDeviance, SquaredLoss
from ...losses.huber import ScaledHuberLoss
from ...losses.poisson import LARGEST_LOGARITHM
from ..units import Units, UnitsOfTargets
from .columns import labels_of, refuse_times
from .data import SPARSE, advice, flattened, refuse_sparse, validate_rows, weighted_rows
from .dense import densified
from .scaling import ROUNDING, moments, robust_moments, scale_of_targets


class Numbers:
    """Real numbers, standardised, y = mean + scale · v; ½ the mean squared error.

    What is other with another kind of numbers stands in a derived class, with an entry in
    :data:`KINDS`.
    """

    loss_type: type[Loss] = SquaredLoss
    is_positive = is_relative = False
    # Whether a few rows far from the others can lead the fit.
    follows_outliers = True
    # What tol="auto" stands for.
    relative_tol = 1e-3
    # The unit of the loss is the scale of y to this power.
    power = 2
    # A standardised loss of which the rest hardly matters: errors of a thousandth.
    negligible = 0.5e-6
    # Which outputs do not vary.
    is_constant: np.ndarray | bool = False

    def __init__(self, estimator, is_fitted):
        if is_fitted:
            self.is_flat = estimator._y_is_flat
            self.mean, self.scale = estimator.y_mean_, estimator.y_scale_

    def attributes(self):
        """What the estimator keeps."""
        return {"_y_is_flat": self.is_flat, "y_mean_": self.mean, "y_scale_": self.scale}

    @property
    def n_outputs(self):
        """Of the network."""
        return len(self.mean)

    def validated(self, estimator, X, y, sample_weight, reset):
        """Rows of a positive weight; see :func:`validate_rows`."""
        X, y, weight, is_flat = validate_rows(estimator, X, y, sample_weight, reset)
        self.check(y)
        if reset:
            self.is_flat = is_flat
        return X, y, weight

    def check(self, y):
        """Refuse values that this kind has not."""

    def centre_and_scale(self, y, weight):
        """What is subtracted, and what is divided by."""
        mean, deviation = moments(y, weight)
        return mean, scale_of_targets(mean, deviation)

    def standardise(self, y, weight):
        """Measure the training rows."""
        self.mean, self.scale = self.centre_and_scale(y, weight)
        self.is_constant = np.ptp(y, axis=0) <= ROUNDING * np.abs(y).max(axis=0)
        if not np.all((self.scale > 1e-152) & (self.scale < 1e152)):
            raise ValueError(
                "Expected y with a standard deviation between 1e-152 and 1e152, so that its square "
                f"is a number, got {self.scale}. Rescale y, for example with "
                "TransformedTargetRegressor."
            )

    def noise_attributes(self, deviation):
        """The standard deviation of the noise of each output, in the units of y."""
        deviation = deviation * self.scale
        return {"noise_std_": float(deviation[0]) if self.is_flat else deviation}

    def encode(self, y):
        """Targets of the network."""
        distance = y - self.mean
        # A constant column stays one, however small its unit.
        distance[np.abs(distance) <= ROUNDING * np.abs(self.mean)] = 0.0
        return distance / self.scale

    def decode(self, values):
        """Values of the network in the units of y, in its shape."""
        return self.as_given(self.inverse(values))

    def inverse(self, values):
        """The y that values of the network stand for."""
        return values * self.scale + self.mean

    def with_std(self, values, variance, noise):
        """Decoded values, and the standard deviation of a new observation."""
        deviation = np.sqrt(variance * self.scale**2 + np.square(noise))
        return self.decode(values), self.as_given(deviation)

    def as_given(self, y):
        """Validated targets in the shape of y."""
        return y.ravel() if self.is_flat else y

    def strata(self, y):
        """Groups that are held out in proportion; None where there are none."""

    def score(self, values, y, weight):
        """R² of values of the network, the mean over outputs, as :meth:`score` of estimators."""
        error, spread = (
            np.average((y - guess) ** 2, axis=0, weights=weight)
            for guess in (self.inverse(values), np.average(y, axis=0, weights=weight))
        )
        # What does not vary is right or wrong.
        constant = np.where(error > 0, 0.0, 1.0)
        ratio = error / np.where(spread > 0, spread, 1.0)
        return float(np.where(spread > 0, 1.0 - ratio, constant).mean())

    def loss(self, target, weight):
        """The loss of standardised targets, equation (L)."""
        return self.loss_type(target, weight)

    def units(self):
        """Losses in the units of y."""
        return UnitsOfTargets(self.scale**self.power)

    def output_units(self):
        """Shift and factor of the last layer, in the units of y."""
        return self.mean, self.scale


class RobustNumbers(Numbers):
    """Numbers with outliers: standardised by median and median deviation; linear tails."""

    loss_type, follows_outliers = HuberLoss, False

    def __init__(self, estimator, is_fitted):
        super().__init__(estimator, is_fitted)
        self.delta = estimator.huber_delta

    def centre_and_scale(self, y, weight):
        centre, deviation = robust_moments(y, weight)
        return centre, scale_of_targets(centre, deviation)

    def loss(self, target, weight):
        if self.delta == "auto":
            return ScaledHuberLoss(target, weight)
        return HuberLoss(target, weight, self.delta)


class Counts(Numbers):
    """Counts, log (y / mean) = v; ½ the Poisson deviance."""

    loss_type, is_positive, power = PoissonDeviance, True, 1
    follows_outliers = False

    def check(self, y):
        if y.min() < 0 or (y.max(axis=0) == 0).any():
            raise ValueError(
                "Expected counts, y >= 0 and not all zero, for loss='poisson', got y from "
                f"{y.min():g} to {y.max():g}. Set loss='squared' or 'huber' for other targets."
            )

    def centre_and_scale(self, y, weight):
        mean = np.average(y, axis=0, weights=weight)
        return np.zeros_like(mean), mean

    def noise_attributes(self, deviation):
        """The square root of the dispersion: the variance of a count is dispersion times mean."""
        deviation = deviation * np.sqrt(self.scale)
        return {"noise_std_": float(deviation[0]) if self.is_flat else deviation}

    def with_std(self, values, variance, noise):
        mean = self.inverse(values)
        deviation = np.sqrt(mean**2 * variance + np.square(noise) * mean)
        return self.as_given(mean), self.as_given(deviation)

    def inverse(self, values):
        return np.exp(np.clip(values, None, LARGEST_LOGARITHM)) * self.scale

    def output_units(self):
        return np.log(self.scale), 1.0


# The kind of numbers by the name of its loss.
KINDS = {"squared": Numbers, "huber": RobustNumbers, "poisson": Counts}


class Labels:
    """Labels of classes; the cross-entropy.

    Two classes have one output, the log-odds of the second; more have one output each.
    """

    # Labels are settled long before the third digit of the cross-entropy is.
    relative_tol = 1e-2
    # A cross-entropy of which the rest hardly matters: probabilities of 0.999.
    negligible = 1e-3
    is_multilabel = is_constant = follows_outliers = False

    rows = (
        "Expected X of shape (n_samples, n_features), real and finite, and y of shape (n_samples,) "
        "with one label for each row, or of shape (n_samples, n_labels) with 0 and 1."
    )

    def __init__(self, estimator, is_fitted, classes=None):
        self.class_weight = estimator.class_weight
        self.classes = None if classes is None else np.unique(classes)
        if is_fitted:
            given, self.classes = self.classes, estimator.classes_
            if given is not None and not np.array_equal(given, self.classes):
                raise ValueError(
                    f"Expected classes={self.classes}, as at the first call, got {given}. Leave "
                    "classes out, or clone the estimator to start anew."
                )

    def attributes(self):
        """What the estimator keeps."""
        return {"classes_": self.classes, "_is_multilabel": self.is_multilabel}

    @property
    def n_outputs(self):
        """Of the network."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def validated(self, estimator, X, y, sample_weight, reset):
        """Rows of a positive weight, with y encoded as numbers in [0, 1]."""
        refuse_sparse(y)
        X, y = self.validated_rows(estimator, X, y, reset)
        X, y, weight = weighted_rows(X, flattened(y), sample_weight)
        if self.classes is None:
            self.classes = np.unique(y)
        if len(self.classes) < 2:
            raise ValueError(
                "Expected labels of at least two classes, got one class: "
                f"{self.classes.tolist()[0]!r}. Check the labels, or the split that they come "
                "from; partial_fit takes all the labels that are to come as classes=."
            )
        known = np.isin(y, self.classes)
        if not known.all():
            raise ValueError(
                f"Expected labels out of classes_={self.classes.tolist()}, got "
                f"{np.unique(y[~known]).tolist()}. Start anew: clone the estimator, or set "
                "warm_start=False; partial_fit takes all labels at its first call, as classes=."
            )
        codes = np.searchsorted(self.classes, y)
        if self.class_weight is not None:
            settings = {"classes": self.classes, "y": y, "sample_weight": weight}
            weight = weight * compute_class_weight(self.class_weight, **settings)[codes]
        if len(self.classes) == 2:
            return X, codes.reshape(-1, 1).astype(float), weight
        return X, np.eye(len(self.classes))[codes], weight

    def validated_rows(self, estimator, X, y, reset):
        """X and y as dense arrays, y with labels."""
        refuse_times(X)
        y = None if y is None else labels_of(y)
        settings = {"dtype": np.float64, "accept_sparse": SPARSE, "multi_output": True}
        with advice(self.rows, X):
            X, y = validate_data(estimator, X, y, reset=reset, **settings)
            check_classification_targets(y)
        return densified(X), y

    def standardise(self, y, weight):
        """Nothing to measure."""

    def noise_attributes(self, deviation):
        """Labels have no noise of their own."""
        return {}

    def encode(self, y):
        """Targets of the network."""
        return y

    def decode(self, values):
        """The most probable labels."""
        is_second = values.shape[1] == 1
        return self.classes[(values[:, 0] > 0).astype(int) if is_second else values.argmax(axis=1)]

    def as_given(self, y):
        """The labels of encoded targets."""
        return self.classes[self._codes(y)]

    def _codes(self, y):
        return y[:, 0].astype(int) if y.shape[1] == 1 else y.argmax(axis=1)

    @property
    def is_relative(self):
        """Whether only differences of outputs count, as in a softmax."""
        return self.n_outputs > 1

    def score(self, values, y, weight):
        """The share of rows that are right."""
        is_right = self.decode(values) == self.as_given(y)
        return float(np.average(is_right.reshape(len(y), -1).all(axis=1), weights=weight))

    def strata(self, y):
        """Classes are held out in proportion."""
        return self._codes(y)

    def loss(self, target, weight):
        """The loss of encoded targets, equation (L)."""
        return (LogisticLoss if len(self.classes) == 2 else CrossEntropy)(target, weight)

    def units(self):
        """The cross-entropy is a number by itself."""
        return Units()

    def output_units(self):
        """Shift and factor of the last layer: none."""
        return 0.0, 1.0
