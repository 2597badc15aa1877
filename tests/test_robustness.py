"""Overflow, failing linear algebra and Ctrl-C: the best model so far is kept."""

import signal
import warnings

import numpy as np
import pytest
import torch
from messages import assert_advises
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from variants import every_variant, half_mse, regressor, waves

from skngd.optim.method import ProjectedMethod
from skngd.optim.objective import Objective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = waves()


# Overflow


@pytest.mark.parametrize("step_size", [1e3, 1e10, 1e77, 1e100, 1e154, 1e300])
@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": None},
        {"momentum": "heavy-ball", "restart": None},
        {"momentum": "heavy-ball", "projection": "svd", "rcond": 1e-6},
        {"momentum": "heavy-ball", "projection": "kernel"},
        {"momentum": "nesterov", "memory": "difference"},
        {"momentum": "spring"},
        {"optimizer": "gd"},
        {"optimizer": "newton"},
        {"optimizer": "adam"},
        {"batch_size": 20},
    ],
    ids=str,
)
def test_a_huge_constant_step_keeps_the_best_model(settings, step_size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")
        model = regressor(step_size=step_size, **settings).fit(X, Y)
    start = regressor(step_size=1e-300, max_iter=1, momentum=None)
    with pytest.warns(ConvergenceWarning):
        start.fit(X, Y)
    assert model.loss_ <= start.loss_ * (1 + 1e-12)
    assert model.loss_ == pytest.approx(half_mse(model, X, Y))
    assert np.isfinite(model.predict(X)).all()


def test_overflow_warns_and_advises():
    with pytest.warns(ConvergenceWarning, match="Diverged") as caught:
        model = regressor(step_size=1e300).fit(X, Y)
    assert_advises(caught[0].message, "no iterate was better than the start", "became (inf|nan)")
    assert model.stop_reason_.startswith(str(caught[0].message))


class Steep(torch.nn.Module):
    """exp(exp(θ·x)): a natural step of length 1 overflows where the slope is small."""

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(3, 1)
        torch.nn.init.constant_(self.line.weight, 0.0)
        torch.nn.init.constant_(self.line.bias, -8.0)

    def forward(self, x):
        return torch.exp(torch.exp(self.line(x)))


@pytest.mark.parametrize("step_size", ["trust-region", "backtracking", "grid"])
@pytest.mark.parametrize("momentum", [None, "heavy-ball", "nesterov", "spring"])
def test_a_trial_that_overflows_is_rejected(step_size, momentum, monkeypatch):
    losses = []
    evaluate = Objective.at

    def recorded(self, theta):
        iterate = evaluate(self, theta)
        losses.append(iterate.loss)
        return iterate

    monkeypatch.setattr(Objective, "at", recorded)
    settings = {"model": Steep(), "momentum": momentum, "step_size": step_size}
    model = regressor(max_iter=10, damping=1e-12, **settings).fit(X, np.exp(Y))
    assert not np.isfinite(losses).all()
    assert np.isfinite(model.loss_curve_).all()
    assert model.loss_ < model.loss_curve_[0]


class Overflowing(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(3, 1)

    def forward(self, x):
        return torch.exp(1e6 + self.line(x))


@pytest.mark.parametrize("settings", [{}, {"step_size": 0.1}, {"optimizer": "gd"}], ids=str)
def test_a_start_that_overflows_is_not_called_converged(settings):
    with pytest.warns(ConvergenceWarning):
        model = regressor(model=Overflowing(), **settings).fit(X, Y)
    assert "Converged" not in model.stop_reason_


# Linear algebra


@pytest.mark.parametrize("projection", ["svd", "qr"])
def test_an_svd_that_does_not_converge_falls_back(projection, monkeypatch):
    # With a cut-off, for a damped QR needs no singular values.
    settings = {"projection": projection, "max_iter": 4, "rcond": 1e-10}
    expected = regressor(**settings).fit(X, Y)

    def fails(*args, **kwargs):
        raise torch.linalg.LinAlgError("linalg.svd: The algorithm failed to converge")

    monkeypatch.setattr(torch.linalg, "svd", fails)
    with pytest.warns(RuntimeWarning, match="did not converge") as caught:
        model = regressor(**settings).fit(X, Y)
    assert_allclose(model.predict(X), expected.predict(X), atol=1e-8)
    message = next(w.message for w in caught if w.category is RuntimeWarning)
    assert_advises(message, "instead", "singular value decomposition of the Jacobian")


# Ctrl-C


class CtrlC:
    """A callback that sends the signal of Ctrl-C in one of the iterations."""

    def __init__(self, at):
        self.at, self.calls = at, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "iteration":
            self.calls += 1
            if self.calls == self.at:
                signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    "settings",
    [{}, {"optimizer": "adam"}, {"batch_size": 20}, {"early_stopping": True}],
    ids=str,
)
def test_ctrl_c_keeps_the_best_model_so_far(settings):
    model = regressor(**settings).set_callbacks(CtrlC(at=4))
    with pytest.warns(UserWarning, match="Interrupted from the keyboard") as caught:
        model.fit(X, Y)
    assert "best model so far was kept" in str(caught[0].message)
    assert model.n_iter_ == 4
    assert "Interrupted" in model.stop_reason_
    assert len(model.loss_curve_) == 5
    with pytest.warns(ConvergenceWarning):
        short = regressor(**{**settings, "max_iter": 4}).fit(X, Y)
    assert_array_equal(model.predict(X), short.predict(X))


def interrupt(monkeypatch, call):
    """Raise KeyboardInterrupt inside one of the steps."""
    advance, calls = ProjectedMethod.advance, iter(range(1, 1000))

    def interrupted(self, here, past):
        if next(calls) == call:
            raise KeyboardInterrupt
        return advance(self, here, past)

    monkeypatch.setattr(ProjectedMethod, "advance", interrupted)


def test_ctrl_c_inside_a_step(monkeypatch):
    interrupt(monkeypatch, 4)
    with pytest.warns(UserWarning, match="Interrupted"):
        model = regressor().fit(X, Y)
    assert model.n_iter_ == 3
    assert model.loss_ == pytest.approx(half_mse(model, X, Y))
    assert model.loss_ == model.loss_curve_.min()


@pytest.mark.parametrize("call", [1, 8, 13])
def test_ctrl_c_ends_all_the_starts(call, monkeypatch):
    """Also where an earlier start remains the best one."""
    interrupt(monkeypatch, call)
    with pytest.warns(UserWarning, match="Interrupted"):
        model = regressor(n_init=50, max_iter=5).fit(X, Y)
    assert model.loss_ == pytest.approx(half_mse(model, X, Y))
    assert len(model.history_["time"]) <= call + call // 5 + 1


def test_ctrl_c_in_partial_fit_warns(monkeypatch):
    model = regressor().partial_fit(X, Y)
    theta = model.theta_
    interrupt(monkeypatch, 1)
    with pytest.warns(UserWarning, match="Interrupted"):
        model.partial_fit(X, Y)
    assert_array_equal(model.theta_, theta)


@every_variant
def test_rows_that_are_all_the_same(settings):
    model = regressor(**settings).fit(np.ones((5, 2)), np.full(5, 2.0))
    assert_allclose(model.predict(np.ones((1, 2))), 2.0, atol=1.0)
