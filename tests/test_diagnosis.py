"""Each topic of a diagnosis is found where it is provoked, and nothing where all is well."""

import functools
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.inspection import diagnose
from skngd.inspection.evidence_of_fit import EvidenceOfFit
from skngd.pde import Box, Dirichlet, Initial, Problem, Unknown
from skngd.problems.zoo import AdvectionDiffusion, Burgers

X = np.linspace(-1, 1, 100).reshape(-1, 1)
SINE = np.sin(3 * X).ravel()
NOISE = np.random.RandomState(0).standard_normal(100)


def regressor(*sizes, **settings):
    return NaturalMomentumRegressor(
        sizes or (10,), **{"n_init": 1, "random_state": 0, "max_iter": 100, **settings}
    )


def solver(problem, *sizes, **settings):
    settings = {"activation": "tanh", "random_state": 0, "max_iter": 60, **settings}
    return PINNEstimator(problem, sizes, **settings)


@functools.cache
def findings(case):
    """Those of a case, whose fit may warn of the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return case()


class Decay(Problem):
    """u' + a b u = 0: only the product of a and b is told."""

    domain = Box(t=(0, 1))
    conditions = (Initial(1.0),)

    def __init__(self, a=1.0, b=1.0):
        self.a, self.b = a, b

    def residual(self, u, t):
        return u.t + self.a * self.b * u


class Relaxation(Problem):
    """u' = (a + b) (u∞ − u) with the level of u∞ free, early on."""

    domain = Box(t=(0, 1))
    conditions = (Initial(1.0),)

    def __init__(self, rate=1.0, level=0.0):
        self.rate, self.level = rate, level

    def residual(self, u, t):
        return u.t + self.rate * (u - self.level)


class Weak(Problem):
    """A condition that hardly weighs anything."""

    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0, on="x.min", weight=1e-12), Dirichlet(1.0, on="x.max"))

    def residual(self, u, x):
        return u.xx + 20 * np.sin(3 * x)


class HalfStated(Problem):
    """A second-order equation with one condition."""

    domain = Box(x=(0, 1))
    conditions = (Dirichlet(0.0, on="x.min"),)

    def residual(self, u, x):
        return u.xx + 1


def few_distinct_rows():
    few = np.tile(X[::10], (20, 1))
    y = np.tile(SINE[::10], 20) + 0.1 * np.random.RandomState(0).standard_normal(200)
    return diagnose(regressor(alpha=0.0, max_iter=20).fit(few, y), few, y)


def almost_equal_columns():
    both = np.column_stack([X, X + 1e-10 * NOISE[:, np.newaxis]])
    y = SINE + 0.1 * NOISE
    return diagnose(regressor(4, alpha=0.0).fit(both, y), both, y)


def two_iterations():
    return diagnose(regressor(max_iter=2).fit(X, SINE), X, SINE)


def learnt_by_heart():
    rng = np.random.RandomState(0)
    points = rng.uniform(-1, 1, (330, 2))
    y = points[:, 0] * points[:, 1] + 0.3 * rng.standard_normal(330)
    return diagnose(regressor(alpha=0.0).fit(points[:30], y[:30]), points[30:], y[30:])


def many_effective_parameters():
    rng = np.random.RandomState(0)
    points = rng.uniform(-1, 1, (30, 2))
    y = points[:, 0] * points[:, 1] + 0.3 * rng.standard_normal(30)
    return diagnose(regressor(5, alpha=0.0).fit(points, y))


def a_jump():
    return diagnose(regressor(6, alpha=0.0).fit(X, np.sign(X).ravel()))


def a_straight_line():
    return diagnose(regressor(20).fit(X, 2 * X.ravel() + 0.1 * NOISE))


def undamped_search():
    model = regressor(20, damping=0.0, alpha=0.0, step_size="backtracking")
    return diagnose(model.fit(X, np.sin(10 * X).ravel()))


def rows_from_elsewhere():
    return diagnose(regressor().fit(X, SINE), X + 1)


def a_weak_condition():
    return diagnose(solver(Weak(), 3, estimate_error=False, max_iter=30).fit())


def a_product_of_unknowns():
    problem = Decay(Unknown(0.5, low=0.0), Unknown(0.5, low=0.0))
    return diagnose(solver(problem, 8).fit(X[50:], np.exp(-X[50:].ravel()) + 0.01 * NOISE[50:]))


def unknowns_that_are_told_together():
    problem = Relaxation(Unknown(0.5, low=0.0), Unknown(0.0))
    t = np.linspace(0, 0.3, 40).reshape(-1, 1)
    return diagnose(solver(problem, 8).fit(t, np.exp(-t.ravel()) + 0.003 * NOISE[:40]))


def a_rough_solution():
    return diagnose(solver(Burgers(), 5, max_iter=5, n_interior=60).fit())


def a_missing_condition():
    return diagnose(solver(HalfStated(), 5).fit())


