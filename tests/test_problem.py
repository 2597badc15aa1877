"""Problems are parameter objects: they are cloned, shown, stored and sent to other processes."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from cases import assert_close
from joblib.externals.loky.backend import reduction
from messages import assert_advises
from physics import Assembled
from physics_problems import SYSTEM, Coupled, every_physics
from sklearn.base import clone

from skngd.pde import Box, Dirichlet, Initial, Input, Interval, Periodic, Problem, Unknown

STRIP = Box(t=(0, 1), x=(-1, 1))


def minus_sine(x):
    return -np.sin(np.pi * x)


def burgers(u, t, x, nu, a=1.0):
    return u.t + a * u * u.x - nu * u.xx


class Burgers(Problem):
    domain = STRIP
    # A class is stored by its name: functions without a name may stand in it.
    conditions = (Initial(minus_sine), Dirichlet(lambda t: 0 * t, on="x"))

    def __init__(self, nu=0.25, start=None):
        self.nu = nu
        self.start = start

    def residual(self, u, t, x):
        return burgers(u, t, x, self.nu)


class Wave(Problem):
    """Domain, conditions and fields depend on the parameters."""

    fields = ("u", "v")

    def __init__(self, length=2.0, on="x"):
        self.length = length
        self.on = on

    @property
    def domain(self):
        return Box(t=(0, 1), x=(0, self.length))

    @property
    def conditions(self):
        return (Periodic(self.on),)

    def residual(self, u, v, t, x):
        return u.t - v.x, v.t - u.x


def of_function(**coefficients):
    conditions = [Initial(minus_sine), Dirichlet(0.0, on="x")]
    return Problem.from_function(burgers, STRIP, conditions, coefficients=coefficients)


MADE = {
    "number": Burgers(0.1),
    "unknown": Burgers(Unknown(0.5, low=0)),
    "input": Burgers(nu=Input(0.04, 0.2, "log")),
    "function argument": Burgers(start=minus_sine),
    "properties": Wave(3.0),
    "function": of_function(nu=0.1),
    "function, coefficients": of_function(nu=Unknown(0.1, 0, 1), a=Input(0.5, 2)),
    "system": SYSTEM,
}
every_problem = pytest.mark.parametrize("problem", MADE.values(), ids=MADE)


def assert_same(problem, other):
    assert type(other) is type(problem)
    assert other is not problem
    assert other.get_params() == problem.get_params()
    assert other.unknowns == problem.unknowns
    assert other.inputs == problem.inputs
    assert other.domain == problem.domain
    assert list(other.conditions) == list(problem.conditions)
    assert other.fields == problem.fields


# Copies


@every_problem
@pytest.mark.parametrize(
    "copied",
    [
        clone,
        copy.copy,
        copy.deepcopy,
        lambda problem: pickle.loads(pickle.dumps(problem)),
        lambda problem: pickle.loads(pickle.dumps(problem, protocol=2)),
        lambda problem: pickle.loads(reduction.dumps(problem)),
    ],
    ids=["clone", "copy", "deepcopy", "pickle", "old pickle", "joblib"],
)
def test_copies_are_the_same_problem(problem, copied):
    assert_same(problem, copied(problem))


@every_physics
def test_copies_have_the_same_residual(problem):
    values = []
    for made in (problem, clone(problem), pickle.loads(pickle.dumps(problem))):
        assembled = Assembled(made)
        values.append(assembled.model.record(assembled.theta, assembled.collocation).value)
    assert_close(values[1], values[0], 1e-14)
    assert_close(values[2], values[0], 1e-14)


@every_problem
def test_compiling_leaves_no_trace(problem):
    before = pickle.dumps(problem)
    Assembled(problem)
    assert pickle.dumps(problem) == before


def test_a_clone_is_independent():
    problem = of_function(nu=Unknown(0.1, 0, 1))
    other = clone(problem).set_params(nu=0.3)
    assert other.get_params()["nu"] == 0.3
    assert problem.get_params()["nu"] == Unknown(0.1, 0, 1)
    other = problem.with_coefficients({"nu": 0.4})
    assert other.coefficients == {"nu": 0.4}
    assert problem.coefficients == {"nu": Unknown(0.1, 0, 1)}
    problem = Burgers(0.1)
    assert problem.with_coefficients({"nu": 0.4}).nu == 0.4
    assert problem.nu == 0.1


# Parameters


def test_coefficients_are_parameters():
    problem = of_function(nu=0.1, a=2.0)
    assert problem.get_params()["a"] == 2.0
    assert "nu" not in problem.get_params(deep=False)
    assert problem.set_params(nu=Input(1, 2), a=3.0) is problem
    assert problem.inputs == {"nu": Input(1, 2)}
    assert problem.get_params()["a"] == 3.0
    problem.set_params(fields=("w",))
    assert problem.fields == ("w",)
    with pytest.raises(ValueError, match="Invalid parameter 'mu'"):
        problem.set_params(mu=1.0)


def test_unknowns_and_inputs_are_found_among_the_parameters():
    problem = Coupled(a=1.0, b=Unknown(0.5), c=Input(1, 2), d=Unknown(2, low=1))
    assert problem.unknowns == {"b": Unknown(0.5), "d": Unknown(2, low=1)}
    assert problem.inputs == {"c": Input(1, 2)}
    assert not of_function(nu=0.1).unknowns


def test_properties_follow_the_parameters():
    problem = Wave()
    problem.set_params(length=5.0)
    assert problem.domain == Box(t=(0, 1), x=(0, 5))


def test_a_function_states_what_a_class_states():
    values = []
    for problem in (Burgers(Unknown(0.3)), of_function(nu=Unknown(0.3))):
        assembled = Assembled(problem)
        values.append(assembled.model.record(assembled.theta, assembled.collocation).value)
    assert_close(values[0], values[1], 1e-14)


def test_coefficients_are_passed_by_name_and_defaults_are_kept():
    def seen(u, x, q, k=1.0):
        return u, x, q, k

    problem = Problem.from_function(seen, Interval(), coefficients={"q": 2.0})
    assert problem.residual("u", "x") == ("u", "x", 2.0, 1.0)
    assert problem.with_coefficients({"k": 3.0}).residual("u", "x") == ("u", "x", 2.0, 3.0)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Burgers(0.1), "Burgers(nu=0.1)"),
        (Burgers(Unknown(0.5, low=0)), "Burgers(nu=Unknown(0.5, low=0))"),
        (Burgers(Input(1, 2, "log")), "Burgers(nu=Input(1, 2, scale='log'))"),
        (Burgers(), "Burgers()"),
        (Wave(3.0, on="t"), "Wave(length=3.0, on='t')"),
    ],
    ids=["number", "unknown", "input", "default", "properties"],
)
def test_repr_is_what_one_writes(problem, text):
    assert repr(problem) == text
    assert_same(problem, eval(repr(problem)))


def test_repr_of_a_function():
    text = repr(of_function(nu=Unknown(0.5)))
    for part in ("FunctionProblem(", "coefficients={'nu': Unknown(0.5)}", "Box(t=(0.0, 1.0)"):
        assert part in text


@pytest.mark.parametrize(
    ("problem", "signature"),
    [
        (type("Empty", (Problem,), {"domain": STRIP})(), "residual(self, u, t, x)"),
        (type("Empty", (Problem,), {"fields": ("u", "v")})(), "residual(self, u, v, x)"),
    ],
    ids=["domain", "fields"],
)
def test_a_problem_without_equation(problem, signature):
    with pytest.raises(TypeError, match="Empty has no equation") as caught:
        problem.residual(1.0)
    assert_advises(caught.value, "equation", "Empty")
    assert signature in str(caught.value)


# Unknown and Input


@pytest.mark.parametrize(
    "value",
    [
        *(Unknown(0.5), Unknown(0.5, low=0), Unknown(-1, high=0), Unknown(0.5, 0, 1)),
        *(Unknown(np.float64(0.5)), Input(0.04, 0.2), Input(-1, 1), Input(1, 10, scale="log")),
    ],
    ids=repr,
)
def test_unknowns_and_inputs_are_values(value):
    again = eval(repr(value), {"Unknown": Unknown, "Input": Input, "np": np})
    assert again == value
    assert hash(again) == hash(value)
    assert pickle.loads(pickle.dumps(value)) == value
    assert clone(Burgers(value)).nu == value
    assert value != 0.5
    assert value not in (Unknown(0.25, -7, 7), Input(-7, 7))


@pytest.mark.parametrize(
    ("make", "expected", "came"),
    [
        (lambda: Unknown(0.5, low=1, high=0), "low < high", "low=1 and high=0"),
        (lambda: Unknown(0.5, low=1), "strictly between", "start=0.5"),
        (lambda: Unknown(1, low=1), "strictly between", "start=1"),
        (lambda: Unknown(0.5, high=0.5), "strictly between", "high=0.5"),
        (lambda: Unknown(np.nan), "finite", "nan"),
        (lambda: Unknown(1.0, high=np.inf), "finite", "inf"),
        (lambda: Unknown("0.5"), "numbers", "'0.5'"),
        (lambda: Unknown([0.5]), "numbers", r"\[0.5\]"),
        (lambda: Unknown(None), "numbers", "None"),
        (lambda: Input(1, 1), "low < high", "low=1 and high=1"),
        (lambda: Input(2, 1), "low < high", "low=2"),
        (lambda: Input(0, np.inf), "finite", "high=inf"),
        (lambda: Input(0, 1, "log"), "low > 0", "low=0"),
        (lambda: Input(0, 1, "logarithmic"), "'linear' or 'log'", "'logarithmic'"),
        (lambda: Input("0", 1), "Input", "'0'"),
        (lambda: Input(None, 1), "Input", "None"),
    ],
)
def test_unknowns_and_inputs_that_are_none(make, expected, came):
    with pytest.raises(ValueError, match=came) as caught:
        make()
    assert_advises(caught.value, expected, came)


# Functions without a name


def nameless():
    """Problems that hold functions which pickle cannot store."""

    def inner(u, t, x):
        return u.t - u.xx

    return {
        "lambda": Problem.from_function(lambda u, t, x: u.t - u.xx, STRIP),
        "inner function": Problem.from_function(inner, STRIP),
        "argument": Burgers(start=lambda x: x),
        "condition": Problem.from_function(
            burgers, STRIP, [Initial(lambda x: x)], coefficients={"nu": 1.0}
        ),
        "coefficient": Problem.from_function(
            burgers, STRIP, coefficients={"nu": 1.0, "a": lambda x: x}
        ),
    }


NAMELESS = nameless()
every_nameless = pytest.mark.parametrize("problem", NAMELESS.values(), ids=NAMELESS)


# Which of the two depends on the version of Python and on where the function stands.
CannotPickle = pickle.PicklingError, AttributeError


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@every_nameless
def test_pickle_names_the_function_that_it_cannot_store(problem, protocol):
    with pytest.raises(CannotPickle, match=r"lambda|inner"):
        pickle.dumps(problem, protocol)


def test_joblib_names_the_function_that_it_cannot_store(tmp_path):
    with pytest.raises(CannotPickle, match="lambda"):
        joblib.dump(NAMELESS["lambda"], tmp_path / "problem.joblib")


@every_nameless
@pytest.mark.parametrize("copied", [clone, copy.copy, copy.deepcopy])
def test_lambdas_are_no_obstacle_to_copies(problem, copied):
    assert_same(problem, copied(problem))


@every_nameless
def test_lambdas_are_no_obstacle_to_joblib(problem):
    other = pickle.loads(reduction.dumps(problem))
    assert type(other) is type(problem)
    assert other.domain == problem.domain


def test_lambdas_travel_to_worker_processes():
    problem = Problem.from_function(
        lambda u, x, q: u.xx + q,
        Interval(0, 2),
        [Dirichlet(lambda x: x)],
        coefficients={"q": Unknown(1.5)},
    )

    def seen(problem):
        return repr(problem.unknowns), problem.residual.__name__, problem.conditions[0].value(7)

    (found,) = joblib.Parallel(n_jobs=2)([joblib.delayed(seen)(problem)])
    assert found == ("{'q': Unknown(1.5)}", "residual", 7)
