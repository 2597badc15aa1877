"""Potentials of holes as inputs: derivatives, where they are taken, and what they solve."""

import pickle
from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skngd import PINNEstimator
from skngd.estimators.starts import growth, race
from skngd.models import FullyConnected
from skngd.pde import Ball, Box, Dirichlet, Disk, Periodic, Problem
from skngd.pde.residuals.holes import Charge, Hole, Holes, holes_of
from skngd.pde.residuals.view import view_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
]

SQUARE = Box(x=(-1, 1), y=(-1, 2))
PAIR = SQUARE - Disk((-0.4, 0.3), 0.3, face="a") - Disk((0.5, 1.0), 0.2, face="b")
SOLID = Box(t=(0, 1)) * (Box(x=(-1, 1), y=(-1, 1), z=(0, 2)) - Ball((0.1, 0, 1), 0.5, face="c"))


class Plate(Problem):
    """Δu = 0 around a hole; u is a charge and a dipole beside its centre."""

    domain = SQUARE - Disk((-0.3, 0.4), 0.4, face="hole")

    def __init__(self, field="u"):
        self.field = field

    @property
    def conditions(self):
        return (Dirichlet(self.exact),)

    def exact(self, x, y):
        square = (x + 0.4) ** 2 + (y - 0.3) ** 2
        return np.log(square) / 2 + 0.1 * (x + 0.4) / square

    def residual(self, u, x, y):
        return u.laplacian()


@pytest.fixture(scope="module")
def solved():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(race, "SIZES", (8,))
        patch.setattr(growth.Growth, "_grow", lambda self, winner: winner)
        patch.setattr(growth.Growth, "second_stage", lambda self, winner, enough: False)
        return open_fit(Plate())


def open_fit(problem, **settings):
    settings = {"n_interior": 150, "max_iter": 60, "random_state": 0, **settings}
    return PINNEstimator(problem, estimate_error=False, **settings).fit()


def points_of(domain, holes, m=12):
    X = torch.tensor(domain.sample(m, random_state=0))
    centre, half_width = torch.tensor(holes.centre), torch.tensor(holes.half_width)
    return X, holes.beside((X - centre) / half_width, X)


