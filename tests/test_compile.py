"""From a residual to a block: what it asks for, whether it is affine, and what it may not be."""

import numpy as np
import pytest
import torch
from cases import assert_close, normal
from messages import assert_advises, assert_says
from physics import KIND, Assembled

from skngd.pde import Box, Dirichlet, Equation, Interval, Neumann, Problem, Robin, Unknown
from skngd.pde.residuals.compile import Compiler, lookup

PLANE = Box(x=(0, 1), y=(0, 1))


def compiled(residual, n_points=6, domain=PLANE, unknowns=(), kind=KIND, **coefficients):
    """The block of an equation on some points of the domain."""
    problem = Problem.from_function(residual, domain, coefficients=coefficients)
    compiler = Compiler(problem, Jet, lambda x: x, kind)
    points = problem.domain.sample(n_points, "uniform", 0)
    values = torch.tensor(unknowns, **kind)
    return compiler.block(compiler.equation, [points], unknowns=values)


class Jet:
    """Derivatives of some network of one output."""

    n_outputs = 1

    def __init__(self, indices):
        self.indices = indices


# What is asked for


def test_only_the_derivatives_that_occur_are_asked_for():
    block = compiled(lambda u, x, y: u.yx + np.sin(u) - u.yy)
    ((jets, points),) = block.sites
    assert jets.indices == ((), (0, 1), (1, 1))
    assert points.shape == (6, 2)


# Operators that are affine

AFFINE = {
    "laplace": lambda u, x, y: u.laplacian() + 2 * np.sin(np.pi * x) * y,
    "heat": lambda u, x, y: u.x - 0.25 * u.yy,
    "coefficients that vary": lambda u, x, y: np.where(x > 0.5, u.xx, 2 * u.yy) + x**2 * u,
    "fourth order": lambda u, x, y: u.xxxx + u.xxyy - 1e-6 * u,
    "no field": lambda u, x, y: x * y,
    "constant": lambda u, x, y: 2.0,
    "value": lambda u, x, y: u,
    "zero": lambda u, x, y: 0 * u,
}
NOT_AFFINE = {
    "product": lambda u, x, y: u * u.x,
    "square": lambda u, x, y: u.xx + 1e-3 * u**2,
    "sine": lambda u, x, y: u.xx + np.sin(u),
    "where": lambda u, x, y: np.where(u > 0, u, 2 * u),
    "where with a threshold": lambda u, x, y: np.where(u.x > 0.5, u, 0),
    "abs": lambda u, x, y: u.xx + np.abs(u),
    "maximum": lambda u, x, y: np.maximum(u.x, u.y),
    "clip": lambda u, x, y: np.clip(u, 0, 1) + u.xx,
    "sign": lambda u, x, y: np.sign(u) + u.xx,
    "floor": lambda u, x, y: np.floor(u),
    "comparison": lambda u, x, y: (u > 0) * u.x,
    "interp": lambda u, x, y: np.interp(u, [0, 1], [0, 1]),
    "quotient": lambda u, x, y: u.xx / (1 + u**2),
}


@pytest.mark.parametrize("n_points", [1, 6])
@pytest.mark.parametrize("residual", AFFINE.values(), ids=AFFINE)
def test_affine_operators_are_recognised(residual, n_points):
    block = compiled(residual, n_points)
    assert block.affine is not None
    jets = [normal(len(jets.indices), 1, n_points, seed=3) for jets, _ in block.sites]
    unknowns = torch.zeros(0, dtype=torch.float64)
    assert_close(block.residual(jets, unknowns), block.operator(jets, unknowns), 1e-12)


@pytest.mark.parametrize("n_points", [1, 6])
@pytest.mark.parametrize("residual", NOT_AFFINE.values(), ids=NOT_AFFINE)
def test_others_are_not_taken_for_affine(residual, n_points):
    assert compiled(residual, n_points).affine is None


@pytest.mark.parametrize(
    ("residual", "affine"),
    [
        (lambda u, x, y, c: u.xx + c, True),
        (lambda u, x, y, c: u.xx + np.sin(x) * (1 - c), True),
        (lambda u, x, y, c: u.xx + c * u, False),
        (lambda u, x, y, c: u.xx + c**2, False),
        (lambda u, x, y, c: u.xx + np.abs(c), False),
        (lambda u, x, y, c: u.xx + np.maximum(c, 0.5), False),
        (lambda u, x, y, c: u.xx + np.clip(c, 0, 1), False),
        (lambda u, x, y, c: u.xx + np.where(c > 0.5, c, 0), False),
    ],
    ids=["plus", "times x", "times u", "square", "abs", "maximum", "clip", "where"],
)
@pytest.mark.parametrize("start", [0.2, 0.9, -0.2])
def test_affine_in_unknowns(residual, affine, start):
    block = compiled(residual, unknowns=[start], c=Unknown(start))
    assert (block.affine is not None) == affine


@pytest.mark.parametrize("residual", AFFINE.values(), ids=AFFINE)
def test_affine_operators_in_single_precision(residual):
    kind = {"dtype": torch.float32, "device": "cpu"}
    assert compiled(residual, kind=kind).affine is not None


# What is done once


