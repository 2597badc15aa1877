"""The Gaussian of the linearised Laplace approximation, equations (EV) and (Var)."""

import math

import torch

from .base import Cholesky, rounding

# A parameter without decay, in the form of the rows: this part of the square of its column.
FREE = 1e-9
# Parameters for each row from which on the layers of a network are cheaper than its rows.
WORTH = 2
# A kernel up to which its inverse has seven digits of what the rows determine.
LARGEST_KERNEL = 1e8


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
        γ_p = 1 − α_p (G⁻¹)_pp: 1 where the rows determine a parameter, 0 where the decay does. In
        the form of layers those of an input are their mean over the neurons.
    log_determinant : float
        log |G| − Σ log α_p, the sum over α_p > 0.
    scale, half : torch.Tensor of shape (P,), (k, P)
        G⁻¹ = diag(scale) M diag(scale) with M = halfᵀ half or, ``by_rows``, M = I − halfᵀ half.
    by_rows : bool
    """

    def __init__(self, operator, penalty):
        self.by_rows, self._half = operator.has_fewer_rows, None
        (self._of_rows if self.by_rows else self._of_parameters)(operator, penalty)

    def _of_parameters(self, operator, penalty):
        matrix = operator.data_gram()
        diagonal = matrix.diagonal() + penalty
        # A unit diagonal: decays may be far apart.
        self._scale = torch.rsqrt(torch.where(diagonal > 0, diagonal, 1.0))
        matrix = self._scale.unsqueeze(1) * matrix * self._scale
        matrix.diagonal().fill_(1.0)
        identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        self._half, log_determinant = _halved(matrix, identity)
        inverse = self._scale**2 * (self._half * self._half).sum(0)
        self.shares = (1 - penalty * inverse).clamp(0.0, 1.0)
        log_determinant = log_determinant - 2 * torch.log(self._scale).sum()
        logs = torch.log(torch.where(penalty > 0, penalty, 1.0))
        self.log_determinant = float(log_determinant - logs.sum())

    def _of_rows(self, operator, penalty):
        if not self._of_layers(operator, penalty):
            self._of_formed(operator, penalty)

    def _of_formed(self, operator, penalty):
        rows = torch.cat([part for _, part in operator.rows()])
        squares, free = (rows * rows).sum(0), penalty <= 0
        inner = torch.where(free, FREE * torch.where(squares > 0, squares, 1.0), penalty)
        self._scale = torch.rsqrt(inner)
        rows = rows * self._scale
        kernel = torch.mm(rows, rows.T)
        kernel.diagonal().add_(1.0)
        self._half, log_determinant = _halved(kernel, rows)
        shares = (self._half * self._half).sum(0).clamp(0.0, 1.0)
        self.shares = torch.where(free, 1.0, shares)
        logs = torch.log(torch.where(free, inner, 1.0))
        self.log_determinant = float(log_determinant + logs.sum())

    def _of_layers(self, operator, penalty):
        """The same of the rows of a network that are never formed; whether that can be done.

        It takes one decay for all weights of an input, and weights that are well held back:
        what an inverse tells beside a large kernel are rounding errors. Biases without decay, the
        columns F, come in by K + F D⁻¹ Fᵀ.
        """
        layers = layers_of(operator, penalty)
        if layers is None:
            return False
        kernel = layers.kernel()
        kernel.diagonal().add_(1.0)
        factor = None
        if float(kernel.abs().sum(1).max()) <= LARGEST_KERNEL:
            factor = Cholesky.of(kernel)
        if factor is None:
            return False
        inverse, free = torch.cholesky_inverse(factor.lower), layers.free.T
        known = inverse @ free
        of_free, squares = free.T @ known, (free * free).sum(0)
        of_free.diagonal().add_(FREE * torch.where(squares > 0, squares, 1.0))
        solved, log_of_free = _halved(of_free, known.T)
        shares = layers.shares(inverse.sub_(solved.T @ solved)).clamp(0.0, 1.0)
        self.shares = torch.where(penalty > 0, shares, 1.0)
        log_determinant = 2 * torch.log(factor.lower.diagonal()).sum()
        self.log_determinant = float(log_determinant + log_of_free)
        self._given = operator, penalty
        return True

    @property
    def scale(self):
        self._form()
        return self._scale

    @property
    def half(self):
        self._form()
        return self._half

    def _form(self):
        """Form the rows after all, for the one posterior that is asked for them."""
        if self._half is None:
            (operator, penalty), kept = self._given, (self.shares, self.log_determinant)
            self._of_formed(operator, penalty)
            self.shares, self.log_determinant = kept


class Layers:
    """Rows of A that are outer products, and what their kernel needs.

    Parameters
    ----------
    parts : list of tuple
        See :meth:`skngd.models.base.Record.outer_rows`.
    penalty : torch.Tensor of shape (P,)
        α, the same for all weights of an input.

    Attributes
    ----------
    free : torch.Tensor of shape (k, n)
        The columns of A of biases without decay.
    """

    def __init__(self, parts, penalty):
        self.parts, self.penalty = parts, penalty
        self.free = torch.cat([delta[penalty[biases] <= 0] for delta, _, (*_, biases) in parts])

    def _inverses(self, layout):
        """1 / α of the weights of each input and of each bias, 0 without decay, as columns."""
        shape, weights, biases = layout
        each = self.penalty[weights].view(shape)[0], self.penalty[biases]
        return [torch.where(one > 0, 1 / one, 0.0).unsqueeze(1) for one in each]

    def kernel(self):
        """A D⁻¹ Aᵀ = Σ (Z D⁻¹ Zᵀ) ∘ (Δ Δᵀ) + Δ D⁻¹ Δᵀ, at the price of the layers' widths."""
        total = 0.0
        for delta, inputs, layout in self.parts:
            of_weights, of_biases = self._inverses(layout)
            total = total + (inputs.T @ (inputs * of_weights)) * (delta.T @ delta)
            total = total.addmm_(delta.T, delta * of_biases)
        return total

    def shares(self, inverse):
        """The diagonal of D^-½ Aᵀ K⁻¹ A D^-½, for the weights of an input their mean."""
        shares = torch.empty_like(self.penalty)
        for delta, inputs, layout in self.parts:
            (shape, weights, biases), (of_weights, of_biases) = layout, self._inverses(layout)
            seen = inverse * (delta.T @ delta)
            mean = ((inputs @ seen) * inputs).sum(1) * of_weights[:, 0] / shape[0]
            shares[weights] = mean.expand(shape).reshape(-1)
            shares[biases] = ((delta @ inverse) * delta).sum(1) * of_biases[:, 0]
        return shares


def layers_of(operator, penalty):
    """The :class:`Layers` of an operator; None where there are none, or where they do not pay."""
    n_rows, parts = operator.jacobian.sampled.n_rows, None
    if WORTH * n_rows <= len(penalty):
        parts = operator.outer_rows()
    if parts is None:
        return None
    for _, _, (shape, weights, _) in parts:
        decay = penalty[weights].view(shape)
        if not bool((decay == decay[0]).all()) or float(decay.min()) <= 0:
            return None
    return Layers(parts, penalty)


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
