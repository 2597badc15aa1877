"""Each solution in closed form fulfils its equation and its conditions."""

import numpy as np
import pytest
from differentiation import derivative
from messages import assert_advises
from numpy.testing import assert_allclose, assert_array_equal

from skngd.problems.solutions import (
    advection_diffusion,
    beam,
    heat,
    kovasznay,
    laplace_sines,
    reaction_diffusion,
    reaction_diffusion_source,
)


def test_derivative_of_the_tests():
    x = np.linspace(-1, 1, 5)
    for order, exact in ((1, np.cos(x)), (2, -np.sin(x)), (4, np.sin(x))):
        assert_allclose(derivative(np.sin, x, order), exact, atol=1e-13 * 100**order)


# elliptic problems


@pytest.mark.parametrize("d", [2, 5])
@pytest.mark.parametrize("combine", ["product", "sum"])
def test_sines_are_eigenfunctions_of_the_laplacian(combine, d):
    points = np.random.default_rng(0).uniform(size=(20, d))
    u = laplace_sines(points, combine)

    def along(k):
        def moved(value):
            return laplace_sines(np.where(np.arange(d) == k, value[:, np.newaxis], points), combine)

        return derivative(moved, points[:, k], order=2)

    factor = d if combine == "product" else 1
    assert_allclose(sum(along(k) for k in range(d)), -factor * np.pi**2 * u, atol=1e-9)
    assert_allclose(laplace_sines(1 - points, combine), u, atol=1e-14)
    assert_allclose(laplace_sines(points[:, ::-1], combine), u, atol=1e-14)


def test_sines_on_the_faces():
    points = np.random.default_rng(0).uniform(size=(6, 3))
    points[:3, 1], points[3:, 1] = 0, 1
    assert_allclose(laplace_sines(points), 0, atol=1e-15)
    others = laplace_sines(points[:, [0, 2]], "sum")
    assert_allclose(laplace_sines(points, "sum"), others, atol=1e-15)


@pytest.mark.parametrize("eps", [1.0, 0.1, 0.01])
def test_advection_diffusion_fulfils_its_equation(eps):
    x = np.linspace(0.05, 0.95, 31)

    def u(x):
        return advection_diffusion(x, eps)

    radius = eps / 2
    residual = -eps * derivative(u, x, 2, radius) + derivative(u, x, 1, radius)
    assert_allclose(residual, 1, atol=1e-9)
    printed = (np.exp((x - 1) / eps) - np.exp(-1 / eps)) / (1 - np.exp(-1 / eps))
    assert_allclose(u(x), x - printed, rtol=1e-13)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("eps", [1e3, 1.0, 1e-2, 1e-4, 1e-8])
def test_advection_diffusion_neither_overflows_nor_misses_its_boundary_values(eps):
    assert_array_equal(advection_diffusion([0.0, 1.0], eps), 0)
    x = np.linspace(0, 1, 1001)
    u = advection_diffusion(x, eps)
    assert (u >= -1e-13).all()
    assert (u <= x).all()
    outside = x < 1 - 40 * eps
    assert_allclose(u[outside], x[outside], atol=1e-16)


def test_reaction_diffusion_fulfils_its_equation():
    x = np.linspace(-1, 1, 41)
    u = reaction_diffusion(x)
    residual = -derivative(reaction_diffusion, x, 2) + u**3
    assert_allclose(residual, reaction_diffusion_source(x), atol=1e-9)
    assert_allclose(derivative(reaction_diffusion, x[[0, -1]]), 0, atol=1e-12)


CONDITIONS = {  # the derivatives that are zero at 0 and at the length
    "clamped": ((0, 1), (0, 1)),
    "simply-supported": ((0, 2), (0, 2)),
    "cantilever": ((0, 1), (2, 3)),
}


