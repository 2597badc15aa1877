"""Difference, union and product of domains."""

from dataclasses import replace

import numpy as np

from .domain import TOLERANCE, Domain
from .patch import Patch
from .sampling import unit_points
from .shown import shown

STEP = 1e-6  # how far beside a face one looks for what is there, of the sides of the bounding box
CLEAR = 0.02  # how far apart, in parts of their sides, boxes lie that are clear of each other
N_MEASURE = 2**14  # points that measure a part; a power of two, so that halves, … come out exactly


class Shape(Domain):
    """A domain that combines with others.

    ``A - B`` is the part of A outside B, ``A | B`` the union, and ``A * B`` the product of domains
    with different coordinates, such as ``Box(t=(0, 1)) * Disk()``.

    See Also
    --------
    skngd.pde.Difference : One domain without another.
    skngd.pde.Union : Two domains together.
    skngd.pde.Product : Domains with different coordinates.

    Examples
    --------
    >>> from skngd.pde import Box, Disk
    >>> washer = Disk(radius=2, face="outside") - Disk(face="inside")
    >>> washer.faces, (Box(t=(0, 1)) * washer).names
    (('outside', 'inside'), ('t', 'x', 'y'))
    """

    def __sub__(self, other):
        return Difference(self, other) if isinstance(other, Domain) else NotImplemented

    def __or__(self, other):
        return Union(self, other) if isinstance(other, Domain) else NotImplemented

    def __mul__(self, other):
        return Product(self, other) if isinstance(other, Domain) else NotImplemented


class _Combination(Shape):
    # What may be combined.
    parts: type = Shape

    def __init__(self, first, second):
        for part in (first, second):
            if not isinstance(part, self.parts):
                raise ValueError(
                    f"Expected domains such as Box, Disk or Polygon, got {shown(part)}. Of Points "
                    "there are products only: drop those that lie outside before, such as "
                    "X[B.contains(X)]."
                )
        common = [face for face in first.faces if face in second.faces]
        if common:
            raise ValueError(
                f"Expected the faces of both domains to have names of their own, got {common} "
                "twice. Pass face= to one of them, such as face='wall', which then is the name of "
                "its whole boundary."
            )
        self.__dict__.update(first=first, second=second)


class _Overlay(_Combination):
    """Two domains with the same coordinates."""

    def __init__(self, first, second):
        super().__init__(first, second)
        if first.names != second.names:
            raise ValueError(
                f"Expected two domains with the same coordinates in the same order, got "
                f"{first.names} and {second.names}. Use names= to name them alike; for the "
                "product with another coordinate combine first and multiply then: "
                "Box(t=(0, 1)) * (A - B)."
            )

    def _overlap(self):
        """Measure of the points that belong to both, by the more certain of two counts."""
        counts = []
        for part, other in ((self.first, self.second), (self.second, self.first)):
            points = part.sample(N_MEASURE, "sobol", 0)
            share = float(np.mean(other._depth(points) > TOLERANCE))
            variance = share * (1 - share) / N_MEASURE + 1 / N_MEASURE**2
            counts.append((part.measure * variance**0.5, part.measure * share))
        return min(counts)[1]

    def _clipped(self, piece, part, other, direction):
        """The part of a piece that separates the inside of the whole from the outside.

        Judged a small step to both sides, so walls that two parts share are sorted out as well:
        one between them is no boundary, one that both have on the same side counts for the first.
        """
        piece = _boxed(piece)
        if part is self.first and _lies_clear(piece, other):
            return piece
        step = STEP * np.minimum(*(np.ptp(domain.bounds, axis=1) for domain in (part, other)))
        slack = 1e-3 * (step / np.ptp(self.bounds, axis=1)).min()

        def draw(U):
            X, normals, keep = piece.draw(U)
            normals = direction * normals
            keep = keep & (self._depth(X + step * normals) < -slack)
            keep &= self._depth(X - step * normals) > -slack
            if part is self.second:
                keep &= np.abs(other._depth(X)) > TOLERANCE
            return X, normals, keep

        share = float(draw(_unit_points(piece))[-1].mean())
        return replace(piece, measure=piece.envelope * share, draw=draw)

    def _clip_all(self, direction):
        first, second = self.first, self.second
        pieces = [self._clipped(piece, first, second, 1) for piece in first._boundary]
        return pieces + [
            self._clipped(piece, second, first, direction) for piece in second._boundary
        ]


