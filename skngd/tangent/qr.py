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
        n, k = a.shape[1], f.shape[1]
        rows = triangle[: min(self.n_rows, n)]
        self.triangle, self.targets = rows.split([n, k], dim=1)
        self.gradients = torch.mm(self.triangle.T, self.targets)
        self.square_norm = float(torch.linalg.vector_norm(self.triangle)) ** 2
        # [R, QᵀF] above [√λ I, 0], column by column in memory.
        self._stacked = a.new_zeros(n + k, len(rows) + n).T
        self._stacked[: len(rows)] = rows
        self._roots = self._stacked[len(rows) :, :n].diagonal()
        self._damped = None, None
        self._spectral = None

    def _factor(self, rcond, damping):
        """(R̃, Q̃ᵀF) of the damped problem; None where singular values are to decide."""
        if rcond > 0 or damping <= 0:
            return None
        if self._damped[0] != damping:
            n, k = self.gradients.shape
            self._roots.fill_(damping**0.5)
            r = torch.linalg.qr(self._stacked, mode="r")[1]
            factor, targets = r[:n].split([n, k], dim=1)
            found = Cholesky(factor.mT)
            smallest, largest = found.pivots()
            self._damped = (
                damping,
                (found, targets) if smallest > SMALLEST_PIVOT * largest else None,
            )
        return self._damped[1]

    def _svd(self):
        if self._spectral is None:
            u, s, vt = robust_svd(self.triangle)
            tiny = rounding((self.n_rows, len(self.gradients)), s.dtype)
            self._spectral = Spectral()
            self._spectral._store(s, vt.T, u.T @ self.targets, self.functions, tiny)
        return self._spectral

    def spectral(self):
        return self._svd()

    def solve(self, rcond=0.0, damping=0.0):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().solve(rcond, damping)
        factor, targets = found
        x = targets.clone()
        return torch.linalg.solve_triangular(factor.upper, x, upper=True, out=x)

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().solve_function(f, transpose, rcond, damping)
        return found[0].solve(transpose(f))

    def whitened(self, rows, damping):
        """Rows, shape (k, P), times (AᵀA + λ I)^(−1/2), but for a rotation.

        Their singular values are how much these rows grow beside those of A.
        """
        found = self._factor(0.0, damping)
        if found is None:
            spectral = self._svd()
            return rows @ spectral.vectors / torch.sqrt(spectral.s**2 + damping)
        return torch.linalg.solve_triangular(found[0].upper, rows, upper=True, left=False)

    def spectrum(self, rcond, damping):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().spectrum(rcond, damping)
        smallest, largest = found[0].pivots()
        return min(self.n_rows, len(self.gradients)), largest / smallest
