"""Periodic coordinates as circles: what the network sees of them is cos ωx and sin ωx.

v(x) = N(cos ωx, sin ωx) is periodic with all of its derivatives, whatever N is. These follow from
those of N by the chain rule; with c = cos ωx and s = sin ωx,

    ∂_x (p(c, s) ∂_c^a ∂_s^b N) = ω (c ∂_s p − s ∂_c p) ∂_c^a ∂_s^b N
                                  − ω s p ∂_c^{a+1} ∂_s^b N + ω c p ∂_c^a ∂_s^{b+1} N.
"""

import functools

import numpy as np
import torch

from ..conditions import Interior
from ..expressions.places import as_tensor
from .bound import BoundCondition, Stated, ranges_of, stated_conditions

# Points at which the equation is looked at, and how far behind both faces, in periods.
N_POINTS, BEHIND = 16, (0.0, 0.07, -0.11)
# The difference of two sizes, relative, that are not the same.
TOLERANCE = 1e-9


@functools.cache
def chain_rule(order):
    """The terms of ∂_x^order / ω^order, as ((a, b), {(i, k): number of c^i s^k})."""
    if order == 0:
        return (((0, 0), {(0, 0): 1.0}),)
    found = {}

    def add(of_network, i, k, number):
        if number:
            terms = found.setdefault(of_network, {})
            terms[i, k] = terms.get((i, k), 0.0) + number

    for (a, b), terms in chain_rule(order - 1):
        for (i, k), number in terms.items():
            add((a, b), i - 1, k + 1, -i * number)
            add((a, b), i + 1, k - 1, k * number)
            add((a + 1, b), i, k + 1, -number)
            add((a, b + 1), i + 1, k, number)
    return tuple(found.items())


class Circles:
    """The coordinates of a problem that are circles.

    Parameters
    ----------
    ranges : ndarray of shape (d, 2)
        Of all columns of points.
    axes : tuple of int
        Those that are circles. The network has the cosine in their place, and the sines behind the
        other columns.
    """

    def __init__(self, ranges, axes):
        self.axes, self.low = tuple(axes), np.asarray(ranges)[:, 0]
        self.rates = 2 * np.pi / np.ptp(ranges, axis=1)
        self.sines = {axis: len(ranges) + k for k, axis in enumerate(self.axes)}

    def inputs(self, x, scaled):
        """What the network sees: ``scaled`` points of shape (m, d), and the circles of x."""
        if not self.axes:
            return scaled
        angles = {axis: self._angle(x, axis) for axis in self.axes}
        columns = list(scaled.T)
        for axis, angle in angles.items():
            columns[axis] = torch.cos(angle)
        return torch.stack([*columns, *map(torch.sin, angles.values())], dim=1)

    def units(self, half_width):
        """What one unit of each input of the network is, for half widths of shape (d,)."""
        units = np.array(half_width, dtype=float)
        units[list(self.axes)] = 1.0
        return np.concatenate([units, np.ones(len(self.axes))])

    def located(self, inputs, x):
        """Undo :meth:`inputs` for one point: x, shape (d,), with its circles put in."""
        x = np.array(x[: len(self.low)], dtype=float)
        for axis, sine in self.sines.items():
            angle = np.arctan2(inputs[sine], inputs[axis]) % (2 * np.pi)
            x[axis] = self.low[axis] + angle / self.rates[axis]
        return x

    def expansion(self, index, x):
        """∂^index v as the pairs (index, coefficient) of Σ coefficient ∂^index N.

        A coefficient has the shape (m,); None stands for one.
        """
        terms = [(tuple(i for i in index if i not in self.axes), None)]
        for axis, sine in self.sines.items():
            order = index.count(axis)
            if not order:
                continue
            angle, rate = self._angle(x, axis), self.rates[axis] ** order
            c, s = torch.cos(angle), torch.sin(angle)
            grown = []
            for (a, b), powers in chain_rule(order):
                factor = sum(rate * number * c**i * s**k for (i, k), number in powers.items())
                own = (axis,) * a + (sine,) * b
                grown += [
                    (tuple(sorted((*other, *own))), factor if f is None else f * factor)
                    for other, f in terms
                ]
            terms = grown
        return terms

    def _angle(self, x, axis):
        return self.rates[axis] * (x[:, axis] - self.low[axis])


def periodic_axes(problem, is_free=False):
    """The coordinates that are circles for the network.

    Those with ``Periodic(hard=True)``, and where the network ``is_free`` to be chosen those with
    ``hard="auto"``, first derivatives that agree, for all fields, and an equation that is periodic
    there, behind both faces as well: the solution is then as smooth there as elsewhere.
    """
    axes, conditions = [], [stated.condition for stated in stated_conditions(problem)]
    for axis, name in enumerate(problem.domain.names):
        mine = [one for one in conditions if one.winds and one.on == name and one.hard]
        covered = {field for one in mine for field in (one.field and [one.field]) or problem.fields}
        if not mine or covered != set(problem.fields):
            continue
        is_forced = any(one.hard is True for one in mine)
        is_smooth = all(one.derivatives > 0 for one in mine)
        if is_forced or (is_free and is_smooth and _is_periodic(problem, axis)):
            axes.append(axis)
    return tuple(axes)


def _is_periodic(problem, axis):
    """Whether the equation is the same at both faces, and a little behind them."""
    low, high = ranges_of(problem).T
    random_state = np.random.RandomState(0)
    x = random_state.uniform(low, high, (N_POINTS * len(BEHIND), len(low)))
    shift = np.repeat(BEHIND, N_POINTS) * (high - low)[axis]
    sizes = [random_state.uniform(0.5, 1.5, len(x)) for _ in range(2)]
    rows = []
    for face in (low, high):
        x[:, axis] = face[axis] + shift
        site = torch.tensor(x)
        bound = BoundCondition(Stated(problem, Interior()), [site])
        jets = {}

        def jet(*key, jets=jets):
            number = len(jets)
            return jets.setdefault(key, torch.tensor(sizes[0] + number * sizes[1]))

        unknowns = site.new_tensor([0.7 + 0.2 * k for k in range(len(problem.unknowns))])
        try:
            with np.errstate(all="ignore"):
                found = bound.equations([jet], unknowns)
            rows.append(torch.stack([as_tensor(row, site).expand(len(x)) for row in found]))
        except (ArithmeticError, LookupError, ValueError):  # a coefficient is not defined there
            return False
    one, two = rows
    size = 1 + one.abs() + two.abs()
    return bool(((one - two).abs() <= TOLERANCE * size).all())
