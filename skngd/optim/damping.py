"""How λ follows from one step to the next, equation (control)."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Schedule:
    """The numbers of a control.

    Attributes
    ----------
    lower : float
        Factor of λ after a good step that was refused before.
    bold_lower, trusting_lower : float
        The same after a good step that was not, and where it gained about what was promised.
    raise_by : float
        Factor of λ after a poor step that lowered the loss.
    growth, faster_growth : float
        Factor of λ after a refusal, and of that factor after each further one.
    n_refusals : int
        After so many there is no step.
    good_ratio, poor_ratio, trusted_ratio : float
        Of the actual to the predicted decrease. The ratio that lets λ fall is low: in a curved
        valley a bold step that gains a part of its promise gets further than a timid one.
    first : float
        λ / ‖A‖² of the first step.
    """

    lower: float = 0.4
    bold_lower: float = 0.4
    trusting_lower: float = 0.4
    raise_by: float = 3.0
    growth: float = 2.0
    faster_growth: float = 2.0
    n_refusals: int = 30
    good_ratio: float = 0.3
    poor_ratio: float = 0.05
    trusted_ratio: float = 0.95
    first: float = 1e-3


CAUTIOUS = Schedule()
# For steps by variable projection: what is left is less curved.
BOLD = Schedule(bold_lower=0.1, trusting_lower=0.03, faster_growth=1.0, n_refusals=60)


class DampingControl:
    """λ of the steps, each of which is accepted or refused.

    Parameters
    ----------
    damping : float or None
        λ of the first step. None stands for ``first`` ‖A‖².
    """

    def __init__(self, damping):
        self.current, self.square_norm = damping, 1.0

    def relative(self):
        """The λ / ‖A‖² to come, judged by ‖A‖² of the last step."""
        return CAUTIOUS.first if self.current is None else self.current / self.square_norm

    def at(self, square_norm):
        """λ at a point where the squared Frobenius norm of A is ``square_norm``."""
        self.square_norm = square_norm or 1.0
        if self.current is None:
            self.current = CAUTIOUS.first * square_norm
        return self.current

    def begin(self, square_norm, schedule, dtype):
        """The trials of one step: the λ of the first is :attr:`trial`."""
        eps = torch.finfo(dtype).eps
        self.trial, self.schedule, self.n_refused = self.at(square_norm), schedule, 0
        self.smallest, self.largest = eps**2 * square_norm, square_norm / eps
        self.growth = schedule.growth

    def accept(self, ratio):
        """Take the step; ``ratio`` is that of the actual to the predicted decrease."""
        schedule, factor = self.schedule, 1.0
        if ratio > schedule.good_ratio:
            is_trusted = ratio > schedule.trusted_ratio
            factor = schedule.trusting_lower if is_trusted else schedule.bold_lower
            # A λ that was just too small is not tried at once.
            factor = schedule.lower if self.n_refused else factor
        elif ratio < schedule.poor_ratio:
            factor = schedule.raise_by
        self.current = max(self.trial * factor, self.smallest)

    def refuse(self):
        """Raise λ for another trial; False where none is left, and λ stays what it was."""
        self.n_refused += 1
        self.trial = max(self.trial, self.smallest) * self.growth
        self.growth *= self.schedule.faster_growth
        return self.n_refused < self.schedule.n_refusals and self.trial <= self.largest
