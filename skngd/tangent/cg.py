"""Conjugate gradients: products with A and Aᵀ alone, for many parameters or many outputs."""

from contextlib import suppress
from itertools import count

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal, solveh_banded

from .base import Factorization

# Relative residual of (AᵀA + λ I) x = Aᵀ f, and the most products that it may take.
TOLERANCE, MAX_PRODUCTS = 1e-10, 1000
# Residual from which on further functions are solved for in the space that is there.
ROUGH = 0.01
# The most numbers in a basis (512 MiB in float64), but room for so many vectors at least.
LARGEST_BASIS, FEWEST_VECTORS = 2**26, 50
# Products after which the size of AᵀA is read off; room for vectors at the start.
PRODUCTS_FOR_NORM, FIRST_ROOM = 5, 32


class KrylovSpace:
    """The space of g, G g, G² g, …, by the recurrence of Lanczos.

    Q has orthonormal columns, T = Qᵀ G Q is tridiagonal. The space is that of G + λ I for every λ:
    one basis serves every damping, and Q (T + λ I)⁻¹ ‖g‖ e₁ is what conjugate gradients for
    (G + λ I) x = g would give after as many products. The space grows when a λ needs it.

    Parameters
    ----------
    product : callable
        v ↦ G v, with G symmetric and positive semidefinite.
    start : torch.Tensor of shape (P,)
        g.
    tol : float
        ‖(G + λ I) x − g‖ ≤ tol ‖g‖.
    max_products : int, default=1000
        Where these, or the memory for the basis, do not do, the residual is larger.

    See Also
    --------
    skngd.tangent.cg.ConjugateGradients : A projection without a matrix.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.cg import KrylovSpace
    >>> g = torch.ones(2, dtype=torch.float64)
    >>> space = KrylovSpace(lambda v: torch.tensor([1.0, 4.0]) * v, g, tol=1e-10)
    >>> space.solve(0.0, 1.0), space.solve(0.0, 0.0)  # one space for every damping
    (tensor([0.5000, 0.2000], dtype=torch.float64), tensor([1.0000, 0.2500], dtype=torch.float64))
    """

    def __init__(self, product, start, tol, max_products=MAX_PRODUCTS):
        self.product, self.tol = product, tol
        most_vectors = max(FEWEST_VECTORS, LARGEST_BASIS // len(start))
        self.max_products = min(max_products, most_vectors, len(start))
        self.norm = float(torch.linalg.vector_norm(start))
        self.room = start.new_empty(min(FIRST_ROOM, self.max_products), len(start))
        self.diagonal, self.off_diagonal = [], []
        self.is_complete = not 0 < self.norm < np.inf
        if not self.is_complete:
            torch.div(start, self.norm, out=self.room[0])

    @property
    def basis(self):
        """Qᵀ, shape (k, P)."""
        return self.room[: len(self.diagonal)]

    def extend(self):
        """One product: the next row of T, and the next vector of Q."""
        k = len(self.diagonal) + 1
        known = self.room[:k]
        image = self.product(known[-1])
        along = known @ image
        image = image - known.T @ along
        # Once more, or rounding errors would grow until the vectors are no longer orthogonal.
        image = image - known.T @ (known @ image)
        # Both numbers at once: a GPU waits once for each product.
        diagonal, norm = torch.stack((along[-1], torch.linalg.vector_norm(image))).tolist()
        self.diagonal.append(diagonal)
        rounding = len(image) * torch.finfo(image.dtype).eps * max(map(abs, self.diagonal))
        if k == self.max_products or not rounding < norm < np.inf:
            self.is_complete = True
            return
        self.off_diagonal.append(norm)
        if k == len(self.room):
            larger = self.room.new_empty(min(2 * k, self.max_products), self.room.shape[1])
            larger[:k] = self.room
            self.room = larger
        torch.div(image, norm, out=self.room[k])

    def square_norm(self):
        """The trace of T after some products: a lower bound of ‖A‖², mostly a close one."""
        while len(self.diagonal) < PRODUCTS_FOR_NORM and not self.is_complete:
            self.extend()
        return sum(self.diagonal[:PRODUCTS_FOR_NORM]) if np.isfinite(self.norm) else np.nan

    def solve(self, rcond, damping):
        """(G + λ I)⁻¹ g, without the directions that ``rcond`` leaves out."""
        self._reach(damping)
        if not self.diagonal:
            return torch.zeros_like(self.room[0])
        right = np.zeros(len(self.diagonal))
        right[0] = self.norm
        return self._combined(self._inverse(right, rcond, damping))

    def solve_within(self, g, rcond, damping):
        """Q (T + λ I)⁻¹ Qᵀ g of another right-hand side: its solution in this space."""
        if not self.diagonal:
            return torch.zeros_like(g)
        right = (self.basis @ g).cpu().numpy().astype(float)
        return self._combined(self._inverse(right, rcond, damping))

    def singular_values(self, rcond):
        """Square roots of the eigenvalues of T that are kept, in ascending order."""
        values, _ = self._eigen()
        return np.sqrt(values[self._kept(values, rcond)])

    def _reach(self, damping):
        """Extend the space until the residual of (G + λ I) x = g is small."""
        # By elimination: entry / pivot is the last entry of (T + λ I)⁻¹ e₁, and times the next
        # off-diagonal of T the residual.
        for k in count():
            if k == len(self.diagonal):
                if self.is_complete:
                    return
                self.extend()
            if k == 0:
                entry, pivot = 1.0, self.diagonal[0] + damping
            else:
                before = self.off_diagonal[k - 1]
                entry *= -before / pivot
                pivot = self.diagonal[k] + damping - before**2 / pivot
            if k == len(self.off_diagonal):
                return
            if pivot > 0 and self.off_diagonal[k] * abs(entry) <= self.tol * pivot:
                return

    def _combined(self, coefficients):
        room, basis = self.room, self.basis[: len(coefficients)]
        return basis.T @ torch.as_tensor(coefficients, dtype=room.dtype, device=room.device)

    def _inverse(self, right, rcond, damping):
        """(T + λ I)⁻¹ r; by eigenvalues where some are to be left out."""
        k = len(self.diagonal)
        if rcond == 0 and damping > 0 and k > 1:
            bands = np.zeros((2, k))
            bands[0, 1:], bands[1] = self.off_diagonal[: k - 1], self.diagonal
            bands[1] += damping
            # T + λ I need not be positive to working precision.
            with suppress(np.linalg.LinAlgError):
                return solveh_banded(bands, right, check_finite=False)
        values, vectors = self._eigen()
        kept = self._kept(values, rcond)
        return vectors[:, kept] @ ((vectors.T @ right)[kept] / (values[kept] + damping))

    def _eigen(self):
        return eigh_tridiagonal(self.diagonal, self.off_diagonal[: len(self.diagonal) - 1])

    def _kept(self, values, rcond):
        rounding = self.room.shape[1] * torch.finfo(self.room.dtype).eps
        return values > max(rcond**2, rounding) * values[-1]


class TruncatedSpace(KrylovSpace):
    """The same space of a symmetric matrix that need not be positive.

    Where conjugate gradients for (H + λ I) x = g meet a direction of negative curvature, they end
    with what they have (Steihaug, 1983): −x points downhill whatever H is. Where already
    gᵀ (H + λ I) g ≤ 0 there is nothing, and λ is to be raised.

    Parameters
    ----------
    product : callable
        v ↦ H v, with H symmetric.
    start : torch.Tensor of shape (P,)
        g.
    tol : float
        ‖(H + λ I) x − g‖ ≤ tol ‖g‖, unless negative curvature comes first.
    max_products : int, default=1000
        Where these, or the memory for the basis, do not do, the residual is larger.

    See Also
    --------
    KrylovSpace : The same where the matrix is positive semidefinite.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.cg import TruncatedSpace
    >>> curvatures, g = torch.tensor([2.0, 1.0, -0.5]), torch.tensor([1.0, 1.0, 0.1])
    >>> x = TruncatedSpace(lambda v: curvatures * v, g, tol=1e-6).solve(0.0)
    >>> bool(x @ g > 0)  # where Newton's own step goes uphill along the third direction
    True
    """

    def solve(self, damping):
        """(H + λ I)⁻¹ g on the largest space with positive curvature; not a number without any."""
        pivots = self._pivots(damping)
        if not self.diagonal:
            return torch.zeros_like(self.room[0])
        if not pivots:
            return torch.full_like(self.room[0], torch.nan)
        # Forward and back through the factors of T + λ I.
        numbers = [self.norm]
        for off, pivot in zip(self.off_diagonal, pivots[:-1], strict=False):
            numbers.append(-off / pivot * numbers[-1])
        numbers[-1] /= pivots[-1]
        for k in range(len(pivots) - 2, -1, -1):
            numbers[k] = (numbers[k] - self.off_diagonal[k] * numbers[k + 1]) / pivots[k]
        return self._combined(numbers)

    def square_norm(self):
        """The sum of the sizes of some curvatures."""
        while len(self.diagonal) < PRODUCTS_FOR_NORM and not self.is_complete:
            self.extend()
        known = np.abs(self.diagonal[:PRODUCTS_FOR_NORM])
        return float(known.sum()) if np.isfinite(self.norm) else np.nan

    def _pivots(self, damping):
        """Of T + λ I by elimination, until the residual is small or one is not positive."""
        pivots, entry, size = [], 1.0, damping
        for k in count():
            if k == len(self.diagonal):
                if self.is_complete:
                    return pivots
                self.extend()
            pivot = self.diagonal[k] + damping
            if pivots:
                before = self.off_diagonal[k - 1]
                pivot -= before**2 / pivots[-1]
                entry *= -before / pivots[-1]
            size = max(size, abs(self.diagonal[k]))
            if not pivot > len(self.room[0]) * torch.finfo(self.room.dtype).eps * size:
                return pivots
            pivots.append(pivot)
            if k == len(self.off_diagonal) or self.off_diagonal[k] * abs(entry) <= self.tol * pivot:
                return pivots


class ConjugateGradients(Factorization):
    """(AᵀA + λ I) dθ = Aᵀ f by conjugate gradients.

    Each product with A and Aᵀ is a pass through the model forward and one back: nothing of size
    P² or n P is formed. How many there are depends on λ: about ‖A‖ / √λ, or fewer where the
    singular values come in clusters. A cut-off ``rcond`` leaves out what the space holds so far of
    the directions below it.

    Parameters
    ----------
    chunks : iterable of (A_j, F_j)
        As in :class:`~skngd.tangent.Factorization`; all rows are held.
    tol : float, default=1e-10
        ‖(AᵀA + λ I) dθ − Aᵀ f‖ ≤ tol ‖Aᵀ f‖.

    See Also
    --------
    skngd.tangent.cg.KrylovSpace : The space that it builds.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent.cg import ConjugateGradients
    >>> a = torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64))
    >>> form = ConjugateGradients([(a, torch.ones(2, 1, dtype=torch.float64))])
    >>> form.solve(damping=1.0).ravel()  # 1 / (1 + 1) and 2 / (4 + 1)
    tensor([0.5000, 0.4000], dtype=torch.float64)
    """

    name, forms_matrix, has_spectrum = "cg", False, False

    def __init__(self, chunks, tol=TOLERANCE):
        chunks = list(chunks)
        gradients = sum(a.T @ f for a, f in chunks)
        functions = [f for _, f in chunks]
        self._store(lambda v: sum(a.T @ (a @ v) for a, _ in chunks), gradients, functions, tol)
        self.square_norm = sum(float((a * a).sum()) for a, _ in chunks)

    @classmethod
    def of(cls, operator, functions, tol=None):
        """From products with A and Aᵀ; A is never formed."""
        gradients = torch.stack([operator.adjoint(f) for f in functions.unbind(1)]).mT
        made, tol = cls.__new__(cls), TOLERANCE if tol is None else tol
        made._store(operator.gram_product, gradients, [functions], tol)
        return made

    def _store(self, product, gradients, functions, tol):
        self.product, self.tol = product, tol
        self.gradients, self.functions = gradients, functions
        self.spaces = [KrylovSpace(product, g, tol) for g in gradients.unbind(1)]
        self.square_norm = self.spaces[0].square_norm()

    def solve(self, rcond=0.0, damping=0.0):
        return torch.stack([space.solve(rcond, damping) for space in self.spaces], dim=1)

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        gradient = transpose(f)
        if self.tol >= ROUGH:
            # No product more, and what the space of the first function does not hold is lost.
            return self.spaces[0].solve_within(gradient, rcond, damping)
        return KrylovSpace(self.product, gradient, self.tol).solve(rcond, damping)

    def spectrum(self, rcond, damping):
        """Dimension of the space, and the condition of the damped matrix on it."""
        if not self.spaces[0].diagonal:
            return 0, 1.0
        s = self.spaces[0].singular_values(rcond)
        return len(s), float(np.sqrt((s[-1] ** 2 + damping) / (s[0] ** 2 + damping)))
