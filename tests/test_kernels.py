"""Kernels of the tangent space, equations (NTK) and (Green), against definitions and solutions."""

import numpy as np
import pytest
import torch
from cases import assert_close, normal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.inspection import determining_points, empirical_nntk, greens_function, nntk, ntk
from skngd.models import FullyConnected
from skngd.pde import Box, Dirichlet, Interval, Neumann, Problem
from skngd.tangent.kernels import determining_rows, row_space, whitening

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.RandomState(0)
ROWS = RANDOM.uniform(-1, 2, (40, 2))
PLANE = RANDOM.uniform(0, 1, (40, 2))
QUICK = {"max_iter": 2, "n_init": 1, "activation": "tanh", "random_state": 0}


class Coupled(Problem):
    """Two fields and two equations, the first one nonlinear."""

    domain = Box(x=(0, 1), y=(0, 1))
    fields = ("u", "v")
    conditions = (Dirichlet(1.0, on="x", field="u"), Dirichlet(0.0, on="y", field="v", hard=True))

    def residual(self, u, v, x, y):
        return u.laplacian() - u * v, v.laplacian() + u.x - y


class Reaction(Problem):
    """−u″ + u³ = 1."""

    domain = Interval(0, 1)
    conditions = (Dirichlet(0.0, hard=True),)

    def residual(self, u, x):
        return -u.xx + u**3 - 1


class Poisson(Problem):
    """−length² u″ = 1 on (0, length)."""

    conditions = (Dirichlet(0.0),)

    def __init__(self, length=1.0):
        self.length = length

    @property
    def domain(self):
        return Interval(0, self.length)

    def residual(self, u, x):
        return -u.xx - 1


class Stretched(Problem):
    """−u″ = 1, −100 v″ = 1."""

    domain = Interval(0, 1)
    fields = ("u", "v")
    conditions = (Dirichlet(0.0, field="u"), Dirichlet(0.0, field="v"))

    def residual(self, u, v, x):
        return -u.xx - 1, -100 * v.xx - 1


class Sines(torch.nn.Module):
    """n frozen neurons sin kπ(x + 1)/2 on [−1, 1]: linear in its parameters."""

    def __init__(self, n, n_outputs=1):
        super().__init__()
        waves = torch.arange(1.0, n + 1).double() * torch.pi / 2
        self.register_buffer("waves", waves)
        self.outer = torch.nn.Linear(n, n_outputs)
        with torch.no_grad():
            self.outer.weight[:] = 0.1 / waves**3
            self.outer.bias[:] = 0.0

    def forward(self, x):
        return self.outer(torch.sin((x + 1) * self.waves.to(x)))


def fitted_regressor():
    return NaturalMomentumRegressor((4,), **QUICK).fit(ROWS, 3 + 10 * np.sin(ROWS[:, 0]))


def fitted_outputs():
    y = np.stack([100 * ROWS[:, 0] ** 2, ROWS[:, 1]], axis=1)
    return NaturalMomentumRegressor((4,), **QUICK).fit(ROWS, y)


def fitted_classifier():
    labels = np.digitize(ROWS[:, 0], [0.0, 1.0])
    return NaturalMomentumClassifier((4,), **QUICK).fit(ROWS, labels)


def fitted_fields():
    return PINNEstimator(Coupled(), (4,), **QUICK, estimate_error=False).fit()


def fitted_pinn_without_problem():
    return PINNEstimator(None, (4,), **QUICK).fit(ROWS, 3 + 10 * np.sin(ROWS[:, 0]))


# How each is fitted, points of it, and the number of its outputs.
FITS = {
    "regressor": (fitted_regressor, ROWS, 1),
    "outputs": (fitted_outputs, ROWS, 2),
    "classifier": (fitted_classifier, ROWS, 3),
    "fields": (fitted_fields, PLANE, 2),
    "no problem": (fitted_pinn_without_problem, ROWS, 1),
}


@pytest.fixture(scope="module", params=FITS)
def fit(request):
    make, X, n_outputs = FITS[request.param]
    return make(), X, n_outputs


