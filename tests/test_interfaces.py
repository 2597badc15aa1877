"""Interfaces: two functions, connected by value and flux; a coefficient that jumps without one."""

import warnings

import numpy as np
import pytest
from messages import assert_advises
from numpy.testing import assert_allclose

from skngd import PINNEstimator
from skngd.pde import (
    Box,
    Dirichlet,
    Disk,
    Initial,
    Interface,
    Interval,
    Points,
    Problem,
)
from skngd.pde.jumps import naive_coefficients

X = np.linspace(0, 1, 101)[:, None]


def conductivity(x):
    return np.where(x < 0.5, 1.0, 10.0)


def rod(u, x):
    return conductivity(x) * u.xx + 1


def exact_rod(x, jump=0.0, flux=0.0):
    """−x²/2 + c x to the left of the middle, −x²/20 + d x + e to the right."""
    # The normal points to the left: u_left − u_right = jump, 10 u_right' − u_left' = flux.
    a = [[-0.5, 0.5, 1.0], [-1.0, 10.0, 0.0], [0.0, 1.0, 1.0]]
    c, d, e = np.linalg.solve(a, [-jump - 1 / 8 + 1 / 80, flux, 1 / 20])
    return np.where(x < 0.5, -(x**2) / 2 + c * x, -(x**2) / 20 + d * x + e)


@pytest.mark.parametrize(("jump", "flux"), [(0.0, 0.0), (0.2, -0.7)])
def test_value_and_flux_are_connected(jump, flux):
    # The region is the right half: its outside is the left one.
    interface = Interface(Interval(0.5, 1), 10.0, lambda x: 1.0 + 0 * x, jump, flux)
    problem = Problem.from_function(rod, Interval(), [Dirichlet(0.0), interface])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solver = PINNEstimator(problem, (20,), activation="tanh", random_state=0).fit()
    assert_allclose(solver.predict(X), exact_rod(X[:, 0], jump, flux), atol=1e-9)
    assert solver.error_estimate_["u"] < 1e-9
    # A point on the interface belongs to the region.
    left, right = solver.predict([[0.5 - 1e-9], [0.5]])
    assert abs(left - right - jump) < 1e-8


def test_units_and_far_coordinates():
    problem = Problem.from_function(
        lambda u, x: np.where(x < 1000.5, 1.0, 10.0) * u.xx + 1,
        Interval(1000, 1001),
        [Dirichlet(0.0), Interface(Interval(1000.5, 1001), inside=10.0)],
    )
    solver = PINNEstimator(problem, (20,), activation="tanh", random_state=0).fit()
    assert_allclose(solver.predict(1000 + X), exact_rod(X[:, 0]), atol=1e-8)


def test_in_time_and_in_two_dimensions():
    # the sites lie on both sides of the circle inside the domain, at all times
    domain = Box(t=(0, 1), x=(0, 2), y=(-1, 1))
    interface = Interface(Disk(radius=0.5), inside=3.0)
    (inner, outer), normals = interface.sites(domain, 30, "sobol", np.random.RandomState(0))
    assert inner.shape == outer.shape == normals.shape == (30, 3)
    assert domain.contains(inner).all()
    assert np.ptp(inner[:, 0]) > 0.5
    assert (interface.side(inner, domain.names) == -1).all()
    assert (interface.side(outer, domain.names) == 1).all()
    assert_allclose(np.hypot(inner[:, 1], inner[:, 2]), 0.5, atol=1e-9)
    assert_allclose(normals[:, 1:], 2 * inner[:, 1:], atol=1e-9)


def conditions_of(*interfaces):
    return [Dirichlet(0.0), *interfaces]


@pytest.mark.parametrize(
    ("residual", "domain", "interfaces", "is_told"),
    [
        (rod, Interval(), (), True),
        (rod, Interval(), (Interface(Interval(0.5, 1), 10.0),), False),
        (rod, Interval(), (Interface(Interval(0.25, 1), 10.0),), True),
        (lambda u, x: np.tanh(50 * x) * u.xx + 1, Interval(-1, 1), (), False),
        (lambda u, x: u.xx + conductivity(x) * u.x, Interval(), (), False),
        (
            lambda u, t, x: u.t - np.where(t < 0.5, 1.0, 2.0) * u.xx,
            Box(t=(0, 1), x=(0, 1)),
            (),
            False,
        ),
        (
            lambda u, x, y: np.where(x**2 + y**2 < 0.25, 2.0, 1.0) * u.laplacian(),
            Box(x=(-1, 1), y=(-1, 1)),
            (),
            True,
        ),
        (
            lambda u, x, y: np.where(x**2 + y**2 < 0.25, 2.0, 1.0) * u.laplacian(),
            Box(x=(-1, 1), y=(-1, 1)),
            (Interface(Disk(radius=0.5), inside=2.0),),
            False,
        ),
    ],
)
def test_a_coefficient_that_jumps_without_interface_is_told(residual, domain, interfaces, is_told):
    problem = Problem.from_function(residual, domain, conditions_of(*interfaces))
    sentences = naive_coefficients(problem)
    assert len(sentences) == is_told
    for sentence in sentences:
        assert "Add an Interface" in sentence
        assert "jumps near (x=" in sentence


def test_the_naive_form_is_warned_of():
    problem = Problem.from_function(rod, Interval(), [Dirichlet(0.0)])
    solver = PINNEstimator(problem, (4,), activation="tanh", max_iter=5, estimate_error=False)
    with pytest.warns(UserWarning, match=".") as caught:
        solver.fit()
    told = [str(one.message) for one in caught]
    assert any("coefficient of u.xx" in one and "jumps near (x=0.5)" in one for one in told)


@pytest.mark.parametrize(
    ("make", "expected", "came"),
    [
        (lambda: Interface(Points([[0.0], [1.0]], "x")), "region to be a domain", "Points"),
        (lambda: Interface(0.5), "region to be a domain", "0.5"),
        (lambda: Interface(Disk(), inside=None), "inside of Interface", "None"),
    ],
)
def test_regions_that_cannot_be(make, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        make()
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize(
    ("interface", "settings", "expected", "came"),
    [
        (Interface(Interval(2, 3)), {}, "interface inside of the domain", "2.0, 3.0"),
        (Interface(Interval(0, 1)), {}, "interface inside of the domain", "0.0, 1.0"),
        (Interface(Interval(0, 1, "z")), {}, "coordinates of the domain", r"\['z'\]"),
        (Interface(Interval(0.5, 1)), {"dtype": "float32"}, "dtype='float64'", "single"),
    ],
)
def test_interfaces_that_do_not_fit(interface, settings, expected, came):
    problem = Problem.from_function(
        lambda u, t, x: u.t - u.xx, Box(t=(0, 1), x=(0, 1)), [Initial(0.0), interface]
    )
    with pytest.raises(ValueError, match="Expected") as caught:
        PINNEstimator(problem, (4,), activation="tanh", **settings).fit()
    assert_advises(caught.value, expected, came)
