"""Hard conditions: v = L + D · N + corrections, an affine map between jets.

Dirichlet and initial values on faces of a box are met by a lift L, which interpolates the values
between the faces, and a distance D, which vanishes on them; the closed-form derivatives of v follow
from those of the network N by the product rule. A Neumann value g on the face x_j = a is met by

    v = w + φ(x_j) (g − ∂_n w |_{x_j = a}),

where w = L + D · N and φ has slope 1 at a, and slope 0 and value 0 at the opposite face.
"""

from collections import Counter

import torch

from ..models.jets import without
from .conditions import Dirichlet, Initial, Neumann
from .places import condition_value


class Face:
    """A face x_j = a of a box.

    Attributes
    ----------
    axis : int
    at : float
        a.
    low, high : float
        Range of x_j.
    is_low : bool
    """

    def __init__(self, axis, is_low, bounds):
        self.axis, self.is_low = axis, is_low
        self.low, self.high = (float(x) for x in bounds)
        self.at = self.low if is_low else self.high

    def __eq__(self, other):
        return (self.axis, self.is_low) == (other.axis, other.is_low)

    def part(self, x):
        """(x_j − low) / (high − low)."""
        return (x[:, self.axis] - self.low) / (self.high - self.low)

    def onto(self, x):
        """Points moved onto the face."""
        moved = x.clone()
        moved[:, self.axis] = self.at
        return moved


class Ansatz:
    """The hard conditions of one field.

    Parameters
    ----------
    problem : Problem
        With numbers or Quantities for its coefficients.
    conditions : list of int
        The numbers of the hard ones of this field.
    """

    def __init__(self, problem, conditions):
        self.problem, self.domain = problem, problem.domain
        self.values, self.slopes = [], []
        for number in conditions:
            condition = problem.conditions[number]
            if getattr(condition, "derivative", 0):
                raise ValueError(
                    f"Expected hard=True with values, not with derivatives in time, got "
                    f"{condition!r}. Set hard=False."
                )
            kind = self.slopes if isinstance(condition, Neumann) else self.values
            kind += [(face, number) for face in box_faces(self.domain, condition)]

    @property
    def is_plain(self):
        """Whether v is the network itself."""
        return not self.values and not self.slopes

    def distance(self, x):
        """D, the product of the distances to the faces, of height one."""
        total = torch.ones_like(x[:, 0])
        axes = {}
        for face, _ in self.values:
            axes.setdefault(face.axis, []).append(face)
        for faces in axes.values():
            part = faces[0].part(x)
            if len(faces) == 2:
                total = total * 4 * part * (1 - part)
            else:
                total = total * (part if faces[0].is_low else 1 - part)
        return total

    def lift(self, x):
        """L, by interpolation between the faces, one coordinate after the other."""
        axes = {}
        for face, number in self.values:
            axes.setdefault(face.axis, []).append((face, number))

        def interpolate(x, steps):
            if not steps:
                return torch.zeros_like(x[:, 0])
            *earlier, faces = steps
            total = interpolate(x, earlier)
            for face, number in faces:
                there = face.onto(x)
                blend = torch.ones_like(total)
                if len(faces) == 2:
                    blend = 1 - face.part(x) if face.is_low else face.part(x)
                gap = self._value(number, there) - interpolate(there, earlier)
                total = total + blend * gap
            return total

        # Time comes first: the other faces then correct what the initial values lack there.
        ordered = sorted(axes, key=lambda axis: self.domain.names[axis] != "t")
        return interpolate(x, [axes[axis] for axis in ordered])

    def _value(self, number, x):
        return condition_value(self.problem, number, x)

    def expansion(self, index, x):
        """∂^index v as an affine function of the network's derivatives.

        Parameters
        ----------
        index : multi-index
        x : torch.Tensor of shape (m, d)
            In the units of the domain.

        Returns
        -------
        constant : torch.Tensor of shape (m,)
        terms : list of (face, index, coefficient)
            Σ coefficient ∂^index N, with coefficients of shape (m,), at the point itself (face
            None) or at its projection onto a face.
        """
        constant, terms = self._of_values(None, index, x)
        for face, number in self.slopes:
            inner = tuple(i for i in index if i != face.axis)
            order = len(index) - len(inner)
            blend = self._blend(face, x, order)
            if blend is None:
                continue
            there = face.onto(x)
            slope = tuple(sorted((*inner, face.axis)))
            sign = -1.0 if face.is_low else 1.0
            value = derivative(lambda y, n=number: self._value(n, y), there, inner)
            part, below = self._of_values(face, slope, there)
            constant = constant + blend * (sign * value - part)
            terms += [(where, i, -blend * c) for where, i, c in below]
        return constant, terms

    def _of_values(self, face, index, x):
        """∂^index (L + D N) at points, by the product rule."""
        if not self.values:
            return torch.zeros_like(x[:, 0]), [(face, index, torch.ones_like(x[:, 0]))]
        constant = derivative(self.lift, x, index)
        parts = Counter()
        for mask in range(2 ** len(index)):
            parts[tuple(i for bit, i in enumerate(index) if mask >> bit & 1)] += 1
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


def derivative(function, x, index):
    """∂^index of a pointwise function of x by automatic differentiation, detached."""
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
    return value.detach()


def box_faces(domain, condition):
    """The faces of a hard condition."""
    on = condition.faces(domain)
    named = (on,) if isinstance(on, str) else on
    if named is None:
        named = [name for name in domain.names if name != "t" or len(domain.names) == 1]
    faces = []
    for name in named:
        coordinate, _, end = name.partition(".")
        if f"{coordinate}.min" not in domain.faces:
            raise ValueError(
                f"Expected the faces of a Box for {condition!r}, got {name!r} of {domain!r}. Set "
                "hard=False there."
            )
        axis = domain.names.index(coordinate)
        for is_low in (True, False):
            if end in ("", "min" if is_low else "max"):
                faces.append(Face(axis, is_low, domain.bounds[axis]))
    return faces


def hard_conditions(problem, field):
    """The ansatz of a field."""
    mine = []
    for number, condition in enumerate(problem.conditions):
        if condition.hard and condition.field in (None, field):
            if not isinstance(condition, (Dirichlet, Initial, Neumann)):
                raise ValueError(f"{condition!r} cannot be hard. Set hard=False.")
            mine.append(number)
    return Ansatz(problem, mine)
