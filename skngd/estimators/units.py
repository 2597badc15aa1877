"""The units in which a fit tells its losses, and judges them."""

import numpy as np
import torch

from .device import to_numpy

# A squared residual, as a part of that of zero, of which further digits are worth little.
SMALL = 1e-15


class Units:
    """The loss as it is; the base class of those that convert it."""

    def floor(self, dtype):
        """A loss that is zero to working precision: every label has probability one."""
        return 10 * torch.finfo(dtype).eps

    def small(self):
        """A loss of which further digits are worth little."""
        return 0.0

    def loss(self, iterate):
        """The loss of an iterate."""
        return iterate.loss

    def standardised(self, loss):
        """A loss of standardised outputs."""
        return loss


class UnitsOfTargets(Units):
    """Losses in the units of y: the mean over rows and outputs, and the weight decay.

    One unit of the loss of each standardised output is one of ``squares`` in the units of y.
    """

    def __init__(self, squares):
        self.squares = squares / len(squares)
        self.common = float(self.squares[0]) if np.ptp(self.squares) == 0 else None

    def floor(self, dtype):
        """A loss that is zero to working precision: relative errors of the size of eps."""
        return float(0.5 * self.squares.sum()) * torch.finfo(dtype).eps ** 2

    def standardised(self, loss):
        return float(self.squares.mean()) * loss

    def loss(self, iterate):
        if self.common is not None and iterate.objective.loss.precisions is None:
            return self.common * iterate.loss
        columns = iterate.objective.loss.by_output(iterate.value)
        decay = float(self.squares.mean()) * iterate.penalty
        return float(to_numpy(columns) @ self.squares) + decay


class UnitsOfResiduals(Units):
    """½ Σ weight · mean square of the residuals, the sum over blocks."""

    def __init__(self, objective, first_loss):
        self.total = float(objective.points.weights().sum())
        self.first_loss = first_loss

    def floor(self, dtype):
        return self.total * self.first_loss * torch.finfo(dtype).eps ** 2

    def small(self):
        return self.total * self.first_loss * SMALL

    def loss(self, iterate):
        return self.total * iterate.loss
