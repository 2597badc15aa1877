"""Conjugate gradients: one Krylov space for every damping, and steps that form no matrix."""

import numpy as np
import pytest
import torch
from cases import assert_close, every_loss, linear_problem, normal
from scipy.sparse.linalg import cg
from sklearn.datasets import load_digits, make_friedman1
from sklearn.linear_model import LogisticRegression
from test_metrics import network_with, scalar_loss
from torch.func import grad

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor
from skngd.losses import CrossEntropy
from skngd.models import FullyConnected
from skngd.optim import Objective, build_method, directions, minimize
from skngd.optim.directions import NaturalGradient
from skngd.optim.momentum import Remembered
from skngd.tangent import choose
from skngd.tangent.cg import ConjugateGradients, KrylovSpace, TruncatedSpace


class Counted:
    """Products with a matrix, counted."""

    def __init__(self, matrix):
        self.matrix, self.n = matrix, 0

    def __call__(self, v):
        self.n += 1
        return self.matrix @ v


def spectrum(condition, n=40):
    """A symmetric positive matrix, and a right-hand side."""
    q, _ = torch.linalg.qr(normal(n, n, seed=1))
    values = torch.logspace(0, -np.log10(condition), n, dtype=torch.float64)
    return (q * values) @ q.T, normal(n, seed=2)


# The space


def test_the_space_makes_the_matrix_tridiagonal():
    matrix, g = spectrum(1e4)
    space = KrylovSpace(matrix.mv, g, tol=0.0, max_products=15)
    space.solve(0.0, 0.1)
    k, q = len(space.diagonal), space.basis
    assert k == 15
    assert_close(q @ q.T, np.eye(k), 1e-13)
    off = space.off_diagonal[: k - 1]
    tridiagonal = np.diag(space.diagonal) + np.diag(off, 1) + np.diag(off, -1)
    assert_close(q @ matrix @ q.T, tridiagonal, 1e-13)
    assert_close(q[0], g / g.norm(), 1e-15)


@pytest.mark.parametrize("damping", [1e-3, 0.1])
@pytest.mark.parametrize("n_products", [1, 4, 12])
def test_the_solution_is_the_iterate_of_conjugate_gradients(damping, n_products):
    matrix, g = spectrum(1e4)
    space = KrylovSpace(matrix.mv, g, tol=0.0, max_products=n_products)
    damped = matrix.numpy() + damping * np.eye(len(g))
    expected, _ = cg(damped, g.numpy(), rtol=0.0, maxiter=n_products)
    assert_close(space.solve(0.0, damping), expected, 1e-9)


@pytest.mark.parametrize("tol", [0.3, 1e-2, 1e-8])
def test_the_residual_is_below_the_tolerance_for_each_damping(tol):
    matrix, g = spectrum(1e6)
    product = Counted(matrix)
    space = KrylovSpace(product, g, tol)
    counts = []
    for damping in (1.0, 1e-2, 1e-4):
        x = space.solve(0.0, damping)
        assert float((matrix @ x + damping * x - g).norm()) <= 1.001 * tol * float(g.norm())
        counts.append(product.n)
    # A smaller λ extends the space, a larger one is served by it.
    assert counts[0] < counts[1] <= counts[2]
    space.solve(0.0, 0.3)
    assert product.n == counts[2]


def test_the_space_ends_where_the_right_hand_side_has_no_more_directions():
    matrix, _ = spectrum(10.0)
    _, vectors = torch.linalg.eigh(matrix)
    space = KrylovSpace(matrix.mv, vectors[:, :3].sum(1), tol=1e-14)
    x = space.solve(0.0, 0.5)
    assert len(space.diagonal) == 3
    assert_close(matrix @ x + 0.5 * x, vectors[:, :3].sum(1), 1e-12)


