"""The Gram matrix G = AᵀA: the cheapest form; it squares the condition of A."""

import torch

from .base import Symmetric
from .operator import gram_matrix


class Gram(Symmetric):
    """Equation (G): (G + λ I) dθ = Aᵀ f."""

    name = "gram"

    def __init__(self, chunks):
        matrix = gradients = None
        functions, n_rows = [], 0
        for a, f in chunks:
            columns = a.T
            part, products = gram_matrix(a, columns), torch.mm(columns, f)
            matrix = part if matrix is None else matrix.add_(part)
            gradients = products if gradients is None else gradients.add_(products)
            functions.append(f)
            n_rows += len(a)
        self._store(matrix, gradients, functions, min(n_rows, len(matrix)))

    @classmethod
    def of(cls, operator, functions, tol=None):
        gram = cls.__new__(cls)
        # The matrix first: where it forms the rows, they give the gradients.
        matrix = operator.gram()
        gradients = torch.stack([operator.adjoint(f) for f in functions.unbind(1)]).mT
        gram._store(matrix, gradients, [functions], min(operator.shape))
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
