"""Whether a fit of a problem goes over to slabs of time, (Slab), and how it ends then."""

import numpy as np

from ...pde.slab import OnSlab, is_cut_in_time
from ..accuracy.verdict import LARGE_ERROR
from ..device import multiplications
from ..several import slabs_of
from .harmonics import HarmonicSlabs, harmonic_axis
from .slabs import Slabs

# A series in space may take the work of so many iterations of a network with so many parameters, on
# so many points for each.
ITERATIONS, PARAMETERS, RACED_POINTS = 300, 1000, 2


class InSlabs:
    """The slabs of one fit.

    Parameters
    ----------
    task : ProblemTask

    Attributes
    ----------
    found : Composition or None
        Solutions on slabs, where the fit has gone over to them.
    """

    def __init__(self, task):
        self.task, self.found = task, None

    def __bool__(self):
        return self.found is not None

    def ended(self, result):
        """The end of a fit whose iterations do not go on."""
        result.stop = self.found.outcome
        return result

    @property
    def former(self):
        """Those of the last fit, where this one can go on with them."""
        task, slabs = self.task, slabs_of(self.task.estimator)
        if not (task.continues and slabs and self._is_evolution()):
            return ()
        if not slabs[0].n_iter_:
            return ()  # a series that was not trained
        is_same = slabs[0].problem_.domain.names == task.problem.domain.names
        return slabs if is_same and slabs[0].problem_.fields == task.problem.fields else ()

    def can_continue(self):
        """Whether a fit can go on from the last one: one network can, and slabs of an evolution."""
        return bool(self.former) or not slabs_of(self.task.estimator)

    def take_again(self):
        """The slabs of the last fit, where there are some."""
        if self.former:
            self.take(self.former)

    def take(self, former=()):
        """Go from slab to slab; ``former`` are those of an earlier fit."""
        task = self.task
        given = task.estimator, task.problem, task.random_state, task.began, task.aim.spent
        slabs = Slabs(*given)
        self.found = slabs.run(former)

    def take_harmonics(self, race):
        """Where one network has stalled, a series in space; whether that comes out."""
        is_fit = self._is_possible(race) and harmonic_axis(self.task.problem) is not None
        if is_fit and race.is_open:
            # As much work as a growing interval of time may take.
            rows = RACED_POINTS * PARAMETERS
            work = 2 * ITERATIONS * multiplications(rows, 1, PARAMETERS)
            self.found = HarmonicSlabs(self.task, work).run()
        return bool(self)

    def take_after_race(self):
        """Where no growing interval comes out."""
        if self:
            return
        race = self.task.race
        if race.growth.asks_for_slabs(self.task.raced) and self._is_possible(race):
            self.take()

    def take_after_fit(self, stop, is_hidden):
        """Where the solution is none, in whole or between the points; whether there are some."""
        estimate = self.task.estimate
        is_lost = is_hidden or (estimate is not None and not estimate.largest <= LARGE_ERROR)
        is_over = stop.kind in ("converged", "budget") and not self.task.is_late(1.0)
        if is_lost and is_over and self._is_possible(self.task.race):
            self.take()
        return bool(self)

    def _is_possible(self, race):
        """Whether an evolution can be solved slab by slab, as far as is asked for."""
        is_allowed = race is not None and race.iterates and race.growth.is_allowed
        return is_allowed and self._is_evolution()

    def _is_evolution(self):
        """Whether the state at a time is all that the rest of it needs."""
        task = self.task
        if task.X is not None or task.has_none or isinstance(task.problem, OnSlab):
            return False
        return is_cut_in_time(task.problem)

    def conclude(self):
        """What an estimator keeps of them."""
        task, found = self.task, self.found
        task.verdict = found.verdict
        if task.estimator.verbose:
            name = type(task.estimator).__name__
            print(f"[{name}] {found.outcome.sentence}{found.verdict}")
        found.warn(type(task.problem).__name__)
        kept = dict.fromkeys(("_correction", "_error", "_spread", "_field_posterior", "_memory"))
        kept |= {"unknowns_std_": {}, "unknowns_cov_": np.zeros((0, 0)), "noise_std_": None}
        if task.raced is not None:
            kept["candidates_"] = found.beside(task.candidates)
        return kept | found.attributes()
