"""A region or a face as the image of the unit cube, from which points are drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import ceil

import numpy as np

from .sampling import as_generator, check_count, grid_counts, root_count, tensor_grid, unit_points
from .shown import shown


@dataclass(frozen=True)
class Patch:
    """A region or a face as the image of the unit cube under a map that keeps measures.

    Attributes
    ----------
    name : str
        Name of the face.
    dimension : int
        Of the unit cube; 0 for a single point.
    measure : float
        Of the points that belong to it.
    envelope : float
        Measure of the whole image. Larger than ``measure`` where some of the image does not belong.
    draw : callable
        Takes points of shape (m, dimension) of the unit cube and returns arrays of length m and,
        last, which of the rows belong.
    grid : {"open", "closed", "ring"}
        Where a grid lies along a line: inside, with both ends, or around a closed curve. In more
        than one dimension "closed" and "ring" mean the midpoints of equal cells, so that no edge
        of two faces is there twice.
    box : tuple (low, high) of ndarray of shape (d,) or None
        Bounding box of the whole image, where it is known.

    See Also
    --------
    skngd.pde.regions.Domain : The base of all domains.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.geometry.patch import Patch
    >>> def left(s):
    ...     return np.hstack([0 * s, s]), np.ones(len(s), dtype=bool)
    >>> side = Patch("left", dimension=1, measure=1.0, envelope=1.0, draw=left)
    >>> side.sample(3, "grid", 0)[0].tolist()
    [[0.0, 0.0], [0.0, 0.5], [0.0, 1.0]]
    """

    name: str
    dimension: int
    measure: float
    envelope: float
    draw: Callable
    grid: str = "closed"
    box: tuple | None = None

    def sample(self, n, sampler, random_state):
        """The arrays of ``draw`` at n points that belong; one point for dimension 0.

        Parameters
        ----------
        n : int
            How many points; on a grid the most there may be.
        sampler : {"grid", "uniform", "sobol", "latin", "gauss"}
            See :func:`skngd.pde.samplers.unit_points`.
        random_state : int, RandomState, Generator or None
            Seed.

        Returns
        -------
        arrays : tuple of ndarray of length n
            What ``draw`` returns, without its last array.
        """
        if self.dimension == 0:
            return self.at(np.zeros((1, 0)))
        if sampler == "grid":
            return self._sample_grid(n)
        ratio = self.envelope / self.measure
        if sampler == "gauss" and ratio != 1:
            raise ValueError(
                "Expected an undivided interval for sampler='gauss', got a domain or face of which "
                "a part is cut out. Use sampler='grid' or 'sobol'."
            )
        # One seed for all rounds: the points that are there stay, and the sequence goes on.
        seed = int(as_generator(random_state).integers(2**32))
        m = n if ratio == 1 or isinstance(n, tuple | list) else ceil(check_count(n) * ratio)
        while True:
            arrays = self.at(unit_points(m, self.dimension, sampler, seed))
            if len(arrays[0]) >= n:
                return [array[:n] for array in arrays]
            m = ceil(1.2 * m) + 8

    def _sample_grid(self, n):
        """The finest grid with at most n points that belong."""
        if isinstance(n, tuple | list):
            arrays = self.at(self._unit_grid(grid_counts(n, self.dimension)))
            if len(arrays[0]) == 0:
                raise ValueError(
                    f"Expected a grid with points inside the domain, got none for n={shown(n)}. "
                    "Use a finer grid, or one number for all points together."
                )
            return arrays

        def arrays_of(m):
            return self.at(self._unit_grid((m,) * self.dimension))

        n = check_count(n)
        m = max(1, root_count(ceil(n * self.envelope / self.measure - 1e-9), self.dimension))
        while m > 1 and len(arrays_of(m)[0]) > n:
            m -= 1
        while len(arrays_of(m + 1)[0]) <= n:
            m += 1
        arrays = arrays_of(m)
        if len(arrays[0]) == 0:  # n is small and the coarsest grids miss a thin region
            arrays = next(found for m in count(m) if len((found := arrays_of(m))[0]))
        return [array[:n] for array in arrays]

    def _unit_grid(self, counts):
        if self.grid == "open":
            return unit_points(tuple(counts), self.dimension, "grid")
        if self.dimension > 1:
            return tensor_grid([(np.arange(m) + 0.5) / m for m in counts])
        if self.grid == "ring":
            return np.arange(counts[0])[:, np.newaxis] / counts[0]
        ends = (0, 1) if counts[0] > 1 else (0.5, 0.5)
        return np.linspace(*ends, counts[0])[:, np.newaxis]

    def at(self, points):
        """The rows that belong, of the arrays at these points of the unit cube.

        Parameters
        ----------
        points : ndarray of shape (m, dimension)
            In the unit cube.

        Returns
        -------
        arrays : tuple of ndarray
            What ``draw`` returns, without its last array.
        """
        *arrays, keep = self.draw(points)
        return [array[keep] for array in arrays]
