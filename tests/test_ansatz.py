"""Hard conditions: they hold for every network, and the derivatives are those of the values."""

import inspect

import numpy as np
import pytest
import torch
from cases import normal
from differentiation import derivative
from messages import assert_advises
from numpy.testing import assert_allclose
from physics import Assembled, differentiate

from skngd.models import FullyConnected
from skngd.pde import (
    Ball,
    Box,
    Difference,
    Dirichlet,
    Disk,
    Initial,
    Input,
    Interval,
    Neumann,
    Polygon,
    Problem,
    Robin,
)
from skngd.pde.agreement import contradictions
from skngd.pde.conditions import Prescribed
from skngd.pde.residuals.ansatz import hard_conditions

SQUARE = Box(x=(0, 1), y=(-1, 2))
STRIP = Box(t=(0, 2), x=(-1, 1))
CUBE = Box(x=(0, 1), y=(-1, 2), z=(3, 5))


PLATE = Box(x=(-1, 1), y=(-1, 1)) - Disk(radius=0.5, face="hole")
TRIANGLE = Polygon([(0, 0), (2, 0), (0, 1)])


# Values that belong to one smooth function, so that they agree in the corners.


def plane(x, y):
    return x**2 + np.exp(y) * x - 3 * y


def wave(t, x):
    return np.sin(2 * x - t) + t * x**2


def at_start(x):
    return wave(0.0, x)


def solid(x, y, z):
    return x * y - np.cos(z) * (1 + x)


def drum(t, x, y):
    return plane(x, y) * np.cos(t)


# name: domain, its hard conditions
HARD = {
    "both ends": (Interval(-1, 2), [Dirichlet(3.0)]),
    "one end": (Interval(-1, 2), [Dirichlet(3.0, on="x.max")]),
    "another value at each end": (
        Interval(-1, 2),
        [Dirichlet(3.0, on="x.max"), Dirichlet(-2.0, on="x.min")],
    ),
    "a function": (Interval(-1, 2), [Dirichlet(lambda x: x**3)]),
    "a long interval": (Interval(1000, 5000), [Dirichlet(lambda x: x / 1000)]),
    "start": (STRIP, [Initial(at_start)]),
    "start alone": (Box(t=(1, 4)), [Initial(2.0)]),
    "start by another name": (STRIP, [Initial(lambda t: wave(t, -1.0), time="x")]),
    "rectangle": (SQUARE, [Dirichlet(plane)]),
    "rectangle, zero": (SQUARE, [Dirichlet()]),
    "two sides": (SQUARE, [Dirichlet(plane, on="y")]),
    "a corner": (SQUARE, [Dirichlet(plane, on=("x.min", "y.max"))]),
    "three sides, in turn": (
        SQUARE,
        [Dirichlet(plane, on="y.max"), Dirichlet(plane, on="x")],
    ),
    "start and sides": (STRIP, [Dirichlet(wave, on="x"), Initial(at_start)]),
    "start and one side": (STRIP, [Initial(at_start), Dirichlet(lambda t: wave(t, 1.0), "x.max")]),
    "cuboid": (CUBE, [Dirichlet(solid)]),
    "cuboid, some faces": (CUBE, [Dirichlet(solid, on=("x", "y.min", "z.max"))]),
    "disk": (Disk((1, 0), 2), [Dirichlet(plane)]),
    "triangle": (TRIANGLE, [Dirichlet(plane)]),
    "a square by one name": (Box(x=(0, 1), y=(0, 2), face="edge"), [Dirichlet(plane)]),
    "hole": (PLATE, [Dirichlet(plane, on="hole")]),
    "hole and edge": (PLATE, [Dirichlet(plane, on="hole"), Dirichlet(3.0, on=("x", "y"))]),
    "ball": (Ball(radius=2), [Dirichlet(solid)]),
    "start in a disk": (Box(t=(0, 1)) * Disk(), [Initial(plane), Dirichlet(drum)]),
    "slopes in time": (
        Box(z=(0, 1)) * Disk(names=("t", "x")),
        [Dirichlet(wave, on="boundary"), Neumann(0.0, on="z")],
    ),
    "slopes": (Interval(-1, 2), [Neumann(0.5)]),
    "slope at one end": (Interval(-1, 2), [Neumann(0.5, on="x.min")]),
    "another slope at each end": (
        Interval(-1, 2),
        [Neumann(0.5, on="x.min"), Neumann(-2.0, on="x.max")],
    ),
    "value and slope": (Interval(0, 3), [Dirichlet(1.0, on="x.min"), Neumann(-2.0, on="x.max")]),
    "slope and value": (Interval(0, 3), [Neumann(-2.0, on="x.min"), Dirichlet(1.0, on="x.max")]),
    "slopes of a strip": (STRIP, [Neumann(lambda t: np.sin(3 * t), on="x")]),
    "start and slopes": (
        STRIP,
        [
            Initial(at_start),
            Neumann(lambda t: 2 * np.cos(2 - t) + 2 * t, on="x.max"),
            Neumann(lambda t: -2 * np.cos(-2 - t) + 2 * t, on="x.min"),
        ],
    ),
    "values across, slopes along": (
        SQUARE,
        [
            Dirichlet(plane, on="x"),
            Neumann(lambda x: np.exp(2.0) * x - 3, on="y.max"),
            Neumann(lambda x, y: 3 - x * np.exp(y), on="y.min"),
        ],
    ),
}
every_case = pytest.mark.parametrize(("domain", "conditions"), HARD.values(), ids=HARD)


