"""Conditions agree with each other, and with the problem that they belong to."""

import numpy as np
import pytest
import torch
from messages import assert_advises
from numpy.testing import assert_allclose
from physics import KIND, Assembled
from sklearn.base import clone

from skngd.models import FullyConnected, NetworkJets
from skngd.pde import (
    Box,
    Difference,
    Dirichlet,
    Disk,
    Equation,
    Initial,
    Input,
    Interval,
    Neumann,
    Periodic,
    Problem,
    Robin,
    Unknown,
)
from skngd.pde.agreement import contradictions
from skngd.pde.checks import check_problem
from skngd.pde.discretization import Discretization
from skngd.pde.residuals.ansatz import hard_conditions
from skngd.problems import zoo

LINE, STRIP = Interval(), Box(t=(0, 1), x=(0, 1))
SQUARE = Box(x=(0, 1), y=(0, 1))
made = Problem.from_function


def poisson(u, *x, **coefficients):
    return u.laplacian() + 1


# What conditions ask for where they meet


def contradicting(*conditions, domain=STRIP, fields=("u",), **coefficients):
    def residual(*arguments, **given):
        return arguments[0]

    return contradictions(made(residual, domain, conditions, fields, coefficients))


@pytest.mark.parametrize(
    ("conditions", "came"),
    [
        ((Dirichlet(1.0, "x"), Initial(0.0)), r"\(t=0, x=[01]\): 1 against 0"),
        ((Dirichlet(1.0, "x.min"), Dirichlet(2.0, "x")), r"x=0\): 1 against 2"),
        ((Initial(1.0), Dirichlet(lambda x: x, "t.min")), r"\(t=0, x=.*1 against"),
        ((Neumann(1.0, "x.max"), Neumann(0.0, "x")), r"x=1\): 1 against 0"),
        ((Initial(0.0, derivative=1), Initial(1.0, derivative=1)), "0 against 1"),
        (
            (Initial(lambda x: 3 * x, hard=True), Neumann(1.0, "x.max", hard=True)),
            r"\(t=0, x=1\): 3 against 1",
        ),
        (
            (Neumann(lambda t: 1 + t, "x.min", hard=True), Initial(lambda x: x, hard=True)),
            r"\(t=0, x=0\): 1 against -1",
        ),
    ],
    ids=["corner", "face", "start", "slopes", "speeds", "hard slope", "hard slope, first"],
)
def test_contradictions_are_found(conditions, came):
    sentences = contradicting(*conditions)
    assert sentences
    assert_advises(sentences[0], "contradict each other", came)


@pytest.mark.parametrize(
    "conditions",
    [
        (Dirichlet(1.0, "x.min"), Dirichlet(1.0, "x")),
        (Dirichlet(lambda t, x: t + x), Initial(lambda x: x), Dirichlet(lambda t: t, "x.min")),
        (Dirichlet(1.0, "x.min", field="u"), Dirichlet(2.0, "x.min", field="v")),
        (Dirichlet(1.0, "x.min"), Neumann(2.0, "x.min"), Dirichlet(2.0, "x.max")),
        (Initial(1.0), Initial(2.0, derivative=1)),
        (Initial(lambda x: 3 * x), Neumann(1.0, "x.max")),
        (Initial(np.log), Dirichlet(0.0, "x.min")),
        (Initial(lambda x: x**2, hard=True), Neumann(2.0, "x.max", hard=True)),
    ],
    ids=[
        *("same value", "one function", "fields", "value and slope", "value and speed"),
        *("soft slope", "not finite", "hard slope"),
    ],
)
def test_conditions_that_agree_are_left_alone(conditions):
    assert not contradicting(*conditions, fields=("u", "v"))


def test_domains_that_are_no_box_are_left_alone():
    assert not contradicting(Dirichlet(1.0), Dirichlet(2.0), domain=Disk())
    box = Box(x=(0, 1), y=(0, 1), face="wall")
    assert not contradicting(Dirichlet(1.0), Dirichlet(2.0), domain=box)


@pytest.mark.parametrize(("q", "found"), [(Input(2.0, 3.0), 4), (Input(0.0, 0.1), 4), (2.0, 4)])
def test_contradictions_of_values_that_depend_on_inputs(q, found):
    conditions = Dirichlet(lambda q: q, "x") if isinstance(q, Input) else Dirichlet(q, "x")
    sentences = contradicting(Initial(-1.0), conditions, Dirichlet(-2.0, "x"), q=q)
    assert len(sentences) == 2 * found - 2


