"""An evolution problem slab by slab, (Slab): a network for each, which begins where one ended."""

import time
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from ...optim.stopping import INTERRUPTED
from ...pde.slab import OnSlab, time_axis
from ..callers import is_searched, silent
from .composition import Composition
from .ends import End, error_from

# The first slab and the shortest one, as parts of the interval; how many there may be, with time
# alone and with other coordinates, where each takes long.
FIRST_SLAB, SHORTEST, MOST_SLABS, MOST_OF_SEVERAL = 1 / 8, 1 / 8192, 2000, 128
# The error of a slab that is small enough, with time alone and with other coordinates, and the part
# of it with which the next is longer, so many times.
WANTED, WANTED_OF_SEVERAL, EASY, LONGER = 1e-10, 1e-7, 0.01, 1.5
# A half of a slab has to leave this part of its error; where it does not, errors up to this are
# taken as they are, and as many times as large ones on the slabs to come.
HALF_LEAVES, TAKEN, SLACK = 0.1, 1e-3, 3.0
# Halvings of the first slab with which something has to be found.
FIRST_HALVINGS = 3
# With other coordinates and without max_time, slabs that would take so many times the work of the
# fit before them are given up.
MOST_TIMES = 4
# Slabs after one that was too long before which the next is not longer, failures from a former
# network before others race, and the part of a slab that is not left at the end.
CALM, RACED_AFTER, SHORT_REST = 3, 2, 0.1
# The network where it is open, with time alone and with other coordinates.
OF_ONE, OF_SEVERAL = (32,), (80,)
# Iterations from the network of the slab before, and on what is left of the interval at the end.
FEW_ITERATIONS, ITERATIONS_OF_REST = 40, 20
# What is said where Ctrl-C has ended the way.
INTERRUPTED_THERE = "interrupted from the keyboard"


@dataclass
class Attempt:
    """A fit on a slab, and its relative error."""

    solution: object
    low: float
    high: float
    error: float


