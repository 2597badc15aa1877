"""Solutions of known problems: closed formulas here, numerical methods in ``evolution``.

Points and parameters are arrays of equal shape, or of shapes that broadcast; they are computed in
float64. A solution with several fields has them on the last axis.
"""

import numpy as np

from ..geometry.shown import shown
from .evolution import allen_cahn, burgers, positive, predator_prey

__all__ = [
    "advection_diffusion",
    "allen_cahn",
    "beam",
    "burgers",
    "heat",
    "kovasznay",
    "laplace_sines",
    "predator_prey",
    "reaction_diffusion",
    "reaction_diffusion_source",
]


# elliptic problems


def laplace_sines(X, combine="product"):
    """The products or sums of sines, which vanish or are known on the faces of the unit cube.

    * ``"product"``: u = Π_k sin πx_k, with Δu = −d π² u, zero on every face.
    * ``"sum"``: u = Σ_k sin πx_k, with Δu = −π² u.

    Parameters
    ----------
    X : array-like of shape (..., d)
        Points.
    combine : {"product", "sum"}, default="product"
        Which of the two.

    Returns
    -------
    u : ndarray of shape (...)
        Solution at the points.

    Raises
    ------
    ValueError
        If ``combine`` is neither of the two.

    Examples
    --------
    >>> from skngd.problems.solutions import laplace_sines
    >>> laplace_sines([[0.5, 0.5], [0.5, 0.25]]).round(4)
    array([1.    , 0.7071])
    """
    _one_of("combine", combine, ("product", "sum"))
    sines = np.sin(np.pi * np.asarray(X, dtype=float))
    return sines.prod(axis=-1) if combine == "product" else sines.sum(axis=-1)


def advection_diffusion(x, eps):
    """−ε u'' + u' = 1 on [0, 1] with u(0) = u(1) = 0.

    u = x − (e^{(x−1)/ε} − e^{−1/ε}) / (1 − e^{−1/ε}), with a boundary layer of width ε at x = 1.
    It is computed from exponentials of negative numbers, which cannot overflow.

    Parameters
    ----------
    x : array-like
        Points of [0, 1].
    eps : float or array-like
        Diffusion ε, positive.

    Returns
    -------
    u : ndarray
        Solution at the points.

    Raises
    ------
    ValueError
        If ``eps`` is not positive.

    Examples
    --------
    >>> from skngd.problems.solutions import advection_diffusion
    >>> advection_diffusion([0.0, 0.5, 1.0], 0.1).round(4)
    array([0.    , 0.4933, 0.    ])
    """
    x, eps = np.asarray(x, dtype=float), positive("eps", eps)
    return x - np.exp((x - 1) / eps) * np.expm1(-x / eps) / np.expm1(-1 / eps)


def reaction_diffusion(x):
    """u = cos πx, which solves −u'' + u³ = f on [−1, 1] with u'(±1) = 0.

    Parameters
    ----------
    x : array-like
        Points.

    Returns
    -------
    u : ndarray
        Solution at the points.

    Examples
    --------
    >>> from skngd.problems.solutions import reaction_diffusion
    >>> reaction_diffusion([0.0, 1.0]).tolist()
    [1.0, -1.0]
    """
    return np.cos(np.pi * np.asarray(x, dtype=float))


def reaction_diffusion_source(x):
    """f = π² cos πx + cos³ πx, the right-hand side of −u'' + u³ = f for u = cos πx.

    Parameters
    ----------
    x : array-like
        Points.

    Returns
    -------
    f : ndarray
        Right-hand side at the points.

    Examples
    --------
    >>> from skngd.problems.solutions import reaction_diffusion_source
    >>> reaction_diffusion_source([0.0, 0.5]).round(4) + 0.0
    array([10.8696,  0.    ])
    """
    u = reaction_diffusion(x)
    return np.pi**2 * u + u**3


