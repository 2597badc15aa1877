"""NaturalMomentumClassifier: its minimum, its answers, its errors."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skngd import NaturalMomentumClassifier

IRIS = load_iris(return_X_y=True)
# Two classes that overlap.
CANCER = load_breast_cancer(return_X_y=True)
CANCER = CANCER[0][::3, :4], CANCER[1][::3]


def classifier(hidden_layer_sizes=(3,), **options):
    return NaturalMomentumClassifier(hidden_layer_sizes, random_state=0, **options)


def linear(n_features, n_classes):
    n_outputs = 1 if n_classes == 2 else n_classes
    module = torch.nn.Linear(n_features, n_outputs, dtype=torch.float64)
    with torch.no_grad():
        module.weight.zero_()
        module.bias.zero_()
    return module


@pytest.mark.parametrize("data", [IRIS, CANCER], ids=["3 classes", "2 classes"])
@pytest.mark.parametrize(
    "options",
    [{}, {"metric": "l2", "alpha": 0.1}, {"optimizer": "newton"}, {"momentum": "nesterov"}],
    ids=str,
)
def test_without_hidden_layer_it_is_logistic_regression(data, options):
    X, y = data
    options = {"alpha": 1e-3, **options}
    alpha = options["alpha"]
    model = linear(X.shape[1], len(np.unique(y)))
    fitted = classifier(model=model, tol=1e-14, max_iter=500, **options).fit(X, y)
    peer = make_pipeline(
        StandardScaler(), LogisticRegression(C=1 / (alpha * len(X)), tol=1e-10, max_iter=5000)
    ).fit(X, y)
    assert_allclose(fitted.predict_proba(X), peer.predict_proba(X), atol=1e-4)
    assert_allclose(fitted.predict_log_proba(X), peer.predict_log_proba(X), atol=1e-2)


@pytest.mark.parametrize("data", [IRIS, CANCER], ids=["3 classes", "2 classes"])
def test_the_loss_is_the_log_loss_and_the_decay(data):
    X, y = data
    fitted = classifier(alpha=0.01).fit(X, y)
    weights = [coef.copy() for coef in fitted.coefs_]
    weights[0] = weights[0] * fitted.X_scale_[:, None]
    decay = 0.5 * 0.01 * sum(np.sum(w**2) for w in weights)
    assert fitted.loss_ == pytest.approx(log_loss(y, fitted.predict_proba(X)) + decay, rel=1e-9)


def test_probabilities_come_from_the_weights():
    X, y = IRIS
    fitted = classifier().fit(X, y)
    hidden = np.tanh(X @ fitted.coefs_[0] + fitted.intercepts_[0])
    scores = hidden @ fitted.coefs_[1] + fitted.intercepts_[1]
    assert_allclose(fitted.decision_function(X), scores, rtol=1e-9)
    p = fitted.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    assert_allclose(np.log(p), fitted.predict_log_proba(X), rtol=1e-9)
    assert_array_equal(fitted.predict(X), p.argmax(axis=1))


def test_two_classes_have_one_score():
    X, y = CANCER
    fitted = classifier().fit(X, y)
    score = fitted.decision_function(X)
    assert score.shape == (len(X),)
    assert_allclose(fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-score)))
    assert_array_equal(fitted.predict(X), (score > 0).astype(int))


def test_labels_may_be_words():
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"])
    fitted = classifier().fit(X, names[y])
    assert_array_equal(fitted.classes_, names)
    assert_array_equal(fitted.predict(X), names[classifier().fit(X, y).predict(X)])


@pytest.mark.parametrize("hidden", [(), (3,)], ids=["linear", "3 neurons"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_separable_classes_do_not_diverge(hidden, n_classes):
    X, y = make_blobs(60, centers=n_classes, cluster_std=0.3, random_state=0)
    model = None if hidden else linear(2, n_classes)
    fitted = classifier(hidden or (3,), model=model, alpha=0.0).fit(X, y)
    assert fitted.stop_reason_.startswith("Converged")
    assert np.isfinite(fitted.theta_).all()
    assert fitted.score(X, y) == 1.0
    assert np.isfinite(fitted.predict_log_proba(1e3 * X)).all()


def test_class_weights_are_sample_weights():
    X, y = CANCER
    weighted = classifier(class_weight={0: 3.0, 1: 1.0}).fit(X, y)
    same = classifier().fit(X, y, sample_weight=np.where(y == 0, 3.0, 1.0))
    assert_allclose(weighted.predict_proba(X), same.predict_proba(X), atol=1e-9)
    balanced = classifier(class_weight="balanced").fit(X, y)
    counts = np.bincount(y)
    same = classifier().fit(X, y, sample_weight=len(y) / (2 * counts[y]))
    assert_allclose(balanced.predict_proba(X), same.predict_proba(X), atol=1e-9)


def test_partial_fit_continues():
    X, y = IRIS
    model = classifier()
    for _ in range(30):
        model.partial_fit(X, y)
    assert model.n_iter_ == 30
    assert model.score(X, y) > 0.95


def test_partial_fit_with_classes_that_come_later():
    X, y = IRIS
    first = y < 2
    model = classifier().partial_fit(X[first], y[first], classes=[0, 1, 2])
    assert_array_equal(model.classes_, [0, 1, 2])
    for _ in range(20):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9
    with pytest.raises(ValueError, match="as at the first call"):
        model.partial_fit(X, y, classes=[0, 1])


def test_classes_of_a_refused_call_are_forgotten():
    X, y = CANCER
    model = classifier()
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full_like(X, np.nan), y, classes=[0, 1, 2])
    assert_array_equal(model.fit(X, y).classes_, [0, 1])


def test_partial_fit_refuses_labels_that_were_not_announced():
    X, y = IRIS
    model = classifier().partial_fit(X[y < 2], y[y < 2])
    with pytest.raises(ValueError, match="labels out of classes_"):
        model.partial_fit(X, y)


def test_validation_rows_decide():
    X, y = IRIS
    rows = np.random.RandomState(0).permutation(len(X))
    train, test = rows[:100], rows[100:]
    fitted = classifier((20,), alpha=0.0).fit(X[train], y[train], X_val=X[test], y_val=y[test])
    best = fitted.history_["monitored_loss"].min()
    assert log_loss(y[test], fitted.predict_proba(X[test])) == pytest.approx(best, rel=1e-6)


def test_early_stopping_keeps_the_classes_in_proportion():
    X, y = IRIS
    fitted = classifier(early_stopping=True, validation_fraction=0.2).fit(X, y)
    assert fitted.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(150), "at least two classes"),
        (np.linspace(0, 1, 150), "continuous"),
        (np.eye(3)[IRIS[1]] * 2 + IRIS[1][:, None], "1d array"),
    ],
    ids=["one class", "numbers", "several labels"],
)
def test_targets_that_are_no_classes(y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(IRIS[0], y)


def test_labels_of_validation_rows_are_known():
    X, y = IRIS
    with pytest.raises(ValueError, match="labels out of classes_"):
        classifier().fit(X[y < 2], y[y < 2], X_val=X, y_val=y)


@pytest.mark.filterwarnings("ignore:Not converged")
def test_batches_of_rows():
    X, y = IRIS
    fitted = classifier(batch_size=30, max_iter=40).fit(X, y)
    assert fitted.score(X, y) > 0.95


def test_in_a_pipeline_and_a_grid():
    X, y = IRIS
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), classifier(max_iter=300)),
        {"naturalmomentumclassifier__alpha": [1e-4, 1e-2]},
        scoring="neg_log_loss",
        cv=3,
    ).fit(X, y)
    assert grid.best_score_ > -0.2
    p = cross_val_predict(clone(grid.best_estimator_), X, y, cv=3, method="predict_proba")
    assert (p.argmax(axis=1) == y).mean() > 0.93


@pytest.mark.filterwarnings("ignore:Not converged")
def test_a_convex_problem_has_one_start():
    X, y = load_iris(return_X_y=True)
    starts = [
        NaturalMomentumClassifier(sizes, max_iter=3, random_state=0).fit(X, y).history_["start"]
        for sizes in ((), (3,))
    ]
    assert [start.max() + 1 for start in starts] == [1, 3]


def test_partial_fit_says_how_to_name_the_classes():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=r"one class: 0\..*partial_fit takes .* as classes="):
        NaturalMomentumClassifier().partial_fit(X[:50], y[:50])
    model = NaturalMomentumClassifier().partial_fit(X[:100], y[:100])
    with pytest.raises(ValueError, match=r"out of classes_=\[0, 1\], got \[2\].* as classes="):
        model.partial_fit(X[100:], y[100:])
