"""Periodic coordinates as circles: the chain rule, where they are taken, and what they solve."""

import pickle

import numpy as np
import pytest
import torch
from cases import shown
from numpy.testing import assert_allclose, assert_array_equal

from skngd import PINNEstimator
from skngd.estimators.evolution import in_slabs
from skngd.estimators.starts import growth, race
from skngd.pde import Box, Dirichlet, Initial, Periodic, Problem, Unknown
from skngd.pde.residuals.circles import Circles, periodic_axes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Ring(Problem):
    """u_t = k u_xx + g(x) on a ring of length 3, in units of its own."""

    domain = Box(t=(0, 0.5), x=(-1, 2))

    def __init__(self, k=0.1, hard=True, derivatives=1, source=np.zeros_like):
        self.k, self.hard, self.derivatives, self.source = k, hard, derivatives, source

    @property
    def conditions(self):
        return Initial(wave), Periodic("x", self.derivatives, hard=self.hard)

    def residual(self, u, t, x):
        return u.t - self.k * u.xx - self.source(x)

    def solution(self, X):
        t, x = X.T
        return wave(x) * np.exp(-self.k * (2 * np.pi / 3) ** 2 * t)


def wave(x):
    return np.sin(2 * np.pi * x / 3)


class Pair(Ring):
    """Two fields, of which one is periodic."""

    fields = ("u", "v")

    @property
    def conditions(self):
        return (Periodic("x", field="u"), Dirichlet(0.0, on="x", field="v"))

    def residual(self, u, v, t, x):
        return u.t - v, v.t - u.xx


def fitted(problem, *data, **settings):
    settings = {"n_interior": 150, "max_iter": 60, "random_state": 0, **settings}
    return PINNEstimator(problem, **settings).fit(*data)


def axes_of(problem):
    return periodic_axes(problem, is_free=True)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_chain_rule(order):
    circles = Circles([[0.0, 1.0], [-1.0, 2.0], [3.0, 4.0]], (1,))
    slopes = [0.3, 0.7, 0.5, -0.4]

    def network(z):
        return torch.exp(z @ z.new_tensor(slopes))

    x = torch.rand(7, 3, dtype=torch.float64).requires_grad_()
    assert circles.inputs(x, x).shape == (7, 4)
    expected = network(circles.inputs(x, x))
    for axis in (0,) + order * (1,):
        (gradient,) = torch.autograd.grad(expected.sum(), x, create_graph=True)
        expected = gradient[:, axis]
    terms = circles.expansion((0,) + order * (1,), x)
    value = network(circles.inputs(x, x))
    found = sum(factor * np.prod([slopes[i] for i in index]) * value for index, factor in terms)
    assert_allclose(found.detach(), expected.detach(), rtol=1e-12)


def test_points_are_found_again():
    circles = Circles([[0.0, 1.0], [-1.0, 2.0]], (1,))
    x = torch.tensor([[0.2, 1.3], [0.9, -0.5]], dtype=torch.float64)
    for point, inputs in zip(x.numpy(), circles.inputs(x, x).numpy(), strict=True):
        assert_allclose(circles.located(inputs, point), point)


@pytest.mark.parametrize(
    ("problem", "axes"),
    [
        (Ring(hard="auto"), (1,)),
        (Ring(hard=True), (1,)),
        (Ring(hard=False), ()),
        # A slope may jump.
        (Ring(hard="auto", derivatives=0), ()),
        (Ring(hard=True, derivatives=0), (1,)),
        (Ring(hard="auto", source=wave), (1,)),
        # Periodic at the faces, not behind them.
        (Ring(hard="auto", source=lambda x: (x + 1) * (2 - x)), ()),
        # Not defined behind them.
        (Ring(hard="auto", source=lambda x: np.sqrt((x + 1) * (2 - x))), ()),
        (Pair(), ()),
    ],
    ids=shown,
)
def test_where_a_coordinate_is_a_circle(problem, axes):
    assert axes_of(problem) == axes


