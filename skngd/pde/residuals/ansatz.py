"""Hard conditions: v = L + D · N + corrections, an affine map between jets.

Dirichlet and initial values on faces of a box are met by a lift L, which interpolates the values
between the faces, and a distance D, which vanishes on them; the closed-form derivatives of v follow
from those of the network N by the product rule. A Neumann value g on the face x_j = a is met by

    v = w + φ(x_j) (g − ∂_n w |_{x_j = a}),

where w = L + D · N and φ has slope 1 at a, and slope 0 and value 0 at the opposite face.

Values on curved faces, and on the sides of a box that is cut, come first: with heights h_c of the
conditions c there, zero on their faces alone, L is Σ g_c h_c^-1 / Σ h_c^-1, where a value g_c is
taken at the point itself.
"""

import functools
import operator
from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from ...models.jets import without
from ..expressions.quantity import Quantity
from .bound import stated_conditions, written

# Points at which a face is looked for.
N_SIDE_POINTS = 4
# Points at which the product of heights is looked at: it is made one at the largest.
N_HIGHEST = 256


@dataclass(frozen=True)
class Face:
    """A face x_j = a of a box, where x_j ranges from low to high."""

    axis: int  # j
    is_low: bool
    low: float
    high: float

    @property
    def at(self):
        """a."""
        return self.low if self.is_low else self.high

    def name(self, domain):
        """What the domain calls it."""
        return f"{domain.names[self.axis]}.{'min' if self.is_low else 'max'}"

    def part(self, x):
        """(x_j − low) / (high − low)."""
        return (x[:, self.axis] - self.low) / (self.high - self.low)

    def onto(self, x):
        """Points moved onto the face."""
        moved = x.clone()
        moved[:, self.axis] = self.at
        return moved


@dataclass(frozen=True)
class Curve:
    """A face that is no side of a box, or one whose box is cut; known by its height."""

    domain: object
    face: str
    axes: tuple[int, ...]  # that the height depends on
    axis = None

    def name(self, domain):
        """What the domain calls it."""
        return self.face

    def height(self, x):
        """Zero on the face and positive elsewhere inside, shape (m,), for points (m, d)."""
        columns = [Quantity(x[:, axis]) for axis in range(len(self.domain.names))]
        return self.domain._height(columns, self.face).tensor

    def onto(self, x):
        """The points themselves: the value is taken for a function of the coordinates there."""
        return x


class Height:
    """Zero on the curved faces of a condition, positive elsewhere inside, one at its highest."""

    def __init__(self, stated, faces):
        self.stated, self.faces, self.highest = stated, faces, 1.0

    def __call__(self, x):
        return _product(face.height(x) for face in self.faces) / self.highest


def _product(factors):
    return functools.reduce(operator.mul, factors)


