"""Forward problems: what the solution satisfies, and what the solver answers about it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from solvers import Pendulum, Rod, Rotation, Transport, error, sample, solver
from variants import every_variant

from skngd.pde import (
    Box,
    Difference,
    Dirichlet,
    Disk,
    Equation,
    Initial,
    Neumann,
    Periodic,
    Problem,
    Robin,
)
from skngd.problems.zoo import AdvectionDiffusion, Beam, Heat, PredatorPrey, ReactionDiffusion

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 21).reshape(-1, 1)


# What lies in the span of the network is found exactly


@pytest.mark.parametrize("hidden_layer_sizes", [(), (3,), (3, 2)], ids=str)
def test_affine_solution_of_an_affine_network_is_exact(hidden_layer_sizes):
    fitted = solver(Transport(), hidden_layer_sizes, activation="identity").fit()
    assert fitted.loss_ < 1e-28
    assert error(fitted) < 1e-13
    Z = sample(Transport())
    assert_allclose(fitted.derivative(Z, "t"), 2, rtol=1e-12)
    assert_allclose(fitted.derivative(Z, "x"), -3, rtol=1e-12)
    assert_allclose(fitted.residual(Z), 0, atol=1e-12)
    assert fitted.score() > -1e-12


def test_one_full_step_solves_a_problem_that_is_linear_in_the_parameters():
    step = {"momentum": None, "step_size": 1.0, "projection": "qr", "rcond": 1e-12}
    fitted = solver(Transport(), (), max_iter=1, **step).fit()
    assert fitted.loss_ < 1e-25 * fitted.loss_curve_[0]
    assert error(fitted) < 1e-12


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_neurons", [1, 3])
def test_sine_of_a_sine_network_is_exact(n_neurons, seed):
    fitted = solver(Pendulum(), (n_neurons,), activation="sin", random_state=seed).fit()
    assert fitted.stop_reason_.startswith("Converged")
    assert error(fitted) < 1e-13


def squares(a, b, w, w0, w1):
    return w * b**2 + w0 * a**2 + w1 * (a + b - 1) ** 2


def label(condition):
    return condition.label()


@pytest.mark.parametrize(("w0", "w1"), [(1.0, 1.0), (3.0, 0.5), (1e-4, 20.0)])
def test_weights_are_those_of_the_least_squares_problem(w0, w1):
    # u' = 0, u(0) = 0 and u(1) = 1 contradict each other.
    conditions = (Dirichlet(0.0, "x.min", weight=w0), Dirichlet(1.0, "x.max", weight=w1))
    problem = Problem.from_function(lambda u, x: u.x, Box(x=(0, 1)), conditions)
    fitted = solver(problem, (), max_iter=50).fit()
    a, rest = fitted.predict([[0.0], [1.0]]) @ [[1, -1], [0, 1]]
    # Each equation is divided by the size of its terms.
    sizes = [float(fitted.sizes_[name][0]) for name in ("equation", *map(label, conditions))]
    w, w0, w1 = np.array([1.0, w0, w1]) / np.square(sizes)
    assert fitted.loss_ == pytest.approx(squares(a, rest, w, w0, w1) / 2)
    expected = np.linalg.solve([[w0 + w1, w1], [w1, w + w1]], [w1, w1])
    assert_allclose([a, rest], expected, rtol=1e-6)


def test_weight_by_measure_is_the_length_of_the_face():
    def of_face(weight):
        conditions = (Dirichlet(0.0, "t.min"), Dirichlet(1.0, "x.min", weight=weight))
        problem = Problem.from_function(lambda u, t, x: u.t, Box(t=(0, 3), x=(0, 1)), conditions)
        return solver(problem, (), max_iter=5, n_boundary=20).fit().theta_

    with pytest.warns(UserWarning, match="contradict"):
        assert_array_equal(of_face("measure"), of_face(3.0))


# Known problems, every kind of condition and of domain

KNOWN = {
    "advection-diffusion": (AdvectionDiffusion(eps=0.3), (8,), 1e-8),
    "advection-diffusion, soft": (AdvectionDiffusion(eps=0.3, hard=False), (8,), 1e-5),
    "reaction-diffusion": (ReactionDiffusion(), (8,), 1e-4),
    "reaction-diffusion, soft": (ReactionDiffusion(hard=False), (8,), 1e-4),
    "beam": (Beam(), (5,), 1e-3),
    "heat": (Heat(kappa=0.1), (10,), 1e-2),
    "predator and prey": (PredatorPrey(), (12,), 1e-3),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_problems_are_solved(name):
    problem, hidden_layer_sizes, tolerance = KNOWN[name]
    fitted = solver(problem, hidden_layer_sizes, max_iter=50).fit()
    assert error(fitted) < tolerance


def sine_problem(*conditions, low=0.0, high=2.0):
    """u'' + u = 0, which conditions make sin x."""
    return Problem.from_function(lambda u, x: u.xx + u, Box(x=(low, high)), conditions)


CONDITIONS = {
    "Dirichlet": (Dirichlet(np.sin),),
    "Neumann": (Neumann(-1.0, "x.min"), Neumann(np.cos, "x.max")),
    "Robin": (
        Robin(2.0, 1.0, lambda x: 2 * np.sin(x) + np.cos(x), "x.max"),
        Dirichlet(0.0, "x.min"),
    ),
    "Initial": (Initial(0.0, time="x"), Initial(1.0, derivative=1, time="x")),
    "Equation": (
        Equation(lambda u, x: u.x * np.exp(u) - np.cos(x) * np.exp(np.sin(x)), "x.max"),
        Dirichlet(0.0, "x.min"),
    ),
    "Equation inside": (Equation(lambda u, x: u.x - np.cos(x)), Dirichlet(0.0, "x.min")),
    "hard Dirichlet": (Dirichlet(np.sin, hard=True),),
    "hard Neumann": (Neumann(np.cos, "x.max", hard=True), Dirichlet(0.0, "x.min", hard=True)),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_of_every_kind_single_out_the_solution(name):
    fitted = solver(sine_problem(*CONDITIONS[name]), (4,), activation="sin", max_iter=60).fit()
    Z = np.linspace(0, 2, 21).reshape(-1, 1)
    assert_allclose(fitted.predict(Z), np.sin(Z[:, 0]), atol=1e-6)


def test_periodic_solution():
    conditions = (Periodic("x", derivatives=3),)
    problem = Problem.from_function(
        lambda u, x: u.xx - u + 2 * np.cos(x), Box(x=(0, 2 * np.pi)), conditions
    )
    fitted = solver(problem, (8,), activation="sin", max_iter=60).fit()
    Z = np.linspace(0, 2 * np.pi, 21).reshape(-1, 1)
    assert_allclose(fitted.predict(Z), np.cos(Z[:, 0]), atol=1e-4)
    for of in ("x", "xx", "xxx"):
        low, high = fitted.derivative([[0.0], [2 * np.pi]], of)
        assert low == pytest.approx(high, abs=1e-3)


def test_fields_of_a_system():
    fitted = solver(Rotation(), (3,), activation="sin").fit()
    assert fitted.predict(sample(Rotation())).shape == (50, 2)
    assert error(fitted) < 1e-8
    u, v = fitted.derivative(X, "t").T
    assert_allclose(np.stack([u, v], axis=1), fitted.predict(X)[:, ::-1] * [1, -1], atol=1e-7)
    assert fitted.residual(X).shape == (21, 2)


@pytest.mark.parametrize(
    "domain", [Disk(), Difference(Disk(), Disk(radius=0.5, face="hole"))], ids=["disk", "ring"]
)
def test_domains_other_than_boxes(domain):
    conditions = (Dirichlet(lambda x, y: 1 - x**2 - y**2),)
    problem = Problem.from_function(lambda u, x, y: u.laplacian() + 4, domain, conditions)
    fitted = solver(problem, (8,), max_iter=40, n_interior=100).fit()
    Z = domain.sample(50, "uniform", 0)
    assert_allclose(fitted.predict(Z), 1 - (Z**2).sum(1), atol=0.02)


# Hard conditions


def test_hard_conditions_are_met_exactly():
    """Whatever the network is: here after a single iteration."""
    fitted = solver(AdvectionDiffusion(), max_iter=1).fit()
    assert_array_equal(fitted.predict([[0.0], [1.0]]), 0.0)
    fitted = solver(ReactionDiffusion(), max_iter=1).fit()
    assert_allclose(fitted.derivative([[-1.0], [1.0]], "x"), 0.0, atol=1e-12)

    class Heated(Heat):
        conditions = (
            Initial(lambda x: np.sin(np.pi * x), hard=True),
            Dirichlet(lambda t: t**2, on="x.min", hard=True),
            Neumann(0.0, on="x.max"),
        )

    fitted = solver(Heated(), max_iter=1).fit()
    x, zero = X[:, 0], np.zeros(21)
    assert_allclose(fitted.predict(np.c_[zero, x]), np.sin(np.pi * x), atol=1e-13)
    assert_allclose(fitted.predict(np.c_[x, zero]), x**2, atol=1e-13)
    assert {"equation", "neumann x.max"} == set(fitted.history_) - set(one_of_regression())


def one_of_regression():
    """Names of columns that every history has."""
    return solver(None, max_iter=1).fit(X, X[:, 0]).history_


# Optimisers


@every_variant
def test_every_variant_lowers_the_loss(settings):
    fitted = solver(Rod(), max_iter=15, **{"restart": "loss", **settings}).fit()
    curve = fitted.loss_curve_
    assert fitted.loss_ == pytest.approx(np.nanmin(curve), rel=1e-9)
    assert fitted.loss_ < 0.5 * curve[0]
    squares = fitted.residual(X) ** 2
    assert np.isfinite(squares).all()


@pytest.mark.parametrize("metric", ["l2", "loss"])
@pytest.mark.parametrize("projection", ["svd", "qr", "gram", "kernel"])
def test_projections_agree(projection, metric):
    settings = {"step_size": 0.5, "damping": 1e-3, "max_iter": 5, "metric": metric}
    fitted = solver(Rod(), projection=projection, **settings).fit()
    expected = solver(Rod(), **{**settings, "metric": "l2"}).fit()
    assert_allclose(fitted.loss_curve_, expected.loss_curve_, rtol=1e-8)


class Riccati(Problem):
    """u' + u² = 1 + x, u(0) = 2; not linear."""

    domain = Box(x=(0, 1))
    conditions = (Dirichlet(2.0, on="x.min"),)

    def residual(self, u, x):
        return u.x + u**2 - (1 + x)