def beam(x, load=1.0, stiffness=1.0, length=1.0, ends="clamped"):
    """Deflection of an Euler-Bernoulli beam under a uniform load: EI u'''' = q on [0, L].

    ====================== ======================================== ============================
    ends                   conditions                               EI u
    ====================== ======================================== ============================
    ``"clamped"``          u = u' = 0 at both ends                  q x² (L − x)² / 24
    ``"simply-supported"`` u = u'' = 0 at both ends                 q x (L³ − 2Lx² + x³) / 24
    ``"cantilever"``       u = u' = 0 at 0, u'' = u''' = 0 at L     q x² (6L² − 4Lx + x²) / 24
    ====================== ======================================== ============================

    Parameters
    ----------
    x : array-like
        Points of [0, L], in units of length.
    load : float or array-like, default=1.0
        q, force per length; u is positive in its direction.
    stiffness : float or array-like, default=1.0
        Bending stiffness EI, force times length squared, positive.
    length : float or array-like, default=1.0
        L, positive.
    ends : {"clamped", "simply-supported", "cantilever"}, default="clamped"
        How the beam is held.

    Returns
    -------
    u : ndarray
        Deflection at the points, in units of length.

    Raises
    ------
    ValueError
        If ``ends`` is none of the three, or ``stiffness`` or ``length`` is not positive.

    References
    ----------
    S. P. Timoshenko and J. M. Gere, *Mechanics of Materials* (1972), the table of deflections.

    Examples
    --------
    >>> from skngd.problems.solutions import beam
    >>> float(beam(0.5, load=384.0))
    1.0
    >>> float(beam(0.5, load=384.0, ends="simply-supported"))
    5.0
    """
    _one_of("ends", ends, ("clamped", "simply-supported", "cantilever"))
    x, load = np.asarray(x, dtype=float), np.asarray(load, dtype=float)
    stiffness, length = positive("stiffness", stiffness), positive("length", length)
    if ends == "clamped":
        shape = x**2 * (length - x) ** 2
    elif ends == "simply-supported":
        # the same polynomial, factored: zero at x = L to the last digit
        shape = x * (length - x) * (length**2 + length * x - x**2)
    else:
        shape = x**2 * (6 * length**2 - 4 * length * x + x**2)
    return load * shape / (24 * stiffness)


def kovasznay(x, y, reynolds=40.0):
    """The flow of Kovasznay behind a grid: exact for the steady Navier-Stokes equations in 2-D.

    (u, v) · ∇(u, v) + ∇p = Δ(u, v) / Re and u_x + v_y = 0 hold for

    u = 1 − e^{λx} cos 2πy, v = (λ / 2π) e^{λx} sin 2πy, p = (1 − e^{2λx}) / 2

    with λ = Re/2 − √(Re²/4 + 4π²). It is usually solved on [−0.5, 1] × [−0.5, 1.5].

    Parameters
    ----------
    x, y : array-like
        Coordinates along and across the flow, in units of the distance of the grid's bars.
    reynolds : float or array-like, default=40.0
        Reynolds number Re, positive.

    Returns
    -------
    fields : ndarray of shape (..., 3)
        u, v and p at the points; p is fixed up to a constant, here by p = 0 at x = 0.

    Raises
    ------
    ValueError
        If ``reynolds`` is not positive.

    References
    ----------
    L. I. G. Kovasznay, *Laminar flow behind a two-dimensional grid*, Mathematical Proceedings of
    the Cambridge Philosophical Society 44 (1948).

    Examples
    --------
    >>> from skngd.problems.solutions import kovasznay
    >>> kovasznay(0.0, [0.0, 0.25]).round(4)
    array([[ 0.    , -0.    ,  0.    ],
           [ 1.    , -0.1534,  0.    ]])
    """
    reynolds = positive("reynolds", reynolds)
    x, y, reynolds = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float), reynolds)
    # the formula above, without its cancellation for large Re
    rate = -4 * np.pi**2 / (reynolds / 2 + np.hypot(reynolds / 2, 2 * np.pi))
    decay = np.exp(rate * x)
    u = 1 - decay * np.cos(2 * np.pi * y)
    v = rate / (2 * np.pi) * decay * np.sin(2 * np.pi * y)
    return np.stack([u, v, -np.expm1(2 * rate * x) / 2], axis=-1)


# problems in time


def heat(t, x, kappa):
    """u_t = κ u_xx on [0, 1] with u(0, x) = sin πx and u(t, 0) = u(t, 1) = 0.

    u = e^{−κπ²t} sin πx.

    Parameters
    ----------
    t, x : array-like
        Times and points.
    kappa : float or array-like
        Diffusivity κ.

    Returns
    -------
    u : ndarray
        Solution at the points.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.problems.solutions import heat
    >>> heat([0.0, np.log(2) / np.pi**2], 0.5, kappa=1.0)
    array([1. , 0.5])
    """
    t, x, kappa = (np.asarray(value, dtype=float) for value in (t, x, kappa))
    return np.exp(-kappa * np.pi**2 * t) * np.sin(np.pi * x)


def _one_of(name, value, choices):
    if value not in choices:
        expected = ", ".join(repr(choice) for choice in choices)
        raise ValueError(
            f"Expected {name} to be one of {expected}, got {shown(value)}. Use one of them."
        )
