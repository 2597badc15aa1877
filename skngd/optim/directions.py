"""Directions: what stands for M⁻¹ in dθ = −α M⁻¹ ∇_θ L, and how functions are projected.

``prepare`` factorises once what an iteration needs; the result answers for any damping λ.
"""

from itertools import chain
from math import isfinite

import torch

from ..tangent import FACTORIZATIONS, choose
from ..tangent.cg import ConjugateGradients
from ..tangent.choose import LARGEST_MATRIX
from ..tangent.gram import Gram

# Parameters up to which AᵀA is formed, where a pass through the model costs little beside it: the
# squared loss asks for small λ in the end, which take many passes; other losses do not.
LARGEST_MATRIX_OF_PASSES = {"l2": 1500, "loss": 150}
# Relative residual of conjugate gradients for a step: the loss checks it, and a better solution of
# the linear form takes more passes than it saves steps. Other losses than the square are further
# from their linear form, and half of the gradient will do, with momentum to make it good.
STEP_TOLERANCE = {"l2": 0.1, "loss": 0.5}


class NaturalGradient:
    """(NGD) dθ = −α A⁺ b.

    Parameters
    ----------
    projection : {"auto", "svd", "qr", "gram", "kernel", "cg"}, default="auto"
    rcond : float, default=0.0
        Truncation of the pseudo-inverse, relative to the largest singular value.
    """

    def __init__(self, projection="auto", rcond=0.0):
        self.projection, self.rcond = projection, rcond

    def prepare(self, here, remembered=None, relative_damping=0.0):
        """Factorise A at ``here``, for the residual b and the remembered functions.

        Parameters
        ----------
        here : Iterate
        remembered : Remembered, default=None
            A function to be projected beside b. With a loss-Hessian metric the memory of a
            function has a projection of its own, equation (2M).
        relative_damping : float, default=0.0
            The λ / ‖A‖² that the search is likely to ask for; "auto" looks at it.
        """
        functions, apart = [here.residual], None
        if remembered is not None and remembered.is_plain and here.objective.has_two_metrics:
            apart = remembered.function
        elif remembered is not None:
            functions.append(here.scale(remembered.function))
        kind = self._kind(here, relative_damping)
        factorization = _factorized(kind, here, torch.stack(functions, dim=1))
        memory = None if apart is None else _plainly_factorized(kind, here, apart)
        return PreparedNatural(here, factorization, self.rcond, memory)

    def _kind(self, here, relative_damping):
        """The class of the factorisation."""
        name = self.projection
        if name == "auto":
            n_decay = 0 if here.objective.penalty is None else len(here.theta)
            shape = here.objective.n_rows + n_decay, len(here.theta)
            limit = largest_matrix(here.objective.model, here.objective.metric)
            name = choose(
                *shape,
                self.rcond,
                relative_damping,
                here.theta.dtype,
                is_rough=True,
                largest_matrix=limit,
            )
        return FACTORIZATIONS[name]


def largest_matrix(model, metric):
    """Rows and parameters from which on "auto" forms no matrix, where there is damping."""
    is_cheap = model.record_size < model.n_parameters
    return LARGEST_MATRIX_OF_PASSES[metric] if is_cheap else LARGEST_MATRIX


def _factorized(kind, here, functions):
    """A⁺ for the residual, which is the first function, and others; the weight decay is in it."""
    if kind is ConjugateGradients:
        return _cg(here, functions)
    if kind is Gram:
        return _gram(here, functions)
    return kind(chain(here.chunks_with(functions), here.penalty_chunks(functions.shape[1])))


def _plainly_factorized(kind, here, function):
    """(W^½ J)⁺ for a function, in L2 and without the weight decay: equation (2M)."""
    if kind is ConjugateGradients:
        return _plain_cg(here, function)
    gram = _plain_gram(here, function) if kind is Gram else None
    return gram or kind(here.plain_chunks_with(function))


def _cg(here, functions):
    """Conjugate gradients at a point."""
    further = (here.pull_back(f) for f in functions[:, 1:].unbind(1))
    gradients = torch.stack([here.gradient, *further], dim=1)
    squares = (functions * functions).sum(0)
    # The rows √α θ of the decay.
    squares[0] += 2 * here.penalty
    tol = STEP_TOLERANCE[here.objective.metric]
    return ConjugateGradients.of(here.gram_product, gradients, squares, tol, is_rough=True)


def _plain_cg(here, function):
    """The same in L2."""
    weighted = here.objective.loss.weights * function
    gradient = here.backward(weighted).unsqueeze(1)
    square = (weighted * function).sum().reshape(1)
    tol = STEP_TOLERANCE[here.objective.metric]
    return ConjugateGradients.of(here.plain_gram_product, gradient, square, tol)


def _gram(here, functions):
    """The Gram form at a point, without the rows of A where that is cheaper."""
    matrix = here.gram_matrix()
    if matrix is None:
        gram = Gram(here.chunks_with(functions))
    else:
        gradients = torch.stack([here.pull_back(f) for f in functions.unbind(1)], dim=1)
        gram = Gram.of(matrix, gradients, (functions * functions).sum(0), len(functions))
    if here.objective.penalty is not None:
        gram.add_decay(here.objective.penalty, here.theta)
    return gram


def _plain_gram(here, function):
    """The same in L2; None where the rows have to be formed."""
    loss = here.objective.loss
    matrix = here.gram_matrix(loss.plain_factor(here.value))
    if matrix is None:
        return None
    gradient = here.backward(loss.weights * function).unsqueeze(1)
    square = (loss.weights * function * function).sum().reshape(1)
    return Gram.of(matrix, gradient, square, here.objective.n_rows)


