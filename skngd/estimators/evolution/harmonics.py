"""Slabs of time for a periodic evolution, (Slab), with a Fourier series in space.

The network of a slab has one layer of sin neurons that are not trained: harmonics of the period in
the periodic coordinate, times frequencies in time that are so low that a slab is a small part of a
period of each. Such neurons are periodic, and span what a Fourier series whose coefficients are
polynomials in time spans, nearly: a smooth solution is met with an error that falls exponentially
with the number of harmonics and with the length of the slab. Only the last layer is fitted, by
Gauss-Newton steps in its few parameters.
"""

import time

import numpy as np
from sklearn.base import clone

from ...optim import Stop
from ...pde.conditions import Initial
from ...pde.residuals.circles import periodic_axes
from ...pde.slab import OnSlab, time_axis
from ..callers import silent
from ..device import few_threads, to_numpy
from ..neurons import with_exact_output, work_of_output
from ..run import run
from ..starts.candidates import HELD_OUT
from .composition import Composition
from .ends import error_from
from .slabs import FIRST_SLAB, SHORT_REST, SHORTEST, Attempt, Slabs

# Frequencies in time: up to so many times π over so many half lengths of the slab.
IN_TIME, STRETCHED = 4, 16.0
# Harmonics of the first slab, how their number grows, the part of the residual that more of them
# have to leave at most, and the most columns of all fields.
FIRST, MORE, LEFT, MOST_COLUMNS = 16, 1.25, 0.5, 1600
# Points of the equation for each neuron, of the start for each function of space, and of other
# conditions for each function of time.
POINTS, OF_START, OF_OTHERS = 2.0, 3.0, 4.0
# The root of the held-out loss, beside that of zero, of a slab that comes out; the last fifth of
# the harmonics is enough where it is at most so many times that, as a part of the largest.
WANTED, OF_TAIL, TAIL = 1e-9, 0.1, 0.8
# What is taken where there may be no more harmonics.
TAKEN = 1e-7
# λ / ‖A‖² of the last layer, and fresh neurons for what comes from slab to slab.
DAMPING, FRESH = 1e-28, 160
# These, the most Gauss-Newton steps, and the part of the loss that one leaves before another one.
RULES = [DAMPING], 8, 0.5
# Points for each harmonic where the last ones are looked at.
OVERSAMPLED = 4
# The part of all work that the first slabs may take, and the part of the time that all may.
TRIED, OF_TIME = 0.25, 0.5


def harmonic_neurons(n_harmonics, n_in_time, period, stretch):
    """Weights of one neuron for each function of the lattice, shape (n, 2), and biases, (n,).

    The columns are space and time. The constant is the bias of the last layer.

    Parameters
    ----------
    n_harmonics, n_in_time : int
    period : float
        In space.
    stretch : float
        The lowest frequency in time is π / stretch.
    """
    in_time = np.arange(-n_in_time, n_in_time + 1)
    k, j = np.meshgrid(np.arange(n_harmonics + 1), in_time, indexing="ij")
    is_new = (k > 0) | (j > 0)
    weights = np.stack([2 * np.pi / period * k[is_new], np.pi / stretch * j[is_new]], axis=1)
    return np.repeat(weights, 2, axis=0), np.tile([0.0, np.pi / 2], len(weights))


def harmonic_axis(problem):
    """The number of the one coordinate beside time, where a Fourier series fits it; or None."""
    axis, names = time_axis(problem), problem.domain.names
    if axis is None or len(names) != 2 or problem.inputs:
        return None
    other = 1 - axis
    is_fit = periodic_axes(problem, is_free=True) == (other,)
    # Where that is asked for, the network sees cosine and sine itself.
    return other if is_fit and not periodic_axes(problem) else None