def test_the_size_of_the_matrix_is_bounded_from_below():
    matrix, g = spectrum(1e3)
    size = KrylovSpace(matrix.mv, g, tol=0.1).square_norm()
    largest = float(torch.linalg.eigvalsh(matrix)[-1])
    assert 0.9 * largest < size <= float(matrix.trace())


def test_a_matrix_that_is_not_finite_is_told_by_its_size():
    factorization = ConjugateGradients([(torch.full((5, 3), torch.nan).double(), normal(5, 1))])
    assert not np.isfinite(factorization.square_norm)


def test_further_functions_in_the_space_of_the_first():
    matrix, g = spectrum(1e2)
    root = torch.linalg.cholesky(matrix, upper=True)
    b = torch.linalg.solve_triangular(root.T, g.unsqueeze(1), upper=False)
    rough = ConjugateGradients([(root, b)], tol=0.1)
    rough.solve(0.0, 0.1)
    f, q = normal(len(g), seed=3), rough.spaces[0].basis.T
    found = rough.solve_function(f, lambda f: f, damping=0.1)
    damped = q.T @ matrix @ q + 0.1 * torch.eye(q.shape[1], dtype=torch.float64)
    inside = torch.linalg.solve(damped, q.T @ f)
    assert_close(found, q @ inside, 1e-10)


def indefinite(n_negative, n=40):
    """A symmetric matrix with some negative eigenvalues, and a right-hand side."""
    q, _ = torch.linalg.qr(normal(n, n, seed=1))
    values = torch.linspace(0.1, 1.0, n, dtype=torch.float64)
    values[:n_negative] *= -1
    return (q * values) @ q.T, normal(n, seed=2)


def test_without_negative_curvature_nothing_is_truncated():
    matrix, g = spectrum(1e4)
    for damping in (1e-3, 0.1):
        whole = KrylovSpace(matrix.mv, g, tol=1e-6).solve(0.0, damping)
        assert_close(TruncatedSpace(matrix.mv, g, tol=1e-6).solve(damping), whole, 1e-8)


@pytest.mark.parametrize("damping", [0.0, 0.02])
def test_negative_curvature_ends_conjugate_gradients(damping):
    # Steihaug's method: the iterate before the first p with pᵀ (H + λ I) p ≤ 0.
    matrix, g = indefinite(4)
    damped = matrix + damping * torch.eye(len(g), dtype=g.dtype)
    x, r, p, n = torch.zeros_like(g), g.clone(), g.clone(), 0
    while float(p @ damped @ p) > 0:
        alpha = (r @ r) / (p @ damped @ p)
        x, before = x + alpha * p, r @ r
        r = r - alpha * damped @ p
        p, n = r + (r @ r) / before * p, n + 1
    assert 0 < n < len(g)
    space = TruncatedSpace(matrix.mv, g, tol=1e-10)
    found = space.solve(damping)
    assert_close(found, x, 1e-8)
    assert float(found @ g) > 0
    # Enough damping: the matrix is positive, and the solution whole.
    shifted = matrix + torch.eye(len(g), dtype=g.dtype)
    assert_close(space.solve(1.0), torch.linalg.solve(shifted, g), 1e-8)


def test_a_gradient_of_negative_curvature_is_no_direction():
    g = normal(5, seed=2)
    space = TruncatedSpace(lambda v: -v, g, tol=0.1)
    assert torch.isnan(space.solve(0.5)).all()
    assert_close(space.solve(3.0), g / 2, 1e-12)
    assert not TruncatedSpace(lambda v: v, torch.zeros(3), tol=0.1).solve(0.0).any()


# Steps


