"""What a fitted ``PINNEstimator`` answers: values, derivatives, residuals and scores."""

import numpy as np
import torch
from sklearn.metrics import r2_score

from ..pde.expressions.quantity import Field
from ..pde.observe import Observed, observed_of
from .device import device_at_hand, plain_tensors, row_slices, to_numpy
from .error import change_at, corrected, physics_of_fresh
from .linearised import values_of
from .observed import named_columns, observed
from .physics import build_physics, columns_of, fitted_view

# A step of an unknown in its own parameter, and what rounding leaves of a field at best.
STEP, ROUNDING = 1e-6, 1e-14
# Points at which score(X) looks at the equation and at each condition, and their seed.
SCORE_POINTS, SCORE_SEED = 512, 20240229


def fitted_physics(estimator):
    """The physics of a fitted estimator, for its predictions."""
    device, view = device_at_hand(estimator.device_), fitted_view(estimator)
    return build_physics(estimator, estimator.problem_, device, view)


def _network(estimator, physics):
    return torch.tensor(estimator.theta_, **physics.kind)


def solved(estimator, physics):
    """Physics whose network is the whole solution, with what corrects it, and the parameters."""
    network, correction = _network(estimator, physics), estimator._correction
    if correction is None:
        return physics, network
    return corrected(physics, network, correction)[:2]


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


def _flat(values):
    """A single column as an array of one dimension."""
    return values[:, 0] if values.shape[1] == 1 else values


def _fields_at(estimator, X, index=()):
    """∂^index of each field at points, shape (n, n_fields)."""
    with plain_tensors():
        physics = fitted_physics(estimator)
        return _at_points(estimator, physics, points_of(estimator, physics, X), index)


def _at_points(estimator, physics, X, index=()):
    physics, theta = solved(estimator, physics)
    derivative, fields = physics.discretization.derivative, physics.problem.fields
    parts = [
        np.stack([derivative(theta, X[rows], index, field) for field in fields], axis=1)
        for rows in row_slices(len(X), len(theta))
    ]
    return np.concatenate(parts)


def solution_at(estimator, X, index=()):
    """∂^index of the solution at points."""
    return _flat(_fields_at(estimator, X, index))


def error_of(estimator, X):
    """The estimated size of the error of the solution at points, with what the noise does."""
    is_free = estimator.unknowns_ and estimator._spread is None
    if estimator._field_posterior is None and (estimator._error is None or is_free):
        raise ValueError(
            "Expected a fit whose error is estimated for return_std=True: estimate_error=True, a "
            "problem whose conditions determine its solution, measurement_weight='auto', no rows "
            "of its own, double precision, got error_estimate_="
            f"{estimator.error_estimate_}. Call predict(X)."
        )
    with plain_tensors():
        physics = fitted_physics(estimator)
        X, network = points_of(estimator, physics, X), _network(estimator, physics)
        if estimator._field_posterior is not None:
            square = _variance_of_posterior(estimator, physics, network, X)
        else:
            square = _square_of_error(estimator, physics, network, X)
        size = np.abs(_at_points(estimator, physics, X)).max(axis=0, initial=0.0)
    return _flat(np.hypot(np.sqrt(square), ROUNDING * size))


def _square_of_error(estimator, physics, network, X):
    """(Err), and what the noise does through the unknowns."""
    square = change_at(physics, network, estimator._error, X) ** 2
    if estimator._spread is not None:
        follow = _following(estimator, physics, network, X)
        square += np.einsum("mfi,ij,mfj->mf", follow, estimator._spread[1], follow)
    return square


def responses_of(estimator, X):
    """How the fields follow the unknowns in their own parameters, shape (m, n_fields, q)."""
    physics = fitted_physics(estimator)
    X = points_of(estimator, physics, X)
    return _following(estimator, physics, _network(estimator, physics), X)


def _following(estimator, physics, network, X):
    follow = [change_at(physics, network, part, X) for part in estimator._spread[0]]
    return np.stack(follow, axis=2) + _of_hard_values(estimator, X)


