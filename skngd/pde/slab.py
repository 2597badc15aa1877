"""An evolution problem on a slab of time, (Slab), that begins where the one before it ended."""

import numpy as np
import torch

from ..geometry import Box, Product
from .condition import Condition
from .conditions import At, Initial
from .expressions.places import as_tensor
from .expressions.quantity import Quantity
from .problem import Problem
from .residuals.nodes import NodeKey
from .scales import Trials


def time_axis(problem):
    """The number of the coordinate that is time; None where there is no evolution in one.

    There is one where initial values name it, no condition holds at its end or at one point, and a
    part of the interval is a part of the domain.
    """
    if not isinstance(problem.domain, Box | Product):
        return None
    conditions = problem.with_numbers().conditions
    times = {condition.time for condition in conditions if isinstance(condition, Initial)}
    if len(times) != 1 or any(isinstance(condition, At) for condition in conditions):
        return None
    (time,) = times
    ends = {time, f"{time}.max"}
    for condition in conditions:
        on = condition.on
        if isinstance(condition, Initial):
            continue
        if on is None and type(condition).sites is Condition.sites:
            return None  # the whole boundary
        if ends & set((on,) if isinstance(on, str) else on or ()):
            return None
    return problem.domain.names.index(time)


def is_cut_in_time(problem):
    """Whether the state at a time, as the initial values tell it, determines what comes after it.

    There is an initial value for each field and each derivative in time below the highest one in
    the equation and the conditions, and no integral over time.
    """
    axis = time_axis(problem)
    if axis is None or problem.unknowns:
        return False
    domain, conditions = problem.domain, problem.with_numbers().conditions
    name = domain.names[axis]
    if part_of(domain, name, *domain.bounds[axis]) is None:
        return False
    orders = dict.fromkeys(problem.fields, 0)
    given = {field: set() for field in problem.fields}
    for condition in conditions:
        if isinstance(condition, Initial):
            for field in problem.fields if condition.field is None else (condition.field,):
                given[field].add(condition.derivative)
    for _, trial in Trials(problem):
        trial.rows(torch.zeros(0, dtype=torch.float64))
        for site, asked in trial.requested.items():
            if isinstance(site, NodeKey) and name in site.over:
                return False
            for field, index in asked:
                orders[field] = max(orders[field], index.count(axis))
    # What an initial condition asks for is given by itself.
    return all(
        set(range(order)) <= given[field] and max(given[field], default=0) <= order
        for field, order in orders.items()
    )


def part_of(domain, name, low, high):
    """A box, or a product of domains, with another range of one coordinate; None where it has none.

    Parameters
    ----------
    domain : Domain
    name : str
    low, high : float
    """
    if type(domain) is Box:
        bounds = dict(zip(domain.names, map(tuple, domain.bounds.tolist()), strict=True))
        return Box(face=domain.face, **{**bounds, name: (low, high)})
    if type(domain) is not Product:
        return None
    parts = [
        part_of(part, name, low, high) if name in part.names else part
        for part in (domain.first, domain.second)
    ]
    return None if None in parts else Product(*parts)


class Continued(Initial):
    """The values at the start of a slab are those that the slab before it ended with.

    Parameters
    ----------
    end : callable
        ``end(X, field, order)`` gives ∂_t^order of a field at points X of shape (m, d), coordinates
        and then inputs, as an array of shape (m,).
    stated : Initial
        The condition at the start of all time whose place it takes.
    """

    def __init__(self, end, stated):
        given = stated.derivative, stated.time, stated.field, stated.weight
        super().__init__(0.0, *given, name=stated.name)
        self.end = end

    def value_at(self, place):
        return self._value(place, self.field or next(iter(place.problem.fields)))

    def _value(self, place, field):
        if (id(self), field) not in place.known:
            columns = (*place.coordinates.values(), *place.inputs.values())
            like = columns[0].tensor
            X = np.stack([column.tensor.detach().cpu().numpy() for column in columns], axis=1)
            found = Quantity(as_tensor(self.end(X, field, self.derivative), like))
            place.known[id(self), field] = self, found
        return place.known[id(self), field][1]

    def equations(self, places):
        (place,) = places
        names = [self.field] if self.field else list(place.fields)
        fields, along = self.fields_of(place), (self.time,) * self.derivative
        return [
            (u.d(*along) if along else u) - self._value(place, name)
            for name, u in zip(names, fields, strict=True)
        ]


class OnSlab(Problem):
    """A problem on a part of its interval of time.

    Parameters
    ----------
    problem : Problem
    low, high : float
        The part.
    end : callable, default=None
        How the slab before it ended, see :class:`Continued`; None for the first one.
    """

    def __init__(self, problem, low, high, end=None):
        self.problem, self.low, self.high, self.end = problem, low, high, end

    @property
    def domain(self):
        whole = self.problem.domain
        known, domain = self.__dict__.get("_part", (None, None))
        if known is not whole and known != whole:
            name = whole.names[time_axis(self.problem)]
            domain = part_of(whole, name, self.low, self.high)
            self._part = whole, domain
        return domain

    @property
    def conditions(self):
        stated = self.problem.conditions
        if self.end is None:
            return stated
        return tuple(
            Continued(self.end, one) if isinstance(one, Initial) else one for one in stated
        )

    @property
    def fields(self):
        return self.problem.fields

    @property
    def observed(self):
        return self.problem.observed

    def residual(self, *arguments):
        return self.problem.residual(*arguments)

    def coefficients_by_name(self):
        return self.problem.coefficients_by_name()

    def with_coefficients(self, values):
        other = self._copied()
        other.problem = self.problem.with_coefficients(values)
        return other
