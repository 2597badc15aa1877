"""Races from fresh seeds, where the first one has led to no solution.

A nonlinear problem has minima that are none, such as a front at another place. Which one a network
comes to depends on its start: another race costs as much as the first, and often finds the way.
"""

import copy

from ...optim.stopping import INTERRUPTED
from ...pde.slab import time_axis
from ..accuracy.error import estimated_error
from ..accuracy.verdict import FAR, hidden_residual
from ..device import few_threads
from ..neurons import fresh_activation
from .race import Race

# A held-out loss that is looked at, as a part of that of zero, and the most races. No other one
# begins where all but the first would have more than so many times its work.
LEFT, MOST, WORK = 1e-14, 3, 2.0


def best_of_races(
    estimator, problem, rows, device, random_state, began, aim, free_fields=(), by_slabs=None
):
    """The race with the best winner by the held-out loss, and that winner.

    There is another one as long as the winner is no solution, and it is worth its work. Arguments
    as those of :class:`Race`; each has a copy of the aim.
    """

    def begun():
        return Race(
            *(estimator, problem, rows, device, random_state, began, copy.copy(aim)),
            free_fields=free_fields,
            by_slabs=by_slabs,
        )

    race = begun()
    winner, candidates, first, spent = race.run(), race.candidates, race.aim.spent, 0.0
    for number in range(2, MOST + 1):
        last = spent / max(number - 2, 1)
        if spent + last > WORK * first or not is_stuck(race, winner):
            break
        again = begun()
        try:
            other = again.run()
        except KeyboardInterrupt:
            _interrupt(race, winner)
            break
        spent, candidates = spent + again.aim.spent, candidates + again.candidates
        if other.loss < winner.loss:
            race, winner = again, other
        race.tell(f"fresh seeds, the best of {number} races", [winner])
        race.candidates, race.n_races = candidates, number
        if other.is_interrupted:
            _interrupt(race, winner)
            break
    return race, winner


def _interrupt(race, winner):
    if winner.result is None:
        race.advance(winner, 0)
    winner.result.stop = INTERRUPTED


def is_stuck(race, winner):
    """Whether a winner is no solution, of a problem that may have other minima.

    Only where the network and its starts are left open, and the error is estimated. An evolution
    has slabs for that.
    """
    ground, aim = winner.course.ground, race.aim
    is_open = race.is_open and race.iterates and race.estimator.n_init == "auto"
    is_judged = aim.is_there and not (aim.is_measured or aim.is_met)
    if not (is_open and is_judged) or winner.loss <= LEFT or race.is_late():
        return False
    is_linear = ground.objective.points.is_linear_in_output
    # An evolution goes on from one time to the next.
    if winner.is_interrupted or is_linear or time_axis(ground.physics.problem) is not None:
        return False
    activation = fresh_activation(winner.course.activation)
    with few_threads(ground.n_multiplications):
        seen = ground.physics.relative_parts(ground.objective.at(winner.theta))["equation"] ** 0.5
        if hidden_residual(ground.physics, winner.theta, seen) is not None:
            return True
        estimate = estimated_error(ground.physics, winner.theta, activation, 0.0)
    return estimate is not None and estimate.largest > FAR
