"""Conditions as a problem states them, and bound to points."""

from functools import cached_property, partial

import numpy as np
import torch

from ..expressions.places import Place, as_tensor
from ..expressions.quantity import Field, Quantity
from .nodes import NodeKey, Nodes


def written(problem, point):
    """A point by the names of its columns."""
    pairs = zip((*problem.domain.names, *problem.inputs), point.tolist(), strict=True)
    return ", ".join(f"{name}={value:.6g}" for name, value in pairs)


def ranges_of(problem):
    """Lowest and highest value of each column of points, shape (d, 2)."""
    inputs = [(given.low, given.high) for given in problem.inputs.values()]
    return np.array([*problem.domain.bounds.tolist(), *inputs], dtype=float)


def columns_of(problem, x):
    """Quantities for the columns of points: coordinates, then inputs, by name."""
    quantities, names = [Quantity(column) for column in x.T], tuple(problem.domain.names)
    coordinates = dict(zip(names, quantities, strict=False))
    return coordinates, dict(zip(problem.inputs, quantities[len(names) :], strict=True))


def cut(tensor, points):
    """Some of the rows of a tensor that may be None."""
    return None if tensor is None else tensor[points]


class Stated:
    """A condition as a problem states it.

    The condition has numbers in the place of inputs and unknowns: it says where it holds, and its
    weight. ``place`` is where the problem lists it, for one that is computed from coefficients.
    """

    def __init__(self, problem, condition, place=None):
        self.problem, self.condition, self.place = problem, condition, place

    @property
    def is_fixed(self):
        """Whether unknowns make no other condition of it."""
        return self.place is None or not self.problem.unknowns

    def at(self, problem):
        """The condition with the coefficients of another copy of the problem."""
        return self.condition if self.place is None else problem.conditions[self.place]

    def name(self):
        """What errors call it."""
        return self.condition.named_in(type(self.problem).__name__)

    def value(self, x, unknowns=None):
        """What it prescribes, shape (m,), at points of shape (m, d) in the units of the problem.

        Unknowns are quantities by name; None stands for the start of each.
        """
        coordinates, inputs = columns_of(self.problem, x)
        bound = self.problem.with_numbers().with_coefficients({**inputs, **(unknowns or {})})
        condition = self.at(bound)
        tensor = as_tensor(condition.value_at(Place(bound, {}, coordinates, inputs)), x)
        if tensor.shape not in ((), (1,), (len(x),)):
            raise ValueError(
                f"Expected the function in {condition} to give one number for each of the {len(x)} "
                f"points, got shape {tuple(tensor.shape)}. Compute it from its arguments by "
                "functions of one number, such as np.sin."
            )
        return tensor.expand(len(x))

    def unknowns_on(self, face):
        """The names of the unknown coefficients that the value on a face depends on, a set."""
        problem = self.problem
        if not problem.unknowns:
            return set()
        middle = torch.as_tensor(ranges_of(problem)).mean(1, keepdim=True).T
        with torch.enable_grad():
            leaves = {
                name: middle.new_tensor(unknown.start).requires_grad_()
                for name, unknown in problem.unknowns.items()
            }
            quantities = {name: Quantity(leaf) for name, leaf in leaves.items()}
            value = self.value(face.onto(middle), quantities).sum()
        if not value.requires_grad:
            return set()
        found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
        pairs = zip(leaves, found, strict=True)
        return {name for name, gradient in pairs if gradient is not None}


def stated_conditions(problem):
    """The conditions of a problem in their order, each a :class:`Stated`."""
    conditions, again = (problem.with_numbers().conditions for _ in range(2))
    # One tuple for all copies of the problem cannot depend on their coefficients.
    is_computed = conditions is not again
    return [
        Stated(problem, condition, place if is_computed else None)
        for place, condition in enumerate(conditions)
    ]


class BoundCondition:
    """A condition on its points, with all that is known there.

    The sites are points of shape (m, d), coordinates and inputs in the units of the problem. At the
    first of them are the normals, (m, n_coordinates), and the target, (m,): what was measured.
    """

    def __init__(self, stated, sites, normals=None, target=None):
        self.stated, self.sites, self.normals, self.target = stated, sites, normals, target
        problem = stated.problem
        self.fields, self.coordinates = tuple(problem.fields), tuple(problem.domain.names)
        self.unknowns = tuple(problem.unknowns)
        self._nodes = {}

    def nodes(self, key):
        """The :class:`Nodes` of a site."""
        if key not in self._nodes:
            domain, x = self.stated.problem.domain, self.sites[key.site]
            points, weights = (x.new_tensor(a) for a in domain.quadrature(key.n, key.over))
            axes = tuple(map(domain.names.index, key.over))
            self._nodes[key] = Nodes(axes, points, weights, x)
        return self._nodes[key]

    @cached_property
    def _places(self):
        """What is the same in each call: a place without fields for each site."""
        problem = self.stated.problem
        known = [columns_of(problem, x) for x in self.sites]
        inputs = known[0][1]
        problem = problem.with_coefficients(inputs) if inputs else problem
        return [
            Place(problem, {}, *columns, None if site else self.normals, self.target)
            for site, columns in enumerate(known)
        ]

    @cached_property
    def _fixed(self):
        return self.stated.at(self._places[0].problem)

    def equations(self, lookups, unknowns, at_nodes=None):
        """What vanishes, a quantity or a number for each equation.

        The lookup of a site gives the tensor of a derivative for a field and a multi-index; the
        unknowns have the shape (q,) or (q, m). ``at_nodes`` gives the lookup for a
        :class:`NodeKey`, where integrals are: tensors of shape (Q, m).
        """
        problem, is_fixed = self._places[0].problem, self.stated.is_fixed
        if self.unknowns:
            values = zip(self.unknowns, map(Quantity, unknowns), strict=True)
            problem = problem.with_coefficients(dict(values))
        condition = self._fixed if is_fixed else self.stated.at(problem)
        places = []
        for site, (known, lookup) in enumerate(zip(self._places, lookups, strict=True)):
            place = known.with_fields(problem, {}, is_fixed)
            place.fields = self._fields(lookup, place)
            place.at_nodes = partial(self._at_nodes, place, site, at_nodes)
            places.append(place)
        return condition.equations(places)

    def _fields(self, lookup, place=None):
        return {
            name: Field(name, self.coordinates, partial(lookup, name), place=place)
            for name in self.fields
        }

    def _at_nodes(self, place, site, at_nodes, over, n):
        """The nodes of a site, and a place with what is known there."""
        if at_nodes is None:
            raise LookupError("Integrals are not known here.")
        names = self.coordinates if over is None else (over,) if isinstance(over, str) else over
        known = isinstance(names, tuple | list) and all(name in self.coordinates for name in names)
        if known:
            names = tuple(name for name in self.coordinates if name in names)
        key = NodeKey(site, names, n)
        nodes = self.nodes(key)
        there = dict(zip(names, map(Quantity, nodes.points.T.unsqueeze(2)), strict=True))
        coordinates = {name: there.get(name, place.coordinates[name]) for name in self.coordinates}
        fields = self._fields(at_nodes(key))
        return nodes, Place(place.problem, fields, coordinates, place.inputs)

    def part(self, points):
        """The same on some of the points."""
        sites, normals = [x[points] for x in self.sites], cut(self.normals, points)
        return BoundCondition(self.stated, sites, normals, cut(self.target, points))
