"""What a domain is: named coordinates, points inside, points and normals on named faces."""

from abc import ABC, abstractmethod
from functools import partial
from inspect import signature
from keyword import iskeyword
from math import prod

import numpy as np

from .patch import Patch
from .sampling import as_generator, check_count, check_sampler
from .shown import shown

TOLERANCE = 1e-9  # of the size of a domain
# Points of quadrature in each direction, of one, two and three, and where they are no Gauss points.
N_QUADRATURE, N_SOBOL = (48, 16, 8), 2**12


class Domain(ABC):
    """A bounded set of points with named coordinates and a boundary of named faces.

    Domains are values: they do not change, and two with the same description are equal.

    Attributes
    ----------
    names : tuple of str
        The coordinates, in the order of the columns of X.
    bounds : ndarray of shape (d, 2)
        Bounding box: the lowest and highest value of each coordinate.
    measure : float
        Length, area or volume.
    faces : tuple of str
        Names that ``on`` may take. A name such as ``"x"`` stands for ``"x.min"`` and ``"x.max"``.

    See Also
    --------
    skngd.pde.Box : A product of intervals.
    skngd.pde.operations.Shape : The base of domains that combine.

    Examples
    --------
    >>> from skngd.pde import Box, Disk
    >>> domain = Box(t=(0, 1)) * Disk()
    >>> domain.names, domain.faces
    (('t', 'x', 'y'), ('t', 't.min', 't.max', 'boundary'))
    >>> round(domain.measure, 6), domain.contains([[0.5, 0.0, 0.5], [0.5, 1.0, 1.0]]).tolist()
    (3.141593, [True, False])
    """

    # Whether it is known by its points alone.
    is_cloud = False

    def _define(self, names, bounds, measure, envelope):
        bounds = np.array(bounds, float)
        bounds.setflags(write=False)
        self.__dict__.update(names=names, bounds=bounds, measure=measure, _envelope=envelope)
        pieces = [piece for piece in self._pieces() if piece.measure > 0]
        faces = {}
        for piece in pieces:
            faces.update(dict.fromkeys((piece.name.partition(".")[0], piece.name)))
        self.__dict__.update(_boundary=pieces, faces=tuple(faces))

    def _arguments(self):
        """What the constructor takes, by name, as plain values."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    @abstractmethod
    def _depth(self, X):
        """How deep points lie inside: 1 is about the domain's size, 0 the boundary, < 0 outside."""

    def _envelop(self, U):
        """Map the unit cube to a set that contains the domain, keeping measures."""
        low, high = self.bounds.T
        return low + U * (high - low)

    @abstractmethod
    def _pieces(self):
        """The smooth pieces of the boundary: patches that draw points and outward normals."""

    def contains(self, X, tol=TOLERANCE):
        """Which points belong to the domain, its boundary included.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Points, one coordinate in each column.
        tol : float, default=1e-9
            How far outside a point may lie, as a part of the domain's size. A negative one leaves
            out the boundary.

        Returns
        -------
        inside : ndarray of bool of shape (n,)
            False where a coordinate is NaN.
        """
        X = np.asarray(X, float)
        if X.ndim != 2 or X.shape[1] != len(self.names):
            raise ValueError(
                f"Expected X of shape (n, {len(self.names)}) with the columns {self.names}, got "
                f"shape {X.shape}. Give one row for each point, such as X.reshape(-1, 1)."
            )
        return self._depth(X) >= -tol

    def sample(self, n, sampler="sobol", random_state=None):
        """Draw points inside the domain, evenly spread.

        Parameters
        ----------
        n : int or tuple of int
            How many. For ``"grid"``, the most there may be, equally spaced within the bounding box
            and none on its boundary: n = 784 in two dimensions are the 28 × 28 inner points of a
            grid of 30 × 30. A tuple gives the count of each direction.
        sampler : {"grid", "uniform", "sobol", "latin", "gauss"}, default="sobol"
            See `unit_points`. ``"gauss"`` is for an interval only.
        random_state : int, RandomState, Generator or None, default=None
            Seed. A ``RandomState`` is advanced, so that the next call gives other points.

        Returns
        -------
        points : ndarray of shape (n, d)
            For a grid they may be fewer.
        """
        check_sampler(sampler)
        envelop, envelope, grid = self._envelop, self._envelope, "closed"
        if sampler == "grid":
            envelop, grid = partial(Domain._envelop, self), "open"
            envelope = prod(np.ptp(self.bounds, axis=1).tolist())

        def draw(U):
            X = envelop(U)
            return X, self._depth(X) > (TOLERANCE if sampler == "grid" else 0)

        patch = Patch("", len(self.names), self.measure, envelope, draw, grid)
        return patch.sample(n, sampler, random_state)[0]

    def boundary(self, n, on=None, sampler="sobol", random_state=None):
        """Draw points on the boundary, divided among the faces by their measure.

        Parameters
        ----------
        n : int
            How many. Where a face is a single point, as in one dimension, it is there once
            whatever n is. For ``"grid"`` in three or more dimensions, the most there may be.
        on : str or tuple of str, default=None
            Names of faces, see `faces`. None: all but those of the time, ``"t"``, ``"t.min"`` and
            ``"t.max"``; of these too if there are no others.
        sampler : {"grid", "uniform", "sobol", "latin", "gauss"}, default="sobol"
            See `unit_points`. A grid along a side has both ends, one around a closed curve has
            equal distances throughout, and one on a surface is the midpoints of equal cells.
        random_state : int, RandomState, Generator or None, default=None
            Seed.

        Returns
        -------
        points : ndarray of shape (n, d)
            On the faces.
        normals : ndarray of shape (n, d)
            Outward unit vectors.
        faces : ndarray of str of shape (n,)
            The face of each point: ``"x.min"``, not ``"x"``.
        """
        n, generator = check_count(n), as_generator(random_state)
        check_sampler(sampler)
        pieces = self._on(on)
        arrays = []
        for piece, share in zip(pieces, _shares(n, pieces), strict=True):
            if share:
                points, normals = piece.sample(share, sampler, generator)
                arrays.append((points, normals, np.full(len(points), piece.name)))
        points, normals, faces = map(np.concatenate, zip(*arrays, strict=True))
        return points, normals, faces

    def boundary_measure(self, on=None):
        """Length or area of faces; in one dimension their number.

        Parameters
        ----------
        on : str or tuple of str, default=None
            See `boundary`.

        Returns
        -------
        measure : float
            Of all the faces together.
        """
        return float(sum(piece.measure for piece in self._on(on)))

    def distance(self, X, on=None):
        """A function that is zero on faces and positive elsewhere inside, of height about one.

        It is smooth inside, and leaves the faces with a slope; hard conditions multiply the network
        by it. Corners where a `Polygon` bends inwards, and those of holes, are left out of
        smoothness. For a `Box`, `Ball`, `Disk` or `Polygon`, products, and differences of these.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Points inside.
        on : str or tuple of str, default=None
            See `boundary`.

        Returns
        -------
        distance : ndarray of shape (n,)
            Zero on the faces.

        Raises
        ------
        ValueError
            If none is known for one of the faces.

        Examples
        --------
        >>> from skngd.geometry.shapes import Disk
        >>> Disk(radius=2).distance([[0, 0], [1, 0], [2, 0]]).tolist()
        [1.0, 0.75, 0.0]
        """
        columns, found = np.asarray(X, float).T, 1.0
        for name in self.face_names(on):
            found = found * self._height(columns, name)
        return found

    def _height(self, columns, face):
        """:meth:`distance` to one face, by arrays or quantities for the coordinates."""
        raise ValueError(
            f"Expected a face from which a smooth distance is known, got {face!r} of {self!r}. It "
            "is known for Box, Ball, Disk, Polygon, their products and differences; for a box that "
            "is cut out where it has one face=. Set hard=False."
        )

    def _height_outside(self, columns, face):
        """The same on the other side, for a domain that is cut out of another."""
        return Domain._height(self, columns, face)

    def _axes_of(self, face):
        """The columns that the height of a face depends on."""
        return tuple(range(len(self.names)))

    def quadrature(self, n=None, over=None):
        """Give points and weights whose sum is the integral of a smooth function.

        Gauss points for a `Box`, `Ball`, `Disk`, a convex `Polygon`, a `Mesh` and products of
        these; equal weights on Sobol points for others, with errors of about 1e-4.

        Parameters
        ----------
        n : int, default=None
            How many in each direction of a box, and in each simplex of a mesh. None: 48 in one
            dimension, 16 in two, 8 in three; more than three dimensions have Sobol points.
        over : str or tuple of str, default=None
            Coordinates; None is all. A coordinate can be left out whose range depends on no other.

        Returns
        -------
        points : ndarray of shape (q, k)
            In the coordinates of ``over``, in the order of the domain.
        weights : ndarray of shape (q,)
            Their sum is the measure.

        Raises
        ------
        ValueError
            If there is no such coordinate, or its range depends on others.

        Examples
        --------
        >>> from skngd.geometry.box import Box
        >>> points, weights = Box(t=(0, 1), x=(0, 2)).quadrature(over="x")
        >>> round(float(weights @ points[:, 0]**2), 12)
        2.666666666667
        """
        wanted = self.names if over is None else (over,) if isinstance(over, str) else over
        known = isinstance(wanted, tuple | list) and all(name in self.names for name in wanted)
        if not (known and wanted):
            raise ValueError(
                f"Expected over to name coordinates of the domain, {self.names}, got "
                f"{shown(over)}. Use one of them, a tuple of them, or None for all."
            )
        n = None if n is None else check_count(n)
        return self._quadrature(n, tuple(name for name in self.names if name in wanted))

    def _quadrature(self, n, over):
        if over != self.names:
            raise ValueError(
                f"Expected over to name all of {self.names}, got {over}: in {self!r} the range of "
                "one depends on the others. Use over=None for all of them."
            )
        d = len(over)
        if n is None and d > len(N_QUADRATURE):
            return Domain._rule(self, None)
        return self._rule(n or N_QUADRATURE[d - 1])

    def _rule(self, n):
        """``quadrature`` over all coordinates."""
        points = self.sample(N_SOBOL, "sobol", 0)
        return points, np.full(len(points), self.measure / len(points))

    def face_names(self, on=None):
        """The names of the faces that ``on`` stands for, each once.

        Parameters
        ----------
        on : str or tuple of str, default=None
            See `boundary`.

        Returns
        -------
        names : tuple of str
            Some of ``faces``.
        """
        return tuple(dict.fromkeys(piece.name for piece in self._on(on)))

    def pairs(self, n, on, sampler="sobol", random_state=None):
        """Draw points of two opposite faces of a `Box`, or of a product with one.

        Parameters
        ----------
        n : int
            How many pairs; in one dimension there is one.
        on : str
            The coordinate in which the two points of a pair differ.
        sampler : str, default="sobol"
            See `boundary`.
        random_state : int, RandomState, Generator or None, default=None
            Seed.

        Returns
        -------
        low, high : ndarray of shape (n, d)
            Row i of both has the same coordinates but for ``on``.
        """
        n = check_count(n)
        check_sampler(sampler)
        if on not in self.names:
            raise ValueError(
                f"Expected on to be a coordinate, one of {self.names}, got {shown(on)}. "
                f"Try on={self.names[-1]!r}."
            )
        return tuple(self._opposite(on).sample(n, sampler, random_state))

    def _opposite(self, on):
        raise ValueError(
            f"Expected a Box, or a product with one, for which opposite points of {shown(on)} are "
            f"known, got {self!r}. Use a Box, or give each face a condition of its own."
        )

    def _on(self, on):
        """The pieces of the boundary that ``on`` names."""
        if on is None:
            others = [p for p in self._boundary if p.name.partition(".")[0] != "t"]
            return others or self._boundary
        wanted = (on,) if isinstance(on, str) else on
        known = isinstance(wanted, tuple | list) and all(name in self.faces for name in wanted)
        if not (known and wanted):
            raise ValueError(
                f"Expected on to name faces of the domain, of which there are {self.faces}, got "
                f"{shown(on)}. Use one of them, a tuple of them, or None."
            )
        return [p for p in self._boundary if {p.name, p.name.partition(".")[0]} & set(wanted)]

    def __setattr__(self, name, value):
        raise AttributeError(f"A domain does not change: {name!r} cannot be set. Make a new one.")

    def __delattr__(self, name):
        raise AttributeError(f"A domain does not change: {name!r} cannot be deleted.")

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return list(self._arguments().items()) == list(other._arguments().items())

    def __hash__(self):
        return hash(repr(self))

    def __repr__(self):
        arguments = ", ".join(f"{name}={shown(value)}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def __deepcopy__(self, memo):
        return self

    def __getstate__(self):
        return self._arguments()

    def __setstate__(self, arguments):
        self.__init__(**arguments)

    def __reduce__(self):
        return partial(type(self), **self._arguments()), ()


def check_names(names, d):
    """Names of d coordinates as a tuple; each becomes an argument of the equation."""
    names = tuple(names) if np.iterable(names) and not isinstance(names, str) else (names,)
    if len(names) != d or len(set(names)) != d:
        raise ValueError(
            f"Expected {d} different names of coordinates, got {shown(names)}. Give one for each "
            "column."
        )
    for name in names:
        if not (isinstance(name, str) and name.isidentifier()) or iskeyword(name):
            raise ValueError(
                f"Expected names of coordinates that can be arguments of a function, got "
                f"{shown(name)}. Try a letter or a word, such as 'x'."
            )
    return names


def check_face(face):
    """Refuse what is not the name of a face."""
    if not isinstance(face, str) or not face:
        raise ValueError(
            f"Expected face, the name of the boundary, to be a word, got {shown(face)}. Try "
            "face='wall'; a coordinate cannot be called 'face', use another name."
        )
    return face


def depth_in_box(X, bounds):
    """How deep points lie in a box, in parts of its sides."""
    columns = zip(X.T, bounds, strict=True)  # one at a time: NumPy is slow along short rows
    return np.minimum.reduce([np.minimum(x - a, b - x) / (b - a) for x, (a, b) in columns])


def _shares(n, pieces):
    """How many of n points each piece gets: by measure, and one at least if there are enough."""
    measures = np.array([piece.measure for piece in pieces])
    exact = n * measures / measures.sum()
    shares = np.floor(exact + 1e-9).astype(int)
    shares[np.argsort(shares - exact, kind="stable")[: n - shares.sum()]] += 1
    while n >= len(pieces) and shares.min() == 0:
        shares[shares.argmax()] -= 1
        shares[shares.argmin()] += 1
    return shares
