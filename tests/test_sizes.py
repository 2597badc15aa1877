"""hidden_layer_sizes="auto": the network with the largest evidence, as if it had been named."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(f, n=60, noise=0.1):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (n, 2))
    return X, f(X) + noise * rng.standard_normal(n)


def line(X):
    return X[:, 0] - 2 * X[:, 1]


def wave(X):
    return np.sin(4 * X[:, 0]) + X[:, 1]


def auto(kind=NaturalMomentumRegressor, **settings):
    settings = {"max_iter": 40, "n_init": 1, "random_state": 0, **settings}
    return kind(hidden_layer_sizes="auto", **settings)


@pytest.fixture(scope="module")
def fitted():
    return auto().fit(*rows(wave))


def test_a_line_needs_no_neurons():
    model = auto().fit(*rows(line))
    assert model.hidden_layer_sizes_ == ()
    assert "Of 4 networks hidden_layer_sizes=() has the largest log evidence" in model.stop_reason_


def test_the_largest_evidence_is_kept(fitted):
    table = fitted.candidates_
    best = int(np.argmax(table["log_evidence"]))
    assert len(fitted.hidden_layer_sizes_) > 0
    assert table["hidden_layer_sizes"][best] == fitted.hidden_layer_sizes_
    assert fitted.log_evidence_ == table["log_evidence"][best]
    assert fitted.n_iter_ == table["n_iter"][best]
    assert fitted.hidden_layer_sizes == "auto"


def test_it_is_the_fit_of_the_named_network(fitted):
    X, y = rows(wave)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    named = clone(fitted).set_params(
        hidden_layer_sizes=fitted.hidden_layer_sizes_, random_state=seed
    )
    assert_array_equal(named.fit(X, y).predict(X), fitted.predict(X))
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


def test_later_fits_go_on_with_what_was_chosen(fitted):
    X, y = rows(wave)
    model = clone(fitted).set_params(warm_start=True).fit(X, y)
    chosen = model.hidden_layer_sizes_
    model.set_params(max_iter=1).fit(X, y)
    assert model.hidden_layer_sizes_ == chosen
    assert np.all(np.isfinite(model.partial_fit(X, y).predict(X)))


def test_held_out_rows_may_judge():
    model = auto(early_stopping=True, alpha=1e-3).fit(*rows(wave))
    scores = model.candidates_["validation_score"]
    assert model.candidates_["hidden_layer_sizes"][np.argmax(scores)] == model.hidden_layer_sizes_


def test_classes():
    X, y = rows(wave, noise=0)
    model = auto(NaturalMomentumClassifier, alpha="auto").fit(X, y > 0)
    assert model.score(X, y > 0) > 0.9
    assert np.isfinite(model.candidates_["log_evidence"]).all()


def test_an_end_in_time():
    model = auto(max_time=1e-6).fit(*rows(wave))
    assert model.hidden_layer_sizes_ == ()


def test_a_line_is_printed_for_each_size(capsys):
    auto(verbose=1).fit(*rows(line))
    assert capsys.readouterr().out.count("log evidence") == 4


def test_a_refused_call_changes_nothing(fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(alpha=0.1)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="alpha='auto', or rows that are held out"):
        model.fit(*rows(wave))
    assert vars(model) == before
    with pytest.raises(ValueError, match="named for partial_fit"):
        auto().partial_fit(*rows(wave))
    with pytest.raises(ValueError, match="NaN"):
        auto().fit([[0.0], [np.nan]], [0.0, 1.0])
