"""Points of the unit cube, Gauss points, points where a residual is large."""

from numbers import Integral

import numpy as np

from .shown import shown


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
            f"or a Generator, got {shown(random_state)}. Try random_state=0."
        )
    return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint64))


def check_sampler(sampler):
    """Refuse what is not the name of a sampler."""
    if not (isinstance(sampler, str) and sampler in SAMPLERS):
        names, came = ", ".join(map(repr, SAMPLERS)), shown(sampler)
        raise ValueError(f"Expected sampler to be one of {names}, got {came}. Try 'sobol'.")


def check_count(n):
    """A number of points as an int, at least 1."""
    if isinstance(n, bool | np.bool_) or not isinstance(n, Integral) or n < 1:
        raise ValueError(
            f"Expected n, the number of points, to be a whole number of at least 1, got "
            f"{shown(n)}. Try n=100."
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
    """Draw points of the unit cube [0, 1]^d.

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
        For a grid they may be fewer.

    Raises
    ------
    ValueError
        If the sampler is unknown, n < 1, n is a tuple for another sampler than ``"grid"`` or of
        another length than d, or Gauss points are asked for in more than one dimension.

    Examples
    --------
    >>> from skngd.geometry.sampling import unit_points
    >>> unit_points(4, 2, "grid").round(2).tolist()
    [[0.33, 0.33], [0.33, 0.67], [0.67, 0.33], [0.67, 0.67]]
    """
    check_sampler(sampler)
    if sampler != "grid":
        if isinstance(n, tuple | list):
            raise ValueError(
                f"Expected n to be a number for sampler={sampler!r}, got {shown(n)}. Use "
                "sampler='grid' for a count in each direction."
            )
        n = check_count(n)
    return SAMPLERS[sampler](n, d, random_state)


def _grid(n, d, random_state):
    return tensor_grid([np.arange(1, m + 1) / (m + 1) for m in grid_counts(n, d)])


def _uniform(n, d, random_state):
    return as_generator(random_state).random((n, d))


def _sobol(n, d, random_state):
    from scipy.stats import qmc  # takes longer to import than all the rest

    # A whole power of two keeps the sequence balanced; what is cut off would come next.
    sequence = qmc.Sobol(d, scramble=True, seed=as_generator(random_state))
    return sequence.random_base2((n - 1).bit_length())[:n]


def _latin(n, d, random_state):
    from scipy.stats import qmc

    return qmc.LatinHypercube(d, seed=as_generator(random_state)).random(n)


def _gauss(n, d, random_state):
    if d != 1:
        raise ValueError(
            f"Expected one dimension for sampler='gauss', got {d}. Use 'grid' or 'sobol'."
        )
    return gauss_rule(n)[0][:, np.newaxis]


# By name: n points of the unit cube of d dimensions, for a random state.
SAMPLERS = {"grid": _grid, "uniform": _uniform, "sobol": _sobol, "latin": _latin, "gauss": _gauss}


def grid_counts(n, d):
    """How many points of a grid each of d directions gets, for one number or a tuple."""
    if not isinstance(n, tuple | list):
        return (root_count(check_count(n), d),) * d
    if len(n) != d:
        raise ValueError(
            f"Expected n to have a count for each of the {d} directions, got {shown(n)}. Give {d} "
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
    >>> from skngd.geometry.sampling import gauss_rule
    >>> points, weights = gauss_rule(2)
    >>> round(float(weights @ points**3), 12)
    0.25
    """
    from scipy.special import roots_legendre

    n = check_count(n)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            f"Expected finite low < high, got low={shown(low)}, high={shown(high)}. Try low=0, "
            "high=1."
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
        Rows of ``candidates``, each at most once.

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

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.geometry.sampling import choose_by_residual
    >>> x = np.linspace(0, 1, 1000).reshape(-1, 1)
    >>> size = np.where(x[:, 0] > 0.9, 1.0, 0.0)  # a residual in the last tenth
    >>> bool((choose_by_residual(x, size, 0, 50, offset=0.0) > 0.9).all())
    True
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
            f"Expected power and offset to be finite and at least 0, got power={shown(power)}, "
            f"offset={shown(offset)}. Try 1 for both."
        )
    weight = (size / (size.max() or 1)) ** power
    density = weight / (weight.mean() or 1) + offset
    # The n first of exponential arrival times with these rates: drawing one after another.
    with np.errstate(divide="ignore", over="ignore"):
        arrival = as_generator(random_state).exponential(size=len(size)) / density
    return candidates[np.argsort(arrival, kind="stable")[:n]]
