"""Interfaces: parts of the domain in which the solution is another function."""

import numpy as np
import torch

from ..geometry.box import Box
from ..geometry.domain import Domain
from ..geometry.shown import shown
from .condition import Condition, check_value
from .expressions.places import evaluated
from .residuals.bound import stated_conditions

# How far beside the interface its two sides are looked at, in parts of the region's size, and in
# rounding errors of coordinates.
BESIDE, ROUNDINGS = 1e-12, 64
# The margin of the domain in which points of an interface count as outside, and how often the
# number of points is raised fourfold until there are enough.
MARGIN, DRAWS = 1e-7, 5


class Interface(Condition):
    """The boundary of a region inside of the domain, across which u may kink or jump.

    Inside and outside the network is a function of its own: it sees on which side a point lies. On
    the interface two equations connect the sides, with the normal n out of the region::

        u_outside − u_inside = jump
        outside ∂u_outside/∂n − inside ∂u_inside/∂n = flux

    Parameters
    ----------
    region : Domain
        In some of the coordinates of the domain, such as ``Disk(radius=0.5)`` or
        ``Interval(0.5, 1)``. What of its boundary lies in the domain is the interface.
    inside, outside : float or callable, default=1.0
        The coefficient of the slope, such as a conductivity: a function of coordinates and
        coefficients.
    jump, flux : float or callable, default=0.0
        What the solution and the flux jump by: numbers, or functions as above.
    field : str, default=None
        The field it is about; None is each field.
    weight : float or "measure", default=1.0
        Of its mean square in the loss; ``"measure"`` is its length or area.
    name : str, default=None
        What ``history_`` calls it.

    Raises
    ------
    ValueError
        If the region has other coordinates than the domain, or no boundary inside of it.

    See Also
    --------
    skngd.pde.Neumann : Slopes along the normal.
    skngd.pde.Equation : A residual of one's own.

    Examples
    --------
    −(a u')' = 1 with a = 1 for x < 1/2 and a = 10 beyond:

    >>> import numpy as np
    >>> from skngd.pde import Dirichlet, Interface, Interval, Problem
    >>> class Rod(Problem):
    ...     domain = Interval(0, 1)
    ...     conditions = (Dirichlet(0.0), Interface(Interval(0.5, 1), inside=10.0, outside=1.0))
    ...
    ...     def residual(self, u, x):
    ...         return np.where(x < 0.5, 1.0, 10.0) * u.xx + 1
    """

    needs_normals = True

    def __init__(
        self,
        region,
        inside=1.0,
        outside=1.0,
        jump=0.0,
        flux=0.0,
        field=None,
        weight=1.0,
        name=None,
    ):
        if not isinstance(region, Domain) or region.is_cloud:
            raise ValueError(
                f"Expected region to be a domain such as Disk(radius=0.5) or Interval(0.5, 1), got "
                f"{shown(region)}. Give what lies on one side of the interface."
            )
        values = {"inside": inside, "outside": outside, "jump": jump, "flux": flux}
        for what, value in values.items():
            check_value(value, what, "Interface")
        super().__init__(None, field, weight, name)
        self.region = region
        self.inside, self.outside, self.jump, self.flux = inside, outside, jump, flux

    def measure(self, domain):
        full, faces = self._full(domain)
        return full.boundary_measure(faces)

    def sites(self, domain, n, sampler, random_state):
        full, faces = self._full(domain)
        columns = [full.names.index(name) for name in domain.names]
        inner = getattr(domain, "domain", domain)
        for attempt in range(DRAWS):
            points, normals, _ = full.boundary(n * 4**attempt, faces, "sobol", random_state)
            points, normals = points[:, columns], normals[:, columns]
            kept = inner.contains(points, tol=-MARGIN)
            if kept.sum() >= n or (kept.any() and len(points) < n * 4**attempt):
                break
        if not kept.any():
            raise ValueError(
                f"Expected an interface inside of the domain {inner!r}, got {self.region!r}, whose "
                "boundary has no point there. Check its coordinates, or leave the Interface out."
            )
        points, normals = points[kept][:n], normals[kept][:n]
        step = self._beside * np.ptp(self.region.bounds, axis=1).max() * normals
        sites = [points - step, points + step]
        if inner is not domain:
            inputs = domain.sample(len(points), "sobol", random_state)[:, len(domain.names) :]
            sites = [np.hstack([site, inputs]) for site in sites]
        return sites, normals

    def equations(self, places):
        inner, outer = places
        jump, flux = (evaluated(x, inner, None, self) for x in (self.jump, self.flux))
        inside, outside = (
            evaluated(x, place, None, self)
            for x, place in ((self.inside, inner), (self.outside, outer))
        )
        found = []
        for u, v in zip(self.fields_of(inner), self.fields_of(outer), strict=True):
            found.append(v - u - jump)
            of_u, of_v = inner.normal_derivative(u), inner.normal_derivative(v)
            found.append(outside * of_v - inside * of_u - flux)
        return found

    def side(self, X, names):
        """−1 inside of the region and 1 outside, for points with columns of these names.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Points.
        names : tuple of str
            What the columns are called.

        Returns
        -------
        side : ndarray of shape (n,)
            Numbers −1 and 1.
        """
        columns = [names.index(name) for name in self.region.names]
        # Where the region ends at the boundary of the domain, points lie on its own.
        return np.where(self.region._depth(X[:, columns]) > -self._beside / 3, -1.0, 1.0)

    @property
    def _beside(self):
        size = np.ptp(self.region.bounds, axis=1).max()
        rounding = np.finfo(float).eps * np.abs(self.region.bounds).max()
        return max(BESIDE, ROUNDINGS * rounding / size)

    def _full(self, domain):
        """The region with all coordinates of the domain, and its faces there."""
        strange = [name for name in self.region.names if name not in domain.names]
        if strange:
            raise ValueError(
                f"Expected the region of {self!r} to have coordinates of the domain, "
                f"{tuple(domain.names)}, got {strange}. Set its names."
            )
        inner = getattr(domain, "domain", domain)
        rest = {
            name: tuple(pair)
            for name, pair in zip(inner.names, inner.bounds.tolist(), strict=True)
            if name not in self.region.names
        }
        faces = self.region.face_names(self.region.faces)
        return (Box(**rest) * self.region if rest else self.region), faces


class Sides:
    """What the network sees of interfaces: for each of them one more input, the side."""

    def __init__(self, problem):
        self.names = tuple(problem.domain.names)
        conditions = [stated.condition for stated in stated_conditions(problem)]
        self.interfaces = [one for one in conditions if isinstance(one, Interface)]

    def __len__(self):
        return len(self.interfaces)

    def crossed(self, X):
        """Whether an interface lies between each row of X and the next, shape (m − 1,)."""
        found = np.zeros(len(X) - 1, dtype=bool)
        for interface in self.interfaces:
            found |= np.diff(interface.side(X, self.names)) != 0
        return found

    def beside(self, inputs, x):
        """Inputs of the network with the sides of points x, both of shape (m, ·)."""
        if not self.interfaces:
            return inputs
        X = x.detach().cpu().numpy().astype(float)
        sides = [inputs.new_tensor(one.side(X, self.names)) for one in self.interfaces]
        return torch.cat([inputs, torch.stack(sides, dim=1)], dim=1)
