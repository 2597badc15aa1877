"""The error of a solution by the linearised problem, equation (Err)."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from solvers import solver

from skngd import PINNEstimator
from skngd.estimators import problem_task
from skngd.estimators.accuracy import error as errors
from skngd.estimators.accuracy import linearised
from skngd.geometry import Polygon
from skngd.pde import Box, Dirichlet, Initial, Neumann, Periodic, Problem
from skngd.problems import zoo
from skngd.tangent.qr import Qr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def cosine(x):
    return np.cos(np.pi * x)


class Wall(Problem):
    """u′ + u³ = f, whose solution is a hard value and a bump: nonlinear, first order."""

    domain = Box(x=(0, 1))
    conditions = (Dirichlet(1.0, on="x.min", hard=True),)

    def residual(self, u, x):
        s, c = np.sin(3 * x), np.cos(3 * x)
        return u.x + u**3 - 3 * c - (1 + s) ** 3

    def solution(self, X):
        return 1 + np.sin(3 * X[:, 0])


class Ring(Problem):
    """u_t + u_x = 0 on a circle that the network sees as one."""

    domain = Box(t=(0, 1), x=(0, 2))
    conditions = (Initial(cosine), Periodic("x", hard=True))

    def residual(self, u, t, x):
        return u.t + u.x

    def solution(self, X):
        return cosine(X[:, 1] - X[:, 0])


PROBLEMS = {
    "heat": zoo.Heat,
    "nonlinear": zoo.ReactionDiffusion,
    "fourth order": zoo.Beam,
    "system": zoo.PredatorPrey,
    "hard, nonlinear": Wall,
    "circle": Ring,
}


def errors_of(fitted, problem):
    """Relative errors of each field, shape (n_fields,), and points."""
    X = problem.domain.sample(500, random_state=3)
    u = problem.solution(X).reshape(len(X), -1)
    v = fitted.predict(X).reshape(len(X), -1)
    return np.linalg.norm(v - u, axis=0) / np.linalg.norm(u, axis=0)


def fitted(problem, **settings):
    settings = {"max_iter": 15, "n_interior": 200, "estimate_error": True, **settings}
    return solver(problem, **{"hidden_layer_sizes": (20,), **settings}).fit()


@pytest.fixture
def uncorrected(monkeypatch):
    """Fits whose error is estimated, and left as it is."""
    monkeypatch.setattr(errors, "ERROR_LEFT", 0.0)


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("sizes", [(20,), (8, 8)], ids=["one layer", "two layers"])
def test_the_estimate_is_the_error(kind, sizes, uncorrected):
    problem = PROBLEMS[kind]()
    answer = fitted(problem, hidden_layer_sizes=sizes)
    true = errors_of(answer, problem)
    estimate = [answer.error_estimate_[field] for field in problem.fields]
    assert answer._correction is None
    assert true.max() > 1e-12
    assert_allclose(estimate, true, rtol=0.5)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_the_corrected_solution_is_the_better_one(kind):
    problem = PROBLEMS[kind]()
    plain = errors_of(fitted(problem, estimate_error=False), problem)
    answer = fitted(problem)
    true = errors_of(answer, problem)
    assert answer._correction is not None
    assert true.max() < 0.1 * plain.max()
    # What is left is estimated, too.
    assert true.max() < 5 * max(answer.error_estimate_.values())
    assert f"Estimated relative error: {max(answer.error_estimate_.values()):.1e}" in (
        answer.stop_reason_
    )


@pytest.mark.parametrize("kind", PROBLEMS)
def test_derivatives_and_residuals_are_those_of_the_corrected_solution(kind):
    problem = PROBLEMS[kind]()
    answer, h = fitted(problem), 1e-4
    X = problem.domain.sample(5, random_state=2) * 0.9 + 0.05
    step = h * np.eye(X.shape[1])[-1]
    quotient = (answer.predict(X + step) - answer.predict(X - step)) / (2 * h)
    assert_allclose(answer.derivative(X, problem.domain.names[-1]), quotient, atol=1e-4)
    plain = fitted(problem, estimate_error=False)
    assert np.abs(answer.residual(X)).max() < np.abs(plain.residual(X)).max()
    assert answer.score() > plain.score()


def test_a_large_network_takes_part_with_its_last_layer(monkeypatch, uncorrected):
    monkeypatch.setattr(linearised, "MOST_OF_ONE", 10)
    problem = zoo.Heat()
    answer = fitted(problem)
    assert_allclose(answer.error_estimate_["u"], errors_of(answer, problem)[0], rtol=0.5)
    fresh = answer._error["direction"][: -len(answer.coefs_[1]) - 1]
    assert not fresh.any()


def test_the_error_at_each_point(uncorrected):
    problem = zoo.Heat()
    answer = fitted(problem)
    X = problem.domain.sample(200, random_state=4)
    v, e = answer.predict(X, return_std=True)
    assert_allclose(v, answer.predict(X))
    size = np.abs(v - problem.solution(X))
    assert_allclose(e, size, atol=0.05 * size.max())


class Neumanns(Problem):
    domain = Box(x=(0, 1))
    conditions = (Neumann(0.0),)

    def residual(self, u, x):
        return u.xx + np.pi**2 * np.cos(np.pi * x)


class Resonance(Problem):
    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0),)

    def residual(self, u, x):
        return u.xx + np.pi**2 * u + 3 * np.pi**2 * np.sin(2 * np.pi * x)


class Forgotten(Problem):
    """A second-order equation in time with one initial value."""

    domain = Box(t=(0, 1))
    conditions = (Initial(1.0),)

    def residual(self, u, t):
        return u.tt + u


class Endless(Problem):
    """Heat conduction without an initial value."""

    domain = Box(t=(0, 1), x=(0, 1))
    conditions = (Dirichlet(0.0, on="x"),)

    def residual(self, u, t, x):
        return u.t - 0.2 * u.xx


@pytest.mark.parametrize(
    ("problem", "free"),
    [
        (Endless, "u is free most of all near t = 0"),
        (Neumanns, "u is determined up to a constant"),
        (Resonance, r"u is free most of all near x = 0\.[45]"),
        (Forgotten, "u is free most of all near t = (0.9|1)"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"hidden_layer_sizes": "auto", "activation": "auto"}])
@pytest.mark.filterwarnings("ignore:Endless says nothing of its solution at the start")
def test_a_solution_that_is_not_unique_is_said(problem, free, settings):
    with pytest.warns(UserWarning, match=f"does not determine its solution: {free}.*Add the cond"):
        answer = fitted(problem(), **settings)
    assert answer.error_estimate_ == {"u": np.inf}


def test_what_no_point_sees_is_free_and_not_what_only_the_first_miss():
    """Directions are scaled so that they change the residuals at the first points by one."""
    changes = torch.diag(torch.tensor([1e8, 1e7, 3.0]))
    others = torch.tensor([[1e8, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert 1e7 / 2 < linearised.confirmed(changes, others) < 2e7
    assert linearised.confirmed(changes[:, [0, 2]], others[:, [0, 2]]) < 2


def test_narrow_neurons_between_the_points_are_not_what_is_free():
    rim = [(np.cos(angle), np.sin(angle)) for angle in np.arange(0.0, 2 * np.pi, 0.02)]
    problem = Problem.from_function(lambda u, x, y: u - 1, Polygon(rim))
    settings = {"n_interior": 20, "max_iter": 9, "tol": 0.9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = [
            PINNEstimator(problem, (3,), random_state=seed, **settings).fit() for seed in (164, 191)
        ]
    assert max(answer.error_estimate_["u"] for answer in answers) < 0.1


def test_what_is_nearly_free_is_no_more_than_that():
    """A small term decides where the constant is."""

    class Anchored(Neumanns):
        def residual(self, u, x):
            return super().residual(u, x) - 1e-3 * u - 1e-3 * np.cos(np.pi * x) * -1

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        answer = PINNEstimator(Anchored(), random_state=0).fit()
    assert answer.error_estimate_["u"] < 1e-6


def test_few_iterations_are_enough_where_the_error_is_small():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = fitted(zoo.Heat(), max_iter=10)
    assert answer.stop_reason_.startswith("Not converged")
    assert answer.error_estimate_["u"] < 0.01


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_a_large_error_is_said():
    with pytest.warns(
        UserWarning, match=r"error of the solution is estimated at [\d.]+ % of .*Try"
    ):
        answer = fitted(zoo.AllenCahn(), max_iter=10)
    assert answer.error_estimate_["u"] > 0.1


def test_what_has_no_estimate():
    heat = zoo.Heat()
    X = heat.domain.sample(20, random_state=0)
    bent = {"measurement_weight": 1.0}
    for data, settings in (((X, heat.solution(X)), bent), ((X,), {}), ((), {"dtype": "float32"})):
        answer = solver(heat, estimate_error=True, **settings).fit(*data)
        assert np.isnan(answer.error_estimate_["u"])
        with pytest.raises(
            ValueError, match=r"error is estimated for return_std=True.*nan.*predict"
        ):
            answer.predict(X, return_std=True)


@pytest.mark.parametrize(
    ("residual", "conditions"),
    [
        (lambda u, x: u.xx - 1, (Neumann(0.0),)),
        (lambda u, x: u.xx, (Dirichlet(0.0), Neumann(1.0, on="x.min"))),
    ],
    ids=["nothing leaves an insulated rod", "a value and a slope"],
)
def test_what_has_no_solution_is_said(residual, conditions):
    problem = Problem.from_function(residual, Box(x=(0, 1)), conditions)
    with pytest.warns(UserWarning, match=r"no solution|may be none"):
        fitted(problem, max_iter=100)


def test_a_solution_that_is_zero_has_no_error():
    problem = Problem.from_function(lambda u, x: u.xx, Box(x=(0, 1)), (Dirichlet(0.0),))
    assert PINNEstimator(problem, random_state=0).fit().error_estimate_["u"] < 1e-9


def test_few_points_on_the_boundary_leave_no_freedom():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        answer = fitted(zoo.Laplace2D(), n_boundary=5, max_iter=40)
    assert answer.error_estimate_["u"] < np.inf


def test_whitened_rows_grow_as_the_singular_values_say():
    rng = np.random.default_rng(0)
    a, phi = (torch.as_tensor(rng.standard_normal(shape)) for shape in ((9, 4), (3, 4)))
    damping = 0.1
    inverse = torch.linalg.inv(a.T @ a + damping * torch.eye(4))
    expected = np.linalg.eigvalsh((phi @ inverse @ phi.T).numpy())
    fitted = Qr([(a, a[:, :1])])
    assert_allclose(np.linalg.svd(fitted.whitened(phi, damping))[1][::-1] ** 2, expected)
    # Without damping the singular values decide.
    inverse = torch.linalg.inv(a.T @ a)
    expected = np.linalg.eigvalsh((phi @ inverse @ phi.T).numpy())
    assert_allclose(np.linalg.svd(fitted.whitened(phi, 0.0))[1][::-1] ** 2, expected)


def test_ctrl_c_during_the_estimate_keeps_the_solution(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(problem_task, "estimated_error", interrupted)
    with pytest.warns(UserWarning, match=r"error is not estimated. The solution is kept"):
        answer = fitted(zoo.Heat(), max_iter=10)
    assert errors_of(answer, zoo.Heat())[0] < 0.01
    assert np.isnan(answer.error_estimate_["u"])


def test_a_module_has_an_estimate(uncorrected):
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    answer = fitted(zoo.Heat(), model=module)
    assert_allclose(answer.error_estimate_["u"], errors_of(answer, zoo.Heat())[0], rtol=0.5)


class Torn(Problem):
    """u = 0 and u = 1 at the same end."""

    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0, on="x.min"), Dirichlet(1.0, on="x.min"))

    def residual(self, u, x):
        return u.x + u


def test_no_error_is_told_of_a_problem_that_nothing_solves():
    """The answer is exact in the sense of least squares, which is no solution."""
    with pytest.warns(UserWarning, match="No solution meets both"):
        torn = fitted(Torn())
    assert np.isnan(torn.error_estimate_["u"])
    assert "The problem has no solution." in torn.stop_reason_


def test_beside_conditions_that_contradict_the_number_says_what_it_is():
    class Cooled(zoo.Heat):
        conditions = (Initial(lambda x: np.sin(np.pi * x) + 0.05 * x), Dirichlet(0.0, on="x"))

    with pytest.warns(UserWarning, match="contradict each other"):
        fitted = solver(Cooled(), (10,), max_iter=20, estimate_error=True).fit()
    assert "relative error over the whole domain" in fitted.stop_reason_
    assert "of the size of the gap" in fitted.stop_reason_