def as_matrix(kernel, n_outputs):
    """Kernel as a matrix, the outputs of a point side by side."""
    if n_outputs == 1:
        return kernel
    return kernel.swapaxes(1, 2).reshape(len(kernel) * n_outputs, -1)


def jacobian_by_autodiff(estimator, X, n_outputs):
    """∂v/∂θ by torch.func, shape (m c, P), in the units of y."""
    if isinstance(estimator, PINNEstimator) and estimator.problem is not None:
        inputs, units = 2 * X - 1, np.ones(2)
    else:
        inputs = (X - estimator.X_mean_) / estimator.X_scale_
        units = getattr(estimator, "y_scale_", np.ones(n_outputs))
    network = FullyConnected((2, 4, n_outputs), "tanh")
    x, units = torch.as_tensor(inputs), torch.as_tensor(units)

    def values(theta):
        found = units * network.value(theta, x)
        if not hasattr(estimator, "problem_"):
            return found
        # v = 0 on the faces of y.
        height = torch.as_tensor(X[:, 1])
        distance = 4 * height * (1 - height)
        return torch.stack([found[:, 0], distance * found[:, 1]], dim=1)

    rows = torch.func.jacrev(values)(torch.as_tensor(estimator.theta_))
    return rows.reshape(-1, len(estimator.theta_)).numpy()


# The algebra


@pytest.mark.parametrize("shape", [(20, 6), (6, 20)], ids=["tall", "wide"])
def test_features_are_an_orthonormal_basis(shape):
    a = normal(*shape)
    b = whitening(a)
    assert_close(b @ b.T, np.linalg.pinv((a.T @ a).numpy()), 1e-9)
    features = a @ b
    assert_close(features.T @ features, np.eye(features.shape[1]), 1e-12)


def test_rcond_leaves_out_directions():
    a = normal(20, 3) * torch.tensor([1.0, 1e-3, 1e-6]).double()
    assert [whitening(a, rcond).shape[1] for rcond in (0.0, 1e-5, 1e-2)] == [3, 2, 1]


def test_determining_rows_determine_the_space():
    features = normal(5, 5)[[0, 0, 1, 2, 2, 3, 4]]
    rows = determining_rows(features)
    assert np.linalg.matrix_rank(features[rows].numpy()) == len(rows) == 5


def test_a_row_space_is_that_of_the_rows():
    rows = normal(3, 7)
    basis = row_space(torch.cat([rows, rows]))
    assert_close(basis.T @ basis, np.eye(3), 1e-12)
    assert_close(rows @ basis @ basis.T, rows, 1e-12)


# The tangent kernels


def test_ntk_is_that_of_automatic_differentiation(fit):
    estimator, X, n_outputs = fit
    rows = jacobian_by_autodiff(estimator, X, n_outputs)
    kernel = as_matrix(ntk(estimator, X, X[:7]), n_outputs)
    assert_close(kernel, rows @ rows[: 7 * n_outputs].T, 1e-10)


def test_nntk_is_the_projection_by_automatic_differentiation(fit):
    estimator, X, n_outputs = fit
    rows = jacobian_by_autodiff(estimator, X, n_outputs)
    inverse = np.linalg.pinv(rows.T @ rows / len(X), rcond=1e-12, hermitian=True)
    kernel = as_matrix(nntk(estimator, X, rcond=1e-6), n_outputs)
    assert_close(kernel, rows @ inverse @ rows.T, 1e-4)


def test_nntk_is_a_projector_on_the_sample(fit):
    estimator, X, n_outputs = fit
    weight = RANDOM.uniform(0.5, 2.0, len(X))
    kernel = as_matrix(nntk(estimator, X, sample_weight=weight), n_outputs)
    assert_close(kernel, kernel.T, 1e-12)
    projector = kernel * np.repeat(weight / weight.sum(), n_outputs)
    assert_close(projector @ projector, projector, 1e-8)
    assert np.trace(projector) == pytest.approx(np.linalg.matrix_rank(projector), rel=1e-6)


def test_nntk_keeps_tangent_functions_beyond_the_sample(fit):
    estimator, X, n_outputs = fit
    tangent = as_matrix(ntk(estimator, X), n_outputs)[:, 0]
    sample = X[:30]
    kernel = as_matrix(nntk(estimator, X, sample, sample=sample), n_outputs)
    assert_close(kernel @ tangent[: 30 * n_outputs] / 30, tangent, 1e-4)


