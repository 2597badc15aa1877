"""What a fit tells beside predictions: importances, scores of held-out rows, lines, warnings."""

import re
import warnings
from inspect import getdoc

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPRegressor

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.estimators import forward
from skngd.estimators.rows.hold_out import stratified
from skngd.models.activations import ACTIVATIONS
from skngd.problems.zoo import AdvectionDiffusion

KINDS = [NaturalMomentumRegressor, NaturalMomentumClassifier, PINNEstimator]
X, Y = make_friedman1(200, noise=0.3, random_state=0)
LABELS = np.digitize(Y, [10.0, 18.0])

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def regressor(hidden=(4,), **options):
    options = {"n_init": 1, "max_iter": 30, "random_state": 0, **options}
    return NaturalMomentumRegressor(hidden, **options)


def classifier(hidden=(4,), **options):
    options = {"n_init": 1, "max_iter": 30, "random_state": 0, **options}
    return NaturalMomentumClassifier(hidden, **options)


# Importances


def slopes(f, X, scale, step=1e-6):
    """Derivatives of f in the standardised inputs, by differences: shape (n, c, d)."""
    columns = []
    for j, unit in enumerate(scale):
        ahead, behind = X.copy(), X.copy()
        ahead[:, j] += step * unit
        behind[:, j] -= step * unit
        columns.append((f(ahead) - f(behind)).reshape(len(X), -1) / (2 * step))
    return np.stack(columns, axis=-1)


def shares(slopes, weight):
    sizes = np.sqrt(np.einsum("n,ncd->d", weight, slopes**2))
    return sizes / sizes.sum()


@quiet
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_importances_are_root_mean_square_slopes(activation):
    weight = np.random.RandomState(0).uniform(0.5, 2, len(X))
    Y2 = np.column_stack([Y, 100 * X[:, 7]])
    fitted = regressor((4, 3), activation=activation).fit(X, Y2, sample_weight=weight)

    def standardised(X):
        return fitted.predict(X) / fitted.y_scale_

    expected = shares(slopes(standardised, X, fitted.X_scale_), weight)
    assert_allclose(fitted.feature_importances_, expected, rtol=1e-5)


@quiet
def test_importances_of_classes_do_not_see_what_all_have_in_common():
    fitted = classifier().fit(X, LABELS)
    of = slopes(fitted.decision_function, X, fitted.X_scale_)
    of = of - of.mean(axis=1, keepdims=True)
    assert_allclose(fitted.feature_importances_, shares(of, np.ones(len(X))), rtol=1e-5)


@quiet
def test_importances_of_modules_streams_and_problems():
    module = torch.nn.Linear(10, 1, dtype=torch.float64)
    linear = regressor(model=module).fit(X, Y)
    assert_allclose(
        linear.feature_importances_, abs(linear.theta_[:10] / abs(linear.theta_[:10]).sum())
    )
    stream = regressor().partial_fit(X, Y)
    assert stream.feature_importances_.sum() == pytest.approx(1.0)
    assert not hasattr(
        PINNEstimator(AdvectionDiffusion(), (5,), max_iter=2).fit(), "feature_importances_"
    )
    flat = regressor().fit(X, np.ones(len(X)))
    assert_array_equal(flat.feature_importances_, np.zeros(10))


@quiet
@pytest.mark.parametrize("seed", range(3))
def test_selections_find_the_inputs_that_matter(seed):
    X, y = make_friedman1(200, noise=0.5, random_state=seed)
    model = regressor((8,), alpha=1e-2, max_iter=50)
    assert_array_equal(RFE(model, n_features_to_select=5).fit(X, y).support_, np.arange(10) < 5)
    chosen = SelectFromModel(model, threshold="0.7*mean").fit(X, y).get_support()
    assert_array_equal(chosen, np.arange(10) < 5)


# Held-out rows


