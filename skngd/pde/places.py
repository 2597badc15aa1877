"""What is known at the points of a condition, and values that are functions of them."""

import inspect

import numpy as np
import torch

from .quantity import Quantity


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
        others, all coordinates that are free there, or all, in their order.
    place : Place
    fixed : str or None
        A coordinate that is constant there.
    what : str
        For errors.
    """
    if not callable(value):
        return value
    known = {**place.coordinates, **place.inputs}
    free = [name for name in place.coordinates if name != fixed]
    names = argument_names(value)
    if names is None or not all(name in known for name in names):
        n = len(free) if names is None else len(names)
        orders = {len(free): free, len(place.coordinates): list(place.coordinates)}
        if n not in orders:
            raise ValueError(
                f"Expected the function in {what} to take arguments out of {tuple(known)}, got "
                f"{names}. Call its arguments by these names."
            )
        names = orders[n]
    return value(*(known[name] for name in names))


def argument_names(function):
    """Names of the positional arguments without default; None where they cannot be known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]


def condition_value(problem, number, x):
    """The value that the condition with this number prescribes at points.

    Parameters
    ----------
    problem : Problem
    number : int
    x : torch.Tensor of shape (m, d)
        Coordinates and inputs, in the units of the problem.

    Returns
    -------
    value : torch.Tensor of shape (m,)
    """
    columns, names = [Quantity(column) for column in x.T], problem.domain.names
    inputs = dict(zip(problem.inputs, columns[len(names) :], strict=True))
    condition = problem.with_coefficients(inputs).conditions[number]
    place = Place(problem, {}, dict(zip(names, columns, strict=False)), inputs)
    value = evaluated(condition.value, place, getattr(condition, "time", None), repr(condition))
    return as_tensor(value, x).expand(len(x))


def as_tensor(quantity, like):
    """The tensor of a quantity, an array or a number, in the kind of another tensor."""
    if isinstance(quantity, Quantity):
        return quantity.tensor
    return torch.as_tensor(np.asarray(quantity, dtype=float), dtype=like.dtype, device=like.device)
