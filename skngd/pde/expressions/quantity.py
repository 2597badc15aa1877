"""What a residual computes with: quantities at points, and fields with their derivatives.

A residual is written with operators and the functions of NumPy. What acts on each point alone is
done by torch, and so can be differentiated; what looks beyond a point is refused.
"""

import functools
import operator

import numpy as np
import torch

from . import numpy_functions as of_numpy
from .numpy_functions import ARITHMETIC, LOGIC, REAL, TESTS, apply, not_pointwise, refused


def _operand(value, like):
    return value.tensor if isinstance(value, Quantity) else of_numpy.as_operand(value, like)


def _real(value, like):
    """A tensor for what stands beside the tensor ``like``."""
    found = _operand(value, like)
    if isinstance(found, float):
        return torch.full((), found, dtype=like.dtype, device=like.device)
    return found


def _truth(value, like, strict=False):
    """A tensor of bool; if strict, for a comparison, an array of bool or a bool only."""
    if isinstance(value, Truth):
        return value.truth
    if strict and (isinstance(value, Quantity) or np.asarray(value).dtype != np.bool_):
        raise TypeError(of_numpy.NO_COMPARISON)
    return _real(value, like) != 0


def _operators(operation):
    """The methods for u ∘ v and for v ∘ u, where v is no quantity."""

    def forward(self, other):
        a = self.tensor
        b = other if type(other) is float else _operand(other, a)
        return Quantity(apply(operation, (a, b)))

    def reflected(self, other):
        b = self.tensor
        a = other if type(other) is float else _operand(other, b)
        return Quantity(apply(operation, (a, b)))

    return forward, reflected


def _by(ufunc):
    """The methods for an operator that NumPy knows as a universal function."""
    return lambda self, other: ufunc(self, other), lambda self, other: ufunc(other, self)


def _unary(function):
    return lambda self: Quantity(function(self.tensor))


def _refusing(message):
    def method(self, *args, **kwargs):
        raise TypeError(message)

    return method