@every_loss
@pytest.mark.parametrize("metric", ["l2", "loss"])
@pytest.mark.parametrize("decays", [False, True])
@pytest.mark.parametrize("in_passes", [False, True])
def test_products_are_those_of_the_matrix(case, metric, decays, in_passes, monkeypatch):
    if in_passes:
        monkeypatch.setattr("skngd.tangent.operator.CHUNK_ELEMENTS", 50)
    objective, theta = network_with(case, metric)
    if decays:
        objective.penalty = torch.linspace(0, 1, len(theta)).double()
    assert (len(objective.sampled.passes) > 1) == in_passes
    rows = torch.cat([rows for _, rows in objective.at(theta).operator.rows()])
    gram, v = rows.T @ rows, normal(len(theta), seed=8)
    decay = objective.penalty * v if decays else 0.0
    here = objective.at(theta)
    assert_close(here.operator.gram_product(v), gram @ v + decay, 1e-12)
    assert_close(here.value, objective.model.value(theta, objective.points), 1e-14)
    assert_close(here.gradient, grad(scalar_loss(objective))(theta), 1e-11)
    rows = torch.cat([record.jacobian() for _, record in here.jacobian.records()])
    weights = objective.loss.weights.repeat_interleave(here.value.shape[1], 0)
    assert_close(here.plain_operator.gram_product(v), rows.T @ (weights[:, 0] * (rows @ v)), 1e-12)


@pytest.mark.parametrize("decays", [False, True])
@pytest.mark.parametrize("damping", [1e-4, 0.3])
def test_a_rough_step_keeps_its_promise_on_a_linear_model(damping, decays):
    objective, theta = linear_problem(noise=1.0)
    if decays:
        objective.penalty = torch.full_like(theta, 0.1)
    here = objective.at(theta)
    prepared = NaturalGradient("cg").prepare(here)
    step = prepared.descent(damping)
    assert float(torch.dot(step, here.gradient)) < 0
    decrease = here.loss - objective.at(theta + step).loss
    assert prepared.predicted_decrease(step, damping) == pytest.approx(decrease, rel=1e-10)


@every_loss
@pytest.mark.parametrize("metric", ["l2", "loss"])
def test_a_function_is_projected_in_l2(case, metric, monkeypatch):
    monkeypatch.setattr(directions, "STEP_TOLERANCE", dict.fromkeys(("l2", "loss"), 1e-10))
    objective, theta = network_with(case, metric)
    here = objective.at(theta)
    q = normal(*here.value.shape, seed=9)
    prepared = NaturalGradient("cg").prepare(here, Remembered(q))
    damping, size = 1e-2, prepared.square_norm
    if prepared.memory_factorization is not None:  # equation (2M): λ relative to the size of W^½ J
        damping = damping / size * prepared.memory_factorization.square_norm
    rows = torch.cat([record.jacobian() for _, record in here.jacobian.records()])
    weighted = rows * objective.loss.weights.repeat_interleave(q.shape[1], 0)
    gram = weighted.T @ rows + damping * torch.eye(len(theta), dtype=torch.float64)
    expected = torch.linalg.solve(gram, weighted.T @ q.reshape(-1))
    assert_close(prepared.memory(1e-2), expected, 1e-7)


# Estimators


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"relative_damping": 1e-6}, "cg"),
        ({"relative_damping": 1e-6, "largest_matrix": 6000}, "gram"),
        ({"relative_damping": 1e-6, "rcond": 1e-3}, "qr"),
        ({"relative_damping": 1e-20}, "qr"),
        ({"relative_damping": 1e-20, "is_rough": True}, "cg"),
        ({}, "qr"),
    ],
    ids=str,
)
def test_choice_for_many_parameters(options, name):
    assert choose(6000, 5500, **options) == name


@pytest.mark.parametrize(
    ("width", "metric", "name"),
    [(8, "loss", "gram"), (60, "loss", "cg"), (60, "l2", "kernel"), (600, "l2", "cg")],
)
def test_choice_where_passes_are_cheap(width, metric, name):
    n = 2000 if width == 600 else 60
    model, target = FullyConnected((3, width, 3)), torch.full((n, 3), 1 / 3).double()
    theta = torch.as_tensor(model.initial(np.random.RandomState(0)))
    here = Objective(model, CrossEntropy(target), normal(n, 3), metric).at(theta)
    assert NaturalGradient()._form(here, 1e-6, True).name == name