class Walls(Problem):
    """Values are computed from a coefficient."""

    domain = STRIP

    def __init__(self, q=2.0, hard=False):
        self.q, self.hard = q, hard

    @property
    def conditions(self):
        return (
            Initial(lambda x: self.q * x, field="u"),
            Dirichlet(2 * self.q - self.q, on="x.max", weight=3.0, hard=self.hard),
            Robin(self.q**2, 1.0, -self.q, on="x.min", name="left"),
        )

    def residual(self, u, t, x):
        return u.t - self.q * u.xx


def test_unknown_values_contradict_nothing():
    class Steps(Walls):
        @property
        def conditions(self):
            return Initial(0.0), Dirichlet(self.q + 1, "x"), Dirichlet(5.0, "x.min")

    assert len(contradictions(Steps(3.0))) == 4
    assert len(contradictions(Steps(Unknown(3.0)))) == 1


# Conditions that are computed from coefficients


@pytest.mark.parametrize("q", [3.0, Unknown(3.0), Input(2.0, 4.0), Input(1, 9, "log")], ids=repr)
@pytest.mark.parametrize("hard", [False, True])
def test_what_conditions_there_are_does_not_depend_on_the_kind_of_a_coefficient(q, hard):
    problem = Walls(q, hard)
    check_problem(problem)
    assert problem.with_numbers().q == pytest.approx(3.0)
    assert not problem.with_numbers().inputs
    assert not contradictions(problem)
    network = FullyConnected((2 + len(problem.inputs), 3, 1))
    discretization = Discretization(
        problem, lambda indices, scale: NetworkJets(network, indices, scale), KIND
    )
    labels = ["equation", "initial u", "dirichlet x.max", "left"]
    assert discretization.labels() == labels
    points = discretization.sample(8, [4, 4, 4], "sobol", np.random.RandomState(0))
    unknowns = torch.full((len(problem.unknowns),), 3.0, dtype=torch.float64)
    blocks = discretization.blocks(points, unknowns)
    assert [block.name for block in blocks] == [x for x in labels if not (hard and "diri" in x)]
    initial = next(block for block in blocks if block.name == "initial u")
    jets = [torch.zeros(len(jets.indices), 1, 4, dtype=torch.float64) for jets, _ in initial.sites]
    (sites, *_), x = points[1], points[1][0][0][:, 1]
    value = sites[0][:, 2] if problem.inputs else 3.0
    # With a network that is zero, v is the lift.
    v = value if hard else 0.0
    assert_allclose(initial.residual(jets, unknowns)[0], v - value * x, rtol=1e-12)
    if not hard:
        assert_allclose(blocks[2].row_weights, 3.0 / 4)


def test_hard_values_that_are_computed_from_inputs_hold():
    ansatz = hard_conditions(Walls(Input(2.0, 4.0), hard=True), "u")
    x = torch.tensor([[0.3, 1.0, 2.5], [0.7, 1.0, 4.0]], dtype=torch.float64)
    assert_allclose(ansatz.lift(x), [2.5, 4.0])
    assert_allclose(ansatz.distance(x), 0, atol=1e-15)


# Hard conditions and the shape of the domain


@pytest.mark.parametrize(
    ("domain", "condition", "faces"),
    [
        (Difference(SQUARE, Disk((0.5, 0.5), 0.2, face="hole")), Dirichlet(on="x"), "x.min x.max"),
        (Box(t=(0, 2)) * Disk(), Initial(1.0), "t.min"),
        (SQUARE, Dirichlet(on=("x", "x.min")), "x.min x.max"),
        (STRIP, Dirichlet(), "x.min x.max"),
        (Box(t=(0, 1)), Dirichlet(), "t.min t.max"),
    ],
    ids=["hole", "cylinder", "named twice", "space", "time"],
)
def test_faces_of_hard_conditions(domain, condition, faces):
    condition.hard = True
    ansatz = hard_conditions(made(poisson, domain, [condition]), "u")
    assert [face.name(domain) for face, _ in ansatz.values] == faces.split()


# Names


@pytest.mark.parametrize(
    ("condition", "label"),
    [
        (Initial(field="prey"), "initial prey"),
        (Initial(derivative=1, field="v"), "initial' v"),
        (Dirichlet(on=("x.min", "y"), field="v"), "dirichlet x.min y v"),
        (Periodic("x", field="v"), "periodic x v"),
        (Initial(field="prey", name="start"), "start"),
    ],
    ids=repr,
)
def test_labels_name_the_field(condition, label):
    assert condition.label() == label


