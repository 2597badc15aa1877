"""A loss of the values of v, beside derivatives that only enter the metric, equation (H1)."""

import torch

from .base import Loss
from .factors import Diagonal


class OnValues(Loss):
    """L(v) for functions that come with derivatives: the first c outputs are the values.

    The metric is that of the Hilbert space, ⟨f, g⟩ = Σ w (f g + ∇f · ∇g): the derivatives have rows
    in A, and nothing in b.

    Parameters
    ----------
    loss : Loss
        Of the values.
    n_outputs : int
        c (1 + d).

    See Also
    --------
    skngd.losses.SquaredLoss : Squares.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import OnValues, SquaredLoss
    >>> loss = OnValues(SquaredLoss(torch.zeros(4, 1)), n_outputs=3)  # v, ∂_1 v and ∂_2 v
    >>> round(float(loss.value(torch.tensor([[1.0, 5.0, 7.0]] * 4))), 6)
    0.5
    """

    def __init__(self, loss, n_outputs):
        self.loss, self.n_outputs = loss, n_outputs
        self.target, self.has_noise = loss.target, loss.has_noise
        self._weigh(loss.point_weights)
        self.n_values = loss.target.shape[1]

    def at(self, index, factors=None):
        return type(self)(self.loss.at(index, factors), self.n_outputs)

    def spread(self, v):
        return self.loss.spread(self._values(v))

    def with_noise(self, precisions, spread):
        """The functional itself: the outputs keep equal weights."""
        return self

    def _values(self, v):
        return v[:, : self.n_values]

    def _padded(self, values):
        zeros = values.new_zeros(len(values), self.n_outputs - self.n_values)
        return torch.cat([values, zeros], dim=1)

    def value(self, v):
        return self.loss.value(self._values(v))

    def by_output(self, v):
        """What each of the values contributes to L(v), shape (c,)."""
        return self.loss.by_output(self._values(v))

    def gradient(self, v):
        return self._padded(self.loss.gradient(self._values(v)))

    def hessian_rows(self, v):
        """The metric of the loss on the values, that of the weights on the derivatives."""
        factor, residual = self.loss.hessian_rows(self._values(v))
        if not isinstance(factor, Diagonal):
            raise ValueError(
                "Expected a loss with a diagonal Hessian for derivatives in its metric, got "
                f"{type(self.loss).__name__}. Use metric='l2' for H¹."
            )
        derivatives = self.root_weights.expand(-1, self.n_outputs - self.n_values)
        numbers = torch.cat([factor.numbers, derivatives], dim=1)
        return Diagonal(numbers), self._padded(residual.view(len(v), -1)).reshape(-1)

    def second_variation(self, v, jacobian):
        by_point = jacobian.view(len(v), self.n_outputs, -1)[:, : self.n_values]
        inner = by_point.reshape(-1, jacobian.shape[1])
        return self.loss.second_variation(self._values(v), inner)
