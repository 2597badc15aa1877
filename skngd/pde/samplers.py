"""Points of the unit cube, Gauss points, points that miss a region, points where a residual is."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import ceil
from numbers import Integral

import numpy as np

SAMPLERS = ("grid", "uniform", "sobol", "latin", "gauss")


def as_generator(random_state):
    """A NumPy generator that is seeded from what scikit-learn calls a random state.

    Each call advances a ``RandomState``, so that two draws from the same object differ.

    Parameters
    ----------
    random_state : int, RandomState, Generator or None
        None seeds from the operating system: NumPy's global state is neither read nor changed.

    Returns
    -------
    generator : numpy.random.Generator
        A ``Generator`` is returned as it is.
    """
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, Integral) and 0 <= random_state < 2**32:
        random_state = np.random.RandomState(random_state)
    if not isinstance(random_state, np.random.RandomState):
        raise ValueError(
            "Expected random_state to be None, a whole number from 0 to 2**32 - 1, a RandomState "
            f"or a Generator, got {random_state!r}. Try random_state=0."
        )
    return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint64))


def check_sampler(sampler):
    """Refuse what is not the name of a sampler."""
    if sampler not in SAMPLERS:
        names = ", ".join(map(repr, SAMPLERS))
        raise ValueError(f"Expected sampler to be one of {names}, got {sampler!r}. Try 'sobol'.")


def check_count(n):
    """A number of points as an int, at least 1."""
    if isinstance(n, bool | np.bool_) or not isinstance(n, Integral) or n < 1:
        raise ValueError(
            f"Expected n, the number of points, to be a whole number of at least 1, got {n!r}. "
            "Try n=100."
        )
    return int(n)


def root_count(n, d):
    """The largest whole number m with m^d ≤ n."""
    m = round(n ** (1 / d))
    return m if m**d <= n else m - 1


def tensor_grid(axes):
    """All combinations of the values on each axis, the last varying fastest: shape (∏ n_k, d)."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def unit_points(n, d, sampler="sobol", random_state=None):
    """Points of the unit cube [0, 1]^d.

    Parameters
    ----------
    n : int or tuple of int
        How many points. For ``"grid"``, the most there may be: each direction has the whole part
        of n^(1/d) points; or a tuple with the count of each direction.
    d : int
        Dimension, at least 1.
    sampler : {"grid", "uniform", "sobol", "latin", "gauss"}, default="sobol"
        * ``"grid"``: equally spaced points, i / (m + 1) for i = 1, …, m, so none on the boundary;
        * ``"uniform"``: independent;
        * ``"sobol"``: scrambled Sobol points. Fewer points with the same seed are the first ones;
        * ``"latin"``: a Latin hypercube, each of n equal slices of each direction with one point;
        * ``"gauss"``: Gauss-Legendre points, for d = 1 only.
    random_state : int, RandomState, Generator or None, default=None
        Seed. A ``RandomState`` or ``Generator`` is advanced.

    Returns
    -------
    points : ndarray of shape (n, d)

    Raises
    ------
    ValueError
        If the sampler is unknown, n < 1, n is a tuple for another sampler than ``"grid"`` or of
        another length than d, or Gauss points are asked for in more than one dimension.

    Examples
    --------
    >>> from skngd.pde.samplers import unit_points
    >>> unit_points(4, 2, "grid").round(2).tolist()
    [[0.33, 0.33], [0.33, 0.67], [0.67, 0.33], [0.67, 0.67]]
    """
    check_sampler(sampler)
    if sampler == "grid":
        return tensor_grid([np.arange(1, m + 1) / (m + 1) for m in _grid_counts(n, d)])
    if isinstance(n, tuple | list):
        raise ValueError(
            f"Expected n to be a number for sampler={sampler!r}, got {n!r}. Use sampler='grid' for "
            "a count in each direction."
        )
    n = check_count(n)
    if sampler == "gauss":
        if d != 1:
            raise ValueError(
                f"Expected one dimension for sampler='gauss', got {d}. Use 'grid' or 'sobol'."
            )
        return gauss_rule(n)[0][:, np.newaxis]
    generator = as_generator(random_state)
    if sampler == "uniform":
        return generator.random((n, d))
    from scipy.stats import qmc  # takes longer to import than all the rest

    if sampler == "latin":
        return qmc.LatinHypercube(d, seed=generator).random(n)
    # A whole power of two keeps the sequence balanced; what is cut off would come next.
    return qmc.Sobol(d, scramble=True, seed=generator).random_base2((n - 1).bit_length())[:n]


