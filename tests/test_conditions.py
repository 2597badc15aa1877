"""Conditions: what they say, where they hold, and how much they count."""

import pickle

import numpy as np
import pytest
from cases import assert_close, shown
from messages import assert_advises
from numpy.testing import assert_allclose
from physics import Assembled

from skngd.pde import (
    Box,
    Dirichlet,
    Disk,
    Equation,
    Initial,
    Interval,
    Neumann,
    Periodic,
    Problem,
    Robin,
)
from skngd.pde.conditions import Interior
from skngd.pde.observe import Observe, Observed

STRIP = Box(t=(0, 2), x=(-1, 2))


def square(x):
    return x**2


# As values

CONDITIONS = {
    "Dirichlet()": Dirichlet(),
    "Dirichlet(value=2.0)": Dirichlet(2.0),
    "Dirichlet(value=1, on='x', hard=True)": Dirichlet(1, "x", hard=True),
    "Dirichlet(on=('x.min', 'y.max'), field='u', weight='measure', name='wall')": Dirichlet(
        0.0, ("x.min", "y.max"), "u", "measure", name="wall"
    ),
    "Neumann(value=1.0, on='x.max', weight=10.0)": Neumann(1.0, "x.max", weight=10.0),
    "Robin(1.0, -2.0, value=3.0, on='x')": Robin(1.0, -2.0, 3.0, "x"),
    "Initial(value=1.0, derivative=1, time='s')": Initial(1.0, 1, "s"),
    "Initial(field='v', hard=True)": Initial(0.0, field="v", hard=True),
    "Periodic('x', derivatives=2)": Periodic("x", 2),
    "Periodic('x', field='v')": Periodic("x", field="v"),
    "Interior(weight=2.0)": Interior(2.0),
}
every_condition = pytest.mark.parametrize(("text", "condition"), CONDITIONS.items(), ids=CONDITIONS)


@every_condition
def test_repr_is_what_one_writes(text, condition):
    assert repr(condition) == text
    again = eval(repr(condition))
    assert again == condition
    assert hash(again) == hash(condition)


def test_repr_of_functions():
    assert repr(Dirichlet(square, on="x")) == "Dirichlet(value=square, on='x')"
    assert repr(Equation(lambda u, x: u, weight=2.0)) == "Equation(lambda u, x: ..., weight=2.0)"


@every_condition
def test_conditions_are_equal_where_all_they_say_is(text, condition):
    others = [other for name, other in CONDITIONS.items() if name != text]
    assert all(condition != other for other in others)
    assert condition != text
    assert pickle.loads(pickle.dumps(condition)) == condition


def test_functions_make_conditions_equal_if_they_are_the_same():
    assert Dirichlet(square) == Dirichlet(square)
    assert Dirichlet(square) != Dirichlet(lambda x: x**2)


@pytest.mark.parametrize(
    ("condition", "label"),
    [
        (Dirichlet(), "dirichlet"),
        (Dirichlet(on="x"), "dirichlet x"),
        (Neumann(on=("x.min", "y")), "neumann x.min y"),
        (Robin(1, 1, on="x", name="radiation"), "radiation"),
        (Initial(), "initial"),
        (Initial(derivative=2), "initial''"),
        (Initial(name="start"), "start"),
        (Periodic("x"), "periodic x"),
        (Equation(square), "equation"),
        (Interior(), "equation"),
        (Observed(Observe("u")), "measurements u"),
    ],
    ids=shown,
)
def test_labels(condition, label):
    assert condition.label() == label


# Where they hold


@pytest.mark.parametrize(
    ("condition", "measure"),
    [
        (Dirichlet(on="x"), 4.0),
        (Dirichlet(), 4.0),
        (Neumann(on=("x.min", "t.max")), 5.0),
        (Robin(1, 1, on="x.max"), 2.0),
        (Initial(), 3.0),
        (Initial(time="x"), 2.0),
        (Equation(square), 6.0),
        (Equation(square, on="x.min"), 2.0),
        (Interior(), 6.0),
    ],
    ids=shown,
)
def test_sites_lie_on_the_faces_and_measures_are_theirs(condition, measure):
    assert_allclose(condition.measure(STRIP), measure, rtol=1e-14)
    (points,), normals = condition.sites(STRIP, 30, "uniform", np.random.RandomState(0))
    assert points.shape == (30, 2)
    assert STRIP.contains(points).all()
    inside = (np.abs(points - STRIP.bounds[:, 0]) > 0) & (np.abs(points - STRIP.bounds[:, 1]) > 0)
    assert inside.all() == (normals is None)
    if normals is not None:
        assert not inside.all(axis=1).any()
        assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-14)


