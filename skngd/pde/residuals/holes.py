"""What the network sees of holes: the potentials of a charge and of dipoles at their centres.

Outside of a disk with the centre c and the radius R a solution of Laplace's equation is a multiple
of log r, r = |x − c|, and a series in the powers of (x − c)/r², which is smooth in that vector, the
inversion of x. In d > 2 dimensions r^(2−d) takes the place of the logarithm, Φ, and (x − c)/r^d
that of the vector: it is a multiple of ∇Φ. These are functions of s = r², the components after one
derivative, and

    ∂^α f(s) = Σ_π f^(|π|)(s) Π_{B in π} ∂^B s,

a sum over the partitions π of α, where ∂_i s = 2 (x_i − c_i), ∂_i² s = 2 and all others vanish.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ...geometry.ball import Ball
from ...geometry.combinations import Difference, Product, Union
from ...geometry.shapes import Disk
from ...models.jets import set_partitions

# The most inputs: with these 64 neurons have 1,500 parameters.
ROOM = 18


@dataclass(frozen=True)
class Hole:
    """A disk or a ball that is left out of a domain, in some of its coordinates."""

    axes: tuple[int, ...]
    center: tuple[float, ...]
    radius: float
    face: str


def holes_of(domain, axes=None):
    """The disks and balls that are left out of a domain.

    Parameters
    ----------
    domain : Domain
    axes : tuple of int, default=None
        The numbers of its coordinates; None: 0, 1, …

    Returns
    -------
    holes : list of Hole
    """
    axes = tuple(range(len(domain.names))) if axes is None else axes
    if isinstance(domain, Difference):
        return [*holes_of(domain.first, axes), *_balls(domain.second, axes)]
    if isinstance(domain, Product):
        d = len(domain.first.names)
        return [*holes_of(domain.first, axes[:d]), *holes_of(domain.second, axes[d:])]
    return []


def _balls(domain, axes):
    """Those that a domain is, or is a union of."""
    if isinstance(domain, Union):
        return [*_balls(domain.first, axes), *_balls(domain.second, axes)]
    if isinstance(domain, Disk | Ball):
        return [Hole(axes, domain.center, domain.radius, domain.face)]
    return []


def potentials_of(holes):
    """What the network sees of holes: for each input the hole, and the axis of a dipole or None.

    The charges come first; of many holes there are no dipoles.
    """
    charges = [(hole, None) for hole in holes]
    dipoles = [(hole, axis) for hole in holes for axis in hole.axes]
    return charges + dipoles if len(charges + dipoles) <= ROOM else charges


class Holes:
    """Inputs of a network that are functions of the coordinates: the potentials.

    They are the last columns of points of the network. First comes that of the charge of each hole,
    log r/R or (R/r)^(d−2), scaled to [−1, 1] on the bounding box; then, unless there are many, for
    each hole the components of R^(d−1) (x − c)/r^d.

    Parameters
    ----------
    ranges : ndarray of shape (d, 2)
        Of all columns of points.
    holes : sequence of Hole
    """

    def __init__(self, ranges, holes):
        self.holes, ranges = tuple(holes), np.asarray(ranges, dtype=float)
        self.centre, self.half_width = ranges.mean(axis=1), np.ptp(ranges, axis=1) / 2
        self.potentials = potentials_of(self.holes)
        # Centre and half width of what each of them is.
        sizes = [0.5 if len(hole.axes) > 2 else self._log_size(hole, ranges) for hole in self.holes]
        n_components = len(self.potentials) - len(sizes)
        self.shifts = np.append(sizes, np.zeros(n_components))
        self.units = np.append(sizes, np.ones(n_components))

    def __len__(self):
        return len(self.potentials)

    @staticmethod
    def _log_size(hole, ranges):
        """Half of the largest log r/R in the bounding box."""
        furthest = np.abs(ranges[list(hole.axes)].T - hole.center).max(axis=0)
        return max(np.log(np.linalg.norm(furthest) / hole.radius), 1e-3) / 2

    def groups(self, n):
        """Which of the inputs, n others in front, belong together, shape (1 + holes, inputs).

        The others alone, and with those of one hole: by potential theory a solution of Laplace's
        equation is a sum of functions of these.
        """
        found = np.zeros((1 + len(self.holes), n + len(self)), dtype=bool)
        found[:, :n] = True
        for place, (hole, _) in enumerate(self.potentials):
            found[1 + self.holes.index(hole), n + place] = True
        return found

    def beside(self, inputs, x):
        """Inputs of the network with the potentials at points x, both of shape (m, ·)."""
        if not self.holes:
            return inputs
        shifts, units = (inputs.new_tensor(row)[:, None] for row in (self.shifts, self.units))
        return torch.cat([inputs, ((self._values((), x) - shifts) / units).T], dim=1)

    def again(self, inputs):
        """Points of the network with the potentials computed from the other columns."""
        return self.beside(inputs[:, : inputs.shape[1] - len(self)], self._points(inputs))

    def derivative(self, index, inputs):
        """∂^index of the potentials, as the network sees them, in the units of the problem.

        Parameters
        ----------
        index : tuple of int
            Not empty.
        inputs : torch.Tensor of shape (m, n)
            Points of the network.

        Returns
        -------
        rows : torch.Tensor of shape (k, m) or None
            None where all vanish.
        """
        if not any(set(index) <= set(hole.axes) for hole in self.holes):
            return None
        return self._values(index, self._points(inputs)) / inputs.new_tensor(self.units)[:, None]

    def _points(self, inputs):
        """The columns of points in the units of the problem, for those of the network."""
        centre, half_width = map(inputs.new_tensor, (self.centre, self.half_width))
        return centre + half_width * inputs[:, : len(self.centre)]

    def _values(self, index, x):
        charges = {hole: Charge(hole, x) for hole in self.holes}
        rows = [charges[hole].derivative(index, axis) for hole, axis in self.potentials]
        return torch.stack(rows)


class Charge:
    """Φ of one hole at points x of shape (m, d), in units of its radius, and its derivatives."""

    def __init__(self, hole, x):
        self.hole, self.d, self.zero = hole, len(hole.axes), x.new_zeros(len(x))
        places = zip(hole.axes, hole.center, strict=True)
        self.steps = {axis: (x[:, axis] - c) / hole.radius for axis, c in places}
        self.square = sum(step * step for step in self.steps.values())

    def derivative(self, index, axis=None):
        """∂^index of Φ or, for an axis, of that component of R^(d−1) (x − c)/r^d, shape (m,)."""
        if not set(index) <= set(self.hole.axes):
            return self.zero
        total, of = 0.0, index if axis is None else (*index, axis)
        for count, blocks in set_partitions(tuple(sorted(of))):
            if any(len(block) > 2 or len(set(block)) > 1 for block in blocks):
                continue
            product = count * 2 ** len(blocks) * self._outer(len(blocks))
            for block in blocks:
                if len(block) == 1:
                    product = product * self.steps[block[0]]
            total = total + product
        factor = 1.0 if axis is None or self.d == 2 else 1.0 / (2 - self.d)
        return factor * self.hole.radius ** -len(index) * total

    def _outer(self, order):
        """The derivative of this order of ½ log s or of s^(1−d/2)."""
        if self.d == 2 and order == 0:
            return self.square.log() / 2
        # The first one of the logarithm is a power.
        factor, power, left = 1.0, 1 - self.d / 2, order
        if self.d == 2:
            factor, power, left = 0.5, -1.0, order - 1
        for _ in range(left):
            factor, power = factor * power, power - 1
        return factor * self.square**power