def _unit_points(piece):
    """Points that measure a piece."""
    d = piece.dimension
    return unit_points(N_MEASURE, d, "sobol", 0) if d else np.zeros((1, 0))


def _boxed(piece):
    """A piece with its bounding box."""
    if piece.box is not None:
        return piece
    X = piece.draw(_unit_points(piece))[0]
    return replace(piece, box=(X.min(axis=0), X.max(axis=0)))


def _lies_clear(piece, other):
    """Whether the bounding box of a piece lies clear of that of a domain, which then changes none.

    So a domain with many holes costs little: each is compared with those that are near.
    """
    low, high = piece.box
    margin = CLEAR * np.maximum(high - low, np.ptp(other.bounds, axis=1))
    return bool(((high + margin < other.bounds[:, 0]) | (low - margin > other.bounds[:, 1])).any())


class Difference(_Overlay):
    """The points of the first domain that do not lie inside the second: ``A - B``.

    The boundary of the second domain inside the first is boundary too, with the normals into the
    second: out of what is left. The measures of the whole and of faces that are cut are counted on
    the same quasi-random points each time, with an error of about 1e-4; they are exact where
    nothing is cut through.

    Parameters
    ----------
    first, second : Domain
        With the same coordinates, and names of faces that differ.

    Raises
    ------
    ValueError
        If nothing is left, if the coordinates differ, or if a name is that of a face of both.

    See Also
    --------
    skngd.pde.Union : Two domains together.
    skngd.pde.Product : Domains with different coordinates.

    Examples
    --------
    >>> from skngd.geometry.box import Box
    >>> from skngd.geometry.shapes import Disk
    >>> plate = Box(x=(-1, 1), y=(-1, 1)) - Disk(radius=0.5, face="hole")
    >>> plate.faces
    ('x', 'x.min', 'x.max', 'y', 'y.min', 'y.max', 'hole')
    >>> plate.contains([[0, 0.4], [0, 0.6]])
    array([False,  True])
    """

    def __init__(self, first, second):
        super().__init__(first, second)
        if not (self._depth(first.sample(N_MEASURE, "sobol", 0)) > TOLERANCE).any():
            raise ValueError(
                f"Expected a second domain that leaves something of the first, but {second!r} "
                f"covers {first!r}. Check the order of the difference and the sizes."
            )
        measure = first.measure - self._overlap()
        self._define(first.names, first.bounds, measure, first._envelope)

    def _depth(self, X):
        return np.minimum(self.first._depth(X), -self.second._depth(X))

    def _envelop(self, U):
        return self.first._envelop(U)

    def _height(self, columns, face):
        if face in self.second.faces:
            return self.second._height_outside(columns, face)
        return self.first._height(columns, face)

    def _axes_of(self, face):
        return (self.second if face in self.second.faces else self.first)._axes_of(face)

    def _pieces(self):
        return self._clip_all(-1)


class Union(_Overlay):
    """The points of two domains together: ``A | B``.

    What lies inside the other domain is no boundary, nor is a wall between the two. The measures of
    overlapping domains are counted as for a `Difference`.

    Parameters
    ----------
    first, second : Domain
        With the same coordinates, and names of faces that differ.

    Raises
    ------
    ValueError
        If the coordinates differ, or if a name is that of a face of both.

    See Also
    --------
    skngd.pde.Difference : One domain without another.
    skngd.pde.Product : Domains with different coordinates.

    Examples
    --------
    >>> from skngd.geometry.shapes import Disk
    >>> pair = Disk(face="left") | Disk(center=(3, 0), face="right")
    >>> round(pair.measure / 3.14159265, 6)
    2.0
    """

    def __init__(self, first, second):
        super().__init__(first, second)
        bounds = np.stack([first.bounds, second.bounds])
        bounds = np.stack([bounds[..., 0].min(axis=0), bounds[..., 1].max(axis=0)], axis=1)
        measure = first.measure + second.measure - self._overlap()
        self._define(first.names, bounds, measure, float(np.ptp(bounds, axis=1).prod()))

    def _depth(self, X):
        return np.maximum(self.first._depth(X), self.second._depth(X))

    def _pieces(self):
        return self._clip_all(1)


