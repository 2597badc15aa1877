"""What conditions say: of a function that meets them nothing is left."""

import numpy as np
import pytest
import torch
from cases import assert_close, shown
from numpy.testing import assert_allclose
from physics import Assembled, differentiate

from skngd.pde import (
    Box,
    Dirichlet,
    Disk,
    Equation,
    Initial,
    Input,
    Neumann,
    Periodic,
    Problem,
    Robin,
    Unknown,
)
from skngd.pde.expressions.places import Place, evaluated
from skngd.pde.expressions.quantity import Field, Quantity

STRIP = Box(t=(0, 2), x=(-1, 2))


def square(x):
    return x**2


def place(domain, points, functions, normals=None, **inputs):
    """A place where the fields are known functions of points of shape (m, d)."""
    fields = {}
    for name, function in functions.items():

        def lookup(index, function=function):
            return differentiate(function, points, index).detach()

        fields[name] = Field(name, domain.names, lookup)
    coordinates = dict(zip(domain.names, map(Quantity, points.T), strict=True))
    inputs = {name: Quantity(torch.as_tensor(value)) for name, value in inputs.items()}
    normals = None if normals is None else torch.tensor(normals)
    return Place(None, fields, coordinates, inputs, normals)


def u_of(x):
    return torch.sin(x[:, 0]) * x[:, 1] ** 2


def v_of(x):
    return torch.cos(torch.pi * x[:, 1] * 2 / 3) * torch.exp(x[:, 0])


def left_of(condition, n=6):
    """What a condition leaves of u and v at some of its points."""
    sites, normals = condition.sites(STRIP, n, "uniform", np.random.RandomState(0))
    functions = {"u": u_of, "v": v_of}
    places = [place(STRIP, torch.tensor(x), functions, normals) for x in sites]
    return [row.tensor.numpy() for row in condition.equations(places)]


@pytest.mark.parametrize(
    "condition",
    [
        Dirichlet(lambda t, x: np.sin(t) * x**2, field="u"),
        Dirichlet(lambda t: 4 * np.sin(t), on="x.max", field="u"),
        Neumann(lambda t: 4 * np.sin(t), on="x.max", field="u"),
        Neumann(lambda t: 2 * np.sin(t), on="x.min", field="u"),
        Neumann(lambda x: np.cos(2) * x**2, on="t.max", field="u"),
        Robin(2.0, lambda t: t, lambda t: (8 + 4 * t) * np.sin(t), on="x.max", field="u"),
        Robin(lambda x, t: x, -1, lambda t: -3 * np.sin(t), on="x.min", field="u"),
        Initial(0.0, field="u"),
        Initial(square, derivative=1, field="u"),
        Initial(0.0, derivative=2, field="u"),
        Initial(lambda x: -(x**2), derivative=3, field="u"),
        Initial(np.sin, time="x", field="u"),
        Periodic("x", field="v"),
        Periodic("x", derivatives=3, field="v"),
        Equation(lambda u, v, t, x: u.xx - 2 * np.sin(t)),
        Equation(lambda u, v, t, x: (u.x - 4 * np.sin(t), v.t - v), on="x.max"),
        Equation(lambda u, v, t, x: [v.tt - v.t], on=("t.max", "x")),
    ],
    ids=lambda condition: condition.label(),
)
def test_of_a_function_that_meets_it_a_condition_leaves_nothing(condition):
    for row in left_of(condition):
        assert_allclose(row, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("condition", "n_equations"),
    [
        (Dirichlet(1.0), 2),
        (Dirichlet(1.0, field="v"), 1),
        (Neumann(1.0, on="x"), 2),
        (Robin(1.0, 1.0, 5.0, on="x"), 2),
        (Initial(1.0), 2),
        (Periodic("x", field="u"), 2),
        (Periodic("t", derivatives=0), 2),
        (Periodic("t", derivatives=3), 8),
        (Equation(lambda u, v, t, x: (u - 9, v - 9, u + v - 9)), 3),
    ],
    ids=shown,
)
def test_of_others_it_leaves_something(condition, n_equations):
    rows = left_of(condition)
    assert len(rows) == n_equations
    assert all(np.abs(row).max() > 1e-3 for row in rows)


def test_normals_of_a_curve():
    disk = Disk()
    condition = Neumann(lambda x, y: 2 * x**2 + y)
    (points,), normals = condition.sites(disk, 7, "uniform", np.random.RandomState(0))
    where = place(disk, torch.tensor(points), {"u": lambda x: x[:, 0] ** 2 + x[:, 1]}, normals)
    (row,) = condition.equations([where])
    assert_allclose(row.tensor.numpy(), 0, atol=1e-12)


# Values that are functions


