"""Optimal sampling of a tangent space: where to look, with which weights, and how far to step.

On points x_i with weights w_i, let b_1, …, b_d be an orthonormal basis of the tangent space T.
The inverse Christoffel function K(x) = Σ_j ‖b_j(x)‖² integrates to d, so that K / d is a density.
Points that are drawn from it, each with the weight d / K, give an empirical Gram matrix

    Ĝ = 1/n Σ_k d / K(x_k) b(x_k) b(x_k)ᵀ   with   E[Ĝ] = I,

and no term of the sum is larger than d / n. It depends on T alone, not on its parametrisation.

References
----------
R. Gruhlke, A. Nouy, P. Trunschke: Optimal sampling for stochastic and natural gradient descent.
arXiv:2402.03113 (2024).

A. Cohen, G. Migliorati: Optimal weighted least-squares methods. SMAI Journal of Computational
Mathematics 3 (2017) 181-203.
"""

from dataclasses import dataclass
from math import ceil, log2, nan

import numpy as np
import torch

from .svd import robust_svd

# ‖Ĝ − I‖ up to which a draw is stable, and how many draws are tried.
STABLE, MAX_ATTEMPTS = 0.5, 20
# Singular values below this part of the largest are not directions to be sampled.
RCOND = 1e-5


def orthonormal_basis(a, rcond=RCOND):
    """The values of an orthonormal basis of the tangent space, in row-scaled form.

    Parameters
    ----------
    a : torch.Tensor of shape (n, P)
        Row-scaled Jacobian A = C J, equation (A).
    rcond : float, default=1e-5
        Directions whose singular value is not above this part of the largest are left out.

    Returns
    -------
    basis : torch.Tensor of shape (n, d)
        √w_i b_j(x_i): its columns are orthonormal, and d is the rank of A.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.christoffel import orthonormal_basis
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)
    >>> basis = orthonormal_basis(torch.stack([x**0, x, x**2, 2 * x], dim=1) / 200**0.5)
    >>> basis.shape, bool(torch.allclose(basis.T @ basis, torch.eye(3, dtype=torch.float64)))
    (torch.Size([200, 3]), True)
    """
    if len(a) > a.shape[1]:
        q, triangle = torch.linalg.qr(a)
        u, s, _ = robust_svd(triangle)
    else:
        q = None
        u, s, _ = robust_svd(a)
    u = u[:, s > max(rcond, max(a.shape) * torch.finfo(a.dtype).eps) * s[0]]
    return u if q is None else q @ u


def leverage_scores(basis, n_equations=1):
    """w_i K(x_i) = Σ_j w_i ‖b_j(x_i)‖² of each point; they sum to d.

    Parameters
    ----------
    basis : torch.Tensor of shape (e m, d)
        Of :func:`orthonormal_basis`.
    n_equations : int, default=1
        e: the functions may have several components. The rows are those of all points for the
        first component, then for the second, ….

    Returns
    -------
    scores : torch.Tensor of shape (m,)
        Not negative.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.christoffel import leverage_scores, orthonormal_basis
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)
    >>> basis = orthonormal_basis(torch.stack([x**0, x, x**2, 2 * x], dim=1) / 200**0.5)
    >>> scores = leverage_scores(basis)
    >>> round(float(scores.sum()), 6), bool(scores[0] > 2 * scores[100])  # the ends decide
    (3.0, True)
    """
    return basis.square().sum(1).view(n_equations, -1).sum(0)


def kept_fraction(basis, g):
    """‖Pg‖² / ‖g‖², the fraction of a function that the tangent space holds.

    Parameters
    ----------
    basis : torch.Tensor of shape (n, d)
        Of :func:`orthonormal_basis`.
    g : torch.Tensor of shape (n,)
        Row-scaled values.

    Returns
    -------
    kept : float
        1 where g vanishes.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.christoffel import kept_fraction, orthonormal_basis
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)
    >>> basis = orthonormal_basis(torch.stack([x**0, x, x**2, 2 * x], dim=1) / 200**0.5)
    >>> round(kept_fraction(basis, x + x**2), 6), round(kept_fraction(basis, x**3), 6)
    (1.0, 0.840028)
    """
    square = float(g @ g)
    return float((basis.T @ g).square().sum()) / square if square > 0 else 1.0


