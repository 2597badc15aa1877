"""What ``fit`` and ``partial_fit`` do with rows, for regression and for classification."""

import torch
from sklearn.utils import check_random_state

from .batches import check_step_rule
from .callbacks import Watch
from .data import check_batch_size, hold_out
from .device import few_threads
from .training import train, train_one_step


def fit_rows(estimator, X, y, sample_weight, X_val, y_val, began):
    """Fit the network to rows; see :meth:`NaturalMomentumRegressor.fit`.

    Parameters
    ----------
    estimator : BaseNaturalMomentum
        It encodes the targets, and knows its loss and its units.
    X, y, sample_weight, X_val, y_val
        As given to ``fit``.
    began : float
        When the clock started.
    """
    estimator._check_settings()
    continues = estimator.warm_start and hasattr(estimator, "theta_")
    X, y, weight = estimator._validated_rows(X, y, sample_weight, reset=not continues)
    random_state = check_random_state(estimator.random_state)
    rows, held_out = hold_out(estimator, (X, y, weight), X_val, y_val, random_state)
    X, y, weight = rows
    check_batch_size(estimator.batch_size, len(X))
    if continues:
        estimator._check_outputs(y)
    else:
        estimator._standardise(X, y, weight)
    model = estimator._place_model(len(X))
    objective = estimator._objective(model, X, y, weight)
    validation = None if held_out is None else estimator._objective(model, *held_out)
    if continues:
        starts = [estimator._last_theta(model)]
    else:
        starts = estimator._starts(model, random_state)

    given = X, estimator._as_given(y), weight
    watch = Watch(estimator, given, sample_weight, estimator.max_iter * len(starts))
    with torch.no_grad(), few_threads(estimator._multiplications(len(X), model)):
        trained = train(
            estimator,
            objective,
            starts,
            estimator._build_method,
            estimator._units(),
            validation=validation,
            random_state=random_state,
            watch=watch if watch.is_needed else None,
            began=began,
        )
    estimator._store(model, trained)
    watch.finish()


def partial_fit_rows(estimator, X, y, sample_weight, began):
    """One iteration on these rows; see :meth:`NaturalMomentumRegressor.partial_fit`."""
    estimator._check_settings()
    check_step_rule(estimator, draws=False)
    first = not hasattr(estimator, "theta_")
    X, y, weight = estimator._validated_rows(X, y, sample_weight, reset=first)
    if first:
        estimator._standardise(X, y, weight)
    else:
        estimator._check_outputs(y)
    model = estimator._place_model(len(X))
    if first:
        theta, earlier = model.initial(check_random_state(estimator.random_state)), None
    else:
        theta, earlier = estimator._last_theta(model), estimator
    objective = estimator._objective(model, X, y, weight)
    with torch.no_grad(), few_threads(estimator._multiplications(len(X), model)):
        trained = train_one_step(
            objective, theta, estimator._build_method(), estimator._units(), earlier, began
        )
    estimator._store(model, trained)
