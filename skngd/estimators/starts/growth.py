"""What is done where the winner of a race stalls: more neurons, more layers, parts of the time."""

import time
from math import inf

import numpy as np

from ...optim.stopping import SECOND_STAGE, out_of_iterations
from ...pde.residuals.view import view_of
from ...pde.slab import OnSlab, time_axis
from ..device import few_threads, to_numpy
from ..neurons import widened, with_exact_output, with_fitted_output, work_of_output
from .candidates import SOLVED, Candidate
from .slab import solved_by_parts

DEEP = (20, 20)
# The rounds of deep networks, that enter where a shallow one stalls.
DEEP_ROUNDS = (8, 6, 1e6), (16, 4, 1e3), (24, 2, 1e2)
# Growing: iterations after which progress is judged, the part of the loss that may be left by then,
# and that may be left by the last growth, a held-out loss that needs no more neurons, the most
# parameters, and the part of max_iter after which a network does not grow any more.
PATIENCE, PROGRESS, GAIN, ENOUGH, LARGEST, LATEST = 40, 0.05, 0.3, 1e-10, 650, 0.6
# A second stage: the most fresh neurons and parameters, a held-out loss with which it is tried
# before the end, one with which it ends the fit, and the part that it has to leave at most.
MOST_FRESH, SECOND_LARGEST = 384, 1500
SECOND_FROM, SECOND_ENOUGH, SECOND_GAIN = 1e-4, 1e-22, 0.25
# A held-out loss of an evolution problem that asks for a growing interval of time: where progress
# has stalled, and where it was not waited for that.
STUCK, LOST = 1e-6, 1e-4
# One of deep networks after their first round, that is not waited for.
HOPELESS = 1e-2
# The part of the time that it may take, with all before: without it there is no solution.
OF_PARTS = 0.75
# The network of that, where it is open, in one dimension and in several.
EVOLVING, OF_ONE, OF_SEVERAL = "tanh", (20, 20), (20, 20, 20)


