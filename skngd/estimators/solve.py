"""What ``PINNEstimator.fit`` does with a problem."""

import warnings

import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from ..pde.checks import check_problem, contradictions
from .base import DTYPES
from .callbacks import Watch
from .data import ROWS, advice
from .device import few_threads, multiplications, resolve_device
from .observed import named_columns, observed, weights_of
from .physics import Physics, PhysicsUnits
from .points import Points
from .training import train

# The part of the first squared residuals that is too much for a solution.
UNSOLVED = 1e-5
# What a problem takes of the hyperparameters of regression.
PLAIN = {"loss": "squared", "alpha": 0.0, "metric": "auto"}


def solve(estimator, X, y, sample_weight, began):
    """Fit an estimator with a problem; see :meth:`PINNEstimator.fit`."""
    estimator._check_settings()
    _check_physics_settings(estimator)
    problem = clone(estimator.problem, safe=False)
    check_problem(problem)
    continues = estimator.warm_start and hasattr(estimator, "theta_")
    X, y, weight = _validated(estimator, problem, X, y, sample_weight)
    if problem.unknowns and y is None:
        raise ValueError(
            f"Expected measurements for the unknown coefficients {list(problem.unknowns)}: fit(X, "
            "y). Without them, give the coefficients as numbers."
        )
    _warn_of_the_problem(problem, y)
    random_state = check_random_state(estimator.random_state)
    physics = build_physics(estimator, problem, _device(estimator, problem, X))
    with torch.no_grad():
        points = Points(estimator, physics, X if y is None else None, weight, random_state)
        data = _Data(estimator, physics, X, y, weight)
        blocks = points.draw() + data.blocks
        physics.adopt_scale(blocks)
        objective = physics.objective(blocks)
        if continues:
            starts = [_last(estimator, physics)]
        else:
            n_init = 1 if estimator.n_init == "auto" else estimator.n_init
            starts = [physics.initial(random_state) for _ in range(n_init)]
        resampling, validation = points.resampling(physics.objective, data.blocks, objective), None
        if resampling is not None and not points.begins_fresh:
            # Points that stay the same decide which iterate is the best.
            validation = physics.objective(points.draw() + data.blocks)
        rows = X, (y if y is None or y.shape[1] > 1 else y[:, 0]), weight
        max_iterations = estimator.max_iter * len(starts)
        watch = Watch(estimator, rows, sample_weight, max_iterations, physics.fitted)
        first = objective.at(torch.as_tensor(starts[0], **physics.kind))
        physics.check_start(first)
        with few_threads(multiplications(objective.n_rows, 1, physics.residuals.n_parameters)):
            trained = train(
                estimator,
                objective,
                starts,
                estimator._build_method,
                PhysicsUnits(objective, first.loss),
                validation=validation,
                random_state=random_state,
                resampling=resampling,
                parts=physics.parts,
                watch=watch if watch.is_needed else None,
                began=began,
            )
        _warn_if_unsolved(physics, trained, physics.parts(first), objective)
        points.tally.warn("batch_size or n_interior", stacklevel=5)
        _store(estimator, physics, trained, points, data)
    watch.finish()


def _check_physics_settings(estimator):
    if estimator.loss != "squared" or estimator.alpha > 0 or estimator.metric == "h1":
        name = next(n for n in ("loss", "alpha", "metric") if getattr(estimator, n) != PLAIN[n])
        raise ValueError(
            f"{name}={getattr(estimator, name)!r} is for problem=None. With a problem, the loss is "
            f"the sum of squared residuals; set {name}={PLAIN[name]!r}."
        )
    if estimator.early_stopping:
        raise ValueError(
            "early_stopping=True is for problem=None. With a problem, set max_iter, max_time or "
            "tol, or use cross-validation."
        )


def columns_of(problem):
    """Names of the columns of X: coordinates, then inputs."""
    return (*problem.domain.names, *problem.inputs)


