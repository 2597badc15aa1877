"""What NumPy's functions make of quantities, against NumPy and numerical derivatives."""

import math
import operator

import numpy as np
import pytest
import torch
from messages import assert_advises
from quantities import (
    ANYWHERE,
    INSIDE,
    POSITIVE,
    assert_agrees,
    assert_differentiable,
    named,
    quantity,
    uniform,
)
from scipy import special

from skngd.pde.expressions.numpy_functions import ARITHMETIC, LOGIC, REAL, TESTS
from skngd.pde.expressions.quantity import Quantity

# torch compiles some of its forward derivatives when they are first used.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

# Functions of one quantity, and where they are smooth.

SMOOTH = {
    ANYWHERE: [
        *(np.arcsinh, np.arctan, np.cbrt, np.cos, np.cosh, np.deg2rad, np.degrees, np.exp, np.exp2),
        *(np.expm1, np.negative, np.positive, np.rad2deg, np.radians, np.reciprocal, np.sin),
        *(np.sinc, np.sinh, np.square, np.tanh, np.abs, np.fabs, np.i0, special.erf, special.erfc),
        *(special.erfcx, special.expit, special.i0, special.i0e, special.i1, special.i1e),
        *(special.j0, special.j1, special.log_expit, special.log_ndtr, special.ndtr),
    ],
    INSIDE: [np.arccos, np.arcsin, np.arctanh, np.log1p, np.tan, special.erfinv],
    POSITIVE: [
        *(np.log, np.log2, np.log10, np.sqrt, special.entr, special.gammaln, special.psi),
        *(special.k0, special.k0e, special.k1, special.k1e, special.y0, special.y1),
    ],
    (1.2, 3.0): [np.arccosh],
    (0.1, 0.9): [special.logit, special.ndtri],
}
SMOOTH_CASES = [(f, low, high) for (low, high), functions in SMOOTH.items() for f in functions]
OF_TWO = [
    *(np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.arctan2, np.hypot),
    *(np.logaddexp, np.logaddexp2, np.maximum, np.minimum, np.fmax, np.fmin, np.copysign, np.fmod),
    *(np.remainder, special.xlogy, special.xlog1py),
]
STEPS = [np.ceil, np.floor, np.rint, np.sign, np.trunc]


@pytest.mark.parametrize(("function", "low", "high"), SMOOTH_CASES, ids=named)
def test_smooth_functions(function, low, high):
    x = uniform(low, high)
    assert_agrees(function(quantity(x)), function(x))
    assert_differentiable(function, x)


@pytest.mark.parametrize("function", OF_TWO, ids=named)
def test_functions_of_two(function):
    x, y = uniform(*POSITIVE), uniform(*POSITIVE, seed=1)
    expected = function(x, y)
    assert_agrees(function(quantity(x), quantity(y)), expected)
    assert_agrees(function(x, quantity(y)), expected)
    assert_agrees(function(quantity(x), y), expected)
    assert_agrees(function(quantity(x), 0.7), function(x, 0.7))
    assert_agrees(function(2, quantity(y)), function(2, y))
    assert_differentiable(function, x, y)


@pytest.mark.parametrize("function", STEPS, ids=named)
def test_steps_have_slope_zero(function):
    x = np.append(uniform(), [-1.0, 0.0, 2.5])
    assert_agrees(function(quantity(x)), function(x))
    tensor = torch.tensor(x, requires_grad=True)
    (slope,) = torch.autograd.grad(function(Quantity(tensor)).tensor.sum(), tensor)
    assert not slope.any()


@pytest.mark.parametrize("function", [np.floor_divide, np.heaviside], ids=named)
def test_steps_of_two(function):
    x, y = np.array([-2.5, -1.0, 0.0, 3.0, np.nan]), uniform(0.3, 2.0, 5)
    assert_agrees(function(quantity(x), quantity(y)), function(x, y))
    assert_agrees(function(quantity(x), 0.5), function(x, 0.5))


COMPARISONS = [np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal]
LOGICAL = [np.logical_and, np.logical_or, np.logical_xor]
BITWISE = [np.bitwise_and, np.bitwise_or, np.bitwise_xor]


@pytest.mark.parametrize("function", [*COMPARISONS, *LOGICAL], ids=named)
def test_comparisons_and_logic(function):
    x, y = np.array([-1.0, 0.0, 0.0, 2.0, np.nan]), np.array([0.0, 0.0, 3.0, 1.0, 1.0])
    found = function(quantity(x), quantity(y))
    np.testing.assert_array_equal(found.truth.numpy(), function(x, y))
    np.testing.assert_array_equal(function(x, quantity(y)).truth.numpy(), function(x, y))
    np.testing.assert_array_equal(function(0.0, quantity(y)).truth.numpy(), function(0.0, y))


@pytest.mark.parametrize("function", [np.isfinite, np.isinf, np.isnan, np.signbit], ids=named)
def test_kinds_of_numbers(function):
    x = np.array([-np.inf, -1.0, -0.0, 0.0, np.inf, np.nan])
    np.testing.assert_array_equal(function(quantity(x)).truth.numpy(), function(x))


