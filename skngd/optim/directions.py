"""Directions: what stands for M⁻¹ in dθ = −α M⁻¹ ∇_θ L, and how functions are projected.

``prepare`` factorises once what an iteration needs; the result answers for any damping λ.
"""

from math import isfinite

import torch

from ..tangent import FACTORIZATIONS, choose
from ..tangent.base import ADAPTIVE, Cholesky
from ..tangent.cg import TruncatedSpace
from ..tangent.choose import LARGEST_MATRIX
from ..tangent.kernel import DecayedKernel
from . import needs

# What all directions offer to the other parts, and those that project.
COMMON = needs.PLACE, needs.SEARCH, needs.CONSTANT_STEP
PROJECTING = needs.PROJECTED_MEMORY, needs.DAMPING
# Parameters up to which AᵀA is formed, where a pass through the model costs little beside it: the
# squared loss asks for small λ in the end, which take many passes; other losses do not.
LARGEST_MATRIX_OF_PASSES = {"l2": 1500, "loss": 150}
# Parameters up to which "auto" forms the Hessian of Newton's method.
MOST_OF_A_HESSIAN = 500
# Relative residual of conjugate gradients for a step that the loss checks: a better solution of
# the linear form takes more passes than it saves steps. Other losses than the square are further
# from their linear form, and half of the gradient will do, with momentum to make it good.
STEP_TOLERANCE = {"l2": 0.1, "loss": 0.5}
# The same for a step that nothing checks.
UNCHECKED_TOLERANCE = 1e-8


class Direction:
    """What all directions have in common: they remember nothing."""

    def state(self):
        """What a later run needs to go on from here."""
        return {}

    def restore(self, state):
        """Take up an earlier :meth:`state`."""


class NaturalGradient(Direction):
    """(NGD) dθ = −α A⁺ b.

    Parameters
    ----------
    projection : {"auto", "svd", "qr", "gram", "kernel", "cg"}, default="auto"
        The form of the pseudo-inverse, equation (P).
    rcond : float or "adaptive", default=0.0
        Truncation of the pseudo-inverse, relative to the largest singular value. "adaptive" chooses
        it at each point, equation (Cut).

    See Also
    --------
    skngd.optim.directions.Newton : Newton's direction.
    skngd.optim.directions.GradientDescent : The plain gradient.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.directions import NaturalGradient
    >>> isinstance(build_method(optimizer="ngd").direction, NaturalGradient)
    True
    """

    offers = (*COMMON, *PROJECTING, needs.NATURAL_MEMORY, needs.NATURAL_STEP, needs.NO_MATRIX)

    def __init__(self, projection="auto", rcond=0.0):
        self.projection, self.rcond = projection, rcond

    def prepare(self, here, remembered=None, relative_damping=0.0, is_checked=True):
        """Factorise A at ``here``, for the residual b and the remembered functions.

        Parameters
        ----------
        here : Iterate
            Where the gradient is taken.
        remembered : Remembered, default=None
            A function to be projected beside b. With a loss-Hessian metric the memory of a
            function has a projection of its own, equation (2M).
        relative_damping : float, default=0.0
            The λ / ‖A‖² that the search is likely to ask for; "auto" looks at it.
        is_checked : bool, default=True
            Whether the loss decides on the step, so that a rough projection will do.

        Returns
        -------
        prepared : PreparedNatural
            What steps are computed with.
        """
        operator, functions, memory = here.operator, here.right_side.unsqueeze(1), None
        form = self._form(here, relative_damping, is_checked)
        tol = STEP_TOLERANCE[here.objective.metric] if is_checked else UNCHECKED_TOLERANCE
        if remembered is not None and remembered.is_plain and here.objective.has_two_metrics:
            plain = here.plain_operator
            memory = form.of(plain, plain.scaled(remembered.function).unsqueeze(1), tol)
        elif remembered is not None:
            functions = torch.stack([here.right_side, operator.scaled(remembered.function)], dim=1)
        factorization = form.of(operator, functions, tol)
        rcond = factorization.adaptive_rcond() if self.rcond == ADAPTIVE else self.rcond
        return PreparedNatural(here, factorization, rcond, memory)

    def _form(self, here, relative_damping, is_checked):
        """The class of the factorisation."""
        name, operator = self.projection, here.operator
        limit = largest_matrix(here.objective.model, here.objective.metric)
        if operator.penalty is not None and operator.has_fewer_rows:
            # The rows of the decay make more of them than parameters, but they are diagonal.
            n_rows, damped = operator.jacobian.sampled.n_rows, self.rcond == 0 < relative_damping
            if name == "kernel" or (name == "auto" and damped and n_rows <= limit):
                return DecayedKernel
        if name == "auto":
            name = choose(
                *here.operator.shape,
                self.rcond,
                relative_damping,
                here.theta.dtype,
                is_rough=is_checked,
                largest_matrix=limit,
            )
        return FACTORIZATIONS[name]