class Slabs:
    """The way from slab to slab.

    Each begins with the values, and derivatives in time, with which the last one ended, and with
    its network. Their length is halved where the error is too large, and grows where it is small.

    Parameters
    ----------
    estimator : PINNEstimator
        Its settings are those of each slab.
    problem : Problem
    random_state : numpy.random.RandomState
    began : float
        When the fit began.
    before : float, default=inf
        The work of the fit before, in multiplications.
    """

    def __init__(self, estimator, problem, random_state, began, before=np.inf):
        self.estimator, self.problem, self.random_state = estimator, problem, random_state
        # A clock would make another answer of a busy machine.
        self.before, self.spent = before, 0.0
        self.began, self.started = began, time.perf_counter()
        self.axis = time_axis(problem)
        self.low, self.high = problem.domain.bounds[self.axis].tolist()
        self.span, self.time = self.high - self.low, problem.domain.names[self.axis]
        self.reached, self.stop = self.low, ""
        self.fitted, self.end = [], None
        self.has_time_alone = len(problem.domain.names) == 1
        self.wanted = WANTED if self.has_time_alone else WANTED_OF_SEVERAL

    def run(self, former=()):
        """A :class:`Composition`, or None where not even the first slab comes out.

        ``former`` are the estimators on the slabs of an earlier fit.
        """
        with silent():
            try:
                if former:
                    self._again(former)
                else:
                    self._march(FIRST_SLAB * self.span)
            except KeyboardInterrupt:
                if is_searched():
                    raise
                self.stop = INTERRUPTED_THERE
            if not self.fitted:
                return None
            reached, stop = self.reached, self.stop
            if reached < self.high:
                # What is left of the interval has some answer, too.
                rest = self._attempt(self.high, self.fitted[-1], ITERATIONS_OF_REST)
                if rest.solution is None:
                    return None
                self._accept(rest)
        seconds = time.perf_counter() - self.started
        return Composition(self.fitted, self.time, reached, stop, seconds)

    def _again(self, former):
        """The slabs of an earlier fit, in proportion, as far as they come out again."""
        low, high = former[0].problem_.low, former[-1].problem_.high
        for one in former:
            end = self.low + (one.problem_.high - low) / (high - low) * self.span
            attempt = self._attempt(self.high if one is former[-1] else end, one)
            if self.stop or not attempt.error <= TAKEN:
                return self._march((attempt.high - attempt.low) / 2)
            self._accept(attempt)

    def _march(self, length):
        """Slabs as long as they come out, the first one of this length."""
        calm = 0
        while self.reached < self.high:
            attempt, made = self._next(length)
            if attempt is None:
                return
            self._accept(attempt)
            # What was too long is not tried again at once.
            calm = calm + 1 if made == length else -CALM
            is_easy = attempt.error <= EASY * self.wanted
            length = LONGER * made if is_easy and calm > 0 else made

    def _next(self, length):
        """The longest slab from here on that comes out, and its length; None where none does."""
        longer, n_failed = None, 0
        most = MOST_SLABS if self.has_time_alone else MOST_OF_SEVERAL
        if len(self.fitted) >= most:
            self.stop = f"there are {most} slabs"
        while not self.stop:
            if self._would_take_too_long():
                self.fitted, self.stop = [], "all of them would take too long"
                break
            attempt = self._best_attempt(length, n_failed)
            if attempt.error <= self.wanted:
                return attempt, length
            if longer is not None and HALF_LEAVES * longer.error < attempt.error <= TAKEN:
                # It is not the length.
                self.wanted = max(self.wanted, SLACK * attempt.error)
                is_better = attempt.error < longer.error
                return (attempt, length) if is_better else (longer, 2 * length)
            is_free = longer is not None and np.isinf([longer.error, attempt.error]).all()
            is_hopeless = not self.fitted and (n_failed >= FIRST_HALVINGS or is_free)
            longer, length, n_failed = attempt, length / 2, n_failed + 1
            if is_hopeless or length < SHORTEST * self.span:
                self.stop = self.stop or "no slab comes out there, short as it is"
        return None, length

    def _would_take_too_long(self):
        """Whether all slabs take many times the work of one network, as far as one can see."""
        if self.has_time_alone or self.estimator.max_time is not None:
            return False
        done = (self.reached - self.low) / self.span
        return self.spent > self.before * max(1.0, MOST_TIMES * done)

    def _best_attempt(self, length, n_failed):
        """From the network of the slab before, or where that has failed, of all that race."""
        high = self.reached + length
        high = self.high if high > self.high - SHORT_REST * length else high
        if not self.fitted:
            return self._attempt(high)
        attempt = self._attempt(high, self.fitted[-1], FEW_ITERATIONS)
        if attempt.error <= self.wanted or self.stop or n_failed < RACED_AFTER:
            return attempt
        raced = self._attempt(high)
        return attempt if attempt.error < raced.error else raced

    def _attempt(self, high, former=None, max_iter=np.inf):
        """Fit the slab from here to ``high``, from the network of a former one, or of a race."""
        began, estimator = time.perf_counter(), self.estimator
        solution = clone(estimator)
        vars(solution).pop("_skl_callbacks", None)
        solution.set_params(
            problem=OnSlab(self.problem, self.reached, high, self.end),
            random_state=self.random_state.randint(2**31 - 1),
            max_iter=int(min(max_iter, estimator.max_iter)),
            warm_start=former is not None,
            verbose=0,
        )
        if isinstance(solution.hidden_layer_sizes, str):
            solution.hidden_layer_sizes = OF_ONE if self.has_time_alone else OF_SEVERAL
        if former is not None:
            fitted = {name: value for name, value in vars(former).items() if name.endswith("_")}
            vars(solution).update(fitted)
        if estimator.max_time is not None:
            solution.max_time = max(self.began + estimator.max_time - began, 0.1)
        try:
            solution.fit()
        except ValueError:  # a term is not finite there
            return Attempt(None, self.reached, high, np.inf)
        self.spent += solution._work
        now = time.perf_counter()
        if solution.stop_reason_.startswith(INTERRUPTED.reason):
            self.stop = INTERRUPTED_THERE
        elif estimator.max_time is not None and now - self.began > estimator.max_time:
            self.stop = f"max_time={estimator.max_time:g} seconds were over"
        attempt = Attempt(solution, self.reached, high, error_on_slab(solution))
        if estimator.verbose:
            print(
                f"[{type(estimator).__name__}] slab {len(self.fitted) + 1}, {self.time} from "
                f"{attempt.low:.6g} to {attempt.high:.6g}: relative error {attempt.error:.1e}, "
                f"{solution.activation_} {solution.hidden_layer_sizes_}, {now - began:.2g} s"
            )
        return attempt

    def _accept(self, attempt):
        solution = attempt.solution
        solution._error = self._carried(solution)
        self.fitted.append(solution)
        self.reached, self.end = attempt.high, End(solution, self.axis, attempt.high)

    def _carried(self, solution):
        """Parts of the error of a solution, with what comes from the slab before it."""
        is_alone = not self.fitted or solution._error is None
        return solution._error if is_alone else error_from(solution, self.fitted[-1])


def error_on_slab(solution):
    """The largest relative error of a field; where it is not estimated, the relative residual."""
    errors = np.array(list(solution.error_estimate_.values()))
    if not np.isnan(errors).any():
        return float(errors.max())
    residual = -solution.score()
    return residual if np.isfinite(residual) else np.inf
