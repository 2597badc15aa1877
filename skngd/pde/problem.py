"""A physics problem: where it lives, its conditions, its equation and its coefficients."""

import inspect
from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

from sklearn.base import BaseEstimator

from ..geometry.domain import Domain
from ..geometry.shown import shown
from .coefficients import Input, Unknown
from .condition import Condition, are_equal


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
    observed : tuple of Observe or str, default=None
        What the columns of y are in ``fit(X, y)``; None: the fields.

    See Also
    --------
    skngd.pde.Unknown : A coefficient that measurements tell.
    skngd.pde.Input : A coefficient that is one more column of X.
    skngd.pde.Equation : A residual of one's own.

    Notes
    -----
    pickle stores functions by their names, so that it refuses a problem that holds a lambda or an
    inner function. Copies, and the worker processes of joblib, take them as they are.

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

    domain: Domain | None = None
    conditions: Sequence[Condition] = ()
    fields: Sequence[str] = ("u",)
    observed: Sequence | None = None

    def residual(self, *arguments):
        """The equation, with everything on one side.

        Called with the fields and then the coordinates; returns one quantity for each equation,
        several as a tuple. NumPy functions may be used; it has to be pointwise.

        Parameters
        ----------
        *arguments : Field and Quantity
            The fields, then the coordinates, in the order of the domain.

        Returns
        -------
        residual : Quantity or tuple of Quantity
            Zero where the equation holds.
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
            Where the equation holds.
        conditions : sequence of Condition, default=()
            Initial, boundary and other conditions.
        fields : tuple of str, default=("u",)
            Names of what is solved for.
        coefficients : dict, default=None
            Numbers, :class:`Unknown` or :class:`Input` by name; parameters of the problem.

        Returns
        -------
        problem : FunctionProblem
            A problem as any other.

        Examples
        --------
        >>> from skngd.pde import Box, Dirichlet, Problem
        >>> problem = Problem.from_function(
        ...     lambda u, x, q: u.xx + q, Box(x=(0, 1)), [Dirichlet(0.0)], coefficients={"q": 1.0}
        ... )
        >>> problem.get_params()["q"]
        1.0
        """
        if not callable(residual):
            raise ValueError(
                f"Expected residual to be a function of the fields and the coordinates, got "
                f"{shown(residual)}. The domain comes second, such as from_function(lambda u, x: "
                "u.xx, Box(x=(0, 1)))."
            )
        made = FunctionProblem(residual, domain, conditions, fields, coefficients)
        if not isinstance(coefficients, dict | None):
            raise ValueError(
                f"Expected coefficients to be a dict of values by name, got {shown(coefficients)}. "
                "Try coefficients={'nu': 0.1}."
            )
        for name in coefficients or ():
            if not (isinstance(name, str) and name.isidentifier()) or name in vars(made):
                raise ValueError(
                    f"Expected names of coefficients that can be arguments, and other ones than "
                    f"{tuple(vars(made))}, got {shown(name)}. Change it, such as to 'nu'."
                )
        return made

    @property
    def unknowns(self):
        """The coefficients to be found, by name."""
        return self._of_kind(Unknown)

    @property
    def inputs(self):
        """The coefficients that are columns of X, by name."""
        return self._of_kind(Input)

    def _of_kind(self, kind):
        given = self.coefficients_by_name().items()
        return {name: value for name, value in given if isinstance(value, kind)}

    def coefficients_by_name(self):
        """What the constructor was given, in its order.

        Returns
        -------
        coefficients : dict
            Numbers, :class:`Unknown` or :class:`Input` by name.
        """
        return {name: getattr(self, name) for name in _parameters(type(self))}

    def with_coefficients(self, values):
        """A shallow copy with other coefficients.

        Parameters
        ----------
        values : dict
            Some of the coefficients by name.

        Returns
        -------
        problem : Problem
            The others are as they were.
        """
        other = self._copied()
        for name, value in values.items():
            setattr(other, name, value)
        return other

    def _copied(self):
        # Quicker than copy.copy, which asks what pickle would store.
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def with_numbers(self):
        """A shallow copy with numbers alone: the middle of each input, the start of each unknown.

        What conditions there are, and where they hold, is read from it: a property may compute
        with the coefficients.

        Returns
        -------
        problem : Problem
            Without unknowns and inputs.
        """
        numbers = {name: unknown.start for name, unknown in self.unknowns.items()}
        for name, given in self.inputs.items():
            is_log = given.scale == "log"
            middle = sqrt(given.low * given.high) if is_log else (given.low + given.high) / 2
            numbers[name] = middle
        return self.with_coefficients(numbers) if numbers else self

    def __repr__(self):
        signature, given = inspect.signature(type(self)).parameters, self.get_params(deep=False)
        changed = [
            f"{name}={shown(given[name])}"
            for name in _parameters(type(self))
            if not are_equal(given[name], signature[name].default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def get_params(self, deep=True):
        try:
            return super().get_params(deep)
        except AttributeError as error:
            if error.name not in self._get_param_names():
                raise
            raise AttributeError(
                f"Expected {type(self).__name__} to store the arguments of its constructor, got "
                f"no attribute {error.name!r}. Set self.{error.name} = {error.name} in __init__."
            ) from error


@lru_cache(maxsize=128)
def _parameters(kind):
    """Names of the arguments of a problem's constructor, in their order."""
    names = kind._get_param_names()
    return tuple(name for name in inspect.signature(kind).parameters if name in names)


class FunctionProblem(Problem):
    """A problem made by :meth:`Problem.from_function`; see there."""

    def __init__(self, function, domain, conditions=(), fields=("u",), coefficients=None):
        self.function = function
        self.domain = domain
        self.conditions = conditions
        self.fields = fields
        self.coefficients = coefficients

    def residual(self, *arguments):
        return self.function(*arguments, **self.coefficients_by_name())

    def get_params(self, deep=True):
        """Parameters of the constructor and, if ``deep``, the coefficients by name."""
        own = super().get_params(deep=False)
        return {**own, **self.coefficients_by_name()} if deep else own

    def set_params(self, **params):
        """Set parameters of the constructor or coefficients by name."""
        named = {name: params.pop(name) for name in self.coefficients_by_name() if name in params}
        if named:
            self.coefficients = {**self.coefficients, **named}
        return super().set_params(**params)

    def coefficients_by_name(self):
        """The coefficients, in their order."""
        return dict(self.coefficients or {})

    def with_coefficients(self, values):
        other = self._copied()
        other.coefficients = {**self.coefficients_by_name(), **values}
        return other
