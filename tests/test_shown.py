"""What messages say of values: many numbers are a shape, a few are written out."""

import functools
import re

import numpy as np
import pytest
from domain_cases import SQUARE

from skngd import PINNEstimator
from skngd.geometry.box import Box, Interval
from skngd.geometry.combinations import Product, Union
from skngd.geometry.points import Points
from skngd.geometry.sampling import check_sampler, gauss_rule, unit_points
from skngd.geometry.shapes import Disk, Polygon
from skngd.geometry.shown import shown
from skngd.pde import Dirichlet, Equation, Initial, Input, Neumann, Periodic, Problem, Unknown
from skngd.pde.checks import check_problem
from skngd.pde.expressions.quantity import Quantity

ANGLES = np.linspace(0, 2 * np.pi, 400, endpoint=False)
ROUND = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
MANY = np.random.RandomState(0).uniform(size=(3000, 2))
NODES, ROW = list(MANY[:, 0]), MANY[:, 1]
LARGE = {
    "points": Points(MANY, ("x", "y"), {"wall": (ROUND, ROUND), "hole": 0.1 * ROUND}),
    "polygon": Polygon(ROUND),
    "difference": Box(x=(-2, 2), y=(-2, 2)) - Polygon(ROUND, face="hole"),
    "product": Interval(name="t") * Polygon(ROUND),
}
every_large = pytest.mark.parametrize("domain", LARGE.values(), ids=LARGE)


def assert_brief(text):
    """No run of numbers, and a message that can be read."""
    assert len(text) < 700, text
    assert not re.search(r"(-?\d+\.\d+[\s,\])(]+){6}", text), text


class Table(Problem):
    """A load by a table."""

    domain = Interval()
    conditions = (Dirichlet(),)

    def __init__(self, nodes=None, load=None, k=1.0):
        self.nodes, self.load, self.k = nodes, load, k

    def residual(self, u, x):
        return u.xx + self.k * u + np.interp(x, self.nodes, self.load)


def poisson(u, *x):
    return u.laplacian() + 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        ("x", "'x'"),
        ((0, 1), "(0, 1)"),
        ((3,), "(3,)"),
        ([[0.5], "x"], "[[0.5], 'x']"),
        ({"a": None}, "{'a': None}"),
        (MANY, "<ndarray of shape (3000, 2)>"),
        (NODES, "<list of shape (3000,)>"),
        ([NODES, [1.0]], "[<list of shape (3000,)>, [1.0]]"),
        ({"nodes": (ROW, 1)}, "{'nodes': (<ndarray of shape (3000,)>, 1)}"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_is_shown(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    "value",
    [functools.partial(np.interp, xp=ROW), Dirichlet(ROW), Table(NODES, ROW), [Table(ROW)] * 2],
    ids=["partial", "condition", "problem", "list"],
)
def test_arrays_within_others_are_brief(value):
    assert_brief(shown(value))


@every_large
def test_domains_are_brief(domain):
    assert_brief(repr(domain))
    assert re.search(r"of shape \(\d+, 2\)", repr(domain))
    assert domain == type(domain)(**domain._arguments())


def test_problems_are_brief():
    problem = Table(NODES, ROW, k=2.0)
    assert repr(problem) == (
        "Table(nodes=<list of shape (3000,)>, load=<ndarray of shape (3000,)>, k=2.0)"
    )
    stated = Problem.from_function(poisson, LARGE["points"], [Dirichlet(ROW)] * 2)
    assert_brief(repr(stated))


# What cannot be, with many numbers in it

REFUSED = {
    "combined points": lambda: Union(LARGE["points"], Disk()),
    "product with an array": lambda: Product(SQUARE, MANY),
    "nothing left": lambda: Polygon(0.5 * ROUND) - Polygon(ROUND, face="all"),
    "bounds": lambda: Box(x=ROW),
    "bounds in a list": lambda: Box(x=NODES),
    "center": lambda: Disk(center=NODES),
    "vertices": lambda: Polygon(np.where(ROUND > 0.9, np.nan, ROUND)),
    "names": lambda: Disk(names=NODES),
    "face": lambda: Disk(face=ROW),
    "count": lambda: SQUARE.sample(ROW),
    "counts": lambda: unit_points(NODES, 2, "grid"),
    "counts of sobol": lambda: unit_points(NODES, 2),
    "sampler": lambda: check_sampler(ROW),
    "seed": lambda: SQUARE.sample(9, random_state=ROW),
    "interval": lambda: gauss_rule(3, ROW, ROW),
    "faces": lambda: SQUARE.boundary(9, NODES),
    "pairs of points": lambda: LARGE["points"].pairs(9, "x"),
    "pairs along an array": lambda: SQUARE.pairs(9, ROW),
    "value": lambda: Dirichlet(NODES),
    "weight": lambda: Dirichlet(weight=ROW),
    "on": lambda: Neumann(on=ROW),
    "field": lambda: Neumann(field=ROW),
    "order": lambda: Initial(derivative=ROW),
    "coordinate": lambda: Periodic(NODES),
    "residual": lambda: Equation(ROW),
    "function": lambda: Problem.from_function(NODES, SQUARE),
    "coefficients": lambda: Problem.from_function(poisson, SQUARE, coefficients=NODES),
    "unknown": lambda: Unknown(ROW),
    "input": lambda: Input(NODES, 1.0),
    "scale": lambda: Input(0, 1, NODES),
    "operand": lambda: Quantity(None) + NODES,
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_errors_are_brief(make):
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert_brief(str(caught.value))


@pytest.mark.parametrize(
    "problem",
    [
        MANY,
        Problem.from_function(poisson, MANY),
        Problem.from_function(poisson, Disk(), NODES),
        Problem.from_function(poisson, Disk(), [MANY]),
        Problem.from_function(poisson, Disk(), fields=NODES),
        Problem.from_function(lambda u, x, y: NODES, Disk()),
        Problem.from_function(
            lambda u, x, y, q: q * u, Disk(), coefficients={"q": {"nodes": NODES}}
        ),
        *(
            Problem.from_function(poisson, LARGE[domain], [kind(hard=True)])
            for domain, kind in (
                ("polygon", Neumann),
                ("points", Dirichlet),
                ("difference", Neumann),
            )
        ),
        Problem.from_function(poisson, LARGE["points"], [Neumann(on="hole")]),
    ],
    ids=[
        *("no problem", "domain", "conditions", "condition", "fields", "residual", "coefficient"),
        *("hard on a polygon", "hard on points", "hard on a hole", "no normals"),
    ],
)
def test_problems_that_are_refused_are_brief(problem):
    def fitted():
        check_problem(problem)
        PINNEstimator(problem).fit()

    with pytest.raises((TypeError, ValueError)) as caught:
        fitted()
    assert_brief(str(caught.value))


@pytest.mark.filterwarnings("ignore:FunctionProblem has no conditions")
@every_large
def test_points_outside_are_refused_briefly(domain):
    problem = Problem.from_function(lambda u, *x: u - 1, domain)
    solver = PINNEstimator(problem, (3,), n_interior=20, max_iter=9, tol=0.9, random_state=0).fit()
    with pytest.raises(ValueError, match="inside the domain") as caught:
        solver.predict(np.full((2, len(domain.names)), 9.0))
    assert_brief(str(caught.value))