@pytest.mark.parametrize(
    "counts", [[50, 50], [97, 2, 1], [1, 1, 1, 30], [5] * 12, [400, 13, 2]], ids=str
)
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.9])
def test_rows_are_held_out_in_proportion(counts, fraction):
    counts = np.array(counts)
    strata = np.random.RandomState(0).permutation(np.repeat(np.arange(len(counts)), counts))
    training, held_out = stratified(strata, fraction, np.random.RandomState(1))
    assert_array_equal(np.sort(np.r_[training, held_out]), np.arange(len(strata)))
    kept = np.bincount(strata[training], minlength=len(counts))
    assert kept.min() >= 1
    exact = np.ceil(fraction * len(strata))
    assert len(held_out) == min(exact, (counts - 1).sum())
    # To the nearest row, but for classes that had to keep one.
    if exact <= (counts - 1).sum() and counts.min() > 1 / (1 - fraction):
        assert np.abs(counts - kept - exact * counts / len(strata)).max() <= 1


@quiet
def test_early_stopping_keeps_rare_classes():
    labels = np.where(np.arange(200) == 7, 9, LABELS)
    fitted = classifier(early_stopping=True, validation_fraction=0.5).fit(X, labels)
    assert_array_equal(fitted.classes_, [0, 1, 2, 9])
    # The one row of the rare class was learnt from: its weight is what separates it.
    forgotten = classifier(early_stopping=True, validation_fraction=0.5)
    forgotten.partial_fit(X[labels != 9], labels[labels != 9], classes=[0, 1, 2, 9])
    rare = fitted.predict_proba(X[7:8])[0, 3]
    assert rare > fitted.predict_proba(np.delete(X, 7, 0))[:, 3].mean()


@quiet
def test_early_stopping_keeps_rare_labels():
    rare = np.arange(200) % 50 == 3
    Y2 = np.column_stack([Y > 14, rare, ~(np.arange(200) % 40 == 5)]).astype(int)
    fitted = classifier(early_stopping=True, validation_fraction=0.5)
    strata = fitted._targets(False, y=Y2).strata(Y2)
    training, held_out = stratified(strata, 0.5, np.random.RandomState(0))
    for rows in (training, held_out):
        assert_array_equal(Y2[rows].any(axis=0), True)
        assert_array_equal(Y2[rows].all(axis=0), False)
    assert fitted.fit(X, Y2).validation_scores_.min() >= 0


@quiet
@pytest.mark.parametrize(
    ("model", "y", "score"),
    [
        (regressor(), Y, r2_score),
        (regressor(loss="huber"), np.c_[Y, np.ones(200)], r2_score),
        (regressor(loss="poisson"), np.round(Y), r2_score),
        (classifier(), LABELS, accuracy_score),
        (classifier(), np.c_[LABELS > 0, LABELS > 1].astype(int), accuracy_score),
    ],
    ids=["numbers", "two outputs", "counts", "classes", "several labels"],
)
def test_validation_scores_are_those_of_the_held_out_rows(model, y, score):
    fitted = model.fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    scores = fitted.validation_scores_
    assert scores.shape == (fitted.n_iter_,)
    assert_array_equal(scores, fitted.history_["validation_score"][1:])
    best = fitted.history_["monitored_loss"].argmin()
    expected = score(y[150:], fitted.predict(X[150:]))
    assert fitted.history_["validation_score"][best] == pytest.approx(expected, abs=1e-9)
    assert model.fit(X, y).validation_scores_ is None
    assert "validation_score" not in model.history_


@quiet
def test_validation_scores_of_batches_are_those_of_epochs():
    fitted = regressor(batch_size=30, max_iter=24, early_stopping=True).fit(X, Y)
    assert fitted.validation_scores_.shape == (4,)


# Lines and warnings


