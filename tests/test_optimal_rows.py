"""Batches of rows that are optimal for the tangent space."""

import pickle

import numpy as np
import pytest
import torch
from cases import WEIGHTS, assert_close, every_pointwise_loss, network_problem
from numpy.testing import assert_array_equal
from sklearn.base import clone
from solvers import refused
from variants import half_mse, regressor, waves

from skngd import NaturalMomentumClassifier, PINNEstimator
from skngd.losses import OnValues, SquaredLoss
from skngd.optim import Objective
from skngd.optim.source import PLAIN_PART, OptimalBatches

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:sampler='christoffel'"),
]

OPTIMAL = {"sampler": "christoffel", "batch_size": 30}


def batches(objective, size):
    drawn = OptimalBatches(objective, size, np.random.RandomState(0), 1e-8)
    drawn.begin(None)
    return drawn


def weighted(n_outputs=2, n_points=40):
    """An objective with unequal weights, and where it starts."""
    plain, theta = network_problem(n_outputs=n_outputs, n_points=n_points)
    weights = torch.linspace(0.1, 2, n_points, dtype=torch.float64)
    loss = SquaredLoss(plain.loss.target, weights)
    return Objective(plain.model, loss, plain.points), theta


# Weights


@every_pointwise_loss
def test_the_scale_of_weights_is_kept(case):
    loss, v = case.make(weights=WEIGHTS["unequal"]), case.values
    index, factors = torch.tensor([5, 0, 5]), torch.tensor([2.0, 0.5, 1.0]).double()
    part = loss.at(index, factors)
    assert_close(part.weights[:, 0], factors * loss.weights[index, 0], 1e-14)
    assert_close(part.root_weights, part.weights.sqrt(), 1e-14)
    assert_close(part.gradient(v[index]), loss.gradient(v)[index], 1e-14)
    alone = [loss.at(torch.tensor([i])).value(v[i : i + 1]) for i in index]
    expected = sum(w * value for w, value in zip(part.weights[:, 0], alone, strict=True))
    assert_close(part.value(v[index]), expected, 1e-12)
    everything = loss.at(torch.arange(7), torch.ones(7).double())
    assert_close(everything.value(v), loss.value(v), 1e-12)


def test_the_scale_is_kept_beside_derivatives():
    loss = SquaredLoss(torch.zeros(4, 1).double())
    part = OnValues(loss, 3).at(torch.tensor([1, 1]), torch.tensor([3.0, 1.0]).double())
    assert_close(part.weights[:, 0], torch.tensor([0.75, 0.25]).double(), 1e-14)


@pytest.mark.parametrize("is_old", [False, True])
def test_loss_gradient_and_gram_matrix_of_a_batch_are_unbiased(is_old):
    objective, theta = weighted()
    # Fewer rows than parameters: each batch is the first draw.
    drawn, start = batches(objective, 6), objective.at(theta)
    where = theta + 0.5 if is_old else theta
    losses, gradients, grams, masses = [], [], [], []
    drawn.draw(start)
    for _ in range(4000):
        drawn.left = 2  # the epoch goes on
        here = drawn.draw(start).at(where)
        a = torch.cat([rows for _, rows in here.operator.rows()])
        losses.append(here.loss)
        gradients.append(here.gradient.numpy())
        grams.append((a.T @ a).numpy().ravel())
        masses.append(float(here.objective.loss.weights.sum()))
    here = objective.at(where)
    a = torch.cat([rows for _, rows in here.operator.rows()])
    gram = (a.T @ a).numpy().ravel()
    expected = [(losses, here.loss), (gradients, here.gradient.numpy()), (grams, gram)]
    for found, exact in [*expected, (masses, 1.0)]:
        spread = np.std(found, axis=0) / np.sqrt(len(found))
        assert np.all(np.abs(np.mean(found, axis=0) - exact) < 5 * spread + 1e-12)


# Draws