class Product(_Combination):
    """All combinations of a point of each domain: ``A * B``, such as time and space.

    Its faces are those of both: a face of A stands for the points on it with all points of B. One
    of them may be `Points`: each point that is drawn then takes one of these.

    Parameters
    ----------
    first, second : Domain
        Without a common coordinate or name of a face. The columns of X are those of the first
        domain, then those of the second.

    Raises
    ------
    ValueError
        If both have a coordinate or a name of a face in common.

    See Also
    --------
    skngd.pde.Difference : One domain without another.
    skngd.pde.Union : Two domains together.

    Examples
    --------
    >>> from skngd.geometry.box import Box
    >>> from skngd.geometry.shapes import Disk
    >>> cylinder = Box(t=(0, 2)) * Disk()
    >>> cylinder.names, cylinder.faces
    (('t', 'x', 'y'), ('t', 't.min', 't.max', 'boundary'))
    """

    parts = Domain

    def __init__(self, first, second):
        common = set(getattr(first, "names", ())) & set(getattr(second, "names", ()))
        if common:
            raise ValueError(
                f"Expected domains with different coordinates, got {sorted(common)} in both. Use "
                "names= to rename one, A | B for the union or A - B for the difference."
            )
        super().__init__(first, second)
        self._define(
            first.names + second.names,
            np.concatenate([first.bounds, second.bounds]),
            first.measure * second.measure,
            first._envelope * second._envelope,
        )

    @property
    def is_cloud(self):
        """Whether one of the parts is known by its points alone."""
        return self.first.is_cloud or self.second.is_cloud

    def sample(self, n, sampler="sobol", random_state=None):
        if sampler in ("grid", "gauss") and self.is_cloud:
            raise ValueError(
                f"Expected sampler='sobol', 'uniform' or 'latin' for a product with Points, got "
                f"{sampler!r}: they lie on no grid. Leave it out."
            )
        return super().sample(n, sampler, random_state)

    def boundary_measure(self, on=None):
        for part in (self.first, self.second):
            if part.is_cloud:
                # Refused for faces of the points, whose measure is not known.
                names = {piece.name for piece in self._on(on)} & set(part.faces)
                if names:
                    part.boundary_measure(tuple(names))
        return super().boundary_measure(on)

    def _depth(self, X):
        d = len(self.first.names)
        return np.minimum(self.first._depth(X[:, :d]), self.second._depth(X[:, d:]))

    def _envelop(self, U):
        d = len(self.first.names)
        return np.hstack([self.first._envelop(U[:, :d]), self.second._envelop(U[:, d:])])

    def _height(self, columns, face):
        d = len(self.first.names)
        if face in self.first.faces:
            return self.first._height(columns[:d], face)
        return self.second._height(columns[d:], face)

    def _axes_of(self, face):
        if face in self.first.faces:
            return self.first._axes_of(face)
        return tuple(len(self.first.names) + axis for axis in self.second._axes_of(face))

    def _quadrature(self, n, over):
        rules = []
        for part in (self.first, self.second):
            mine = tuple(name for name in part.names if name in over)
            if mine:
                rules.append(part._quadrature(n, mine))
        if len(rules) == 1:
            return rules[0]
        (X, of_x), (Y, of_y) = rules
        i, j = np.indices((len(X), len(Y))).reshape(2, -1)
        return np.hstack([X[i], Y[j]]), of_x[i] * of_y[j]

    def _extended(self, piece, part, is_pair=False):
        """A piece of one part with all points of the other.

        The second array of the piece is normals, or the opposite points of pairs.
        """
        other = self.second if part is self.first else self.first

        def columns(of_part, of_other):
            return np.hstack([of_part, of_other] if part is self.first else [of_other, of_part])

        def draw(U):
            points, second, keep = piece.draw(U[:, : piece.dimension])
            rest = other._envelop(U[:, piece.dimension :])
            second = columns(second, rest if is_pair else np.zeros_like(rest))
            return columns(points, rest), second, keep & (other._depth(rest) >= -TOLERANCE)

        return Patch(
            piece.name,
            piece.dimension + len(other.names),
            piece.measure * other.measure,
            piece.envelope * other._envelope,
            draw,
        )

    def _pieces(self):
        return [
            self._extended(piece, part)
            for part in (self.first, self.second)
            for piece in part._boundary
        ]

    def _opposite(self, on):
        part = self.first if on in self.first.names else self.second
        return self._extended(part._opposite(on), part, is_pair=True)
