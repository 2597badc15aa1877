"""Other first guesses of unknown coefficients, where those that were given lead to another minimum.

A frequency of 2.8 for 5 does not find its way along the misfit of solutions, which has a minimum
for each of its oscillations. Where measurements and equation are a compromise it has one: many
neurons follow both, one least-squares solve for each guess.
"""

import copy
from dataclasses import dataclass, replace

import numpy as np

from ..accuracy.unknowns import EXPLAINED, explained_parts
from ..device import few_threads
from ..ground import Ground, with_network
from ..neurons import fresh_activation, fresh_neurons, with_fitted_output

# Neurons, their bandwidths, points for each neuron, and the weight of the measurements.
N_NEURONS, BANDWIDTHS, POINTS, COMPROMISE = 128, (2.0, 4.0, 8.0, 16.0, 32.0), 3, 10.0
# Guesses are the given one times powers of this number, so many to each side, then finer ones; with
# two bounds they divide the range into so many parts.
FACTOR, TO_EACH_SIDE, FINER, PARTS = 2.0**0.25, 16, 2.0**0.125, 32
# The most solves, and the part of the loss that a better guess leaves at most.
MOST, BETTER = 150, 0.5


@dataclass(frozen=True)
class Guesses:
    """What was tried.

    Attributes
    ----------
    n_tried : int
    best : dict of str to float
        By name of the unknown.
    is_better : bool
        Than the given one.
    """

    n_tried: int
    best: dict
    is_better: bool


def other_guesses(estimator, problem, rows, device, activation, is_late):
    """The best first guesses of the unknowns, one after the other: :class:`Guesses`.

    Parameters
    ----------
    estimator : PINNEstimator
    problem : Problem
    rows : tuple (X, y, weight)
    device : torch.device
    activation : str
        Of the network that was fitted.
    is_late : callable
        Whether there is no time left.
    """
    compromise = _Compromise(estimator, problem, rows, device, activation, is_late)
    unknowns, first = list(problem.unknowns.values()), compromise.first
    best = first
    for guesses_of in (_coarse, _finer):
        for number, unknown in enumerate(unknowns):
            tried = [_with(best, number, value) for value in guesses_of(unknown, best[number])]
            best = min([best, *tried], key=compromise.loss)
    is_better = compromise.loss(best) < BETTER * compromise.loss(first)
    best = dict(zip(problem.unknowns, best, strict=True))
    return Guesses(len(compromise.known) - 1, best, is_better)


class _Compromise:
    """The loss of many neurons, by the values of the unknowns."""

    def __init__(self, estimator, problem, rows, device, activation, is_late):
        random_state = np.random.RandomState(0)
        shaped = with_network(estimator, fresh_activation(activation), (N_NEURONS,))
        shaped.n_interior, shaped.n_boundary = POINTS * N_NEURONS, "auto"
        shaped.measurement_weight, shaped.sampler = COMPROMISE, "sobol"
        self.ground = ground = Ground(shaped, problem, rows, device, random_state)
        self.problem, self.is_late, self.known = problem, is_late, {}
        self.first = tuple(float(x) for x in ground.physics.trial_unknowns())
        self.theta, model = ground.physics.initial(random_state), ground.model
        (_, d), weights, biases = model.layout[0]
        groups = ground.physics.discretization.groups_of_inputs()
        parts = np.array_split(np.arange(N_NEURONS), len(BANDWIDTHS))
        drawn = [
            fresh_neurons(len(part), d, model.activation, bandwidth, random_state, groups)
            for part, bandwidth in zip(parts, BANDWIDTHS, strict=True)
        ]
        self.theta[weights] = np.concatenate([one.ravel() for one, _ in drawn])
        self.theta[biases] = np.concatenate([one for _, one in drawn])
        self.theta[model.output_parameters] = 0.0

    def loss(self, values):
        """Infinite for guesses out of bounds, and where there is no time left."""
        if values not in self.known:
            pairs = zip(self.problem.unknowns.values(), values, strict=True)
            is_late = len(self.known) >= MOST or self.is_late()
            if is_late or not all(unknown.allows(value) for unknown, value in pairs):
                return np.inf
            self.known[values] = self._solved(values)
        return self.known[values]

    def _solved(self, values):
        ground, n = self.ground, self.ground.model.n_parameters
        pairs = zip(ground.physics.residuals.transforms, values, strict=True)
        self.theta[n:] = [transform.inverse(value) for transform, value in pairs]
        with few_threads(ground.n_multiplications):
            loss = with_fitted_output(ground.objective.at(ground.tensor(self.theta))).loss
        return loss if np.isfinite(loss) else np.inf