class Quantity:
    """A number at each point.

    Operators and the functions of NumPy and ``scipy.special`` that act on each point alone give new
    quantities, computed and differentiated by torch. Beside a quantity may stand numbers, arrays
    with one number for each point and other quantities. What looks at several points is refused.

    A comparison gives a quantity that is true or false at each point, for ``np.where``, ``&``,
    ``|`` and ``~``; where a number is asked for it is 1 or 0.

    Parameters
    ----------
    tensor : torch.Tensor of shape (m,) or ()
        Real numbers: one for each of m points, or one for all of them.

    See Also
    --------
    skngd.pde.quantity.Field : A field with its derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skngd.pde.expressions.quantity import Quantity
    >>> x = Quantity(torch.tensor([0.0, 0.5, 2.0]))
    >>> np.where(x < 1, np.sin(np.pi * x), 3 * x).tensor
    tensor([0., 1., 6.])
    """

    __slots__ = ("tensor",)

    def __init__(self, tensor):
        self.tensor = tensor

    def __repr__(self):
        points = f"at {len(self.tensor)} points" if self.tensor.ndim else "of one number"
        return f"<{type(self).__name__} {points}>"

    __add__, __radd__ = _operators(operator.add)
    __sub__, __rsub__ = _operators(operator.sub)
    __mul__, __rmul__ = _operators(operator.mul)
    __truediv__, __rtruediv__ = _operators(operator.truediv)
    __pow__, __rpow__ = _operators(operator.pow)
    __floordiv__, __rfloordiv__ = _by(np.floor_divide)
    __mod__, __rmod__ = _by(np.remainder)

    __lt__, __gt__ = _by(np.less)
    __le__, __ge__ = _by(np.less_equal)
    __eq__ = _by(np.equal)[0]
    __ne__ = _by(np.not_equal)[0]
    __hash__ = None

    __and__, __rand__ = _by(np.bitwise_and)
    __or__, __ror__ = _by(np.bitwise_or)
    __xor__, __rxor__ = _by(np.bitwise_xor)

    __neg__ = _unary(torch.neg)
    __pos__ = _unary(torch.positive)
    __abs__ = _unary(torch.abs)

    def __invert__(self):
        return np.invert(self)

    def through(self, function):
        """The quantity of ``function(tensor)``, for a function of torch that NumPy lacks.

        Parameters
        ----------
        function : callable
            Takes and returns a tensor, entry by entry.

        Returns
        -------
        quantity : Quantity
            It enters a residual as any other.
        """
        return Quantity(function(self.tensor))

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        name = ufunc.__name__
        if method == "__call__" and not settings:
            like = self.tensor
            if name in ARITHMETIC:
                return Quantity(apply(ARITHMETIC[name], [_operand(v, like) for v in inputs]))
            if name in REAL:
                return Quantity(apply(REAL[name], [_real(v, like) for v in inputs]))
            if name in TESTS:
                return Truth(apply(TESTS[name], [_operand(v, like) for v in inputs]), like.dtype)
            if name in LOGIC:
                strict = not name.startswith("logical")
                truths = [_truth(v, like, strict) for v in inputs]
                return Truth(apply(LOGIC[name], truths), like.dtype)
        raise refused(ufunc, method, settings)

    def __array_function__(self, function, types, args, kwargs):
        try:
            if function in of_numpy.COMPOSED:
                return of_numpy.COMPOSED[function](*args, **kwargs)
            like = self.tensor
            if function is np.where:
                tensors = [_truth(args[0], like), *(_real(v, like) for v in args[1:])]
                return Quantity(apply(of_numpy.choose, tensors))
            if function.__name__ in REAL:
                tensors = [_real(v, like) for v in args]
                return Quantity(apply(REAL[function.__name__], tensors, **kwargs))
        except TypeError:
            of_numpy.check_arguments(function, args, kwargs)
            raise
        raise refused(function)

    __bool__ = _refusing(of_numpy.UNDECIDED)
    __float__ = __int__ = __complex__ = _refusing(of_numpy.NOT_A_NUMBER)
    __array__ = _refusing(of_numpy.NOT_AN_ARRAY)
    __matmul__ = __rmatmul__ = _refusing(not_pointwise("@", "matmul"))
    __len__ = _refusing(not_pointwise("len(u)", "size"))
    __iter__ = _refusing(not_pointwise("A loop over the points of a quantity"))
    __getitem__ = _refusing(not_pointwise("u[...], a choice of points,"))

    def __getattr__(self, name):
        if name[:1] == "_":
            raise AttributeError(name)
        if hasattr(np.ndarray, name):
            raise AttributeError(of_numpy.no_method(name))
        raise AttributeError(
            f"Only fields have derivatives, but .{name} was asked of an expression or of a "
            "derivative. Use u.xx for the derivative of u.x in x, and write out the product and "
            "chain rules, such as 2 * u * u.x for that of u * u."
        )


class Truth(Quantity):
    """A tensor ``truth`` of bool; 1 or 0 of a given dtype where a number is asked for."""

    __slots__ = ("_dtype", "truth")

    def __init__(self, truth, dtype):
        self.truth, self._dtype = truth, dtype

    @property
    def tensor(self):
        return self.truth.to(self._dtype)


# What ``u.name`` means beside derivatives, whatever the coordinates are called.
METHODS = ("d", "laplacian", "through")


