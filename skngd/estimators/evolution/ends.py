"""How a slab of time ends, and how the error there goes on in the slab behind it, (Slab)."""

import numpy as np
from sklearn.base import clone

from ...pde.slab import OnSlab
from ..accuracy.error import carried_error
from ..device import plain_tensors
from ..evaluate import change_on_slab, fitted_physics, measured_physics, network_of, solved
from ..neurons import fresh_activation

# What of a fit its values do not need.
UNNEEDED = ("history_", "loss_curve_", "candidates_", "_memory", "_error")


class End:
    """The values and derivatives in time with which a slab ends; see :class:`Continued`.

    Parameters
    ----------
    solution : PINNEstimator
        Fitted on the slab.
    axis : int
        The column that is time.
    time : float
        The end.
    """

    def __init__(self, solution, axis, time):
        self.solution, self.axis, self.time, self.known = clone(solution), axis, time, None
        kept = {name: value for name, value in vars(solution).items() if name not in UNNEEDED}
        # Conditions at its own start do not matter any more.
        problem = solution.problem_
        bare = OnSlab(problem.problem, problem.low, problem.high)
        vars(self.solution).update(kept, problem=bare, problem_=bare)

    def __call__(self, X, field, order):
        X = self.there(X)
        # With time alone all rows are one.
        rows, index = X[:1] if X.shape[1] == 1 else X, (self.axis,) * order
        with plain_tensors():
            if self.known is None:
                self.known = solved(self.solution, fitted_physics(self.solution))
            physics, theta = self.known
            return np.resize(physics.discretization.derivative(theta, rows, index, field), len(X))

    def there(self, X):
        """Points with the end in the place of their time."""
        X = np.array(X)
        X[:, self.axis] = self.time
        return X

    def __getstate__(self):
        return {**vars(self), "known": None}

    def __deepcopy__(self, memo):
        # Nothing changes it.
        return self


class Shifted:
    """An :class:`End` with the error that is estimated there, of ``solution`` before it."""

    def __init__(self, end, solution):
        self.end, self.solution, self.known = end, solution, {}

    def __call__(self, X, field, order):
        there = self.end.there(X)
        rows = there[:1] if X.shape[1] == 1 else there
        key = order, rows.tobytes()
        if key not in self.known:
            self.known[key] = change_on_slab(self.solution, rows, (self.end.axis,) * order)
        column = list(self.solution.problem_.fields).index(field)
        return self.end(X, field, order) + np.resize(self.known[key][:, column], len(X))

    def __deepcopy__(self, memo):
        return self


def error_from(solution, before, n_fresh=None):
    """Parts of the error of a slab, with what comes from the one before it; None: not known.

    Parameters
    ----------
    solution, before : PINNEstimator
        Fitted on two slabs, one after the other; None before the first one.
    n_fresh : int, default=None
        As for :func:`carried_error`.
    """
    problem = solution.problem_
    if before is not None:
        if before._error is None:
            return None
        end = Shifted(problem.end, before)
        problem = OnSlab(problem.problem, problem.low, problem.high, end)
    physics = measured_physics(solution, problem)[0]
    theta = physics.residuals.internal(network_of(solution, physics))
    activation = fresh_activation(solution.activation_)
    return carried_error(physics, theta, activation, solution._correction, n_fresh)
