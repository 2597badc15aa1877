"""Evolution problems slab by slab, (Slab): a network for each part of the time, one answer."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import solve_ivp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skngd import PINNEstimator
from skngd.estimators.device import plain_tensors
from skngd.estimators.evolution import slabs
from skngd.inspection import ntk
from skngd.pde import Box, Dirichlet, Initial, Integral, Periodic, Problem
from skngd.pde.slab import OnSlab, is_cut_in_time


class Growth(Problem):
    """u' = r u, u(0) = 1: three million times as large at the end as at the start."""

    domain = Box(t=(0, 3))
    conditions = (Initial(1.0),)

    def __init__(self, rate=5.0):
        self.rate = rate

    def residual(self, u, t):
        return u.t - self.rate * u


class Duffing(Problem):
    """u'' + u'/10 + u + u³ = cos(6 (t − s)/5)/2 from (1, 0) at t = s."""

    def __init__(self, start=0.0):
        self.start = start

    @property
    def domain(self):
        return Box(t=(self.start, self.start + 5))

    @property
    def conditions(self):
        return Initial(1.0), Initial(0.0, derivative=1)

    def residual(self, u, t):
        return u.tt + u.t / 10 + u + u**3 - np.cos(1.2 * (t - self.start)) / 2


class Wave(Problem):
    """u_tt = u_xx: u = sin πx cos πt."""

    domain = Box(t=(0, 0.25), x=(0, 1))
    conditions = (
        Initial(lambda x: np.sin(np.pi * x)),
        Initial(0.0, derivative=1),
        Dirichlet(0.0, on="x"),
    )

    def residual(self, u, t, x):
        return u.tt - u.xx


def solver(problem, n=12, **settings):
    given = {"activation": "sin", "n_interior": 60, "max_iter": 70, "random_state": 0, **settings}
    return PINNEstimator(problem, (n,), **given)


def solved_by_slabs(problem, n=12, former=(), **settings):
    """The solutions on slabs, without the fit that comes before."""
    estimator = solver(problem, n, **settings)
    way = slabs.Slabs(estimator, problem, check_random_state(0), 0.0)
    with plain_tensors():
        return way.run(former)


def of(residual, conditions, domain=None, fields=("u",)):
    domain = Box(t=(0, 1), x=(0, 1)) if domain is None else domain
    return Problem.from_function(residual, domain, conditions, fields)


@pytest.fixture(scope="module")
def growth():
    return solver(Growth(), activation="auto").fit()


T = np.linspace(0, 3, 61)[:, None]


def test_what_grows_by_six_orders_is_found_and_its_error_is_known(growth, recwarn):
    u, std = growth.predict(T, return_std=True)
    exact = np.exp(5 * T[:, 0])
    assert_allclose(u, exact, rtol=1e-8)
    error = np.linalg.norm(u - exact) / np.linalg.norm(exact)
    assert error / 30 < growth.error_estimate_["u"] < max(100 * error, 1e-10)
    assert (std < 1e-7 * exact).all()
    assert not recwarn.list


def test_values_agree_where_slabs_meet(growth):
    ends = np.array([one.problem_.high for one in growth.slabs_[:-1]])[:, None]
    assert len(ends)
    before, behind = growth.predict(ends), growth.predict(np.nextafter(ends, np.inf))
    assert_allclose(before, behind, rtol=1e-9)
    assert_allclose(growth.derivative(ends, "t"), 5 * before, rtol=1e-6)


def test_one_estimator_answers_for_all_slabs(growth):
    assert_allclose(
        growth.residual(T), growth.derivative(T, "t") - 5 * growth.predict(T), atol=1e-6
    )
    assert growth.score(T, np.exp(5 * T[:, 0])) > 1 - 1e-12
    assert -1e-2 < growth.score() <= 0
    assert f"{len(growth.slabs_)} slabs in t" in growth.stop_reason_
    assert growth.candidates_["n_slabs"][-1] == len(growth.slabs_)
    assert growth.n_iter_ == sum(one.n_iter_ for one in growth.slabs_)
    assert set(growth.history_["start"]) == set(range(len(growth.slabs_)))
    assert not hasattr(growth, "coefs_")
    again = pickle.loads(pickle.dumps(growth))
    assert_array_equal(again.predict(T, return_std=True), growth.predict(T, return_std=True))
    assert not hasattr(clone(growth), "slabs_")


def test_what_needs_one_network_names_the_slabs(growth):
    for call in (growth.to_torch, lambda: ntk(growth, T, T)):
        with pytest.raises(ValueError, match=r"slabs_.0."):
            call()
    assert ntk(growth.slabs_[0], T[:2], T[:2]).shape == (2, 2)


