"""The Gram matrix G = AᵀA: the cheapest form; it squares the condition of A."""

import torch

from .base import Symmetric
from .operator import gram_matrix


class Gram(Symmetric):
    """Equation (G): (G + λ I) dθ = Aᵀ f."""

    name = "gram"

    def __init__(self, chunks):
        parts = ((gram_matrix(a), a.T @ f, (f * f).sum(0), len(a)) for a, f in chunks)
        matrix, gradients, square_targets, n_rows = next(parts)
        for part in parts:
            matrix, gradients = matrix + part[0], gradients + part[1]
            square_targets, n_rows = square_targets + part[2], n_rows + part[3]
        self._store(matrix, gradients, square_targets, min(n_rows, len(matrix)))

    @classmethod
    def of(cls, operator, functions, tol=None):
        gram = cls.__new__(cls)
        # The matrix first: where it forms the rows, they give the gradients.
        matrix, squares = operator.gram(), (functions * functions).sum(0)
        gradients = torch.stack([operator.adjoint(f) for f in functions.unbind(1)]).mT
        gram._store(matrix, gradients, squares, min(operator.shape))
        return gram

    def _vectors(self, s, eigenvectors):
        # Uᵀ F = S⁻¹ Vᵀ Aᵀ F, read only where s is above the rounding level.
        inverse = 1.0 / torch.where(s > 0, s, 1.0)
        return eigenvectors, (eigenvectors.T @ self.gradients) * inverse.unsqueeze(1)

    def solve(self, rcond=0.0, damping=0.0):
        factor = self._cholesky(rcond, damping)
        if factor is None:
            return self._eigen().solve(rcond, damping)
        return factor.solve(self.gradients)

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        factor = self._cholesky(rcond, damping)
        if factor is None:
            return self._eigen().solve_function(f, transpose, rcond, damping)
        return factor.solve(transpose(f))
