"""Densities have mass one, follow their sample, and say where nodes do not tell their mass."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import kstest, multivariate_normal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

from skngd import NaturalMomentumDensity
from skngd.estimators.quadrature import FINE, FIT, normal_rule
from skngd.models import DensityOnNodes, FullyConnected, NormalizedExponential


def two_hills(n, seed=0):
    rng = np.random.RandomState(seed)
    return np.where(rng.uniform(size=n) < 0.4, rng.normal(-2, 0.5, n), rng.normal(1, 1, n))[:, None]


def banana(n, seed=0):
    a, b = np.random.RandomState(seed).standard_normal((2, n))
    return np.column_stack([a, 0.5 * a**2 - 1 + 0.5 * b])


@pytest.fixture(scope="module")
def hills():
    return NaturalMomentumDensity(n_init=1, random_state=0).fit(two_hills(400))


@pytest.fixture(scope="module")
def bent():
    return NaturalMomentumDensity(8, n_init=1, random_state=0).fit(banana(300))


# the model


def test_the_model_is_normalised_over_its_nodes():
    nodes, weights = (torch.tensor(part) for part in normal_rule(2, (0, 7, 0), 1.0))
    network = FullyConnected((2, 3, 1))
    theta = torch.tensor(network.initial(np.random.RandomState(0)))
    density = DensityOnNodes(network, nodes, weights)
    value = density.value(theta, nodes)
    assert_allclose(float(weights @ value[:, 0]), 1)
    assert_allclose(value, NormalizedExponential(network, weights).value(theta, nodes))
    log_ratio = network.value(theta, nodes) - density.log_mass(theta)
    assert_allclose(torch.log(value), log_ratio)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_nodes_integrate_over_a_normal_distribution(d):
    for sizes in (FIT, FINE):
        nodes, weights = normal_rule(d, sizes, 3.0)
        assert_allclose(weights.sum(), 1)
        slope = np.arange(1, d + 1) / d
        exact = np.exp(0.5 * slope @ slope)  # E exp(a · z)
        assert_allclose(weights @ np.exp(nodes @ slope), exact, rtol=1e-6 if d < 3 else 0.02)


# the estimator


def test_mass_is_one(hills, bent):
    mass, _ = quad(lambda x: np.exp(hills.score_samples([[x]])[0]), -12, 12, limit=200)
    assert_allclose(mass, 1, rtol=1e-8)
    axis = np.linspace(-9, 9, 400)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    mass = np.exp(bent.score_samples(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert_allclose(mass, 1, rtol=1e-6)
    assert max(hills.mass_error_, bent.mass_error_) < 1e-3


def test_likelihood_of_unseen_rows_is_as_that_of_kernels_or_above(hills, bent):
    grid = {"bandwidth": np.logspace(-1.5, 0.5, 9)}
    for density, X, unseen, more in (
        (hills, two_hills(400), two_hills(2000, seed=1), -0.01),
        (bent, banana(300), banana(2000, seed=1), 0.05),
    ):
        kernels = GridSearchCV(KernelDensity(), grid, cv=3).fit(X)
        assert (density.score(unseen) - kernels.score(unseen)) / 2000 > more
    assert_allclose(hills.score(two_hills(9)), hills.score_samples(two_hills(9)).sum())


def test_normal_rows_need_no_neurons():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((200, 3)) @ rng.standard_normal((3, 3)) + 5
    density = NaturalMomentumDensity(5, n_init=1, random_state=0).fit(X)
    assert density.n_effective_parameters_ < 1
    normal = multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
    assert_allclose(density.score_samples(X), normal.logpdf(X), atol=0.02)


def test_units_of_the_columns_change_nothing(bent):
    A, b = np.array([[2000.0, 0.0], [-3.0, 2.0]]), np.array([1e3, -5.0])
    X = banana(300)
    moved = NaturalMomentumDensity(8, n_init=1, random_state=0).fit(X @ A.T + b)
    expected = bent.score_samples(X) - np.log(abs(np.linalg.det(A)))
    assert_allclose(moved.score_samples(X @ A.T + b), expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_weight_of_two_is_two_rows():
    X = two_hills(60)
    weight = np.tile([0, 1, 2], 20)
    settings = {"n_init": 1, "max_iter": 30, "tol": 0, "random_state": 0}
    weighted = NaturalMomentumDensity(5, **settings).fit(X, sample_weight=weight)
    repeated = NaturalMomentumDensity(5, **settings).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), atol=1e-6)
    assert_allclose(weighted.log_evidence_, repeated.log_evidence_, rtol=1e-6)


def test_drawn_rows_follow_the_density(hills, bent):
    axis = np.linspace(-12, 12, 20_001)
    cumulative = np.cumsum(np.exp(hills.score_samples(axis[:, None]))) * (axis[1] - axis[0])
    drawn = hills.sample(4000, random_state=0)
    assert kstest(drawn[:, 0], lambda x: np.interp(x, axis, cumulative)).pvalue > 0.01
    assert_array_equal(hills.sample(5, random_state=1), hills.sample(5, random_state=1))
    drawn = bent.sample(4000, random_state=0)
    assert drawn.shape == (4000, 2)
    # The mean log density of what is drawn is minus the entropy, which the grid knows.
    axis = np.linspace(-9, 9, 300)
    logs = bent.score_samples(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
    entropy = -np.sum(np.exp(logs) * logs) * (axis[1] - axis[0]) ** 2
    assert_allclose(-bent.score_samples(drawn).mean(), entropy, atol=0.06)


def test_a_named_decay_and_other_momenta(hills):
    X = two_hills(100)
    stiff = NaturalMomentumDensity(alpha=100.0, n_init=1, random_state=0).fit(X)
    normal = multivariate_normal(X.mean(), X.var())
    assert_allclose(stiff.score_samples(X), normal.logpdf(X[:, 0]), atol=0.02)
    for momentum in (None, "nesterov", "spring"):
        density = NaturalMomentumDensity(5, momentum=momentum, n_init=1, tol=1e-3, random_state=0)
        assert density.fit(X).score(X) > stiff.score(X)


def test_a_constant_column_is_a_normal_one_of_width_one():
    X = np.column_stack([two_hills(50), np.full(50, 7.0)])
    density = NaturalMomentumDensity(3, n_init=1, random_state=0).fit(X)
    near, far = density.score_samples([[0.0, 7.0], [0.0, 8.0]])
    assert density.rank_ == 1
    assert_allclose(near - far, 0.5)
    assert_allclose(density.sample(4000, random_state=0)[:, 1].std(), 1, atol=0.05)


def test_details_that_nodes_miss_are_told():
    X = np.random.RandomState(0).standard_normal((25, 8))
    density = NaturalMomentumDensity(20, alpha=0.0, n_init=1, max_iter=40, random_state=0)
    with pytest.warns(ConvergenceWarning, match="mass of the density is known to"):
        density.fit(X)
    assert density.mass_error_ > 0.05
    assert "mass of the density" in density.stop_reason_


def test_what_is_refused(hills):
    X = two_hills(20)
    for fit, message in [
        (lambda: NaturalMomentumDensity().fit(np.zeros((60, 51))), "at most 50 columns"),
        (lambda: NaturalMomentumDensity().fit(X[:1]), "minimum of 2"),
        (lambda: NaturalMomentumDensity().fit(X, sample_weight=np.eye(20)[0]), "above zero, got 1"),
        (lambda: NaturalMomentumDensity((3, 0)).fit(X), "positive whole numbers"),
        (lambda: hills.sample(0), "n_samples to be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit()
    with pytest.raises(NotFittedError):
        NaturalMomentumDensity().score_samples(X)