def largest_matrix(model, metric):
    """Rows and parameters from which on "auto" forms no matrix, where there is damping."""
    is_cheap = model.record_size < model.n_parameters
    return LARGEST_MATRIX_OF_PASSES[metric] if is_cheap else LARGEST_MATRIX


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

    def held_back(self, direction, damping):
        """p − A⁺ A p for the last direction p of equation (SPRING), whose A p is the memory."""
        return direction - self.memory(damping)

    def acceleration(self, direction, damping):
        """Geodesic acceleration −½ A⁺ C v''(d, d): bends the step along the manifold."""
        operator = self.here.operator
        bend = operator.scaled(self.here.bend(direction))
        solve = self.factorization.solve_function
        return -0.5 * solve(bend, operator.adjoint, self.rcond, damping)

    def predicted_decrease(self, direction, damping):
        """L(θ) − L_lin(θ + d) of the linearised model, for d = −(AᵀA + λ)⁻¹ Aᵀ b."""
        return float(self.promise(direction, damping))

    def promise(self, direction, damping):
        """The same as a tensor that is still on its device."""
        return 0.5 * torch.dot(direction, damping * direction - self.gradient)

    def info(self, direction, damping):
        """Rank, condition and kept fraction of the projection of b."""
        return self.factorization.info(-direction, self.rcond, damping)


class Newton(Direction):
    """(N) dθ = −α (∇²_θ L)⁻¹ ∇_θ L with ∇²_θ L = G + ⟨∇L, H_A⟩.

    Undamped, it goes to a saddle point as readily as to a minimum. The trust region raises λ
    until ∇²_θ L + λ I is positive definite. With ``projection="cg"``, and with "auto" from 500
    parameters on for steps that the loss checks, no matrix is formed, and each step points
    downhill.

    Parameters
    ----------
    projection : {"auto", "svd", "qr", "gram", "kernel", "cg"}, default="auto"
        How the memory is projected, equation (P), and "cg" for products with the Hessian.
    rcond : float or "adaptive", default=0.0
        Truncation, as of :class:`NaturalGradient`.

    See Also
    --------
    skngd.optim.directions.NaturalGradient : The natural gradient.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.directions import Newton
    >>> isinstance(build_method(optimizer="newton").direction, Newton)
    True
    """

    offers = (*COMMON, *PROJECTING, needs.NO_MATRIX)

    def __init__(self, projection="auto", rcond=0.0):
        self.natural = NaturalGradient(projection, rcond)

    def prepare(self, here, remembered=None, relative_damping=0.0, is_checked=True):
        if self.natural.projection == "cg" or (is_checked and self._has_many(here.objective.model)):
            tol = STEP_TOLERANCE["l2"] if is_checked else UNCHECKED_TOLERANCE
            return PreparedProducts(here, self.natural, remembered, tol)
        return PreparedNewton(here, self.natural, remembered)

    def _has_many(self, model):
        """Whether "auto" forms no matrix: the Hessian takes a pass for each parameter."""
        return self.natural.projection == "auto" and model.n_parameters > MOST_OF_A_HESSIAN


