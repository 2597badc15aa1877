"""What is known at the points of a condition, and functions that are called there."""

import numpy as np
import torch

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
    """

    def __init__(self, problem, fields, coordinates, inputs, normals=None, target=None):
        self.problem, self.fields, self.coordinates = problem, fields, coordinates
        self.inputs, self.normals, self.target = inputs, normals, target

    def normal_derivative(self, field):
        """∂u/∂n = Σ n_j ∂_j u; axes along which all normals vanish are not asked for."""
        total = 0.0
        for axis, name in enumerate(self.coordinates):
            component = self.normals[:, axis]
            if bool((component != 0).any()):
                total = total + Quantity(component) * field.d(name)
        return total


def evaluated(value, place, fixed, what):
    """A number, or a function of the coordinates, at the points of a place.

    Parameters
    ----------
    value : number, Quantity or callable
        A function gets what its arguments are called: coordinates and inputs. Where the names are
        others, all coordinates that are free there, or all, in their order; ``*args`` are all that
        are free. Arguments with a default keep it.
    place : Place
    fixed : str or None
        A coordinate that is constant there.
    what : Condition or str
        For errors.

    Raises
    ------
    ValueError
        If a function has other arguments, or nothing that can be a value comes.
    """
    if callable(value):
        value = _called(value, place, fixed, what)
        if value is None or isinstance(value, (str, list, tuple, dict)):
            raise ValueError(
                f"Expected the function in {what} to give a number at each point, got {value!r}. "
                "Check that it returns one, such as return np.sin(x)."
            )
    elif isinstance(value, np.ndarray) and value.ndim:
        raise ValueError(
            f"Expected a number or a function of the coordinates in {what}, got an array of shape "
            f"{value.shape}. Give a function, such as lambda x: np.interp(x, nodes, values); what "
            "was measured at points belongs into fit(X, y)."
        )
    return value


def _called(function, place, fixed, what):
    known = {**place.coordinates, **place.inputs}
    free = [name for name in place.coordinates if name != fixed]
    taken = signature_of(function)
    if taken is None:
        return function(*(known[name] for name in free))
    names, n = taken.required, taken.n_required
    if taken.has_keywords and not (taken.positional or taken.keywords or taken.has_rest):
        raise ValueError(
            f"Expected the function in {what} to name its arguments, out of {tuple(known)}, got "
            "**keywords alone. Call them by these names, such as lambda x: ..."
        )
    fits = all(name in known for name in taken.keywords)
    if taken.has_rest:
        # A name that is another coordinate's would get a wrong one.
        pairs = zip(names, free, strict=False)
        fits &= n <= len(free) and all(name not in known or name == at for name, at in pairs)
        names = free
    elif not (taken.is_named and all(name in known for name in names)):
        orders = {len(free): free, len(place.coordinates): list(place.coordinates)}
        fits &= n in orders
        names = orders.get(n)
    if not fits:
        raise ValueError(
            f"Expected the function in {what} to take arguments out of {tuple(known)}, got "
            f"{[*taken.required, *taken.keywords]}. Call its arguments by these names, such as "
            f"lambda {next(iter(known))}: ..."
        )
    return function(
        *(known[name] for name in names), **{name: known[name] for name in taken.keywords}
    )


def residual_at(function, place, what):
    """A residual of one's own at the points of a place.

    Parameters
    ----------
    function : callable
        Of the fields, then the coordinates; then of coefficients of the problem, by name.
    place : Place
    what : Condition
        For errors.

    Raises
    ------
    ValueError
        If it has other arguments.
    """
    arguments = (*place.fields.values(), *place.coordinates.values())
    taken = signature_of(function)
    if taken is None:
        return function(*arguments)
    n = len(arguments)
    is_short = len(taken.positional) < n and not taken.has_rest
    further = (*taken.required[n:], *taken.keywords)
    if not (is_short or further):
        return function(*arguments)
    known = place.inputs if place.problem is None else place.problem.coefficients_by_name()
    if is_short or not all(name in known for name in further):
        wanted = ", ".join((*place.fields, *place.coordinates))
        coefficients = f" and then of {tuple(known)} what it needs" if known else ""
        got = ", ".join((*taken.positional, *taken.keywords))
        raise ValueError(
            f"Expected the residual of {what} to take the fields and the coordinates, ({wanted})"
            f"{coefficients}, got ({got}). Change its arguments."
        )
    return function(*arguments, **{name: known[name] for name in further})


def condition_value(problem, number, x, unknowns=None):
    """The value that the condition with this number prescribes at points.

    Parameters
    ----------
    problem : Problem
    number : int
    x : torch.Tensor of shape (m, d)
        Coordinates and inputs, in the units of the problem.
    unknowns : dict of str to Quantity, default=None
        None stands for the start of each.

    Returns
    -------
    value : torch.Tensor of shape (m,)

    Raises
    ------
    ValueError
        If what comes is not one number for each point.
    """
    columns, names = [Quantity(column) for column in x.T], problem.domain.names
    inputs = dict(zip(problem.inputs, columns[len(names) :], strict=True))
    bound = problem.with_numbers().with_coefficients({**inputs, **(unknowns or {})})
    condition = bound.conditions[number]
    place = Place(bound, {}, dict(zip(names, columns, strict=False)), inputs)
    value = evaluated(condition.value, place, getattr(condition, "time", None), condition)
    tensor = as_tensor(value, x)
    if tensor.shape not in ((), (1,), (len(x),)):
        raise ValueError(
            f"Expected the function in {condition} to give one number for each of the {len(x)} "
            f"points, got shape {tuple(tensor.shape)}. Compute it from its arguments by functions "
            "of one number, such as np.sin."
        )
    return tensor.expand(len(x))


def as_tensor(quantity, like):
    """The tensor of a quantity, an array or a number, in the kind of another tensor."""
    if isinstance(quantity, Quantity):
        return quantity.tensor
    return torch.as_tensor(np.asarray(quantity, dtype=float), dtype=like.dtype, device=like.device)
