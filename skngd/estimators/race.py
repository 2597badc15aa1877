"""The race of starts, (Race): the one that does best on held-out points is finished."""

import time
from math import inf, isfinite

import numpy as np

from ..models.activations import ACTIVATIONS
from ..optim import Stopping, minimize
from ..optim.stopping import INTERRUPTED, out_of_iterations
from ..tangent.qr import Qr
from .device import few_threads, to_numpy
from .ground import Ground, with_network
from .slab import solved_by_parts, time_axis
from .units import UnitsOfResiduals

# Candidates: activations, and radii of the weights of the first layer.
NONLINEARITIES = "tanh", "sin"
BANDWIDTHS = 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0
SIZES = (32,)
# (iterations, how many candidates take part, how many times the best held-out loss they may have)
# of the rounds behind that of the last layers.
ROUNDS = (6, 8, 1e6), (14, 4, 1e4), (30, 2, 1e3)
# The rounds where there are measurements: their noise ends a fit long before the network does.
MEASURED = (6, 4, 1e6), (14, 2, 1e4)
# A held-out loss that tells nothing yet: twice as many take part, and wider networks.
OPEN = 0.1
# A held-out loss, as a part of that of the solution zero, that needs no rivals any more.
SOLVED = 1e-18
# λ / ‖A‖² of the last layer. Small weights are better starts than the smallest residual. The
# number of damped steps where an equation is not linear in it, and of trials of each.
LINEAR_DAMPING, FIRST_DAMPING = 1e-10, 1e-4
STEPS_OF_OUTPUT, TRIALS = 6, 5
# Growing: iterations after which progress is judged, the part of the loss that may be left by then,
# and that may be left by the last growth, a held-out loss that needs no more neurons, the most
# parameters, and the part of max_iter after which a network does not grow any more.
PATIENCE, PROGRESS, GAIN, ENOUGH, LARGEST, LATEST = 40, 0.05, 0.3, 1e-10, 650, 0.6
# The bandwidth of fresh neurons, in units of the length that nine in ten weights do not exceed.
FRESH = 1.5
# A held-out loss of an evolution problem that asks for a growing interval of time.
STUCK = 1e-6
# The network of that, where it is open.
EVOLVING = "tanh", (20, 20)
# Seed of the held-out points.
HELD_OUT = 20240301


def is_raced(estimator):
    """Whether a part of the network is left open."""
    if estimator.model is not None:
        return False
    if isinstance(estimator.hidden_layer_sizes, str):
        return True
    return estimator.activation == "auto" and len(estimator._hidden_layer_sizes()) > 0


class Course:
    """What a race has of one network: its ground, and the points by which it is judged."""

    def __init__(self, ground, activation, sizes, plain):
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
        self.units = UnitsOfResiduals(objective, self.first.loss)
        reference = self.held_out.at(self.first.theta).loss
        self.reference = reference if reference > 0 and isfinite(reference) else 1.0


class Candidate:
    """A start, and how far it has come."""

    def __init__(self, course, bandwidth, seed, theta):
        self.course, self.bandwidth, self.seed, self.theta = course, bandwidth, seed, theta
        self.past = self.method = self.result = None
        self.round, self.seconds, self.is_by_parts = 0, 0.0, False
        self.judge()

    def judge(self):
        """Measure the held-out loss, as a part of that of zero."""
        loss = self.course.held_out.at(self.theta).loss / self.course.reference
        self.loss = loss if isfinite(loss) else inf

    def method_of(self, estimator):
        """The method with what it has learnt."""
        if self.method is None:
            self.method = estimator._build_method()
        return self.method

    @property
    def n_iter(self):
        return 0 if self.result is None else self.result.n_iter

    @property
    def is_finished(self):
        """Whether its run has ended by itself."""
        return self.result is not None and self.result.stop.kind != "budget"


def joined(earlier, later):
    """The result of a run that continues another one, if there is one."""
    if earlier is not None:
        for name, column in later.history.items():
            later.history[name] = earlier.history[name] + column[1:]
        later.n_iter += earlier.n_iter
    return later