class Harmonics:
    """What is fitted on a slab in the place of iterations.

    Parameters
    ----------
    n_harmonics : int
        In space.
    axis : int
        The number of that coordinate.

    Attributes
    ----------
    part : float
        The root of the held-out loss, beside that of zero.
    tail : float
        The largest of the last harmonics at the end of the slab, beside the largest of all.
    work : float
        Multiplications, about.
    """

    def __init__(self, n_harmonics, axis):
        self.n_harmonics, self.axis = n_harmonics, axis
        self.part, self.tail, self.work = np.inf, 0.0, 0.0
        weights, self.biases = harmonic_neurons(n_harmonics, IN_TIME, 2.0, STRETCHED)
        self.weights = weights if axis == 0 else weights[:, ::-1]

    def settings(self, conditions):
        """Parameters of an estimator with this network, for a problem with these conditions."""
        n, of_start = len(self.biases), int(OF_START * (2 * self.n_harmonics + 1))
        others = int(OF_OTHERS * (2 * IN_TIME + 1))
        return {
            "hidden_layer_sizes": (n,),
            "activation": "sin",
            "n_interior": int(POINTS * n),
            "n_boundary": [of_start if isinstance(one, Initial) else others for one in conditions],
            "n_init": 1,
            "warm_start": False,
            "verbose": 0,
        }

    def start(self, ground):
        """θ on a :class:`Ground`."""
        physics, model = ground.physics, ground.model
        theta, (_, place, biases) = np.zeros(model.n_parameters), model.layout[0]
        theta[place], theta[biases] = self.weights.ravel(), self.biases
        start = ground.objective.at(physics.residuals.internal(ground.tensor(theta)))
        physics.check_start(start)
        with few_threads(ground.n_multiplications):
            end = with_exact_output(self._begun(ground, theta, start), *RULES)
        held_out, self.work = ground.held_out(HELD_OUT), work_of_output(ground.objective)
        self.part = np.sqrt(held_out.at(end.theta).loss / (held_out.at(start.theta).loss or 1.0))
        self.tail = self._tail(physics, physics.residuals.network(end.theta))
        return to_numpy(end.theta)

    def _begun(self, ground, theta, zero):
        """An iterate for what the slab before ended with, at all times, or zero if that is better.

        ``theta`` are the parameters of the network ``zero``.
        """
        physics, model, n = ground.physics, ground.model, OVERSAMPLED * self.n_harmonics
        end = physics.problem.end
        if end is None:
            return zero
        theta, (_, last, shifts) = theta.copy(), model.layout[-1]
        is_still = self.weights[:, 1 - self.axis] == 0
        k = np.rint(self.weights[is_still, self.axis] / np.pi).astype(int)
        outputs = theta[last].reshape(model.n_outputs, -1)
        for number, field in enumerate(physics.problem.fields):
            found = np.fft.rfft(end(self._around(physics.problem, n), field, 0)) / n
            # In units of the network the period begins at −1: a factor (−1)^k.
            found[1:] *= 2 * (-1.0) ** np.arange(1, len(found))
            is_sine = self.biases[is_still] == 0
            outputs[number, is_still] = np.where(is_sine, -found[k].imag, found[k].real)
            theta[shifts][number] = found[0].real
        begun = ground.objective.at(physics.residuals.internal(ground.tensor(theta)))
        return begun if begun.loss < zero.loss else zero

    def _around(self, problem, n):
        """n points around the ring at the end of the time, shape (n, 2)."""
        domain, X = problem.domain, np.empty((n, 2))
        low, high = domain.bounds[self.axis]
        X[:, self.axis] = low + (high - low) * np.arange(n) / n
        X[:, 1 - self.axis] = domain.bounds[1 - self.axis, 1]
        return X

    def _tail(self, physics, network):
        """See ``tail``; of the field where it is largest."""
        X = self._around(physics.problem, OVERSAMPLED * self.n_harmonics)
        last = slice(int(TAIL * self.n_harmonics), self.n_harmonics + 1)
        derivative, found = physics.discretization.derivative, 0.0
        for field in physics.problem.fields:
            sizes = np.abs(np.fft.rfft(derivative(network, X, (), field)))
            found = max(found, sizes[last].max() / (sizes.max() or 1.0))
        return found

    @staticmethod
    def ended(result):
        """The end of the fit."""
        result.stop = Stop("Converged: the last layer is fitted by Gauss-Newton steps", "converged")
        return result


