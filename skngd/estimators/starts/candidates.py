"""What takes part in a race of starts: networks on their points, and how far each has come."""

from math import inf, isfinite

import numpy as np

from ...optim.stopping import INTERRUPTED
from ..units import UnitsOfResiduals

# How much larger the held-out loss may be than that of the fit, both beside those of zero, and a
# loss so small that this does not matter.
OVERFITTED, SMALL = 10.0, 1e-14
# A held-out loss that has missed something, if it is larger than before.
MISSED = 1e-6
# A held-out loss, as a part of that of the solution zero, that needs no rivals any more.
SOLVED = 1e-18
# Seed of the held-out points.
HELD_OUT = 20240301


class Course:
    """What a race has of one network: its ground, and the points by which it is judged."""

    def __init__(self, ground, activation, sizes, plain):
        self.view = ground.physics.discretization.view
        self.ground, self.activation, self.sizes, self.plain = ground, activation, sizes, plain
        physics, objective = ground.physics, ground.objective
        self.held_out = ground.held_out(HELD_OUT)
        # Losses are parts of those of the solution zero or, where that is none, of the plain start.
        zero = np.zeros(physics.residuals.n_parameters)
        zero[ground.model.n_parameters :] = physics.unknown_starts
        for theta in (zero, plain):
            self.first = objective.at(ground.tensor(theta))
            if self.first.loss > 0 and isfinite(self.first.loss):
                break
        self.first_loss = self.first.loss or 1.0
        self.units = UnitsOfResiduals(objective, self.first.loss)
        reference = self.held_out.at(self.first.theta).loss
        self.reference = reference if reference > 0 and isfinite(reference) else 1.0


class Candidate:
    """A start, and how far it has come."""

    def __init__(self, course, bandwidth, seed, theta):
        self.course, self.bandwidth, self.seed, self.theta = course, bandwidth, seed, theta
        self.past = self.method = self.result = None
        self.round, self.seconds, self.is_by_parts = 0, 0.0, False
        self.has_overfitted = False
        self.judge()

    def judge(self):
        """Measure the held-out loss, as a part of that of zero."""
        loss = self.course.held_out.at(self.theta).loss / self.course.reference
        self.loss = loss if isfinite(loss) else inf

    def go_to(self, theta):
        """Take parameters that iterations have led to; whether they were taken.

        Not where they have become worse between the points, and better at them.
        """
        before, self.theta = (self.theta, self.loss), theta
        self.judge()
        if self.loss > max(before[1], MISSED) and self.overfits:
            self.theta, self.loss = before
            self.has_overfitted = True
        return self.theta is theta

    def become(self, wider):
        """Take the network of a wider one, with what it has learnt."""
        self.course, self.theta, self.loss = wider.course, wider.theta, wider.loss
        self.past, self.method, self.has_overfitted = None, None, False

    def method_of(self, estimator):
        """The method with what it has learnt."""
        if self.method is None:
            self.method = estimator._build_method()
        return self.method

    @property
    def overfits(self):
        """Whether the residual between the points is another one than at them."""
        return self.has_overfitted or self.loss > OVERFITTED * max(self.part, SMALL)

    @property
    def part(self):
        """The loss of the fit, as a part of that of zero."""
        return self.course.ground.objective.at(self.theta).loss / self.course.first_loss

    @property
    def n_iter(self):
        return 0 if self.result is None else self.result.n_iter

    @property
    def is_finished(self):
        """Whether its run has ended by itself."""
        return self.result is not None and self.result.stop.kind != "budget"

    @property
    def is_interrupted(self):
        """Whether its run was broken off."""
        return self.result is not None and self.result.stop == INTERRUPTED