@pytest.mark.parametrize(
    ("value", "fixed", "expected"),
    [
        (2.5, None, lambda t, x, nu: 2.5),
        (lambda x: x, None, lambda t, x, nu: x),
        (lambda t: t, None, lambda t, x, nu: t),
        (lambda x, t: x - t, None, lambda t, x, nu: x - t),
        (lambda nu, x: nu * x, None, lambda t, x, nu: nu * x),
        (lambda nu: nu, "t", lambda t, x, nu: nu),
        (lambda t, x, k=3.0: k * t * x, None, lambda t, x, nu: 3 * t * x),
        (lambda a, b: a - b, None, lambda t, x, nu: t - x),
        (lambda a: a, "t", lambda t, x, nu: x),
        (lambda s: s, "x", lambda t, x, nu: t),
        (lambda a, b: a - b, "t", lambda t, x, nu: t - x),
        (np.exp, "t", lambda t, x, nu: np.exp(x)),
        (np.hypot, None, lambda t, x, nu: np.hypot(t, x)),
    ],
    ids=[
        *("number", "x", "t", "x, t", "input", "input alone", "default", "others", "other"),
        *("another", "both", "ufunc", "ufunc of two"),
    ],
)
def test_values_are_called_by_name_or_in_order(value, fixed, expected):
    t, x, nu = np.linspace(0.1, 1, 4), np.linspace(-1, 2, 4), np.linspace(2, 3, 4)
    where = place(STRIP, torch.tensor(np.stack([t, x], axis=1)), {}, nu=nu)
    found = evaluated(value, where, fixed, "a test")
    found = found.tensor.numpy() if isinstance(found, Quantity) else found
    assert_allclose(found, expected(t, x, nu), rtol=1e-14)


class Told(Problem):
    """Values are coefficients of the problem."""

    domain = STRIP

    def __init__(self, nu=1.0):
        self.nu = nu

    @property
    def conditions(self):
        return (
            Dirichlet(self.nu, on="x.min"),
            Neumann(self.nu, on="x.max"),
            Robin(self.nu, 1.0, self.nu, on="t.max"),
            Initial(self.nu),
        )

    def residual(self, u, t, x):
        return u.t


class Computed(Told):
    """Values are computed from coefficients."""

    @property
    def conditions(self):
        return (Neumann(2 * self.nu + 1, on="x.max"), Initial(lambda x: self.nu * x))


def left_at(assembled):
    """(name, residuals, points, value of nu there) of each condition."""
    nu = assembled.problem.nu
    record = assembled.model.record(assembled.theta, assembled.collocation)
    pairs = zip(assembled.collocation.slices(), assembled.places, strict=True)
    for (block, rows), ((x, *_), _) in list(pairs)[1:]:
        value = x[:, 2] if isinstance(nu, Input) else 3.0
        yield block.name, record.value[rows, 0], x, value


every_kind = pytest.mark.parametrize("nu", [3.0, Unknown(3.0), Input(2.0, 4.0)], ids=repr)


@every_kind
def test_values_may_be_coefficients(nu):
    assembled = Assembled(Told(nu))
    v = assembled.network_value(assembled.theta)
    expected = {
        "dirichlet x.min": lambda x, c: v(x) - c,
        "neumann x.max": lambda x, c: differentiate(v, x, (1,)) - c,
        "robin t.max": lambda x, c: c * v(x) + differentiate(v, x, (0,)) - c,
        "initial": lambda x, c: v(x) - c,
    }
    for name, found, x, value in left_at(assembled):
        assert_close(found, expected[name](x, value).detach(), 1e-12)


@every_kind
def test_values_may_be_computed_from_coefficients(nu):
    assembled = Assembled(Computed(nu))
    v = assembled.network_value(assembled.theta)
    expected = {
        "neumann x.max": lambda x, c: differentiate(v, x, (1,)) - 2 * c - 1,
        "initial": lambda x, c: v(x) - c * x[:, 1],
    }
    for name, found, x, value in left_at(assembled):
        assert_close(found, expected[name](x, value).detach(), 1e-12)


def test_an_equation_of_ones_own_may_name_inputs():
    problem = Problem.from_function(
        lambda u, t, x, nu: u.t - nu * u.xx,
        STRIP,
        [Equation(lambda u, t, x, nu: u.x - nu, on="x.max", name="flux")],
        coefficients={"nu": Input(0.5, 2.0)},
    )
    assembled = Assembled(problem)
    v = assembled.network_value(assembled.theta)
    record = assembled.model.record(assembled.theta, assembled.collocation)
    (x,), _ = assembled.places[1]
    expected = differentiate(v, x, (1,)).detach() - x[:, 2]
    assert_close(record.value[-len(x) :, 0], expected, 1e-12)
