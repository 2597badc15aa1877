"""The kernel matrix K = A Aᵀ: the form for more parameters than rows."""

import torch

from .base import Cholesky, Factorization, Symmetric
from .svd import Svd


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


class DecayedKernel(Factorization):
    """The same with a weight decay, whose rows are as many as the parameters.

    With D = diag α + λ I and the rows A of the points, (AᵀA + D)⁻¹ = D⁻¹ − D⁻¹Aᵀ K⁻¹ A D⁻¹ for
    K = I + A D⁻¹ Aᵀ, which is as large as the points are many. Where some D vanishes, or singular
    values are to be cut off, the SVD of all rows decides.
    """

    name = "kernel"

    def __init__(self, operator, functions):
        self.operator, self.all = operator, functions
        self.penalty, self.root = operator.penalty, torch.sqrt(operator.penalty)
        self.a = torch.cat([rows for _, rows in operator.rows()])
        self.functions = [functions]
        self.n_rows = len(self.a)
        self.targets, self.of_decay = functions[: self.n_rows], functions[self.n_rows :]
        self.gradients = self.a.T @ self.targets + self.root.unsqueeze(1) * self.of_decay
        self.square_norm = float((self.a * self.a).sum() + self.penalty.sum())
        self._damped, self._spectral = (None, None), None

    @classmethod
    def of(cls, operator, functions, tol=None):
        # The memory of the metric "l2" has no decay.
        if operator.penalty is None:
            return Kernel.of(operator, functions, tol)
        return cls(operator, functions)

    def _factor(self, rcond, damping):
        """D and the factor of K; None where singular values are to decide."""
        if rcond > 0 or float(self.penalty.min()) + damping <= 0:
            return None
        if self._damped[0] != damping:
            diagonal = self.penalty + damping
            kernel = (self.a / diagonal) @ self.a.T
            kernel.diagonal().add_(1.0)
            factor = Cholesky.of(kernel)
            self._damped = damping, None if factor is None else (diagonal.unsqueeze(1), factor)
        return self._damped[1]

    def _svd(self):
        if self._spectral is None:
            self._spectral = Svd(self.operator.chunks(self.all))
        return self._spectral

    def spectral(self):
        return self._svd()

    def solve(self, rcond=0.0, damping=0.0):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().solve(rcond, damping)
        diagonal, factor = found
        of_decay = self.root.unsqueeze(1) * self.of_decay
        seen = self.a @ (of_decay / diagonal)
        return (of_decay + self.a.T @ factor.solve(self.targets - seen)) / diagonal

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().solve_function(f, transpose, rcond, damping)
        diagonal, factor = found
        right = transpose(f).unsqueeze(1)
        seen = factor.solve(self.a @ (right / diagonal))
        return ((right - self.a.T @ seen) / diagonal)[:, 0]

    def spectrum(self, rcond, damping):
        found = self._factor(rcond, damping)
        if found is None:
            return self._svd().spectrum(rcond, damping)
        smallest, largest = found[1].pivots()
        return self.a.shape[1], largest / smallest
