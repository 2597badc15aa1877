"""QR decomposition: the accuracy of the SVD at a fraction of its price."""

import torch

from .base import Cholesky, Factorization, Spectral, rounding
from .svd import robust_svd

# A pivot below this part of the largest is a rounding error: singular values then decide.
SMALLEST_PIVOT = 1e-14


class Qr(Factorization):
    """[A F] = Q [R, QᵀF]; Q itself is never formed.

    With damping and without ``rcond`` a second QR, of [R; √λ I], solves the damped problem
    without squaring the condition of A. Otherwise the SVD of R decides. Chunks of rows are absorbed
    one after the other: the R of [R_old; chunk] is the R of all the rows so far.
    """

    name = "qr"

    def __init__(self, chunks):
        triangle, self.n_rows, self.functions = None, 0, []
        for a, f in chunks:
            block = torch.cat([a, f], dim=1)
            if triangle is not None:
                block = torch.cat([triangle, block])
            triangle = torch.linalg.qr(block, mode="r")[1]
            self.functions.append(f)
            self.n_rows += len(a)
        self.n_parameters = a.shape[1]
        rows = triangle[: min(self.n_rows, self.n_parameters)]
        self.triangle, self.targets = rows.split([self.n_parameters, f.shape[1]], dim=1)
        self.gradients = self.triangle.T @ self.targets
        self.square_norm = float(self.triangle.square().sum())
        self._damped = None, None
        self._spectral = None

    def _factor(self, rcond, damping):
        """(R̃, Q̃ᵀF) of the damped problem; None where singular values are to decide."""
        if rcond > 0 or damping <= 0:
            return None
        if self._damped[0] != damping:
            triangle = self.triangle
            diagonal = torch.full_like(triangle[0], damping**0.5).diag()
            lower = torch.cat(
                [diagonal, torch.zeros_like(self.targets[:1]).expand(self.n_parameters, -1)], dim=1
            )
            stacked = torch.cat([torch.cat([triangle, self.targets], dim=1), lower])
            r = torch.linalg.qr(stacked, mode="r")[1][: self.n_parameters]
            factor, targets = r.split([self.n_parameters, self.targets.shape[1]], dim=1)
            smallest, largest = torch.stack(torch.aminmax(factor.diagonal().abs())).tolist()
            sound = smallest > SMALLEST_PIVOT * largest
            self._damped = damping, (factor, targets) if sound else None
        return self._damped[1]

    def _svd(self):
        if self._spectral is None:
            u, s, vt = robust_svd(self.triangle)
            tiny = rounding((self.n_rows, self.n_parameters), s.dtype)
            self._spectral = Spectral()
            self._spectral._store(s, vt.T, u.T @ self.targets, self.functions, tiny)
        return self._spectral

    def solve(self, rcond=0.0, damping=0.0):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().solve(rcond, damping)
        factor, targets = found
        return torch.linalg.solve_triangular(factor, targets, upper=True)

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().solve_function(f, transpose, rcond, damping)
        return Cholesky(found[0].mT).solve(transpose(f))

    def spectrum(self, rcond, damping):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().spectrum(rcond, damping)
        smallest, largest = torch.aminmax(found[0].diagonal().abs())
        return min(self.n_rows, self.n_parameters), float(largest / smallest)
