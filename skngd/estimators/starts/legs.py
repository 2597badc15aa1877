"""Iterations of candidates of a race, one after the other or side by side in other processes."""

import time

from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend

from ...optim import minimize
from ..device import few_threads


def go_on(legs, n_jobs):
    """Let candidates make iterations.

    Parameters
    ----------
    legs : list of tuple (Candidate, int, Stopping, float)
        Who goes on, the iterations at most, when to stop before, and when the fit began.
    n_jobs : int or None
        As joblib's. What comes out is the same up to rounding.
    """
    if _go_side_by_side([leg[0] for leg in legs], n_jobs):
        # Copies of the points are made for the other processes, and are not mapped to files.
        ends = Parallel(n_jobs=n_jobs, max_nbytes=None)(delayed(_end_of)(*leg) for leg in legs)
        for (candidate, *_), end in zip(legs, ends, strict=True):
            _take(candidate, end)
        return
    for leg in legs:
        _take(leg[0], _end_of(*leg))
        if leg[0].is_interrupted:
            return


def _go_side_by_side(candidates, n_jobs):
    """Whether there is more than one process, and none has to share a GPU, or is a thread."""
    if len(candidates) < 2 or effective_n_jobs(n_jobs) < 2:
        return False
    if getattr(get_active_backend()[0], "uses_threads", False):
        return False
    return all(one.theta.device.type == "cpu" for one in candidates)


def _end_of(candidate, n_iter, stop_rules, began):
    """Where iterations lead to: the method with what it has learnt, the result, and seconds."""
    course, method = candidate.course, candidate.method
    physics, started = course.ground.physics, time.perf_counter()
    with few_threads(course.ground.n_multiplications):
        result = minimize(
            method,
            course.ground.objective,
            candidate.theta,
            report=course.units.loss,
            parts=physics.parts,
            stop_rules=stop_rules,
            max_iter=n_iter,
            past=candidate.past,
            began=began,
        )
    return method, result, time.perf_counter() - started


def _take(candidate, end):
    """Put a candidate where its iterations have led to."""
    candidate.method, result, seconds = end
    # The last step belongs to the last iterate.
    is_last = candidate.go_to(result.theta) and result.theta is result.last.theta
    candidate.past = result.past if is_last else None
    candidate.result = result.after(candidate.result)
    candidate.seconds += seconds
