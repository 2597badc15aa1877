"""Races from fresh seeds: as many as are worth it, and the best winner, with all starts."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from solvers import Rod, solver

from skngd.estimators.accuracy.aim import Aim
from skngd.estimators.starts import again
from skngd.estimators.starts.again import best_of_races, is_stuck
from skngd.estimators.starts.race import Race
from skngd.optim import Stop
from skngd.optim.stopping import INTERRUPTED
from skngd.pde import Box, Dirichlet, Initial, Problem


class Pretended:
    """A race that has a winner with this held-out loss after so much work."""

    def __init__(self, loss, work=1.0, stop=None):
        self.loss, self.stop, self.n_races, self.candidates = loss, stop, 1, [loss]
        self.aim = SimpleNamespace(spent=work)

    def run(self):
        if self.loss is None:
            raise KeyboardInterrupt
        result = SimpleNamespace(stop=self.stop or Stop("", "converged"))
        is_interrupted = self.stop == INTERRUPTED
        return SimpleNamespace(loss=self.loss, result=result, is_interrupted=is_interrupted)

    def tell(self, stage, chosen):
        pass


@pytest.fixture
def raced(monkeypatch):
    """What comes of races with these losses, where one of 1e-9 is a solution."""
    monkeypatch.setattr(again, "is_stuck", lambda race, winner: winner.loss > 1e-9)

    def run(*given):
        races = [Pretended(*one) if isinstance(one, tuple) else Pretended(one) for one in given]
        begun = iter(races)
        monkeypatch.setattr(again, "Race", lambda *_, **__: next(begun))
        return best_of_races(*[None] * 7)

    return run


@pytest.mark.parametrize(
    ("losses", "best", "n_races"),
    [
        ([1e-12, 1e-20], 1e-12, 1),
        ([1.0, 1e-12, 1e-20], 1e-12, 2),
        ([1.0, 2.0, 1e-12, 1e-20], 1e-12, 3),
        ([1.0, 3.0, 2.0, 1e-20], 1.0, 3),
        # The second has cost too much for a third one.
        ([1.0, (2.0, 1.5), 1e-20], 1.0, 2),
    ],
)
def test_the_best_winner_is_kept_and_no_start_is_forgotten(raced, losses, best, n_races):
    race, winner = raced(*losses)
    assert winner.loss == best
    assert race.n_races == n_races
    assert race.candidates == [
        one[0] if isinstance(one, tuple) else one for one in losses[:n_races]
    ]


@pytest.mark.parametrize("second", [None, (2.0, 1.0, INTERRUPTED), (0.5, 1.0, INTERRUPTED)])
def test_ctrl_c_in_another_race_ends_all(raced, second):
    _, winner = raced(1.0, second if second else (None,), 1e-20)
    assert winner.loss == min(1.0, second[0] if second else 1.0)
    assert winner.result.stop == INTERRUPTED


BENT = Problem.from_function(lambda u, x: u.xx - u**3 + u, Box(x=(0, 1)), (Dirichlet(2.0),))

BENDING = Problem.from_function(lambda u, t: u.t + u**3, Box(t=(0, 1)), (Initial(2.0),))


@pytest.mark.parametrize(
    ("problem", "settings"),
    [
        (BENT, {}),
        # They have no other minima, and slabs.
        (Rod(), {}),
        (BENDING, {}),
        (BENT, {"hidden_layer_sizes": (5,)}),
        (BENT, {"n_init": 2}),
        (BENT, {"batch_size": 9}),
        (BENT, {"estimate_error": False}),
    ],
)
def test_only_what_is_left_open_is_raced_again(monkeypatch, problem, settings):
    monkeypatch.setattr(again, "hidden_residual", lambda *_: 1.0)
    given = {"hidden_layer_sizes": "auto", "activation": "auto", "estimate_error": True, **settings}
    estimator = solver(problem, **given)
    aim = Aim(1e-9, estimator.estimate_error, False)
    rows, random_state = (None, None, None), np.random.RandomState(0)
    race = Race(estimator, problem, rows, torch.device("cpu"), random_state, 0.0, aim)
    race.enter_all([("tanh", (5,))])
    assert is_stuck(race, race.best) == (problem is BENT and not settings)
