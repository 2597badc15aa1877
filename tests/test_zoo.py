"""Each known problem states an equation and conditions that its solution fulfils."""

import pickle
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
from differentiation import derivative
from messages import assert_advises
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skngd.pde import Input, Unknown
from skngd.pde.conditions import Interior
from skngd.pde.residuals.bound import Stated, stated_conditions
from skngd.pde.residuals.compile import Compiler
from skngd.problems import solutions, zoo
from skngd.problems.zoo import (
    AdvectionDiffusion,
    AllenCahn,
    Beam,
    Burgers,
    Heat,
    KnownProblem,
    Laplace2D,
    Laplace5D,
    PredatorPrey,
    ReactionDiffusion,
)

# Each problem with what its solution is like a polynomial within, in each coordinate.
CASES = [
    (Laplace2D(), (0.1, 0.1)),
    (Laplace5D(), (0.1, 0.1, 0.1, 0.1, 0.1)),
    (AdvectionDiffusion(hard=False), (0.05,)),
    (AdvectionDiffusion(eps=1.0, hard=False), (0.1,)),
    (ReactionDiffusion(hard=False), (0.1,)),
    (Beam(), (0.5,)),
    (Beam(load=3.0, stiffness=2.0), (0.5,)),
    (Heat(), (0.1, 0.1)),
    (Heat(kappa=1.0), (0.05, 0.1)),
    (AllenCahn(), (0.03, 0.01)),
    (AllenCahn(eps=0.01, rate=3.0), (0.03, 0.03)),
    (Burgers(), (0.003, 0.003)),
    (Burgers(nu=0.1), (0.05, 0.05)),
    (PredatorPrey(), (0.05,)),
    (PredatorPrey(1.1, 0.4, 0.3, 0.8), (0.1,)),
]


def coefficients(problem):
    """The numbers of a problem by name."""
    return {name: value for name, value in problem.get_params().items() if name != "hard"}


def over(cases):
    return pytest.mark.parametrize(("problem", "radii"), cases, ids=[repr(p) for p, _ in cases])


every_case = over(CASES)
with_coefficients = over([case for case in CASES if coefficients(case[0])])


class Known:
    """A function in place of the network, with derivatives from its values."""

    def __init__(self, function, radii, n_outputs, indices):
        self.function, self.radii = function, radii
        self.n_outputs, self.indices = n_outputs, indices

    def jet(self, X):
        return np.stack([self.derivative(index, X).T for index in self.indices])

    def derivative(self, index, X):
        found = self.function
        for axis, order in Counter(index).items():
            found = partial(self.along, found, axis, order)
        return found(X)

    def along(self, function, axis, order, X):
        def moved(column):
            Y = X.copy()
            Y[:, axis] = column
            return function(Y)

        return derivative(moved, X[:, axis], order, self.radii[axis])


def columns(function):
    """Values of shape (n, n_fields) also for a single field."""
    return lambda X: function(X).reshape(len(X), -1)


def residual(problem, stated, sites, normals, function, radii, unknowns=()):
    """What a condition leaves of a function, shape (e, m)."""
    kind = {"dtype": torch.float64, "device": "cpu"}
    jets_of = partial(Known, columns(function), radii, len(problem.fields))
    compiler = Compiler(problem, jets_of, torch.clone, kind)
    unknowns = torch.tensor(unknowns, **kind)
    block = compiler.block(stated, sites, normals, unknowns=unknowns)
    jets = [torch.tensor(known.jet(x.numpy())) for known, x in block.sites]
    return block.residual(jets, unknowns).numpy()


def inner_points(problem, n=40):
    """Points with a distance from the boundary of a tenth of the domain."""
    low, high = problem.domain.bounds.T
    points = problem.domain.sample(n, "sobol", np.random.RandomState(0))
    return (low + high) / 2 + 0.8 * (points - (low + high) / 2)


def of_equation(problem, *arguments, inputs=None, **settings):
    """The residual of the equation, with columns of inputs."""
    points = inner_points(problem)
    if inputs is not None:
        points = np.column_stack([points, inputs(len(points))])
    return residual(problem, Stated(problem, Interior()), [points], None, *arguments, **settings)


def of_conditions(problem, *arguments, inputs=None):
    """The residual of each condition."""
    for stated in stated_conditions(problem):
        sites, normals = stated.condition.sites(
            problem.domain, 20, "sobol", np.random.RandomState(0)
        )
        if inputs is not None:
            sites = [np.column_stack([site, inputs(len(site))]) for site in sites]
        yield residual(problem, stated, sites, normals, *arguments)


# the solution


@every_case
def test_solution_fulfils_the_equation(problem, radii):
    left = of_equation(problem, problem.solution, radii)
    assert left.shape == (len(problem.fields), 40)
    assert_allclose(left, 0, atol=1e-9)


@every_case
def test_solution_fulfils_the_conditions(problem, radii):
    rows = list(of_conditions(problem, problem.solution, radii))
    assert len(rows) == len(problem.conditions) > 0
    assert_allclose(np.concatenate(rows, axis=1), 0, atol=1e-11)


@every_case
def test_another_function_does_not(problem, radii):
    def larger(X):
        return 1.1 * problem.solution(X)

    rows = [of_equation(problem, larger, radii), *of_conditions(problem, larger, radii)]
    assert max(np.abs(row).max() for row in rows) > 0.05


