"""What is known at the points of a condition, and functions that are called there."""

from functools import cached_property

import numpy as np
import torch

from ...geometry.shown import shown
from .quantity import Quantity
from .signatures import signature_of


class Place:
    """What is known at the points of one site.

    Attributes
    ----------
    problem : Problem
        With quantities in the place of inputs and unknowns.
    fields : dict of str to Field
    coordinates : dict of str to Quantity
        The coordinates of the domain.
    inputs : dict of str to Quantity
    normals : torch.Tensor of shape (m, d) or None
    target : torch.Tensor of shape (m,) or None
        What was measured.
    at_nodes : callable or None
        Takes coordinates that are integrated over and a number of points, and gives the nodes and
        the place where they are; None within an integral.
    """

    at_nodes = None

    def __init__(self, problem, fields, coordinates, inputs, normals=None, target=None):
        self.problem, self.fields, self.coordinates = problem, fields, coordinates
        self.inputs, self.normals, self.target = inputs, normals, target
        # What functions that were called here take, or gave, with each function so that it stays.
        self.known = {}

    def with_fields(self, problem, fields, is_fixed):
        """The same points with other fields; ``is_fixed``: functions there are as before."""
        other = object.__new__(Place)
        other.__dict__.update(self.__dict__, problem=problem, fields=fields, _parts=self._parts)
        if not is_fixed:
            other.known = {}
        return other

    @cached_property
    def _parts(self):
        """The components of the normals, but those that vanish at all points, by coordinate."""
        columns = [] if self.normals is None else self.normals.T
        pairs = zip(self.coordinates, columns, strict=False)
        return [(name, Quantity(n)) for name, n in pairs if bool((n != 0).any())]

    def normal_derivative(self, field):
        """∂u/∂n = Σ n_j ∂_j u; axes along which all normals vanish are not asked for."""
        terms = [component * field.d(name) for name, component in self._parts]
        return sum(terms[1:], terms[0]) if terms else 0.0


def evaluated(value, place, fixed, what):
    """A number, or a function of the coordinates, at the points of a place.

    A function gets what its arguments are called: coordinates, and coefficients of the problem.
    Where the names are others, all coordinates that are free there (but for the one that is
    ``fixed``), or all, in their order; ``*args`` are all that are free. Arguments with a default
    keep it.

    Refused is a function with other arguments, and what cannot be a value; ``what`` is the
    condition that errors name.
    """
    if callable(value):
        if (id(value), fixed) in place.known:
            return place.known[id(value), fixed][1]
        found, is_fixed = _called(value, place, fixed, what)
        if found is None or isinstance(found, (str, list, tuple, dict)):
            raise ValueError(
                f"Expected the function in {what} to give a number at each point, got "
                f"{shown(found)}. Check that it returns one, such as return np.sin(x)."
            )
        if is_fixed:
            place.known[id(value), fixed] = value, found
        return found
    if isinstance(value, np.ndarray) and value.ndim:
        raise ValueError(
            f"Expected a number or a function of the coordinates in {what}, got an array of shape "
            f"{value.shape}. Give a function, such as lambda x: np.interp(x, nodes, values); what "
            "was measured at points belongs into fit(X, y)."
        )
    return value


def _called(function, place, fixed, what):
    """What a function gives, and whether that stays as it is where unknowns change."""
    coefficients = _coefficients(place)
    known = {**coefficients, **place.coordinates}
    free = [name for name in place.coordinates if name != fixed]
    taken = signature_of(function)
    if taken is None:
        return function(*(known[name] for name in free)), True
    names, n = taken.required, len(taken.required)
    if taken.has_keywords and not (taken.positional or taken.keywords or taken.has_rest):
        raise ValueError(
            f"Expected the function in {what} to name its arguments, out of {tuple(known)}, got "
            "**keywords alone. Call them by these names, such as lambda x: ..."
        )
    fits = all(name in known for name in taken.keywords)
    if taken.has_rest:
        fits &= n <= len(free) and not misplaced(names, free, known)
        names = free
    elif not (taken.is_named and all(name in known for name in names)):
        orders = {len(free): free, len(place.coordinates): list(place.coordinates)}
        names = orders.get(n)
        fits &= n in orders and not (taken.is_named and misplaced(taken.required, names, known))
    if not fits:
        raise ValueError(
            f"Expected the function in {what} to take arguments out of {tuple(known)}, got "
            f"{[*taken.required, *taken.keywords]}. Call its arguments by these names, such as "
            f"lambda {next(iter(place.coordinates))}: ..."
        )
    unknown = set(coefficients) - set(place.inputs)
    is_fixed = not (unknown & {*names, *taken.keywords} - set(place.coordinates))
    return function(
        *(known[name] for name in names), **{name: known[name] for name in taken.keywords}
    ), is_fixed


def misplaced(names, places, known):
    """Those of some names that are known, but stand at another's place, in whose order they come.

    They would get what the other is.
    """
    pairs = zip(names, places, strict=False)
    return [name for name, place in pairs if name in known and name != place]


def residual_at(function, place, what):
    """A residual of one's own at the points of a place.

    It takes the fields, then the coordinates; then coefficients of the problem, by name. Other
    arguments are refused; ``what`` is the condition that errors name.
    """
    arguments = (*place.fields.values(), *place.coordinates.values())
    if id(function) not in place.known:
        place.known[id(function)] = function, _further(function, place, what)
    further = place.known[id(function)][1]
    if not further:
        return function(*arguments)
    known = _coefficients(place)
    return function(*arguments, **{name: known[name] for name in further})


def _coefficients(place):
    return place.inputs if place.problem is None else place.problem.coefficients_by_name()


def _further(function, place, what):
    """The coefficients that a residual takes besides fields and coordinates."""
    taken = signature_of(function)
    if taken is None:
        return ()
    n = len(place.fields) + len(place.coordinates)
    wanted = (*place.fields, *place.coordinates)
    if taken.is_named and misplaced(taken.positional, wanted, wanted):
        raise ValueError(
            f"Expected the residual of {what} to take the fields and the coordinates in the order "
            f"({', '.join(wanted)}), got ({', '.join(taken.positional)}). They come in the order "
            "of fields and of the domain, whatever they are called: change the arguments."
        )
    is_short = len(taken.positional) < n and not taken.has_rest
    further = (*taken.required[n:], *taken.keywords)
    if not (is_short or further):
        return ()
    known = _coefficients(place)
    if is_short or not all(name in known for name in further):
        coefficients = f" and then of {tuple(known)} what it needs" if known else ""
        got = ", ".join((*taken.positional, *taken.keywords))
        raise ValueError(
            f"Expected the residual of {what} to take the fields and the coordinates, "
            f"({', '.join(wanted)}){coefficients}, got ({got}). Change its arguments."
        )
    return further


def as_tensor(quantity, like):
    """The tensor of a quantity, an array or a number, in the kind of another tensor."""
    if isinstance(quantity, Quantity):
        return quantity.tensor
    return torch.as_tensor(np.asarray(quantity, dtype=float), dtype=like.dtype, device=like.device)
