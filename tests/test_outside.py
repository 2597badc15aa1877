"""A bounded network that is asked far outside of its data says so, once."""

import warnings

import numpy as np
import pytest

from skngd import NaturalMomentumRegressor

ROWS = np.linspace(1, 3, 30)[:, None]


def told(call, *arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*arguments)
    return [str(warning.message) for warning in caught]


def fitted(**settings):
    model = NaturalMomentumRegressor(n_init=1, random_state=0, tol=0.1, **settings)
    return model.fit(ROWS, np.exp(ROWS[:, 0]))


@pytest.mark.parametrize("far", [-2.0, 6.0])
def test_a_bounded_network_says_once_that_it_does_not_extrapolate(far):
    model = fitted()
    assert not told(model.predict, ROWS)
    assert not told(model.predict, [[0.5], [3.5]])
    (sentence,) = told(model.predict, [[2.0], [far]])
    assert "from 1 to 3" in sentence
    assert "does not extrapolate" in sentence
    assert not told(model.predict, [[far]])
    model.fit(ROWS, np.exp(ROWS[:, 0]))
    assert len(told(model.score, [[far]], [0.0])) >= 1


def test_a_model_that_is_not_bounded_says_nothing():
    for settings in ({"hidden_layer_sizes": ()}, {"activation": "softplus"}):
        assert not told(fitted(**settings).predict, [[100.0]])


def test_what_is_said_is_no_part_of_the_model():
    model = fitted()
    before = set(vars(model))
    told(model.predict, [[10.0]])
    assert set(vars(model)) == before
