"""Kernels of the tangent space, equations (NTK), (Green) and (P), from rows of Jacobians.

Rows are those of one pair of a point and an output each. All kernels are products of *features*:
rows times a matrix B with G⁺ = B Bᵀ, the values of an orthonormal basis of the tangent space.
"""

import numpy as np
import torch
from scipy.linalg import qr

from .base import rounding
from .svd import robust_svd

# Singular values up to this part of the largest are left out: features are then right to half of
# their digits.
RCOND = 1e-8


def whitening(a, rcond=RCOND):
    """B with B Bᵀ = G⁺ for G = AᵀA: J B are the values of an orthonormal basis.

    Parameters
    ----------
    a : torch.Tensor of shape (n, P)
        Row-scaled Jacobian, equation (A).
    rcond : float, default=1e-8
        Singular values up to this part of the largest are left out, and those that are rounding
        errors.

    Returns
    -------
    b : torch.Tensor of shape (P, d)
        V S⁻¹; d is the number of directions that are kept.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.kernels import whitening
    >>> a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    >>> b = whitening(a)
    >>> b @ b.T
    tensor([[1.0000, 0.0000],
            [0.0000, 0.2500]], dtype=torch.float64)
    """
    triangle = torch.linalg.qr(a, mode="r")[1] if len(a) > a.shape[1] else a
    _, s, vt = robust_svd(triangle)
    kept = s > max(rcond, rounding(a.shape, a.dtype)) * s[0]
    return vt[kept].T / s[kept]


def row_space(features, rcond=RCOND):
    """An orthonormal basis of what some rows span, shape (d, k).

    With the features at points it turns those of T into those of the empirical tangent space, the
    span of NNTK(x_i, ·): its kernel is k̂.

    Parameters
    ----------
    features : torch.Tensor of shape (n, d)
        Rows of features at points.
    rcond : float, default=1e-8
        Directions whose singular value is not above this part of the largest are left out.

    Returns
    -------
    basis : torch.Tensor of shape (d, k)
        Orthonormal columns.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.kernels import row_space
    >>> features = torch.tensor([[1.0, 1.0], [2.0, 2.0]], dtype=torch.float64)
    >>> basis = row_space(features)  # one direction
    >>> basis @ basis.T
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]], dtype=torch.float64)
    """
    _, s, vt = robust_svd(features)
    return vt[s > max(rcond, rounding(features.shape, features.dtype)) * s[0]].T


def determining_rows(features):
    """Find as many rows as there are features, that determine every function of the space.

    By QR with pivots of the transposed features: each row is the one that is least determined by
    those before.

    Parameters
    ----------
    features : torch.Tensor of shape (n, d)
        Of rank d.

    Returns
    -------
    index : ndarray of shape (d,)
        In the order of the pivots.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.kernels import determining_rows
    >>> features = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    >>> determining_rows(features)
    array([1, 2])
    """
    columns = features.detach().cpu().numpy().T
    _, pivots = qr(columns, mode="r", pivoting=True, check_finite=False)
    return np.asarray(pivots[: min(columns.shape)], dtype=np.int64)
