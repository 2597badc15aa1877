"""Many rows for each parameter: a part of them leads, all of them decide."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skngd import NaturalMomentumRegressor
from skngd.estimators.evidence import pilot
from skngd.estimators.task import RowsTask
from skngd.optim.method import ProjectedMethod


def rows(n=4000, noise=0.3):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (n, 2))
    y = np.sin(3 * X[:, 0]) * X[:, 1]
    return X, y + noise * rng.standard_normal(n), y


def regressor(**settings):
    return NaturalMomentumRegressor((8,), random_state=0, **settings)


def n_of_pilot(X, y, **settings):
    task = RowsTask(regressor(**settings), X, y, None)
    task.place()
    ahead = pilot.pilot_of(task)
    return None if ahead is None or not ahead.is_part else len(ahead.task.training[0])


def without(monkeypatch):
    monkeypatch.setattr(pilot, "WORTH", np.inf)


@pytest.mark.filterwarnings("ignore:Not converged")
@pytest.mark.parametrize("noise", [0.3, 0.0])
def test_the_end_is_that_of_all_rows(noise, monkeypatch):
    X, y, truth = rows(noise=noise)
    settings = {} if noise else {"n_init": 1, "max_iter": 80}
    led = regressor(**settings).fit(X, y)
    without(monkeypatch)
    plain = regressor(**settings).fit(X, y)
    errors = [np.sqrt(np.mean((model.predict(X) - truth) ** 2)) for model in (led, plain)]
    assert errors[0] < 1.2 * errors[1]
    if noise:
        assert_allclose(led.noise_std_, plain.noise_std_, rtol=1e-3)
        assert_allclose(led.log_evidence_, plain.log_evidence_, atol=20)


def test_the_history_tells_all_starts(monkeypatch):
    X, y, _ = rows()
    model = regressor(n_init=3).fit(X, y)
    starts, counts = np.unique(model.history_["start"], return_counts=True)
    assert_array_equal(starts, range(3))
    # One of them went on, on all rows.
    assert model.n_iter_ + 1 in counts
    assert len(model.loss_curve_) == model.n_iter_ + 1
    again = regressor(n_init=3).fit(X, y)
    assert_array_equal(again.predict(X), model.predict(X))


def test_the_iterations_of_both_count(monkeypatch):
    X, y, _ = rows()
    with pytest.warns(UserWarning, match="max_iter=7"):
        model = regressor(n_init=1, max_iter=7).fit(X, y)
    assert model.n_iter_ == 7


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": 1e-3},
        {"early_stopping": True},
        {"optimizer": "adam", "step_size": 0.01},
        {"step_size": 0.1},
        {"batch_size": 100},
        {"metric": "h1"},
    ],
    ids=str,
)
def test_what_is_named_runs_as_it_is_named(settings):
    X, y, _ = rows(4000)
    assert n_of_pilot(X, y) == 1000
    assert n_of_pilot(X, y, **settings) is None
    assert n_of_pilot(X[:3999], y[:3999]) is None


def test_weights_count(monkeypatch):
    X, y, truth = rows(5000)
    weight = np.linspace(0.1, 1, 5000)
    led = regressor(n_init=1).fit(X, y, weight)
    without(monkeypatch)
    plain = regressor(n_init=1).fit(X, y, weight)
    assert_allclose(led.noise_std_, plain.noise_std_, rtol=1e-2)
    errors = [np.sqrt(np.mean((model.predict(X) - truth) ** 2)) for model in (led, plain)]
    assert errors[0] < 2 * errors[1]


@pytest.mark.parametrize("n", [1000, 4000])
def test_ctrl_c_ends_the_fit(n, monkeypatch):
    """The best start so far is kept, on all rows."""
    X, y, _ = rows(n)
    advance, calls = ProjectedMethod.advance, iter(range(1, 1000))

    def interrupted(self, here, past):
        if next(calls) == 12:
            raise KeyboardInterrupt
        return advance(self, here, past)

    monkeypatch.setattr(ProjectedMethod, "advance", interrupted)
    with pytest.warns(UserWarning, match="Interrupted"):
        model = regressor(n_init=3).fit(X, y)
    assert model.stop_reason_.startswith("Interrupted")
    assert model.n_iter_ == 11
    assert next(calls) == 13
    assert model.score(X, y) > 0.5


def test_a_line_for_the_starts_that_end(capsys):
    X, y, _ = rows(300)
    regressor(n_init=3, verbose=1).fit(X, y)
    assert "goes on with loss" in capsys.readouterr().out


@pytest.mark.parametrize("noise", [np.nan, 1e-3])
def test_what_has_overflowed_or_has_no_noise_decides_nothing(noise):
    ends = [
        SimpleNamespace(result=SimpleNamespace(loss=loss), noise=noise, ended=None)
        for loss in (2.0, 1.0)
    ]
    assert pilot.Pilot(None, 30, is_part=True).those_that_go_on(ends) == []
    assert pilot.Pilot(None, 30, is_part=False).those_that_go_on(ends) == ends