def _validated(estimator, problem, X, y, sample_weight):
    """X, y and weights as arrays, or None where they were not given."""
    columns = columns_of(problem)
    if X is None:
        if y is not None or sample_weight is not None:
            given = "y" if y is not None else "sample_weight"
            raise ValueError(f"Expected X with {given}, got None. Pass the rows it belongs to.")
        estimator.n_features_in_ = len(columns)
        estimator.__dict__.pop("feature_names_in_", None)
        return None, None, None
    named_columns(X, columns)
    with advice(ROWS):
        X = validate_data(estimator, X, dtype=np.float64)
    if X.shape[1] != len(columns):
        raise ValueError(
            f"Expected X with {len(columns)} columns, {columns}, got {X.shape[1]}. Give the "
            "coordinates of the domain, then the inputs, in this order."
        )
    if y is None:
        return X, None, weights_of(X, sample_weight)
    return X, *observed(X, y, sample_weight, problem.fields)


def _warn_of_the_problem(problem, y):
    name = type(problem).__name__
    if not problem.with_numbers().conditions and y is None:
        warnings.warn(
            f"{name} has no conditions and no measurements: its solution is not unique, and the "
            "one that comes out depends on random_state. Give it conditions, such as Dirichlet().",
            UserWarning,
            stacklevel=5,
        )
    for sentence in contradictions(problem):
        warnings.warn(sentence, UserWarning, stacklevel=5)


def _warn_if_unsolved(physics, trained, first, objective):
    """A loss that does not fall any more need not be small."""
    if not trained.stop_reason.startswith("Converged"):
        return
    last = physics.parts(objective.at(torch.as_tensor(trained.theta, **physics.kind)))
    name, part = physics.unsolved(first, last)
    if part > UNSOLVED:
        warnings.warn(
            f"The fit has converged, but not to a solution: the squared residuals are still "
            f"{part:.1%} of those at the start, most of it of {name!r}. Try several layers, such "
            "as hidden_layer_sizes=(20, 20), hard conditions, another random_state, or units in "
            "which the terms of the equation are of the order of one.",
            ConvergenceWarning,
            stacklevel=5,
        )


def _device(estimator, problem, X):
    """Where to fit: from the sizes that are to be expected."""
    n_columns = len(columns_of(problem))
    model = estimator._build_model(n_columns, len(problem.fields))
    n_rows = estimator.n_interior
    if n_rows == "auto" or X is not None:
        n_rows = 5 * model.n_parameters if X is None else len(X)
    n_rows = n_rows if estimator.batch_size is None else estimator.batch_size
    n_points, n_equations = int(np.prod(n_rows)), len(problem.fields)
    work = multiplications(n_points, n_equations, model.n_parameters)
    device = resolve_device(estimator.device, work)
    estimator.device_ = str(device)
    return device


def build_physics(estimator, problem, device):
    """The problem with the network that an estimator's settings name."""
    kind = {"dtype": DTYPES[estimator.dtype], "device": device}
    shape = len(columns_of(problem)), len(problem.fields)
    model = estimator._build_model(*shape, device)
    return Physics(problem, model, kind, estimator._metric())


class _Data:
    """The blocks of the measurements."""

    def __init__(self, estimator, physics, X, y, weight):
        self.blocks = []
        if y is not None:
            self.blocks = physics.discretization.measurements(
                physics.checked(X),
                y,
                weight,
                estimator.measurement_weight,
                physics.trial_unknowns(),
            )


def _last(estimator, physics):
    """The parameters of the last fit."""
    return physics.internal(estimator._last_theta(physics.model), estimator.unknowns_)


def _store(estimator, physics, trained, points, data):
    """Fitted state, NumPy only."""
    theta = torch.as_tensor(trained.theta, **physics.kind)
    for name, value in physics.fitted_at(theta).items():
        setattr(estimator, name, value)
    unknowns = estimator.unknowns_
    estimator.unknowns_std_, estimator.noise_std_ = {}, None
    if unknowns:
        estimator.unknowns_std_, estimator.noise_std_ = physics.uncertainty(
            theta, points.draw(), data.blocks
        )
    discretization = physics.discretization
    estimator.X_mean_, estimator.X_scale_ = discretization.centre, discretization.half_width
    estimator.y_mean_ = np.zeros(len(physics.problem.fields))
    estimator.y_scale_ = np.ones(len(physics.problem.fields))
    trained.theta = estimator.theta_
    estimator._store(physics.model, trained)