def _with(values, number, value):
    """Other values of which one is this."""
    return (*values[:number], value, *values[number + 1 :])


def from_other_guesses(task, result, minimized):
    """The fit from other first guesses, where its solution explains little and another one more.

    Parameters
    ----------
    task : ProblemTask
        Is placed anew where there are better guesses.
    result : Result
        As it has ended.
    minimized : callable
        Makes iterations: ``minimized(objective, theta, max_iter)``.
    """
    left = task.estimator.max_iter - result.n_iter
    if left < 1 or result.stop.kind != "converged" or not _may_try(task):
        return result
    part = explained(task, result)
    if not part < EXPLAINED:
        return result
    problem, rows, device, _ = task.given
    guesses = other_guesses(task.estimator, problem, rows, device, task.activation(), task.is_late)
    task.n_guesses = guesses.n_tried
    told = f" The solution explained {_percent(part)} % of what was measured, and of "
    told += f"{guesses.n_tried} other first guesses of the unknown coefficients "
    before = dict(vars(task))
    if guesses.is_better:
        named = ", ".join(f"{name}={value:.3g}" for name, value in guesses.best.items())
        task.estimator = copy.copy(task.estimator)
        task.estimator.max_iter, task.problem = left, with_guesses(problem, guesses.best)
        # A network that is named needs a better start, too.
        task.is_raced = True
        task.place()
        again = task.raced.result
        if not task.raced.is_finished:
            n_iter = left - (0 if again is None else again.n_iter)
            start = task.ground.tensor(task.starts[0])
            again = minimized(task.objective, start, n_iter).after(again)
        again = task.to_its_end(again, minimized)
        found = explained(task, again)
        if found > part:
            task.remark += (
                f"{told}{named} was the best: from there it explains {_percent(found)} %."
            )
            return again.after(result)
        vars(task).update(before)
    task.remark += f"{told}none leads to more."
    return result


def _may_try(task):
    """Whether there are guesses to be tried, and one start whose end can be compared."""
    is_measured = task.y is not None and task.problem.unknowns and len(task.starts) == 1
    is_own = task.continues or task.source.draws or task.estimator.model is not None
    return is_measured and not (is_own or task.ground.free_fields)


def explained(task, result):
    """Which part of the variance of what was measured a result explains."""
    physics, theta, _, measured = task.solution(result.theta)
    is_robust = task.estimator.measurement_loss != "squared"
    return min(explained_parts(physics, theta, measured, task.y, is_robust).values())


def _percent(part):
    return f"{100 * max(part, 0):.3g}"


def _coarse(unknown, value):
    """Guesses of all sizes: the distance from a bound, or from zero, is what is multiplied."""
    if unknown.low is not None and unknown.high is not None:
        return (unknown.low + (unknown.high - unknown.low) * np.arange(1, PARTS) / PARTS).tolist()
    origin = _origin(unknown)
    powers = FACTOR ** np.arange(-TO_EACH_SIDE, TO_EACH_SIDE + 1)
    signs = (1.0,) if unknown.low is not None or unknown.high is not None else (1.0, -1.0)
    size = (value - origin) or 1.0
    return [origin + sign * size * float(power) for sign in signs for power in powers]


def _finer(unknown, value):
    if unknown.low is not None and unknown.high is not None:
        step = (unknown.high - unknown.low) / (2 * PARTS)
        return [value - step, value + step]
    origin = _origin(unknown)
    return [origin + (value - origin) * power for power in (1 / FINER, FINER)]


def _origin(unknown):
    bound = unknown.low if unknown.low is not None else unknown.high
    return 0.0 if bound is None else bound


def with_guesses(problem, values):
    """The problem with other first guesses."""
    unknowns = problem.unknowns
    return problem.with_coefficients(
        {name: replace(unknowns[name], start=value) for name, value in values.items()}
    )
