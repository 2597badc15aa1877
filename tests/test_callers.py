"""The line that a warning names, and what waits for a fit."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from solvers import Rod, solver
from variants import regressor, waves

from skngd import NaturalMomentumClassifier, PINNEstimator
from skngd.optim.method import ProjectedMethod
from skngd.pde import Box, Dirichlet, Problem

X, Y = waves()
LABELS = (Y > 0).astype(int)
INSIDE = np.linspace(0, 1, 60).reshape(-1, 1)
OPTIMAL = {"sampler": "christoffel", "batch_size": 5}


class Loose(Problem):
    """No conditions."""

    domain = Box(x=(0, 1))

    def residual(self, u, x):
        return u.xx


class Corner(Loose):
    """Conditions that contradict each other."""

    conditions = Dirichlet(0.0, on="x.min"), Dirichlet(1.0, on="x.min")


def plain(**settings):
    settings = {"hidden_layer_sizes": (5,), "n_init": 1, "max_iter": 3, **settings}
    return PINNEstimator(random_state=0, **settings)


def classes(**settings):
    return NaturalMomentumClassifier((3,), n_init=1, random_state=0, **{"max_iter": 1, **settings})


# Name: the estimator, its data, and a word of the warning.
WARNED = {
    "regressor, budget": (regressor(max_iter=1), (X, Y), "max_iter"),
    "regressor, overflow": (regressor(step_size=1e300), (X, Y), "Diverged"),
    "regressor, column": (regressor(), (X, Y[:, None]), "column-vector"),
    "regressor, draws": (regressor(**OPTIMAL, max_iter=3), (X, Y), "draws"),
    "classifier, budget": (classes(), (X, LABELS), "max_iter"),
    "classifier, column": (classes(), (X, LABELS[:, None]), "column-vector"),
    "plain, budget": (plain(), (X, Y), "max_iter"),
    "plain, column": (plain(), (X, Y[:, None]), "column-vector"),
    "problem, budget": (solver(Rod(), max_iter=1), (INSIDE,), "max_iter"),
    "problem, draws": (solver(Rod(), **OPTIMAL), (INSIDE,), "draws"),
    "problem, unsolved": (
        solver(Rod(), (1,), max_iter=60, tol=1.0, n_iter_no_change=1),
        (INSIDE,),
        "not to a solution",
    ),
    "problem, no conditions": (solver(Loose()), (INSIDE,), "not unique"),
}


def inside_a_pipeline(estimator):
    return make_pipeline(FunctionTransformer(), estimator)


def inside_a_search(estimator):
    return GridSearchCV(estimator, {"beta": [0.5]}, cv=2, error_score="raise")


@pytest.mark.parametrize("name", WARNED)
@pytest.mark.parametrize("wrap", [lambda e: e, inside_a_pipeline, inside_a_search])
def test_a_warning_names_the_line_that_called(name, wrap):
    estimator, data, word = WARNED[name]
    model = wrap(estimator)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        model.fit(*data)
    ours = [w for w in caught if word in str(w.message)]
    assert {(w.filename, w.lineno) for w in ours} == {(__file__, line)}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_conditions_that_contradict_are_warned_of_where_fit_is_called():
    with pytest.warns(UserWarning, match="contradict") as caught:
        solver(Corner()).fit()
    assert {w.filename for w in caught} == {__file__}


@pytest.mark.parametrize("kind", [regressor, plain])
def test_partial_fit_warns_in_the_name_of_its_caller(kind):
    with pytest.warns(DataConversionWarning) as caught:
        kind().partial_fit(X, Y[:, None])
    assert caught[0].filename == __file__


# Ctrl-C


def interrupt(monkeypatch):
    """Raise KeyboardInterrupt inside the fourth step."""
    advance, calls = ProjectedMethod.advance, iter(range(1, 1000))

    def interrupted(self, here, past):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return advance(self, here, past)

    monkeypatch.setattr(ProjectedMethod, "advance", interrupted)


SEARCHES = {
    "search": lambda model: inside_a_search(model).fit(X, Y),
    "search of a pipeline": lambda model: GridSearchCV(
        inside_a_pipeline(model), {"naturalmomentumregressor__beta": [0.5]}, cv=2
    ).fit(X, Y),
    "cross-validation": lambda model: cross_val_score(model, X, Y, cv=2),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_a_fit_that_was_cut_short_does_not_compete(search, monkeypatch):
    interrupt(monkeypatch)
    with pytest.warns(UserWarning, match="Interrupted"), pytest.raises(KeyboardInterrupt):
        search(regressor())


def test_a_pipeline_keeps_the_best_model_so_far(monkeypatch):
    interrupt(monkeypatch)
    with pytest.warns(UserWarning, match="Interrupted"):
        model = inside_a_pipeline(regressor()).fit(X, Y)
    assert model[-1].n_iter_ == 3