@pytest.mark.parametrize("domain", [PAIR, SOLID], ids=["disks", "ball in time"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_potentials(domain, order):
    holes = Holes(domain.bounds, holes_of(domain))
    X, inputs = points_of(domain, holes)
    X.requires_grad_()
    scaled = (X - torch.tensor(holes.centre)) / torch.tensor(holes.half_width)
    columns = holes.beside(scaled, X)[:, -len(holes) :].T
    for index in combinations_with_replacement(range(len(domain.names)), order):
        found = holes.derivative(index, inputs)
        for place, column in enumerate(columns):
            expected = column
            for axis in index:
                if expected.requires_grad:
                    (gradient,) = torch.autograd.grad(expected.sum(), X, create_graph=True)
                    expected = gradient[:, axis]
                else:
                    expected = torch.zeros(len(X), dtype=X.dtype)
            actual = torch.zeros(len(X)) if found is None else found[place]
            assert_allclose(actual.detach(), expected.detach(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("axes", [(0, 1), (0, 1, 2), (0, 1, 2, 3)], ids=len)
def test_potentials_are_harmonic(axes):
    hole = Hole(axes, (0.1,) * len(axes), 0.5, "hole")
    x = torch.tensor(np.random.RandomState(0).uniform(0.5, 1, (10, len(axes))))
    charge = Charge(hole, x)
    for component in (None, *axes):
        terms = [charge.derivative((axis, axis), component) for axis in axes]
        assert_allclose(sum(terms), 0.0, atol=1e-12 * float(terms[0].abs().max()))


def test_potentials_are_of_order_one():
    for domain in (PAIR, SOLID):
        holes = Holes(domain.bounds, holes_of(domain))
        _, inputs = points_of(domain, holes, 500)
        assert inputs.abs().max() <= 1
        assert_allclose(holes.again(inputs), inputs, atol=1e-14)


@pytest.mark.parametrize("sizes", [(5,), (4, 3)], ids=str)
@pytest.mark.parametrize("domain", [PAIR, SOLID], ids=["disks", "ball in time"])
def test_jets_of_a_network_that_sees_them(domain, sizes):
    holes, d = Holes(domain.bounds, holes_of(domain)), len(domain.names)
    _, inputs = points_of(domain, holes, 3)
    network = FullyConnected((d + len(holes), *sizes, 2))
    theta = torch.tensor(network.initial(np.random.RandomState(0)))
    indices = [(), (0,), (d - 1,), (d - 2, d - 1), (d - 1, d - 1)]
    scale = torch.cat([1 / torch.tensor(holes.half_width), torch.ones(len(holes))])
    jets = network.jets(indices, scale, holes)
    found, expected = (one.record(theta, inputs) for one in (jets, jets.by_autodiff()))
    assert_allclose(found.value, expected.value, rtol=1e-10, atol=1e-10)
    cotangent, direction = torch.randn_like(found.value), torch.randn_like(theta)
    rows = [torch.empty(len(theta), len(inputs), dtype=theta.dtype) for _ in range(2)]
    for record, out in zip((found, expected), rows, strict=True):
        record.jacobian_into(cotangent, out)
    assert_allclose(rows[0], rows[1], rtol=1e-8, atol=1e-8)
    assert_allclose(found.gradient(cotangent), rows[1].sum(1), rtol=1e-8, atol=1e-8)
    for order in (1, 2):
        pair = (record.directional(direction, order) for record in (found, expected))
        assert_allclose(*pair, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("domain", "faces"),
    [
        (PAIR, ("a", "b")),
        (SOLID, ("c",)),
        (SQUARE - (Disk(face="a", radius=0.1) | Disk((0.5, 0), 0.1, face="b")), ("a", "b")),
        (SQUARE, ()),
        (SQUARE - Box(x=(0, 0.5), y=(0, 0.5), face="step"), ()),
        # The disk is a part, not a hole.
        (Disk(face="a") | Disk((2, 0), face="b"), ()),
    ],
)
def test_which_holes_there_are(domain, faces):
    holes = holes_of(domain)
    assert tuple(hole.face for hole in holes) == faces
    for hole in holes:
        assert [domain.names[axis] for axis in hole.axes] == [*"xyz"[: len(hole.axes)]]


def row_of(n):
    """A long box with n holes."""
    domain = Box(x=(0, n), y=(0, 1))
    for k in range(n):
        domain = domain - Disk((k + 0.5, 0.5), 0.1, face=f"hole{k}")
    return domain


@pytest.mark.parametrize(("n", "n_seen"), [(6, 18), (7, 7), (19, 0)])
def test_many_holes_have_fewer_potentials(n, n_seen):
    class Row(Plate):
        domain = row_of(n)

    view = view_of(Row(), has_holes=True)
    assert len(Holes(Row.domain.bounds, view.holes)) == n_seen


def test_groups():
    groups = Holes(PAIR.bounds, holes_of(PAIR)).groups(2).astype(int)
    # x, y, both charges, both components of each hole
    assert groups.tolist() == [
        [1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 1, 1, 0, 0],
        [1, 1, 0, 1, 0, 0, 1, 1],
    ]


def test_no_potentials_around_a_circle():
    class Channel(Plate):
        conditions = Periodic("x", hard=True), Dirichlet(0.0, on=("y", "hole"))

    view = view_of(Channel(), has_holes=True)
    assert (view.circles, view.holes) == ((0,), ())


def test_a_named_network_sees_its_coordinates():
    for named in ({"hidden_layer_sizes": (6,), "activation": "tanh"}, {"hidden_layer_sizes": (6,)}):
        solver = open_fit(Plate(), max_iter=2, **named)
        assert solver.holes_ == ()
        assert solver.coefs_[0].shape == (2, 6)


def test_a_plate_is_solved_and_kept(solved):
    X = Plate.domain.sample(200, random_state=1)
    u = Plate().exact(*X.T)
    assert np.linalg.norm(solved.predict(X) - u) < 1e-2 * np.linalg.norm(u)
    assert solved.holes_ == ("hole",)
    again = pickle.loads(pickle.dumps(solved))
    assert_array_equal(again.predict(X), solved.predict(X))
    assert_array_equal(again.derivative(X, "xy"), solved.derivative(X, "xy"))


def test_derivatives_of_a_fitted_solution(solved):
    X = Plate.domain.sample(50, random_state=1) * 0.99
    X = X[Plate.domain.contains(X, tol=-0.01)]
    step = np.array([1e-5, 0.0])
    slope = (solved.predict(X + step) - solved.predict(X - step)) / 2e-5
    assert_allclose(solved.derivative(X, "x"), slope, rtol=1e-5, atol=1e-5)


def test_the_first_layer_in_potentials(solved):
    X = Plate.domain.sample(20, random_state=1)
    vectors = (X - [-0.3, 0.4]) / 0.4
    r = np.linalg.norm(vectors, axis=1, keepdims=True)
    inputs = np.hstack([X, np.log(r), vectors / r**2])
    act = {"tanh": np.tanh, "sin": np.sin}[solved.activation_]
    hidden = act(inputs @ solved.coefs_[0] + solved.intercepts_[0])
    values = (hidden @ solved.coefs_[1] + solved.intercepts_[1])[:, 0]
    assert_allclose(values, solved.predict(X), atol=1e-10)


def test_warm_start_keeps_the_potentials(solved):
    before, solver = solved.loss_, pickle.loads(pickle.dumps(solved))
    solver.set_params(warm_start=True, max_iter=2)
    assert solver.fit().holes_ == ("hole",)
    assert solver.loss_curve_[0] < 1e3 * before
