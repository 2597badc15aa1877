"""Slabs with a Fourier series in space, (Slab): what it spans, where it is taken, what it finds."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skngd import PINNEstimator
from skngd.estimators.device import plain_tensors
from skngd.estimators.evolution import harmonics
from skngd.estimators.evolution.harmonics import HarmonicSlabs, harmonic_axis, harmonic_neurons
from skngd.estimators.evolution.in_slabs import InSlabs
from skngd.estimators.evolution.slabs import Slabs
from skngd.estimators.problem_task import ProblemTask
from skngd.geometry import Box
from skngd.pde import Dirichlet, Initial, Input, Periodic, Problem, Unknown

PI = np.pi


def wave(x):
    return 0.5 + 0.2 * np.cos(x)


class Carried(Problem):
    """u_t + u_x = u (1 − u): logistic growth of what is carried around a ring."""

    domain = Box(t=(0, 0.3), x=(0, 2 * PI))
    conditions = (Initial(wave), Periodic("x"))

    def residual(self, u, t, x):
        return u.t + u.x - u * (1 - u)

    def exact(self, t, x):
        grown = wave(x - t) * np.exp(t)
        return grown / (grown + 1 - wave(x - t))


class Rotated(Problem):
    """Two fields that turn into each other, with space before time."""

    domain = Box(x=(-1, 1), t=(0, 0.5))
    fields = ("u", "v")
    conditions = (
        Initial(lambda x: np.cos(PI * x), field="u"),
        Initial(lambda x: 1.0 + 0 * x, field="v"),
        Periodic("x"),
    )

    def residual(self, u, v, x, t):
        return u.t - v, v.t + u


def changed(residual=None, conditions=None, domain=None, **coefficients):
    return Problem.from_function(
        residual or (lambda u, t, x: u.t + u.x - u * (1 - u)),
        domain or Carried.domain,
        conditions or Carried.conditions,
        coefficients=coefficients,
    )


def slabs_of(problem, work=np.inf, **settings):
    """A composition without the race that comes before."""
    estimator = PINNEstimator(problem, random_state=0, **settings)
    with plain_tensors():
        return HarmonicSlabs(ProblemTask(estimator, None, None, None), work).run()


def test_neurons_are_a_lattice_of_harmonics():
    weights, biases = harmonic_neurons(3, 2, 2.0, 16.0)
    # The constant is the bias of the last layer.
    assert len(weights) == len(biases) == 7 * 5 - 1
    x = np.linspace(-1, 1, 201)
    for t in (-1.0, 0.3, 1.0):
        of_x = [
            np.sin(np.outer(at, weights[:, 0]) + weights[:, 1] * t + biases) for at in (x, x + 2)
        ]
        assert_allclose(*of_x, atol=1e-12)
    X = np.random.RandomState(0).uniform(-1, 1, (400, 2))
    columns = np.column_stack([np.sin(X @ weights.T + biases), np.ones(400)])
    for power in range(4):
        target = X[:, 1] ** power * np.cos(3 * PI * X[:, 0])
        found = np.linalg.lstsq(columns, target, rcond=None)[0]
        assert np.abs(columns @ found - target).max() < 1e-3


@pytest.mark.parametrize(
    ("problem", "axis"),
    [
        (Carried(), 1),
        (Rotated(), 0),
        (changed(conditions=(Initial(wave), Dirichlet(0.5, on="x"))), None),
        # Without agreement of slopes the solution may bend there.
        (changed(conditions=(Initial(wave), Periodic("x", derivatives=0))), None),
        # The network sees a circle already.
        (changed(conditions=(Initial(wave), Periodic("x", hard=True))), None),
        (changed(lambda u, t, x: u.t + x * u.x), None),
        (changed(lambda u, t, x, k: u.t + k * u.x, k=Input(1, 2)), None),
    ],
)
def test_where_a_series_is_fit(problem, axis):
    assert harmonic_axis(problem) == axis


@pytest.fixture(scope="module")
def carried():
    return slabs_of(Carried())


def test_a_smooth_solution_is_found_and_its_error_known(carried):
    problem = Carried()
    assert carried.is_complete
    errors, sizes = [], []
    for one in carried.fitted:
        X = one.problem_.domain.sample(300, random_state=1)
        u = problem.exact(*X.T)
        errors.append(np.linalg.norm(one.predict(X) - u))
        sizes.append(np.linalg.norm(u))
    error = np.linalg.norm(errors) / np.linalg.norm(sizes)
    assert error < 1e-9
    assert error / 5 < carried.relative["u"] < max(5 * error, 1e-12)


def test_values_go_on_where_slabs_meet_and_around_the_ring(carried):
    x = np.linspace(0, 2 * PI, 9)
    for before, behind in zip(carried.fitted, carried.fitted[1:], strict=False):
        at = np.column_stack([np.full(9, before.problem_.high), x])
        assert_allclose(before.predict(at), behind.predict(at), atol=1e-9)
    last = carried.fitted[-1]
    ends = [[last.problem_.high, 0.0], [last.problem_.high, 2 * PI]]
    for index in ("x", "xx", "xxx"):
        assert_allclose(*last.derivative(ends, index), atol=1e-9)


def test_several_fields_and_any_order_of_columns(monkeypatch):
    monkeypatch.setattr(harmonics, "FIRST", 3)
    monkeypatch.setattr(harmonics, "FIRST_SLAB", 0.5)
    found = slabs_of(Rotated())
    last = found.fitted[-1]
    X = np.column_stack([np.linspace(-1, 1, 7), np.full(7, 0.5)])
    c, s = np.cos(0.5), np.sin(0.5)
    expected = np.column_stack([np.cos(PI * X[:, 0]) * c + s, c - np.cos(PI * X[:, 0]) * s])
    assert_allclose(last.predict(X), expected, atol=1e-8)


def test_what_has_a_kink_is_given_up(monkeypatch):
    monkeypatch.setattr(harmonics, "FIRST", 6)
    monkeypatch.setattr(harmonics, "MOST_COLUMNS", 150)
    kinked = changed(conditions=(Initial(lambda x: np.abs(x - PI)), Periodic("x")))
    assert slabs_of(kinked) is None


def test_what_takes_too_much_work_is_given_up(monkeypatch):
    # The first try has too few of them.
    monkeypatch.setattr(harmonics, "FIRST", 2)
    assert slabs_of(Carried(), work=1.0) is None


def test_work_and_no_clock_decides_whether_slabs_take_too_long():
    way = Slabs(PINNEstimator(Carried()), Carried(), None, began=-1e9, before=10.0)
    assert not way._would_take_too_long()
    way.spent = 11.0
    assert way._would_take_too_long()
    # Half of the interval may take half of four times the work.
    way.reached = 0.15
    assert not way._would_take_too_long()
    way.spent = 21.0
    assert way._would_take_too_long()


def test_work_is_known_where_a_fit_has_ended():
    def worked(max_iter):
        given = {"max_iter": max_iter, "n_iter_no_change": 100, "tol": 1e-300, "random_state": 0}
        return PINNEstimator(Carried(), (4,), activation="sin", **given).fit()._work

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        few, many = worked(3), worked(30)
    assert 0 < few < many


def test_unknowns_and_measurements_leave_it_at_one_network():
    unknown = changed(lambda u, t, x, k: u.t + k * u.x, k=Unknown(1.0))
    task = ProblemTask(PINNEstimator(unknown, random_state=0), None, None, None)
    assert not InSlabs(task)._is_evolution()
