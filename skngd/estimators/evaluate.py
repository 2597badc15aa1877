"""What a fitted ``PINNEstimator`` answers: values, derivatives, residuals and scores."""

import numpy as np
import torch
from sklearn.metrics import r2_score

from ..pde.expressions.quantity import Field
from .device import n_cuda_devices
from .observed import named_columns, observed
from .solve import build_physics, columns_of

# Points at which score(X) looks at the equation and at each condition, and their seed.
SCORE_POINTS, SCORE_SEED = 512, 20240229
# Rows that are evaluated at a time.
CHUNK_ROWS = 2**14


def fitted_physics(estimator):
    """The physics of a fitted estimator, for its predictions."""
    device = torch.device(estimator.device_)
    if device.type == "cuda" and (device.index or 0) >= n_cuda_devices():
        device = torch.device("cpu")
    return build_physics(estimator, estimator.problem_, device)


def points_of(estimator, physics, X):
    """Validated rows inside the domain."""
    named_columns(X, columns_of(estimator.problem_))
    if not hasattr(estimator, "feature_names_in_") and hasattr(X, "columns"):
        # Fitted without data, there were no names of columns: those of the problem hold.
        X = np.asarray(X)
    return physics.checked(estimator._validated_for_prediction(X))


def multi_index(problem, of):
    """The multi-index of a derivative by its name, or names of coordinates."""
    asked = []
    field = Field("u", problem.domain.names, lambda index: asked.append(index))
    if isinstance(of, tuple):
        field.d(*of)
    elif isinstance(of, str) and of not in ("d", "laplacian", "tensor", "through"):
        getattr(field, of)
    if not asked:
        raise ValueError(
            f"Expected the name of one derivative, such as 'x' or 'xx', or a tuple of coordinates "
            f"out of {problem.domain.names}, got {of!r}. Use several calls for a sum."
        )
    return asked[0]


def fields_at(estimator, X, index):
    """∂^index of each field at points, shape (n, n_fields)."""
    physics = fitted_physics(estimator)
    X = points_of(estimator, physics, X)
    theta = torch.tensor(estimator.theta_, **physics.kind)
    fields = estimator.problem_.fields
    parts = []
    with torch.no_grad():
        for first in range(0, len(X), CHUNK_ROWS):
            rows = X[first : first + CHUNK_ROWS]
            columns = [
                physics.discretization.derivative(theta, rows, index, field) for field in fields
            ]
            parts.append(np.stack(columns, axis=1))
    return np.concatenate(parts)


def residual_at(estimator, X):
    """Residuals of the equation at points, shape (n, n_equations)."""
    physics = fitted_physics(estimator)
    X = points_of(estimator, physics, X)
    with torch.no_grad():
        block = physics.discretization.equation(X)
        return physics.values(estimator.theta_, [block]).reshape(block.n_equations, -1).T


def physics_score(estimator, X):
    """Minus the RMS of all residuals at X and at fixed points of the conditions."""
    physics = fitted_physics(estimator)
    discretization = physics.discretization
    n = [SCORE_POINTS] * len(estimator.problem_.with_numbers().conditions)
    random_state = np.random.RandomState(SCORE_SEED)
    with torch.no_grad():
        points = discretization.sample(SCORE_POINTS, n, "sobol", random_state)
        if X is not None:
            points[0] = [points_of(estimator, physics, X)], None, None
        blocks = discretization.blocks(points)
        squares = [
            float((physics.values(estimator.theta_, [block]) ** 2).mean()) for block in blocks
        ]
    return -float(np.sqrt(sum(squares)))


def r2_of_observed(estimator, X, y, sample_weight):
    """R² of what was observed, the mean over fields."""
    if X is None:
        raise ValueError("Expected X with y, got None. Pass the points where y was measured.")
    u = fields_at(estimator, X, ())
    y, weight = observed(u, y, sample_weight, estimator.problem_.fields)
    scores = []
    for measured, solution in zip(y.T, u.T, strict=True):
        seen = np.isfinite(measured)
        if seen.any():
            scores.append(r2_score(measured[seen], solution[seen], sample_weight=weight[seen]))
    return float(np.mean(scores))
