"""Quantities and fields: operators, names of derivatives, laziness."""

import fractions
import operator

import numpy as np
import pytest
import torch
from messages import assert_advises
from quantities import POSITIVE, assert_agrees, named, quantity, uniform

from skngd.pde.expressions.quantity import Field, Quantity

# Operators

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
OPERATORS += [operator.floordiv, operator.mod, operator.lt, operator.le, operator.gt, operator.ge]
OPERATORS += [operator.eq, operator.ne]


@pytest.mark.parametrize(
    "other",
    [
        *(2, 0.3, True, fractions.Fraction(1, 2), np.float64(0.3), np.float32(0.5), np.int64(2)),
        *(np.array(2), np.array(0.3), np.arange(1, 8), np.linspace(0.2, 3, 7)[::-1]),
        np.linspace(0.2, 3, 7, dtype=np.float32),
    ],
    ids=lambda other: f"{type(other).__name__}-{np.shape(other)}",
)
@pytest.mark.parametrize("operation", OPERATORS, ids=named)
def test_operators_and_their_reflections(operation, other):
    x = uniform(*POSITIVE)
    as_numpy = np.asarray(other, dtype=float)
    assert_agrees(operation(quantity(x), other), operation(x, as_numpy))
    assert_agrees(operation(other, quantity(x)), operation(as_numpy, x))


@pytest.mark.parametrize("operation", OPERATORS, ids=named)
def test_operators_of_two_quantities(operation):
    x, y, a = uniform(*POSITIVE), uniform(*POSITIVE, seed=1), np.array(0.7)
    assert_agrees(operation(quantity(x), quantity(y)), operation(x, y))
    assert_agrees(operation(quantity(x), quantity(a)), operation(x, a))
    assert_agrees(operation(quantity(a), quantity(y)), operation(a, y))


@pytest.mark.parametrize("operation", [operator.neg, operator.pos, operator.abs], ids=named)
def test_signs(operation):
    x = uniform()
    assert_agrees(operation(quantity(x)), operation(x))


def test_in_place_operators_give_a_new_quantity():
    x = uniform()
    u = same = quantity(x)
    u += 1.0
    u *= u
    assert_agrees(u, (x + 1.0) ** 2)
    assert_agrees(same, x)


