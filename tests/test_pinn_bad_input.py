"""Problems, data and settings that cannot be meant are refused, or warned of, with advice."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from messages import assert_advises
from sklearn.exceptions import ConvergenceWarning
from solvers import Rod, Rotation, refused, solver

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Initial, Input, Neumann, Problem, Unknown
from skngd.problems.zoo import AdvectionDiffusion, Heat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 11).reshape(-1, 1)


HELD = (Dirichlet(0.0),)


def stated(residual, conditions=HELD, domain=None, **named):
    domain = Box(x=(0, 1)) if domain is None else domain
    return Problem.from_function(residual, domain, conditions, **named)


# Equations. Name: the residual, what the message says of the expectation and of what came.
RESIDUALS = {
    "too short": (lambda u, x: np.ones(3), "one number for each of the 40 points", r"\(3,\)"),
    "two columns": (lambda u, x: np.ones((40, 2)), "tuple of such", r"\(40, 2\)"),
    "nothing": (lambda u, x: None, "residual", "None"),
    "no equation": (
        lambda u, x: (),
        "equation|at least one",
        r"\(\)|empty|none",
    ),
    "a word": (lambda u, x: "u.xx", "number", "u.xx"),
    "a dict": (lambda u, x: {"first": u.xx}, "number|tuple", "dict"),
    "mean": (lambda u, x: u.xx - np.mean(u), "pointwise", r"np\.mean"),
    "another point": (lambda u, x: u.xx - u[0], "pointwise", r"u\[\.\.\.\]"),
    "neighbour": (lambda u, x: u.xx - np.roll(u, 1), "point", r"np\.roll"),
    "order of points": (
        lambda u, x: u.xx - np.linspace(0, 1, 40),
        "pointwise.*that point only",
        "In another order of the points, other values came",
    ),
    "mean by torch": (
        lambda u, x: u.xx - u.through(lambda v: v.mean().expand(len(v))),
        "pointwise",
        "other values came",
    ),
    "log of a negative number": (
        lambda u, x: u.xx + np.log(x - 0.5),
        r"FunctionProblem\.residual to be finite",
        r"nan at \(x=0\.[0-4]\d*\)",
    ),
    "division by zero": (lambda u, x: u.xx + 1 / (0 * x), "finite", r"inf at \(x=0\.\d+\)"),
    "root of a field that is negative": (
        lambda u, x: u.xx + np.sqrt(u - 100),
        "finite",
        r"nan at \(x=0\.\d+\)",
    ),
    "if": (lambda u, x: u.xx if u > 0 else u, r"np\.where", "true at some points"),
    "unknown derivative": (lambda u, x: u.t - u.xx, "has derivatives in x", "'t'"),
    "unknown coordinate": (lambda u, x: u.d("y"), "has derivatives in x", "'y'"),
    "fifth order": (lambda u, x: u.xxxxx, "up to order 4", "order 5"),
    "derivative of an expression": (
        lambda u, x: (u * u).x,
        "Only fields have derivatives",
        r"\.x ",
    ),
    "three arguments": (lambda u, x, y: u.xx, r"\(u, x\)", "'y'|another signature"),
}


@pytest.mark.parametrize("name", RESIDUALS)
def test_bad_residuals_are_refused_with_advice(name):
    residual, expected, came = RESIDUALS[name]
    refused(solver(stated(residual), n_interior=40).fit, expected, came)


def test_a_residual_that_is_not_finite_for_the_network_names_a_point():
    """Only where u is negative, which the solution of this equation is."""
    refused(solver(stated(lambda u, x: u.xx - 1 + np.log(u))).fit, "finite", r"nan at \(x=0\.\d+\)")


# Conditions


CONDITIONS = {
    "face": (lambda: (Dirichlet(0.0, on="y"),), r"'x', 'x\.min', 'x\.max'", "got 'y'"),
    "end of a face": (lambda: (Dirichlet(0.0, on="x.left"),), r"'x\.min'", r"'x\.left'"),
    "hard face": (lambda: (Dirichlet(0.0, on="y", hard=True),), "faces", "'y'"),
    "arguments": (
        lambda: (Dirichlet(lambda p, q: p),),
        r"arguments out of \('x',\)",
        r"\['p', 'q'\]",
    ),
    "NaN": (
        lambda: (Dirichlet(lambda x: np.log(x - 1)),),
        "'dirichlet' .* finite",
        r"nan at \(x=0\)",
    ),
    "field": (lambda: (Dirichlet(0.0, field="v"),), r"\('u',\)", "'v'"),
    "hard field": (lambda: (Dirichlet(0.0, field="v", hard=True),), r"\('u',\)", "'v'"),
    "word": (lambda: (Dirichlet("zero"),), "number", "zero"),
    "time": (lambda: (Initial(0.0),), "coordinate 't'", r"\('x',\)"),
    "number": (lambda: (0.0,), "[Cc]ondition", r"0\.0"),
    "no tuple": (lambda: Dirichlet(0.0), "tuple|sequence", r"Dirichlet\("),
    "class": (lambda: (Dirichlet,), "instance|[Cc]ondition", "Dirichlet"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_bad_conditions_are_refused_with_advice(name):
    conditions, expected, came = CONDITIONS[name]
    refused(lambda: solver(stated(lambda u, x: u.xx, conditions())).fit(), expected, came)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, "area"])
def test_weights_of_conditions_are_positive(weight):
    refused(lambda: Neumann(0.0, weight=weight), "positive number or 'measure'", str(weight))


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
def test_contradicting_conditions_at_a_corner_are_warned_of(hard):
    conditions = Dirichlet(0.0, on="x", hard=hard), Dirichlet(1.0, on="y.min", hard=hard)
    square = Box(x=(0, 1), y=(0, 1))
    problem = stated(lambda u, x, y: u.laplacian(), conditions, square)
    with pytest.warns(UserWarning, match="contradict") as caught:
        solver(problem, max_iter=1).fit()
    assert_advises(caught[0].message, "meets both", r"\(x=0, y=0\): 0 against 1")
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "problem",
    [Rod(), Rotation(), Heat(), AdvectionDiffusion(), Heat(kappa=Input(0.1, 0.2))],
    ids=str,
)
def test_conditions_that_agree_are_not_warned_of(problem):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver(problem, max_iter=1).fit()


def test_no_condition_at_all_is_warned_of():
    with pytest.warns(UserWarning, match="not unique") as caught:
        fitted = solver(stated(lambda u, x: u.xx, ()), max_iter=3).fit()
    assert_advises(caught[0].message, "its solution is not unique", "no conditions")
    assert caught[0].filename == __file__
    assert np.isfinite(fitted.predict(X)).all()


# Coefficients


@pytest.mark.parametrize(
    ("make", "expected", "came"),
    [
        (lambda: Unknown(0.5, low=1, high=0), "low < high", "low=1 and high=0"),
        (lambda: Unknown(0.5, low=0, high=0), "low < high", "low=0 and high=0"),
        (lambda: Unknown(2, low=0, high=1), "between its bounds", "start=2"),
        (lambda: Unknown(0, low=0), "between its bounds", "start=0"),
        (lambda: Unknown("half"), "numbers", "half"),
        (lambda: Unknown(None), "numbers", "None"),
        (lambda: Unknown(np.inf), "finite", "inf"),
        (lambda: Input(1, 1), "low < high", "low=1 and high=1"),
        (lambda: Input(2, 1), "low < high", "low=2 and high=1"),
        (lambda: Input(0, np.inf), "finite", "inf"),
        (lambda: Input("low", 1), "finite|numbers", "low"),
        (lambda: Input(0, 1, "log"), "low > 0", "low=0"),
        (lambda: Input(1, 2, "square"), "'log'", "'square'"),
    ],
)
def test_bad_coefficients_are_refused_with_advice(make, expected, came):
    refused(make, expected, came)


@pytest.mark.parametrize("data", [(), (X,)], ids=["fit()", "fit(X)"])
def test_unknown_without_measurements(data):
    class Bare(Rod):
        conditions = ()

    fit = solver(Bare(Unknown(1.0))).fit
    refused(lambda: fit(*data), "measurements", r"\['a'\]")


def test_points_in_the_place_of_measurements():
    """fit(X), where fit(X, y) was meant: the residual alone does not tell the coefficient."""
    with pytest.warns(UserWarning, match=r"nothing tells whether .* determines a.* fit\(X, y\)"):
        fitted = solver(Rod(Unknown(1.0)), max_iter=5).fit(X)
    assert np.isnan(fitted.unknowns_std_["a"])
    with pytest.raises(ValueError, match=r"Expected a problem, .* got neither"):
        PINNEstimator().fit()


def function_of_a_module(x):
    return 1 + x


class Carried(Rod):
    """Rod whose load is a function."""

    def __init__(self, load=function_of_a_module):
        self.load = load

    def residual(self, u, x):
        return u.xx + self.load(x)


def test_pickle_names_a_lambda_of_a_fitted_problem():
    fitted = solver(Carried(), max_iter=2).fit()
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    fitted = solver(Carried(lambda x: 1 + x), max_iter=2).fit()
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(fitted)


# What is no problem


@pytest.mark.parametrize(
    ("problem", "expected", "came"),
    [
        (Rod, "instance", r"class '.*Rod'.*Rod\(\)"),
        ("heat", "instance", "'heat'"),
        (lambda u, x: u.xx, "instance.*from_function", "function"),
        (Box(x=(0, 1)), "instance", "Box"),
    ],
    ids=["class", "name", "function", "domain"],
)
def test_what_is_no_problem_is_refused_with_advice(problem, expected, came):
    refused(solver(problem).fit, expected, came)


class Homeless(Problem):
    def residual(self, u, x):
        return u.xx


class Wordless(Problem):
    domain = Box(x=(0, 1))


class OneField(Rod):
    fields = "u"


class SameName(Rod):
    def __init__(self, x=1.0):
        super().__init__()
        self.x = x


@pytest.mark.parametrize(
    ("problem", "expected", "came"),
    [
        (Homeless(), r"Homeless\.domain to be a domain", "None"),
        (Wordless(), "residual", "Wordless has no equation"),
        (OneField(), "tuple of different names", "'u'"),
        (SameName(Input(0, 1)), "other names", "'x'"),
    ],
    ids=["domain", "residual", "fields", "names"],
)
def test_incomplete_problems_are_refused_with_advice(problem, expected, came):
    refused(solver(problem).fit, expected, came)


@pytest.mark.parametrize("activation", [torch.nn.ReLU, torch.nn.Identity])
def test_a_module_without_second_derivatives_is_refused(activation):
    module = torch.nn.Sequential(torch.nn.Linear(2, 5), activation(), torch.nn.Linear(5, 1))
    with pytest.raises(ValueError, match=r"second derivatives .* all vanish.*torch.nn.Tanh"):
        PINNEstimator(Heat(), model=module, n_interior=20).fit()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("residual", "said"),
    [
        (lambda u, x: 0.0 * u.x, "The equation of .* is zero whatever .* not unique"),
        (lambda u, x: (u.x, 0.0 * u - 3.0), "Equation 2 of .* is not zero whatever .* no solution"),
    ],
    ids=["zero", "constant"],
)
def test_an_equation_that_does_not_depend_on_the_solution(residual, said):
    problem = Problem.from_function(residual, Box(x=(0, 1)), (Dirichlet(0.0),))
    with pytest.warns(UserWarning, match=said) as caught:
        PINNEstimator(problem, (4,), activation="tanh", max_iter=3, random_state=0).fit()
    assert sum("whatever the solution" in str(w.message) for w in caught) == 1
