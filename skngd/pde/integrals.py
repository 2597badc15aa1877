"""Integrals of fields over coordinates: in residuals, and as conditions."""

from functools import lru_cache
from numbers import Real

import numpy as np
import torch

from ..geometry.domain import Domain
from ..geometry.shown import shown
from .condition import Condition, check_value
from .expressions.places import as_tensor, evaluated, residual_at
from .expressions.quantity import Field, Quantity

# How far a limit may lie outside of the range of its coordinate, in parts of it.
TOLERANCE = 1e-9


class Integral(Condition):
    """∫ integrand over coordinates: a number at each point of a residual, or a condition.

    Called in a residual with a field, ``total(u)``, it is the integral there. In ``conditions`` it
    asks that the integral be ``value``: one equation where all coordinates are integrated over,
    else one for each point of the others.

    Parameters
    ----------
    integrand : callable, default=None
        ``integrand(u, t, s)``: the fields at a point of integration, then its coordinates, then
        coefficients of the problem by name, as a residual. Coordinates of the point where the
        integral is wanted may come from the residual around it. None is the field itself.
    over : str or tuple of str, default=None
        The coordinates that are integrated over; None is all. One may be left out whose range
        depends on no other.
    low, high : float, str or Quantity, default=None
        Limits, for a single coordinate of a `Box`: a number, or a coordinate by its name,
        ``high="x"`` for ∫ up to x. None is the end of its range. The integrand has to be smooth
        over the whole range.
    value : float or callable, default=0.0
        For a condition: a function of the coordinates that are left.
    field : str, default=None
        For a condition without integrand: the field; None is each of them.
    weight : float, default=1.0
        For a condition: of its mean square in the loss.
    n_points : int, default=None
        See ``Domain.quadrature``: 48 Gauss points in one dimension.
    name : str, default=None
        What ``history_`` calls it.

    Raises
    ------
    ValueError
        If there is no such coordinate, or a limit lies outside of its range.

    See Also
    --------
    skngd.pde.At : A value at one point.
    skngd.pde.Equation : A residual of one's own.

    Notes
    -----
    Where all coordinates are integrated over, all points share the nodes, whatever the limits are:
    up to x, it is the integral of the polynomial that meets the integrand in the Gauss points.

    Examples
    --------
    Volterra's equation u(x) + ∫₀ˣ exp(s − x) u(s) ds = 1, and u = 0 on average:

    >>> import numpy as np
    >>> from skngd.pde import Integral, Interval, Problem
    >>> class Volterra(Problem):
    ...     domain = Interval(0, 1)
    ...
    ...     def residual(self, u, x):
    ...         memory = Integral(lambda u, s: np.exp(s - x) * u, over="x", high="x")
    ...         return u + memory(u) - 1
    >>> Integral(over="x", value=0.0)
    Integral(over='x')
    """

    def __init__(
        self,
        integrand=None,
        over=None,
        low=None,
        high=None,
        value=0.0,
        field=None,
        weight=1.0,
        n_points=None,
        name=None,
    ):
        if integrand is not None and not callable(integrand):
            raise ValueError(
                f"Expected integrand to be a function of the fields and the coordinates, got "
                f"{shown(integrand)}. Try Integral(lambda u, x: x * u, over='x'), or leave it out "
                "for the field itself."
            )
        check_value(value, "value", "Integral")
        super().__init__(None, field, weight, name)
        self.integrand, self.over, self.low, self.high = integrand, over, low, high
        self.value, self.n_points = value, n_points

    def __call__(self, field, *others):
        """The integral at the points of a residual.

        Parameters
        ----------
        field : Field
            One of those that the residual is called with; without integrand, what is integrated.
        *others : Field or Quantity
            Not needed: the rest of what the residual is called with.

        Returns
        -------
        integral : Quantity
        """
        place = getattr(field, "_place", None) if isinstance(field, Field) else None
        if place is None:
            raise TypeError(
                f"Expected {self!r} to be called with a field of the residual around it, got "
                f"{shown(field)}. Use it as total(u), with u as it comes; for a double integral "
                "give over= two coordinates."
            )
        return self._at(place, field)

    def _kind(self):
        over = (self.over,) if isinstance(self.over, str) else self.over or ()
        return " ".join(["integral", *over])

    def measure(self, domain):
        return 1.0

    def sites(self, domain, n, sampler, random_state):
        over = domain.names if self.over is None else np.atleast_1d(self.over)
        # One equation, where nothing is left to vary.
        n = 1 if isinstance(domain, Domain) and set(domain.names) <= set(over) else n
        sampler = "sobol" if sampler == "gauss" or n == 1 else sampler
        return [domain.sample(n, sampler, random_state)[:n]], None

    def equations(self, places):
        (place,) = places
        value = evaluated(self.value, place, None, self)
        fields = self.fields_of(place) if self.integrand is None else [None]
        return [self._at(place, field) - value for field in fields]

    def _at(self, place, field):
        nodes, inside = place.at_nodes(self.over, self.n_points)
        if self.integrand is None:
            found = inside.fields[field._name]
        else:
            found = residual_at(self.integrand, inside, self)
            if isinstance(found, (tuple, list, type(None), str)):
                raise ValueError(
                    f"Expected the integrand of {self!r} to give one number at each point, got "
                    f"{shown(found)}. Give an Integral for each."
                )
        weights = self._weights(nodes, place)
        values = as_tensor(found, weights)
        if values.ndim == 1 and len(values) != 1 and len(values) != nodes.shape[1]:
            raise ValueError(
                f"Expected the integrand of {self!r} to give one number at each point, got shape "
                f"{tuple(values.shape)}. Compute it from its arguments, such as u * np.sin(s)."
            )
        # A number that is the same at all nodes stands there once.
        return Quantity((values.expand(nodes.shape) * weights).sum(0))

    def _weights(self, nodes, place):
        """Of the nodes for each point, (Q, m), or (Q, 1) without limits."""
        if self.low is None and self.high is None:
            return nodes.weights[:, None]
        domain = place.problem.domain
        if len(nodes.axes) != 1 or domain.is_cloud:
            raise ValueError(
                f"Expected limits for a single coordinate, got {self!r}. Use over='x' with them, "
                "or np.where in the integrand."
            )
        name, (low, high) = domain.names[nodes.axes[0]], domain.bounds[nodes.axes[0]]
        ends = []
        for limit in (self.low, self.high):
            if limit is None:
                ends.append(None)
                continue
            z = 2 * (self._limit(limit, place, nodes.weights) - low) / (high - low) - 1
            worst = float(z.detach().abs().max())
            if not worst <= 1 + TOLERANCE:
                raise ValueError(
                    f"Expected limits of {self!r} in the range of {name}, [{low:g}, {high:g}], got "
                    f"one of {low + (high - low) * (1 + worst) / 2:g} or its mirror image. Change "
                    "it, or the domain."
                )
            ends.append(z)
        half = (high - low) / 2
        total = nodes.weights[:, None] if ends[1] is None else half * _up_to(ends[1], nodes)
        return total if ends[0] is None else total - half * _up_to(ends[0], nodes)

    def _limit(self, limit, place, like):
        known = {**place.inputs, **place.coordinates}
        if isinstance(limit, str):
            if limit not in known:
                raise ValueError(
                    f"Expected a limit of {self!r} that is a number or one of {tuple(known)}, got "
                    f"{limit!r}. Change it."
                )
            limit = known[limit]
        if not isinstance(limit, (Real, Quantity)):
            raise ValueError(
                f"Expected a limit of {self!r} that is a number or one of {tuple(known)}, got "
                f"{shown(limit)}. Give a name for a coordinate, such as high='x'."
            )
        return as_tensor(limit, like).reshape(-1)


def _up_to(z, nodes):
    """∫_{−1}^z of the polynomials that are one at a Gauss point and zero at the others, (Q, m)."""
    n = len(nodes.points)
    table = z.new_tensor(_table(n))
    legendre = [torch.ones_like(z), z]
    for k in range(1, n):
        legendre.append(((2 * k + 1) * z * legendre[k] - k * legendre[k - 1]) / (k + 1))
    integrals = [z + 1, *(legendre[k + 1] - legendre[k - 1] for k in range(1, n))]
    return table @ torch.stack(integrals)


@lru_cache(maxsize=8)
def _table(n):
    """w_q P_k(z_q) / 2, shape (n, n), for Gauss points z with weights w."""
    z, w = np.polynomial.legendre.leggauss(n)
    return w[:, None] * np.polynomial.legendre.legvander(z, n - 1) / 2
