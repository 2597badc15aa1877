"""Batches by default, equation (Batch): what is remembered, what is kept, how a fit goes on."""

import warnings

import numpy as np
import pytest
import torch
from cases import assert_close
from sklearn.base import clone
from sklearn.datasets import load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor
from skngd.estimators.rows import many_rows
from skngd.losses import LogisticLoss, SquaredLoss
from skngd.models import FullyConnected, LinearModel
from skngd.optim import Objective, Past, build_method, minimize
from skngd.optim.averaging import Average
from skngd.optim.running import DAMPING, LARGEST_STEP, NEW_PART, STEP
from skngd.optim.source import Batches

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_friedman1(600, n_features=5, random_state=0)


def regressor(**options):
    options = {"hidden_layer_sizes": (4,), "n_init": 1, "batch_size": 20, "tol": 0, **options}
    options = {"alpha": 0, **options}
    return NaturalMomentumRegressor(random_state=0, n_iter_no_change=10**6, **options)


def small_batches(metric="l2", n=12, n_batches=4):
    """Objectives on different rows, with fewer rows than parameters."""
    random = torch.Generator().manual_seed(0)
    network = FullyConnected((2, 4, 1))
    batches = []
    for _ in range(n_batches):
        x = torch.randn(n, 2, generator=random, dtype=torch.float64)
        y = (x.sum(1, keepdim=True) > 0).to(torch.float64)
        loss = LogisticLoss(y) if metric == "loss" else SquaredLoss(y)
        batches.append(Objective(network, loss, x, metric))
    theta = torch.as_tensor(network.initial(np.random.RandomState(0)))
    return theta, batches


def dense(objective, theta):
    """A and b of equation (A), by rows."""
    here = objective.at(theta)
    rows = torch.cat([rows for _, rows in here.operator.rows()])
    return rows, here.residual


@pytest.mark.parametrize("metric", ["l2", "loss"])
def test_steps_are_those_of_the_equation(metric):
    theta, batches = small_batches(metric)
    method, mu = build_method(momentum="spring", beta=0.8, step_size="batches"), 0.8
    share = np.sqrt(len(batches[0].points) / len(theta))
    rho, alpha, damping = NEW_PART * share, min(STEP * share, LARGEST_STEP), DAMPING / share
    past, gram, p = None, None, torch.zeros_like(theta)
    expected = theta
    for k, objective in enumerate(batches):
        step, _ = method.advance(objective.at(theta), past)
        a, b = dense(objective, expected)
        part = max(rho, 1 / (k + 1))
        gram = a.T @ a if gram is None else (1 - part) * gram + part * a.T @ a
        inverse = torch.linalg.inv(gram + damping * torch.eye(len(theta), dtype=theta.dtype))
        p = -inverse @ a.T @ b + mu * damping * inverse @ p
        expected = expected + alpha * p
        past = Past(objective.at(theta), step.end.theta - theta, step.direction)
        theta = step.end.theta
        assert_close(theta, expected, 1e-8)
    assert step.step_size == alpha
    assert step.damping == damping


def test_one_batch_again_and_again_is_the_plain_metric():
    theta, (objective, *_) = small_batches()
    method = build_method(momentum=None, step_size="batches", damping=0.1)
    plain = build_method(momentum=None, step_size=STEP * objective.at(theta).share, damping=0.1)
    for _ in range(5):
        here = objective.at(theta)
        # A batch that is seen twice in one iteration counts once.
        first, second = method.advance(here, None)[0], method.advance(here, None)[0]
        assert_close(first.end.theta, second.end.theta, 0)
    assert_close(first.end.theta, plain.advance(here, None)[0].end.theta, 1e-9)


def test_the_metric_of_batches_that_share_nothing_remembers_them():
    # Each batch sees one direction; a projection on it alone forgets the other one.
    line = LinearModel(lambda x: x, 2)
    objectives = [
        Objective(line, SquaredLoss(torch.ones(1, 1, dtype=torch.float64)), row[None])
        for row in torch.eye(2, dtype=torch.float64)
    ]
    method = build_method(momentum=None, step_size="batches")
    theta = torch.zeros(2, dtype=torch.float64)
    for k in range(60):
        step, info = method.advance(objectives[k % 2].at(theta), None)
        theta = step.end.theta
    assert (method.direction.matrix.diagonal() > 0.2).all()
    assert 0 < info.kept <= 4


