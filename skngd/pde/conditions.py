"""The kinds of conditions on the solution.

The interior equation is one of them.
"""

from numbers import Integral

import numpy as np

from ..geometry.shown import shown
from .condition import Condition, check_value
from .expressions.places import evaluated, residual_at

# Orders of derivatives that fields have.
ORDERS = range(5)


class Prescribed(Condition):
    """A value that is prescribed on faces, and may be built into the ansatz.

    A class that is derived from it says by ``prescribes`` whether it is one of the solution,
    ``"value"``, or of its derivative along the normal, ``"slope"``.
    """

    def __init__(self, value=0.0, on=None, field=None, weight=1.0, hard=False, name=None):
        check_value(value, "value", type(self).__name__)
        super().__init__(on, field, weight, name)
        self.value, self.hard = value, hard

    def value_at(self, place):
        """What is prescribed at points.

        Parameters
        ----------
        place : Place
            The points.

        Returns
        -------
        value : torch.Tensor or float
            Of the solution or its derivative.
        """
        return evaluated(self.value, place, None, self)


class Dirichlet(Prescribed):
    """u = value on faces.

    Parameters
    ----------
    value : float or callable, default=0.0
        A function of the coordinates, by name.
    on : str or tuple of str, default=None
        Faces of the domain; None is the whole boundary.
    field : str, default=None
        The field it is about; None is each field.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is the measure of its faces.
    hard : bool, default=False
        Build it into the ansatz: v = lift + distance · network. For faces of a Box, Disk, Ball or
        Polygon, products and differences of these. On curved faces, and where one bends in the same
        coordinates, a function is called with points inside as well.
    name : str, default=None
        What ``history_`` calls it.

    See Also
    --------
    skngd.pde.Neumann : Slopes along the normal.
    skngd.pde.Robin : A combination of value and slope.
    skngd.pde.At : A value at one point.

    Examples
    --------
    >>> from skngd.pde import Box, Dirichlet
    >>> square = Box(x=(0, 1), y=(0, 1))
    >>> lid = Dirichlet(lambda x: 4 * x * (1 - x), on="y.max", field="u")
    >>> lid.label(), lid.measure(square), Dirichlet(0.0).measure(square)
    ('dirichlet y.max u', 1.0, 4.0)
    """

    prescribes = "value"

    def equations(self, places):
        (place,) = places
        value = self.value_at(place)
        return [u - value for u in self.fields_of(place)]


class Neumann(Prescribed):
    """∂u/∂n = value on faces, n the outward normal.

    Parameters
    ----------
    value : float or callable, default=0.0
        A function of the coordinates, by name.
    on : str or tuple of str, default=None
        Faces of the domain; None is the whole boundary.
    field : str, default=None
        The field it is about; None is each field.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is the measure of its faces.
    hard : bool, default=False
        Build it into the ansatz, for faces of a Box: v = w + Σ φ (value − ∂w/∂n), w the network.
    name : str, default=None
        What ``history_`` calls it.

    See Also
    --------
    skngd.pde.Dirichlet : Values on faces.
    skngd.pde.Robin : A combination of value and slope.

    Examples
    --------
    >>> from skngd import PINNEstimator
    >>> from skngd.pde import Box, Dirichlet, Neumann, Problem
    >>> rod = Problem.from_function(
    ...     lambda u, x: u.xx, Box(x=(0, 1)), [Dirichlet(0.0, on="x.min"), Neumann(2.0, on="x.max")]
    ... )
    >>> print(PINNEstimator(rod, (8,), random_state=0).fit().predict([[0.5], [1.0]]).round(6))
    [1. 2.]
    """

    needs_normals = True
    prescribes = "slope"

    def equations(self, places):
        (place,) = places
        value = self.value_at(place)
        return [place.normal_derivative(u) - value for u in self.fields_of(place)]