class Ansatz:
    """The hard conditions of one field: values and slopes, each on a face.

    They may depend on the inputs of the problem, and on its ``unknowns``, a set of names: on these
    the constants alone do.
    """

    def __init__(self, problem, conditions):
        self.problem, self.domain = problem, problem.domain
        self.values, self.slopes, self.unknowns = [], [], set()
        for stated in conditions:
            condition = stated.condition
            kinds = {"value": self.values, "slope": self.slopes}
            if condition.prescribes not in kinds:
                raise ValueError(
                    f"Expected hard=True with values or slopes, not with derivatives in time, got "
                    f"{condition!r}. Set hard=False."
                )
            for face in _hard_faces(self.domain, condition):
                self.unknowns |= stated.unknowns_on(face)
                self._check_free(face, stated)
                kinds[condition.prescribes].append((face, stated))
        self._join_curves()

    def _join_curves(self):
        """Treat sides whose coordinate a curved face bends in as curved ones."""
        bent = {axis for face, _ in self.values for axis in getattr(face, "axes", ())}
        self.sides, curves = [], {}
        for face, stated in self.values:
            if face.axis in bent:
                face = Curve(self.domain, face.name(self.domain), (face.axis,))
            if isinstance(face, Curve):
                curves.setdefault(id(stated), (stated, []))[1].append(face)
            else:
                self.sides.append((face, stated))
        for face, stated in self.slopes:
            if face.axis in bent:
                raise ValueError(
                    f"Expected hard slopes in a coordinate that no curved face with hard values "
                    f"bends in, got {stated.condition!r}. Set hard=False there."
                )
        self.curves = list(map(Height, *zip(*curves.values(), strict=True))) if curves else []
        if self.curves:
            points = torch.as_tensor(self.domain.sample(N_HIGHEST, "sobol", 0))
            for height in self.curves:
                height.highest = float(height(points).max())
            self._highest = float(_product(height(points) for height in self.curves).max())

    def _check_free(self, face, stated):
        name, condition = face.name(self.domain), stated.condition
        for other, rival in self.values + self.slopes:
            if face == other:
                raise ValueError(
                    f"Expected at most one hard condition on face {name!r}, got "
                    f"{rival.condition!r} and {condition!r}. Set hard=False on one."
                )
        for other, _ in self.slopes if condition.prescribes == "slope" else ():
            if other.axis != face.axis:
                raise ValueError(
                    "Expected hard slopes on faces of one coordinate, got "
                    f"{other.name(self.domain)!r} and {name!r} of {condition!r}. Set hard=False "
                    "on one."
                )

    @property
    def is_plain(self):
        """Whether v is the network itself."""
        return not self.values and not self.slopes

    def distance(self, x):
        """D, the product of the distances to the faces, of height one."""
        total = torch.ones_like(x[:, 0])
        if self.curves:
            total = _product(height(x) for height in self.curves) / self._highest
        for (face, _), *opposite in self._by_axis().values():
            part = face.part(x)
            if opposite:
                total = total * 4 * part * (1 - part)
            else:
                total = total * (part if face.is_low else 1 - part)
        return total

    def _by_axis(self):
        axes = {}
        for face, stated in self.sides:
            axes.setdefault(face.axis, []).append((face, stated))
        return axes

    def _lift_of_curves(self, x, unknowns):
        """Between the conditions on curved faces, by the inverse of the heights of their faces."""
        heights = [height(x) for height in self.curves]
        total, weights = torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0])
        for place, curve in enumerate(self.curves):
            value = self._value(curve.stated, x, unknowns)
            if len(heights) == 1:
                return value
            weight = _product(heights[:place] + heights[place + 1 :])
            total, weights = total + weight * value, weights + weight
        return total / weights if heights else total

    def lift(self, x, unknowns=None):
        """L, by interpolation between the faces, one coordinate after the other.

        ``unknowns`` are quantities by name; None stands for the start of each.
        """
        axes = self._by_axis()

        def interpolate(x, steps):
            if not steps:
                return self._lift_of_curves(x, unknowns)
            *earlier, faces = steps
            total = interpolate(x, earlier)
            for face, stated in faces:
                there = face.onto(x)
                blend = torch.ones_like(total)
                if len(faces) == 2:
                    blend = 1 - face.part(x) if face.is_low else face.part(x)
                gap = self._value(stated, there, unknowns) - interpolate(there, earlier)
                total = total + blend * gap
            return total

        # Time comes first: the other faces then correct what the initial values lack there.
        ordered = sorted(axes, key=lambda axis: self.domain.names[axis] != "t")
        return interpolate(x, [axes[axis] for axis in ordered])

    def _value(self, stated, x, unknowns):
        value = stated.value(x, unknowns)
        bad = torch.nonzero(~torch.isfinite(value))
        if len(bad):
            first = int(bad[0])
            raise ValueError(
                f"Expected {stated.condition!r} to be finite, as it is built into the ansatz, got "
                f"{value[first].item()} at ({written(self.problem, x[first])}). Check it there, "
                "or set hard=False."
            )
        return value

    def expansion(self, index, x, unknowns=None):
        """∂^index v at points x of the domain as an affine function of the network's derivatives.

        Returns the constant of shape (m,), or None for zero, and the terms of Σ coefficient ∂^index
        N as (face, index, coefficient): a coefficient of shape (m,), or None for one, at the point
        itself (face None) or at its projection onto a face. With unknowns, quantities by name, the
        constant can be differentiated in them.
        """
        if self.is_plain:
            return None, [(None, index, None)]
        constant, terms = self._of_values(None, index, x, unknowns)
        for face, stated in self.slopes:
            inner = tuple(i for i in index if i != face.axis)
            order = len(index) - len(inner)
            blend = self._blend(face, x, order)
            if blend is None:
                continue
            there = face.onto(x)
            slope = tuple(sorted((*inner, face.axis)))
            sign = -1.0 if face.is_low else 1.0
            value = derivative(
                lambda y, given=stated: self._value(given, y, unknowns), there, inner, unknowns
            )
            part, below = self._of_values(face, slope, there, unknowns)
            constant = constant + blend * (sign * value - part)
            terms += [(where, i, -blend * c) for where, i, c in below]
        return constant, terms

    def _of_values(self, face, index, x, unknowns):
        """∂^index (L + D N) at points, by the product rule."""
        if not self.values:
            return torch.zeros_like(x[:, 0]), [(face, index, torch.ones_like(x[:, 0]))]
        constant = derivative(lambda y: self.lift(y, unknowns), x, index, unknowns)
        parts = Counter(part for n in range(len(index) + 1) for part in combinations(index, n))
        terms = []
        for part, count in parts.items():
            of_distance = derivative(self.distance, x, part)
            terms.append((face, without(index, part), count * of_distance))
        return constant, terms

    def _blend(self, face, x, order):
        """φ or its derivative of some order; None where it vanishes."""
        width, away = face.high - face.low, x[:, face.axis] - face.at
        if order > 2:
            return None
        sign = -1.0 if face.is_low else 1.0
        reach = away + sign * width
        if order == 2:
            return torch.full_like(away, sign / width)
        return sign * reach / width if order else sign * reach**2 / (2 * width)


