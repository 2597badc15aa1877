"""Unknown coefficients in the values of conditions: u″ = u with a slope C and an end D²."""

import numpy as np
import pytest
from messages import assert_advises
from numpy.testing import assert_allclose
from physics import Assembled

from skngd import PINNEstimator
from skngd.pde import Box, Dirichlet, Initial, Input, Neumann, Problem, Robin, Unknown
from skngd.pde.checks import check_problem

SLOPE, END = 0.7, 0.5


class Rod(Problem):
    domain = Box(x=(0, 1))

    def __init__(self, C=SLOPE, D=END, hard=False):
        self.C = C
        self.D = D
        self.hard = hard

    @property
    def conditions(self):
        slope = Neumann(lambda x, C: C + 0 * x, on="x.min", hard=self.hard)
        return slope, Dirichlet(lambda D: D**2, on="x.max", hard=self.hard)

    def residual(self, u, x):
        return u.xx - u

    def solution(self, X):
        x = X[:, 0]
        return (SLOPE * np.sinh(1 - x) + END**2 * np.cosh(x)) / np.cosh(1)


class Stated(Rod):
    """The same, computed from the coefficients."""

    @property
    def conditions(self):
        slope = Neumann(self.C, on="x.min", hard=self.hard)
        return slope, Dirichlet(self.D**2, on="x.max", hard=self.hard)


@pytest.mark.parametrize(("kind", "hard"), [(Rod, True), (Stated, False)])
def test_unknown_values_are_found(kind, hard):
    X = np.linspace(0.1, 0.9, 9).reshape(-1, 1)
    problem = kind(C=Unknown(0.1), D=Unknown(1.0, low=0), hard=hard)
    solver = PINNEstimator(problem, random_state=0).fit(X, Rod().solution(X))
    assert solver.unknowns_["C"] == pytest.approx(SLOPE, rel=1e-8)
    assert solver.unknowns_["D"] == pytest.approx(END, rel=1e-8)
    ends = np.array([[0.0], [1.0]])
    assert_allclose(solver.predict(ends), Rod().solution(ends), rtol=1e-8)
    assert_allclose(-solver.derivative(ends[:1], "x"), solver.unknowns_["C"], rtol=1e-8)


@pytest.mark.parametrize("hard", [False, True])
def test_numbers_and_inputs_stand_in_the_same_place(hard):
    X = np.linspace(0, 1, 5).reshape(-1, 1)
    solver = PINNEstimator(Rod(hard=hard), random_state=0).fit()
    assert_allclose(solver.predict(X), Rod().solution(X), rtol=1e-8)
    solver.set_params(problem=Rod(C=Input(0.5, 1.0), hard=hard), estimate_error=False).fit()
    assert_allclose(solver.predict(np.c_[X, SLOPE + 0 * X]), Rod().solution(X), rtol=1e-5)


@pytest.mark.parametrize("kind", [Rod, Stated])
def test_rows_of_hard_values_are_derivatives_of_the_residual(kind):
    problem = kind(C=Unknown(0.3), D=Unknown(0.8), hard=True)
    built, step = Assembled(problem), 1e-6
    record = built.model.record(built.theta, built.collocation)
    jacobian = record.jacobian()[:, -2:]
    for column in (-2, -1):
        residuals = []
        for sign in (1, -1):
            moved = built.theta.clone()
            moved[column] += sign * step
            residuals.append(built.model.value(moved, built.collocation)[:, 0])
        difference = (residuals[0] - residuals[1]) / (2 * step)
        assert bool((difference != 0).any())
        assert_allclose(jacobian[:, column], difference, atol=1e-8)


@pytest.mark.parametrize(
    "condition",
    [Dirichlet(Unknown(1.0)), Initial(Input(0, 1), time="x"), Robin(1.0, Unknown(2.0), 0.0)],
    ids=lambda condition: type(condition).__name__,
)
def test_coefficients_of_no_problem_are_refused(condition):
    class Lost(Problem):
        domain = Box(x=(0, 1))
        conditions = (condition,)

        def residual(self, u, x):
            return u.xx - u

    with pytest.raises(ValueError, match="Expected numbers or functions") as caught:
        check_problem(Lost())
    assert_advises(caught.value, "argument of Lost.__init__", "lambda x, C: C")