def test_they_reach_the_same_convex_minimum():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    ours = NaturalMomentumClassifier((), alpha=0.01, tol=1e-9, max_iter=100, projection="cg")
    ours.fit(X, y)
    assert np.nanmax(ours.history_["rank"]) < len(ours.theta_) / 4
    scaled = (X - ours.X_mean_) / ours.X_scale_
    theirs = LogisticRegression(C=1 / (0.01 * len(X)), tol=1e-8, max_iter=1000).fit(scaled, y)
    assert_close(ours.predict_proba(X), theirs.predict_proba(scaled), 1e-3)


@pytest.mark.filterwarnings("ignore:Not converged")
@pytest.mark.parametrize("momentum", [None, "heavy-ball", "nesterov", "spring"])
def test_every_momentum_fits_a_wide_network(momentum):
    X, y = make_friedman1(300, 10, random_state=0)
    model = NaturalMomentumRegressor(
        (60,), alpha=0, momentum=momentum, projection="cg", max_iter=40, tol=0, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.999


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_fit_falls_back_to_a_matrix(dtype, monkeypatch):
    X, y = load_digits(return_X_y=True)
    kinds, choose_form = set(), NaturalGradient._form
    monkeypatch.setattr(
        NaturalGradient, "_form", lambda *args: kinds.add(choose_form(*args)) or choose_form(*args)
    )
    model = NaturalMomentumClassifier(alpha=0.0, max_iter=60, dtype=dtype, random_state=0)
    model.fit(X[:300], y[:300])
    assert kinds == {ConjugateGradients}
    assert model.score(X[:300], y[:300]) == 1.0
    assert np.nanmin(model.history_["damping"]) < 1e-5


def test_weights_equal_repetitions():
    X, y = load_digits(return_X_y=True)
    X, y = X[:200], y[:200]
    weight = np.random.RandomState(0).randint(0, 3, len(X))
    settings = {"alpha": 3e-3, "projection": "cg", "max_iter": 5, "tol": 0, "random_state": 0}
    with pytest.warns(match="max_iter"):
        weighted = NaturalMomentumClassifier(**settings).fit(X, y, sample_weight=weight)
    with pytest.warns(match="max_iter"):
        repeated = NaturalMomentumClassifier(**settings).fit(
            np.repeat(X, weight, axis=0), np.repeat(y, weight)
        )
    assert_close(weighted.theta_, repeated.theta_, 1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_rows", [1, 2, 3, 6])
@pytest.mark.parametrize("width", [0, 1, 8])
@pytest.mark.parametrize("damping", [0.0, 1e-300, "auto"])
@pytest.mark.parametrize("step_size", [1.0, "trust-region", "backtracking"])
def test_few_rows_and_no_damping(n_rows, width, damping, step_size):
    X, y = normal(n_rows, 3).numpy(), normal(n_rows, seed=2).numpy()
    model = NaturalMomentumRegressor(
        (width,) if width else (),
        projection="cg",
        damping=damping,
        step_size=step_size,
        momentum=None,
        max_iter=8,
        random_state=0,
    )
    assert np.isfinite(model.fit(X, y).predict(X)).all()


@every_loss
@pytest.mark.parametrize("momentum", [None, "heavy-ball", "nesterov", "spring"])
def test_steps_that_no_loss_checks_are_those_of_a_matrix(case, momentum):
    # In L2: of two metrics the second takes λ relative to a size of A that products only bound.
    objective, theta = network_with(case, "loss" if momentum is None else "l2")
    ends = []
    for projection in ("gram", "cg"):
        method = build_method(momentum=momentum, step_size=0.5, damping=0.1, projection=projection)
        ends.append(minimize(method, objective, theta, max_iter=3).last.theta)
    assert_close(ends[1], ends[0], 1e-5)