class Named(Problem):
    domain = LINE

    def __init__(self, zeta, alpha=1.0, mid=1.0, beta=1.0):
        self.zeta, self.alpha, self.mid, self.beta = zeta, alpha, mid, beta

    def residual(self, u, x):
        return u.xx - self.mid * self.zeta - self.beta * self.alpha


def test_coefficients_come_in_the_order_of_the_constructor():
    named = Named(Input(1, 2), Input(0, 1), Unknown(1.0), Unknown(2.0))
    other = made(poisson, LINE, coefficients={"b": Input(0, 1), "a": Input(0, 1)})
    assert list(named.inputs) == ["zeta", "alpha"]
    assert list(named.unknowns) == ["mid", "beta"]
    assert list(other.inputs) == list(clone(other).inputs) == ["b", "a"]
    check_problem(named)


@pytest.mark.parametrize(
    "problem",
    [
        zoo.AdvectionDiffusion(),
        zoo.Beam(Unknown(2.0), Input(1, 2)),
        zoo.Burgers(Unknown(0.5, low=0)),
        zoo.Heat(Input(0.1, 1.0)),
        zoo.Laplace5D(),
        zoo.PredatorPrey(beta=Unknown(1.0)),
        zoo.ReactionDiffusion(hard=True),
        made(lambda *x: x[0].xx - x[1], LINE, [Dirichlet(np.sin)]),
        made(poisson, Disk(), [Dirichlet(), Equation(lambda u, x, y: u.x, name="ring")]),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_problems_that_are_right_pass(problem):
    check_problem(problem)
    assert not contradictions(problem)


# What may be written


def values_at_the_end(condition, **coefficients):
    """What a condition asks for at x = 1, t = 0, 1/2, 1."""
    problem = made(lambda u, t, x, **_: u.t, STRIP, [condition], coefficients=coefficients)
    assembled = Assembled(problem, n_points=5)
    (x, *_), _ = assembled.places[1]
    record = assembled.model.record(assembled.theta, assembled.collocation)
    u = assembled.network_value(assembled.theta)(x)
    return (u - record.value[-len(x) :, 0]).numpy(), *x.T.numpy()


class Slope:
    """A function with a state."""

    def __init__(self, slope):
        self.slope = slope

    def __call__(self, t):
        return self.slope * t

    def value(self, t):
        return self.slope * t


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (lambda *x: x[0] + 2 * x[1], lambda t, x: t + 2 * x),
        (lambda t, *rest: t + 2 * rest[0], lambda t, x: t + 2 * x),
        (lambda *, x, t: t + 2 * x, lambda t, x: t + 2 * x),
        (lambda x, *, t, k=3.0: t + k * x, lambda t, x: t + 3 * x),
        (lambda: 3.0, lambda t, x: 3.0),
        (Slope(2.0), lambda t, x: 2 * t),
        (Slope(2.0).value, lambda t, x: 2 * t),
        (lambda x, /, t: 2 * x + 3 * t, lambda t, x: 2 * t + 3 * x),
        (np.hypot, np.hypot),
    ],
    ids=[
        *("rest", "first and rest", "keywords", "default", "none", "object", "method"),
        *("by position", "ufunc"),
    ],
)
def test_arguments_of_values(value, expected):
    found, t, x = values_at_the_end(Dirichlet(value, on="x.max"))
    assert_allclose(found, expected(t, x), rtol=1e-12, atol=1e-14)


def test_the_rest_at_the_start_is_space():
    found, _, x = values_at_the_end(Initial(lambda *x: 2 * x[0]))
    assert_allclose(found, 2 * x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("residual", "expected"),
    [
        (lambda u, t, x, q: u - q * t, lambda t, q: q * t),
        (lambda u, t, x, *, k: u - k * t, lambda t, q: 3 * t),
        (lambda u, t, x, k, q: u - k * q * t, lambda t, q: 3 * q * t),
        (lambda u, *x: u - x[0], lambda t, q: t),
        (lambda u, t, x, m=2.0: u - m * t, lambda t, q: 2 * t),
    ],
    ids=["input", "number", "both", "rest", "default"],
)
def test_an_equation_may_name_coefficients(residual, expected):
    condition = Equation(residual, on="x.max")
    found, t, _, q = values_at_the_end(condition, q=Input(1.0, 2.0), k=3.0)
    assert_allclose(found, expected(t, q), rtol=1e-12, atol=1e-14)