ALPHA, BETA = 0.3, 0.6
CONSTANT = {
    "step_size": ALPHA,
    "beta": BETA,
    "restart": None,
    "projection": "svd",
    "rcond": 1e-12,
    "max_iter": 4,
}


def heavy_ball_by_hand(a, b, x, momentum, sizes):
    """Losses of (HB) or (QN) for u = a + b x, with the residuals of Riccati in row-scaled form."""
    losses, step, before = [], np.zeros(2), None
    for _ in range(CONSTANT["max_iter"] + 1):
        u = a + b * x
        scale = np.append(np.full(len(x), len(x) ** -0.5 / sizes[0]), 1.0 / sizes[1])
        r = scale * np.append(b + u**2 - 1 - x, a - 2)
        jacobian = scale[:, None] * np.r_[np.c_[2 * u, 1 + 2 * u * x], [[1, 0]]]
        losses.append(r @ r / 2)
        inverse = np.linalg.pinv(jacobian)
        remembered = {
            "momentum": 0 if before is None else inverse @ (before[1] @ step),
            "difference": 0 if before is None else inverse @ (r - before[0]),
            "gradient": 0 if before is None else inverse @ before[0],
            "parameter": step,
        }[momentum]
        before = r, jacobian
        step = BETA * remembered - ALPHA * inverse @ r
        a, b = a + step[0], b + step[1]
    return losses


@pytest.mark.parametrize("momentum", ["momentum", "difference", "gradient", "parameter"])
def test_momentum_acts_on_residuals(momentum):
    x = np.linspace(0.1, 0.9, 7)
    named = {"momentum": "heavy-ball", "memory": momentum}
    if momentum == "parameter":
        named = {"momentum": "heavy-ball", "momentum_space": "parameter"}
    fitted = solver(Riccati(), (), **CONSTANT, **named).fit(x.reshape(-1, 1))
    at_start = {**CONSTANT, "step_size": 1e-300, "max_iter": 1, "momentum": None}
    start = solver(Riccati(), (), **at_start).fit(x.reshape(-1, 1))
    a, rest = start.predict([[0.0], [1.0]]) @ [[1, -1], [0, 1]]
    sizes = np.concatenate(list(fitted.sizes_.values()))
    assert_allclose(fitted.loss_curve_, heavy_ball_by_hand(a, rest, x, momentum, sizes), rtol=1e-7)
