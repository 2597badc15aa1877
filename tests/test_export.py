"""Exported networks say what the estimator says."""

import sys

import numpy as np
import onnx
import pytest
import torch
from numpy.testing import assert_allclose
from onnx.reference import ReferenceEvaluator
from sklearn.exceptions import NotFittedError

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.pde import Box, Dirichlet, Problem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = 100 + 5 * RNG.standard_normal((60, 3))
Y = 1e3 * np.sin(X[:, 0]) + X[:, 1]
TWO = np.column_stack([Y, X[:, 2]])


def regressor(*sizes, **settings):
    return NaturalMomentumRegressor(
        sizes or (5,), **{"n_init": 1, "max_iter": 10, "random_state": 0, **settings}
    )


def classifier(labels):
    return NaturalMomentumClassifier((4,), n_init=1, max_iter=10, random_state=0).fit(X, labels)


class Plain(Problem):
    """u'' = −1 with soft conditions, or hard ones."""

    domain = Box(x=(0, 2))

    def __init__(self, hard=False):
        self.hard = hard

    @property
    def conditions(self):
        return (Dirichlet(0.0, on="x", hard=self.hard),)

    def residual(self, u, x):
        return u.xx + 1


def solver(hard=False, **settings):
    settings = {"activation": "tanh", "max_iter": 10, "random_state": 0, **settings}
    return PINNEstimator(Plain(hard), (6,), **settings).fit()


CASES = {
    **{
        name: lambda name=name: regressor(activation=name).fit(X, Y)
        for name in ("tanh", "sin", "logistic", "softplus", "identity")
    },
    "two layers": lambda: regressor(4, 3).fit(X, Y),
    "linear": lambda: NaturalMomentumRegressor((), max_iter=10).fit(X, Y),
    "two outputs": lambda: regressor().fit(X, TWO),
    "huber": lambda: regressor(loss="huber").fit(X, Y),
    "poisson": lambda: regressor(loss="poisson").fit(X, np.floor(np.abs(Y) / 100)),
    "no problem": lambda: PINNEstimator(None, (5,), max_iter=10, n_init=1, random_state=0).fit(
        X, Y
    ),
    "two classes": lambda: classifier(Y > 0),
    "three classes": lambda: classifier(np.digitize(Y, [-500, 500])),
    "several labels": lambda: classifier(np.column_stack([Y > 0, X[:, 1] > 100, X[:, 2] > 101])),
}


def expected_of(model):
    return model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)


@pytest.mark.parametrize("make", CASES.values(), ids=CASES.keys())
def test_module_and_graph_say_what_the_estimator_says(make):
    model = make()
    expected, module = expected_of(model), model.to_torch()
    with torch.no_grad():
        found = module(torch.tensor(X)).numpy()
    assert found.shape == expected.shape
    assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    graph = model.to_onnx()
    onnx.checker.check_model(graph, full_check=True)
    (found,) = ReferenceEvaluator(graph).run(None, {"X": X})
    assert found.shape == expected.shape
    assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_the_module_can_be_trained_and_differentiated():
    module = regressor().fit(X, Y).to_torch()
    points = torch.tensor(X, requires_grad=True)
    module(points).sum().backward()
    assert points.grad.shape == X.shape
    assert all(parameter.grad is not None for parameter in module.parameters())
    again = type(module)(module.mean, module.scale, module.network, module.link, module.is_flat)
    again.load_state_dict(module.state_dict())
    assert torch.equal(again(points), module(points))


def test_a_module_of_ones_own():
    own = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ELU(), torch.nn.Linear(4, 1))
    model = regressor(model=own).fit(X, Y)
    with torch.no_grad():
        assert_allclose(model.to_torch()(torch.tensor(X)).numpy(), model.predict(X), rtol=1e-12)
    with pytest.raises(ValueError, match=r"torch\.onnx\.export"):
        model.to_onnx()


def test_solutions_that_are_networks_and_those_that_are_more():
    points = np.linspace(0, 2, 9).reshape(-1, 1)
    plain = solver(estimate_error=False)
    with torch.no_grad():
        found = plain.to_torch()(torch.tensor(points)).numpy()
    assert_allclose(found, plain.predict(points), rtol=1e-12, atol=1e-12)
    for model in (solver(hard=True, estimate_error=False), solver(max_iter=2)):
        with pytest.raises(ValueError, match="a solution that is a network by itself"):
            model.to_torch()


def test_what_is_refused(monkeypatch):
    with pytest.raises(NotFittedError):
        NaturalMomentumRegressor().to_torch()
    model = regressor(2).fit(X, Y)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'skngd\[onnx\]'"):
        model.to_onnx()
