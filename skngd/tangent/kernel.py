"""The kernel matrix K = A Aᵀ: the form for more parameters than rows."""

import torch

from .base import Symmetric


class Kernel(Symmetric):
    """A⁺ f = Aᵀ (A Aᵀ + λ I)⁻¹ f."""

    name = "kernel"

    def __init__(self, chunks):
        blocks = list(chunks)
        self.a = torch.cat([block for block, _ in blocks]) if len(blocks) > 1 else blocks[0][0]
        self.targets = torch.cat([f for _, f in blocks])
        gradients = self.a.T @ self.targets
        self._store(self.a @ self.a.T, gradients, [self.targets], min(self.a.shape))

    def _vectors(self, s, eigenvectors):
        # V = Aᵀ U S⁻¹, read only where s is above the rounding level.
        inverse = 1.0 / torch.where(s > 0, s, 1.0)
        return (self.a.T @ eigenvectors) * inverse, eigenvectors.T @ self.targets

    def solve(self, rcond=0.0, damping=0.0):
        factor = self._cholesky(rcond, damping)
        if factor is None:
            return self._eigen().solve(rcond, damping)
        return self.a.T @ factor.solve(self.targets)

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        factor = self._cholesky(rcond, damping)
        if factor is None:
            return self._eigen().solve_function(f, transpose, rcond, damping)
        return self.a.T @ factor.solve(f)