def test_the_initial_time_is_the_lowest():
    (points,), _ = Initial(time="x").sites(STRIP, 5, "grid", None)
    assert_allclose(points[:, 1], -1.0)


def test_periodic_compares_opposite_points():
    (low, high), normals = Periodic("x").sites(STRIP, 9, "uniform", np.random.RandomState(0))
    assert normals is None
    assert_allclose(low[:, 0], high[:, 0])
    assert_allclose(low[:, 1], -1)
    assert_allclose(high[:, 1], 2)


# How much they count


@pytest.mark.parametrize(
    ("condition", "weight"),
    [
        (Dirichlet(on="x"), 1.0),
        (Dirichlet(on="x", weight=20), 20.0),
        (Dirichlet(on="x", weight="measure"), 4.0),
        (Initial(weight="measure"), 3.0),
        (Neumann(on="x.max", weight="measure"), 2.0),
        (Equation(lambda u, t, x: u, weight="measure"), 6.0),
        (Equation(lambda u, t, x: (u, u.t), weight=3), 3.0),
        (Periodic("x", weight=0.5), 0.5),
    ],
    ids=shown,
)
def test_weights_are_those_of_the_mean_square(condition, weight):
    problem = Problem.from_function(lambda u, t, x: u.t - u.xx, STRIP, [condition])
    interior, block = Assembled(problem, n_points=8).collocation.blocks
    assert_close(interior.row_weights, np.full((1, 8), 1 / 8), 1e-14)
    expected = np.full((block.n_equations, block.n_points), weight / block.n_points)
    assert_close(block.row_weights, expected, 1e-14)


# Errors


@pytest.mark.parametrize(
    "weight", [0, -1.0, np.nan, np.inf, None, [1.0], np.ones(2), "area", "1"], ids=repr
)
@pytest.mark.parametrize("condition", [Dirichlet, Initial, Interior])
def test_weights_that_are_none_are_refused(condition, weight):
    with pytest.raises(ValueError, match="weight") as caught:
        condition(weight=weight)
    assert_advises(caught.value, "positive number or 'measure'", "got")


def compiled(condition, domain=STRIP):
    return Assembled(Problem.from_function(lambda u, *x: u, domain, [condition]))


@pytest.mark.parametrize(
    ("condition", "expected", "came"),
    [
        (Dirichlet(lambda a, b, c: a, on="x"), r"arguments out of \('t', 'x'\)", "'c'"),
        (Initial(lambda x, y, z: x), r"arguments out of \('t', 'x'\)", "'z'"),
        # Each in the order of the coordinates, x would be t.
        (Initial(lambda x, q: x), r"arguments out of \('t', 'x'\)", "'q'"),
        (Equation(lambda u, x, t: u.x, on="x"), r"in the order \(u, t, x\)", r"\(u, x, t\)"),
        (Dirichlet(field="w"), r"one of \('u',\)", "'w'"),
        (Periodic("x", field="w"), r"one of \('u',\)", "'w'"),
        (Robin(1, 1, field="w", on="x"), r"one of \('u',\)", "'w'"),
        (Initial(time="s"), "coordinate 's'", r"\('t', 'x'\)"),
        (Dirichlet(on="y"), "on", "'y'"),
        (Neumann(on=("x", "z.min")), "on", "'z.min'"),
        (Periodic("y"), "[Ee]xpected", "'y'"),
        (Periodic("x.min"), "[Ee]xpected", "'x.min'"),
        (Equation(lambda u, t, x: u, on="wall"), "on", "'wall'"),
    ],
    ids=lambda value: value.label() if hasattr(value, "label") else "",
)
def test_conditions_that_do_not_fit_are_refused(condition, expected, came):
    with pytest.raises(ValueError, match=came) as caught:
        compiled(condition)
    assert_advises(caught.value, expected, came)


def test_periodic_needs_opposite_faces():
    with pytest.raises(ValueError, match="Disk") as caught:
        compiled(Periodic("x"), Disk())
    assert_advises(caught.value, "Box", "Disk")


def test_names_in_one_dimension():
    assembled = compiled(Dirichlet(), Interval(0, 1))
    assert len(assembled.collocation.blocks[1].row_weights[0]) == 2
