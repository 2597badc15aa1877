"""A physics problem: where it lives, its conditions, its equation and its coefficients."""

import copy
import inspect
import pickle
import sys

from sklearn.base import BaseEstimator

from .unknowns import Input, Unknown

# Copies and cloudpickle (joblib's worker processes) take functions as they are; pickle does not.
TAKES_LAMBDAS = ("copy", "cloudpickle", "joblib.externals.cloudpickle")


class Problem(BaseEstimator):
    """Base class of physics problems; derive a class and state ``residual``.

    Coefficients are arguments of the constructor, stored under their names. Each may be a number,
    an :class:`Unknown` (found from measurements) or an :class:`Input` (one more column of X).

    Attributes
    ----------
    domain : Domain
        A class attribute or a property.
    conditions : sequence of Condition
        A class attribute or a property that uses ``self``.
    fields : tuple of str, default=("u",)
        Names of the solution's components, in the order of the columns of ``predict``.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.pde import Box, Dirichlet, Initial, Problem
    >>> class Heat(Problem):
    ...     domain = Box(t=(0, 1), x=(0, 1))
    ...     conditions = (Initial(lambda x: np.sin(np.pi * x)), Dirichlet(0.0, on="x"))
    ...
    ...     def __init__(self, kappa=0.25):
    ...         self.kappa = kappa
    ...
    ...     def residual(self, u, t, x):
    ...         return u.t - self.kappa * u.xx
    >>> Heat(kappa=0.1)
    Heat(kappa=0.1)
    """

    domain = None
    conditions = ()
    fields = ("u",)

    def residual(self, *arguments):
        """The equation, with everything on one side.

        Called with the fields and then the coordinates; returns one quantity for each equation,
        several as a tuple. NumPy functions may be used; it has to be pointwise.
        """
        raise TypeError(
            f"{type(self).__name__} has no equation. Give it a method residual(self, "
            f"{', '.join([*self.fields, *getattr(self.domain, 'names', ('x',))])})."
        )

    @staticmethod
    def from_function(residual, domain, conditions=(), fields=("u",), coefficients=None):
        """State a problem without a class.

        Parameters
        ----------
        residual : callable
            ``residual(u, t, x, nu)``: the fields, the coordinates, the coefficients.
        domain : Domain
        conditions : sequence of Condition, default=()
        fields : tuple of str, default=("u",)
        coefficients : dict, default=None
            Numbers, :class:`Unknown` or :class:`Input` by name; parameters of the problem.

        Returns
        -------
        problem : FunctionProblem

        Examples
        --------
        >>> from skngd.pde import Box, Dirichlet, Problem
        >>> problem = Problem.from_function(
        ...     lambda u, x, q: u.xx + q, Box(x=(0, 1)), [Dirichlet(0.0)], coefficients={"q": 1.0}
        ... )
        >>> problem.get_params()["q"]
        1.0
        """
        return FunctionProblem(residual, domain, conditions, fields, coefficients)

    @property
    def unknowns(self):
        """The coefficients to be found, by name."""
        return self._of_kind(Unknown)

    @property
    def inputs(self):
        """The coefficients that are columns of X, by name."""
        return self._of_kind(Input)

    def _of_kind(self, kind):
        parameters = self.get_params().items()
        return {name: value for name, value in parameters if isinstance(value, kind)}

    def with_coefficients(self, values):
        """A shallow copy with other coefficients."""
        other = copy.copy(self)
        for name, value in values.items():
            setattr(other, name, value)
        return other

    def __getstate__(self):
        nameless = [
            name
            for name, value in self.__dict__.items()
            if inspect.isfunction(value) and "<" in value.__qualname__
        ]
        if nameless and not _taken_by_value():
            raise pickle.PicklingError(
                f"{type(self).__name__} holds {nameless[0]}={getattr(self, nameless[0])!r}, a "
                "lambda or inner function, which pickle cannot store. Write it as a function of a "
                "module (def ... at top level) and pass that."
            )
        return super().__getstate__()


def _taken_by_value():
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(TAKES_LAMBDAS):
            return True
        frame = frame.f_back
    return False


class FunctionProblem(Problem):
    """A problem made by :meth:`Problem.from_function`; see there."""

    def __init__(self, function, domain, conditions=(), fields=("u",), coefficients=None):
        self.function = function
        self.domain = domain
        self.conditions = conditions
        self.fields = fields
        self.coefficients = coefficients

    def residual(self, *arguments):
        return self.function(*arguments, **(self.coefficients or {}))

    def get_params(self, deep=True):
        """Parameters of the constructor and, if ``deep``, the coefficients by name."""
        own = super().get_params(deep=False)
        return {**own, **(self.coefficients or {})} if deep else own

    def set_params(self, **params):
        """Set parameters of the constructor or coefficients by name."""
        named = {
            name: params.pop(name) for name in list(params) if name in (self.coefficients or {})
        }
        if named:
            self.coefficients = {**self.coefficients, **named}
        return super().set_params(**params)

    def with_coefficients(self, values):
        other = copy.copy(self)
        other.coefficients = {**(self.coefficients or {}), **values}
        return other
