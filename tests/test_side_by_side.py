"""Starts that race side by side, in processes of their own: the same answer, for any number."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skngd import PINNEstimator
from skngd.estimators.starts import legs
from skngd.geometry import Box
from skngd.pde import Initial, Problem


class Growing(Problem):
    """u' = 2 u (1 − u), u(0) = 0.2."""

    domain = Box(t=(0, 1))
    conditions = (Initial(0.2),)

    def residual(self, u, t):
        return u.t - 2 * u * (1 - u)


def fitted(n_jobs=None, **settings):
    settings = {"n_interior": 60, "max_iter": 30, "random_state": 0, **settings}
    return PINNEstimator(Growing(), n_jobs=n_jobs, **settings).fit()


@pytest.fixture
def ended_elsewhere(monkeypatch):
    """Counts what would be sent to other processes, and stays in this one."""
    found = []

    class Here:
        def __init__(self, **_):
            pass

        def __call__(self, calls):
            ends = [function(*given) for function, given, _ in calls]
            found.extend(ends)
            return ends

    monkeypatch.setattr(legs, "Parallel", Here)
    return found


def test_the_number_of_processes_changes_nothing():
    alone, together = fitted(max_iter=12), fitted(n_jobs=2, max_iter=12)
    for name in ("activation", "bandwidth", "round", "n_iter"):
        assert_array_equal(alone.candidates_[name], together.candidates_[name])
    # Numbers at other places of the memory are added in another order.
    Z = np.linspace(0, 1, 5).reshape(-1, 1)
    assert_allclose(alone.predict(Z), together.predict(Z), rtol=1e-9)


def test_joblibs_own_number_is_taken(ended_elsewhere):
    fitted(max_iter=12)
    assert not ended_elsewhere
    with joblib.parallel_config(n_jobs=2):
        fitted(max_iter=12)
    assert len(ended_elsewhere) > 1


def test_threads_would_share_their_networks_and_are_not_taken(ended_elsewhere):
    with joblib.parallel_config("threading", n_jobs=2):
        fitted(max_iter=12)
    assert not ended_elsewhere


def test_an_interrupted_process_interrupts_the_fit(monkeypatch):
    class Interrupted:
        def __init__(self, **_):
            pass

        def __call__(self, calls):
            raise KeyboardInterrupt

    monkeypatch.setattr(legs, "Parallel", Interrupted)
    with pytest.warns(UserWarning, match="Interrupted"):
        solver = fitted(n_jobs=2)
    assert solver.stop_reason_.startswith("Interrupted")
    assert np.isfinite(solver.predict([[0.5]])).all()


@pytest.mark.parametrize("n_jobs", ["two", 1.5])
def test_another_number_is_refused(n_jobs):
    with pytest.raises(ValueError, match="n_jobs"):
        fitted(n_jobs)
