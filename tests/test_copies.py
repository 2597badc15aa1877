"""Rows that are copies of others, and fits with a parameter for each row, are said."""

import numpy as np
import pytest

from skngd import NaturalMomentumRegressor
from skngd.estimators.rows.copies import told_of_copies


def rows(n, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, (n, 2))
    return X, np.sin(3 * X[:, 0]) + 0.3 * rng.standard_normal(n)


def test_copies_are_counted():
    X, y = rows(30)
    told = told_of_copies(np.repeat(X, 4, axis=0), np.repeat(y, 4)[:, None])
    assert "Of 120 rows 90 are copies" in told
    fitted = NaturalMomentumRegressor((3,), n_init=1, max_iter=100, random_state=0)
    assert told in fitted.fit(np.repeat(X, 4, axis=0), np.repeat(y, 4)).stop_reason_


@pytest.mark.parametrize("n_copies", [0, 5])
def test_few_copies_are_not(n_copies):
    X, y = rows(60)
    X[:n_copies], y[:n_copies] = X[30 : 30 + n_copies], y[30 : 30 + n_copies]
    assert told_of_copies(X, y[:, None]) == ""


def test_whole_numbers_repeat_by_themselves():
    rng = np.random.RandomState(0)
    X = rng.randint(3, size=(200, 2)).astype(float)
    assert told_of_copies(X, rng.poisson(X.sum(1)).astype(float)[:, None]) == ""
    # The same X with other values of y: measured again.
    assert told_of_copies(X, rng.standard_normal((200, 1))) == ""


def test_a_parameter_for_each_row_is_said():
    x = np.linspace(-1, 1, 8)[:, None]
    few = NaturalMomentumRegressor(random_state=0).fit(x, np.sin(2 * x[:, 0]))
    many = NaturalMomentumRegressor((4,), n_init=1, random_state=0).fit(*rows(100))
    assert few.n_effective_parameters_ > 0.9 * 8
    assert "nothing tells noise from y" in few.stop_reason_
    assert "nothing tells" not in many.stop_reason_