def a_root():
    problem = Problem.from_function(lambda u, x: u.xx + np.sqrt(u), Box(x=(0, 1)), [Dirichlet(0.0)])
    return diagnose(PINNEstimator(problem, random_state=0).fit())


def points_too_few():
    model = solver(AdvectionDiffusion(eps=0.02), 12, n_interior=8, estimate_error=False)
    return diagnose(model.fit())


PROVOKED = [
    ("rank", few_distinct_rows, "10 dimensions for 31 parameters and 200 residuals"),
    ("condition", almost_equal_columns, "digits of a step are right"),
    ("gradient", two_iterations, "ended before they were done. Increase max_iter"),
    ("gradient", a_weak_condition, "no step of this network makes them smaller"),
    ("end", two_iterations, "the maximum of max_iter=2 iterations was reached"),
    ("held-out", learnt_by_heart, "more than a hundred times as large. Take alpha='auto'"),
    ("held-out", points_too_few, "The equation holds at the points of the fit to"),
    ("overfitting", many_effective_parameters, "21 parameters are effective, more than a third"),
    ("saturated", a_jump, "Neurons are saturated on nine of ten rows"),
    ("redundant", a_straight_line, "So many fewer would do the same"),
    ("steps", undamped_search, "trials on average, where one or two are usual"),
    ("extrapolation", rows_from_elsewhere, "column 0 is there from -1 to 1, here from 0 to 2"),
    ("balance", a_weak_condition, "The residual of 'dirichlet x.min' is"),
    ("unknowns", a_product_of_unknowns, "'a' is not determined and 'b' is not determined"),
    ("unknowns", unknowns_that_are_told_together, "have the correlation"),
    ("finite", a_root, "Look for a root, a logarithm or a quotient at 0"),
    ("error", a_rough_solution, "The error of 'u' is estimated at"),
    ("error", a_missing_condition, "The problem does not determine 'u'"),
]


@pytest.mark.parametrize(("topic", "case", "words"), PROVOKED)
def test_what_is_provoked_is_found(topic, case, words):
    found = findings(case)
    assert words in found[topic]
    assert found[topic].endswith(".")


def test_nothing_is_found_where_all_is_well():
    assert diagnose(regressor().fit(X, SINE), X, SINE) == {}
    noisy = SINE + 0.1 * NOISE
    assert diagnose(regressor().fit(X, noisy), X, noisy) == {}
    rows, labels = load_iris(return_X_y=True)
    classifier = NaturalMomentumClassifier(n_init=1, random_state=0).fit(rows, labels)
    assert diagnose(classifier, rows, labels) == {}
    assert diagnose(solver(AdvectionDiffusion(eps=0.1), 15).fit()) == {}
    rates, decay = np.exp(-X[50:].ravel()) + 0.01 * NOISE[50:], Decay(Unknown(0.5, low=0.0))
    assert diagnose(solver(decay, 8).fit(X[50:], rates)) == {}


def test_an_error_elsewhere_is_no_gradient_of_the_fit():
    assert "held-out" in findings(points_too_few)
    assert "gradient" not in findings(points_too_few)


def test_the_tangent_space_is_that_of_the_fit():
    model = regressor(4).fit(X, SINE + 0.1 * NOISE)
    seen = EvidenceOfFit(model, X, SINE + 0.1 * NOISE)
    A, b = seen.tangent
    hidden = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    # The last layer: columns of A are its inputs, by the root of the weights.
    columns = np.column_stack([hidden, np.ones(100)]) / 10
    assert np.linalg.lstsq(A, columns, rcond=None)[1].max(initial=0) < 1e-12
    error = model.predict(X) - (SINE + 0.1 * NOISE)
    assert b @ b == pytest.approx(np.mean(error**2) / np.var(SINE + 0.1 * NOISE))
    direction, *_ = np.linalg.lstsq(A, b, rcond=1e-12)
    assert seen.share == pytest.approx(np.sum((A @ direction) ** 2) / np.sum(b**2), rel=1e-3)


def test_what_is_refused():
    with pytest.raises(TypeError, match="Expected a NaturalMomentumRegressor"):
        diagnose(LinearRegression())
    with pytest.raises(NotFittedError):
        diagnose(NaturalMomentumRegressor())
    with pytest.raises(ValueError, match="Expected X with y"):
        diagnose(regressor(2, tol=1.0).fit(X, SINE), y=SINE)


def test_what_noise_does_is_no_fault_of_the_network():
    noisy = np.exp(-X[50:].ravel()) + 0.1 * NOISE[50:]
    fitted = PINNEstimator(Decay(Unknown(0.5, low=0.0)), random_state=0).fit(X[50:], noisy)
    assert fitted.error_estimate_["u"] > 0.01
    found = diagnose(fitted)
    assert "rank" not in found
    assert "n_interior" not in found.get("error", "")