@pytest.mark.parametrize("function", BITWISE, ids=named)
def test_comparisons_join_with_arrays_of_bool(function):
    x, mask = uniform(), np.arange(7) % 2 == 0
    expected = function(x > 0, mask)
    for found in (function(quantity(x) > 0, mask), function(mask, quantity(x) > 0)):
        np.testing.assert_array_equal(found.truth.numpy(), expected)
    assert_agrees((quantity(x) > 0) & True, x > 0)


def test_every_function_is_tested():
    tested = [
        *(case[0] for case in SMOOTH_CASES),
        *OF_TWO,
        *STEPS,
        *COMPARISONS,
        *LOGICAL,
        *BITWISE,
    ]
    tested += [np.floor_divide, np.heaviside, np.isfinite, np.isinf, np.isnan, np.signbit]
    tested += [np.zeros_like, np.ones_like, np.logical_not, np.invert]
    missing = {*REAL, *ARITHMETIC, *TESTS, *LOGIC} - {function.__name__ for function in tested}
    assert missing == {"bitwise_not"}  # an older name of np.invert


@pytest.mark.parametrize("function", [special.j1, np.sinc, special.i1], ids=named)
def test_removable_singularities(function):
    assert_differentiable(function, np.array([0.0]))


# Functions of NumPy beyond the universal ones


def test_where_takes_any_condition():
    x = uniform()
    u = quantity(x)
    assert_agrees(np.where(u > 0, u, -1), np.where(x > 0, x, -1))
    assert_agrees(np.where(x > 0, u, x), np.where(x > 0, x, x))
    assert_agrees(np.where(False, u, 2 * u), 2 * x)
    assert_agrees(np.where(u, 1, 0), np.ones(7))
    assert_differentiable(lambda u: np.where(u > 0, np.sin(u), u**2), x)


def test_clip():
    x, low = uniform(), uniform(-1, 0, seed=1)
    u = quantity(x)
    assert_agrees(np.clip(u, -1, 0.5), np.clip(x, -1, 0.5))
    assert_agrees(np.clip(u, None, 0.5), np.clip(x, None, 0.5))
    assert_agrees(np.clip(u, quantity(low), a_max=None), np.clip(x, low, None))
    assert_differentiable(lambda u: np.clip(u, -1, 0.5), x)


def test_constants():
    u = quantity(uniform())
    assert_agrees(np.zeros_like(u), np.zeros(7))
    assert_agrees(np.ones_like(u), np.ones(7))
    assert_agrees(np.full_like(u, fill_value=2), np.full(7, 2.0))
    assert_differentiable(lambda a: np.full_like(u, a), np.array(0.3))


def test_piecewise():
    x = uniform()
    u = quantity(x)

    def pieces(x):
        yield np.piecewise(x, [x < -1, x >= 0], [np.sin, 2.0])
        yield np.piecewise(x, [x < 0], [np.sin, np.cos])
        yield np.piecewise(x, x < 0, [-1, 1])
        yield np.piecewise(x, [x < 1, x < 0], [1, 2, 3])

    for found, expected in zip(pieces(u), pieces(x), strict=True):
        assert_agrees(found, expected)
    with pytest.raises(ValueError, match="function") as caught:
        np.piecewise(u, [u < 0], [1, 2, 3])
    assert_advises(caught.value, "one function per condition", "3 for 1")


def test_interp():
    nodes, values = np.array([-1.0, 0.0, 0.5, 1.5]), np.array([1.0, 3.0, -1.0, 2.0])
    x = np.concatenate([uniform(), nodes])
    assert_agrees(np.interp(quantity(x), nodes, values), np.interp(x, nodes, values))
    assert_agrees(np.interp(quantity(x), list(nodes), values), np.interp(x, nodes, values))
    assert_differentiable(lambda u: np.interp(u, nodes, values), uniform())
    with pytest.raises(ValueError, match="increasing") as caught:
        np.interp(quantity(x), nodes[::-1], values)
    assert_advises(caught.value, "increasing nodes", r"\(4,\)")


def test_through_is_the_way_to_a_function_of_torch():
    x = uniform(*POSITIVE)
    assert_agrees(quantity(x).through(torch.nn.functional.softplus), np.log1p(np.exp(x)))


# Differentiation of a whole residual


def burgers(u, x, nu):
    wave = np.where(x > 0, np.sin(np.pi * x), np.tanh(x)) + 0.3 * np.exp(-(x**2))
    return u + u**2 * wave - nu * special.j0(u) / np.sqrt(1 + x**2)


def test_a_residual_can_be_differentiated_twice():
    assert_differentiable(burgers, uniform(), uniform(seed=1), np.array(0.3))


def test_a_residual_goes_through_the_transforms_of_torch():
    u, x = torch.tensor(uniform()), torch.tensor(uniform(seed=1))

    def residual(u, x):
        return burgers(Quantity(u), Quantity(x), 0.3).tensor

    slope = torch.func.vmap(torch.func.grad(residual))(u, x)
    _, along = torch.func.jvp(lambda u: residual(u, x), (u,), (torch.ones_like(u),))
    torch.testing.assert_close(slope, along)


