"""What a solver answers and records: derivatives, residuals, scores, histories, endings."""

import copy
import signal
import time

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from solvers import Rod, Rotation, Transport, error, sample, solver

from skngd.optim.method import ProjectedMethod
from skngd.pde import Box, Dirichlet, Neumann, Problem
from skngd.problems.zoo import AdvectionDiffusion, Burgers, Heat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 21).reshape(-1, 1)


def mean_square(values):
    return float(np.mean(np.asarray(values) ** 2))


# Derivatives and residuals


def differences(fitted, Z, axes, h=3e-4):
    """Central differences of predict, of second order, one axis after the other."""
    if not axes:
        return fitted.predict(Z)
    step = np.zeros(Z.shape[1])
    step[axes[0]] = h
    above, below = (differences(fitted, Z + s * step, axes[1:], h) for s in (1, -1))
    return (above - below) / (2 * h)


@pytest.mark.parametrize(
    ("of", "axes"),
    [
        ("t", [0]),
        ("x", [1]),
        ("xx", [1, 1]),
        ("tx", [0, 1]),
        (("x", "t"), [1, 0]),
        ("xxx", [1, 1, 1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("hidden_layer_sizes", [(5,), (5, 4)], ids=str)
def test_derivative_against_differences_of_predict(of, axes, hidden_layer_sizes):
    fitted = solver(Heat(), hidden_layer_sizes, max_iter=5).fit()
    Z = 0.1 + 0.8 * sample(Heat())
    expected = differences(fitted, Z, axes)
    assert_allclose(fitted.derivative(Z, of), expected, atol=1e-4 * np.abs(expected).max())


def test_derivative_through_hard_conditions_in_coordinates_of_several_letters():
    conditions = (Dirichlet(lambda radius: 1 + radius, on="radius", hard=True),)
    domain = Box(theta=(0, 2), radius=(1, 3))
    problem = Problem.from_function(lambda u, theta, radius: u.theta - 1, domain, conditions)
    fitted = solver(problem, max_iter=3).fit()
    Z = np.array([0.1, 1.1]) + 0.8 * sample(problem) / [1, 3]
    expected = differences(fitted, Z, [0, 1])
    assert_allclose(fitted.derivative(Z, "radiustheta"), expected, atol=1e-5)
    assert_allclose(fitted.derivative(Z, ()), fitted.predict(Z), atol=1e-14)


def test_residual_is_assembled_from_derivatives():
    fitted = solver(Burgers(nu=0.1), (6, 5), max_iter=5).fit()
    Z = sample(Burgers())
    t, x, xx = (fitted.derivative(Z, of) for of in ("t", "x", "xx"))
    assert_allclose(fitted.residual(Z), t + fitted.predict(Z) * x - 0.1 * xx, atol=1e-10)


@pytest.mark.parametrize("rows", [slice(None, None, -1), slice(None, None, 2), slice(3, 4)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_are_answered_one_by_one(rows, order):
    """Whatever their layout in memory is."""
    fitted = solver(Heat(), max_iter=3).fit()
    Z = sample(Heat())
    part = np.array(Z, order=order)[rows]
    assert_allclose(fitted.predict(part), fitted.predict(Z)[rows], atol=1e-14)
    assert_allclose(fitted.residual(part), fitted.residual(Z)[rows], atol=1e-12)
    assert_allclose(fitted.derivative(part, "xx"), fitted.derivative(Z, "xx")[rows], atol=1e-12)


def test_many_rows_are_evaluated_in_parts(monkeypatch):
    fitted = solver(Heat(), max_iter=3).fit()
    Z = sample(Heat())
    expected = fitted.predict(Z)
    monkeypatch.setattr("skngd.estimators.device.CHUNK_NUMBERS", 150)
    assert_allclose(fitted.predict(Z), expected, atol=1e-14)


@pytest.mark.parametrize("hidden_layer_sizes", [(5,), (4, 3)], ids=str)
def test_coefs_are_the_network_in_the_units_of_the_problem(hidden_layer_sizes):
    fitted = solver(Transport(), hidden_layer_sizes, max_iter=5).fit()
    values = Z = sample(Transport())
    for weights, biases in zip(fitted.coefs_[:-1], fitted.intercepts_[:-1], strict=True):
        values = np.tanh(values @ weights + biases)
    expected = values @ fitted.coefs_[-1] + fitted.intercepts_[-1]
    assert_allclose(fitted.predict(Z), expected[:, 0], atol=1e-12)


# Scores


def test_score_of_measurements_is_r2_of_what_was_observed():
    fitted = solver(Rotation(), max_iter=4).fit()
    y = Rotation().solution(X) + np.linspace(0, 0.3, 42).reshape(21, 2)
    expected = r2_score(y, fitted.predict(X))
    assert fitted.score(X, y) == pytest.approx(expected, rel=1e-12)
    weights = np.linspace(1, 5, 21)
    expected = r2_score(y, fitted.predict(X), sample_weight=weights)
    assert fitted.score(X, y, weights) == pytest.approx(expected, rel=1e-12)
    holes = y.copy()
    holes[::3, 0] = np.nan
    seen = np.isfinite(holes[:, 0])
    parts = [r2_score(y[s, k], fitted.predict(X)[s, k]) for k, s in ((0, seen), (1, seen | True))]
    assert fitted.score(X, holes) == pytest.approx(np.mean(parts), rel=1e-12)
    holes[:, 0] = np.nan
    assert fitted.score(X, holes) == pytest.approx(parts[1], rel=1e-12)


def test_score_without_measurements_is_minus_the_relative_rms_of_equation_and_conditions():
    fitted = solver(Rod(), max_iter=3).fit()
    nothing = copy.deepcopy(fitted)
    nothing.theta_ = 0 * nothing.theta_
    squares = []
    for model in (fitted, nothing):
        parts = [model.residual(X), model.predict([[0.0]]), model.predict([[1.0]])]
        sizes = [float(size[0]) for size in fitted.sizes_.values()]
        squares.append(sum(mean_square(r / s) for r, s in zip(parts, sizes, strict=True)))
    # The sizes of a score are those at its own points.
    assert fitted.score(X) == pytest.approx(-np.sqrt(squares[0] / squares[1]), rel=0.05)
    assert nothing.score() == -1
    assert fitted.score() == fitted.score()
    assert fitted.score() == pytest.approx(fitted.score(np.linspace(0, 1, 999)[:, None]), rel=0.05)


def test_score_counts_conditions_without_their_weights():
    settings = {"step_size": 1e-300, "momentum": None, "max_iter": 1}

    class Weighted(Rod):
        conditions = tuple(
            Dirichlet(0.0, on=face, weight=w) for face, w in (("x.min", 7.0), ("x.max", 0.1))
        )

    assert solver(Weighted(), **settings).fit().score() == pytest.approx(
        solver(Rod(), **settings).fit().score(), rel=1e-12
    )


def test_a_low_residual_alone_is_no_good_score():
    """u ≡ 0 solves Burgers' equation, but not its initial condition."""
    fitted = solver(Burgers(nu=0.5), (10,), max_iter=40).fit()
    nothing = solver(Burgers(nu=0.5), (10,), max_iter=1).fit()
    nothing.theta_ = 0 * nothing.theta_
    Z = sample(Burgers())
    assert_array_equal(nothing.residual(Z), 0.0)
    assert np.abs(fitted.residual(Z)).max() > 1e-6
    assert nothing.score() < fitted.score()
    assert nothing.score(Z) < fitted.score(Z)


def test_a_better_solution_scores_higher():
    scores = [solver(Rod(), max_iter=n).fit().score() for n in (1, 5, 30)]
    assert scores == sorted(scores)
    assert scores[-1] < 0


# History


class Loaded(Rod):
    """Two conditions on one face and a measured field, with weights."""

    conditions = (
        Dirichlet(0.0, weight=3.0),
        Neumann(-0.5, on="x", weight="measure"),
        Dirichlet(0.0, on="x.max", name="support"),
        Dirichlet(0.0, weight=0.5),
    )


def test_history_has_a_column_for_each_block_and_sums_to_the_loss():
    y = 1.1 * Rod().solution(X)
    fitted = solver(Loaded(), measurement_weight=0.2).fit(X, y)
    history = fitted.history_
    names = ["equation", "dirichlet", "neumann x", "support", "dirichlet 2", "measurements u"]
    assert list(history)[-6:] == names
    weights = [1.0, 3.0, 2.0, 1.0, 0.5, 0.2]
    weights = [
        w / float(fitted.sizes_[name][0]) ** 2 for w, name in zip(weights, names, strict=True)
    ]
    total = sum(w * history[name] for w, name in zip(weights, names, strict=True)) / 2
    assert_allclose(history["loss"], total, rtol=1e-12)
    assert_allclose(fitted.loss_curve_, history["loss"])
    best = history["loss"].argmin()
    assert fitted.loss_ == pytest.approx(history["loss"].min(), rel=1e-12)
    assert history["measurements u"][best] == pytest.approx(mean_square(fitted.predict(X) - y))
    assert history["support"][best] == pytest.approx(mean_square(fitted.predict([[1.0]])))


def test_history_of_a_system_adds_its_equations():
    fitted = solver(Rotation(), max_iter=4).fit(X)
    u, v = fitted.residual(X).T
    best = fitted.history_["loss"].argmin()
    assert fitted.history_["equation"][best] == pytest.approx(mean_square(u) + mean_square(v))
    sizes, relative = fitted.sizes_, 0.0
    for r, size in zip((u, v), sizes["equation"], strict=True):
        relative += mean_square(r / size)
    for name in ("initial u", "initial v"):
        relative += fitted.history_[name][best] / float(sizes[name][0]) ** 2
    assert fitted.history_["loss"][best] == pytest.approx(relative / 2)


def test_history_has_a_row_for_each_iteration_of_each_start():
    fitted = solver(Rod(), n_init=3, max_iter=4, tol=0.0).fit()
    assert {len(column) for column in fitted.history_.values()} == {15}
    assert_array_equal(fitted.history_["start"], np.repeat([0, 1, 2], 5))
    assert fitted.loss_ == pytest.approx(fitted.history_["loss"].min(), rel=1e-12)
    assert (np.diff(fitted.history_["time"]) > 0).all()


# Endings


def test_max_iter_warns_and_advises_what_is_possible():
    with pytest.warns(ConvergenceWarning, match="max_iter=3") as caught:
        fitted = solver(Heat(), max_iter=3).fit()
    assert fitted.n_iter_ == 3
    assert "early_stopping" not in str(caught[0].message)
    assert caught[0].filename == __file__


def test_max_time():
    began = time.perf_counter()
    with pytest.warns(ConvergenceWarning, match=r"max_time=0\.2"):
        fitted = solver(Heat(), max_iter=10**6, max_time=0.2, tol=0.0, n_interior=200).fit()
    assert 0.2 <= fitted.history_["time"][-1] < 2
    assert time.perf_counter() - began < 3
    assert fitted.loss_ < fitted.loss_curve_[0]


def interrupt(monkeypatch, call):
    """Ctrl-C inside one of the steps."""
    advance, calls = ProjectedMethod.advance, iter(range(1, 1000))

    def interrupted(self, here, past):
        if next(calls) == call:
            signal.raise_signal(signal.SIGINT)
        return advance(self, here, past)

    monkeypatch.setattr(ProjectedMethod, "advance", interrupted)


@pytest.mark.parametrize("settings", [{}, {"resample_every": 1}, {"n_init": 2}], ids=str)
def test_ctrl_c_keeps_the_best_solution_so_far(settings, monkeypatch):
    short = solver(Heat(), max_iter=3, **{**settings, "n_init": 1}).fit()
    interrupt(monkeypatch, 4)
    with pytest.warns(UserWarning, match="Interrupted from the keyboard"):
        fitted = solver(Heat(), **settings).fit()
    assert fitted.n_iter_ == 3
    assert_allclose(fitted.predict(sample(Heat())), short.predict(sample(Heat())), atol=1e-10)


def test_a_solved_problem_converges_without_a_warning(recwarn):
    fitted = solver(Transport(), (), max_iter=50).fit()
    assert fitted.stop_reason_.startswith("Converged")
    assert not recwarn.list


# Continued fits


def test_warm_start_continues():
    fitted = solver(Heat(), warm_start=True, max_iter=5).fit()
    loss = fitted.loss_
    assert fitted.fit().loss_curve_[0] == pytest.approx(loss, rel=1e-10)
    assert fitted.loss_ < loss


def test_a_solution_that_is_continued_is_still_one(recwarn):
    # What is left is no part of what the start had, which was the solution.
    fitted = solver(AdvectionDiffusion(eps=0.5, hard=False), (12,), max_iter=100, tol=1e-9).fit()
    fitted.set_params(warm_start=True).fit()
    assert error(fitted) < 1e-6
    assert not recwarn.list


def test_warm_start_in_two_parts_equals_one_fit_without_momentum():
    settings = {"momentum": None, "step_size": 0.5, "rcond": 1e-6}
    parts = solver(Heat(), warm_start=True, max_iter=3, **settings).fit().fit()
    whole = solver(Heat(), max_iter=6, **settings).fit()
    assert_allclose(parts.theta_, whole.theta_, rtol=1e-6)


def test_warm_start_from_another_coefficient_begins_near_the_solution():
    fitted = solver(AdvectionDiffusion(eps=0.3), warm_start=True, max_iter=40).fit()
    fitted.set_params(problem__eps=0.29).fit()
    anew = solver(AdvectionDiffusion(eps=0.29)).fit()
    assert fitted.loss_curve_[0] < 0.01 * anew.loss_curve_[0]
    assert error(fitted) < 1e-6


def test_without_warm_start_a_second_fit_starts_anew():
    fitted = solver(Heat(), max_iter=3)
    first = fitted.fit().theta_
    assert_array_equal(fitted.fit().theta_, first)


# Networks and numbers


def test_module_takes_the_place_of_the_network():
    layers = torch.nn.Linear(1, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1)
    module = torch.nn.Sequential(*layers).double()
    with torch.no_grad():
        for number, parameter in enumerate(module.parameters()):
            drawn = np.random.RandomState(number).uniform(-1, 1, tuple(parameter.shape))
            parameter.copy_(torch.as_tensor(drawn))
    fitted = solver(Rod(), model=module, max_iter=25).fit()
    assert error(fitted) < 1e-4
    assert not hasattr(fitted, "coefs_")
    assert_allclose(fitted.derivative(X, "xx"), -1.0, atol=0.01)


def test_single_precision():
    fitted = solver(Rod(), dtype="float32").fit()
    assert error(fitted) < 1e-3
    assert fitted.predict(X).dtype == fitted.theta_.dtype == np.float64


@pytest.mark.parametrize("activation", ["tanh", "sin", "logistic", "softplus"])
def test_activations(activation):
    assert error(solver(Rod(), activation=activation).fit()) < 1e-2


def test_variable_projection_changes_the_way_and_not_the_goal():
    fitted = [solver(Rod(), variable_projection=on, max_iter=60).fit() for on in (True, False)]
    assert fitted[0].loss_curve_[1] < fitted[1].loss_curve_[1]
    assert max(map(error, fitted)) < 1e-5
