"""How well measurements determine the unknown coefficients."""

import numpy as np
import torch

# An eigenvalue of the information beside the largest that is rounding: some times that of its sums.
ROUNDING = 64 * np.finfo(float).eps


def fisher_information(constraints, measurements, n_network, rcond=1e-6):
    """Information on the unknowns, shape (q, q), the equations being constraints.

    A change dη of the unknowns forces the solution to follow, so that the equations stay
    satisfied: dθ = −A_θ⁺ A_η dη with the rows A of the equations and conditions. What the
    measurements then see is S dη with S = B_η − B_θ A_θ⁺ A_η, and Sᵀ S is the information for
    measurements of variance one: its inverse is the Cramér-Rao bound.

    A, shape (n, P + q), are scaled rows, and B, shape (k, P + q), unscaled ones. Singular values of
    A_θ up to ``rcond`` times the largest are rounding errors of the network, along which the
    solution does not move.
    """
    of_network, of_unknowns = constraints[:, :n_network], constraints[:, n_network:]
    # The R of [A_θ, A_η] has the same pseudo-inverse, at a part of the price.
    triangle = torch.linalg.qr(torch.cat([of_network, of_unknowns], dim=1), mode="r")[1]
    u, s, vt = torch.linalg.svd(triangle[:, :n_network], full_matrices=False)
    kept = s > rcond * s[0]
    follow = vt.T[:, kept] @ ((u.T[kept] @ triangle[:, n_network:]) / s[kept].unsqueeze(1))
    seen = measurements[:, n_network:] - measurements[:, :n_network] @ follow
    return seen.T @ seen


def covariance(information, residuals, weights):
    """Covariance of the unknowns in their own, unbounded parameters, and the noise.

    The information, shape (q, q), is for measurements of variance one, weights included; residuals
    are v(x_i) − y_i, and the mean of the weights is one.

    Returns
    -------
    covariance : ndarray of shape (q, q)
        With an infinite variance where the measurements say nothing, or where there are no more of
        them than unknowns; the covariances with such an unknown are NaN.
    noise : float
        Estimated standard deviation of a measurement of weight one; NaN where there are no more of
        them than unknowns.
    """
    q = len(information)
    degrees, free = len(residuals) - q, np.ones(q, dtype=bool)
    found, noise = np.zeros((q, q)), np.nan
    if degrees > 0:
        noise = float(np.sqrt((weights * residuals**2).sum() / degrees))
        eigenvalues, vectors = np.linalg.eigh(information)
        informed = eigenvalues > ROUNDING * max(eigenvalues.max(initial=0.0), 0.0)
        of_informed = vectors[:, informed]
        found = noise**2 * (of_informed / eigenvalues[informed]) @ of_informed.T
        free = (vectors[:, ~informed] != 0).any(axis=1)
    found[free], found[:, free] = np.nan, np.nan
    found[free, free] = np.inf
    return found, noise