@dataclass(frozen=True)
class Sample:
    """Points that were drawn.

    Attributes
    ----------
    index : ndarray of shape (n,)
        Which of the m points, with repetitions.
    factors : ndarray of shape (n,)
        Weight of each draw is its weight w_i times this factor 1 / (n π_i), where π_i is the
        probability of the point, w_i K_i / d.
    deviation : float
        ‖Ĝ − I‖ in the spectral norm.
    n_attempts : int
        How many draws it took.
    dimension : int
        d.
    kept : float
        The fraction of the gradient that the tangent space holds; NaN where it is not known.

    See Also
    --------
    skngd.tangent.christoffel.draw : Draw optimal points.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.tangent.christoffel import Sample
    >>> index, factors = np.arange(20), np.ones(20)
    >>> sample = Sample(index, factors, deviation=0.3, n_attempts=1, dimension=3, kept=1.0)
    >>> sample.is_stable, sample.step_size
    (True, 1.0)
    """

    index: np.ndarray
    factors: np.ndarray
    deviation: float
    n_attempts: int
    dimension: int
    kept: float = nan

    @property
    def is_stable(self):
        """Whether ‖Ĝ − I‖ ≤ 1/2: the projection on these points is a good one."""
        return self.deviation <= STABLE

    @property
    def step_size(self):
        """s_max / 2 for the projection on these points, with the ‖Ĝ − I‖ that they have.

        Of points that are not stable, ‖Ĝ − I‖ counts as 1/2: nothing is known about them.
        """
        deviation = min(self.deviation, STABLE)
        return largest_step(self.kept, self.dimension, len(self.index), deviation=deviation) / 2


def enough_points(dimension):
    """10 d (log₂ d + 1) points, which are stable with high probability.

    Parameters
    ----------
    dimension : int
        The dimension d of the tangent space.

    Returns
    -------
    n : int
        How many points.

    Examples
    --------
    >>> from skngd.tangent.christoffel import enough_points
    >>> enough_points(8)
    320
    """
    return ceil(10 * dimension * (log2(dimension) + 1))


def draw(basis, n, generator, n_equations=1, max_attempts=MAX_ATTEMPTS, *, at_least=None, kept=nan):
    """Draw points with the density K / d until ‖Ĝ − I‖ ≤ 1/2.

    After ``max_attempts`` draws the best of them is returned; with fewer points than d / e none
    can be stable, and there is one attempt. To draw again biases Ĝ, a little.

    Parameters
    ----------
    basis : torch.Tensor of shape (e m, d)
        Of :func:`orthonormal_basis`.
    n : int
        How many points, at least 1.
    generator : numpy.random.Generator
        Source of the draws.
    n_equations : int, default=1
        e; see :func:`leverage_scores`.
    max_attempts : int, default=20
        Draws at most.
    at_least : ndarray of shape (m,), default=None
        A part of the probability of each point that does not depend on the basis: π_i = (1 − a)
        w_i K_i / d + a_i with a = Σ a_i < 1. No term of Ĝ is then larger than d / ((1 − a) n), and
        no factor larger than 1 / (n a_i).
    kept : float, default=NaN
        For the :class:`Sample`; see :func:`kept_fraction`.

    Returns
    -------
    sample : Sample
        The points and their weights.

    Raises
    ------
    torch.linalg.LinAlgError
        If the tangent space is that of dimension 0.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skngd.tangent.christoffel import draw, orthonormal_basis
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)
    >>> a = torch.stack([x**0, x, x**2], dim=1) / 200**0.5
    >>> sample = draw(orthonormal_basis(a), 78, np.random.default_rng(0))
    >>> sample.is_stable
    True
    """
    d = basis.shape[1]
    if d == 0:
        raise torch.linalg.LinAlgError("the tangent space has no direction")
    probability = leverage_scores(basis, n_equations).cpu().numpy().astype(float)
    probability = probability / probability.sum()
    if at_least is not None:
        probability = (1 - at_least.sum()) * probability + at_least
    by_point = basis.view(n_equations, -1, d)
    best, n_attempts = None, 0
    while n_attempts < (max_attempts if n * n_equations >= d else 1):
        n_attempts += 1
        index = generator.choice(len(probability), n, p=probability)
        factors = 1.0 / (n * probability[index])
        rows = by_point[:, torch.as_tensor(index, device=basis.device)]
        roots = torch.as_tensor(factors**0.5, dtype=basis.dtype, device=basis.device)
        rows = (rows * roots.unsqueeze(1)).reshape(-1, d)
        values = torch.linalg.eigvalsh(rows.T @ rows)
        deviation = float((values - 1).abs().max())
        if best is None or deviation < best[2]:
            best = index, factors, deviation
        if deviation <= STABLE:
            break
    return Sample(*best, n_attempts, d, kept)