class PreparedNewton:
    """∇²_θ L at one point. The memory is projected with A⁺, in the metric of the objective."""

    def __init__(self, here, natural, remembered):
        self.here, self.natural, self.remembered = here, natural, remembered
        self.gradient = here.gradient
        objective, loss = here.objective, here.objective.loss
        weighted = loss.weights * here.functional_gradient
        curvature = objective.model.curvature(here.theta, objective.points, weighted)
        jacobian = torch.cat([record.jacobian() for _, record in here.jacobian.records()])
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


class PreparedProducts:
    """Products with ∇²_θ L at one point, and conjugate gradients that negative curvature ends.

    A product is a pass forward and one back for G, and a pass back through a pass back for the
    curvature of the model. The memory is projected by conjugate gradients in the metric of the
    objective.
    """

    def __init__(self, here, natural, remembered, tol):
        self.here, self.natural, self.remembered = here, natural, remembered
        self.gradient, objective = here.gradient, here.objective
        weighted = objective.loss.weights * here.functional_gradient
        passes = [(objective.points[part], weighted[part]) for part in objective.sampled.passes]
        self._curvatures = None
        if len(passes) == 1:
            self._curvatures = [objective.model.curvature_product(here.theta, *passes[0])]
        # What several passes keep for their products would not fit into memory at once.
        self._passes = passes
        self.space = TruncatedSpace(self.product, self.gradient, tol)
        self.square_norm = self.space.square_norm()
        if not isfinite(self.square_norm):
            raise torch.linalg.LinAlgError("the Hessian is not finite")

    def product(self, dtheta):
        """∇²_θ L dθ."""
        here, objective = self.here, self.here.objective
        moved = here.jacobian.apply(dtheta)
        found = here.jacobian.adjoint(objective.loss.second_variation_product(here.value, moved))
        curvatures = self._curvatures or (
            objective.model.curvature_product(here.theta, *of_pass) for of_pass in self._passes
        )
        found = sum((curvature(dtheta) for curvature in curvatures), found)
        return found if objective.penalty is None else found + objective.penalty * dtheta

    def descent(self, damping):
        """−(∇²_θ L + λ I)⁻¹ ∇_θ L, or its part without negative curvature."""
        return -self.space.solve(damping)

    def memory(self, damping):
        prepared = self.natural.prepare(self.here, self.remembered)
        return prepared.memory(damping)

    def predicted_decrease(self, direction, damping):
        """Decrease of the quadratic model; not a number where there is no direction."""
        return float(0.5 * torch.dot(direction, damping * direction - self.gradient))

    def info(self, direction, damping):
        """There is no projection of the gradient to describe."""
        return None


class GradientDescent(Direction):
    """(GD) dθ = −α M⁻¹ ∇_θ L with a fixed matrix M, the identity by default.

    Parameters
    ----------
    preconditioner : torch.Tensor of shape (P, P), default=None
        M, symmetric and positive definite.

    See Also
    --------
    skngd.optim.directions.NaturalGradient : The natural gradient.

    Examples
    --------
    >>> from skngd.optim import build_method
    >>> from skngd.optim.directions import GradientDescent
    >>> method = build_method(optimizer="gd", momentum=None, step_size="backtracking")
    >>> isinstance(method.direction, GradientDescent)
    True
    """

    offers = COMMON

    def __init__(self, preconditioner=None):
        self.cholesky = None
        if preconditioner is not None:
            self.cholesky = Cholesky(torch.linalg.cholesky(preconditioner))

    def prepare(self, here, remembered=None, relative_damping=0.0, is_checked=True):
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
        return -self.cholesky.solve(self.gradient)

    def info(self, direction, damping):
        """There is no projection to describe."""
        return None