class Robin(Condition):
    """a u + b ∂u/∂n = value on faces.

    Parameters
    ----------
    a, b : float or callable
        Numbers, or functions of the coordinates, by name.
    value : float or callable, default=0.0
        A function of the coordinates, by name.
    on : str or tuple of str, default=None
        Faces of the domain; None is the whole boundary.
    field : str, default=None
        The field it is about; None is each field.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is the measure of its faces.
    name : str, default=None
        What ``history_`` calls it.

    See Also
    --------
    skngd.pde.Dirichlet : Values on faces.
    skngd.pde.Neumann : Slopes along the normal.
    skngd.pde.Equation : A residual of one's own.

    Examples
    --------
    >>> from skngd import PINNEstimator
    >>> from skngd.pde import Box, Dirichlet, Problem, Robin
    >>> ends = [Dirichlet(0.0, on="x.min"), Robin(1.0, 1.0, 4.0, on="x.max")]
    >>> rod = Problem.from_function(lambda u, x: u.xx, Box(x=(0, 1)), ends)
    >>> print(PINNEstimator(rod, (8,), random_state=0).fit().predict([[0.5], [1.0]]).round(6))
    [1. 2.]
    """

    needs_normals = True

    def __init__(self, a, b, value=0.0, on=None, field=None, weight=1.0, name=None):
        for what, given in (("a", a), ("b", b), ("value", value)):
            check_value(given, what, "Robin")
        super().__init__(on, field, weight, name)
        self.a, self.b, self.value = a, b, value

    def equations(self, places):
        (place,) = places
        a, b, value = (evaluated(x, place, None, self) for x in (self.a, self.b, self.value))
        return [a * u + b * place.normal_derivative(u) - value for u in self.fields_of(place)]


