"""What is done where a residual is another one between the points than at them."""

import time

import numpy as np
import pytest
import torch

from skngd import PINNEstimator
from skngd.estimators.accuracy.aim import Aim
from skngd.estimators.problem_task import ProblemTask
from skngd.estimators.starts import overfitting
from skngd.estimators.starts.candidates import Candidate
from skngd.estimators.starts.race import Race
from skngd.pde import Box, Dirichlet, Problem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Plate(Problem):
    """Δu = −1 with u = 0 on all sides."""

    domain = Box(x=(0, 1), y=(0, 1))
    conditions = (Dirichlet(0.0),)

    def residual(self, u, x, y):
        return u.laplacian() + 1


def candidate_of(problem, loss, part):
    """One of a race, with a held-out loss, and one at its points, that are given."""
    started = Race(
        PINNEstimator(problem, random_state=0),
        *(problem, (None, None, None), torch.device("cpu"), np.random.RandomState(0)),
        *(time.perf_counter(), Aim("auto", True, False)),
    )
    course = started.course("tanh", (6,))
    one = Candidate(course, None, 0, course.ground.tensor(course.plain))
    one.course.held_out = Fixed(loss * course.reference)
    one.judge()
    one.course.ground.objective = Fixed(part * course.first_loss)
    return one


class Fixed:
    """An objective with the same loss everywhere."""

    def __init__(self, loss):
        self.loss = loss

    def at(self, theta):
        return self


@pytest.mark.parametrize(
    ("loss", "part", "is_taken"),
    [
        (1e-4, 1e-9, True),  # better between the points, too
        (1e-2, 1e-9, False),  # worse between them, and better at them
        (1e-2, 1e-2, True),  # worse at both, as a step may be
    ],
)
def test_what_is_better_at_the_points_alone_is_not_taken(loss, part, is_taken):
    one = candidate_of(Plate(), 1e-3, 1e-3)
    before, course = one.theta, one.course
    course.held_out = Fixed(loss * course.reference)
    course.ground.objective = Fixed(part * course.first_loss)
    after = before + 1.0
    assert one.go_to(after) == is_taken
    assert (one.theta is after) == is_taken
    assert one.loss == pytest.approx(loss if is_taken else 1e-3)
    assert one.overfits == (not is_taken or loss > 10 * part)


def test_a_difference_that_does_not_matter_is_no_overfitting():
    one = candidate_of(Plate(), 1e-12, 1e-13)
    one.course.held_out = Fixed(1e-9 * one.course.reference)
    assert one.go_to(one.theta + 1.0)


def test_points_follow_the_residual_once_a_fit_has_overfitted(monkeypatch):
    """On the way, and not at the end of the race alone."""
    monkeypatch.setattr(overfitting, "EVERY", 5)
    monkeypatch.setattr(overfitting, "OVERFITTED", 0.0)
    monkeypatch.setattr(overfitting, "MISSED", 0.0)
    seen = []
    follow = ProblemTask.follow

    def followed(task, theta):
        follow(task, theta)
        seen.append((task.source.draws, task.validation is not None))

    monkeypatch.setattr(ProblemTask, "follow", followed)
    solver = PINNEstimator(Plate(), (6,), max_iter=60, random_state=0)
    solver.fit()
    assert seen == [(True, True)]
    assert solver.n_iter_ <= 60
    assert len(solver.history_["loss"]) == solver.n_iter_ + 1