class HarmonicSlabs(Slabs):
    """The way from slab to slab.

    Parameters
    ----------
    task : ProblemTask
    work : float
        How much all of them may take, in multiplications.
    """

    def __init__(self, task, work):
        super().__init__(task.estimator, task.problem, task.random_state, task.began)
        self.task, self.work, self.wanted = type(task), work, WANTED
        self.other, self.n_fields = harmonic_axis(task.problem), len(task.problem.fields)
        self.n_harmonics = self.n_before = FIRST
        self.harmonics = None

    def run(self):
        """A :class:`Composition` of the whole interval, or None where it does not come out."""
        with silent():
            self._march(FIRST_SLAB * self.span)
        if self.reached < self.high:
            return None
        seconds = time.perf_counter() - self.started
        return Composition(self.fitted, self.time, self.reached, "", seconds)

    def _next(self, length):
        """The longest slab from here on that comes out, and its length; None where none does."""
        fewer = None
        while length >= SHORTEST * self.span:
            high = self.reached + length
            high = self.high if high > self.high - SHORT_REST * length else high
            attempt = self._attempt(high)
            if attempt.error <= WANTED:
                return attempt, length
            done = (self.reached - self.low) / self.span
            if self.stop or self.spent > self.work * max(done, TRIED):
                break
            if fewer is not None and attempt.error > LEFT * fewer.error:
                # It is the length.
                fewer, self.n_harmonics, length = None, self.n_before, length / 2
            elif self.harmonics.tail > OF_TAIL * WANTED:
                more = min(int(MORE * self.n_harmonics), self._most_harmonics())
                if more <= self.n_harmonics:
                    return (attempt if attempt.error <= TAKEN else None), length
                fewer, self.n_before, self.n_harmonics = attempt, self.n_harmonics, more
            else:
                fewer, length = None, length / 2
        return None, length

    def _most_harmonics(self):
        return (MOST_COLUMNS // (self.n_fields * (2 * IN_TIME + 1)) - 1) // 2

    def _attempt(self, high, former=None, max_iter=np.inf):
        began, estimator = time.perf_counter(), self.estimator
        self.harmonics = Harmonics(self.n_harmonics, self.other)
        solution = clone(estimator)
        vars(solution).pop("_skl_callbacks", None)
        solution.set_params(
            problem=OnSlab(self.problem, self.reached, high, self.end),
            random_state=self.random_state.randint(2**31 - 1),
            **self.harmonics.settings(self.problem.conditions),
        )
        try:
            task = self.task(solution, None, None, None, opening=self.harmonics)
            run(solution, task, began)
        except ValueError:  # a term is not finite there
            return Attempt(None, self.reached, high, np.inf)
        self.spent += self.harmonics.work + solution._work
        now, limit = time.perf_counter(), estimator.max_time
        if limit is not None and now - self.began > OF_TIME * limit:
            self.stop = "late"
        if estimator.verbose:
            print(
                f"[{type(estimator).__name__}] slab {len(self.fitted) + 1}, {self.time} from "
                f"{self.reached:.6g} to {high:.6g}: {self.n_harmonics} harmonics, a relative "
                f"residual of {self.harmonics.part:.1e}, {now - began:.2g} s"
            )
        return Attempt(solution, self.reached, high, self.harmonics.part)

    def _carried(self, solution):
        is_estimated = self.estimator.estimate_error and self.estimator.dtype == "float64"
        before = self.fitted[-1] if self.fitted else None
        return error_from(solution, before, FRESH) if is_estimated else None
