"""Decay and noise by the evidence, equation (EV), and intervals, equation (Var)."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import make_friedman1
from sklearn.linear_model import BayesianRidge
from variants import waves

from skngd import NaturalMomentumRegressor
from skngd.losses import CrossEntropy, SquaredLoss
from skngd.models import FullyConnected
from skngd.optim import Objective
from skngd.optim.evidence import Estimate, Groups, first_decay
from skngd.tangent.kernel import DecayedKernel
from skngd.tangent.operator import TangentOperator
from skngd.tangent.posterior import Posterior, layers_of, variances

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(n_rows, n_outputs=1, seed=0):
    """An objective, parameters, and a decay that leaves the last biases free."""
    random = np.random.RandomState(seed)
    model = FullyConnected((2, 4, n_outputs))
    x = torch.as_tensor(random.uniform(-1, 1, (n_rows, 2)))
    target = torch.as_tensor(random.standard_normal((n_rows, n_outputs)))
    penalty = torch.as_tensor(10.0 ** random.uniform(-6, 0, model.n_parameters))
    penalty[-n_outputs:] = 0.0
    theta = torch.as_tensor(model.initial(random))
    return Objective(model, SquaredLoss(target), x, penalty=penalty), theta


def noisy_line(n=60, seed=0):
    random = np.random.RandomState(seed)
    X = random.standard_normal((n, 4))
    return X, X @ [2.0, -1.0, 0.3, 0.0] + 5 + 0.7 * random.standard_normal(n)


# The linear algebra


@pytest.mark.parametrize("n_rows", [8, 60])
def test_posterior_is_the_dense_inverse(n_rows):
    objective, theta = network(n_rows)
    operator, penalty = objective.at(theta).operator, objective.penalty.numpy()
    a = torch.cat([rows for _, rows in operator.rows()]).numpy()
    posterior = Posterior(operator, objective.penalty)
    assert posterior.by_rows == (n_rows == 8)
    gram = a.T @ a + np.diag(penalty)
    if posterior.by_rows:  # a free parameter there has a decay of 1e-9 of its column
        gram[-1, -1] += 1e-9 * (a[:, -1] ** 2).sum()
    inverse = np.linalg.inv(gram)
    assert_allclose(posterior.shares, 1 - penalty * np.diag(inverse), rtol=1e-6, atol=1e-8)
    truth = np.linalg.slogdet(gram)[1] - np.log(penalty[:-1]).sum()
    assert posterior.log_determinant == pytest.approx(float(truth), rel=1e-6)
    rows = torch.as_tensor(np.random.RandomState(1).standard_normal((5, len(theta))))
    found = variances(rows, posterior.scale, posterior.half, posterior.by_rows)
    assert_allclose(found, np.diag(rows.numpy() @ inverse @ rows.numpy().T), rtol=1e-4)


@pytest.mark.parametrize("sizes", [(30, 10, 1), (30, 6, 5, 2)])
@pytest.mark.parametrize("loss", [SquaredLoss, CrossEntropy])
def test_the_layers_of_a_network_give_the_posterior_of_its_rows(sizes, loss, monkeypatch):
    """With one decay for the weights of each input, and none for the biases of the outputs."""
    random, model = np.random.RandomState(0), FullyConnected(sizes)
    x = torch.as_tensor(random.standard_normal((30, 30)))
    target = torch.as_tensor(random.dirichlet(np.ones(sizes[-1]), 30))
    objective, theta = Objective(model, loss(target), x, "loss"), model.initial(random)
    index = model.groups()[-1]
    numbers = 10.0 ** random.uniform(-3, 0, index.max() + 1)
    penalty = torch.as_tensor(np.where(index < 0, 0.0, numbers[index]))
    operator = objective.at(torch.as_tensor(theta)).operator
    assert (layers_of(operator, penalty) is None) == (2 * 30 * sizes[-1] > model.n_parameters)
    monkeypatch.setattr("skngd.tangent.posterior.WORTH", 0)
    layers = Posterior(operator, penalty)
    monkeypatch.setattr("skngd.tangent.posterior.layers_of", lambda operator, penalty: None)
    rows = Posterior(operator, penalty)
    assert layers.log_determinant == pytest.approx(rows.log_determinant, rel=1e-7)
    groups = Groups(torch.as_tensor(index), sizes[0])
    assert_allclose(groups.sum(layers.shares), groups.sum(rows.shares), rtol=1e-6, atol=1e-8)
    assert float(layers.shares.sum()) == pytest.approx(float(rows.shares.sum()), rel=1e-6)
    assert_allclose(layers.half, rows.half)


def test_a_large_kernel_is_left_to_the_rows():
    objective, theta = network(8)
    operator = objective.at(theta).operator
    for decay, is_formed in ((1.0, False), (1e-12, True)):
        penalty = torch.where(objective.penalty > 0, decay, 0.0)
        assert (Posterior(operator, penalty)._half is not None) is is_formed


def test_the_kernel_form_with_decay_is_the_damped_solution():
    objective, theta = network(8)
    here = objective.at(theta)
    functions = torch.stack([here.right_side, torch.cos(here.right_side)], dim=1)
    form = DecayedKernel.of(here.operator, functions)
    a = torch.cat([rows for rows, _ in here.operator.chunks(functions)])
    damped = a.T @ a + 1e-3 * torch.eye(a.shape[1], dtype=a.dtype)
    assert_allclose(form.solve(0.0, 1e-3), torch.linalg.solve(damped, a.T @ functions), rtol=1e-8)
    further = functions[:, 1]
    found = form.solve_function(further, lambda f: a.T @ f, 0.0, 1e-3)
    assert_allclose(found, torch.linalg.solve(damped, a.T @ further), rtol=1e-8)
    assert_allclose(form.gradients, a.T @ functions, rtol=1e-12)
    # Without damping the free parameters leave it to the singular values.
    assert_allclose(form.solve(), torch.linalg.lstsq(a, functions).solution, rtol=1e-6, atol=1e-8)


def test_rows_are_shared_by_objectives_that_differ_in_the_decay():
    objective, theta = network(60)
    here = objective.at(theta)
    gram = here.operator.data_gram()
    moved = objective.with_decay(2 * objective.penalty).take(here)
    assert moved.operator.data_gram() is gram
    assert_allclose(moved.operator.gram(), gram + torch.diag(2 * objective.penalty))
    assert moved.penalty == pytest.approx(2 * here.penalty)


def test_the_first_decay_leaves_the_part_that_is_asked_for():
    objective, theta = network(60)
    here = objective.with_decay(None).at(theta)
    alpha = first_decay(here, 60.0, 0.3)
    squares = np.linalg.eigvalsh(here.operator.data_gram())
    assert (squares / (squares + alpha)).sum() == pytest.approx(0.3 * len(theta), rel=1e-6)


# The evidence


def linear_evidence(X, y, a, noise):
    """log ∫ N(y; Xw + b, σ²) N(w; 0, 1/a) dw db by the covariance of y."""
    n = len(y)
    covariance = noise * np.eye(n) + X @ X.T / a
    solved = np.linalg.solve(covariance, np.column_stack([y, np.ones(n)]))
    precision = np.ones(n) @ solved[:, 1]
    mean = (y @ solved[:, 1]) / precision
    square = (y - mean) @ np.linalg.solve(covariance, y - mean)
    logs = np.linalg.slogdet(2 * np.pi * covariance)[1]
    return -0.5 * (logs + square) + 0.5 * np.log(2 * np.pi / precision)


def standardised(X, y):
    return (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()


def test_the_evidence_of_the_linear_model_is_that_of_the_covariance():
    X, y = noisy_line()
    model = NaturalMomentumRegressor((), tol=1e-12, random_state=0).fit(X, y)
    X, scaled = standardised(X, y)
    noise = (model.noise_std_ / y.std()) ** 2
    a = model.alpha_[0] * len(y) / noise
    truth = linear_evidence(X, scaled, a, noise)
    assert model.log_evidence_ == pytest.approx(truth, abs=1e-6)
    # It is stationary in the decay, and nearly so in the noise, of which a bias takes a part.
    step = 1e-4
    up, down = (linear_evidence(X, scaled, a * np.exp(s), noise) for s in (step, -step))
    assert (up - down) / (2 * step) == pytest.approx(0.0, abs=1e-3)
    up, down = (linear_evidence(X, scaled, a, noise * np.exp(s)) for s in (step, -step))
    assert (up - down) / (2 * step) == pytest.approx(0.0, abs=1e-3)


def test_the_linear_model_is_bayesian_ridge():
    X, y = noisy_line(400)
    model = NaturalMomentumRegressor((), tol=1e-12, random_state=0).fit(X, y)
    X_peer, scaled = standardised(X, y)
    flat = dict.fromkeys(("alpha_1", "alpha_2", "lambda_1", "lambda_2"), 0.0)
    peer = BayesianRidge(tol=1e-12, max_iter=10000, **flat).fit(X_peer, scaled)
    # One degree of freedom belongs to the bias.
    assert model.noise_std_ == pytest.approx(y.std() / np.sqrt(peer.alpha_), rel=3e-3)
    noise = (model.noise_std_ / y.std()) ** 2
    assert model.alpha_[0] * len(y) / noise == pytest.approx(peer.lambda_, rel=3e-3)
    mean, std = peer.predict(X_peer, return_std=True)
    found, deviation = model.predict(X, return_std=True)
    assert_allclose(found, y.mean() + y.std() * mean, atol=1e-4)
    assert_allclose(deviation, y.std() * std, rtol=5e-3)


def test_a_fit_ends_at_the_fixed_point_of_its_groups():
    random = np.random.RandomState(3)
    X = random.uniform(-1, 1, (200, 1))
    y = np.sin(3 * X[:, 0]) + 0.3 * random.standard_normal(200)
    settings = {"tol": 0, "n_iter_no_change": 400, "max_iter": 400, "n_init": 1}
    model = NaturalMomentumRegressor((3,), random_state=0, **settings).fit(X, y)
    target = (y - y.mean()) / y.std()
    points = torch.as_tensor((X - model.X_mean_) / model.X_scale_)
    penalty = torch.as_tensor(model.alpha_)
    loss = SquaredLoss(torch.as_tensor(target)[:, None])
    objective = Objective(FullyConnected((1, 3, 1)), loss, points, penalty=penalty)
    here = objective.at(torch.as_tensor(model.theta_))
    assert float(here.gradient.abs().max()) < 1e-5  # the optimum of the penalised loss
    inverse = np.linalg.inv(here.operator.gram().numpy())
    gamma = 1 - model.alpha_ * np.diag(inverse)
    residual = target - here.value.numpy()[:, 0]
    noise = residual @ residual / (200 - gamma.sum())
    assert (model.noise_std_ / y.std()) ** 2 == pytest.approx(noise, rel=1e-4)
    assert model.n_effective_parameters_ == pytest.approx(gamma.sum(), rel=1e-4)
    assert Estimate(here, 200.0).log_evidence == pytest.approx(model.log_evidence_, rel=1e-6)
    for group in (slice(0, 3), slice(3, 6), slice(6, 9)):
        alpha = gamma[group].sum() / (model.theta_[group] ** 2).sum() * noise / 200
        assert_allclose(model.alpha_[group], alpha, rtol=1e-2)


def test_a_weight_of_two_is_two_rows():
    X, y = waves(noise=0.5)
    weight = np.random.RandomState(1).randint(0, 3, len(y))
    settings = {"hidden_layer_sizes": (3,), "max_iter": 30, "n_init": 1, "random_state": 0}
    one = NaturalMomentumRegressor(**settings).fit(X, y, sample_weight=weight)
    two = NaturalMomentumRegressor(**settings).fit(np.repeat(X, weight, 0), np.repeat(y, weight))
    assert_allclose(one.alpha_, two.alpha_, rtol=1e-6)
    assert one.noise_std_ == pytest.approx(two.noise_std_, rel=1e-6)
    assert one.log_evidence_ == pytest.approx(two.log_evidence_, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_other_weights_have_no_unit(unit):
    """As 1 / variance, which only says how rows compare."""
    X, y = waves(noise=0.5)
    settings = {"hidden_layer_sizes": (3,), "max_iter": 30, "n_init": 1, "random_state": 0}
    plain = NaturalMomentumRegressor(**settings).fit(X, y)
    again = NaturalMomentumRegressor(**settings).fit(X, y, sample_weight=np.full(len(y), unit))
    assert_allclose(again.alpha_, plain.alpha_, rtol=1e-6)


def test_units_do_not_matter():
    X, y = waves(noise=0.5)
    settings = {"hidden_layer_sizes": (3,), "max_iter": 30, "n_init": 1, "random_state": 0}
    one = NaturalMomentumRegressor(**settings).fit(X, y)
    other = NaturalMomentumRegressor(**settings).fit(1e-4 * X + 7, 1e6 * y - 3)
    mean, std = one.predict(X, return_std=True)
    found, deviation = other.predict(1e-4 * X + 7, return_std=True)
    assert_allclose(found, 1e6 * mean - 3, rtol=1e-5, atol=10)
    assert_allclose(deviation, 1e6 * std, rtol=1e-5)
    assert other.log_evidence_ == pytest.approx(one.log_evidence_, rel=1e-5)


def test_without_noise_the_decay_vanishes():
    X, y = waves(200)
    model = NaturalMomentumRegressor((8,), max_iter=200, random_state=0, n_init=1).fit(X, y)
    assert model.noise_std_ < 0.01 * y.std()
    assert np.sqrt(np.mean((model.predict(X) - y) ** 2)) < 0.01 * y.std()


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_learnt(seed):
    random = np.random.RandomState(seed)
    X = random.uniform(-1, 1, (50, 1))
    y, truth = np.cos(4 * X[:, 0]) + 0.4 * random.standard_normal(50), np.cos(4 * X[:, 0])
    model = NaturalMomentumRegressor(random_state=seed).fit(X, y)
    assert np.sqrt(np.mean((model.predict(X) - truth) ** 2)) < 0.25
    assert model.noise_std_ == pytest.approx(0.4, rel=0.35)
    # Nothing but noise has no effective parameters but the mean.
    nothing = NaturalMomentumRegressor(random_state=seed).fit(X, random.standard_normal(50))
    assert nothing.n_effective_parameters_ < 6


def test_each_output_has_its_noise():
    X, y = waves(300, n_outputs=2)
    y = y + np.random.RandomState(0).standard_normal(y.shape) * [0.05, 0.8]
    model = NaturalMomentumRegressor((12,), random_state=0, n_init=1, max_iter=100).fit(X, y)
    assert_allclose(model.noise_std_, [0.05, 0.8], rtol=0.35)
    _, std = model.predict(X, return_std=True)
    assert (std > model.noise_std_).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adam", "step_size": 0.02},
        {"optimizer": "lbfgs"},
        {"optimizer": "gd"},
        {"optimizer": "newton"},
        {"momentum": "spring"},
        {"projection": "svd"},
        {"projection": "qr"},
        {"metric": "h1"},
        {"loss": "huber"},
        {"batch_size": 60, "max_iter": 200},
        {"early_stopping": True, "n_init": 2},
        {
            "model": torch.nn.Sequential(
                torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)
            )
        },
    ],
    ids=lambda settings: "-".join(settings),
)
def test_every_kind_of_fit_estimates(settings):
    X, y = waves(120, noise=0.3)
    settings = {"n_init": 1, "max_iter": 60, "random_state": 0, **settings}
    model = NaturalMomentumRegressor((4,), **settings).fit(X[:, 1:], y)
    assert 0 < model.noise_std_ < y.std()
    assert 0 < model.n_effective_parameters_ < len(model.theta_) + 1e-9
    assert np.unique(model.alpha_).size > 1
    _, std = model.predict(X[:, 1:], return_std=True)
    assert (std >= model.noise_std_).all()


def test_a_named_alpha_means_the_same_with_huber():
    """For normal noise: nearly the parameters that squares have, and the noise itself."""
    X, y = waves(300, noise=0.3)
    settings = {"alpha": 3e-3, "n_init": 1, "random_state": 0}
    squares, huber = (
        NaturalMomentumRegressor((4,), loss=loss, **settings).fit(X, y)
        for loss in ("squared", "huber")
    )
    assert_allclose(huber.alpha_, squares.alpha_)
    few, many = squares.n_effective_parameters_, huber.n_effective_parameters_
    assert many == pytest.approx(few, rel=0.15)
    assert huber.noise_std_ == pytest.approx(squares.noise_std_, rel=0.1)


def test_a_named_alpha_means_what_it_says():
    X, y = waves(noise=0.3)
    model = NaturalMomentumRegressor((4,), alpha=0.02, random_state=0, n_init=1).fit(X, y)
    weights = np.arange(len(model.theta_))[:-1]
    decaying = FullyConnected((3, 4, 1)).decaying
    assert_allclose(model.alpha_[decaying], 0.02)
    assert np.count_nonzero(model.alpha_) == len(decaying) < len(weights)
    decay = 0.01 * (model.theta_[decaying] ** 2).sum() * y.var()
    error = model.predict(X) - y
    assert model.loss_ == pytest.approx(0.5 * np.mean(error**2) + decay, rel=1e-9)


def test_starts_are_compared_by_the_evidence():
    X, y = make_friedman1(150, noise=1.0, random_state=5)
    settings = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 60}
    three = NaturalMomentumRegressor(n_init=3, **settings).fit(X, y)
    history = three.history_
    last = [history["monitored_loss"][history["start"] == k][-1] for k in range(3)]
    assert three.n_iter_ + 1 == np.count_nonzero(history["start"] == np.argmin(last))


def test_a_fit_that_follows_the_noise_says_so():
    X, y = waves(40, noise=2.0)
    model = NaturalMomentumRegressor((4,), alpha=0, random_state=0, max_iter=30).fit(X, y)
    assert "more than a third" in model.stop_reason_
    assert "alpha='auto'" in model.stop_reason_
    by_evidence = NaturalMomentumRegressor(random_state=0).fit(X, y)
    assert "more than a third" not in by_evidence.stop_reason_
    assert "By the evidence" in by_evidence.stop_reason_


# Intervals


def test_bands_cover_new_observations():
    inside, n = 0, 0
    for seed in range(6):
        X, y = make_friedman1(700, n_features=6, noise=1.0, random_state=seed)
        model = NaturalMomentumRegressor((6,), n_init=1, random_state=seed, max_iter=80)
        mean, std = model.fit(X[:200], y[:200]).predict(X[200:], return_std=True)
        inside += np.count_nonzero(np.abs(y[200:] - mean) < 1.96 * std)
        n += len(mean)
    assert 0.92 < inside / n < 0.98


def test_the_band_widens_where_there_are_no_rows():
    random = np.random.RandomState(0)
    X = random.uniform(-1, 1, (60, 1))
    y = np.sin(3 * X[:, 0]) + 0.2 * random.standard_normal(60)
    model = NaturalMomentumRegressor(random_state=0).fit(X, y)
    _, std = model.predict([[0.0], [1.9]], return_std=True)
    assert std[0] < std[1]


def test_the_band_of_counts_has_their_dispersion():
    random = np.random.RandomState(0)
    X = random.uniform(-1, 1, (400, 1))
    rate = np.exp(2 + X[:, 0])
    model = NaturalMomentumRegressor((), loss="poisson", random_state=0).fit(
        X, random.poisson(rate)
    )
    _, std = model.predict(X, return_std=True)
    assert_allclose(std, np.sqrt(rate), rtol=0.2)


def test_operators_without_decay_have_no_penalty():
    objective, theta = network(10)
    operator = objective.at(theta).operator
    assert operator.with_penalty(None).penalty is None
    assert isinstance(operator.with_penalty(objective.penalty), TangentOperator)


def test_a_fit_that_does_not_follow_y_says_so():
    """Neighbouring rows tell more than three neurons find; beside noise nothing is said."""
    x = np.linspace(-1, 1, 300)[:, None]
    noise = 0.3 * np.random.RandomState(0).standard_normal(300)
    settings = {"n_init": 1, "random_state": 0}
    for y, is_missed in ((np.sin(60 * x[:, 0]), True), (x[:, 0] + noise, False)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = NaturalMomentumRegressor((3,), **settings).fit(x, y)
        assert ("does not follow y" in model.stop_reason_) == is_missed
        told = [str(one.message) for one in caught]
        assert any("explains less than half of y" in one for one in told) == is_missed


def test_there_is_no_evidence_without_a_prior():
    """Hidden biases are free where alpha is named: what is integrated over them has no unit."""
    X, y = waves(noise=0.1)
    for alpha, is_known in (("auto", True), (0.01, False), (0.0, False)):
        model = NaturalMomentumRegressor((3,), alpha=alpha, n_init=1, max_iter=15, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        assert np.isfinite(model.log_evidence_) == is_known


def test_what_is_noise_alone_is_said():
    rng = np.random.RandomState(0)
    X, y = rng.uniform(-1, 1, (100, 2)), rng.standard_normal(100)
    told = "That is the mean of y alone"
    assert told in NaturalMomentumRegressor((5,), random_state=0).fit(X, y).stop_reason_
    assert told not in NaturalMomentumRegressor((5,), random_state=0).fit(X, X[:, 0]).stop_reason_
    assert told not in NaturalMomentumRegressor((5,), random_state=0).fit(X, 0 * y).stop_reason_