def test_probabilities_are_leverage_scores_and_a_part_of_the_weights():
    objective, theta = weighted()
    sample = batches(objective, 5).draw(objective.at(theta)).sample
    a = torch.cat([rows for _, rows in objective.at(theta).operator.rows()])
    hat = a @ torch.linalg.pinv(a, rtol=1e-8)
    d, weights = round(float(hat.trace())), objective.loss.weights[:, 0]
    scores = hat.diagonal().view(40, 2).sum(1)
    probability = (1 - PLAIN_PART) * scores / d + PLAIN_PART * weights
    assert sample.dimension == d
    np.testing.assert_allclose(sample.factors, 1 / (5 * probability[sample.index]), rtol=1e-6)


def test_scores_are_those_of_the_begin_of_an_epoch():
    objective, theta = weighted(n_points=100)
    drawn, bases = batches(objective, 30), []
    for number in range(7):
        drawn.draw(objective.at(theta + 0.1 * number))
        bases.append(drawn.basis)
    # Three batches of 30 rows are an epoch of 100.
    assert [basis is bases[0] for basis in bases] == [True] * 3 + [False] * 4
    assert bases[3] is bases[5]
    assert bases[3] is not bases[6]
    assert not torch.allclose(bases[0], bases[3])


def test_unstable_batches_are_a_warning():
    settings = {"sampler": "christoffel", "batch_size": 5, "max_iter": 3}
    with pytest.warns(UserWarning, match="3 of 3 draws did not reach .* Increase batch_size,") as w:
        regressor(**settings).fit(*waves(5000))
    assert any(warning.filename == __file__ for warning in w)
    with pytest.warns(UserWarning, match="not less than all 100 rows.* Take them all"):
        regressor(**settings).fit(*waves(100))


# Fits


def rare(seed):
    """A wave that is known from ten of a thousand rows, and a thick cluster of the others."""
    random = np.random.RandomState(seed)
    x = np.append(0.05 * random.standard_normal(990), random.uniform(-1, 1, 10))
    return x.reshape(-1, 1), np.sin(4 * x) + 0.01 * random.standard_normal(1000)


def test_rows_of_high_leverage_are_fitted_sooner():
    def loss(sampler, seed):
        X, y = rare(seed)
        settings = {"sampler": sampler, "batch_size": 50, "max_iter": 60, "tol": 0.0}
        fitted = regressor(random_state=seed, n_iter_no_change=99, **settings).fit(X, y)
        assert fitted.n_iter_ == 60
        return fitted.loss_

    uniform, optimal = ([loss(s, seed) for seed in range(5)] for s in ("uniform", "christoffel"))
    assert np.median(optimal) < 0.3 * np.median(uniform)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": "huber"},
        {"loss": "poisson"},
        {"metric": "h1"},
        {"optimizer": "adam", "step_size": 0.01},
        {"optimizer": "gd"},
        {"alpha": 1e-3, "momentum": "nesterov"},
        {"step_size": "christoffel", "momentum": None},
        {"step_size": "christoffel"},
        {"dtype": "float32"},
        {"n_init": 2},
    ],
    ids=str,
)
def test_every_kind_of_fit_draws_optimal_rows(settings):
    X, y = waves(100)
    y = np.exp(0.3 * y) if settings.get("loss") == "poisson" else y
    weights = np.arange(100.0)
    fitted = regressor(**OPTIMAL, **settings).fit(X, y, sample_weight=weights)
    assert np.all(np.isfinite(fitted.history_["loss"]))
    assert fitted.loss_ < fitted.history_["monitored_loss"][0]
    starts = fitted.history_["n_draws"] == 0
    assert starts.sum() == settings.get("n_init", 1)
    assert_array_equal(np.isnan(fitted.history_["gram_deviation"]), starts)
    if not settings:
        assert fitted.loss_ == pytest.approx(half_mse(fitted, X, y, weights))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("metric", ["loss", "l2"])
