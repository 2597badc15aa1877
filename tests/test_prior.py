"""Fields that measurements alone determine, equation (Prior)."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from solvers import solver

from skngd.estimators.accuracy import prior
from skngd.estimators.accuracy.prior import Evidence
from skngd.pde import Box, Dirichlet, Initial, Problem, Unknown
from skngd.pde.scales import free_scales

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.linspace(0.05, 0.95, 30).reshape(-1, 1)


class Load(Problem):
    """−u″ = f with f unknown."""

    domain = Box(x=(0, 1))
    fields = ("u", "f")
    conditions = (Dirichlet(0.0, field="u"),)

    def residual(self, u, f, x):
        return u.xx + f

    def solution(self, X):
        s = np.sin(np.pi * X[:, 0])
        return np.stack([s, np.pi**2 * s], axis=1)


def measured(noise, seed=0, kind=Load):
    y = kind().solution(X)
    y[:, 0] += noise * np.random.RandomState(seed).standard_normal(len(X))
    y[:, 1] = np.nan
    return y


NETWORK = {"hidden_layer_sizes": (12,), "n_interior": 60}


def linear_evidence(seed=0, n=4):
    """Of random rows: constraints A, prior S, measurements B, each with a residual."""
    rng = np.random.default_rng(seed)
    evidence, rows = object.__new__(Evidence), {}
    for name, m in (("constraint", 7), ("prior", 6), ("measured", 5)):
        rows[name] = rng.standard_normal((m, n)), rng.standard_normal(m)
    evidence.n_parameters, evidence.diffuse, evidence.n_unknowns = n, 0.0, 0
    evidence.scale = torch.ones(n, dtype=torch.float64)
    for name, part in rows.items():
        stacked = torch.tensor(np.column_stack(part))
        setattr(evidence, name, torch.linalg.qr(stacked, mode="r")[1])
    evidence.n_measured = len(rows["measured"][0])
    return evidence, rows


def expected_at(rows, weight):
    """Mean and covariance of θ by constraints and prior, for a variance of one."""
    (a, r), (s, p), _ = rows.values()
    covariance = np.linalg.inv(a.T @ a + weight * s.T @ s)
    return -covariance @ (a.T @ r + weight * s.T @ p), covariance


@pytest.mark.parametrize("log_weight", [-2.0, 0.0, 1.0])
def test_evidence_is_the_density_of_what_was_measured(log_weight):
    evidence, rows = linear_evidence()
    minus, variance, *_ = evidence.at(log_weight)
    mean, covariance = expected_at(rows, 10.0**log_weight)
    b, d = rows["measured"]
    spread = np.eye(len(d)) + b @ covariance @ b.T

    def density(v):
        return -2 * multivariate_normal(cov=v * spread).logpdf(d + b @ mean)

    constant = len(d) * (1 + np.log(2 * np.pi))
    assert minus + constant == pytest.approx(density(variance))
    # No other variance makes it more likely.
    assert density(variance) < min(density(0.9 * variance), density(1.1 * variance))


def test_posterior_is_that_of_a_linear_model(monkeypatch):
    monkeypatch.setattr(prior, "GRID", np.array([0.5]))
    evidence, rows = linear_evidence()
    found = evidence.posterior(torch.zeros(4, dtype=torch.float64))
    mean, covariance = expected_at(rows, 10.0**0.5)
    b, d = rows["measured"]
    precision = np.linalg.inv(covariance)
    covariance = np.linalg.inv(precision + b.T @ b)
    # Around zero, where the rows were formed.
    mean = covariance @ (precision @ mean - b.T @ d)
    expected = found.variance * covariance + np.outer(mean, mean)
    assert_allclose((found.factor @ found.factor.T).numpy(), expected, rtol=1e-10)


def test_posterior_knows_that_the_weight_is_not_known():
    evidence, rows = linear_evidence()
    found = evidence.posterior(torch.zeros(4, dtype=torch.float64))
    b, d = rows["measured"]
    share, means, parts = [], [], []
    for log_weight in prior.GRID:
        minus, variance, *_ = evidence.at(log_weight)
        mean, covariance = expected_at(rows, 10.0**log_weight)
        precision = np.linalg.inv(covariance)
        covariance = np.linalg.inv(precision + b.T @ b)
        share.append(np.exp(-minus / 2))
        means.append(covariance @ (precision @ mean - b.T @ d))
        parts.append(variance * covariance)
    share = np.array(share) / sum(share)
    off = np.array(means)
    expected = np.einsum("k,kij->ij", share, parts) + np.einsum("k,ki,kj->ij", share, off, off)
    assert_allclose((found.factor @ found.factor.T).numpy(), expected, rtol=1e-4)


def test_a_field_that_nobody_measured_is_not_made_of_noise():
    covered, errors = [], []
    for seed in range(2):
        fitted = solver(Load(), **NETWORK, random_state=seed).fit(X, measured(0.003, seed))
        values, std = fitted.predict(X, return_std=True)
        off = values - Load().solution(X)
        errors.append(np.linalg.norm(off[:, 1]) / np.linalg.norm(Load().solution(X)[:, 1]))
        covered.append(np.abs(off) <= 1.96 * std)
        assert fitted.noise_std_ == pytest.approx(0.003, rel=0.5)
    assert max(errors) < 0.1
    assert np.mean(covered) > 0.85
    assert "No condition determines f: a prior of smoothness" in fitted.stop_reason_
    assert 0 < fitted.error_estimate_["u"] < fitted.error_estimate_["f"] < 0.3


def test_without_noise_there_is_no_prior():
    fitted = solver(Load(), **NETWORK, max_iter=150).fit(X, measured(0.0))
    off = np.abs(fitted.predict(X) - Load().solution(X)).max(axis=0)
    assert off[0] < 1e-6
    assert off[1] < 1e-4


def test_an_unknown_beside_a_field():
    """A load and a number: u″ + f = 0 and u = C at one end."""

    class Raised(Load):
        def __init__(self, C=0.3):
            self.C = C

        @property
        def conditions(self):
            ends = Dirichlet(self.C, on="x.max", field="u"), Dirichlet(0.0, "x.min", field="u")
            return ends

        def solution(self, X):
            u, f = Load.solution(self, X).T
            return np.stack([u + 0.3 * X[:, 0], f], axis=1)

    y = measured(0.003, kind=Raised)
    fitted = solver(Raised(Unknown(1.0)), **NETWORK).fit(X, y)
    assert abs(fitted.unknowns_["C"] - 0.3) < 4 * fitted.unknowns_std_["C"] < 0.1
    assert fitted.predict(X, return_std=True)[1].shape == (len(X), 2)


def test_fields_that_conditions_determine_have_no_prior():
    class Two(Problem):
        domain = Box(t=(0, 1))
        fields = ("u", "v")
        conditions = (Initial(1.0),)

        def residual(self, u, v, t):
            return u.t - v, v.t + u

    t = np.linspace(0, 1, 20).reshape(-1, 1)
    y = np.stack([np.cos(t[:, 0]) + np.sin(t[:, 0]), np.full(20, np.nan)], axis=1)
    fitted = solver(Two(), max_iter=30, estimate_error=True).fit(t, y)
    assert "smoothness v" not in fitted.history_
    assert fitted.error_estimate_["v"] < 1e-3


class TwoLoads(Problem):
    """−u″ = f + g: only the sum can be told."""

    domain = Box(x=(0, 1))
    fields = ("u", "f", "g")
    conditions = (Dirichlet(0.0, field="u"),)

    def residual(self, u, f, g, x):
        return u.xx + f + g


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_fields_that_nothing_tells_apart_are_named(noise):
    """Their bands are infinite, however little noise there is."""
    y = np.full((len(X), 3), np.nan)
    y[:, 0] = np.sin(np.pi * X[:, 0])
    y[:, 0] += noise * np.random.RandomState(0).standard_normal(len(X))
    with pytest.warns(UserWarning, match="do not determine f, g: .* what one gains others lose"):
        fitted = solver(TwoLoads(), **NETWORK).fit(X, y)
    (_, f, g), std = fitted.predict(X).T, fitted.predict(X, return_std=True)[1]
    # The sum is there: the load of the measured solution.
    load = np.pi**2 * np.sin(np.pi * X[:, 0])
    assert np.linalg.norm(f + g - load) < 0.3 * np.linalg.norm(load)
    assert np.isinf(std[:, 1:]).all()
    assert std[:, 0].max() < 0.05
    assert fitted.error_estimate_["f"] == np.inf
    assert "Nothing determines f, g" in fitted.stop_reason_


class Conductivity(Problem):
    """(k u\u2032)\u2032 = 0 with k unknown: any multiple of k does."""

    domain = Box(x=(0, 1))
    fields = ("u", "k")
    conditions = (Dirichlet(0.0, "x.min", field="u"), Dirichlet(1.0, "x.max", field="u"))

    def residual(self, u, k, x):
        return k * u.xx + k.x * u.x

    def solution(self, X):
        u = np.log1p(X[:, 0]) / np.log(2)
        return np.stack([u, 1 + X[:, 0]], axis=1)


def test_a_field_that_is_determined_up_to_a_factor_is_not_made_zero():
    """A prior of smoothness would, and the equation would say nothing."""
    y = measured(0.003, kind=Conductivity)
    with pytest.warns(UserWarning, match="determine k up to a factor"):
        fitted = solver(Conductivity(), **NETWORK, max_iter=60).fit(X, y)
    (u, k), std = fitted.predict(X).T, fitted.predict(X, return_std=True)[1]
    true_u, true_k = Conductivity().solution(X).T
    assert_allclose(k / k.mean(), true_k / true_k.mean(), rtol=0.05)
    assert np.isinf(std[:, 1]).all()
    assert np.mean(np.abs(u - true_u) <= 1.96 * std[:, 0]) > 0.8


def test_a_factor_of_an_unknown_and_a_field():
    class Times(Load):
        def __init__(self, a):
            self.a = a

        def residual(self, u, f, x):
            return u.xx + self.a * f

    with pytest.warns(UserWarning, match="determine f and a up to a factor"):
        fitted = solver(Times(Unknown(2.0, low=0)), **NETWORK).fit(X, measured(0.003))
    assert fitted.unknowns_["a"] == pytest.approx(2.0, rel=1e-3)
    assert fitted.unknowns_std_["a"] == np.inf
    assert np.isinf(fitted.predict(X, return_std=True)[1][:, 1]).all()


@pytest.mark.parametrize(
    ("residual", "unknowns", "expected"),
    [
        (lambda u, f, g, x: u.xx + f + g, (), []),
        (lambda u, f, g, x: (u.xx + f, g * u.xx + g.x * u.x), (), [("g",)]),
        (lambda u, f, g, x: u.xx + f * g, (), [("f", "g")]),
        (lambda u, f, g, x: f * u.xx + f.x * u.x + g * u, (), [("f", "g")]),
        (lambda u, f, g, x: (u.xx + f, g.xx + u * g + 1), (), []),
        (lambda u, f, g, x, a: u.xx + a * f * g, ("a",), [("g", "a"), ("f", "a")]),
        (lambda u, f, g, x: u.xx + np.exp(f) * g, (), []),
    ],
    ids=["sum", "flux", "product", "both", "load", "with an unknown", "exponential"],
)
def test_what_may_be_multiplied_by_any_number(residual, unknowns, expected):
    given = {name: Unknown(1.5) for name in unknowns}
    conditions = (Dirichlet(0.0, field="u"),)
    fields = "u", "f", "g"
    problem = Problem.from_function(residual, Box(x=(0, 1)), conditions, fields, given)
    assert free_scales(problem, ("f", "g")) == expected