class Growth:
    """The winner of a race, until it gains little.

    Parameters
    ----------
    race : Race
    """

    def __init__(self, race):
        self.race, self.estimator = race, race.estimator
        # Multiplications of second stages so far.
        self.second_stages, self.is_stalled = 0.0, False
        # Whether a growing interval was tried, and has failed.
        self.tried_parts, self.parts_failed = False, False
        # Whether another solution than the winner was found.
        self.is_elsewhere = False

    def run(self, winner):
        """The winner, or what has become better on the way."""
        winner = self._grow(winner)
        is_over = self.race.aim.is_met or self.is_elsewhere
        return winner if is_over else self._by_parts(winner)

    def asks_for_slabs(self, winner):
        """Whether an evolution is stuck, on a growing interval, too."""
        return self.parts_failed and winner.loss > LOST

    @property
    def is_allowed(self):
        """Whether the iterations that there may be are enough to grow."""
        return LATEST * self.estimator.max_iter >= PATIENCE

    def finished(self, winner, result):
        """The end of the fit that went on from the winner, with a second stage where that helps."""
        winner.theta, winner.result = result.theta, result
        winner.judge()
        if result.stop.kind in ("converged", "budget") and result.stop != SECOND_STAGE:
            self.second_stage(winner, SECOND_GAIN * winner.loss)
        return winner.result

    def _grow(self, winner):
        """Fresh neurons for a network that stalls, until they gain little, or a deep one."""
        if not self.race.is_open:
            return winner
        last, without = LATEST * self.estimator.max_iter - PATIENCE, inf
        while winner.loss > SOLVED and winner.n_iter <= last and not self.race.is_late():
            if self._is_solved_at_second_stage(winner):
                return winner
            before = winner.loss
            self.race.advance(winner, PATIENCE)
            if self.race.is_enough(winner):
                return winner
            goes_on = not winner.is_finished and winner.loss < PROGRESS * before
            if goes_on:
                continue
            stalled, self.is_stalled = winner.loss, True
            if stalled <= ENOUGH or stalled > GAIN * without:
                return winner
            if without == inf:
                self.is_elsewhere = bool(self.race.by_slabs and self.race.by_slabs(self.race))
                if self.is_elsewhere:
                    return winner
                if len(self.race.given[0].domain.names) == 1:
                    # With time alone, parts of it cost less than other networks.
                    winner = self._by_parts(winner)
                    if winner.is_by_parts or self.parts_failed:
                        return winner
                deep = self._deeper()
                if self.race.aim.is_met or deep.loss < winner.loss:
                    return deep
            if not self._widen(winner):
                return winner
            without = stalled
        return winner

    def _deeper(self):
        """The best of deep networks, raced for some rounds."""
        n_rivals, names = len(self.race.candidates), self.race.activations()
        problem, deep = self.race.given[0], [(name, DEEP) for name in names]
        view = view_of(problem, has_holes=self.race.is_open, is_free=True)
        if view != self.race.view:
            deep += [(*network, view) for network in deep]
        self.race.enter_all(deep)
        entered = self.race.candidates[n_rivals:]
        self.race.tell("deep networks", entered)
        for number, rules in enumerate(DEEP_ROUNDS, start=1):
            self.race.round(f"deep round {number}", number, rules, entered)
            best = min(entered, key=lambda candidate: candidate.loss)
            if best.loss > HOPELESS and self._evolves():
                break
            if self.race.is_enough(best):
                break
        return best

    def _is_solved_at_second_stage(self, winner):
        """Try whether fresh neurons that are not trained make an end of it, as far as it is cheap.

        They are as long as all of them took a third of the work.
        """
        is_dear = 3 * self.second_stages > self.race.aim.spent + self.second_stages
        if winner.loss > SECOND_FROM or is_dear:
            return False
        return self.second_stage(winner, SECOND_ENOUGH)

    def second_stage(self, winner, enough):
        """Many fresh neurons for what is left, of which the last layer alone is fitted.

        Taken where the held-out loss is at most ``enough``; whether it was.
        """
        began, old = time.perf_counter(), winner.course
        # Fresh neurons would fit the noise of measurements.
        is_apt = self.race.is_open and len(old.sizes) == 1 and not old.ground.measured
        if not is_apt or winner.loss <= enough:
            return False
        (first,), (d, *_, fields) = old.sizes, old.ground.model.layer_sizes
        n = min(MOST_FRESH, (SECOND_LARGEST - fields) // (d + 1 + fields) - first)
        if n < first:
            return False
        wider = self._wider(winner, first + n, with_exact_output)
        self.second_stages += work_of_output(wider.course.ground.objective)
        is_taken = wider.loss <= enough
        if is_taken:
            if winner.result is None:
                self.race.advance(winner, 0)
            winner.become(wider)
            self._note(winner, began)
            self.race.tell(f"{n} fresh neurons for what is left", [winner])
        return is_taken

    def _note(self, winner, began):
        """Count a second stage as a part of the last iteration."""
        course, result = winner.course, winner.result
        iterate = course.ground.objective.at(winner.theta)
        loss = course.units.loss(iterate)
        row = {"loss": loss, "monitored_loss": loss, **course.ground.physics.parts(iterate)}
        for name, number in {**row, "time": time.perf_counter() - self.race.began}.items():
            result.history[name][-1] = number
        result.theta, result.loss, result.last, result.past = winner.theta, loss, iterate, None
        winner.seconds += time.perf_counter() - began
        if result.stop.kind != "budget" or winner.loss <= ENOUGH:
            result.stop = SECOND_STAGE

    def _evolves(self):
        """Whether a growing interval of time can be tried."""
        problem, (X, *_), _ = self.race.given
        is_open = X is None and not (self.tried_parts or isinstance(problem, OnSlab))
        return is_open and time_axis(problem) is not None

    def _by_parts(self, winner):
        """The winner, or a start from a growing interval of time where an evolution is stuck."""
        enough = STUCK if self.is_stalled else LOST
        if winner.loss <= enough or not self._evolves() or self.race.is_late():
            return winner
        self.tried_parts, problem = True, self.race.given[0]
        axis = time_axis(problem)
        began, activation = time.perf_counter(), EVOLVING
        sizes = OF_ONE if len(problem.domain.names) == 1 else OF_SEVERAL
        if not self.race.is_open:
            sizes = tuple(self.estimator._hidden_layer_sizes())
        if self.estimator.activation != "auto":
            activation = self.estimator.activation
        course = self.race.course(activation, sizes)
        ground = course.ground
        with few_threads(ground.n_multiplications):
            theta = solved_by_parts(
                *(self.estimator, ground, axis, course.plain, np.zeros_like(course.plain)),
                lambda: self.race.is_late(OF_PARTS),
                self.race.aim.spend,
            )
        if theta is None:
            self.parts_failed = True
            return winner
        candidate = Candidate(course, None, 0, theta)
        candidate.is_by_parts, candidate.seconds = True, time.perf_counter() - began
        self.race.candidates.append(candidate)
        self.race.tell("growing interval", [candidate])
        return min(winner, candidate, key=lambda one: one.loss)

    def _widen(self, winner):
        """Double the one layer; False where the network would be too large."""
        (first,), (d, *_, fields) = winner.course.sizes, winner.course.ground.model.layer_sizes
        if 2 * first * (d + 1 + fields) > LARGEST:
            return False
        wider = self._wider(winner, 2 * first, with_fitted_output)
        winner.become(wider)
        if winner.is_finished:
            winner.result.stop = out_of_iterations(winner.n_iter)
        self.race.tell(f"{2 * first} neurons", [winner])
        return True

    def _wider(self, candidate, width, fitted):
        """A candidate with more neurons in the one layer and ``fitted`` last layer."""
        old = candidate.course
        course = self.race.course(old.activation, (width,), old.view)
        physics, before = course.ground.physics, old.ground.model
        network = to_numpy(old.ground.physics.residuals.network(candidate.theta))
        groups = physics.discretization.groups_of_inputs()
        network = widened(before, network, course.ground.model, self.race.random_state, groups)
        unknowns = to_numpy(candidate.theta)[before.n_parameters :]
        theta = physics.residuals.internal(course.ground.tensor(network), unknowns)
        # With the fresh neurons the last layer is solved once for all.
        with few_threads(course.ground.n_multiplications):
            theta = fitted(course.ground.objective.at(theta)).theta
        return Candidate(course, candidate.bandwidth, candidate.seed, theta)