def largest_step(kept, dimension, n_points, smoothness=1.0, deviation=None):
    """s_max: below it a step along the estimated gradient lowers the loss on average.

    For a loss L with ‖∇L(u) − ∇L(v)‖ ≤ M ‖u − v‖, a linear model, g = ∇L(v) and any P̂g in T,

        L(v − s P̂g) ≤ L(v) − s ⟨Pg, P̂g⟩ + ½ M s² ‖P̂g‖².

    Let the n optimal points be independent, and 1/n Σ_k d / K(x_k) f(x_k) b(x_k) be the empirical
    inner products of a function f with the basis. Those of f = g − Pg are zero on average, with a
    mean square of d/n ‖g − Pg‖².

    *Quasi-projection* (``deviation=None``), P̂g = Σ_j b_j times the empirical inner products of g:
    E[P̂g] = Pg and E‖P̂g‖² ≤ (1 − 1/n) ‖Pg‖² + d/n ‖g‖², and so

        E[L(v − s P̂g)] ≤ L(v) − s ‖Pg‖² + ½ M s² ((1 − 1/n) ‖Pg‖² + d/n ‖g‖²).

    *Projection*, the least-squares fit on the points, which is what the estimators do: the inner
    products are multiplied by Ĝ⁻¹, so that P̂Pg = Pg, and only g − Pg is noise. With
    ‖Ĝ − I‖ ≤ δ < 1, ‖Ĝ⁻¹‖ ≤ 1 / (1 − δ), and

        E[L(v − s P̂g)] ≤ L(v) − s ‖Pg‖² + ½ M s² (‖Pg‖² + d/n ‖g − Pg‖² / (1 − δ)²) − s (1 − M s) B

    with the bias B = ⟨Pg, E[P̂(g − Pg)]⟩, which is left out: it is of higher order in d/n, and
    enters with a small factor where s is close to 1/M.

    In both cases the right-hand side is below L(v) for s < s_max and smallest for s = s_max / 2,
    the step to take. Where the tangent space holds little of the gradient it is small: what is not
    in T is noise. Where it holds all of it the projection is exact, and s = 1/M; the
    quasi-projection is not, and s is about n / (n + d) / M.

    Parameters
    ----------
    kept : float
        ‖Pg‖² / ‖g‖², the fraction of the gradient that the tangent space holds.
    dimension : int
        d.
    n_points : int
        The number n of points.
    smoothness : float, default=1.0
        M; 1 for the squared loss.
    deviation : float, default=None
        δ in [0, 1), for the projection. None stands for the quasi-projection.

    Returns
    -------
    s_max : float
        Positive.

    Examples
    --------
    >>> from skngd.tangent.christoffel import largest_step
    >>> largest_step(kept=1.0, dimension=11, n_points=10)
    1.0
    >>> round(largest_step(kept=0.1, dimension=11, n_points=10), 3)
    0.168
    >>> largest_step(kept=1.0, dimension=11, n_points=10, deviation=0.5)
    2.0
    >>> round(largest_step(kept=0.1, dimension=11, n_points=110, deviation=0.5), 3)
    0.435
    """
    if deviation is None:
        mean_square = (1 - 1 / n_points) * kept + dimension / n_points
    else:
        mean_square = kept + dimension / n_points * max(1 - kept, 0.0) / (1 - deviation) ** 2
    return 2 * kept / (smoothness * mean_square) if kept > 0 else 0.0