class Field(Quantity):
    """A solution field: its value, and its derivatives by name.

    ``u`` stands for the value, ``u.t``, ``u.xx`` and ``u.tx`` for derivatives, in any order of the
    coordinates. Only what a residual uses is looked up.

    Parameters
    ----------
    name : str
        As the problem names the field.
    coordinates : tuple of str
        The names of the coordinates.
    lookup : callable
        Gives the tensor of a derivative for a tuple of positions in ``coordinates``, in ascending
        order, one for each differentiation; the empty tuple stands for the value.
    max_order : int, default=4
        Highest order of a derivative.
    place : Place, default=None
        Where it is looked at, for integrals.

    See Also
    --------
    skngd.pde.quantity.Quantity : What is computed from fields.

    Examples
    --------
    >>> import torch
    >>> from skngd.pde.expressions.quantity import Field
    >>> t, x = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    >>> known = {(): t * x**2, (0,): x**2, (0, 1): 2 * x, (1, 1): 2 * t}
    >>> u = Field("u", ("t", "x"), known.__getitem__)
    >>> u.xt.tensor, (u.t - u.d("x", "x")).tensor
    (tensor([6., 8.]), tensor([ 7., 12.]))
    """

    __slots__ = ("_coordinates", "_lookup", "_max_order", "_name", "_place")

    def __init__(self, name, coordinates, lookup, max_order=4, place=None):
        self._name, self._coordinates = name, tuple(coordinates)
        self._lookup, self._max_order, self._place = lookup, max_order, place

    def __repr__(self):
        return f"<Field {self._name}({', '.join(self._coordinates)})>"

    @property
    def tensor(self):
        """The value at each point."""
        return self._lookup(())

    def __getattr__(self, name):
        if name[:1] == "_":
            raise AttributeError(name)
        if name == "tensor":
            # The lookup itself failed with an AttributeError: show that one.
            return self._lookup(())
        found = _readings(name, self._coordinates)
        if not found:
            of_array = hasattr(np.ndarray, name)
            raise AttributeError((of_numpy.no_method if of_array else self._no_derivative)(name))
        if len(found) > 1:
            raise AttributeError(
                f"{self._name}.{name} has to be one derivative, but can be read as several. "
                f"Use {' or '.join(self._written(index) for index in sorted(found))}."
            )
        return self._derivative(*found, AttributeError)

    def _derivative(self, index, error=ValueError):
        if len(index) <= self._max_order:
            return Quantity(self._lookup(index))
        raise error(
            f"{self._name} has derivatives up to order {self._max_order}, but one of order "
            f"{len(index)} came, {self._written(index)}. Use a further field w for a lower "
            f"derivative, such as with the equation w - {self._written(index[:2])} = 0."
        )

    def d(self, *names):
        """The derivative in the named coordinates.

        Parameters
        ----------
        *names : str
            One coordinate for each differentiation, in any order: ``u.d("theta", "theta")`` is the
            second derivative in theta.

        Returns
        -------
        derivative : Quantity
            It enters a residual as the field does.

        Raises
        ------
        ValueError
            If there is no such coordinate, or the order is too high.
        """
        for name in names:
            if name not in self._coordinates:
                raise ValueError(self._no_derivative(name))
        return self._derivative(tuple(sorted(map(self._coordinates.index, names))))

    def laplacian(self, *names):
        """The sum of the second derivatives.

        Parameters
        ----------
        *names : str
            The coordinates to differentiate in. Default is all but the one called t.

        Returns
        -------
        laplacian : Quantity
            It enters a residual as the field does.

        Raises
        ------
        ValueError
            If there is no such coordinate.
        """
        names = names or [name for name in self._coordinates if name != "t"]
        if not names:
            raise ValueError("laplacian() needs a coordinate besides t. Use u.tt in place of it.")
        return functools.reduce(operator.add, (self.d(name, name) for name in names))

    def _written(self, index):
        names = ", ".join(f'"{self._coordinates[position]}"' for position in index)
        return f"{self._name}.d({names})"

    def _no_derivative(self, name):
        first, last = self._coordinates[0], self._coordinates[-1]
        return (
            f"{self._name} has derivatives in {', '.join(self._coordinates)}, but none came by the "
            f"name {name!r}. Use names of coordinates one after the other, such as "
            f"{self._name}.{first} and {self._name}.{first}{last}, or "
            f"{self._written((0, len(self._coordinates) - 1))}."
        )


@functools.lru_cache(maxsize=1024)
def _readings(name, coordinates):
    """The derivatives that a name can stand for: sets of positions, each sorted."""
    if name in coordinates:
        return frozenset([(coordinates.index(name),)])
    # read[k] holds what the first k letters can stand for.
    read = [{()}, *(set() for _ in name)]
    for end in range(1, len(read)):
        for position, coordinate in enumerate(coordinates):
            if name.endswith(coordinate, 0, end):
                before = read[end - len(coordinate)]
                read[end] |= {tuple(sorted((*index, position))) for index in before}
    return frozenset(read[-1])