def test_a_warm_start_keeps_the_slabs(growth):
    again = pickle.loads(pickle.dumps(growth)).set_params(warm_start=True, problem__rate=5.1)
    again.fit()
    ends = [[one.problem_.high for one in fitted.slabs_] for fitted in (growth, again)]
    assert_allclose(*ends)
    assert_allclose(again.predict(T), np.exp(5.1 * T[:, 0]), rtol=1e-6)
    # What is no evolution has none, and begins anew.
    again.set_params(problem=of(lambda u, x: u.xx + 2, [Dirichlet(0.0)], Box(x=(0, 1)))).fit()
    assert again.slabs_ == ()
    assert_allclose(again.predict([[0.5]]), 0.25, rtol=1e-6)


@pytest.fixture(scope="module")
def duffing():
    return solved_by_slabs(Duffing(), 20)


def test_slabs_are_as_exact_as_a_method_of_steps(duffing):
    assert duffing.is_complete
    assert len(duffing.fitted) > 2
    worst = 0.0
    exact = solve_ivp(
        lambda t, y: [y[1], np.cos(1.2 * t) / 2 - y[1] / 10 - y[0] - y[0] ** 3],
        (0, 5),
        [1.0, 0.0],
        method="DOP853",
        rtol=1e-13,
        atol=1e-13,
        dense_output=True,
    ).sol
    for one in duffing.fitted:
        t = np.linspace(*one.problem_.domain.bounds[0], 50)
        off = one.predict(t[:, None]) - exact(t)[0], one.derivative(t[:, None], "t") - exact(t)[1]
        worst = max(worst, np.abs(off).max())
    assert worst < 1e-8


def test_derivatives_below_the_order_agree_where_slabs_meet(duffing):
    for before, behind in zip(duffing.fitted, duffing.fitted[1:], strict=False):
        end = [[before.problem_.high]]
        for of in ("t", "tt"):
            assert_allclose(before.derivative(end, of), behind.derivative(end, of), atol=1e-6)


def test_another_origin_of_time_changes_nothing(duffing, monkeypatch):
    monkeypatch.setattr(slabs, "MOST_SLABS", 2)
    shifted = solved_by_slabs(Duffing(32.0), 20)
    for one, other in zip(shifted.fitted[:2], duffing.fitted[:2], strict=True):
        assert one.problem_.high == other.problem_.high + 32
        t = np.linspace(*other.problem_.domain.bounds[0], 9)[:, None]
        assert_allclose(one.predict(t + 32), other.predict(t), atol=1e-9)


def test_slabs_of_a_wave_meet_in_values_and_velocities():
    found = solved_by_slabs(Wave(), n_interior=150, n_boundary=30)
    assert found.is_complete
    x = np.linspace(0, 1, 21)
    for before, behind in zip(found.fitted, found.fitted[1:], strict=False):
        X = np.column_stack([np.full(21, before.problem_.high), x])
        assert_allclose(before.predict(X), behind.predict(X), atol=1e-4)
        assert_allclose(before.derivative(X, "t"), behind.derivative(X, "t"), atol=1e-3)
    assert_allclose(before.predict(X), np.sin(np.pi * x) * np.cos(np.pi * X[:, 0]), atol=1e-3)


def test_how_far_it_came_is_said(monkeypatch):
    monkeypatch.setattr(slabs, "MOST_SLABS", 1)
    monkeypatch.setattr(slabs, "WANTED", 1e-8)
    found = solved_by_slabs(Growth())
    assert not found.is_complete
    assert len(found.fitted) == 2
    assert "1 slab in t came to t = 0.375 of 3" in found.outcome.sentence
    assert found.largest >= 1
    with pytest.warns(ConvergenceWarning, match="up to t = 0.375 of 3"):
        found.warn("Growth")


def test_whether_initial_values_tell_the_state():
    start, wall = Initial(1.0), Dirichlet(0.0, on="x")
    heat, wave = (lambda u, t, x: u.t - u.xx), (lambda u, t, x: u.tt - u.xx)
    assert is_cut_in_time(of(heat, (start, wall)))
    assert is_cut_in_time(of(wave, (start, Initial(0.0, derivative=1), Periodic("x"))))
    assert not is_cut_in_time(of(wave, (start, wall)))
    assert not is_cut_in_time(of(heat, (start, Dirichlet(0.0))))
    memory = Integral(over="t", high="t")
    assert not is_cut_in_time(of(lambda u, t, x: u.t - u.xx + memory(u), (start, wall)))
    fields, pressure = ("u", "p"), (lambda u, p, t, x: (u.t - u.xx + p.x, u.x))
    assert is_cut_in_time(of(pressure, (Initial(0.0, field="u"), wall), fields=fields))


def test_a_slab_is_the_problem_on_a_part_of_its_time():
    part = OnSlab(Wave(), 0.1, 0.2, end=lambda X, field, order: X[:, 1] + order)
    assert part.domain == Box(t=(0.1, 0.2), x=(0, 1))
    assert [c.label() for c in part.conditions] == [c.label() for c in Wave.conditions]
    assert clone(part).conditions[1].derivative == 1
