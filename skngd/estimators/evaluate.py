"""What a fitted ``PINNEstimator`` answers: values, derivatives, residuals and scores."""

import numpy as np
import torch
from sklearn.metrics import r2_score

from ..pde.expressions.quantity import Field
from ..pde.observe import Observed, observed_of
from ..pde.slab import time_axis
from .accuracy.error import change_at, corrected, on_top_alone, physics_of_fresh
from .accuracy.linearised import values_of
from .device import device_at_hand, plain_tensors, row_slices, to_numpy
from .points.observed import named_columns, observed
from .points.physics import build_physics, columns_of, fitted_view
from .several import refuse_slabs, slabs_of

# A step of an unknown in its own parameter, and what rounding leaves of a field at best.
STEP, ROUNDING = 1e-6, 1e-14
# Points at which score(X) looks at the equation and at each condition, and their seed.
SCORE_POINTS, SCORE_SEED = 512, 20240229


def fitted_physics(estimator, problem=None):
    """The physics of a fitted estimator, for its predictions, or with another problem."""
    device, view = device_at_hand(estimator.device_), fitted_view(estimator)
    return build_physics(estimator, problem or estimator.problem_, device, view)


def measured_physics(estimator, problem=None):
    """The same with sizes from points that are always the same, and these points."""
    physics = fitted_physics(estimator, problem)
    n = [SCORE_POINTS] * len(physics.problem.with_numbers().conditions)
    random_state = np.random.RandomState(SCORE_SEED)
    points = physics.discretization.sample(SCORE_POINTS, n, "sobol", random_state)
    physics.adopt_sizes(physics.discretization.blocks(points))
    return physics, points


def network_of(estimator, physics):
    """The parameters of a fitted network, as a tensor; refused where there are several."""
    refuse_slabs(estimator)
    return torch.tensor(estimator.theta_, **physics.kind)


def solved(estimator, physics):
    """Physics whose network is the whole solution, with what corrects it, and the parameters."""
    if slabs_of(estimator):
        return _composed(estimator, physics)
    network, correction = network_of(estimator, physics), estimator._correction
    if correction is None:
        return physics, network
    return corrected(physics, network, correction)[:2]


def _composed(estimator, physics):
    """Physics whose network is zero, on top of the solutions on slabs, and its parameters."""
    slabs = slabs_of(estimator)
    solutions = [solved(one, fitted_physics(one)) for one in slabs]

    def solution(field, index, x):
        found = x.new_empty(len(x))
        for number, rows in _by_slab(estimator, to_numpy(x)):
            (one, theta), there = solutions[number], x[rows]
            found[rows] = one.discretization.field_at(theta, there, index, field)
        return found

    return on_top_alone(physics, solution)


def _by_slab(estimator, X):
    """The number of each slab in which rows of X are, and these; an end belongs to its slab."""
    slabs = slabs_of(estimator)
    axis = time_axis(estimator.problem_)
    ends = [one.problem_.high for one in slabs[:-1]]
    numbers = np.searchsorted(ends, X[:, axis])
    return [(int(number), np.flatnonzero(numbers == number)) for number in np.unique(numbers)]


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


def fields_at(estimator, X, index=()):
    """∂^index of each field at points, shape (n, n_fields)."""
    with plain_tensors():
        physics = fitted_physics(estimator)
        return _at_points(estimator, physics, points_of(estimator, physics, X), index)


def _at_points(estimator, physics, X, index=()):
    physics, theta = solved(estimator, physics)
    derivative, fields = physics.discretization.derivative, physics.problem.fields
    parts = [
        np.stack([derivative(theta, X[rows], index, field) for field in fields], axis=1)
        for rows in row_slices(len(X), max(len(theta), len(estimator.theta_)))
    ]
    return np.concatenate(parts)


def solution_at(estimator, X, index=()):
    """∂^index of the solution at points."""
    return _flat(fields_at(estimator, X, index))


def error_of(estimator, X):
    """The estimated size of the error of the solution at points, with what the noise does."""
    if slabs_of(estimator):
        return _error_on_slabs(estimator, X)
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
        X, network = points_of(estimator, physics, X), network_of(estimator, physics)
        if estimator._field_posterior is not None:
            square = _variance_of_posterior(estimator, physics, network, X)
        else:
            square = _square_of_error(estimator, physics, network, X)
        size = np.abs(_at_points(estimator, physics, X)).max(axis=0, initial=0.0)
    return _flat(np.hypot(np.sqrt(square), ROUNDING * size))


def _error_on_slabs(estimator, X):
    """The same, where each slab tells its own, with what came from those before it."""
    with plain_tensors():
        X = points_of(estimator, fitted_physics(estimator), X)
    found = np.empty((len(X), len(estimator.problem_.fields)))
    for number, rows in _by_slab(estimator, X):
        one = slabs_of(estimator)[number]
        found[rows] = error_of(one, _inside(one, X[rows])).reshape(len(rows), -1)
    return _flat(found)


def _inside(slab, X):
    """Rows of a slab that rounding has left just outside."""
    low, high = slab.problem_.domain.bounds.T
    X = X.copy()
    X[:, : len(low)] = np.clip(X[:, : len(low)], low, high)
    return X


def change_on_slab(slab, X, index=()):
    """∂^index of the estimated error of a solution at points, shape (m, n_fields)."""
    with plain_tensors():
        physics = fitted_physics(slab)
        names = tuple(physics.problem.domain.names[axis] for axis in index)
        return change_at(physics, network_of(slab, physics), slab._error, X, names)


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
    return _following(estimator, physics, network_of(estimator, physics), X)


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
    with plain_tensors():
        # The sizes are those at fixed points, whatever X is.
        physics, points = measured_physics(estimator)
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
        return fields_at(estimator, X)
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
