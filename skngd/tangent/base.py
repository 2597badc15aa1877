"""The one interface of all pseudo-inverses."""

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

# The cut-off that is chosen at each step, equation (Cut), and the part that it keeps at least of
# the square of what the tangent space holds of the function: with less, steps stall.
ADAPTIVE, LEAST_KEPT = "adaptive", 0.1


@dataclass(frozen=True)
class ProjectionInfo:
    """What a projection onto the tangent space was like.

    Attributes
    ----------
    method : str
        The factorisation that was used.
    rank : int
        Number of directions that were kept.
    condition : float
        Ratio of the largest to the smallest singular value that was kept. For a damped Gram
        or kernel matrix, which is only factorised by Cholesky: the square root of the ratio
        of the extreme pivots, a lower bound of the condition of the damped matrix. The same for
        the triangle of a damped QR.
    kept : float
        ⟨f, A A⁺ f⟩ / ‖f‖², the fraction of the target that the projection keeps.

    See Also
    --------
    skngd.tangent.project : Project a function.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent import project
    >>> dtheta, info = project(torch.eye(3, 2), torch.ones(3), method="svd")
    >>> info.method, info.rank, round(info.kept, 6)
    ('svd', 2, 0.666667)
    """

    method: str
    rank: int
    condition: float
    kept: float


class Factorization(ABC):
    """A factorised row-scaled Jacobian A with the functions F to be projected.

    A form is made of ``chunks``, an iterable of blocks of rows: A_j of shape (n_j, P) and F_j of
    shape (n_j, k). Only ``"svd"`` and ``"kernel"`` hold all the rows at once.

    Attributes
    ----------
    square_norm : float
        ‖A‖² in the Frobenius norm, the scale of every damping chosen automatically.
    gradients : torch.Tensor of shape (P, k)
        Aᵀ F.
    functions : list of torch.Tensor of shape (n_j, k)
        F.

    See Also
    --------
    skngd.tangent.project : Project a function.
    skngd.tangent.choose : Choose a form.

    Examples
    --------
    >>> import torch
    >>> from skngd.tangent import FACTORIZATIONS, Factorization
    >>> a, f = torch.eye(3, 2, dtype=torch.float64), torch.ones(3, 1, dtype=torch.float64)
    >>> isinstance(FACTORIZATIONS["qr"]([(a, f)]), Factorization)
    True
    >>> FACTORIZATIONS["qr"]([(a, f)]).solve().ravel().tolist()
    [1.0, 1.0]
    """

    name: str
    square_norm: float
    # Whether a matrix of P × P, or of the rows, is formed, and all singular values are known.
    forms_matrix = has_spectrum = True

    @classmethod
    def of(cls, operator, functions, tol=None):
        """The factorisation of a ``TangentOperator``, for functions of shape (n, k).

        ``tol`` is the relative residual that will do, for the forms that iterate; None: their own.
        """
        return cls(operator.chunks(functions))

    @abstractmethod
    def solve(self, rcond=0.0, damping=0.0):
        """The parameters A⁺ F of the projections of the functions F, equation (P).

        Parameters
        ----------
        rcond : float, default=0.0
            Singular values up to ``rcond`` times the largest are left out. Those that are
            rounding errors always are.
        damping : float, default=0.0
            λ in (AᵀA + λ I)⁻¹ Aᵀ f.

        Returns
        -------
        dtheta : torch.Tensor of shape (P, k)
            One column for each function.
        """

    @abstractmethod
    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        """A⁺ f for a further function, row-scaled values of shape (n,).

        ``transpose`` maps f to Aᵀ f, for the forms that do not keep A.
        """

    @abstractmethod
    def spectrum(self, rcond, damping):
        """Rank and condition after truncation by ``rcond``."""

    def spectral(self):
        """The singular value decomposition, as a ``Spectral``; forms that have none refuse."""
        raise ValueError(
            f"Expected a form with singular values for rcond={ADAPTIVE!r}, got {self.name!r}. Take "
            "'auto', 'svd' or 'qr', or a number as rcond."
        )

    def adaptive_rcond(self):
        """The cut-off for the first function, equation (Cut), as a number for ``rcond``."""
        return self.spectral().crossing()

    def info(self, dtheta, rcond=0.0, damping=0.0):
        """Describe the projection of the first function, which gave ``dtheta``."""
        rank, condition = self.spectrum(rcond, damping)
        # Both numbers at once: a GPU waits once.
        targets = [functions[:, 0] for functions in self.functions]
        square = functools.reduce(torch.add, (torch.dot(f, f) for f in targets))
        pair = square, torch.dot(self.gradients[:, 0], dtheta)
        square, product = torch.stack(pair).tolist()
        kept = product / square if square > 0 else 1.0
        return ProjectionInfo(self.name, rank, condition, kept)


