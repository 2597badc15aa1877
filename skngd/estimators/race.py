"""The race of starts, (Race): the one that does best on held-out points is finished."""

import time
from math import inf

import numpy as np

from ..optim import Stopping, minimize
from ..optim.stopping import INTERRUPTED, SECOND_STAGE, out_of_iterations
from ..pde.residuals.bound import ranges_of
from ..pde.residuals.circles import periodic_axes
from .candidates import Candidate, Course, joined
from .device import few_threads, to_numpy
from .ground import Ground, with_network
from .neurons import fresh_neurons, widened, with_exact_output, with_fitted_output
from .slab import solved_by_parts, time_axis

# Candidates: activations, and radii of the weights of the first layer.
NONLINEARITIES = "tanh", "sin"
BANDWIDTHS = 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0
# Stretching, in up to so many dimensions: the bandwidth of one coordinate becomes so many times as
# large, or as small, where that leaves less than this part of the loss, in so many rounds.
STRETCHED, STRETCH, STRETCH_GAIN, STRETCHES = 3, 4.0, 0.7, 3
SIZES, DEEP = (32,), (20, 20)
# (iterations, how many candidates take part, how many times the best held-out loss they may have)
# of the rounds behind that of the last layers.
ROUNDS = (6, 8, 1e6), (14, 4, 1e4), (30, 2, 1e3)
# The rounds of deep networks, that enter where a shallow one stalls.
DEEP_ROUNDS = (8, 6, 1e6), (16, 4, 1e3), (24, 2, 1e2)
# The rounds where there are measurements: their noise ends a fit long before the network does.
MEASURED = (6, 4, 1e6), (14, 2, 1e4)
# A held-out loss that tells nothing yet: twice as many take part, and wider networks.
OPEN = 0.1
# A held-out loss, as a part of that of the solution zero, that needs no rivals any more.
SOLVED = 1e-18
# Growing: iterations after which progress is judged, the part of the loss that may be left by then,
# and that may be left by the last growth, a held-out loss that needs no more neurons, the most
# parameters, and the part of max_iter after which a network does not grow any more.
PATIENCE, PROGRESS, GAIN, ENOUGH, LARGEST, LATEST = 40, 0.05, 0.3, 1e-10, 650, 0.6
# A second stage: the most fresh neurons and parameters, a held-out loss with which it is tried
# before the end, one with which it ends the fit, and the part that it has to leave at most.
MOST_FRESH, SECOND_LARGEST = 384, 1500
SECOND_FROM, SECOND_ENOUGH, SECOND_GAIN = 1e-4, 1e-22, 0.25
# A held-out loss of an evolution problem that asks for a growing interval of time.
STUCK = 1e-6
# The network of that, where it is open.
EVOLVING = "tanh", (20, 20)


def is_raced(estimator):
    """Whether a part of the network is left open."""
    if estimator.model is not None:
        return False
    if isinstance(estimator.hidden_layer_sizes, str):
        return True
    return estimator.activation == "auto" and len(estimator._hidden_layer_sizes()) > 0