@quiet
def test_verbose_prints_lines(capsys):
    regressor(verbose=1, max_iter=25).fit(X, Y)
    assert capsys.readouterr().out.count("\n") == 1
    fitted = regressor(verbose=2, max_iter=25, early_stopping=True, tol=0).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    told = [
        re.search(r"iteration (\d+): loss ([^,]+), held-out score", line) for line in lines[:-1]
    ]
    assert [int(match[1]) for match in told] == [1, 2, 5, 10, 20]
    assert float(told[-1][2]) == pytest.approx(fitted.history_["loss"][20], rel=1e-4)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_warns_once(n_jobs):
    search = GridSearchCV(regressor(max_iter=2), {"alpha": [0.0, 1e-3]}, cv=2, n_jobs=n_jobs)
    with (
        joblib.parallel_config(backend="threading"),
        pytest.warns(ConvergenceWarning, match="max_iter=2") as caught,
    ):
        search.fit(X, Y)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # No candidate competes for long enough, the winner does.
        GridSearchCV(classifier(alpha=0.1), {"max_iter": [1, 100]}, cv=2).fit(X, LABELS)


def test_a_cross_validation_warns():
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        cross_val_score(regressor(max_iter=2), X, Y, cv=2)


def test_no_warning_where_the_rest_does_not_matter():
    x = np.linspace(-1, 1, 60).reshape(-1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = regressor(tol=0, max_iter=60).fit(x, np.sin(2 * x[:, 0]))
        assert fitted.stop_reason_.startswith("Not converged")
        assert 1 - fitted.score(x, np.sin(2 * x[:, 0])) < 1e-6
        classifier(alpha=0, tol=0).fit(x, x[:, 0] > 0.01)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        regressor(tol=0, max_iter=3).fit(x, np.sin(2 * x[:, 0]))


# Small calls


@quiet
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)], ids=str)
def test_few_rows_are_computed_in_numpy(activation, hidden, monkeypatch):
    for model, y in ((regressor, Y), (classifier, LABELS)):
        fitted = model(hidden, activation=activation, max_iter=5).fit(X, y)
        by_numpy = fitted._values(X)
        with monkeypatch.context() as patched:
            patched.setattr(forward, "SMALL", 0)
            assert_allclose(fitted._values(X), by_numpy, rtol=0, atol=1e-12)


@quiet
def test_one_row_needs_no_torch(monkeypatch):
    fitted = regressor().fit(X, Y)
    monkeypatch.setattr(fitted, "_build_model", None)
    assert_allclose(fitted.predict(X[:1]), fitted.predict(X)[:1], rtol=1e-12)


# Notebooks


@pytest.mark.parametrize("kind", KINDS)
def test_notebooks_show_what_parameters_mean(kind):
    html = kind()._repr_html_()
    for name in kind().get_params(deep=False):
        assert f"--doc-link-{name};" in html, name
    assert f"https://skngd.readthedocs.io/en/latest/api/skngd.{kind.__name__}.html" in html
    assert "As in" not in html
    assert "param-doc-link" in MLPRegressor()._repr_html_()


@pytest.mark.parametrize("kind", KINDS)
def test_docstrings_tell_the_defaults(kind):
    parameters = kind().get_params(deep=False)
    assert len(set(parameters)) == len(parameters)
    for name, value in parameters.items():
        entries = re.findall(rf"^(?:\w+, )*{name}(?:, \w+)* : (.+)$", getdoc(kind), re.M)
        assert len(entries) == 1, name
        (told,) = re.findall(r"default=(.+)$", entries[0])
        told = type(value)(told) if isinstance(value, float) else told.strip('"')
        assert told == (value if isinstance(value, float) else str(value)), name


@quiet
@pytest.mark.parametrize("kind", KINDS[:2])
def test_attributes_of_a_fit_are_described(kind):
    fitted = kind(max_iter=2, n_init=1).fit(*load_iris(return_X_y=True))
    for name in vars(fitted):
        if name.endswith("_") and not name.startswith("_"):
            assert re.search(rf"^(\w+, )*{name}(, \w+)*( :|$)", getdoc(kind), re.M), name
