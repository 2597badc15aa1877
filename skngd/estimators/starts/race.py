"""The race of starts, (Race): the one that does best on held-out points is finished."""

import time

import numpy as np

from ...optim import Stopping
from ...optim.stopping import INTERRUPTED
from ...pde.discretization import n_inputs_of
from ...pde.residuals.view import view_of
from ..accuracy.aim import of_loss
from ..device import few_threads
from ..ground import Ground, with_network
from ..neurons import (
    bandwidths_of,
    fresh_activation,
    fresh_neurons,
    with_exact_output,
    with_fitted_output,
)
from .candidates import SOLVED, Candidate, Course
from .growth import Growth
from .legs import go_on
from .spectrum import telling_weights
from .waves import solving_waves

# Candidates: activations, and radii of the weights of the first layer.
NONLINEARITIES = "tanh", "sin"
BANDWIDTHS = 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0
# Stretching, in up to so many dimensions: the bandwidth of one coordinate becomes so many times as
# large, or as small, where that leaves less than this part of the loss, in so many rounds.
STRETCHED, STRETCH, STRETCH_GAIN, STRETCHES = 3, 4.0, 0.7, 3
SIZES = (32,)
# (iterations, how many candidates take part, how many times the best held-out loss they may have)
# of the rounds behind that of the last layers.
ROUNDS = (6, 8, 1e6), (14, 4, 1e4), (30, 2, 1e3)
# The rounds where there are measurements: their noise ends a fit long before the network does.
MEASURED = (6, 4, 1e6), (14, 2, 1e4)
# A held-out loss that tells nothing yet: twice as many take part, and wider networks.
OPEN = 0.1
# Where wider ones tell nothing either: the number of neurons that look for a bandwidth, a held-out
# loss of theirs that tells, and how many networks are drawn with that bandwidth.
SCOUTS, SCOUTED, DRAWS = 256, 0.02, 3


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
    aim : Aim
    free_fields : tuple of str, default=()
        As for :class:`Ground`.
    by_slabs : callable, default=None
        ``by_slabs(race)``, asked where the winner stalls: whether there is another solution.
    """

    def __init__(
        self,
        estimator,
        problem,
        rows,
        device,
        random_state,
        began,
        aim,
        free_fields=(),
        by_slabs=None,
    ):
        self.by_slabs = by_slabs
        self.estimator, self.random_state, self.began = estimator, random_state, began
        self.aim = aim
        self.given, self.free_fields = (problem, rows, device), free_fields
        self.candidates, self.growth, self.n_races = [], Growth(self), 1
        self.is_open = isinstance(estimator.hidden_layer_sizes, str)
        # A network that is named sees no more than its coordinates.
        self.view = view_of(problem, has_holes=self.is_open)

    @property
    def iterates(self):
        """Whether iterations race, and not last layers alone as where each draws its points."""
        return self.estimator.batch_size is None and self.estimator.sampler != "christoffel"

    @property
    def best(self):
        return min(self.candidates, key=lambda candidate: candidate.loss)

    def run(self):
        """The winner, as far as it has come."""
        iterates = self.iterates
        try:
            self._qualify()
            ground = self.best.course.ground
            ground.physics.check_start(ground.objective.at(self.best.theta))
            is_measured = bool(self.best.course.ground.measured)
            rounds = MEASURED if is_measured else ROUNDS
            for number, rules in enumerate(rounds, start=1):
                if not iterates or self.is_enough(self.best):
                    break
                if not self.round(f"round {number}", number, rules, self.candidates):
                    break
            winner = self.best
            if iterates and not is_measured and not self.is_enough(winner):
                winner = self.growth.run(winner)
        except KeyboardInterrupt:
            if not self.candidates:
                raise
            winner = self.best
            if winner.result is None:
                self.advance(winner, 0)
            winner.result.stop = INTERRUPTED
        return winner

    def told(self, winner):
        """A sentence for ``stop_reason_``."""
        course, sizes = winner.course, ", ".join(map(str, winner.course.sizes))
        how = ", on a growing interval of time" if winner.is_by_parts else ""
        n, name = len(self.candidates), course.activation
        races = f" in {self.n_races} races" if self.n_races > 1 else ""
        return f" The best of {n} starts{races}: {name}, {sizes} neurons{how}."

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
        discretization = candidate.course.ground.physics.discretization
        return np.broadcast_to(found, d)[: len(discretization.columns)]

    def is_enough(self, candidate):
        """Whether a candidate is as exact as is wanted; then its run has ended."""
        course, aim = candidate.course, self.aim
        # What measurements tell of the unknowns is looked at after the race.
        if aim.is_measured or not aim.is_there:
            return False
        part = candidate.part
        if aim.is_due(course.ground.physics, part):
            with few_threads(course.ground.n_multiplications):
                if candidate.result is None:
                    self.advance(candidate, 0)
                iterate = course.ground.objective.at(candidate.theta)
                if aim.look(course.ground, iterate, fresh_activation(course.activation), part):
                    candidate.result.stop = aim.stop
        return aim.is_met

    def is_late(self, part=0.5):
        """Whether this part of the time is over."""
        limit = self.estimator.max_time
        return limit is not None and time.perf_counter() - self.began > part * limit

    def activations(self):
        """Names of the activation functions that take part."""
        given = self.estimator.activation
        return NONLINEARITIES if given == "auto" else (given,)

    def _networks(self):
        """(activation, sizes) that take part, the plain one first."""
        estimator = self.estimator
        sizes = SIZES if self.is_open else tuple(estimator._hidden_layer_sizes())
        names = self.activations()
        return [(name, sizes) for name in names]

    def course(self, activation, sizes, view=None, n_interior=None):
        """What a race has of one network; with as many points as the estimator says, or n.

        Where that is left open there are few: held-out points show whether they are too few.
        """
        shaped = with_network(self.estimator, activation, sizes)
        if shaped.n_interior == "auto":
            shaped.n_interior = "few" if n_interior is None else n_interior
        view = self.view if view is None else view
        ground = Ground(shaped, *self.given, self.random_state, view, self.free_fields)
        plain = ground.physics.initial(self.random_state)
        return Course(ground, activation, sizes, plain)

    def _qualify(self):
        """Round 0: each candidate gets its last layer."""
        networks = self._networks()
        self._enter_waves(networks)
        if self.candidates and self.best.loss < SOLVED:
            return
        self.enter_all(networks)
        is_open = self.is_open and self.best.loss > OPEN
        is_linear = self.best.course.ground.objective.points.is_linear_in_output
        if is_open and is_linear and not self.is_late():
            # So few neurons do not tell a good bandwidth from a bad one.
            wider = [(name, (2 * sizes[0],)) for name, sizes in networks]
            self.enter_all(wider)
            if self.best.loss > OPEN and not self.is_late():
                self._enter_spectrum(networks + wider)
            if self.best.loss > OPEN and not self.is_late():
                self._scout(wider)
        self.tell("last layers", self.candidates)

    def _enter_waves(self, networks):
        """Enter a sin network of the plane waves that solve the equation, where there are some."""
        problem, (X, *_), _ = self.given
        if not self.is_open or ("sin", SIZES) not in networks or X is not None:
            return
        if n_inputs_of(problem, self.view) != len(problem.domain.names):
            return
        waves = solving_waves(problem)
        if waves is not None:
            weights, biases = waves
            course = self.course("sin", (len(biases),))
            given = bandwidths_of(weights), 0, self.candidates
            self._enter(course, *given, weights, biases, with_exact_output)

    def _enter_spectrum(self, networks):
        """Enter sin networks with the frequencies of what the problem prescribes."""
        for activation, sizes in networks:
            if activation != "sin":
                continue
            course = self.course(activation, sizes)
            blocks = course.ground.objective.points.blocks
            n_potentials = len(course.ground.physics.discretization.holes)
            for seed in range(1, DRAWS + 1):
                weights = telling_weights(blocks, sizes[0], self.random_state, n_potentials)
                if weights is None:
                    return
                self._enter(course, bandwidths_of(weights), seed, self.candidates, weights)

    def _scout(self, networks):
        """Let many neurons find bandwidths that few cannot tell apart, and enter these."""
        for activation, sizes in networks:
            wide, found = self.course(activation, (SCOUTS,), n_interior=3 * SCOUTS), []
            with few_threads(wide.ground.n_multiplications):
                self._try_all(wide, found)
            best = min(found, key=lambda candidate: candidate.loss)
            if best.bandwidth is None or best.loss > SCOUTED or self.is_late():
                continue
            course = self.course(activation, sizes)
            for seed in range(1, DRAWS + 1):
                self._enter(course, best.bandwidth, seed, self.candidates)

    def enter_all(self, networks):
        """Candidates for some networks, given as arguments of :meth:`course`."""
        n_init = 1 if self.estimator.n_init == "auto" else self.estimator.n_init
        for network in networks:
            course = self.course(*network)
            with few_threads(course.ground.n_multiplications):
                self._try_all(course, self.candidates, n_init)
            if self.is_late():
                return

    def _try_all(self, course, into, n_init=1):
        """Put candidates with all bandwidths for one network into a list."""
        for seed in range(n_init):
            for bandwidth in (None, *BANDWIDTHS):
                self._enter(course, bandwidth, seed, into)
                if self.is_late():
                    return
        self._stretch(course, into)

    def _stretch(self, course, into):
        """Try other bandwidths of single coordinates, from the best one of a network."""
        discretization = course.ground.physics.discretization
        d = discretization.n_inputs - len(discretization.holes)
        mine = [one for one in into if one.course is course and one.bandwidth]
        if not 1 < d <= STRETCHED or not mine:
            return
        best = min(mine, key=lambda candidate: candidate.loss)
        for _ in range(STRETCHES):
            before = best
            for axis in range(d):
                for factor in (STRETCH, 1 / STRETCH):
                    bandwidth = np.ones(discretization.n_inputs) * best.bandwidth
                    bandwidth[axis] *= factor
                    self._enter(course, bandwidth, best.seed, into)
                    if self.is_late():
                        return
                    if into[-1].loss < STRETCH_GAIN * best.loss:
                        best = into[-1]
                        break
            if best is before:
                return

    def _enter(
        self, course, bandwidth, seed, into, weights=None, phases=None, fitted=with_fitted_output
    ):
        """A candidate with fresh neurons of a bandwidth, or with those in its first layer."""
        began, ground = time.perf_counter(), course.ground
        physics, model = ground.physics, ground.model
        theta = course.plain if seed == 0 else physics.initial(self.random_state)
        if bandwidth is not None:
            theta = theta.copy()
            shape, place, biases = model.layout[0]
            groups = physics.discretization.groups_of_inputs()
            drawn = *shape, model.activation, bandwidth, self.random_state
            fresh = fresh_neurons(*drawn, groups)
            theta[place] = (fresh[0] if weights is None else weights).ravel()
            theta[biases] = fresh[1] if phases is None else phases
            theta[model.output_parameters] = 0.0
        iterate = fitted(ground.objective.at(ground.tensor(theta)))
        candidate = Candidate(course, bandwidth, seed, iterate.theta)
        candidate.seconds = time.perf_counter() - began
        self.aim.spend(ground.objective, 1)
        into.append(candidate)

    def round(self, stage, number, rules, among):
        """Let the better ones of some go on; whether there is anything left to decide."""
        n_iter, places, rivals = rules
        best = min(candidate.loss for candidate in among)
        places = 2 * places if best > OPEN else places
        ranked = sorted(among, key=lambda candidate: candidate.loss)
        # No activation function is given up because of others that are a little ahead.
        firsts = {one.course.activation: one for one in reversed(ranked)}.values()
        chosen = [one for one in ranked if one in ranked[:places] or one in firsts]
        chosen = [one for one in chosen if one.loss <= rivals * best]
        is_decided = len(chosen) < 2 and places > 1
        if best < SOLVED or is_decided or self.is_late():
            return False
        self._advance_all(chosen, n_iter)
        for candidate in chosen:
            candidate.round = number
        self.tell(stage, chosen)
        return True

    def advance(self, candidate, n_iter):
        """Let a candidate make iterations, at most half of those that are left."""
        self._advance_all([candidate], n_iter)

    def _advance_all(self, candidates, n_iter):
        """Let some make iterations, side by side where ``n_jobs`` says so."""
        estimator, legs = self.estimator, []
        for candidate in candidates:
            most = min(n_iter, (estimator.max_iter - candidate.n_iter) // 2)
            if not candidate.is_finished and (most >= 1 or candidate.result is None):
                candidate.method_of(estimator)
                legs.append((candidate, most, self._stopping(candidate.course), self.began))
        before = [candidate.n_iter for candidate, *_ in legs]
        go_on(legs, estimator.n_jobs)
        for (candidate, *_), n in zip(legs, before, strict=True):
            self.aim.spend(candidate.course.ground.objective, candidate.n_iter - n)
            if candidate.is_interrupted:
                raise KeyboardInterrupt

    def _stopping(self, course):
        objective, estimator = course.ground.objective, self.estimator
        return Stopping(
            of_loss(estimator.tol, self.aim),
            estimator.n_iter_no_change,
            course.units.floor(objective.points.dtype),
            relative_tol=course.ground.relative_tol,
        )

    def tell(self, stage, chosen):
        if self.estimator.verbose:
            best = min(chosen, key=lambda candidate: candidate.loss)
            network = f"{best.course.activation} {best.course.sizes}"
            print(
                f"[{type(self.estimator).__name__}] race, {stage}: {len(chosen)} candidates, best "
                f"{network} at {best.loss:.2g} of the held-out loss of zero"
            )