def derivative(function, x, index, unknowns=None):
    """∂^index of a pointwise function of x by automatic differentiation.

    Detached, but from what it depends on besides, where there are unknowns.
    """
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        value = function(leaf)
        for axis in index:
            if not value.requires_grad:
                return torch.zeros_like(x[:, 0])
            (gradient,) = torch.autograd.grad(
                value.sum(), leaf, create_graph=True, allow_unused=True
            )
            if gradient is None:
                return torch.zeros_like(x[:, 0])
            value = gradient[:, axis]
    return value if unknowns else value.detach()


def box_faces(domain, condition):
    """The faces of a condition, which have to be sides of the box around the domain."""
    on = condition.faces(domain)
    named = (on,) if isinstance(on, str) else domain.face_names() if on is None else on
    faces = []
    for name in named:
        if name not in domain.faces:
            raise ValueError(
                f"Expected on to name faces of the domain, of which there are {domain.faces}, got "
                f"{name!r} in {condition!r}. Use one of them, a tuple of them, or None."
            )
        found = _sides(domain, name)
        if not found:
            advice = " Set hard=False there." if condition.hard else " Use those of a Box."
            raise ValueError(
                f"Expected the faces of a Box for {condition!r}, got {name!r} of {domain!r}."
                f"{advice}"
            )
        faces += [face for face in found if face not in faces]
    return faces


def _hard_faces(domain, condition):
    """The faces of a hard condition: sides of the box around the domain, and curves for values."""
    on = condition.faces(domain)
    named = domain.face_names(on)
    curved = [name for name in named if not _sides(domain, name)]
    if not curved or condition.prescribes != "value":
        return box_faces(domain, condition)
    found = []
    for name in named:
        sides = [] if name in curved else _sides(domain, name)
        found += sides or [Curve(domain, name, domain._axes_of(name))]
    # Refused is a face from which no distance is known.
    domain.distance(domain.sample(1, "sobol", 0), on)
    return found


def _sides(domain, name):
    """The sides of the bounding box that a face of the domain is; none if it is something else."""
    coordinate, _, end = name.partition(".")
    if coordinate not in domain.names or end not in ("", "min", "max"):
        return []
    axis, found = domain.names.index(coordinate), []
    for is_low in (True, False):
        side = Face(axis, is_low, *domain.bounds[axis].tolist())
        if end in ("", "min" if is_low else "max") and side.name(domain) in domain.faces:
            points = domain.boundary(N_SIDE_POINTS, side.name(domain), random_state=0)[0]
            # In a union or difference, faces keep the names that they have in its parts.
            if np.abs(points[:, axis] - side.at).max() > 1e-9 * (side.high - side.low):
                return []
            found.append(side)
    return found


def hard_conditions(problem, field):
    """The ansatz of a field; conditions that cannot be hard, or not together, are refused."""
    mine = []
    for stated in stated_conditions(problem):
        condition = stated.condition
        if condition.winds or not condition.hard:
            continue
        condition.check_field(problem.fields)
        if condition.field in (None, field):
            if condition.prescribes is None:
                raise ValueError(f"{condition!r} cannot be hard. Set hard=False.")
            mine.append(stated)
    return Ansatz(problem, mine)