def test_points_by_pivoted_qr_determine_the_tangent_space(fit):
    estimator, X, n_outputs = fit
    index, kernel = determining_points(estimator, X), nntk(estimator, X)
    rank = round(np.trace(as_matrix(kernel, n_outputs)) / len(X))
    assert rank / n_outputs <= len(index) <= rank
    assert_close(empirical_nntk(estimator, X, points=X[index]), kernel, 1e-6)


def test_fewer_points_span_a_part_of_it(fit):
    estimator, X, n_outputs = fit
    points, kernel = X[:3], nntk(estimator, X)
    empirical = empirical_nntk(estimator, X, points=points)
    # k̂ reproduces: it is k at the points, and a projector that is no larger.
    assert_close(empirical[:3], kernel[:3], 1e-8)
    projector = as_matrix(empirical, n_outputs) / len(X)
    assert_close(projector @ projector, projector, 1e-8)
    assert np.trace(projector) == pytest.approx(3 * n_outputs, rel=1e-6)
    rest = as_matrix(kernel - empirical, n_outputs)
    assert np.linalg.eigvalsh(rest).min() > -1e-8 * len(X)


# Green's function


def truth(X, Z):
    """Of −u″ on (0, 1), zero at both ends."""
    return np.minimum(X, Z.T) * (1 - np.maximum(X, Z.T))


GRID = np.linspace(0, 1, 41).reshape(-1, 1)


def sines(n, problem=None, X=None, **settings):
    settings = {"max_iter": 1, "random_state": 0, **settings}
    problem = problem or Poisson()
    model = Sines(n, len(problem.fields))
    estimator = PINNEstimator(problem, model=model, estimate_error=False)
    return estimator.set_params(**settings).fit(X)


def test_greens_function_approaches_the_true_one():
    numbers = np.array([20, 80, 160])
    errors = [
        np.abs(greens_function(sines(n), GRID, GRID) - truth(GRID, GRID)).max() for n in numbers
    ]
    # The kink on the diagonal is 1 / (π² n) away.
    np.testing.assert_allclose(errors, 1 / (np.pi**2 * numbers), rtol=0.1)
    assert errors[-1] < 1e-3


def test_greens_function_has_units():
    # A source at z answers length times higher on an interval that is so much longer.
    estimator = sines(40, Poisson(3.0))
    found = greens_function(estimator, 3 * GRID, 3 * GRID)
    assert_close(found, 3 * truth(GRID, GRID), 0.015)


def test_the_points_of_the_equation_are_those_that_are_given():
    estimator = sines(10)
    X = np.linspace(0.005, 0.995, 100).reshape(-1, 1)
    given = greens_function(estimator, GRID, GRID, sample=X)
    assert_close(given, greens_function(estimator, GRID, GRID), 1e-3)


def test_a_natural_step_applies_greens_function_to_the_residual():
    """dv = −α ∫ g(x, z) r(z) dz, for each step of a linear model."""
    X = np.linspace(0.01, 0.99, 80).reshape(-1, 1)
    settings = {"optimizer": "ngd", "momentum": None, "step_size": 0.3, "rcond": 1e-10, "tol": 0}
    before, after = (
        sines(12, X=X, max_iter=n, variable_projection=False, **settings) for n in (2, 3)
    )
    g = greens_function(before, GRID, X, sample=X)
    expected = -0.3 * g @ before.residual(X) / len(X)
    assert_close(after.predict(GRID) - before.predict(GRID), expected, 1e-9)


def test_a_small_natural_step_on_the_manifold_does_so_too():
    X = np.linspace(0.01, 0.99, 80).reshape(-1, 1)
    alpha = 1e-6
    settings = {**QUICK, "momentum": None, "rcond": 1e-6, "damping": 0.0, "tol": 0}
    settings |= {"variable_projection": False, "estimate_error": False, "step_size": alpha}
    before, after = (
        PINNEstimator(Reaction(), (6,), **(settings | {"max_iter": n})).fit(X) for n in (1, 2)
    )
    g = greens_function(before, GRID, X, sample=X, rcond=1e-6)
    expected = -alpha * g @ before.residual(X) / len(X)
    assert_close(after.predict(GRID) - before.predict(GRID), expected, 1e-3)


