"""Problems that cannot be meant so are refused: what was expected, what came, what to try."""

import pickle

import numpy as np
import pytest
import torch
from messages import assert_advises
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
    Points,
    Problem,
    Robin,
    Unknown,
)
from skngd.pde.checks import check_problem
from skngd.pde.expressions.quantity import Quantity

LINE, STRIP = Interval(), Box(t=(0, 1), x=(0, 1))
PLATE = Box(x=(0, 1), y=(0, 1)) - Disk((0.5, 0.5), 0.2, face="hole")
CLOUD = Points([[0.2], [0.7]], ("x",), {"ends": [[0.0], [1.0]]})
made = Problem.from_function


def checked(*arguments, **settings):
    """Check a problem as it is before a fit, and put it together on points."""
    problem = made(*arguments, **settings)
    check_problem(problem)
    return Assembled(problem)


def poisson(u, *x):
    return u.laplacian() + 1


def beside(*conditions, domain=LINE):
    """The conditions beside an equation."""
    return lambda: checked(poisson, domain, conditions)


def of_residual(residual, domain=LINE, **settings):
    return lambda: checked(residual, domain, (), **settings)


def refused(make, expected, came, error=ValueError):
    with pytest.raises(error) as caught:
        make()
    assert_advises(caught.value, expected, came)