def hard(domain, conditions, **coefficients):
    """A problem on which all these conditions are hard."""
    for condition in conditions:
        condition.hard = True
    return Problem.from_function(
        lambda u, *arguments, **given: u, domain, conditions, coefficients=coefficients
    )


def network_of(n_inputs, seed=0):
    """Some network as a function of points."""
    network = FullyConnected((n_inputs, 5, 1))
    theta = normal(network.n_parameters, seed=seed)
    return lambda x: network.value(theta, torch.tanh(x / 10))[:, 0]


class Solution:
    """v of an ansatz with some network: ``v(X)`` and ``v(X, 0, 1)`` in NumPy."""

    def __init__(self, problem, network, field="u"):
        self.ansatz, self.network = hard_conditions(problem, field), network

    def __call__(self, X, *index):
        x = torch.tensor(X)
        constant, terms = self.ansatz.expansion(index, x)
        total = torch.zeros_like(x[:, 0]) if constant is None else constant
        for face, inner, coefficient in terms:
            points = x if face is None else face.onto(x)
            part = differentiate(self.network, points, inner)
            total = total + (part if coefficient is None else coefficient * part)
        return total.detach().numpy()


def prescribed(condition, domain, points):
    """The value of a condition at points, by the names of the arguments of its function."""
    if not callable(condition.value):
        return np.full(len(points), condition.value)
    columns = dict(zip(domain.names, points.T, strict=False))
    names = inspect.signature(condition.value).parameters
    return condition.value(*(columns[name] for name in names))


@every_case
@pytest.mark.parametrize("seed", [0, 1])
def test_hard_conditions_hold_for_every_network(domain, conditions, seed):
    d = len(domain.names)
    v = Solution(hard(domain, conditions), network_of(d, seed))
    for condition in conditions:
        points, normals, _ = domain.boundary(20, condition.faces(domain), random_state=seed)
        if isinstance(condition, Neumann):
            found = sum(normals[:, axis] * v(points, axis) for axis in range(d))
        else:
            found = v(points)
        assert_allclose(found, prescribed(condition, domain, points), rtol=1e-12, atol=1e-12)


@every_case
def test_derivatives_are_those_of_the_values(domain, conditions):
    d = len(domain.names)
    v = Solution(hard(domain, conditions), network_of(d))
    X = domain.sample(5, random_state=0)
    radius = 0.02 * np.ptp(domain.bounds, axis=1)
    indices = [(0,), (0, d - 1), (d - 1,) * 3, (0, 0, d - 1, d - 1)]
    for index in indices:
        *lower, axis = index

        def moved(column, axis=axis, lower=lower):
            there = X.copy()
            there[:, axis] = column
            return v(there, *lower)

        expected = derivative(moved, X[:, axis], radius=radius[axis], degree=10)
        atol = 1e-8 * np.abs(expected).max() + 1e-10
        assert_allclose(v(X, *index), expected, rtol=0, atol=atol)


@every_case
def test_the_network_is_free_inside(domain, conditions):
    d = len(domain.names)
    problem = hard(domain, conditions)
    X = domain.sample(10, random_state=1)
    values = [Solution(problem, network_of(d, seed))(X) for seed in (0, 1)]
    assert (np.abs(values[0] - values[1]) > 1e-9).all()


