"""Solutions in time by numerical methods: quadrature, spectral elements, Runge-Kutta.

Points and parameters are arrays of equal shape, or of shapes that broadcast; they are computed in
float64.
"""

from functools import lru_cache

import numpy as np
from scipy.integrate import solve_ivp

from .spectral import Elements, etdrk4

# exp(−DIGITS) is lost in double precision.
DIGITS = 40.0
# Numbers that a block of points may hold at a time: 8 MB an array.
BLOCK = 1_000_000


def burgers(t, x, nu):
    """u_t + u u_x = ν u_xx on [−1, 1] with u(0, x) = −sin πx and u(t, ±1) = 0.

    The Cole-Hopf transformation u = −2ν θ_x / θ gives

    u = −∫ sin(πy) w(s) ds / ∫ w(s) ds with y = x − s √(4νt),
    w(s) = exp(−s² − cos(πy) / 2πν).

    Parameters
    ----------
    t : array-like
        Times, at least 0.
    x : array-like
        Points of [−1, 1].
    nu : float or array-like
        Viscosity ν, positive. For ν = 0.01/π a shock forms at x = 0, t = 1/π.

    Returns
    -------
    u : ndarray
        Solution at the points. The error is about 1e-16/ν: the accuracy of the exponent.

    Raises
    ------
    ValueError
        If a time is negative or ``nu`` is not positive.

    Notes
    -----
    Both integrals are computed by the trapezoidal rule, which converges geometrically, since w is
    entire and decays: on the line Im s = c it is at most exp(c² + (cosh(πc√(4νt)) − 1) / 2πν)
    times what it is on the real line, and the error is that times e^{−2πc/h}. The step h is chosen,
    point by point, so that the bound is e⁻⁴⁰, and so is the range, beyond which w is below e⁻⁴⁰
    times its largest value. The largest exponent is subtracted, so that nothing overflows.

    References
    ----------
    J. D. Cole, *On a quasi-linear parabolic equation occurring in aerodynamics*, Quarterly of
    Applied Mathematics 9 (1951).

    C. Basdevant et al., *Spectral and finite difference solutions of the Burgers equation*,
    Computers & Fluids 14 (1986), from which the problem is.

    L. N. Trefethen and J. A. C. Weideman, *The exponentially convergent trapezoidal rule*, SIAM
    Review 56 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.problems.solutions import burgers
    >>> burgers([0.0, 0.5], [-0.5, -0.5], nu=0.01 / np.pi).round(4)
    array([1.    , 0.5928])
    """
    t, nu = _times(t), positive("nu", nu)
    t, x, nu = np.broadcast_arrays(t, np.asarray(x, dtype=float), nu)
    shape = t.shape
    t, x, nu = t.ravel(), x.ravel(), nu.ravel()
    spread = np.sqrt(4 * nu * t)
    # c is the best height of the line, or the one with πc√(4νt) = 1, up to which
    # cosh(z) − 1 ≤ 0.55 z²
    growth = 1 + 1.1 * np.pi * t
    c = 1 / np.sqrt(np.maximum(growth / DIGITS, (np.pi * spread) ** 2))
    step = 2 * np.pi * c / (DIGITS + growth * c**2)
    reach = np.sqrt(DIGITS + (1 + np.cos(np.pi * x)) / (2 * np.pi * nu))
    n_steps = np.ceil(reach / step).astype(int)

    u = np.empty_like(t)
    # points that need about as many nodes go together
    order, start = np.argsort(-n_steps, kind="stable"), 0
    while start < len(order):
        n = n_steps[order[start]]
        points = order[start : start + max(1, BLOCK // (2 * n + 1))]
        start += len(points)
        s = reach[points, np.newaxis] * (np.arange(-n, n + 1) / n)
        y = np.pi * (x[points, np.newaxis] - spread[points, np.newaxis] * s)
        exponent = -(s**2) - np.cos(y) / (2 * np.pi * nu[points, np.newaxis])
        w = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        u[points] = -(np.sin(y) * w).sum(axis=1) / w.sum(axis=1)
    return u.reshape(shape)


def allen_cahn(t, x, eps=1e-3, rate=5.0):
    """u_t = ε u_xx + r (u − u³) on [−1, 1] with u(0, x) = x² cos πx and u(t, ±1) = −1.

    The solution is computed once for each pair (ε, r), within a second for ε of 1e-4 or more, and
    kept.

    Parameters
    ----------
    t : array-like
        Times, at least 0.
    x : array-like
        Points of [−1, 1].
    eps : float or array-like, default=1e-3
        Diffusion ε, positive. The solution has layers of width √(2ε/r).
    rate : float or array-like, default=5.0
        Rate r of the reaction, positive.

    Returns
    -------
    u : ndarray
        Solution at the points. For ε from 1e-4 to 0.1 and t ≤ 1 the error is below 1e-9, for ε = 1
        below 1e-8; after t = 0.05 it is about 3e-11.

    Raises
    ------
    ValueError
        If a time is negative, a point lies outside [−1, 1], or a parameter is not positive.

    Notes
    -----
    As u is even, x in [0, 1] suffices, with spectral elements (see ``spectral``) that meet
    where the layer is, and ETDRK4 in time; between two steps the cubic Hermite interpolant. In the
    corners x = ±1, t = 0 the initial value does not fulfil the equation, as the boundary value is
    constant: u_t jumps there. So the first steps are graded, and the last element is short.

    Examples
    --------
    >>> from skngd.problems.solutions import allen_cahn
    >>> allen_cahn([0.0, 1.0, 1.0], [0.25, 0.25, 1.0]).round(4)
    array([ 0.0442,  0.9873, -1.    ])
    """
    t, x = _times(t), np.abs(np.asarray(x, dtype=float))
    if not (x <= 1 + 1e-12).all():
        raise ValueError(f"Expected x in [-1, 1], got |x| up to {x.max():g}. Change the points.")
    t, x, eps, rate = np.broadcast_arrays(t, x, positive("eps", eps), positive("rate", rate))
    shape = t.shape
    t, x, pairs = t.ravel(), np.minimum(x.ravel(), 1.0), np.stack([eps.ravel(), rate.ravel()], 1)

    u = np.empty_like(t)
    for pair in np.unique(pairs, axis=0):
        own = np.flatnonzero((pairs == pair).all(axis=1))
        elements, times, path, slopes = _allen_cahn_path(*map(float, pair), _whole(t[own]))
        for points in np.array_split(own, 1 + len(own) * 4 * elements.degree // BLOCK):
            k = np.searchsorted(times[1:-1], t[points], side="right")
            step = times[k + 1] - times[k]
            s = (t[points] - times[k]) / step
            ends = np.stack([k, k + 1], axis=1)
            value = elements.interpolate(path, ends, x[points])
            slope = elements.interpolate(slopes, ends, x[points]) * step[:, np.newaxis]
            u[points] = _hermite(s, value, slope) - 1
    return u.reshape(shape)


@lru_cache(maxsize=8)
def _allen_cahn_path(eps, rate, t_end):
    """v = u + 1, zero at x = 1, and v_t at the nodes of every step."""
    # the poles of the layer tanh((x − 1/2) √(r/2ε)) are π/2 widths away from the end at 1/2 of an
    # element of length 1/2; in units of half its length:
    distance = 2 * np.pi * np.sqrt(2 * eps / rate)
    # the error of interpolation is about exp(−degree √distance)
    degree = max(40, int(np.ceil(28 / np.sqrt(distance))))
    elements = Elements((0.0, 0.5, 0.98, 1.0), degree)
    # the reaction −2rv + r(3v² − v³): its linear part joins the diffusion
    eigenvalues = -eps * elements.eigenvalues - 2 * rate

    def reaction(c):
        v = elements.values(c)
        return elements.coefficients(rate * v**2 * (3 - v))

    x = elements.nodes
    start = elements.coefficients(x**2 * np.cos(np.pi * x) + 1)
    steps = _graded_steps(t_end, per_unit=int(np.ceil(400 * max(rate, 1.0))))
    path, slopes = etdrk4(eigenvalues, reaction, start, steps)
    times = np.concatenate([[0.0], np.cumsum(steps)])
    times[-1] = t_end
    return elements, times, elements.values(path), elements.values(slopes)


def _graded_steps(t_end, per_unit, n_levels=16, n_each=8):
    """Steps of 1/per_unit, but for the start: ``n_each`` to each doubling of t."""
    step = 1 / per_unit
    levels = np.concatenate([[n_levels], np.arange(n_levels, 0, -1)])
    return np.concatenate(
        [np.repeat(step * 0.5**levels, n_each), np.full(t_end * per_unit - n_each, step)]
    )


def _hermite(s, value, slope):
    """The cubic with the given values and slopes, of shape (n, 2), at s = 0 and 1."""
    before, after = s**2 * (3 - 2 * s), s * (1 - s)
    return (
        value[:, 0] * (1 - before)
        + value[:, 1] * before
        + after * ((1 - s) * slope[:, 0] - s * slope[:, 1])
    )


def predator_prey(t, alpha=1.5, beta=1.0, delta=1.0, gamma=1.0, start=(2.0, 1.0)):
    """The Lotka-Volterra equations u' = αu − βuv, v' = δuv − γv.

    Populations of prey u and predators v. The solution is periodic, and
    δu − γ ln u + βv − α ln v stays what it is at t = 0.

    Parameters
    ----------
    t : array-like
        Times, at least 0.
    alpha, beta, delta, gamma : float, default=1.5, 1.0, 1.0, 1.0
        Growth of the prey, predation, growth of the predators by it and their death; positive.
    start : tuple of 2 floats, default=(2.0, 1.0)
        u and v at t = 0, positive.

    Returns
    -------
    populations : ndarray of shape (..., 2)
        u and v at the times. The error is about 1e-11 over some periods.

    Raises
    ------
    ValueError
        If a time is negative, a coefficient or a population is not positive, or the solution
        cannot be integrated up to the last time.

    Notes
    -----
    Integrated by the Dormand-Prince method DOP853 with a relative tolerance of 1e-13, and kept for
    each set of coefficients.

    Examples
    --------
    >>> from skngd.problems.solutions import predator_prey
    >>> predator_prey([0.0, 1.0]).round(4)
    array([[2.    , 1.    ],
           [1.4573, 2.7358]])
    """
    t = _times(t)
    given = {"alpha": alpha, "beta": beta, "delta": delta, "gamma": gamma}
    coefficients = tuple(float(positive(name, value)) for name, value in given.items())
    start = positive("start", start)
    if start.shape != (2,):
        raise ValueError(
            f"Expected start to be two populations, got shape {start.shape}. Give two numbers: "
            "prey, then predators."
        )
    path = _predator_prey_path(*coefficients, tuple(start.tolist()), _whole(t))
    return np.moveaxis(path(t.ravel()).reshape(2, *t.shape), 0, -1)


@lru_cache(maxsize=32)
def _predator_prey_path(alpha, beta, delta, gamma, start, t_end):
    def slope(t, populations):
        u, v = populations
        return alpha * u - beta * u * v, delta * u * v - gamma * v

    tolerances = {"rtol": 1e-13, "atol": 1e-14}
    path = solve_ivp(slope, (0, t_end), start, "DOP853", dense_output=True, **tolerances)
    if not path.success:
        raise ValueError(
            f"Expected coefficients with a solution up to t = {t_end}, but the integration ended "
            f"at t = {path.t[-1]:g}: {path.message} Try a unit of time in which they are about 1."
        )
    return path.sol


def positive(name, value):
    """The value in float64, refused unless every entry is positive and finite."""
    value = np.asarray(value, dtype=float)
    wrong = value[~(np.isfinite(value) & (value > 0))]
    if wrong.size:
        raise ValueError(
            f"Expected {name} to be positive and finite, got {wrong[0]:g}. Give a positive number."
        )
    return value


def _times(t):
    """The times in float64, refused unless every one is finite and at least 0."""
    t = np.asarray(t, dtype=float)
    wrong = t[~(np.isfinite(t) & (t >= 0))]
    if wrong.size:
        raise ValueError(
            f"Expected t to be finite and at least 0, got {wrong[0]:g}. Check the order of the "
            "columns: the solution starts at t = 0."
        )
    return t


def _whole(t):
    """The end of a path that is kept: the next whole number."""
    return max(1, int(np.ceil(t.max(initial=0))))