REFUSED = {
    # faces
    "no such face": (beside(Dirichlet(on="x.low")), r"\('x', 'x.min', 'x.max'\)", "'x.low'"),
    "no such face, hard": (
        beside(Dirichlet(on="x.low", hard=True)),
        r"\('x', 'x.min', 'x.max'\)",
        "'x.low'",
    ),
    "no such coordinate": (beside(Dirichlet(on="y", hard=True)), "'x.min'", "'y'"),
    "hard around a hole": (beside(Neumann(hard=True), domain=PLATE), "faces of a Box", "'hole'"),
    "hard on a side inside": (
        beside(
            Dirichlet(on="x", hard=True),
            domain=Disk(radius=2) - Box(x=(-0.5, 0.5), y=(-0.5, 0.5)),
        ),
        "smooth distance",
        "'x.min'",
    ),
    "no normals": (beside(Neumann(), domain=CLOUD), "[Nn]ormals", "'ends'"),
    "no normals, Robin": (beside(Robin(1, 1), domain=CLOUD), "boundary={'ends'", "no normals"),
    # fields
    "field of a hard condition": (
        beside(Dirichlet(field="v", hard=True)),
        r"one of \('u',\)",
        "'v'",
    ),
    "field of an initial value": (
        beside(Initial(field="v"), domain=STRIP),
        r"one of \('u',\)",
        "'v'",
    ),
    # hard conditions
    "hard value and slope": (
        beside(Dirichlet(hard=True), Neumann(hard=True)),
        "at most one hard condition on face 'x.min'",
        "Neumann",
    ),
    "hard values": (
        beside(Dirichlet(hard=True), Dirichlet(2.0, "x.max", hard=True)),
        "at most one hard condition on face 'x.max'",
        r"Dirichlet\(value=2.0",
    ),
    "hard slopes in two directions": (
        beside(Neumann(hard=True), domain=Box(x=(0, 1), y=(0, 1))),
        "one coordinate",
        "'y.min'",
    ),
    "hard nan": (beside(Dirichlet(np.nan, hard=True)), "finite", "nan"),
    "hard logarithm": (beside(Dirichlet(np.log, hard=True)), "finite", r"-inf at \(x=0\)"),
    "hard table": (
        beside(Dirichlet(lambda x: np.zeros((2, 3)), hard=True)),
        "one number for each",
        r"\(2, 3\)",
    ),
    "hard slope of a root": (
        beside(
            Initial(lambda x: np.sqrt(x), hard=True),
            Equation(lambda u, t, x: u.x, on="x.min"),
            domain=STRIP,
        ),
        "finite derivative in x",
        "inf",
    ),
    # values
    "text first": (lambda: Dirichlet("x", 0.0), "number or a function", "'x'"),
    "nothing": (lambda: Neumann(None), "number or a function", "None"),
    "list": (lambda: Initial([1.0, 2.0]), "number or a function", r"\[1.0, 2.0\]"),
    "text in Robin": (lambda: Robin(1.0, "b"), "b of Robin", "'b'"),
    "number for a face": (lambda: Dirichlet(0.0, 0), "names? (of )?faces", "got 0"),
    "no face": (lambda: Dirichlet(on=()), "names? (of )?faces", r"got \(\)"),
    "weight": (lambda: Dirichlet(weight="auto"), "positive number", "'auto'"),
    "two fields": (lambda: Dirichlet(field=("u", "v")), "field", r"\('u', 'v'\)"),
    "name": (lambda: Dirichlet(name=1), "name", "got 1"),
    "array": (beside(Dirichlet(np.zeros(2))), "number or a function", r"shape \(2,\)"),
    "no return": (beside(Dirichlet(lambda x: None)), "number at each point", "None"),
    "keywords": (beside(Dirichlet(lambda **k: k["x"])), r"\('x',\)", r"\*\*"),
    "wrong keyword": (beside(Dirichlet(lambda *, y: y)), r"\('x',\)", "'y'"),
    "torch": (beside(Dirichlet(lambda x: torch.sin(x))), "Tensor", "torch.sin", TypeError),
    # orders
    "negative order": (lambda: Initial(derivative=-1), "derivative", "-1"),
    "half an order": (lambda: Initial(derivative=1.5), "derivative", "1.5"),
    "negative orders": (lambda: Periodic("x", derivatives=-1), "derivatives", "-1"),
    "two coordinates": (lambda: Periodic(("x", "y")), "coordinate", r"\('x', 'y'\)"),
    # equations of one's own
    "no function": (lambda: Equation(0.0, on="x"), "function", "0.0"),
    "too few": (beside(Equation(lambda u: u, "x")), r"\(u, x\)", r"got \(u\)"),
    "too many": (beside(Equation(lambda u, x, q: u, "x")), r"\(u, x\)", r"got \(u, x, q\)"),
    "nothing returned": (beside(Equation(lambda u, x: None, "x")), "one number", "None"),
    "no field": (beside(Equation(lambda u, x: x, "x")), "one of the fields", "got none"),
    # residuals
    "comparison": (of_residual(lambda u, x: u.xx == 1), "vanish", "comparison"),
    "comparison of numbers": (of_residual(lambda u, x: (u.xx, 1 == 2)), "vanish", "comparison"),
    "text": (of_residual(lambda u, x: "u_xx"), "one number", "'u_xx' of type str"),
    "dict": (of_residual(lambda u, x: {"a": u}), "one number", "type dict"),
    "tensor": (of_residual(lambda u, x: u.tensor), "one number", "type Tensor"),
    "empty": (of_residual(lambda u, x: ()), "one number", "empty tuple"),
    "nested": (of_residual(lambda u, x: ((u, u.x),)), "one tuple", "tuple within"),
    "coordinates only": (of_residual(lambda u, x: x - 1), "one of the fields", "got none"),
    "number": (of_residual(lambda u, x: 0.0), "one of the fields", "got none"),
    "mean": (
        of_residual(lambda u, x: u - Quantity(u.tensor.mean())),
        "pointwise",
        "half of the points, other values",
    ),
    "table of all points": (
        of_residual(lambda u, x: u - Quantity(torch.zeros(7, dtype=torch.float64))),
        "pointwise",
        "half of the points",
    ),
    # arguments
    "coordinates in another order": (
        of_residual(lambda u, x, t: u.t - u.xx, STRIP),
        r"\(u, t, x\)",
        r"\(u, x, t\)",
    ),
    "a coordinate at another's place": (
        of_residual(lambda u, x, time: u.t - x, STRIP),
        r"\(u, t, x\)",
        r"\(u, x, time\)",
    ),
    "coordinates first": (of_residual(lambda x, u: u.x), r"\(u, x\)", r"\(x, u\)"),
    "fields in another order": (
        of_residual(lambda v, u, x: (u, v), fields=("u", "v")),
        r"\(u, v, x\)",
        r"\(v, u, x\)",
    ),
    "argument missing": (of_residual(lambda u: u.xx), r"\(u, x\)", "too many positional"),
    "coefficient missing": (
        of_residual(lambda u, x, q: u.xx - q, coefficients={"r": 1.0}),
        r"coefficients \('r',\)",
        "'q'",
    ),
    "coefficients": (of_residual(poisson, coefficients=["q"]), "dict", r"\['q'\]"),
    "a coefficient called domain": (
        of_residual(poisson, coefficients={"domain": 1}),
        "other",
        "dom",
    ),
    "residual second": (lambda: made(LINE, poisson), "function", "Box"),
    # what a problem holds
    "condition alone": (
        lambda: checked(poisson, LINE, Dirichlet()),
        "tuple of Condition",
        "Dirich",
    ),
    "no conditions": (lambda: checked(poisson, LINE, None), "tuple of Condition", "None"),
    "class": (beside(Dirichlet), "tuple of Condition", "the class Dirichlet"),
    "pair": (beside(("x", 0.0)), "tuple of Condition", r"\('x', 0.0\)"),
    "word": (lambda: checked(poisson, LINE, "Dirichlet"), "tuple of Condition", "'Dirichlet'"),
    "field of a coordinate's name": (of_residual(poisson, fields=("x",)), "other names", "'x'"),
    "field that is no name": (of_residual(poisson, fields=("u v",)), "arguments", "'u v'"),
    "keyword": (of_residual(poisson, fields=("lambda",)), "arguments", "'lambda'"),
    "coordinate of the field's name": (
        of_residual(poisson, Box(t=(0, 1), u=(0, 1))),
        r"other names than the coordinates \('t', 'u'\)",
        r"'u' in \('u',\)",
    ),
    "coordinate called tensor": (
        of_residual(lambda u, tensor: u.tensor, Box(tensor=(0, 1))),
        "not taken, as 'tensor' is",
        r"\('tensor',\)",
    ),
    "derivative in a coordinate called d": (
        of_residual(lambda u, d: u.d - u.dd, Box(d=(0, 1))),
        r"names \('d', 'laplacian', 'through'\) are taken",
        r"Use u.d\('d'\)",
        TypeError,
    ),
    "its size": (
        of_residual(lambda u, laplacian: np.where(u.laplacian > 0, u, 0), Box(laplacian=(0, 1))),
        "are taken",
        r"Use u.d\('laplacian'\)",
        TypeError,
    ),
    "name of a column": (beside(Dirichlet(name="loss")), "columns", "'loss'"),
    "unknown of a column's name": (
        of_residual(lambda u, x, damping: u.x - damping, coefficients={"damping": Unknown(1.0)}),
        "columns",
        "'damping'",
    ),
    "unknown of a condition's name": (
        lambda: checked(
            lambda u, x, start: u.x - start,
            LINE,
            [Dirichlet(name="start of all")],
            coefficients={"start": Unknown(1.0)},
        ),
        "columns",
        "'start'",
    ),
    "unknown that occurs nowhere": (
        of_residual(lambda u, x, q: u.x, coefficients={"q": Unknown(1.0)}),
        "in the equation or in a condition",
        "'q'",
    ),
    "text for a coefficient": (
        of_residual(lambda u, x, q: u.x - q, coefficients={"q": "1"}),
        "number, an Unknown",
        "q='1'",
        TypeError,
    ),
    "no coefficient": (
        of_residual(lambda u, x, q: 2 * q * u.x, coefficients={"q": None}),
        "number, an Unknown",
        "q=None",
        TypeError,
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused_with_advice(case):
    refused(*case)


def test_hard_is_only_spoken_of_where_it_matters():
    with pytest.raises(ValueError, match=r"x\.low") as caught:
        beside(Dirichlet(on="x.low"))()
    assert "hard" not in str(caught.value)


def test_an_equation_without_fields_may_stand_in_a_system():
    def residual(u, v, x):
        return u.x - v, x - x

    checked(residual, LINE, (), fields=("u", "v"))


def test_a_constructor_that_forgets_an_argument():
    class Forgetful(Problem):
        def __init__(self, nu):
            self.kappa = nu

    refused(Forgetful(1.0).get_params, "store the arguments", "'nu'", AttributeError)


# Names that may be taken where they are unambiguous


def test_a_coordinate_or_a_field_may_have_any_name_that_is_read_in_one_way():
    def residual(v, d, u):
        return v.d("d") - v.du + v.ud * v.d("d", "u") - v.dd + v.u

    assembled = checked(residual, Box(d=(0, 1), u=(0, 1)), [Neumann(on="d")], fields=("v",))
    (jets, _), *_ = assembled.collocation.blocks[0].sites
    assert jets.indices == ((0,), (1,), (0, 0), (0, 1))
    checked(lambda d, laplacian, x: (d.xx, laplacian.x), LINE, fields=("d", "laplacian"))


# As values


def square(x):
    return x**2


def test_conditions_of_arrays_and_quantities_are_shown_and_compared():
    quantity, table = Quantity(torch.zeros(3)), np.zeros(3)
    for value in (quantity, table):
        condition = Dirichlet(value, on="x")
        assert repr(value) in repr(condition)
        assert condition == Dirichlet(value, on="x")
        assert condition != Dirichlet(0.0, on="x")
        assert hash(condition) == hash(Dirichlet(value, on="x"))
    assert Dirichlet(np.ones(3)) != Dirichlet(table)
    assert pickle.loads(pickle.dumps(Dirichlet(table))) == Dirichlet(table)


def test_equations_may_share_a_term_with_an_unknown():
    """An epidemic, as it is written: what one field loses another one gains."""

    def epidemic(s, i, r, t, beta, gamma):
        infected, healed = beta * s * i, gamma * i
        return s.t + infected, i.t - infected + healed, r.t - healed

    rates = {"beta": Unknown(0.4, low=0), "gamma": Unknown(0.1, low=0)}
    given = Box(t=(0, 60)), [Initial(0.5)]
    checked(epidemic, *given, fields=("s", "i", "r"), coefficients=rates)