@every_case
def test_v_is_affine_in_the_network(domain, conditions):
    d = len(domain.names)
    problem, X = hard(domain, conditions), domain.sample(10, random_state=1)
    one, two = network_of(d, 0), network_of(d, 1)
    v, w, between = (
        Solution(problem, network)(X, 0)
        for network in (one, two, lambda x: 0.3 * one(x) + 0.7 * two(x))
    )
    assert_allclose(between, 0.3 * v + 0.7 * w, rtol=1e-11, atol=1e-11)


def test_without_hard_conditions_v_is_the_network():
    problem = Problem.from_function(lambda u, x, y: u, SQUARE, [Dirichlet(1.0), Neumann(0.0)])
    ansatz = hard_conditions(problem, "u")
    assert ansatz.is_plain
    network, X = network_of(2), SQUARE.sample(5)
    expected = differentiate(network, torch.tensor(X), (0, 1)).detach()
    assert_allclose(Solution(problem, network)(X, 0, 1), expected, rtol=1e-14)


def test_the_distance_is_one_in_the_middle_and_vanishes_on_the_faces():
    ansatz = hard_conditions(hard(SQUARE, [Dirichlet(0.0)]), "u")
    points = torch.tensor([[0.5, 0.5], [0.0, 0.3], [1.0, 0.0], [0.7, -1.0], [0.2, 2.0]])
    assert_allclose(ansatz.distance(points.double()), [1, 0, 0, 0, 0], atol=1e-15)


def test_a_polygon_that_bends_inwards_has_a_distance():
    ell = Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
    v = Solution(hard(ell, [Dirichlet(plane)]), network_of(2))
    edge = ell.boundary(40, random_state=0)[0]
    assert_allclose(v(edge), plane(*edge.T), rtol=1e-12, atol=1e-12)
    X = ell.sample(20, random_state=0)
    expected = derivative(
        lambda x: v(np.stack([x, X[:, 1] + 0 * x], axis=1)), X[:, 0], radius=1e-4, degree=4
    )
    assert_allclose(v(X, 0), expected, rtol=1e-5)


def test_slopes_may_not_bend_in_a_curve():
    conditions = [Dirichlet(on="hole", hard=True), Neumann(on="x.min", hard=True)]
    problem = Problem.from_function(lambda u, x, y: u, PLATE, conditions)
    with pytest.raises(ValueError, match="Expected") as caught:
        hard_conditions(problem, "u")
    assert_advises(caught.value, "no curved face", "Neumann")


def test_values_may_depend_on_inputs():
    conditions = [Initial(lambda x, nu: nu * x), Dirichlet(lambda nu, t: nu + t, on="x.max")]
    problem = hard(STRIP, conditions, nu=Input(1.0, 4.0))
    v = Solution(problem, network_of(3))
    x = np.linspace(-1, 1, 5)
    nu = np.linspace(1, 4, 5)
    assert_allclose(v(np.stack([0 * x, x, nu], axis=1)), nu * x, rtol=1e-12, atol=1e-13)
    assert_allclose(v(np.stack([x + 1, 0 * x + 1, nu], axis=1))[1:], (nu + x + 1)[1:], rtol=1e-12)


class Told(Problem):
    """A hard value that is a coefficient."""

    domain = Interval(0, 1)

    def __init__(self, value=2.0):
        self.value = value

    @property
    def conditions(self):
        return (Dirichlet(self.value, on="x.min", hard=True),)

    def residual(self, u, x):
        return u.xx


@pytest.mark.parametrize(("value", "expected"), [(2.0, 2.0), (Input(1.0, 4.0), 3.0)], ids=repr)
def test_values_may_be_coefficients(value, expected):
    problem = Told(value)
    columns = [0.0] if isinstance(value, float) else [0.0, 3.0]
    v = Solution(problem, network_of(len(columns)))
    assert_allclose(v(np.array([columns])), expected, rtol=1e-14)


def test_each_field_has_its_own():
    conditions = [
        Dirichlet(1.0, on="x.min", field="u", hard=True),
        Dirichlet(5.0, on="x.max", hard=True),
    ]
    problem = Problem.from_function(lambda u, v, x: (u, v), Interval(0, 1), conditions, ("u", "v"))
    ends = np.array([[0.0], [1.0]])
    u, v = (Solution(problem, network_of(1), field) for field in "uv")
    assert_allclose(u(ends), [1, 5], rtol=1e-14)
    assert_allclose(v(ends)[1], 5, rtol=1e-14)
    assert abs(v(ends)[0] - 1) > 1e-3