@with_coefficients
def test_unknown_coefficients_are_right_at_the_truth_alone(problem, radii):
    truth = coefficients(problem)
    stated = clone(problem).set_params(**{name: Unknown(2 * c) for name, c in truth.items()})
    assert set(stated.unknowns) == set(truth)

    def at(values):
        return of_equation(stated, problem.solution, radii, unknowns=values)

    values = np.array([truth[name] for name in stated.unknowns])
    assert_allclose(at(values), 0, atol=1e-9)
    for k in range(len(values)):
        assert np.abs(at(values * np.where(np.arange(len(values)) == k, 1.5, 1))).max() > 1e-4


@with_coefficients
def test_inputs_are_columns(problem, radii):
    truth = coefficients(problem)
    stated = clone(problem).set_params(**{n: Input(0.8 * c, 1.2 * c) for n, c in truth.items()})
    assert set(stated.inputs) == set(truth)

    def inputs(n):
        rows = np.array([[0.8 * truth[name], 1.2 * truth[name]] for name in stated.inputs])
        return rows.T[np.arange(n) % 2]

    assert_allclose(of_equation(stated, stated.solution, radii, inputs=inputs), 0, atol=1e-9)
    for row in of_conditions(stated, stated.solution, radii, inputs=inputs):
        assert_allclose(row, 0, atol=1e-11)
    points = inner_points(problem, 4)
    mixed = stated.solution(np.column_stack([points, inputs(4)]))
    for k, factor in enumerate((0.8, 1.2)):
        one = clone(problem).set_params(**{name: factor * c for name, c in truth.items()})
        assert_allclose(mixed[k::2], one.solution(points)[k::2], rtol=1e-12)


@every_case
def test_solution_has_a_column_for_each_field(problem, radii):
    d, n_fields = len(problem.domain.names), len(problem.fields)
    for n in (0, 1, 3):
        u = problem.solution(np.full((n, d), 0.5).tolist() if n else np.zeros((0, d)))
        assert u.shape == ((n,) if n_fields == 1 else (n, n_fields))
        assert u.dtype == np.float64
    assert_array_equal(problem.solution(np.ones((2, d), int)), problem.solution(np.ones((2, d))))


def test_every_problem_of_the_zoo_is_here():
    stated = {v for v in vars(zoo).values() if isinstance(v, type) and issubclass(v, KnownProblem)}
    assert stated == {type(problem) for problem, _ in CASES} | {KnownProblem}


# hard conditions


@pytest.mark.parametrize("problem", [AdvectionDiffusion(), ReactionDiffusion()])
def test_hard_conditions_hold_for_any_network(problem):
    def any_function(X):
        return np.exp(X[:, 0]) + X[:, 0] ** 2

    (left,) = of_conditions(problem, any_function, (0.1,))
    assert_allclose(left, 0, atol=1e-11)
    (left,) = of_conditions(clone(problem).set_params(hard=False), any_function, (0.1,))
    assert np.abs(left).max() > 1


@pytest.mark.parametrize(
    ("problem", "network", "radii"),
    [
        (
            AdvectionDiffusion(),
            lambda X: solutions.advection_diffusion(X[:, 0], 0.1) / (4 * X[:, 0] * (1 - X[:, 0])),
            (0.04,),
        ),
        (ReactionDiffusion(), lambda X: solutions.reaction_diffusion(X[:, 0]), (0.1,)),
    ],
    ids=["AdvectionDiffusion", "ReactionDiffusion"],
)
def test_equation_holds_through_the_ansatz(problem, network, radii):
    assert_allclose(of_equation(problem, network, radii), 0, atol=1e-8)


# parameter objects


@every_case
@pytest.mark.parametrize("kind", [float, Unknown, lambda c: Input(c, 2 * c)])
def test_problems_are_parameter_objects(problem, radii, kind):
    names = coefficients(problem)
    stated = clone(problem).set_params(**{name: kind(c) for name, c in names.items()})
    parameters = stated.get_params()
    written = eval(repr(stated), {**vars(zoo), "Input": Input, "Unknown": Unknown})
    for other in (clone(stated), written, pickle.loads(pickle.dumps(stated))):
        assert other is not stated
        assert type(other) is type(problem)
        assert other.get_params() == parameters
        assert other.conditions == stated.conditions
        assert other.domain == stated.domain
    assert {*stated.unknowns, *stated.inputs} == (set() if kind is float else set(names))


# bad input


@pytest.mark.parametrize(
    ("problem", "X", "expected", "came"),
    [
        (Heat(), [[0.5]], r"shape \(n, 2\) with the columns \('t', 'x'\)", r"\(1, 1\)"),
        (Heat(kappa=Input(0.1, 1)), [[0, 0.5]], r"\('t', 'x', 'kappa'\)", r"\(1, 2\)"),
        (Beam(), [0.1, 0.2, 0.3], r"shape \(n, 1\)", r"\(3,\)"),
        (Heat(kappa=Unknown(0.5)), [[0, 0.5]], "numbers or inputs", r"kappa=Unknown\(0.5\)"),
        (Burgers(nu=-1.0), [[0, 0.5]], "nu to be positive", "got -1"),
        (Burgers(), [[-0.5, 0.5]], "t to be finite and at least 0", "got -0.5"),
    ],
)
def test_bad_input_is_answered_with_advice(problem, X, expected, came):
    with pytest.raises(ValueError, match="Expected") as caught:
        problem.solution(X)
    assert_advises(caught.value, expected, came)


def test_a_known_problem_without_solution_says_so():
    class Nameless(KnownProblem):
        domain = Heat.domain

    with pytest.raises(NotImplementedError) as caught:
        Nameless().solution([[0.5, 0.5]])
    assert_advises(caught.value, "method exact", "Nameless")