@pytest.mark.parametrize("ends", CONDITIONS)
def test_beam_fulfils_its_equation_and_conditions(ends):
    load, stiffness, length = 3.0, 2.0, 1.5

    def u(x):
        return beam(x, load, stiffness, length, ends)

    def at(x, order):
        return u(x) if order == 0 else derivative(u, x, order, radius=0.5, degree=6)

    assert_allclose(stiffness * at(np.linspace(0, length, 9), 4), load, rtol=1e-9)
    for end, orders in zip((0.0, length), CONDITIONS[ends], strict=True):
        for order in orders:
            assert_allclose(at(end, order), 0, atol=1e-10)
    assert (u(np.linspace(0.1, length, 9)[:-1]) > 0).all()


@pytest.mark.parametrize(
    ("ends", "x", "deflection"),
    [("clamped", 0.5, 1 / 384), ("simply-supported", 0.5, 5 / 384), ("cantilever", 1.0, 1 / 8)],
)
def test_greatest_deflections_of_the_tables(ends, x, deflection):
    assert_allclose(beam(x, ends=ends), deflection, rtol=1e-15)
    # u is q L⁴ / EI times a function of x / L
    assert_allclose(beam(2 * x, 3.0, 5.0, 2.0, ends), 3 * 16 / 5 * deflection, rtol=1e-15)


@pytest.mark.parametrize("reynolds", [1.0, 40.0, 1e4])
def test_kovasznay_flow_fulfils_the_navier_stokes_equations(reynolds):
    x, y = np.random.default_rng(0).uniform((-0.5, -0.5), (1, 1.5), size=(30, 2)).T
    u, v, p = kovasznay(x, y, reynolds).T

    def d(field, axis, order=1):
        def moved(value):
            return kovasznay(*((value, y) if axis == 0 else (x, value)), reynolds)[..., field]

        return derivative(moved, (x, y)[axis], order)

    assert_allclose(d(0, 0) + d(1, 1), 0, atol=1e-9)
    for field, axis in ((0, 0), (1, 1)):
        convection = u * d(field, 0) + v * d(field, 1)
        diffusion = (d(field, 0, 2) + d(field, 1, 2)) / reynolds
        scale = 1 + np.abs(convection).max()
        assert_allclose((convection + d(2, axis) - diffusion) / scale, 0, atol=1e-8)
    assert_allclose(kovasznay(x, y + 1, reynolds), np.stack([u, v, p], axis=-1), rtol=1e-10)


def test_kovasznay_keeps_its_digits_for_large_reynolds_numbers():
    # lambda is −4π²/Re there, and the pressure −lambda x
    assert_allclose(kovasznay(0.5, 0.0, 1e12)[2], 2e-12 * np.pi**2, rtol=1e-9)


@pytest.mark.parametrize("kappa", [0.25, 1.0])
def test_heat_fulfils_its_equation(kappa):
    t, x = np.linspace(0.1, 0.9, 9)[:, np.newaxis], np.linspace(0, 1, 21)
    u_t = derivative(lambda t: heat(t, x, kappa), t)
    u_xx = derivative(lambda x: heat(t, x, kappa), x, 2)
    assert_allclose(u_t, kappa * u_xx, atol=1e-9)
    assert_allclose(heat(0, x, kappa), np.sin(np.pi * x), rtol=1e-15)
    assert_allclose(heat(t, [0, 1], kappa), 0, atol=1e-15)


# bad input


@pytest.mark.parametrize(
    ("call", "expected", "came"),
    [
        (lambda: advection_diffusion(0.5, 0), "eps to be positive", "got 0"),
        (lambda: beam(0.5, stiffness=0), "stiffness to be positive", "got 0"),
        (lambda: beam(0.5, ends="free"), "ends to be one of 'clamped', 'simply", "'free'"),
        (lambda: kovasznay(0, 0, -1), "reynolds to be positive", "got -1"),
        (lambda: laplace_sines([[0.5]], "mean"), "combine to be one of 'product'", "'mean'"),
    ],
)
def test_bad_input_is_answered_with_advice(call, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        call()
    assert_advises(caught.value, expected, came)