def test_classes(n_classes, metric):
    X, _ = waves(200)
    labels = np.floor((X[:, 0] + 2) / 4 * n_classes).astype(int)
    settings = {"max_iter": 40, "n_init": 1, "random_state": 0, "metric": metric}
    fitted = NaturalMomentumClassifier((4,), **settings, **{**OPTIMAL, "batch_size": 100})
    assert fitted.fit(X, labels).score(X, labels) > 0.95


def test_without_batches_there_is_nothing_to_draw():
    X, y = waves()
    plain, optimal = regressor().fit(X, y), regressor(sampler="christoffel").fit(X, y)
    assert_array_equal(plain.theta_, optimal.theta_)
    assert "gram_deviation" not in optimal.history_


def test_random_state_reproduces_and_state_is_kept():
    X, y = waves(100)
    first = regressor(**OPTIMAL).fit(X, y)
    again = pickle.loads(pickle.dumps(clone(first))).fit(X, y)
    assert_array_equal(first.theta_, again.theta_)
    assert_array_equal(pickle.loads(pickle.dumps(first)).predict(X), first.predict(X))
    other = clone(first).set_params(random_state=1).fit(X, y)
    assert not np.allclose(first.theta_, other.theta_)
    assert first.get_params()["sampler"] == "christoffel"
    # partial_fit takes the rows as they are.
    assert first.partial_fit(X, y).n_iter_ == again.n_iter_ + 1
    assert len(first.history_["loss"]) == first.n_iter_ + 1


def test_a_solver_without_a_problem_draws_rows():
    X, y = waves(100)
    settings = {"hidden_layer_sizes": (5,), "max_iter": 5, "n_init": 1, "random_state": 0}
    for sampler in ("sobol", "gauss", "uniform", "christoffel"):
        solver = PINNEstimator(sampler=sampler, batch_size=30, **settings)
        solver.set_params(variable_projection=False).fit(X, y)
        same = "christoffel" if sampler == "christoffel" else "uniform"
        plain = regressor(sampler=same, batch_size=30, max_iter=5).fit(X, y)
        assert_array_equal(solver.theta_, plain.theta_)


# The step length


def test_the_step_of_optimal_rows_does_not_follow_the_noise():
    def excess(step_size, seed):
        """The loss at the end of noisy batches, beyond that of all rows, and the step lengths."""
        random = np.random.RandomState(seed)
        X = random.uniform(-1, 1, (400, 1))
        y = np.sin(3 * X[:, 0]) + 0.1 * random.standard_normal(400)
        settings = {"momentum": None, "rcond": 1e-2, "tol": 0.0, "n_iter_no_change": 99}
        settings = {**settings, "sampler": "christoffel", "batch_size": 50, "max_iter": 40}
        fitted = regressor(step_size="backtracking", random_state=seed, **settings).fit(X, y)
        fitted.set_params(warm_start=True, max_iter=120, step_size=step_size).fit(X, y)
        end = np.median(fitted.history_["monitored_loss"][-24:])
        best = regressor(max_iter=200, random_state=seed).fit(X, y).loss_
        return end - best, fitted.history_["step_size"][1:]

    found = [excess("christoffel", seed) for seed in range(5)]
    for other in (1.0, "backtracking"):
        ends = [excess(other, seed)[0] for seed in range(5)]
        assert np.median([end for end, _ in found]) < 0.5 * np.median(ends)
    for _, steps in found:
        assert ((steps > 0) & (steps <= 1)).all()
        # Near the minimum the gradient is noise.
        assert np.median(steps) < 0.1


@pytest.mark.parametrize("settings", [{"sampler": "christoffel"}, {"batch_size": 30}], ids=str)
def test_the_step_of_optimal_rows_needs_them(settings):
    X, y = waves()
    estimator = regressor(step_size="christoffel", **settings)
    refused(lambda: estimator.fit(X, y), "Expected optimal points", "Call fit with sampler=")


def test_partial_fit_draws_no_rows():
    X, y = waves(100)
    estimator = regressor(step_size="christoffel", **OPTIMAL)
    refused(lambda: estimator.partial_fit(X, y), "Expected optimal points", "Call fit with")
