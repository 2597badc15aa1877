"""Conditions on the solution: what holds where, and how much it counts.

Each condition says where its points are (:meth:`Condition.sites`) and what vanishes there
(:meth:`Condition.equations`). The interior equation is one of them.
"""

import inspect

import numpy as np

from .places import evaluated
from .quantity import Quantity


class Condition:
    """Common to all conditions.

    Parameters
    ----------
    on : str or tuple of str, default=None
        Faces of the domain; None is the whole boundary.
    field : str, default=None
        The field it is about; None is each field.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is the measure of its faces.
    name : str, default=None
        What ``history_`` calls it.

    Raises
    ------
    ValueError
        If the weight is not positive.
    """

    hard = False

    def __init__(self, on=None, field=None, weight=1.0, name=None):
        if weight != "measure" and not (np.isscalar(weight) and np.isfinite(weight) and weight > 0):
            raise ValueError(
                f"Expected weight to be a positive number or 'measure', got {weight!r}. Leave the "
                "condition out to drop it."
            )
        self.on, self.field, self.weight, self.name = on, field, weight, name

    def __repr__(self):
        shown = []
        for parameter in inspect.signature(type(self).__init__).parameters.values():
            if parameter.name == "self":
                continue
            value = getattr(self, parameter.name)
            if parameter.default is inspect.Parameter.empty:
                shown.append(repr(value))
            elif value is not parameter.default and value != parameter.default:
                shown.append(f"{parameter.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self):
        return hash((type(self), repr(self)))

    def label(self):
        """Name in the history."""
        on = self.on if self.on is None or isinstance(self.on, str) else " ".join(self.on)
        return self.name or " ".join([type(self).__name__.lower(), *([on] if on else [])])

    def faces(self, domain):
        """The names of the faces, None for the whole boundary."""
        return self.on

    def measure(self, domain):
        """Measure of the set on which it holds."""
        return domain.boundary_measure(self.faces(domain))

    def sites(self, domain, n, sampler, random_state):
        """Points in the coordinates of the domain, and the normals there.

        Returns
        -------
        sites : list of ndarray of shape (m, d)
            Several where an equation compares points.
        normals : ndarray of shape (m, d) or None
        """
        points, normals = domain.boundary(n, self.faces(domain), sampler, random_state)[:2]
        return [points], normals

    def equations(self, places):
        """Quantities that vanish.

        Parameters
        ----------
        places : list of Place
            One for each site.
        """
        raise NotImplementedError

    def fields_of(self, place):
        """The fields that the condition is about."""
        if self.field is None:
            return list(place.fields.values())
        if self.field not in place.fields:
            raise ValueError(
                f"Expected field to be one of {tuple(place.fields)} in {self!r}, got "
                f"{self.field!r}. Change it, or add it to the fields of the problem."
            )
        return [place.fields[self.field]]


class Dirichlet(Condition):
    """u = value on faces.

    Parameters
    ----------
    value : float or callable, default=0.0
        A function of the coordinates, by name.
    on : str or tuple of str, default=None
    field : str, default=None
    weight : float or "measure", default=1.0
    hard : bool, default=False
        Build it into the ansatz: v = lift + distance · network. For faces of a Box.
    name : str, default=None
    """

    def __init__(self, value=0.0, on=None, field=None, weight=1.0, hard=False, name=None):
        super().__init__(on, field, weight, name)
        self.value, self.hard = value, hard

    def equations(self, places):
        (place,) = places
        value = evaluated(self.value, place, None, repr(self))
        return [u - value for u in self.fields_of(place)]


class Neumann(Condition):
    """∂u/∂n = value on faces, n the outward normal.

    Parameters
    ----------
    value : float or callable, default=0.0
    on : str or tuple of str, default=None
    field : str, default=None
    weight : float or "measure", default=1.0
    hard : bool, default=False
        Build it into the ansatz, for faces of a Box: v = w + Σ φ (value − ∂w/∂n), w the network.
    name : str, default=None
    """

    def __init__(self, value=0.0, on=None, field=None, weight=1.0, hard=False, name=None):
        super().__init__(on, field, weight, name)
        self.value, self.hard = value, hard

    def equations(self, places):
        (place,) = places
        value = evaluated(self.value, place, None, repr(self))
        return [place.normal_derivative(u) - value for u in self.fields_of(place)]


class Robin(Condition):
    """a u + b ∂u/∂n = value on faces.

    Parameters
    ----------
    a, b : float or callable
    value : float or callable, default=0.0
    on : str or tuple of str, default=None
    field : str, default=None
    weight : float or "measure", default=1.0
    name : str, default=None
    """

    def __init__(self, a, b, value=0.0, on=None, field=None, weight=1.0, name=None):
        super().__init__(on, field, weight, name)
        self.a, self.b, self.value = a, b, value

    def equations(self, places):
        (place,) = places
        a, b, value = (evaluated(x, place, None, repr(self)) for x in (self.a, self.b, self.value))
        return [a * u + b * place.normal_derivative(u) - value for u in self.fields_of(place)]


class Initial(Condition):
    """u = value, or ∂_t^k u = value, at the start of time.

    Parameters
    ----------
    value : float or callable, default=0.0
        A function of the other coordinates.
    derivative : int, default=0
        k.
    time : str, default="t"
        The coordinate that is time.
    field : str, default=None
    weight : float or "measure", default=1.0
    hard : bool, default=False
        Build it into the ansatz; for k = 0.
    name : str, default=None
    """

    def __init__(
        self, value=0.0, derivative=0, time="t", field=None, weight=1.0, hard=False, name=None
    ):
        super().__init__(None, field, weight, name)
        self.value, self.derivative, self.time, self.hard = value, derivative, time, hard

    def label(self):
        return self.name or "initial" + "'" * self.derivative

    def faces(self, domain):
        if self.time not in domain.names:
            raise ValueError(
                f"Expected a coordinate {self.time!r} for {self!r}, got a domain with "
                f"{tuple(domain.names)}. Set time= to the coordinate that is time."
            )
        return f"{self.time}.min"

    def equations(self, places):
        (place,) = places
        value = evaluated(self.value, place, self.time, repr(self))
        names = (self.time,) * self.derivative
        return [(u.d(*names) if names else u) - value for u in self.fields_of(place)]


class Periodic(Condition):
    """u and its first derivatives agree on the two faces of a coordinate.

    Parameters
    ----------
    on : str
        The coordinate.
    derivatives : int, default=1
        Highest derivative in that coordinate that has to agree.
    field : str, default=None
    weight : float or "measure", default=1.0
    name : str, default=None
    """

    def __init__(self, on, derivatives=1, field=None, weight=1.0, name=None):
        super().__init__(on, field, weight, name)
        self.derivatives = derivatives

    def sites(self, domain, n, sampler, random_state):
        return list(domain.pairs(n, self.on, sampler, random_state)), None

    def equations(self, places):
        low, high = places
        found = []
        for u, v in zip(self.fields_of(low), self.fields_of(high), strict=True):
            for order in range(self.derivatives + 1):
                names = (self.on,) * order
                found.append(u.d(*names) - v.d(*names) if names else u - v)
        return found


class Equation(Condition):
    """A residual of one's own, in the interior or on faces.

    Parameters
    ----------
    residual : callable
        ``residual(u, t, x)``: the fields, then the coordinates; then, if they are named, inputs.
    on : str or tuple of str, default=None
        Faces; None is the interior.
    weight : float or "measure", default=1.0
    name : str, default=None
    """

    def __init__(self, residual, on=None, weight=1.0, name=None):
        super().__init__(on, None, weight, name)
        self.residual = residual

    def measure(self, domain):
        return domain.measure if self.on is None else super().measure(domain)

    def sites(self, domain, n, sampler, random_state):
        if self.on is None:
            return [domain.sample(n, sampler, random_state)], None
        return super().sites(domain, n, sampler, random_state)

    def equations(self, places):
        (place,) = places
        found = self.residual(*place.fields.values(), *place.coordinates.values())
        return list(found) if isinstance(found, (tuple, list)) else [found]


class Interior(Condition):
    """The problem's own equation."""

    def __init__(self, weight=1.0, name="equation"):
        super().__init__(None, None, weight, name)

    def measure(self, domain):
        return domain.measure

    def sites(self, domain, n, sampler, random_state):
        return [domain.sample(n, sampler, random_state)], None

    def equations(self, places):
        (place,) = places
        arguments = (*place.fields.values(), *place.coordinates.values())
        found = place.problem.residual(*arguments)
        return list(found) if isinstance(found, (tuple, list)) else [found]


class Measurements(Condition):
    """What was observed: v(x_i) = y_i."""

    def __init__(self, field, weight=1.0):
        super().__init__(None, field, weight, f"measurements {field}")

    def equations(self, places):
        (place,) = places
        return [place.fields[self.field] - Quantity(place.target)]