def fresh_neurons(model, bandwidth, random_state):
    """Weights and biases of the first layer, shapes (n, d) and (n,).

    The weights of a neuron point anywhere and are uniform in length up to ``bandwidth``; it bends
    at a point of [−1, 1]^d, or has any phase.
    """
    n, d = model.layout[0][0]
    directions = random_state.standard_normal((n, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    weights = directions * random_state.uniform(0, 1, (n, 1)) * bandwidth
    if model.activation is ACTIVATIONS["sin"]:
        return weights, random_state.uniform(0, 2 * np.pi, n)
    return weights, -(weights * random_state.uniform(-1, 1, (n, d))).sum(1)


def widened(before, network, model, random_state):
    """Parameters of a model with more neurons in its one layer, the last weights of them zero."""
    (_, weights, biases), (_, last, shifts) = before.layout
    (_, wider, more), (_, wider_last, wider_shifts) = model.layout
    d, fields = model.layer_sizes[0], model.n_outputs
    theta = np.zeros(model.n_parameters)
    lengths = np.linalg.norm(network[weights].reshape(-1, d), axis=1)
    bandwidth = FRESH * np.quantile(lengths, 0.9)
    theta[wider], theta[more] = map(np.ravel, fresh_neurons(model, bandwidth, random_state))
    theta[wider][: weights.stop - weights.start] = network[weights]
    theta[more][: biases.stop - biases.start] = network[biases]
    theta[wider_last].reshape(fields, -1)[:, : before.layer_sizes[1]] = network[last].reshape(
        fields, -1
    )
    theta[wider_shifts] = network[shifts]
    return theta


def with_fitted_output(iterate):
    """The last layer by one least-squares solve, or by damped steps where that is not exact."""
    place = iterate.objective.model.output_parameters
    is_linear = iterate.objective.points.is_linear_in_output
    damping = LINEAR_DAMPING if is_linear else FIRST_DAMPING
    for _ in range(1 if is_linear else STEPS_OF_OUTPUT):
        if not isfinite(iterate.loss):
            break
        fitted = Qr(iterate.operator.output_chunks(iterate.right_side))
        for _ in range(TRIALS):
            theta = iterate.theta.clone()
            theta[place].sub_(fitted.solve(0.0, damping * fitted.square_norm)[:, 0])
            moved = iterate.with_output(theta)
            if moved.loss < iterate.loss:
                break
            damping *= 10
        else:
            break
        iterate, damping = moved, damping / 10
    return iterate


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
        self.candidates = []

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
                if not iterates or not self._round(number, rules):
                    break
            winner = self.best
            if iterates and not is_measured:
                self._grow(winner)
                winner = self._by_parts(winner)
        except KeyboardInterrupt:
            if not self.candidates:
                raise
            winner = self.best
            if winner.result is None:
                self._advance(winner, 0)
            winner.result.stop = INTERRUPTED
        return winner

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
            "bandwidth": np.array([row.bandwidth or np.nan for row in rows]),
            "seed": np.array([row.seed for row in rows]),
            "round": np.array([row.round for row in rows]),
            "n_iter": np.array([row.n_iter for row in rows]),
            "held_out_loss": np.array([row.loss for row in rows]),
            "seconds": np.array([row.seconds for row in rows]),
        }

    def _is_late(self):
        """Whether half of the time is over."""
        limit = self.estimator.max_time
        return limit is not None and time.perf_counter() - self.began > limit / 2

    def _networks(self):
        """(activation, sizes) that take part, the plain one first."""
        estimator = self.estimator
        is_open = isinstance(estimator.hidden_layer_sizes, str)
        sizes = SIZES if is_open else tuple(estimator._hidden_layer_sizes())
        names = NONLINEARITIES if estimator.activation == "auto" else (estimator.activation,)
        return [(name, sizes) for name in names]

    def _course(self, activation, sizes):
        shaped = with_network(self.estimator, activation, sizes)
        ground = Ground(shaped, *self.given, self.random_state)
        plain = ground.physics.initial(self.random_state)
        return Course(ground, activation, sizes, plain)

    def _qualify(self):
        """Round 0: each candidate gets its last layer."""
        networks = self._networks()
        self._enter_all(networks)
        is_open = isinstance(self.estimator.hidden_layer_sizes, str) and self.best.loss > OPEN
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

    def _enter(self, course, bandwidth, seed):
        began, ground = time.perf_counter(), course.ground
        physics, model = ground.physics, ground.model
        theta = course.plain if seed == 0 else physics.initial(self.random_state)
        if bandwidth is not None:
            theta = theta.copy()
            _, weights, biases = model.layout[0]
            fresh = fresh_neurons(model, bandwidth, self.random_state)
            theta[weights], theta[biases] = fresh[0].ravel(), fresh[1]
            theta[model.output_parameters] = 0.0
        iterate = with_fitted_output(ground.objective.at(ground.tensor(theta)))
        candidate = Candidate(course, bandwidth, seed, iterate.theta)
        candidate.seconds = time.perf_counter() - began
        self.candidates.append(candidate)

    def _round(self, number, rules):
        """Let the better ones go on; whether there is anything left to decide."""
        n_iter, places, rivals = rules
        best = self.best.loss
        places = 2 * places if best > OPEN else places
        ranked = sorted(self.candidates, key=lambda candidate: candidate.loss)
        chosen = [one for one in ranked[:places] if one.loss <= rivals * best]
        if best < SOLVED or len(chosen) < 2 or self._is_late():
            return False
        for candidate in chosen:
            self._advance(candidate, n_iter)
            candidate.round = number
        self._tell(f"round {number}", chosen)
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
        """Fresh neurons for a network that stalls, until they gain little."""
        if not isinstance(self.estimator.hidden_layer_sizes, str):
            return
        last, without = LATEST * self.estimator.max_iter - PATIENCE, inf
        while winner.loss > ENOUGH and winner.n_iter <= last and not self._is_late():
            before = winner.loss
            self._advance(winner, PATIENCE)
            goes_on = not winner.is_finished and winner.loss < PROGRESS * before
            if goes_on:
                continue
            stalled = winner.loss
            if stalled > GAIN * without or not self._widen(winner):
                return
            without = stalled

    def _by_parts(self, winner):
        """The winner, or a start from a growing interval of time where an evolution is stuck."""
        axis = time_axis(self.given[0])
        if winner.loss <= STUCK or axis is None or self.given[1][0] is not None or self._is_late():
            return winner
        began, (activation, sizes) = time.perf_counter(), EVOLVING
        if not isinstance(self.estimator.hidden_layer_sizes, str):
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
        course = self._course(old.activation, sizes)
        physics, before = course.ground.physics, old.ground.model
        network = to_numpy(old.ground.physics.residuals.network(winner.theta))
        network = widened(before, network, course.ground.model, self.random_state)
        unknowns = to_numpy(winner.theta)[before.n_parameters :]
        theta = physics.residuals.internal(course.ground.tensor(network), unknowns)
        # With the fresh neurons the last layer is solved once for all.
        winner.theta = with_fitted_output(course.ground.objective.at(theta)).theta
        winner.course, winner.past, winner.method = course, None, None
        if winner.is_finished:
            winner.result.stop = out_of_iterations(winner.n_iter)
        winner.judge()
        self._tell(f"{sizes[0]} neurons", [winner])
        return True

    def _tell(self, stage, chosen):
        if self.estimator.verbose:
            best = min(chosen, key=lambda candidate: candidate.loss)
            network = f"{best.course.activation} {best.course.sizes}"
            print(
                f"[{type(self.estimator).__name__}] race, {stage}: {len(chosen)} candidates, best "
                f"{network} at {best.loss:.2g} of the held-out loss of zero"
            )
