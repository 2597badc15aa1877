"""Rows of Jacobians of a fitted estimator, in the units of X and y."""

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from ..estimators.accuracy.linearised import values_of
from ..estimators.base import DTYPES, BaseNaturalMomentum
from ..estimators.device import device_at_hand, row_slices
from ..estimators.evaluate import fitted_physics, network_of, points_of
from ..estimators.pinn import PINNEstimator
from ..estimators.rows.dense import densified

# The seed of fresh points of a problem.
SEED = 20250110


def checked(estimator):
    """A fitted estimator of this package, else TypeError or NotFittedError."""
    if not isinstance(estimator, BaseNaturalMomentum):
        raise TypeError(
            "Expected a NaturalMomentumRegressor, a NaturalMomentumClassifier or a PINNEstimator, "
            f"got {type(estimator).__name__}. Pass the estimator itself: of a pipeline its last "
            "step, with X as that step sees it; of a search its best_estimator_."
        )
    check_is_fitted(estimator)
    return estimator


def solves_a_problem(estimator):
    """Whether a fitted estimator solves a problem, in place of a fit to rows."""
    return isinstance(estimator, PINNEstimator) and estimator._kind_of_fit().has_problem


def rows_of_values(estimator, X, is_standardised=False):
    """∂v/∂θ at points, equation (J), in the units of y: shape (m c, P), and c.

    Of v_θ as it is before a link: log-odds of a classifier, logarithms of the mean of counts. Of a
    problem, the fields with their hard conditions, without what the estimated error adds.
    """
    if solves_a_problem(estimator):
        physics = fitted_physics(estimator)
        return fields_of(physics, network_of(estimator, physics), points_of(estimator, physics, X))
    X = estimator._validated_for_prediction(X)
    targets = estimator._targets(is_fitted=True)
    kind = {"dtype": DTYPES[estimator.dtype], "device": device_at_hand(estimator.device_)}
    model = estimator._build_model(X.shape[1], targets.n_outputs, kind["device"])
    theta = torch.tensor(estimator.theta_, **kind)
    units = 1.0 if is_standardised else targets.output_units()[1]
    units = np.broadcast_to(np.asarray(units, float), (model.n_outputs,))
    units, parts = torch.tensor(units.copy(), **kind), []
    for rows in row_slices(X.shape[0], model.n_parameters * model.n_outputs):
        standardised = (densified(X[rows]) - estimator.X_mean_) / estimator.X_scale_
        record = model.record(theta, torch.as_tensor(standardised, **kind))
        parts.append(record.jacobian(units.expand(len(standardised), -1)))
    return torch.cat(parts), model.n_outputs


def fields_of(physics, network, X):
    """The same for the fields of a problem at checked points."""
    rows = residual_rows(physics, network, values_of(physics, X))
    n_fields = len(physics.problem.fields)
    return by_point(rows, n_fields), n_fields


def by_point(rows, n_equations):
    """Rows of all points for the first equation, then the second, …, as those of each point."""
    return rows.view(n_equations, -1, rows.shape[1]).transpose(0, 1).reshape(rows.shape)


def residual_rows(physics, network, blocks, is_scaled=False):
    """Rows of the residuals of blocks, equation (PINN); scaled by the roots of their weights."""
    points = physics.objective(blocks).points
    theta = physics.residuals.internal(network)
    scale = points.weights().sqrt().unsqueeze(1) if is_scaled else None
    return physics.residuals.record(theta, points).jacobian(scale)


def block_at(physics, Z, name):
    """The block of the equation or of a condition at points, and the measure of where it holds."""
    discretization, domain = physics.discretization, physics.problem.domain
    stated = (discretization.compiler.equation, *discretization.compiler.conditions)
    conditions = dict(zip(discretization.labels(), stated, strict=True))
    found = conditions.get(name)
    if found is None or not _has_sources(discretization, found):
        possible = [label for label, one in conditions.items() if _has_sources(discretization, one)]
        raise ValueError(
            f"Expected condition to be one of {possible}, got {name!r}. Conditions that are hard, "
            "contain normals or compare places have no source at a single point."
        )
    unknowns = physics.trial_unknowns()
    block = discretization.compiler.block(found, [Z], unknowns=unknowns, label=name)
    return discretization.measured(block), found.condition.measure(domain)


def _has_sources(discretization, stated):
    """Whether a condition is stated at single points, without normals."""
    condition = stated.condition
    if discretization.compiler.is_hard(stated) or condition.needs_normals:
        return False
    sites, _ = condition.sites(discretization.source, 2, "uniform", np.random.RandomState(SEED))
    return len(sites) == 1


def sample_of_domain(physics, X=None):
    """Blocks of equation and conditions on fresh points of the domain, and the interior points.

    As many as a fit takes by itself; Gauss points in one dimension, else Sobol's. X takes the place
    of the interior points.
    """
    discretization, random_state = physics.discretization, np.random.RandomState(SEED)
    n = physics.n_interior("auto")
    sampler = "gauss" if len(discretization.columns) == 1 else "sobol"
    points = discretization.sample(n, physics.n_boundary("auto", n), sampler, random_state)
    if X is not None:
        points[0] = [X], None, None
    blocks = discretization.blocks(points, physics.trial_unknowns())
    return blocks, points[0][0][0]