def test_truth_counts_as_one_or_zero():
    x = uniform()
    u, inside = quantity(x), (x > -1) & (x < 1)
    truth = (u > -1) & (u < 1)
    np.testing.assert_array_equal(truth.truth.numpy(), inside)
    np.testing.assert_array_equal((~truth).truth.numpy(), ~inside)
    np.testing.assert_array_equal(np.logical_not(truth).truth.numpy(), ~inside)
    assert_agrees(truth * 0.1, inside * 0.1)
    assert_agrees(1 - truth, 1.0 - inside)
    assert_agrees(-truth, -1.0 * inside)
    assert_agrees((u > 0) + truth, (x > 0).astype(float) + inside)
    assert_agrees(np.sqrt(truth), inside)
    assert_agrees(np.where(truth, u, 0), np.where(inside, x, 0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_dtype_of_the_quantity_prevails(dtype):
    x = uniform(*POSITIVE)
    u = quantity(x, dtype)
    results = [u + x, x * u, np.float64(2) * u, 2 * u, u**0.5, np.power(u, 2), (u > 1) * 0.1]
    results += [np.where(u > 1, 1.0, 0.0), np.where(u > 1, u, x), np.heaviside(u, 0.5), u % 2]
    results += [np.clip(u, 0, 1), np.interp(u, [0, 1], [0, 1]), np.full_like(u, 3), u * True]
    results += [np.maximum(u, 0), np.float_power(u, 2), u + np.arange(7)]
    assert {result.tensor.dtype for result in results} == {dtype}


# Fields


class Recorded:
    """Derivatives of one field, with a record of those that were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, multi_index):
        self.asked.append(multi_index)
        return torch.full((3,), 1.0 + sum(10**position for position in multi_index))


def field(*coordinates, **settings):
    recorded = Recorded()
    return Field("u", coordinates, recorded, **settings), recorded.asked


@pytest.mark.parametrize(
    ("coordinates", "name", "multi_index"),
    [
        (("t", "x"), "t", (0,)),
        (("t", "x"), "tx", (0, 1)),
        (("t", "x"), "xt", (0, 1)),
        (("t", "x"), "xxxx", (1, 1, 1, 1)),
        (("x", "y"), "yxy", (0, 1, 1)),
        (("theta", "r"), "theta", (0,)),
        (("theta", "r"), "thetatheta", (0, 0)),
        (("theta", "r"), "rtheta", (0, 1)),
        (("x", "xy", "y"), "xy", (1,)),
        (("x", "xx"), "xx", (1,)),
        (("x1", "x2", "x10"), "x1x10", (0, 2)),
    ],
)
def test_a_name_is_looked_up_by_positions(coordinates, name, multi_index):
    u, asked = field(*coordinates)
    assert isinstance(getattr(u, name), Quantity)
    assert asked == [multi_index]


def test_names_that_can_be_read_in_two_ways():
    u, asked = field("x", "xy", "y")
    with pytest.raises(AttributeError) as caught:
        u.xxy  # noqa: B018
    assert_advises(caught.value, "one derivative", "several")
    assert 'u.d("x", "x", "y") or u.d("x", "xy")' in str(caught.value)
    u.d("x", "xy")
    assert asked == [(0, 1)]


def test_derivatives_by_argument():
    u, asked = field("theta", "r")
    u.d("r", "theta", "r")
    u.d()
    assert asked == [(0, 1, 1), ()]


@pytest.mark.parametrize(
    ("coordinates", "names", "expected"),
    [
        (("t", "x", "y"), (), [(1, 1), (2, 2)]),
        (("x", "y"), (), [(0, 0), (1, 1)]),
        (("t", "x", "y"), ("t", "x"), [(0, 0), (1, 1)]),
    ],
)
def test_laplacian_is_the_sum_of_second_derivatives(coordinates, names, expected):
    u, asked = field(*coordinates)
    found = u.laplacian(*names)
    assert asked == expected
    lookup = Recorded()
    torch.testing.assert_close(found.tensor, sum(lookup(index) for index in expected))


def test_only_what_is_used_is_looked_up():
    u, asked = field("t", "x")
    v, asked_of_v = field("t", "x")
    residual = u.t - 0.1 * u.xx + np.where(v.x > 0, 1, 0)
    repr(u), hasattr(u, "z"), hasattr(u, "__array_interface__")
    assert asked == [(0,), (1, 1)]
    assert asked_of_v == [(1,)]
    np.sin(u) + residual * u
    assert set(asked[2:]) == {()}


def test_a_field_is_a_quantity():
    value = uniform()
    u = Field("u", ("t", "x"), {(): torch.tensor(value)}.__getitem__)
    assert_agrees(2 * u - np.exp(u) * value, 2 * value - np.exp(value) * value)
    assert_agrees(abs(u), abs(value))


def test_reprs_are_short_and_look_nothing_up():
    u, asked = field("t", "x")
    assert repr(u) == "<Field u(t, x)>"
    assert not asked
    assert repr(quantity(uniform())) == "<Quantity at 7 points>"
    assert repr(quantity(0.5)) == "<Quantity of one number>"


def test_errors_of_the_lookup_are_shown():
    def failing(multi_index):
        raise AttributeError("of the lookup")

    u = Field("u", ("t", "x"), failing)
    with pytest.raises(AttributeError, match="of the lookup"):
        u + 1
    with pytest.raises(AttributeError, match="of the lookup"):
        u.x  # noqa: B018


@pytest.mark.parametrize("name", ["z", "xz", "dx", "_x", "__len_hint__", "mean"])
def test_unknown_derivatives_are_no_attributes(name):
    u, asked = field("t", "x")
    assert not hasattr(u, name)
    assert not hasattr(u.x * u, name)
    assert asked == [(1,), ()]


@pytest.mark.parametrize(
    ("ask", "error", "expected", "came"),
    [
        (lambda u: u.z, AttributeError, "in t, x", "'z'"),
        (lambda u: u.d("z"), ValueError, "in t, x", "'z'"),
        (lambda u: u.d("xx"), ValueError, "in t, x", "'xx'"),
        (lambda u: u.d("x", 2), ValueError, "in t, x", "2"),
        (lambda u: u.laplacian("y"), ValueError, "in t, x", "'y'"),
        (lambda u: u.xxxxx, AttributeError, "up to order 4", "of order 5"),
        (lambda u: u.d(*"xxtxx"), ValueError, "up to order 4", "of order 5"),
        (lambda u: u.mean(), AttributeError, "pointwise", "mean"),
        (lambda u: (u * u).x, AttributeError, "Only fields", r"\.x"),
        (lambda u: u.x.x, AttributeError, "Only fields", r"\.x"),
        (lambda u: (u * u).sum(), AttributeError, "pointwise", "sum"),
        (lambda u: (u * u).clip(0, 1), AttributeError, "np.clip", "no .clip"),
        (lambda u: u.x.shape, AttributeError, "pointwise", "shape"),
    ],
)
def test_derivatives_that_do_not_exist_are_refused(ask, error, expected, came):
    u, _ = field("t", "x")
    with pytest.raises(error) as caught:
        ask(u)
    assert_advises(caught.value, expected, came)


def test_laplacian_in_time_alone_is_refused():
    with pytest.raises(ValueError, match="besides t") as caught:
        field("t")[0].laplacian()
    assert_advises(caught.value, "a coordinate", "besides t")


@pytest.mark.cuda
def test_arrays_go_to_the_device_of_the_quantity():
    x = uniform()
    u = Quantity(torch.tensor(x, device="cuda"))
    for found in (u + x, x * u, np.where(x > 0, u, 0.5), np.interp(u, [0, 1], [0, 2])):
        assert found.tensor.device.type == "cuda"
    np.testing.assert_allclose((x * np.sin(u)).tensor.cpu().numpy(), x * np.sin(x), rtol=1e-12)