def test_a_named_network_is_soft_by_default():
    named = {"hidden_layer_sizes": (6,), "activation": "tanh", "max_iter": 3}
    assert fitted(Ring(hard="auto"), **named).coefs_[0].shape == (2, 6)
    assert "periodic x" in fitted(Ring(hard="auto"), **named).history_
    hard = fitted(Ring(hard=True), **named)
    assert hard.coefs_[0].shape == (3, 6)
    assert "periodic x" not in hard.history_


@pytest.mark.parametrize("sizes", [(12,), (6, 6)], ids=str)
def test_a_hard_condition_holds_whatever_the_network_is(sizes):
    solver = fitted(Ring(), hidden_layer_sizes=sizes, activation="tanh", max_iter=5)
    t = np.linspace(0, 0.5, 9)
    low, high = (np.column_stack([t, np.full(9, x)]) for x in (-1.0, 2.0))
    assert_allclose(solver.predict(low), solver.predict(high), atol=1e-12)
    for of in ("x", "xx", "tx", "xxx"):
        one, two = solver.derivative(low, of), solver.derivative(high, of)
        assert_allclose(one, two, atol=1e-12 * (1 + np.abs(one).max()))
    X = Ring.domain.sample(50, random_state=1)
    step = np.array([0.0, 1e-4])
    slope = (solver.predict(X + step) - solver.predict(X - step)) / 2e-4
    assert_allclose(solver.derivative(X, "x"), slope, atol=1e-6)


def test_a_ring_is_solved_and_kept():
    solver = fitted(Ring(), hidden_layer_sizes=(20,), estimate_error=False)
    X = Ring.domain.sample(200, random_state=1)
    assert_allclose(solver.predict(X), Ring().solution(X), atol=1e-6)
    again = pickle.loads(pickle.dumps(solver))
    assert_array_equal(again.predict(X), solver.predict(X))
    assert solver.circles_ == ("x",)
    # The first layer in the inputs of the network: t, cos and sin.
    t, x = X.T
    angle = 2 * np.pi * (x + 1) / 3
    inputs = np.column_stack([t, np.cos(angle), np.sin(angle)])
    act = {"tanh": np.tanh, "sin": np.sin}[solver.activation_]
    hidden = act(inputs @ solver.coefs_[0] + solver.intercepts_[0])
    values = (hidden @ solver.coefs_[1] + solver.intercepts_[1])[:, 0]
    assert_allclose(values, solver.predict(X), atol=1e-10)


def test_an_unknown_on_a_ring():
    X = Ring.domain.sample(20, random_state=1)
    problem = Ring(Unknown(0.02, low=0))
    solver = fitted(problem, X, Ring(0.1).solution(X), hidden_layer_sizes=(20,))
    assert_allclose(solver.unknowns_["k"], 0.1, rtol=1e-4)


def test_deep_networks_race_both_ways(monkeypatch):
    monkeypatch.setattr(race, "SIZES", (1,))
    monkeypatch.setattr(growth, "DEEP", (4, 4))
    monkeypatch.setattr(in_slabs.InSlabs, "take_harmonics", lambda self, race: False)
    monkeypatch.setattr(growth.Growth, "second_stage", lambda self, winner, enough: False)
    solver = fitted(Ring(hard="auto"), activation="tanh", max_iter=300)
    table = solver.candidates_
    deep = [sizes == (4, 4) for sizes in table["hidden_layer_sizes"]]
    assert np.count_nonzero(deep) > 2 * len(race.BANDWIDTHS)
    assert table["bandwidth"].shape[1] == 2


def test_what_hard_may_be():
    with pytest.raises(ValueError, match="Expected hard of Periodic"):
        Periodic("x", hard="yes")


def test_warm_start_keeps_the_circles():
    solver = fitted(Ring(), hidden_layer_sizes=(6,), activation="tanh", warm_start=True)
    solver.problem = Ring(hard="auto")
    before = solver.loss_
    assert solver.fit().coefs_[0].shape == (3, 6)
    assert solver.loss_curve_[0] < 1e3 * before