def test_hard_conditions_are_no_blocks():
    conditions = [
        Dirichlet(0.0, on="x.min", hard=True),
        Dirichlet(1.0, on="x.max", name="other end"),
    ]
    problem = Problem.from_function(lambda u, x: u.xx, Interval(0, 1), conditions)
    assembled = Assembled(problem)
    assert [block.name for block in assembled.collocation.blocks] == ["equation", "other end"]


class Symmetry(Prescribed):
    """∂u/∂n = 0, by a class of one's own."""

    needs_normals = True
    prescribes = "slope"

    def __init__(self, on, field=None, weight=1.0, hard=False, name=None):
        super().__init__(0.0, on, field, weight, hard, name)

    def equations(self, places):
        (place,) = places
        return [place.normal_derivative(u) for u in self.fields_of(place)]


def test_a_condition_of_ones_own_may_be_hard():
    conditions = [Symmetry("x.min", hard=True), Dirichlet(2.0, on="x.max", hard=True)]
    problem = Problem.from_function(lambda u, x: u.xx, Interval(), conditions)
    v = Solution(problem, network_of(1))
    assert_allclose(v(np.array([[1.0]])), 2.0, rtol=1e-14)
    assert_allclose(v(np.array([[0.0]]), 0), 0.0, atol=1e-14)
    assert not contradictions(problem)
    steep = [Symmetry("x.min"), Neumann(1.0, on="x.min")]
    (sentence,) = contradictions(Problem.from_function(lambda u, x: u.xx, Interval(), steep))
    assert "Symmetry(on='x.min')" in sentence or "Symmetry('x.min')" in sentence


# What cannot be hard


@pytest.mark.parametrize(
    ("domain", "condition", "expected", "came"),
    [
        (Disk(), Neumann(on="boundary"), "faces of a Box", "'boundary'"),
        (Box(x=(0, 1), face="wall"), Neumann(), "faces of a Box", "Box"),
        (Box(x=(0, 1)) | Box(x=(2, 3), face="b"), Dirichlet(), "smooth distance", "Union"),
        (SQUARE, Dirichlet(on="z"), "on to name faces", "'z'"),
        (
            Difference(SQUARE, Disk((0.5, 0.5), 0.2, face="hole")),
            Neumann(on="hole"),
            "faces of a Box",
            "'hole'",
        ),
        (
            STRIP,
            Initial(0.0, derivative=1),
            "values or slopes, not with derivatives",
            "derivative=1",
        ),
        (SQUARE, Initial(0.0), "coordinate 't'", "'x', 'y'"),
        (Interval(), Robin(1.0, 1.0), "hard", "Robin"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_conditions_that_cannot_be_hard(domain, condition, expected, came):
    with pytest.raises(ValueError, match=r"hard|coordinate|faces") as caught:
        hard_conditions(hard(domain, [condition]), "u")
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize(
    ("domain", "conditions"),
    [
        (SQUARE, [Neumann(0.0)]),
        (SQUARE, [Neumann(0.0, on="x"), Neumann(0.0, on="y.min")]),
        (Interval(), [Dirichlet(1.0, on="x.min"), Neumann(2.0, on="x.min")]),
        (Interval(), [Dirichlet(1.0, on="x.min"), Dirichlet(2.0, on="x.min")]),
        (Interval(), [Dirichlet(1.0), Dirichlet(2.0, on="x.min")]),
        (Interval(), [Neumann(1.0), Neumann(2.0, on="x.min")]),
    ],
    ids=["slopes on two axes", "slopes across", "value and slope", *["twice"] * 3],
)
def test_hard_conditions_that_do_not_go_together_are_refused(domain, conditions):
    with pytest.raises(ValueError, match="hard") as caught:
        hard_conditions(hard(domain, conditions), "u")
    assert_advises(caught.value, "[Ee]xpected", "Dirichlet|Neumann")


def test_a_hard_condition_of_an_unknown_field_is_refused():
    problem = Problem.from_function(
        lambda u, x: u.xx, Interval(), [Dirichlet(1.0, field="w", hard=True)]
    )
    with pytest.raises(ValueError, match="field") as caught:
        Assembled(problem)
    assert_advises(caught.value, r"one of \('u',\)", "'w'")
