"""Singular value decomposition of A: the most accurate and the most expensive form."""

import warnings

import torch

from .base import Spectral, rounding


def robust_svd(matrix):
    """Thin SVD; where the divide-and-conquer driver fails, the slower one takes over."""
    try:
        return torch.linalg.svd(matrix, full_matrices=False)
    except torch.linalg.LinAlgError:
        if not bool(torch.isfinite(matrix).all()):
            raise
        warnings.warn(
            "The singular value decomposition of the Jacobian did not converge; a QR-iteration "
            "driver computed it instead. A larger damping or rcond avoids such matrices.",
            RuntimeWarning,
            stacklevel=2,
        )
    if matrix.is_cuda:
        return torch.linalg.svd(matrix, full_matrices=False, driver="gesvd")
    # Imported where it is needed, once in a blue moon: the import costs 30 ms.
    from scipy.linalg import svd

    factors = svd(matrix.numpy(), full_matrices=False, lapack_driver="gesvd")
    return tuple(torch.from_numpy(factor) for factor in factors)


class Svd(Spectral):
    """A = U S Vᵀ, so that A⁺ f = V S⁺ Uᵀ f."""

    name = "svd"

    def __init__(self, chunks):
        blocks = list(chunks)
        a = torch.cat([block for block, _ in blocks]) if len(blocks) > 1 else blocks[0][0]
        f = torch.cat([targets for _, targets in blocks])
        u, s, vt = robust_svd(a)
        self._store(s, vt.T, u.T @ f, [f], rounding(a.shape, a.dtype))