def _grid_counts(n, d):
    if not isinstance(n, tuple | list):
        return (root_count(check_count(n), d),) * d
    if len(n) != d:
        raise ValueError(
            f"Expected n to have a count for each of the {d} directions, got {n!r}. Give {d} "
            "numbers, or one for all points together."
        )
    return tuple(check_count(m) for m in n)


def gauss_rule(n, low=0.0, high=1.0):
    """Gauss-Legendre quadrature, exact for polynomials of degree 2n − 1.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    low, high : float, default=0, 1
        The interval.

    Returns
    -------
    points : ndarray of shape (n,)
        Ascending, all inside the interval.
    weights : ndarray of shape (n,)
        Positive; their sum is high − low.

    Examples
    --------
    >>> from skngd.pde.samplers import gauss_rule
    >>> points, weights = gauss_rule(2)
    >>> round(float(weights @ points**3), 12)
    0.25
    """
    from scipy.special import roots_legendre

    n = check_count(n)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            f"Expected finite low < high, got low={low!r}, high={high!r}. Try low=0, high=1."
        )
    points, weights = roots_legendre(n)
    half = (high - low) / 2
    return low + half * (1 + points), half * weights


def choose_by_residual(candidates, size, random_state, n, power=1.0, offset=1.0):
    """Draw candidates without replacement, more of them where the residual is large.

    Residual-based adaptive distribution of Wu, Zhu, Tan, Kartha and Lu (2023): candidate i has the
    density ``|r_i|^power / mean |r|^power + offset``, up to a factor.

    Parameters
    ----------
    candidates : ndarray of shape (m, d)
        Points, usually many times n, drawn evenly from the domain.
    size : ndarray of shape (m,)
        Residual r_i at each candidate; its sign does not matter. For several equations give the
        norm over the equations.
    random_state : int, RandomState, Generator or None
        Seed.
    n : int
        How many to draw, at most m.
    power : float, default=1.0
        At least 0. The larger, the more the points gather at the largest residuals.
    offset : float, default=1.0
        At least 0. The larger, the more evenly the points spread; with 0, and only then, places
        with a residual of 0 are left out as long as there are others.

    Returns
    -------
    points : ndarray of shape (n, d)

    Raises
    ------
    ValueError
        If n is larger than m, if a residual is not finite or there is not one for each candidate,
        or if power or offset is negative.

    References
    ----------
    C. Wu, M. Zhu, Q. Tan, Y. Kartha, L. Lu: A comprehensive study of non-adaptive and
    residual-based adaptive sampling for physics-informed neural networks. Computer Methods in
    Applied Mechanics and Engineering 403 (2023) 115671.
    """
    candidates, size = np.asarray(candidates, float), np.abs(np.asarray(size, float))
    n = check_count(n)
    if candidates.ndim != 2 or size.shape != candidates.shape[:1]:
        raise ValueError(
            f"Expected one residual for each candidate, got shape {size.shape} for candidates of "
            f"shape {candidates.shape}. Give the norm over the equations, of shape (m,)."
        )
    if n > len(candidates):
        raise ValueError(
            f"Expected at least n={n} candidates, got {len(candidates)}. Draw more candidates, "
            "such as 10 n, or use a smaller n."
        )
    if not np.isfinite(size).all():
        place = candidates[np.flatnonzero(~np.isfinite(size))[0]].tolist()
        raise ValueError(
            f"Expected finite residuals, got one that is not, at {place}. Check the equation there."
        )
    if not (0 <= power < np.inf and 0 <= offset < np.inf):
        raise ValueError(
            f"Expected power and offset to be finite and at least 0, got power={power!r}, "
            f"offset={offset!r}. Try 1 for both."
        )
    weight = (size / (size.max() or 1)) ** power
    density = weight / (weight.mean() or 1) + offset
    # The n first of exponential arrival times with these rates: drawing one after another.
    with np.errstate(divide="ignore", over="ignore"):
        arrival = as_generator(random_state).exponential(size=len(size)) / density
    return candidates[np.argsort(arrival, kind="stable")[:n]]


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
    """

    name: str
    dimension: int
    measure: float
    envelope: float
    draw: Callable
    grid: str = "closed"

    def sample(self, n, sampler, random_state):
        """The arrays of ``draw`` at n points that belong; one point for dimension 0."""
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
            arrays = self.at(self._unit_grid(_grid_counts(n, self.dimension)))
            if len(arrays[0]) == 0:
                raise ValueError(
                    f"Expected a grid with points inside the domain, got none for n={n!r}. Use a "
                    "finer grid, or one number for all points together."
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
        """The rows that belong, of the arrays at these points of the unit cube."""
        *arrays, keep = self.draw(points)
        return [array[keep] for array in arrays]