def _variance_of_posterior(estimator, physics, network, X):
    """The variances of the fields, with a prior, shape (m, n_fields)."""
    kept, n_fields, parts = estimator._field_posterior, len(physics.problem.fields), []
    wide, theta = physics_of_fresh(physics, kept)
    for rows in row_slices(len(X), kept["direction"].size):
        spread = 0.0
        for one, at, factor in (
            (physics, physics.residuals.internal(network), kept["direction"]),
            (wide, theta, kept["last"]),
        ):
            points = one.objective(values_of(one, X[rows])).points
            record = one.residuals.record(at, points)
            of_last = one is wide
            columns = record.output_jacobian() if of_last else record.jacobian()
            spread = spread + to_numpy(columns) @ factor
        spread = spread.reshape(n_fields, -1, spread.shape[1]).swapaxes(0, 1)
        if estimator.unknowns_:
            spread = spread + _of_hard_values(estimator, X[rows]) @ kept["unknowns"]
        parts.append((spread**2).sum(axis=2))
    variances = np.concatenate(parts)
    variances[:, kept["is_open"]] = np.inf
    return variances


def _of_hard_values(estimator, X):
    """How the fields follow the unknowns by hard values that contain some, shape (m, f, q)."""
    problem, device = estimator.problem_, device_at_hand(estimator.device_)
    network, view = torch.tensor(estimator.theta_), fitted_view(estimator)
    columns = []
    for name, slope in estimator._slopes.items():
        value, moved = estimator.unknowns_[name], []
        for sign in (1, -1):
            there = problem.with_coefficients({name: value + sign * STEP * slope})
            physics = build_physics(estimator, there, device, view)
            at = network.to(**physics.kind)
            derivative, fields = physics.discretization.derivative, problem.fields
            moved.append(np.stack([derivative(at, X, (), field) for field in fields], axis=1))
        columns.append((moved[0] - moved[1]) / (2 * STEP))
    return np.stack(columns, axis=2)


def residual_at(estimator, X):
    """Residuals of the equation at points."""
    with plain_tensors():
        physics = fitted_physics(estimator)
        X = points_of(estimator, physics, X)
        physics, theta = solved(estimator, physics)
        block = physics.discretization.equation(X)
        return _flat(physics.values(theta, [block]).reshape(block.n_equations, -1).T)


def score_of(estimator, X, y, sample_weight):
    """R² of what was observed; without y, minus the relative RMS of all residuals."""
    if y is None:
        return _residual_score(estimator, X)
    return _r2_of_observed(estimator, X, y, sample_weight)


def _residual_score(estimator, X):
    """Minus the RMS of all residuals, at X and at fixed points, relative to that of nothing.

    Each equation is divided by the size of its terms, and nothing is the network that is zero.
    """
    n = [SCORE_POINTS] * len(estimator.problem_.with_numbers().conditions)
    random_state = np.random.RandomState(SCORE_SEED)
    with plain_tensors():
        physics = fitted_physics(estimator)
        points = physics.discretization.sample(SCORE_POINTS, n, "sobol", random_state)
        # The sizes are those at fixed points, whatever X is.
        physics.adopt_sizes(physics.discretization.blocks(points))
        if X is not None:
            points[0] = [points_of(estimator, physics, X)], None, None
        fitted, nothing = (
            sum(
                float((one.values(theta, [block]) ** 2).mean())
                for block in one.discretization.blocks(points)
            )
            for one, theta in (
                solved(estimator, physics),
                (physics, torch.zeros(physics.model.n_parameters, **physics.kind)),
            )
        )
    return -float(np.sqrt(fitted / (nothing or 1.0)))


def observed_at(estimator, X, told):
    """What measurements would be at points, shape (n, number of columns of y)."""
    if estimator.problem_.observed is None:
        return _fields_at(estimator, X)
    with plain_tensors():
        physics = fitted_physics(estimator)
        X = points_of(estimator, physics, X)
        physics, network = solved(estimator, physics)
        given = X, np.zeros((len(X), len(told))), np.ones(len(X)), 1.0, physics.trial_unknowns()
        conditions = [Observed(one) for one in told]
        blocks = physics.discretization.observations(*given, conditions)
        return physics.values(network, blocks).reshape(len(told), -1).T


def _r2_of_observed(estimator, X, y, sample_weight):
    """R² of what was observed, the mean over columns."""
    if X is None:
        raise ValueError("Expected X with y, got None. Pass the points where y was measured.")
    told = observed_of(estimator.problem_)
    u = observed_at(estimator, X, told)
    y, weight = observed(u, y, sample_weight, [one.name for one in told])
    scores = []
    for measured, solution in zip(y.T, u.T, strict=True):
        seen = np.isfinite(measured)
        if seen.any():
            scores.append(r2_score(measured[seen], solution[seen], sample_weight=weight[seen]))
    return float(np.mean(scores))