# Refusals

REFUSED = {
    "np.mean": np.mean,
    "np.sum": np.sum,
    "np.max": np.max,
    "np.gradient": np.gradient,
    "np.diff": np.diff,
    "np.cumsum": np.cumsum,
    "np.linalg.norm": np.linalg.norm,
    "np.shape": np.shape,
    "np.sort": np.sort,
    "np.stack": lambda u: np.stack([u, u]),
    "np.concatenate": lambda u: np.concatenate([u, u]),
    "np.dot": lambda u: np.dot(u, u),
    "np.add.reduce": np.add.reduce,
    "np.add.outer": lambda u: np.add.outer(u, u),
    "np.matmul": lambda u: np.matmul(u, u),
    "@": lambda u: u @ u,
    "@ ": lambda u: np.ones(7) @ u,
    "len": len,
    "loop": iter,
    "u[": lambda u: u[0],
}


@pytest.mark.parametrize("called", REFUSED)
def test_what_looks_beyond_a_point_is_refused(called):
    with pytest.raises(TypeError) as caught:
        REFUSED[called](quantity(uniform()))
    assert_advises(caught.value, "pointwise", called.strip().replace("[", r"\["))


@pytest.mark.parametrize(
    ("use", "expected", "came"),
    [
        (bool, r"np\.where", "true at some"),
        (lambda u: 0 < u < 1, r"\(0 < u\) & \(u < 1\)", "true at some"),
        (lambda u: u > 0 and u < 1, "&", "and"),
        (lambda u: max(u, 0), r"np\.maximum", "max"),
        (float, r"np\.sin", "float"),
        (math.sin, r"np\.sin\(u\)", "math module"),
        (np.asarray, "tuple", "array"),
        (lambda u: np.array([u, u]), "tuple", r"np\.array"),
        (lambda u: np.sum([u, u]), r"u \+ v", r"np\.sum\(\[u, v\]\)"),
        (np.vectorize(math.sin), r"np\.exp", r"np\.vectorize"),
        (np.spacing, "differentiable", r"np\.spacing"),
        (lambda u: special.jv(2, u), "j1", "jv"),
        (np.frompyfunc(abs, 1, 1), "differentiable", "abs"),
        (np.round, "differentiable", r"np\.round"),
        (np.unwrap, "pointwise", r"np\.unwrap"),
        (lambda u: np.add(u, 1, out=np.empty(7)), "new quantity", "out="),
        (lambda u: np.add(u, 1, where=u > 0), r"np\.where", "where="),
        (lambda u: np.exp(u, dtype=np.float32), "new quantity", "dtype="),
        (lambda u: operator.iadd(np.ones(7), u), r"a = a \+ u", "out="),
        (lambda u: np.where(u > 0), r"condition, x, y", "missing"),
        (lambda u: np.zeros_like(u, dtype=int), r"takes", "dtype"),
        (lambda u: np.clip(u, 0, 1, np.empty(7)), "takes", "too many"),
        (lambda u: u + 1j, "real", "1j"),
        (lambda u: u + np.array([1j]), "real", r"1\.j"),
        (lambda u: u + np.array([object()]), "number", "object"),
        (lambda u: u + None, "number", "None"),
        (lambda u: "a" * u, "number", "'a'"),
        (lambda u: u * [1.0, 2.0], "number", r"\[1\.0, 2\.0\]"),
        (lambda u: u & (u > 0), "comparisons", "none"),
        (lambda u: u > 0 & u, "comparisons", "none"),
        (lambda u: ~u, "comparisons", "none"),
    ],
)
def test_other_uses_are_refused_with_advice(use, expected, came):
    with pytest.raises(TypeError) as caught:
        use(quantity(uniform()))
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize("shape", [(5,), (1,), (7, 1), (7, 7)], ids=str)
@pytest.mark.parametrize(
    "use",
    [operator.add, np.maximum, lambda u, a: a * u, lambda u, a: np.where(u > 0, u, a)],
    ids=["operator", "ufunc", "reflected", "where"],
)
def test_arrays_of_another_shape_are_refused(use, shape):
    with pytest.raises(ValueError, match="shape") as caught:
        use(quantity(uniform()), np.ones(shape))
    assert_advises(caught.value, r"\(7,\)", r", ".join(map(str, shape)))


def test_quantities_at_other_points_are_refused():
    with pytest.raises(ValueError, match="shape") as caught:
        quantity(uniform()) * quantity(uniform(n=5))
    assert_advises(caught.value, r"\(7,\)", r"\(5,\)")


def test_type_errors_of_a_piece_are_shown_as_they_are():
    def piece(x):
        raise TypeError("of the piece")

    u = quantity(uniform())
    with pytest.raises(TypeError, match="of the piece"):
        np.piecewise(u, [u > 0], [piece])
