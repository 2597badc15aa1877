"""The Gaussian of the linearised Laplace approximation, equations (EV) and (Var)."""

import math

import torch

from .base import Cholesky, rounding

# A parameter without decay, in the form of the rows: this part of the square of its column.
FREE = 1e-9


class Posterior:
    """G⁻¹ with G = AᵀA + diag α, from the smaller of the two matrices that give it.

    With at least as many rows as parameters by Cholesky from AᵀA, with fewer from
    I + A diag(α)⁻¹ Aᵀ, by the formula of Woodbury. Directions that are rounding errors of AᵀA and
    have no decay count as determined.

    Parameters
    ----------
    operator : TangentOperator
        A; its own decay is left out.
    penalty : torch.Tensor of shape (P,)
        α ≥ 0.

    Attributes
    ----------
    shares : torch.Tensor of shape (P,)
        γ_p = 1 − α_p (G⁻¹)_pp: 1 where the rows determine a parameter, 0 where the decay does.
    log_determinant : float
        log |G| − Σ log α_p, the sum over α_p > 0.
    scale, half : torch.Tensor of shape (P,), (k, P)
        G⁻¹ = diag(scale) M diag(scale) with M = halfᵀ half or, ``by_rows``, M = I − halfᵀ half.
    by_rows : bool
    """

    def __init__(self, operator, penalty):
        self.by_rows = operator.has_fewer_rows
        (self._of_rows if self.by_rows else self._of_parameters)(operator, penalty)

    def _of_parameters(self, operator, penalty):
        matrix = operator.data_gram()
        diagonal = matrix.diagonal() + penalty
        # A unit diagonal: decays may be far apart.
        self.scale = torch.rsqrt(torch.where(diagonal > 0, diagonal, 1.0))
        matrix = self.scale.unsqueeze(1) * matrix * self.scale
        matrix.diagonal().fill_(1.0)
        identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        self.half, log_determinant = _halved(matrix, identity)
        inverse = self.scale**2 * (self.half * self.half).sum(0)
        self.shares = (1 - penalty * inverse).clamp(0.0, 1.0)
        log_determinant = log_determinant - 2 * torch.log(self.scale).sum()
        logs = torch.log(torch.where(penalty > 0, penalty, 1.0))
        self.log_determinant = float(log_determinant - logs.sum())

    def _of_rows(self, operator, penalty):
        rows = torch.cat([part for _, part in operator.rows()])
        squares, free = (rows * rows).sum(0), penalty <= 0
        inner = torch.where(free, FREE * torch.where(squares > 0, squares, 1.0), penalty)
        self.scale = torch.rsqrt(inner)
        rows = rows * self.scale
        kernel = torch.mm(rows, rows.T)
        kernel.diagonal().add_(1.0)
        self.half, log_determinant = _halved(kernel, rows)
        shares = (self.half * self.half).sum(0).clamp(0.0, 1.0)
        self.shares = torch.where(free, 1.0, shares)
        logs = torch.log(torch.where(free, inner, 1.0))
        self.log_determinant = float(log_determinant + logs.sum())


def _halved(matrix, right):
    """S with SᵀS = rightᵀ matrix⁻¹ right, and log |matrix|.

    Where the matrix is not positive definite to working precision, its eigenvalues are raised to
    their rounding errors.
    """
    if not math.isfinite(float(matrix.sum())):
        raise torch.linalg.LinAlgError("the matrix is not finite")
    factor = Cholesky.of(matrix)
    if factor is not None:
        half = torch.linalg.solve_triangular(factor.lower, right, upper=False)
        return half, 2 * torch.log(factor.lower.diagonal()).sum()
    squares, vectors = torch.linalg.eigh(matrix)
    squares = squares.clamp(min=float(squares[-1]) * rounding(matrix.shape, matrix.dtype))
    return (vectors / torch.sqrt(squares)).T @ right, torch.log(squares).sum()


def covariances(rows, scale, half, by_rows, n_outputs):
    """Blocks of J G⁻¹ Jᵀ, shape (m, c, c), for the rows J of m points with c outputs."""
    scaled = (rows * scale).view(len(rows) // n_outputs, n_outputs, -1)
    known = scaled @ half.T
    found = known @ known.mT
    return scaled @ scaled.mT - found if by_rows else found


def variances(rows, scale, half, by_rows):
    """The diagonal of J G⁻¹ Jᵀ for rows J, shape (k, P), from what a :class:`Posterior` keeps."""
    scaled = rows * scale
    known = torch.mm(scaled, half.T)
    squares = (known * known).sum(1)
    return ((scaled * scaled).sum(1) - squares).clamp(min=0.0) if by_rows else squares
