"""The decay of classes by the loss of left-out rows."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.datasets import load_iris, make_classification
from sklearn.metrics import log_loss
from torch.func import grad, jacrev

from skngd import NaturalMomentumClassifier
from skngd.estimators.evidence.evidence import Belief
from skngd.estimators.evidence.left_out import left_out
from skngd.estimators.task import RowsTask

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)


def classifier(**settings):
    return NaturalMomentumClassifier(**{"random_state": 0, **settings})


def wave(n, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2, 2, (n, 1))
    p = expit(2 * np.sin(6 * X[:, 0]))
    return X, rng.uniform(size=n) < p


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weight", [None, np.arange(40) % 3 + 1, np.linspace(1, 2, 40)])
def test_a_left_out_row_is_a_step_of_newton_without_it(classes, weight):
    """On the Gauss-Newton matrix of the loss by torch.func; of an integer weight one copy."""
    X, y = IRIS[0][IRIS[1] < classes][::2][:40, :2], None
    y = np.random.RandomState(0).permutation(np.arange(40) % classes)
    task = RowsTask(classifier(hidden_layer_sizes=(2,), alpha="auto"), X, y, weight)
    task.place()
    theta = torch.as_tensor(task.starts[0])
    task.evidence.begin(theta)
    belief = Belief(task, theta)
    found = left_out(task, belief.found.posterior, theta)
    points, labels = task.objective.points, task.objective.loss.target
    shares = np.full(40, 1 / 40) if weight is None else weight / weight.sum()

    def loss_of(v, i):
        if classes == 2:
            return torch.nn.functional.softplus(v[0]) - labels[i, 0] * v[0]
        return torch.logsumexp(v, 0) - (labels[i] * v).sum()

    values = task.model.value(theta, points)
    rows = jacrev(lambda t: task.model.value(t, points))(theta)
    curved = [jacrev(jacrev(lambda v, i=i: loss_of(v, i)))(values[i]) for i in range(40)]
    slopes = [grad(lambda v, i=i: loss_of(v, i))(values[i]) for i in range(40)]
    matrix = torch.diag(torch.as_tensor(belief.penalty))
    matrix = matrix + sum(s * r.T @ w @ r for s, r, w in zip(shares, rows, curved, strict=True))
    losses = []
    for i in range(40):
        out = shares[i] if weight is None or weight.dtype.kind == "f" else 1 / weight.sum()
        without = matrix - out * rows[i].T @ curved[i] @ rows[i]
        moved = values[i] + out * rows[i] @ torch.linalg.solve(without, rows[i].T @ slopes[i])
        losses.append(float(loss_of(moved, i)))
    assert found.loss == pytest.approx(np.average(losses, weights=shares), rel=1e-6)


def test_waves_are_not_taken_for_chance():
    X, y = wave(1000)
    T, z = wave(1000, seed=1)
    fitted = classifier().fit(X, y)
    plain = classifier(alpha=3e-3).fit(X, y)
    assert log_loss(z, fitted.predict_proba(T)) < 0.57 < log_loss(z, plain.predict_proba(T))
    assert fitted.candidates_["alpha"][0] == 3e-3
    assert fitted.candidates_["alpha"][1] == "evidence"
    assert "Decay by the evidence" in fitted.stop_reason_


def test_labels_that_are_noise_have_the_share_of_each_class():
    """And what little a strong decay leaves of a signal is not lost beside much noise."""
    rng = np.random.RandomState(0)
    X, T = rng.standard_normal((2, 300, 8))
    fitted = classifier().fit(X, rng.randint(2, size=300))
    assert np.abs(fitted.predict_proba(T) - 0.5).max() < 0.2
    assert "X tells next to nothing of y" in fitted.stop_reason_
    y, z = (rng.uniform(size=300) < expit(0.8 * R[:, 0] - 0.8 * R[:, 1]) for R in (X, T))
    fitted = classifier().fit(X, y)
    assert log_loss(z, fitted.predict_proba(T)) < 0.64
    assert "X tells" not in fitted.stop_reason_


def test_few_rows_are_not_learnt_by_heart():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((1060, 5))
    y = rng.uniform(size=1060) < expit(X @ [1, -1, 0.5, 0, 1])
    fitted, plain = (classifier(alpha=alpha).fit(X[:60], y[:60]) for alpha in ("auto", 3e-3))
    losses = [log_loss(y[60:], one.predict_proba(X[60:])) for one in (fitted, plain)]
    assert losses[0] < min(0.69, losses[1])


def test_classes_that_are_told_apart_are_fitted_once(capsys):
    fitted = classifier(verbose=1).fit(*IRIS)
    assert list(fitted.candidates_["alpha"]) == [3e-3]
    assert "no other was tried" in fitted.stop_reason_
    assert "alpha=0.003: loss of left-out rows" in capsys.readouterr().out
    plain = classifier(alpha=3e-3).fit(*IRIS)
    np.testing.assert_array_equal(fitted.theta_, plain.theta_)
    assert not hasattr(plain, "candidates_")


def test_held_out_rows_decide_where_there_are_some():
    X, y = make_classification(300, 5, flip_y=0.2, random_state=0)
    fitted = classifier(hidden_layer_sizes=(4,)).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    loss = log_loss(y[200:], fitted.predict_proba(X[200:]))
    assert loss == pytest.approx(np.min(fitted.candidates_["left_out_loss"]), rel=1e-6)


def test_a_fit_goes_on_with_the_decay_that_was_chosen():
    fitted = classifier(hidden_layer_sizes=(3,), warm_start=True).fit(*IRIS)
    decay = fitted.alpha_
    np.testing.assert_array_equal(fitted.fit(*IRIS).alpha_, decay)
    first = classifier(hidden_layer_sizes=(3,)).partial_fit(*IRIS).partial_fit(*IRIS)
    np.testing.assert_array_equal(first.alpha_, decay)


def test_biases_of_neurons_that_are_not_there_do_not_follow_noise():
    X, y = wave(40)
    fitted = classifier(alpha=3e-3).fit(X, y)
    assert fitted.n_effective_parameters_ > 33
    assert "may follow the noise" not in fitted.stop_reason_
    X, y = IRIS
    noise = np.random.RandomState(0).permutation(y[:60] % 2 + np.arange(60) % 2)
    assert "may follow the noise" in classifier(alpha=1e-6).fit(X[:60], noise).stop_reason_
