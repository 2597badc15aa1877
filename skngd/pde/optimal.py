"""Optimal points of an equation: drawn for the tangent space of its residual."""

import numpy as np

from ..geometry.sampling import as_generator
from ..tangent.christoffel import RCOND, draw, kept_fraction, orthonormal_basis
from .residuals.blocks import Collocation

# Candidates for each point that is drawn and for each parameter, and the fewest.
CANDIDATES_PER_POINT, CANDIDATES_PER_PARAMETER, FEWEST_CANDIDATES = 4, 5, 1000


def candidates(source, n, n_parameters, random_state):
    """Scrambled Sobol points that stand for the domain, of which n are going to be drawn."""
    sizes = CANDIDATES_PER_POINT * n, CANDIDATES_PER_PARAMETER * n_parameters, FEWEST_CANDIDATES
    return source.sample(max(sizes), "sobol", random_state)


class OptimalPoints:
    """Points of the equation, drawn with the density K / d of its tangent space at some θ.

    The tangent space is spanned by the linearised equation, equation (PINN), and the measure is
    that of the candidates X, shape (m, d), with weights of the sum 1, or equal ones; see
    :mod:`skngd.tangent.christoffel`. The equation is tried at these unknowns, shape (q,).
    """

    def __init__(self, discretization, X, weights=None, unknowns=None):
        self.X = X
        self.weights = np.full(len(X), 1 / len(X)) if weights is None else weights
        block = discretization.equation(X, self.weights, unknowns)
        self.n_equations, self.collocation = block.n_equations, Collocation([block])

    def draw(self, model, theta, n, random_state, rcond=RCOND):
        """Draw n points: X, weights of the squared residuals, and the :class:`Sample`.

        The sum of the weights is 1 on average. Singular values up to ``rcond`` times the largest
        are no directions.
        """
        roots = self.collocation.weights().sqrt().unsqueeze(1)
        record = model.record(theta, self.collocation)
        basis = orthonormal_basis(record.jacobian(roots), rcond)
        kept = kept_fraction(basis, (roots * record.value)[:, 0])
        sample = draw(basis, n, as_generator(random_state), self.n_equations, kept=kept)
        weights = self.weights[sample.index] * sample.factors
        return self.X[sample.index], weights, sample