def test_greens_function_of_fields_is_a_matrix_for_each_pair():
    g = greens_function(sines(40, Stretched()), GRID, GRID)
    expected = np.zeros((41, 41, 2, 2))
    expected[:, :, 0, 0], expected[:, :, 1, 1] = truth(GRID, GRID), truth(GRID, GRID) / 100
    np.testing.assert_allclose(g[:, :, 0], expected[:, :, 0], atol=0.003)
    np.testing.assert_allclose(g[:, :, 1], expected[:, :, 1], atol=0.00003)


class Ends(Problem):
    """−u″ = 1, u(0) = 0, u(1) = 2."""

    domain = Interval(0, 1)
    conditions = (Dirichlet(lambda x: 2 * x), Neumann(0.0, on="x.min", weight=1e-12))

    def residual(self, u, x):
        return -u.xx - 1


def test_sources_in_the_equation_and_in_the_conditions_make_the_solution():
    """u = ∫ g f + the answers to the values at both ends, 1 − x and x."""
    estimator = PINNEstimator(Ends(), (20,), activation="tanh", random_state=0, max_iter=5).fit()
    nodes, weights = np.polynomial.legendre.leggauss(30)
    inside = greens_function(estimator, GRID, (nodes.reshape(-1, 1) + 1) / 2) @ weights / 2
    ends = greens_function(estimator, GRID, [[0.0], [1.0]], condition="dirichlet")
    assert_close(ends, np.hstack([1 - GRID, GRID]), 1e-4)
    solution = 0.5 * GRID * (1 - GRID) + 2 * GRID
    assert_close(inside + ends @ [0.0, 2.0], solution[:, 0], 1e-4)


def test_a_condition_without_sources_at_points_is_refused():
    estimator = PINNEstimator(Ends(), (4,), estimate_error=False, **QUICK).fit()
    for name in ("neumann x.min", "robin"):
        with pytest.raises(ValueError, match=r"one of \['equation', 'dirichlet'\], got"):
            greens_function(estimator, GRID, GRID, condition=name)


def test_hard_conditions_hold_for_the_answer():
    estimator = fitted_fields()
    floor = np.column_stack([PLANE[:, 0], np.zeros(40)])
    g = greens_function(estimator, floor, PLANE)
    assert np.abs(g[:, :, 1]).max() < 1e-12 * np.abs(g[:, :, 0]).max()


def test_greens_function_on_the_empirical_tangent_space():
    estimator, X = sines(12), np.linspace(0.01, 0.99, 60).reshape(-1, 1)
    whole = greens_function(estimator, GRID, GRID)
    enough = greens_function(estimator, GRID, GRID, points=X[determining_points(estimator, X)])
    assert_close(enough, whole, 1e-6)
    few = greens_function(estimator, GRID, GRID, points=X[[20, 40]])
    assert np.linalg.matrix_rank(few, tol=1e-8) == 2


def test_greens_function_of_a_fit_to_rows_is_the_projection():
    estimator = fitted_regressor()
    g = greens_function(estimator, ROWS, ROWS[:20])
    np.testing.assert_array_equal(g, nntk(estimator, ROWS, ROWS[:20], sample=ROWS[:20]))


# What is refused


def test_what_is_not_fitted_or_not_ours_is_refused():
    estimator = fitted_regressor()
    with pytest.raises(NotFittedError):
        ntk(NaturalMomentumRegressor(), ROWS)
    with pytest.raises(TypeError, match="of a pipeline its last step"):
        nntk(make_pipeline(estimator), ROWS)
    with pytest.raises(ValueError, match="rcond in"):
        nntk(estimator, ROWS, rcond=1.0)
    with pytest.raises(ValueError, match="at least one non-zero"):
        nntk(estimator, ROWS, sample_weight=np.zeros(40))
    with pytest.raises(ValueError, match="columns"):
        ntk(estimator, ROWS[:, :1])
    with pytest.raises(ValueError, match="inside the domain"):
        greens_function(sines(4), GRID, GRID + 1)