class Initial(Prescribed):
    """u = value, or ∂_t^k u = value, at the start of time.

    Parameters
    ----------
    value : float or callable, default=0.0
        A function of the other coordinates.
    derivative : int, default=0
        k, up to 4.
    time : str, default="t"
        The coordinate that is time.
    field : str, default=None
        The field it is about; None is each field.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is the measure of its faces.
    hard : bool, default=False
        Build it into the ansatz; for k = 0.
    name : str, default=None
        What ``history_`` calls it.

    See Also
    --------
    skngd.pde.Dirichlet : Values on faces.
    skngd.pde.Periodic : The same on two faces.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.pde import Box, Dirichlet, Initial, Problem
    >>> class Wave(Problem):
    ...     domain = Box(t=(0, 1), x=(0, 1))
    ...     conditions = (
    ...         Initial(lambda x: np.sin(np.pi * x)),
    ...         Initial(0.0, derivative=1),
    ...         Dirichlet(0.0, on="x"),
    ...     )
    ...
    ...     def residual(self, u, t, x):
    ...         return u.tt - u.xx
    >>> [condition.label() for condition in Wave.conditions]
    ['initial', "initial'", 'dirichlet x']
    """

    def __init__(
        self, value=0.0, derivative=0, time="t", field=None, weight=1.0, hard=False, name=None
    ):
        _check_order(derivative, "derivative", self)
        super().__init__(value, None, field, weight, hard, name)
        self.derivative, self.time = derivative, time

    @property
    def prescribes(self):
        return f"derivative {self.derivative}" if self.derivative else "value"

    def _kind(self):
        return "initial" + "'" * self.derivative

    def faces(self, domain):
        if self.time not in domain.names:
            raise ValueError(
                f"Expected a coordinate {self.time!r} for {self!r}, got a domain with "
                f"{tuple(domain.names)}. Set time= to the coordinate that is time."
            )
        return f"{self.time}.min"

    def value_at(self, place):
        """What is prescribed at points.

        Parameters
        ----------
        place : Place
            The points.

        Returns
        -------
        value : torch.Tensor or float
            Of the solution or its derivative.
        """
        return evaluated(self.value, place, self.time, self)

    def equations(self, places):
        (place,) = places
        value, names = self.value_at(place), (self.time,) * self.derivative
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
        The field it is about; None is each field.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is the measure of its faces.
    hard : bool or "auto", default="auto"
        Build it into the ansatz: the network sees the cosine and the sine of the coordinate in its
        place, and all derivatives agree. A wave that travels is no plane wave there, and can be
        harder to find. With ``"auto"`` deep networks race both ways, where all fields and their
        first derivatives are periodic, and the equation is the same at both faces and behind them;
        other networks take it for False.
    name : str, default=None
        What ``history_`` calls it.

    See Also
    --------
    skngd.pde.Dirichlet : Values on faces.
    skngd.pde.Equation : A residual of one's own.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import PINNEstimator
    >>> from skngd.pde import Box, Periodic, Problem
    >>> ring = Problem.from_function(
    ...     lambda u, x: u.xx - u + 2 * np.sin(x), Box(x=(0, 2 * np.pi)), [Periodic("x")]
    ... )
    >>> solver = PINNEstimator(ring, (8,), random_state=0).fit()
    >>> print(solver.predict([[np.pi / 2], [np.pi]]).round(6) + 0.0)
    [1. 0.]
    """

    winds = True

    def __init__(self, on, derivatives=1, field=None, weight=1.0, hard="auto", name=None):
        if not isinstance(on, str):
            raise ValueError(
                f"Expected on to be the name of a coordinate, such as 'x', got {shown(on)}. Give a "
                "Periodic condition for each coordinate."
            )
        _check_order(derivatives, "derivatives", self)
        if not isinstance(hard, bool) and hard != "auto":
            raise ValueError(
                f"Expected hard of Periodic to be True, False or 'auto', got {shown(hard)}. Leave "
                "it out for 'auto'."
            )
        super().__init__(on, field, weight, name)
        self.derivatives, self.hard = derivatives, hard

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


class At(Condition):
    """u = value at one point, such as a pressure that is known up to a constant.

    Parameters
    ----------
    value : float or callable, default=0.0
        A function of the coordinates, by name.
    at : tuple of float
        The coordinates of the point, in the order of the domain.
    field : str, default=None
        The field it is about; None is each field.
    weight : float, default=1.0
        Of its square in the loss.
    name : str, default=None
        What ``history_`` calls it.

    Raises
    ------
    ValueError
        If ``at`` is not a point of the domain.

    See Also
    --------
    skngd.pde.Dirichlet : Values on faces.
    skngd.pde.Integral : A condition on an integral, or an integral in a residual.

    Examples
    --------
    >>> from skngd.pde import At, Box
    >>> At(0.0, at=(0, 1), field="p").sites(Box(x=(0, 1), y=(0, 1)), 1, "sobol", 0)[0]
    [array([[0., 1.]])]
    """

    def __init__(self, value=0.0, at=(0.0,), field=None, weight=1.0, name=None):
        check_value(value, "value", "At")
        super().__init__(None, field, weight, name)
        self.value, self.at = value, at

    def measure(self, domain):
        return 1.0

    def sites(self, domain, n, sampler, random_state):
        names, given = domain.names, np.ravel(self.at)
        is_point = given.dtype.kind in "iuf" and given.shape == (len(names),)
        if not (is_point and domain.contains(given[np.newaxis].astype(float)).all()):
            raise ValueError(
                f"Expected at of {self!r} to be a point of the domain, one number for each of "
                f"{tuple(names)}, got {shown(self.at)}. Try a point of it, such as "
                f"at={tuple(domain.sample(1)[0, : len(names)].round(2).tolist())}."
            )
        points = domain.sample(n, sampler, random_state)
        points[:, : len(names)] = given
        return [points[:1] if points.shape[1] == len(names) else points], None

    def equations(self, places):
        (place,) = places
        value = evaluated(self.value, place, None, self)
        return [u - value for u in self.fields_of(place)]


class Equation(Condition):
    """A residual of one's own, in the interior or on faces.

    Parameters
    ----------
    residual : callable
        ``residual(u, t, x)``: the fields, then the coordinates; then, by their names, coefficients
        of the problem.
    on : str or tuple of str, default=None
        Faces; None is the interior.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is the measure of its faces.
    name : str, default=None
        What ``history_`` calls it.

    See Also
    --------
    skngd.pde.Robin : A combination of value and slope.
    skngd.pde.Interface : A coefficient that jumps.

    Examples
    --------
    >>> from skngd import PINNEstimator
    >>> from skngd.pde import Box, Dirichlet, Equation, Problem
    >>> radiates = Equation(lambda u, x: u.x + u**4 - 2, on="x.max", name="radiation")
    >>> rod = Problem.from_function(
    ...     lambda u, x: u.xx, Box(x=(0, 1)), [Dirichlet(0.0, on="x.min"), radiates]
    ... )
    >>> print(PINNEstimator(rod, (8,), random_state=0).fit().predict([[1.0]]).round(6))
    [1.]
    """

    def __init__(self, residual, on=None, weight=1.0, name=None):
        if not callable(residual):
            raise ValueError(
                f"Expected residual to be a function of the fields and the coordinates, got "
                f"{shown(residual)}. Try Equation(lambda u, x: u.x - 1, on='x.max'), or Dirichlet "
                "for values."
            )
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
        return _as_list(residual_at(self.residual, place, self))


class Interior(Equation):
    """The problem's own equation."""

    def __init__(self, weight=1.0, name="equation"):
        Condition.__init__(self, None, None, weight, name)

    def named_in(self, problem):
        return f"{problem}.residual"

    def equations(self, places):
        (place,) = places
        return _as_list(place.problem.residual(*place.fields.values(), *place.coordinates.values()))


def _as_list(found):
    return list(found) if isinstance(found, (tuple, list)) else [found]


def _check_order(order, what, condition):
    if isinstance(order, bool) or not isinstance(order, Integral) or order not in ORDERS:
        raise ValueError(
            f"Expected {what} of {type(condition).__name__} to be one of {tuple(ORDERS)}, got "
            f"{shown(order)}. Give the order of a derivative."
        )
