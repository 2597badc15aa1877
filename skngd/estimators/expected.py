"""What is expected of a fit of a problem before its network is chosen: where, and what is free."""

import numpy as np

from .device import multiplications, resolve_device
from .error import is_determined
from .ground import Ground, with_network
from .physics import columns_of
from .prior import unobserved
from .race import is_raced

# The network that is expected where it is left open.
EXPECTED = "tanh", (32,)


def free_fields(estimator, given):
    """Those that nobody measured, where the conditions do not determine the solution.

    ``given`` are the arguments of :class:`Ground` behind the estimator.
    """
    problem, (_, y, _), *_ = given
    if y is None or estimator.measurement_weight != "auto":
        return ()
    fields = unobserved(problem, y)
    if not fields:
        return ()
    named = with_network(estimator, *EXPECTED) if is_raced(estimator) else estimator
    ground = Ground(named, *given)
    theta = ground.tensor(ground.physics.initial(np.random.RandomState(0)))
    return () if is_determined(ground.physics, theta, "tanh") else fields


def expected_device(estimator, problem, X, is_open):
    """Where to fit, from the sizes that are to be expected; ``is_open``: of the network, too."""
    n_fields = len(problem.fields)
    if is_open:
        estimator = with_network(estimator, *EXPECTED)
    model = estimator._build_model(len(columns_of(problem)), n_fields)
    n_rows = estimator.n_interior
    if n_rows == "auto" or X is not None:
        n_rows = 5 * model.n_parameters if X is None else len(X)
    n_rows = n_rows if estimator.batch_size is None else estimator.batch_size
    work = multiplications(int(np.prod(n_rows)), n_fields, model.n_parameters)
    return resolve_device(estimator.device, work)