def test_values_of_conditions_are_computed_when_compiled_alone():
    calls = []

    def value(x, y):
        calls.append(len(calls))
        return np.sin(x) * y

    conditions = [Dirichlet(value), Neumann(value, on="x"), Robin(value, value, value, on="y")]
    assembled = Assembled(Problem.from_function(lambda u, x, y: u.xx, PLANE, conditions))
    blocks = assembled.collocation.blocks[1:]
    jets = [[normal(len(site.indices), 1, b.n_points) for site, _ in b.sites] for b in blocks]
    unknowns = torch.zeros(0, dtype=torch.float64)
    first = [block.operator(jet, unknowns) for block, jet in zip(blocks, jets, strict=True)]
    seen = len(calls)
    for block, jet, expected in zip(blocks, jets, first, strict=True):
        assert_close(block.operator(jet, unknowns), expected, 0)
    assert len(calls) == seen


def test_a_derivative_that_occurs_often_is_looked_up_once():
    block = compiled(lambda u, x, y: u * u.x + u * u.y - u.x**2 + u.x * u.y)
    (table,) = block.operator.tables.values()
    derivative = lookup(table, [normal(3, 6).unbind()], ())
    for field, index in table:
        assert derivative(field, index) is derivative(field, index)


def test_an_operator_asks_torch_for_its_arithmetic_and_little_else():
    block = compiled(lambda u, x, y: u.x + u * u.y - 0.1 * u.yy)
    jets, unknowns = [normal(4, 1, 6)], torch.zeros(0, dtype=torch.float64)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        block.operator(jets, unknowns)
    calls = sum(event.name.startswith("aten::") for event in profile.events())
    assert calls <= 4 + 2 * 4 + 10  # arithmetic, a row for each derivative, their views and stack


@pytest.mark.parametrize("points", [slice(1, 4), slice(0, 6, 2)], ids=["rows", "every other"])
def test_a_part_of_an_operator_is_the_operator_on_these_points(points):
    block = compiled(lambda u, x, y, c: u * u.x - c * np.sin(x * y), unknowns=[0.5], c=Unknown(0.5))
    jets, unknowns = [normal(2, 1, 6)], torch.tensor([0.3], dtype=torch.float64)
    whole = block.operator(jets, unknowns)[:, points]
    part = block.operator.part(points)([jet[..., points] for jet in jets], unknowns)
    assert_close(part, whole, 0)


# Errors


class Table:
    """A function of the points together."""

    def __init__(self, values):
        self.values = np.asarray(values, dtype=float)

    def __call__(self, u, x, y):
        return u.xx - self.values


@pytest.mark.parametrize(
    ("residual", "error", "expected", "came"),
    [
        (lambda u, x, y: u * np.sum(u), TypeError, "pointwise", "np.sum"),
        (lambda u, x, y: u - np.mean(x), TypeError, "pointwise", "np.mean"),
        (Table(np.arange(5)), ValueError, "one number for each point", r"shape \(5,\)"),
        (lambda u, x, y: np.zeros(4), ValueError, "one number for each", r"shape \(4,\)"),
        (lambda u, x, y: np.zeros((6, 1)), ValueError, "one number for each", r"shape \(6, 1\)"),
        (lambda u, x, y: u.xx / 0.0, ValueError, "to be finite", "got inf at "),
        (lambda u, x, y: np.log(x - 2) * u, ValueError, "to be finite", "got nan at "),
        (lambda u, x, y: u.z, AttributeError, "derivatives in x, y", "'z'"),
        (lambda u, x, y: u.xxxxx, AttributeError, "up to order 4", "order 5"),
        (lambda u, x, y: (u * u).x, AttributeError, "Only fields", r"\.x"),
        (lambda u, x, y: u if u > 0 else 2 * u, TypeError, "quantity is true", "cannot decide"),
        (lambda u, x, y: None, (TypeError, ValueError), "one number for each", "None"),
    ],
    ids=[
        *("sum", "mean", "short table", "short", "column", "division", "logarithm"),
        *("no derivative", "order", "expression", "if", "no return"),
    ],
)
def test_residuals_that_are_none_are_refused(residual, error, expected, came):
    with pytest.raises(error) as caught:
        compiled(residual)
    assert_advises(caught.value, expected, came)


def test_a_residual_that_depends_on_the_order_of_the_points_is_refused():
    with pytest.raises(ValueError, match="residual to be pointwise") as caught:
        compiled(Table(np.arange(6)))
    assert_says(caught.value, "may depend on that point only", "other values came. Write it with")


def test_a_residual_that_is_not_finite_names_the_point():
    points = PLANE.sample(6, "uniform", 0)
    x, y = points[points[:, 0] < 0.5][0]
    with pytest.raises(ValueError, match="finite") as caught:
        compiled(lambda u, x, y: u * np.sqrt(x - 0.5))
    n_bad = int((points[:, 0] < 0.5).sum())
    assert f"(x={x:.6g}, y={y:.6g}), one of {n_bad} such points" in str(caught.value)


def test_errors_name_the_condition():
    problem = Problem.from_function(
        lambda u, x: u.xx, Interval(), [Equation(lambda u, x: u / (x - 1), "x.max", name="pole")]
    )
    with pytest.raises(ValueError, match="condition 'pole' of FunctionProblem"):
        Assembled(problem)


@pytest.mark.parametrize("n_points", [5, 31])
def test_pointwise_residuals_pass_in_single_precision(n_points):
    def residual(u, x, y):
        return np.exp(u) * np.sin(7 * x) - u.xx / (1.1 + np.cos(y)) + np.tanh(x * y) - np.sqrt(x)

    kind = {"dtype": torch.float32, "device": "cpu"}
    assert compiled(residual, n_points, kind=kind).n_rows == n_points