class PreparedNatural:
    """The pseudo-inverse A⁺ at one point, for any damping.

    Parameters
    ----------
    here : Iterate
    factorization : Factorization
        Of A, for the residual b and the memory.
    rcond : float
    memory_factorization : Factorization, default=None
        Of W^½ J for the memory, where it is projected in another metric.
    """

    def __init__(self, here, factorization, rcond, memory_factorization=None):
        self.here, self.factorization, self.rcond = here, factorization, rcond
        self.memory_factorization = memory_factorization
        self.square_norm = factorization.square_norm
        if not isfinite(self.square_norm):
            raise torch.linalg.LinAlgError("the Jacobian is not finite")
        # Aᵀ b = ∇_θ L comes with the factorisation: no backward pass is needed.
        self.gradient = factorization.gradients[:, 0]
        self._solved = None, None

    def _solve(self, damping):
        """A⁺ [b, q], computed once for each damping."""
        if self._solved[0] != damping:
            self._solved = damping, self.factorization.solve(self.rcond, damping).unbind(1)
        return self._solved[1]

    def descent(self, damping):
        """−A⁺ b."""
        return -self._solve(damping)[0]

    def memory(self, damping):
        """A⁺ q of the remembered function, equation (HB); (W^½ J)⁺ W^½ q in equation (2M)."""
        if self.memory_factorization is None:
            return self._solve(damping)[1]
        # The same damping, relative to the size of the matrix.
        relative = damping / (self.square_norm or 1.0)
        memory = self.memory_factorization
        return memory.solve(self.rcond, relative * memory.square_norm)[:, 0]

    def acceleration(self, direction, damping):
        """Geodesic acceleration −½ A⁺ C v''(d, d): bends the step along the manifold."""
        bend = self.here.extended(self.here.scale(self.here.bend(direction)))
        solve = self.factorization.solve_function
        return -0.5 * solve(bend, self.here.pull_back_extended, self.rcond, damping)

    def predicted_decrease(self, direction, damping):
        """L(θ) − L_lin(θ + d) of the linearised model, for d = −(AᵀA + λ)⁻¹ Aᵀ b."""
        return float(0.5 * torch.dot(direction, damping * direction - self.gradient))

    def info(self, direction, damping):
        """Rank, condition and kept fraction of the projection of b."""
        return self.factorization.info(-direction, self.rcond, damping)


class Newton:
    """(N) dθ = −α (∇²_θ L)⁻¹ ∇_θ L with ∇²_θ L = G + ⟨∇L, H_A⟩.

    Undamped, it goes to a saddle point as readily as to a minimum. The trust region raises λ
    until ∇²_θ L + λ I is positive definite.
    """

    def __init__(self, projection="auto", rcond=0.0):
        self.natural = NaturalGradient(projection, rcond)

    def prepare(self, here, remembered=None, relative_damping=0.0):
        return PreparedNewton(here, self.natural, remembered)


class PreparedNewton:
    """∇²_θ L at one point. The memory is projected with A⁺, in the metric of the objective."""

    def __init__(self, here, natural, remembered):
        self.here, self.natural, self.remembered = here, natural, remembered
        self.gradient = here.gradient
        objective, loss = here.objective, here.objective.loss
        weighted = loss.weights * here.functional_gradient
        curvature = objective.model.curvature(here.theta, objective.points, weighted)
        jacobian = torch.cat([record.jacobian() for _, record in here.records()])
        gram = loss.second_variation(here.value, jacobian)
        self.hessian = gram + curvature
        if objective.penalty is not None:
            self.hessian = self.hessian + torch.diag(objective.penalty)
        self.square_norm = float(gram.diagonal().abs().sum())

    def _damped(self, damping):
        return self.hessian + damping * torch.eye(
            len(self.hessian), dtype=self.hessian.dtype, device=self.hessian.device
        )

    def descent(self, damping):
        """−(∇²_θ L + λ I)⁻¹ ∇_θ L; not a number where the matrix is singular."""
        solution, failed = torch.linalg.solve_ex(self._damped(damping), self.gradient)
        return -solution if int(failed) == 0 else torch.full_like(solution, torch.nan)

    def memory(self, damping):
        prepared = self.natural.prepare(self.here, self.remembered)
        return prepared.memory(damping)

    def predicted_decrease(self, direction, damping):
        """Decrease of the quadratic model; −∞ where the damped matrix is not positive."""
        if int(torch.linalg.cholesky_ex(self._damped(damping))[1]):
            return -torch.inf
        return float(0.5 * torch.dot(direction, damping * direction - self.gradient))

    def info(self, direction, damping):
        """There is no projection of the gradient to describe."""
        return None


class GradientDescent:
    """(GD) dθ = −α M⁻¹ ∇_θ L with a fixed matrix M, the identity by default.

    Parameters
    ----------
    preconditioner : torch.Tensor of shape (P, P), default=None
        M, symmetric and positive definite.
    """

    def __init__(self, preconditioner=None):
        self.cholesky = None
        if preconditioner is not None:
            self.cholesky = torch.linalg.cholesky(preconditioner)

    def prepare(self, here, remembered=None, relative_damping=0.0):
        return PreparedGradient(here, self.cholesky)


class PreparedGradient:
    """The gradient at one point."""

    square_norm = 0.0

    def __init__(self, here, cholesky):
        self.gradient, self.cholesky = here.gradient, cholesky

    def descent(self, damping):
        """−M⁻¹ ∇_θ L; there is nothing to damp."""
        if self.cholesky is None:
            return -self.gradient
        return -torch.cholesky_solve(self.gradient.unsqueeze(1), self.cholesky).squeeze(1)

    def info(self, direction, damping):
        """There is no projection to describe."""
        return None