class Cholesky:
    """Solutions with a matrix L Lᵀ, of shape (n, n).

    By two triangular solves in place: unlike ``torch.cholesky_solve`` they do not wait for a GPU.
    """

    def __init__(self, lower):
        self.lower, self.upper = lower, lower.mT

    @classmethod
    def of(cls, matrix):
        """The factor of a matrix; None where it is not positive definite to working precision."""
        factor, failed = torch.linalg.cholesky_ex(matrix)
        return None if int(failed) else cls(factor)

    def solve(self, right):
        """The solution for right-hand sides of shape (n, k) or (n,)."""
        x = right.clone() if right.ndim == 2 else right.clone().unsqueeze(1)
        torch.linalg.solve_triangular(self.lower, x, upper=False, out=x)
        torch.linalg.solve_triangular(self.upper, x, upper=True, out=x)
        return x.squeeze(1) if right.ndim == 1 else x

    def pivots(self):
        """The smallest and the largest pivot, by their size."""
        pivots = [abs(pivot) for pivot in self.lower.diagonal().tolist()]
        return min(pivots), max(pivots)


class Spectral(Factorization):
    """Shared by the forms that know singular values s, right vectors V and Uᵀ F."""

    def _store(self, s, vectors, coefficients, functions, smallest):
        self.s, self.vectors, self.coefficients = s, vectors, coefficients
        self.functions = functions
        self.gradients = vectors @ (s.unsqueeze(1) * coefficients)
        self.square_norm = float(s @ s)
        self.smallest = smallest

    def _kept(self, rcond):
        return self.s > max(rcond, self.smallest) * self.s[0]

    def spectral(self):
        return self

    def crossing(self):
        """Where the singular values cross the reconstruction error of the first function.

        e_k is what the first k directions leave of the function. Those up to the first
        s_(k+1) ≤ e_k behind some s_k > e_(k−1) are kept: there all that is left to gain would take
        parameter steps of more than one. More are kept where a tenth of what the space holds of
        the function would be missed.
        """
        kept = self._kept(0.0)
        squares = torch.where(kept, self.coefficients[:, 0] ** 2, 0.0)
        total = functools.reduce(torch.add, (torch.dot(f[:, 0], f[:, 0]) for f in self.functions))
        beyond = (total - squares.sum()).clamp(min=0.0)
        # Sums from behind: differences of large numbers would be rounding errors.
        left = squares.flip(0).cumsum(0).flip(0) + beyond
        above = kept & (self.s > left.sqrt())
        n_first = int(((above.cumsum(0) == 0) | above).to(torch.int64).cumprod(0).sum())
        enough = int((squares.cumsum(0) < LEAST_KEPT * squares.sum()).sum()) + 1
        n_kept = max(n_first if bool(above.any()) else 1, enough)
        if n_kept >= int(kept.sum()):
            return 0.0
        return float((self.s[n_kept - 1] * self.s[n_kept]).sqrt() / self.s[0])

    def solve(self, rcond=0.0, damping=0.0):
        filtered = self.s / (self.s**2 + damping)
        filtered = torch.where(self._kept(rcond), filtered, 0.0)
        return self.vectors @ (filtered.unsqueeze(1) * self.coefficients)

    def solve_function(self, f, transpose, rcond=0.0, damping=0.0):
        filtered = torch.where(self._kept(rcond), 1.0 / (self.s**2 + damping), 0.0)
        return self.vectors @ (filtered * (self.vectors.T @ transpose(f)))

    def spectrum(self, rcond, damping):
        rank = int(self._kept(rcond).sum())
        return rank, float(self.s[0] / self.s[rank - 1]) if rank else 1.0


class Symmetric(Factorization):
    """Shared by the forms that factorise a symmetric matrix, AᵀA or A Aᵀ.

    With damping and without ``rcond`` by Cholesky. Otherwise, or where the damped matrix is
    not positive definite to working precision, by its eigenvalues; singular values of A below
    √eps of the largest are rounding errors there.
    """

    def _store(self, matrix, gradients, functions, largest_rank):
        self.largest_rank = largest_rank
        self.matrix, self.gradients, self.functions = matrix, gradients, functions
        self.square_norm = float(matrix.trace())
        self._damped = None, None
        self._spectral = None

    @abstractmethod
    def _vectors(self, s, eigenvectors):
        """Right singular vectors V and Uᵀ F from the eigenvectors of the matrix."""

    def _cholesky(self, rcond, damping):
        """Cholesky factor of the damped matrix; None where the eigenvalues are to decide."""
        if rcond > 0 or damping <= 0:
            return None
        if self._damped[0] != damping:
            damped = self.matrix.clone()
            damped.diagonal().add_(damping)
            self._damped = damping, Cholesky.of(damped)
        return self._damped[1]

    def _eigen(self):
        if self._spectral is None:
            eigenvalues, eigenvectors = torch.linalg.eigh(self.matrix)
            s = eigenvalues.flip(0).clamp(min=0).sqrt()
            vectors, coefficients = self._vectors(s, eigenvectors.flip(1))
            self._spectral = Spectral()
            smallest = rounding(self.matrix.shape, s.dtype) ** 0.5
            self._spectral._store(s, vectors, coefficients, self.functions, smallest)
        return self._spectral

    def spectral(self):
        return self._eigen()

    def spectrum(self, rcond, damping):
        factor = self._cholesky(rcond, damping)
        if factor is None:
            return self._eigen().spectrum(rcond, damping)
        smallest, largest = factor.pivots()
        return self.largest_rank, largest / smallest


def rounding(shape, dtype):
    """Relative size of the rounding errors of the singular values of such a matrix."""
    return max(shape) * torch.finfo(dtype).eps
