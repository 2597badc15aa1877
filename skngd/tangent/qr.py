"""SVD of the R of a QR decomposition: the accuracy of the SVD at half its price."""

import torch

from .base import Spectral, rounding
from .svd import robust_svd


class Qr(Spectral):
    """[A F] = Q [R, QᵀF], then the SVD of R; Q itself is never formed.

    Chunks of rows are absorbed one after the other: the R of [R_old; chunk] is the R of
    all the rows so far.
    """

    name = "qr"

    def __init__(self, chunks):
        triangle, n_rows, square_targets = None, 0, 0.0
        for a, f in chunks:
            block = torch.cat([a, f], dim=1)
            if triangle is not None:
                block = torch.cat([triangle, block])
            triangle = torch.linalg.qr(block, mode="r")[1]
            square_targets = square_targets + (f * f).sum(0)
            n_rows += len(a)
        n_parameters = a.shape[1]
        rows = min(n_rows, n_parameters)
        u, s, vt = robust_svd(triangle[:rows, :n_parameters])
        coefficients = u.T @ triangle[:rows, n_parameters:]
        tiny = rounding((n_rows, n_parameters), s.dtype)
        self._store(s, vt.T, coefficients, square_targets, tiny)