@pytest.mark.parametrize(
    "memory",
    [
        {"momentum": None},
        {"momentum": "heavy-ball"},
        {"momentum": "heavy-ball", "memory": "difference"},
        {"momentum": "heavy-ball", "momentum_space": "parameter"},
        {"momentum": "nesterov", "memory": "difference"},
        {"momentum": "spring", "projection": "qr"},
        {"momentum": "spring", "damping": 1e-2},
        {"projection": "kernel"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_every_momentum_runs_in_batches(memory, kind):
    if kind == "numbers":
        model = regressor(max_iter=200, beta=0.3, **memory)
        assert model.fit(X, Y).score(X, Y) > 0.8
    else:
        settings = {"batch_size": 20, "max_iter": 200, "tol": 0, "n_init": 1, "random_state": 0}
        model = NaturalMomentumClassifier((4,), beta=0.3, **settings, **memory)
        assert model.fit(X, Y > 14).score(X, Y > 14) > 0.8


def test_a_step_that_overshoots_is_shortened():
    x = torch.linspace(0, 1, 4, dtype=torch.float64)[:, None]
    steep = LinearModel(lambda x: torch.cat([x, 1 - x], dim=1), 2)
    objective = Objective(steep, SquaredLoss(torch.ones_like(x)), x)
    method = build_method(momentum=None, step_size="batches")
    here = objective.at(torch.zeros(2, dtype=torch.float64))
    method.advance(here, None)
    method.direction.matrix.mul_(1e-6)  # as if earlier rows had been far flatter
    step, _ = method.advance(here, None)
    assert step.step_size < STEP * here.share
    assert step.n_trials > 1
    assert step.end.loss <= 2 * here.loss


def test_the_mean_of_iterates():
    random = np.random.RandomState(0)
    thetas = torch.as_tensor(random.randn(50, 3))
    average, half = Average(), Average()
    for k, theta in enumerate(thetas):
        average.include(theta)
        if k < 25:
            half.include(theta)
    weights = np.ones(1)
    for k in range(2, 51):
        part = 9 / (k + 8)
        weights = np.append((1 - part) * weights, part)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[-10:].sum() > 0.8
    assert_close(average.mean, torch.as_tensor(weights) @ thetas, 1e-12)
    # It goes on where it was.
    other = Average()
    other.restore(half.state())
    for theta in thetas[25:]:
        other.include(theta)
    assert_close(other.mean, average.mean, 0)


def test_the_mean_is_judged_and_kept():
    network = FullyConnected((5, 4, 1))
    z = torch.as_tensor((X - X.mean(0)) / X.std(0))
    y = torch.as_tensor((Y - Y.mean()) / Y.std())[:, None]
    objective, average = Objective(network, SquaredLoss(y), z), Average()
    random_state = np.random.RandomState(0)
    theta = torch.as_tensor(network.initial(random_state))
    source = Batches(objective, 20, random_state)

    def monitor(iterate):
        return objective.at(iterate.theta).loss

    result = minimize(
        build_method(step_size="batches"),
        objective,
        theta,
        source=source,
        monitor=monitor,
        max_iter=60,
        average=average,
    )
    assert_close(result.theta, average.mean, 0)
    assert result.loss == objective.at(average.mean).loss


@pytest.mark.parametrize("batch_size", [None, 20, 37])
@pytest.mark.parametrize("kind", [regressor, NaturalMomentumClassifier], ids=["R", "C"])
def test_many_fits_of_one_iteration_are_one_fit(batch_size, kind):
    y = Y if kind is regressor else Y > 14
    settings = {"batch_size": batch_size, "max_iter": 24, "tol": 0, "n_init": 1}
    if kind is NaturalMomentumClassifier:
        settings["alpha"] = 3e-3  # one iteration cannot choose it
    whole = kind(**settings).set_params(random_state=0, hidden_layer_sizes=(4,)).fit(X, y)
    parts = clone(whole).set_params(max_iter=1, warm_start=True)
    for _ in range(24):
        parts.fit(X, y)
    assert parts.loss_ == pytest.approx(whole.loss_, rel=1e-6)
    two = clone(whole).set_params(max_iter=12, warm_start=True).fit(X, y).fit(X, y)
    assert two.loss_ == pytest.approx(whole.loss_, rel=1e-6)


def test_fresh_rows_of_a_stream_are_batches_and_the_same_ones_are_not():
    stream = regressor(batch_size=None)
    for k in range(6):
        stream.partial_fit(X[20 * k : 20 * k + 20], Y[20 * k : 20 * k + 20])
    assert stream._memory["method"]["count"] == 5
    steps = stream.history_["step_size"][1:]
    assert steps[0] == 1.0
    assert (steps[1:] < 1.0).all()
    still = regressor(batch_size=None)
    for _ in range(6):
        still.partial_fit(X, Y)
    assert (still.history_["step_size"][1:] == 1.0).all()


def test_a_stream_learns_from_batches_smaller_than_the_network():
    stream = regressor(batch_size=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        for k in range(400):
            rows = np.arange(10 * k, 10 * k + 10) % len(X)
            stream.partial_fit(X[rows], Y[rows])
    assert stream.score(X, Y) > 0.95


@pytest.mark.parametrize("size", [10, 30, 150])
def test_batches_come_near_to_all_rows(size):
    whole = regressor(batch_size=None, max_iter=200).fit(X, Y)
    batches = regressor(batch_size=size, max_iter=600).fit(X, Y)
    assert batches.score(X, Y) > whole.score(X, Y) - 0.02
    assert "mean of the last iterates" in batches.stop_reason_
    if size < len(batches.theta_):
        judged = regressor(batch_size=size, max_iter=600, step_size="trust-region").fit(X, Y)
        assert batches.score(X, Y) > judged.score(X, Y)


def test_wide_networks_and_classes_learn_from_batches():
    X, y = load_digits(return_X_y=True)
    model = NaturalMomentumClassifier(batch_size=100, max_iter=40, random_state=0)
    assert model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.85


@pytest.fixture
def few_are_many(monkeypatch):
    monkeypatch.setattr(many_rows, "MANY_MULTIPLICATIONS", 600 * 29**2)
    monkeypatch.setattr(many_rows, "MANY_ROWS", 20)
    monkeypatch.setattr(many_rows, "LEAST_ROWS", 60)
    monkeypatch.setattr(many_rows, "JUDGES", 100)


def test_very_many_rows_are_taken_in_batches(few_are_many):
    assert many_rows.rows_of_batch(regressor(), 600, FullyConnected((5, 4, 1)), 1e9) == 20
    fitted = regressor(batch_size="auto", max_iter=300).fit(X, Y)
    assert "Each iteration saw 232 of the 600 rows" in fitted.stop_reason_
    assert fitted.score(X, Y) > 0.97
    # The loss is that of all rows; a hundred judge which parameters are kept.
    assert fitted.loss_ == pytest.approx(np.mean((fitted.predict(X) - Y) ** 2) / 2)
    assert fitted.loss_ != fitted.history_["monitored_loss"].min()
    parts = clone(fitted).set_params(warm_start=True, max_iter=150).fit(X, Y).fit(X, Y)
    assert parts.score(X, Y) == pytest.approx(fitted.score(X, Y), abs=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": None},
        {"optimizer": "newton", "max_iter": 3},
        {"step_size": "trust-region"},
        {"metric": "h1"},
        {"sampler": "christoffel"},
        {"hidden_layer_sizes": (9,)},
    ],
    ids=str,
)
def test_what_is_named_is_run_as_it_is_named(settings, few_are_many):
    fitted = regressor(**{"batch_size": "auto", "max_iter": 5, **settings}).fit(X, Y)
    assert "Each iteration saw" not in fitted.stop_reason_


def test_few_rows_are_taken_all_at_once():
    fitted = NaturalMomentumRegressor((4,), max_iter=5, n_init=1, random_state=0).fit(X, Y)
    whole = NaturalMomentumRegressor((4,), max_iter=5, n_init=1, random_state=0, batch_size=None)
    assert np.array_equal(fitted.theta_, whole.fit(X, Y).theta_)


def test_losses_at_rest():
    assert many_rows.came_far([1.0, 0.5, 0.4, 0.399, 0.398, 0.397])
    assert not many_rows.came_far([1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert not many_rows.came_far([1.0, 1.0])


@pytest.mark.parametrize("batch_size", [None, 20])
@pytest.mark.parametrize("loss", ["squared", "huber", "poisson"])
def test_an_output_that_does_not_vary_is_met_to_its_last_digit(batch_size, loss):
    several = np.column_stack([Y, np.full(len(Y), 1e-7 / 3), X[:, 0]])
    model = regressor(batch_size=batch_size, loss=loss, max_iter=150).fit(X, several)
    assert np.ptp(model.predict(X)[:, 1]) <= 1e-14 * 1e-7
    assert model.predict(X)[0, 1] == pytest.approx(1e-7 / 3, rel=1e-15)
    assert model.score(X, several) > 0.8


def test_an_output_that_varies_later_is_learnt_later():
    several = np.column_stack([Y, np.full(len(Y), 3.0)])
    model = regressor(max_iter=100).fit(X, several)
    several[:, 1] += X[:, 0]
    assert model.set_params(warm_start=True, max_iter=300).fit(X, several).score(X, several) > 0.8
