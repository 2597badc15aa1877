"""The Gram matrix G = AᵀA: the cheapest form; it squares the condition of A."""

import torch

from .base import Symmetric

# Columns of a panel: below, one product is as fast as its lower half.
PANEL = 128


def gram_matrix(a):
    """AᵀA by panels of the lower half: two thirds of the price of the whole product."""
    columns = a.T
    n = len(columns)
    if n <= PANEL or a.is_cuda:
        return columns @ a
    matrix = a.new_empty(n, n)
    for first in range(0, n, PANEL):
        panel = slice(first, first + PANEL)
        below = columns[first:] @ columns[panel].T
        matrix[first:, panel] = below
        matrix[panel, first:] = below.T
    return matrix


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
    def of(cls, matrix, gradients, square_targets, n_rows):
        """From AᵀA and Aᵀ F, where A itself is never formed."""
        gram = cls.__new__(cls)
        gram._store(matrix, gradients, square_targets, min(n_rows, len(matrix)))
        return gram

    def add_decay(self, penalty, theta):
        """The rows √α_p θ_p of a weight decay, which only touch the diagonal.

        Parameters
        ----------
        penalty : torch.Tensor of shape (P,)
            α.
        theta : torch.Tensor of shape (P,)
        """
        self.matrix.diagonal().add_(penalty)
        self.gradients[:, 0] += penalty * theta
        self.square_targets[0] += torch.dot(penalty, theta * theta)
        self.square_norm += float(penalty.sum())
        self.largest_rank = len(self.matrix)

    def _vectors(self, s, eigenvectors):
        # Uᵀ F = S⁻¹ Vᵀ Aᵀ F, read only where s is above the rounding level.
        inverse = 1.0 / torch.where(s > 0, s, 1.0)
        return eigenvectors, (eigenvectors.T @ self.gradients) * inverse.unsqueeze(1)

    def solve(self, rcond=0.0, damping=0.0):
        factor = self._cholesky(rcond, damping)
        if factor is None:
            return self._eigen().solve(rcond, damping)
        return torch.cholesky_solve(self.gradients, factor)

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        factor = self._cholesky(rcond, damping)
        if factor is None:
            return self._eigen().solve_function(f, transpose, rcond, damping)
        return torch.cholesky_solve(transpose(f).unsqueeze(1), factor).squeeze(1)
