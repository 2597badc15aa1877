"""Rows far from the others are said to lead a fit by squares."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skngd import NaturalMomentumRegressor
from skngd.estimators.rows.outliers import (
    alone,
    leave_one_out,
    outliers,
    outliers_on_one_side,
    remark,
)
from skngd.estimators.rows.scaling import moments_without_far


def rows(seed, errors, n=200):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2, 2, (n, 2))
    return X, np.sin(2 * X[:, 0]) * X[:, 1] + 0.3 * errors(rng, n)


def heavy(rng, n):
    return rng.standard_t(1, n)


def normal(rng, n):
    return rng.standard_normal(n)


def laplace(rng, n):
    return rng.laplace(size=n)


def wider_on_one_side(rng, n):
    return rng.standard_normal(n) * np.linspace(1, 3, n)


def regressor(**settings):
    return NaturalMomentumRegressor(random_state=0, n_init=1, max_iter=100, **settings)


def test_errors_of_rows_that_are_left_out():
    """Of a linear model they are those of fits without the row."""
    rng = np.random.RandomState(0)
    A, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    leverage = np.einsum("ij,ji->i", A, np.linalg.pinv(A))
    residual = y - A @ np.linalg.lstsq(A, y)[0]
    refitted = [
        y[i] - A[i] @ np.linalg.lstsq(np.delete(A, i, 0), np.delete(y, i))[0] for i in range(12)
    ]
    assert_allclose(leave_one_out(residual, leverage), refitted)


@pytest.mark.parametrize("n_outputs", [1, 20, 200])
def test_the_largest_of_many_outputs_is_no_outlier_by_chance(n_outputs):
    rng, told = np.random.RandomState(0), 0
    for _ in range(20):
        told += bool(remark(*outliers(rng.laplace(size=(60, n_outputs))), 60))
    assert told <= 1
    errors = rng.standard_normal((60, n_outputs))
    errors[:5, 0] *= 50
    assert remark(*outliers(errors), 60)


def test_the_ratio_is_one_for_normal_errors_in_any_unit():
    errors = np.random.RandomState(0).standard_normal((20_000, 1))
    for unit in (1e-9, 1.0, 1e9):
        count, ratio = outliers(unit * errors)
        assert count == 0
        assert ratio == pytest.approx(1.0, abs=0.02)
    assert outliers(np.zeros((5, 1))) == (0, 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_heavy_tails_are_warned_of(seed):
    X, y = rows(seed, heavy)
    with pytest.warns(UserWarning, match="Outliers: .* Try loss='huber'"):
        model = regressor().fit(X, y)
    assert "Outliers" in model.stop_reason_
    assert "Outliers" not in regressor(loss="huber").fit(X, y).stop_reason_


@pytest.mark.parametrize("errors", [normal, laplace, wider_on_one_side])
def test_other_noise_is_not(errors):
    X, y = rows(0, errors)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "Outliers" not in regressor().fit(X, y).stop_reason_


def test_one_output_of_several_has_outliers():
    X, y = rows(0, normal)
    y = np.column_stack([y, rows(0, heavy)[1]])
    with pytest.warns(UserWarning, match="Outliers"):
        regressor().fit(X, y)


def test_how_far_outliers_are_does_not_matter_with_huber():
    X, y = rows(0, normal, 100)
    T, answers = rows(1, normal)[0], []
    for size in (1e2, 1e6):
        y[:2] = size, -2 * size
        answers.append(regressor(loss="huber").fit(X, y))
    assert_allclose(answers[0].predict(T), answers[1].predict(T), atol=0.1)
    assert answers[0].noise_std_ == pytest.approx(answers[1].noise_std_, rel=0.01)
    assert answers[1].score(T, np.sin(2 * T[:, 0]) * T[:, 1]) > 0.9


def test_few_inputs_far_from_all_others_do_not_set_the_scale():
    X, y = rows(0, normal, 100)
    X[:2, 0] = 1e8, -3e4
    fitted, T = regressor().fit(X, y), rows(1, normal)[0]
    assert_allclose(fitted.X_scale_, X[2:].std(axis=0), rtol=0.1)
    assert fitted.score(T, np.sin(2 * T[:, 0]) * T[:, 1]) > 0.9
    assert "Inputs far from all others (2 of column 0)" in fitted.stop_reason_


@pytest.mark.parametrize("draw", [normal, laplace, lambda rng, n: rng.uniform(size=n) < 0.02])
def test_other_inputs_set_their_scale(draw):
    column = 3e7 + draw(np.random.RandomState(0), 1000).astype(float)[:, None]
    mean, deviation, n_far = moments_without_far(column, np.ones(1000))
    assert_allclose(mean, column.mean(axis=0))
    assert_allclose(deviation, column.std(axis=0))
    assert not n_far.any()


def test_inputs_may_be_tensors():
    X, y = rows(0, normal, 60)
    of_tensors = regressor().fit(torch.as_tensor(X), torch.as_tensor(y))
    assert_allclose(of_tensors.predict(torch.as_tensor(X)), regressor().fit(X, y).predict(X))


def exponential(rng, n):
    return rng.exponential(size=n)


def lognormal(rng, n):
    return np.exp(0.5 * rng.standard_normal(n))


@pytest.mark.parametrize("errors", [exponential, lognormal, normal, laplace])
def test_skewed_errors_are_not_outliers_on_one_side(errors):
    rng = np.random.RandomState(0)
    for _ in range(200):
        assert not remark(*outliers_on_one_side(errors(rng, 100)[:, None]), 100)


def test_outliers_on_one_side_are_said():
    X, y = rows(0, normal, 100)
    y[::5] += 10
    with pytest.warns(UserWarning, match="Outliers: .* Try loss='huber'"):
        model = regressor().fit(X, y)
    assert "Outliers" in model.stop_reason_


def test_a_far_row_that_sets_the_fit_by_itself_has_no_error():
    rng = np.random.RandomState(0)
    target, leverage = rng.standard_normal((100, 1)), np.full((100, 1), 0.1)
    target[3] = 200.0
    assert alone(target, leverage) == 0
    leverage[3] = 0.999
    assert alone(target, leverage) == 1
    leverage[4] = 0.999
    assert alone(target, leverage) == 1
    assert alone(0 * target, leverage) == 0


def test_a_neuron_of_its_own_for_one_row_is_said():
    rng = np.random.RandomState(14)
    X = rng.uniform(-2, 2, (300, 1))
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.standard_normal(300)
    y[7] = 200.0
    with pytest.warns(UserWarning, match="Outliers"):
        NaturalMomentumRegressor(random_state=0).fit(X, y)
