"""What a diagnosis looks at: tangent space, neurons and errors of a fitted estimator."""

import functools

import numpy as np
import torch

from ..estimators.base import DTYPES
from ..estimators.device import device_at_hand, plain_tensors, to_numpy
from ..estimators.evaluate import fitted_physics
from ..estimators.forward import FORMS
from ..estimators.rows.dense import densified
from ..optim import Objective
from .tangent_rows import sample_of_domain, solves_a_problem

# The seed of fresh points, and the most rows that stand for all in a factorisation.
SEED, MOST_ROWS = 20250314, 3000


class EvidenceOfFit:
    """What is known of a fit, each part computed when it is asked for.

    Parameters
    ----------
    estimator : fitted estimator
    X, y : array-like, default=None
        Rows, of the fit or others. For a problem they are not needed.

    Attributes
    ----------
    has_problem, has_measurements : bool
        The measurements are those of a problem.
    """

    def __init__(self, estimator, X=None, y=None):
        self.estimator = estimator
        self.has_problem = solves_a_problem(estimator)
        self.has_measurements = any(key.startswith("measurements") for key in estimator.history_)
        self.X = None if X is None else densified(estimator._validated_for_prediction(X))
        self.y = None if self.has_problem or X is None else y
        self.given = X, y

    @functools.cached_property
    def objective(self):
        """The loss on the rows, or on fresh points of the problem; None without any."""
        if self.has_problem:
            return self._of_problem()
        return None if self.y is None else self._of_rows()

    def _of_rows(self):
        estimator = self.estimator
        targets = estimator._targets(is_fitted=True)
        X, y, weight = targets.validated(estimator, *self.given, None, reset=False)
        kind = self._kind()
        model = estimator._build_model(X.shape[1], targets.n_outputs, kind["device"])
        target = torch.as_tensor(targets.encode(y), **kind)
        loss = targets.loss(target, torch.as_tensor(weight, **kind))
        points = torch.as_tensor((X - estimator.X_mean_) / estimator.X_scale_, **kind)
        return Objective(model, loss, points, metric="loss")

    def _of_problem(self):
        self.physics = fitted_physics(self.estimator)
        blocks, _ = sample_of_domain(self.physics)
        return self.physics.objective(self.physics.adopt_sizes(blocks))

    def _kind(self):
        estimator = self.estimator
        return {"dtype": DTYPES[estimator.dtype], "device": device_at_hand(estimator.device_)}

    @functools.cached_property
    def iterate(self):
        """The fit on these points; None without any."""
        if self.objective is None:
            return None
        with plain_tensors():
            theta = torch.tensor(self.estimator.theta_, **self._kind())
            if self.has_problem:
                theta = self.physics.residuals.internal(theta)
            return self.objective.at(theta)

    @functools.cached_property
    def is_finite(self):
        """Whether residuals and derivatives are numbers at all points."""
        with plain_tensors():
            return all(bool(torch.isfinite(rows).all()) for _, rows in self.iterate.operator.rows())

    @functools.cached_property
    def tangent(self):
        """A and b of equation (A) as arrays; None without points, or where they are not finite."""
        if self.iterate is None or not self.is_finite:
            return None
        with plain_tensors():
            rows = torch.cat([rows for _, rows in self.iterate.operator.rows()])
            b = self.iterate.residual
        some = np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(int)
        return to_numpy(rows[some]), to_numpy(b[some])

    @functools.cached_property
    def spectrum(self):
        """Left singular vectors and singular values of A."""
        left, values, _ = np.linalg.svd(self.tangent[0], full_matrices=False)
        return left, values

    @property
    def rank(self):
        """Singular values above the rounding of the largest."""
        _, values = self.spectrum
        return int(np.count_nonzero(values > max(self.tangent[0].shape) * 1e-16 * values[0]))

    @functools.cached_property
    def condition(self):
        """Of the directions that count, with the decay of the fit."""
        A, decay = self.tangent[0], getattr(self.estimator, "alpha_", None)
        if self.has_problem or decay is None:
            values = self.spectrum[1][: self.rank]
            return float(values[0] / values[-1])
        values = np.linalg.svd(np.vstack([A, np.diag(np.sqrt(decay))]), compute_uv=False)
        values = values[values > len(values) * 1e-16 * values[0]]
        return float(values[0] / values[-1])

    @functools.cached_property
    def left(self):
        """How large the residuals are beside y, or the error beside the solution.

        0 where the solution is not determined: then that is what is wrong. 1 where it is not known.
        """
        if self.has_problem:
            errors = list(self.estimator.error_estimate_.values())
            if np.isinf(errors).any():
                return 0.0
            return max((error for error in errors if not np.isnan(error)), default=1.0)
        return float(np.linalg.norm(self.tangent[1]))

    @property
    def is_held_back(self):
        """Whether noise is told apart, by a decay or by unknowns: idle directions do no harm."""
        decay = getattr(self.estimator, "alpha_", None)
        return self.has_measurements or (decay is not None and bool(np.any(np.asarray(decay) > 0)))

    @property
    def error_beside_noise(self):
        """The largest estimated error of a field that is not by the noise of measurements."""
        own = getattr(self.estimator, "_error_beside_noise", None)
        if own is None:
            return 0.0 if getattr(self.estimator, "_field_posterior", None) else np.inf
        return max(own.values())

    @functools.cached_property
    def held_out(self):
        """The loss on the rows, and how many times the error of the fit that is."""
        there = self.estimator._targets(is_fitted=True).units().loss(self.iterate)
        return there, np.sqrt(there / max(self.estimator.loss_, np.finfo(float).tiny))

    @property
    def share(self):
        """‖P b‖² / ‖b‖²: the part of the gradient that the tangent space sees."""
        left, b = self.spectrum[0][:, : self.rank], self.tangent[1]
        return float(np.sum((left.T @ b) ** 2) / np.sum(b**2))

    @functools.cached_property
    def hidden(self):
        """Values and slopes of the neurons of each layer on rows, relative to the steepest slope.

        On those given, else on 500 that are spread over the range of the fit. None for a model of
        one's own.
        """
        estimator, X = self.estimator, self.X
        weights = getattr(estimator, "coefs_", None)
        name = getattr(estimator, "activation_", None) or estimator._activation()
        if weights is None or name not in SLOPES:
            return None
        if X is None:
            low, high = self._range()
            X = np.random.RandomState(SEED).uniform(low, high, (500, len(low)))
        if X.shape[1] != len(weights[0]) or (self.has_problem and not self.is_finite):
            return None
        layers = []
        for W, b in zip(weights[:-1], estimator.intercepts_[:-1], strict=True):
            z = X @ W + b
            X = FORMS[name](z)
            layers.append((X, SLOPES[name](z)))
        return layers

    def _range(self):
        if self.has_problem:
            discretization = fitted_physics(self.estimator).discretization
            return np.asarray(discretization.low), np.asarray(discretization.high)
        return self.estimator._X_range

    @functools.cached_property
    def blocks(self):
        """The last residual of each block of a problem, as a part of the size of its terms."""
        history = self.estimator.history_
        return {
            name: float(np.sqrt(history[name][-1] / np.mean(np.square(size))))
            for name, size in self.estimator.sizes_.items()
            if name in history and history[name][-1] > 0
        }

    @functools.cached_property
    def fresh_blocks(self):
        """The same on fresh points."""
        with plain_tensors():
            value, points = self.iterate.value[:, 0], self.objective.points
            return {
                block.name: float(torch.sqrt(torch.mean(value[rows] ** 2)))
                for block, rows in points.slices()
            }


# Slopes of the activations that saturate, as a part of the steepest.
SLOPES = {
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "logistic": lambda z: 4 * FORMS["logistic"](z) * FORMS["logistic"](-z),
}
