"""What a condition is: where its points are, and what vanishes there."""

import inspect
from abc import ABC, abstractmethod
from math import isfinite
from numbers import Real

import numpy as np

from ..geometry.shown import shown
from .expressions.quantity import Quantity


class Condition(ABC):
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

    Attributes
    ----------
    hard : bool or "auto"
        Whether it is built into the ansatz.
    winds : bool
        Whether that is done by a coordinate that is a circle for the network.
    prescribes : str or None
        What of the solution it gives on its faces: a ``"value"`` or a ``"slope"`` can be hard.
    needs_normals : bool

    Raises
    ------
    ValueError
        If the weight is not positive, or if ``on``, ``field`` or ``name`` are no names.

    See Also
    --------
    skngd.pde.Dirichlet : Values on faces.
    skngd.pde.Equation : A residual of one's own.

    Examples
    --------
    >>> from skngd.pde import Dirichlet, Robin
    >>> from skngd.pde.condition import Condition
    >>> mixed = Robin(1.0, 2.0)
    >>> isinstance(mixed, Condition), mixed.needs_normals, Dirichlet(hard=True).hard
    (True, True, True)
    """

    hard: bool | str = False
    winds = False
    prescribes: str | None = None
    needs_normals = False

    def __init__(self, on=None, field=None, weight=1.0, name=None):
        is_positive = isinstance(weight, Real) and isfinite(weight) and weight > 0
        if not (is_positive or (isinstance(weight, str) and weight == "measure")):
            raise ValueError(
                f"Expected weight to be a positive number or 'measure', got {shown(weight)}. Leave "
                "the condition out to drop it."
            )
        for what, given in (("field", field), ("name", name)):
            if given is not None and not isinstance(given, str):
                raise ValueError(
                    f"Expected {what} to be a word or None, got {shown(given)}. Give a condition "
                    f"for each {what}."
                )
        words = on if isinstance(on, (tuple, list)) and on else [on]
        if on is not None and not all(isinstance(word, str) for word in words):
            raise ValueError(
                f"Expected on to name faces, such as 'x' or ('x.min', 'y'), got {shown(on)}. Set "
                f"it to names of faces; the value comes first, such as Dirichlet(0.0, on='x')."
            )
        self.on, self.field, self.weight, self.name = on, field, weight, name

    def __repr__(self):
        written = []
        for parameter in inspect.signature(type(self).__init__).parameters.values():
            if parameter.name == "self":
                continue
            value = getattr(self, parameter.name)
            if parameter.default is inspect.Parameter.empty:
                written.append(shown(value))
            elif not are_equal(value, parameter.default):
                written.append(f"{parameter.name}={shown(value)}")
        return f"{type(self).__name__}({', '.join(written)})"

    def __eq__(self, other):
        return type(self) is type(other) and all(
            are_equal(value, vars(other).get(name)) for name, value in vars(self).items()
        )

    def __hash__(self):
        return hash((type(self), self.field, self.name))

    def label(self):
        """Name in the history.

        Returns
        -------
        label : str
            ``name``, or what describes the condition.
        """
        on = (self.on,) if isinstance(self.on, str) else self.on or ()
        field = () if self.field is None else (self.field,)
        return self.name or " ".join([self._kind(), *on, *field])

    def named_in(self, problem):
        """What errors call it, for a problem of this name.

        Parameters
        ----------
        problem : str
            Name of the problem.

        Returns
        -------
        words : str
            Part of a sentence.
        """
        return f"the condition {self.label()!r} of {problem}"

    def _kind(self):
        return type(self).__name__.lower()

    def faces(self, domain):
        """The names of the faces, None for the whole boundary.

        Parameters
        ----------
        domain : Domain
            That of the problem.

        Returns
        -------
        faces : str, tuple of str or None
            As ``on``.
        """
        return self.on

    def measure(self, domain):
        """Measure of the set on which it holds.

        Parameters
        ----------
        domain : Domain
            That of the problem.

        Returns
        -------
        measure : float
            Length or area; in one dimension the number of points.
        """
        return domain.boundary_measure(self.faces(domain))

    def sites(self, domain, n, sampler, random_state):
        """Draw points in the coordinates of the domain, and the normals there.

        Parameters
        ----------
        domain : Domain
            That of the problem.
        n : int
            How many points.
        sampler : {"grid", "uniform", "sobol", "latin", "gauss"}
            See ``Domain.boundary``.
        random_state : int, RandomState, Generator or None
            Seed.

        Returns
        -------
        sites : list of ndarray of shape (m, d)
            Several where an equation compares points.
        normals : ndarray of shape (m, d) or None
            Outward normals; None where the condition needs none.
        """
        on = self.faces(domain)
        # A face without a point would be a condition that is silently dropped.
        n = max(n, len(domain.face_names(on)))
        points, normals, faces = domain.boundary(n, on, sampler, random_state)
        missing = np.isnan(normals).any(axis=1)
        if self.needs_normals and missing.any():
            face = str(faces[missing][0])
            raise ValueError(
                f"Expected normals on the faces of {self!r}, but face {face!r} has no normals. "
                f"Give boundary={{{face!r}: (points, normals)}}."
            )
        return [points], normals

    @abstractmethod
    def equations(self, places):
        """The quantities that vanish.

        Parameters
        ----------
        places : list of Place
            One for each site.
        """

    def check_field(self, fields):
        """Refuse a field that is not among these.

        Parameters
        ----------
        fields : tuple of str
            Those of the problem.
        """
        if self.field is not None and self.field not in fields:
            raise ValueError(
                f"Expected field to be one of {tuple(fields)} in {self!r}, got "
                f"{self.field!r}. Change it, or add it to the fields of the problem."
            )

    def fields_of(self, place):
        """The fields that the condition is about.

        Parameters
        ----------
        place : Place
            The points, and the fields there.

        Returns
        -------
        fields : list of Field
            One, or all.
        """
        if self.field is None:
            return list(place.fields.values())
        self.check_field(place.fields)
        return [place.fields[self.field]]


def check_value(value, what, kind):
    """Refuse what is neither a number nor a function."""
    if isinstance(value, (str, bytes, type(None), list, tuple, dict, set, complex)):
        raise ValueError(
            f"Expected {what} of {kind} to be a number or a function of the coordinates, got "
            f"{shown(value)}. Give such a one; the value comes first, and on= names faces: "
            "Dirichlet(0.0, on='x')."
        )


def are_equal(value, other):
    """Whether two values are the same; arrays and quantities if they are one object."""
    if value is other:
        return True
    plain = str, Real, tuple, list
    if isinstance(value, plain) and isinstance(other, plain):
        return value == other
    if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(value, other)
    return type(value) is type(other) and not isinstance(value, Quantity) and bool(value == other)