class Race:
    """Candidates for the networks that an estimator leaves open.

    Parameters
    ----------
    estimator : PINNEstimator
    problem : Problem
    rows : tuple (X, y, weight)
    device : torch.device
    random_state : numpy.random.RandomState
    began : float
        When the fit began.
    """

    def __init__(self, estimator, problem, rows, device, random_state, began):
        self.estimator, self.random_state, self.began = estimator, random_state, began
        self.given = problem, rows, device
        self.candidates, self.second_stages = [], 0.0
        self.is_open = isinstance(estimator.hidden_layer_sizes, str)

    @property
    def best(self):
        return min(self.candidates, key=lambda candidate: candidate.loss)

    def run(self):
        """The winner, as far as it has come."""
        # Where each iteration draws its own points, only last layers race.
        iterates = self.estimator.batch_size is None and self.estimator.sampler != "christoffel"
        try:
            self._qualify()
            ground = self.best.course.ground
            ground.physics.check_start(ground.objective.at(self.best.theta))
            is_measured = bool(self.best.course.ground.measured)
            rounds = MEASURED if is_measured else ROUNDS
            for number, rules in enumerate(rounds, start=1):
                if not iterates or not self._round(f"round {number}", number, rules):
                    break
            winner = self.best
            if iterates and not is_measured:
                winner = self._by_parts(self._grow(winner))
        except KeyboardInterrupt:
            if not self.candidates:
                raise
            winner = self.best
            if winner.result is None:
                self._advance(winner, 0)
            winner.result.stop = INTERRUPTED
        return winner

    def finished(self, winner, result):
        """The end of the fit that went on from the winner, with a second stage where that helps."""
        winner.theta, winner.result = result.theta, result
        winner.judge()
        if result.stop.kind in ("converged", "budget") and result.stop != SECOND_STAGE:
            self.second_stage(winner, SECOND_GAIN * winner.loss)
        return winner.result

    def told(self, winner):
        """A sentence for ``stop_reason_``."""
        course, sizes = winner.course, ", ".join(map(str, winner.course.sizes))
        how = ", on a growing interval of time" if winner.is_by_parts else ""
        n, name = len(self.candidates), course.activation
        return f" The best of {n} starts: {name}, {sizes} neurons{how}."

    def table(self):
        """What ``candidates_`` shows."""
        rows = self.candidates
        sizes = np.empty(len(rows), dtype=object)
        sizes[:] = [row.course.sizes for row in rows]
        return {
            "activation": np.array([row.course.activation for row in rows]),
            "hidden_layer_sizes": sizes,
            "bandwidth": np.array([self._bandwidths(row) for row in rows]),
            "seed": np.array([row.seed for row in rows]),
            "round": np.array([row.round for row in rows]),
            "n_iter": np.array([row.n_iter for row in rows]),
            "held_out_loss": np.array([row.loss for row in rows]),
            "seconds": np.array([row.seconds for row in rows]),
        }

    def _bandwidths(self, candidate):
        """One for each coordinate; NaN for the start of a network that is named."""
        d = candidate.course.ground.model.layer_sizes[0]
        found = np.nan if candidate.bandwidth is None else candidate.bandwidth
        return np.broadcast_to(found, d)[: d - len(candidate.course.circles)]

    def _is_late(self):
        """Whether half of the time is over."""
        limit = self.estimator.max_time
        return limit is not None and time.perf_counter() - self.began > limit / 2

    def _networks(self):
        """(activation, sizes) that take part, the plain one first."""
        estimator = self.estimator
        sizes = SIZES if self.is_open else tuple(estimator._hidden_layer_sizes())
        names = NONLINEARITIES if estimator.activation == "auto" else (estimator.activation,)
        return [(name, sizes) for name in names]

    def _course(self, activation, sizes, circles=None):
        shaped = with_network(self.estimator, activation, sizes)
        ground = Ground(shaped, *self.given, self.random_state, circles)
        plain = ground.physics.initial(self.random_state)
        return Course(ground, activation, sizes, plain)

    def _qualify(self):
        """Round 0: each candidate gets its last layer."""
        networks = self._networks()
        self._enter_all(networks)
        is_open = self.is_open and self.best.loss > OPEN
        is_linear = self.best.course.ground.objective.points.is_linear_in_output
        if is_open and is_linear and not self._is_late():
            # So few neurons do not tell a good bandwidth from a bad one.
            self._enter_all([(name, (2 * sizes[0],)) for name, sizes in networks])
        self._tell("last layers", self.candidates)

    def _enter_all(self, networks):
        n_init = 1 if self.estimator.n_init == "auto" else self.estimator.n_init
        for network in networks:
            course = self._course(*network)
            with few_threads(course.ground.n_multiplications):
                for seed in range(n_init):
                    for bandwidth in (None, *BANDWIDTHS):
                        self._enter(course, bandwidth, seed)
                        if self._is_late():
                            return
                self._stretch(course)

    def _stretch(self, course):
        """Try other bandwidths of single coordinates, from the best one of a network."""
        d = course.ground.model.layer_sizes[0]
        mine = [one for one in self.candidates if one.course is course and one.bandwidth]
        if not 1 < d <= STRETCHED or not mine:
            return
        best = min(mine, key=lambda candidate: candidate.loss)
        for _ in range(STRETCHES):
            before = best
            for axis in range(d):
                for factor in (STRETCH, 1 / STRETCH):
                    bandwidth = np.ones(d) * best.bandwidth
                    bandwidth[axis] *= factor
                    self._enter(course, bandwidth, best.seed)
                    if self._is_late():
                        return
                    if self.candidates[-1].loss < STRETCH_GAIN * best.loss:
                        best = self.candidates[-1]
                        break
            if best is before:
                return

    def _enter(self, course, bandwidth, seed):
        began, ground = time.perf_counter(), course.ground
        physics, model = ground.physics, ground.model
        theta = course.plain if seed == 0 else physics.initial(self.random_state)
        if bandwidth is not None:
            theta = theta.copy()
            shape, weights, biases = model.layout[0]
            fresh = fresh_neurons(*shape, model.activation, bandwidth, self.random_state)
            theta[weights], theta[biases] = fresh[0].ravel(), fresh[1]
            theta[model.output_parameters] = 0.0
        iterate = with_fitted_output(ground.objective.at(ground.tensor(theta)))
        candidate = Candidate(course, bandwidth, seed, iterate.theta)
        candidate.seconds = time.perf_counter() - began
        self.candidates.append(candidate)

    def _round(self, stage, number, rules):
        """Let the better ones go on; whether there is anything left to decide."""
        n_iter, places, rivals = rules
        best = self.best.loss
        places = 2 * places if best > OPEN else places
        ranked = sorted(self.candidates, key=lambda candidate: candidate.loss)
        chosen = [one for one in ranked[:places] if one.loss <= rivals * best]
        is_decided = len(chosen) < 2 and places > 1
        if best < SOLVED or is_decided or self._is_late():
            return False
        for candidate in chosen:
            self._advance(candidate, n_iter)
            candidate.round = number
        self._tell(stage, chosen)
        return True

    def _advance(self, candidate, n_iter):
        """Let a candidate make iterations, at most half of those that are left."""
        estimator, course, earlier = self.estimator, candidate.course, candidate.result
        n_iter = min(n_iter, (estimator.max_iter - candidate.n_iter) // 2)
        if candidate.is_finished or (n_iter < 1 and earlier is not None):
            return
        began, objective = time.perf_counter(), course.ground.objective
        with few_threads(course.ground.n_multiplications):
            result = minimize(
                candidate.method_of(estimator),
                objective,
                candidate.theta,
                report=course.units.loss,
                parts=course.ground.physics.parts,
                stop_rules=Stopping(
                    estimator.tol,
                    estimator.n_iter_no_change,
                    course.units.floor(objective.points.dtype),
                    relative_tol=course.ground.relative_tol,
                ),
                max_iter=n_iter,
                past=candidate.past,
                began=self.began,
            )
        # The last step belongs to the last iterate.
        candidate.past = result.past if result.theta is result.last.theta else None
        candidate.theta, candidate.result = result.theta, joined(earlier, result)
        candidate.judge()
        candidate.seconds += time.perf_counter() - began
        if result.stop.kind == "interrupted":
            raise KeyboardInterrupt

    def _grow(self, winner):
        """Fresh neurons for a network that stalls, until they gain little, or a deep one."""
        if not self.is_open:
            return winner
        last, without = LATEST * self.estimator.max_iter - PATIENCE, inf
        while winner.loss > SOLVED and winner.n_iter <= last and not self._is_late():
            if self._is_solved_at_second_stage(winner):
                return winner
            before = winner.loss
            self._advance(winner, PATIENCE)
            goes_on = not winner.is_finished and winner.loss < PROGRESS * before
            if goes_on:
                continue
            stalled = winner.loss
            if stalled <= ENOUGH or stalled > GAIN * without:
                return winner
            if without == inf:
                deep = self._deeper(winner)
                if deep.loss < winner.loss:
                    return deep
            if not self._widen(winner):
                return winner
            without = stalled
        return winner

    def _deeper(self, winner):
        """The best of deep networks, raced for some rounds."""
        rivals, self.candidates = self.candidates, []
        names = (
            NONLINEARITIES if self.estimator.activation == "auto" else (winner.course.activation,)
        )
        problem, deep = self.given[0], [(name, DEEP) for name in names]
        ranges = ranges_of(problem)
        circles = periodic_axes(problem, ranges, is_free=True)
        if circles != periodic_axes(problem, ranges):
            deep += [(*network, circles) for network in deep]
        self._enter_all(deep)
        self._tell("deep networks", self.candidates)
        for number, rules in enumerate(DEEP_ROUNDS, start=1):
            self._round(f"deep round {number}", number, rules)
        best, self.candidates = self.best, rivals + self.candidates
        return best

    def _is_solved_at_second_stage(self, winner):
        """Try whether fresh neurons that are not trained make an end of it, as far as it is cheap.

        They are as long as all of them took a third of the time.
        """
        if winner.loss > SECOND_FROM or 3 * self.second_stages > time.perf_counter() - self.began:
            return False
        return self.second_stage(winner, SECOND_ENOUGH)

    def second_stage(self, winner, enough):
        """Many fresh neurons for what is left, of which the last layer alone is fitted.

        Taken where the held-out loss is at most ``enough``; whether it was.
        """
        began, old = time.perf_counter(), winner.course
        # Fresh neurons would fit the noise of measurements.
        if not self.is_open or len(old.sizes) > 1 or old.ground.measured or winner.loss <= enough:
            return False
        d, fields = old.ground.model.layer_sizes[0], old.ground.model.layer_sizes[-1]
        (first,) = old.sizes
        n = min(MOST_FRESH, SECOND_LARGEST // (d + 1 + fields) - first)
        if n < first:
            return False
        wider = self._wider(winner, first + n, with_exact_output)
        self.second_stages += time.perf_counter() - began
        is_taken = wider.loss <= enough
        if is_taken:
            if winner.result is None:
                self._advance(winner, 0)
            winner.become(wider)
            self._note(winner, began)
            self._tell(f"{n} fresh neurons for what is left", [winner])
        return is_taken

    def _note(self, winner, began):
        """Count a second stage as a part of the last iteration."""
        course, result = winner.course, winner.result
        iterate = course.ground.objective.at(winner.theta)
        loss = course.units.loss(iterate)
        row = {"loss": loss, "monitored_loss": loss, **course.ground.physics.parts(iterate)}
        for name, number in {**row, "time": time.perf_counter() - self.began}.items():
            result.history[name][-1] = number
        result.theta, result.loss, result.last, result.past = winner.theta, loss, iterate, None
        winner.seconds += time.perf_counter() - began
        if result.stop.kind != "budget" or winner.loss <= ENOUGH:
            result.stop = SECOND_STAGE

    def _by_parts(self, winner):
        """The winner, or a start from a growing interval of time where an evolution is stuck."""
        axis = time_axis(self.given[0])
        if winner.loss <= STUCK or axis is None or self.given[1][0] is not None or self._is_late():
            return winner
        began, (activation, sizes) = time.perf_counter(), EVOLVING
        if not self.is_open:
            sizes = tuple(self.estimator._hidden_layer_sizes())
        if self.estimator.activation != "auto":
            activation = self.estimator.activation
        course = self._course(activation, sizes)
        ground = course.ground
        with few_threads(ground.n_multiplications):
            theta = solved_by_parts(
                *(self.estimator, ground, axis, course.plain, np.zeros_like(course.plain)),
                self._is_late,
            )
        if theta is None:
            return winner
        candidate = Candidate(course, None, 0, theta)
        candidate.is_by_parts, candidate.seconds = True, time.perf_counter() - began
        self.candidates.append(candidate)
        self._tell("growing interval", [candidate])
        return min(winner, candidate, key=lambda one: one.loss)

    def _widen(self, winner):
        """Double the first layer; False where the network would be too large."""
        old, (first, *others) = winner.course, winner.course.sizes
        sizes = (2 * first, *others)
        d, fields = old.ground.model.layer_sizes[0], old.ground.model.layer_sizes[-1]
        if sizes[0] * (d + 1 + fields) > LARGEST:
            return False
        wider = self._wider(winner, sizes[0], with_fitted_output)
        winner.become(wider)
        if winner.is_finished:
            winner.result.stop = out_of_iterations(winner.n_iter)
        self._tell(f"{sizes[0]} neurons", [winner])
        return True

    def _wider(self, candidate, width, fitted):
        """A candidate with more neurons in the first layer and ``fitted`` last layer."""
        old = candidate.course
        course = self._course(old.activation, (width, *old.sizes[1:]), old.circles)
        physics, before = course.ground.physics, old.ground.model
        network = to_numpy(old.ground.physics.residuals.network(candidate.theta))
        network = widened(before, network, course.ground.model, self.random_state)
        unknowns = to_numpy(candidate.theta)[before.n_parameters :]
        theta = physics.residuals.internal(course.ground.tensor(network), unknowns)
        # With the fresh neurons the last layer is solved once for all.
        with few_threads(course.ground.n_multiplications):
            theta = fitted(course.ground.objective.at(theta)).theta
        return Candidate(course, candidate.bandwidth, candidate.seed, theta)

    def _tell(self, stage, chosen):
        if self.estimator.verbose:
            best = min(chosen, key=lambda candidate: candidate.loss)
            network = f"{best.course.activation} {best.course.sizes}"
            print(
                f"[{type(self.estimator).__name__}] race, {stage}: {len(chosen)} candidates, best "
                f"{network} at {best.loss:.2g} of the held-out loss of zero"
            )
