"""What a step on fresh rows remembers of the earlier ones, equation (Batch)."""

import torch

from ..tangent.gram import Gram
from .directions import NaturalGradient, PreparedNatural
from .needs import NATURAL_STEP
from .searches import FixedStep, Step

# Parameters up to which a matrix of P × P is kept; beyond, the step is that of the batch alone.
LARGEST_KEPT = 700
# For batches with as many rows as parameters: the part of the new matrix, α and λ. With s times as
# many the first two are multiplied, λ is divided, by √s, within these bounds.
NEW_PART, STEP, DAMPING = 0.4, 0.1, 1e-3
LARGEST_PART, LARGEST_STEP = 0.4, 0.5
# A step after which the loss of its batch is that much larger is shortened.
LARGEST_RISE, SHORTER, SHORTEST = 2.0, 0.25, 1e-3


class RunningGradient(NaturalGradient):
    """dθ = −α (Ḡ + λ I)⁻¹ Aᵀ b with Ḡ ← (1 − ρ) Ḡ + ρ AᵀA: a metric that earlier rows made, too.

    A batch with fewer rows than parameters has a tangent space of its own, in which it is fitted
    exactly; that of some batches together is the one that counts.
    """

    def __init__(self):
        super().__init__("auto")
        self.matrix, self.count, self._seen = None, 0, None

    def prepare(self, here, remembered=None, relative_damping=0.0, is_checked=True):
        if len(here.theta) > LARGEST_KEPT:
            # A rough projection will do: the next batch corrects it.
            return super().prepare(here, remembered, relative_damping)
        operator, functions, memory = here.operator, here.right_side.unsqueeze(1), None
        if remembered is not None and remembered.is_plain and here.objective.has_two_metrics:
            plain = here.plain_operator
            memory = Gram.of(plain, plain.scaled(remembered.function).unsqueeze(1))
        elif remembered is not None:
            functions = torch.stack([here.right_side, operator.scaled(remembered.function)], dim=1)
        factorization = Gram.of(operator, functions)
        self._include(here, factorization.matrix)
        factorization.matrix = self.matrix
        return PreparedRunning(here, factorization, 0.0, memory)

    def _include(self, here, matrix):
        """Average the matrices, each batch once; the first ones alike."""
        if here.objective is self._seen:
            return
        self._seen, self.count = here.objective, self.count + 1
        part = max(1.0 / self.count, min(NEW_PART * here.share, LARGEST_PART))
        self.matrix = matrix if part == 1.0 else torch.lerp(self.matrix, matrix, part)

    def state(self):
        """The matrix, and of how many batches it is."""
        return {} if self.matrix is None else {"gram": self.matrix, "count": self.count}

    def restore(self, state):
        """Take up an earlier :meth:`state`."""
        self.matrix, self.count = state.get("gram"), state.get("count", 0)


class PreparedRunning(PreparedNatural):
    """(Ḡ + λ I)⁻¹ at one point."""

    def held_back(self, direction, damping):
        """λ (Ḡ + λ I)⁻¹ p: what the damping holds back of p, in the metric that remembers."""
        factor = self.factorization._cholesky(0.0, damping)
        if factor is None:
            return super().held_back(direction, damping)
        return damping * factor.solve(direction)


class BatchStep(FixedStep):
    """Constant α and λ that follow from the number of rows; a step that overshoots is shortened.

    Parameters
    ----------
    damping : float, default=None
        λ. None is 1e-3 / √(rows / parameters), in standardised units.
    """

    needs = (NATURAL_STEP,)

    def __init__(self, damping=None):
        super().__init__(None, 0.0 if damping is None else damping)
        self.is_automatic, self._expected = damping is None, DAMPING

    def expected_relative_damping(self):
        return self._expected

    def step(self, start, prepared, propose, beta, inertia):
        damping = DAMPING / start.share if self.is_automatic else self.damping
        self._expected = damping / (prepared.square_norm or 1.0)
        first = alpha = min(STEP * start.share, LARGEST_STEP)
        n_trials, largest = 0, LARGEST_RISE * start.loss
        proposal = propose(damping, beta)
        while True:
            step = alpha * proposal.direction
            if proposal.offset is not None:
                step = step + alpha / first * proposal.offset
            end, n_trials = start.objective.at(start.theta + step), n_trials + 1
            if end.loss <= largest or alpha < SHORTEST:
                direction, descent = proposal.direction, proposal.descent
                return Step(end, direction, descent, alpha, damping, beta, n_trials)
            alpha *= SHORTER
