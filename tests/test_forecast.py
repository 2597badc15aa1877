"""Forecasts: rows line up, recursion is the recursion, intervals grow as the dynamics says."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import BayesianRidge, LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skngd import NaturalMomentumRegressor
from skngd.forecast import DirectForecaster, RecursiveForecaster
from skngd.forecast.spread import error_sequences, is_white
from skngd.inspection import ForecastDisplay

BOTH = pytest.mark.parametrize("forecaster", [RecursiveForecaster, DirectForecaster])


class Known(RegressorMixin, BaseEstimator):
    """A linear map with normal errors of a known size: nothing is learnt."""

    def __init__(self, weights=(1.0,), noise=0.0):
        self.weights = weights
        self.noise = noise

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X, return_std=False):
        mean = X @ np.asarray(self.weights)
        return (mean, np.full(mean.shape, self.noise)) if return_std else mean


def linear_series(n=60):
    """x(t + 1) = 1.2 x(t) − 0.9 x(t − 2) + 0.5 e(t + 1) − 0.3 e(t), and e."""
    exog = np.random.RandomState(3).standard_normal(n)
    x = np.zeros(n)
    x[:3] = 1.0, 0.5, -0.2
    for t in range(2, n - 1):
        x[t + 1] = 1.2 * x[t] - 0.9 * x[t - 2] + 0.5 * exog[t + 1] - 0.3 * exog[t]
    return x, exog


@pytest.fixture(scope="module")
def autoregression():
    """x(t + 1) = 0.8 x(t) + ε, and forecasts from its end."""
    rng = np.random.RandomState(0)
    x = np.zeros(3000)
    for t in range(2999):
        x[t + 1] = 0.8 * x[t] + rng.standard_normal()
    return x


# what is forecast


@pytest.mark.parametrize("target", ["value", "change"])
@BOTH
def test_a_linear_recurrence_is_continued_exactly(forecaster, target):
    x, exog = linear_series()
    # The forecast h steps ahead needs all exogenous values since t.
    model = forecaster(
        LinearRegression(), lags=[0, 1, 2], exog_lags=6, target=target, horizon=5, spread=None
    )
    model.fit(x[:50], exog[:50])
    assert_allclose(model.predict(5, exog[50:55]), x[50:55], atol=1e-8)
    # from any other past as well
    again = model.predict(5, exog[40:45], history=x[:40], history_exog=exog[:40])
    assert_allclose(again, x[40:45], atol=1e-8)
    assert model.score(x, exog) == pytest.approx(1)


def test_several_series_are_forecast_together():
    angle = 0.4 * np.arange(80)
    series = np.column_stack([np.cos(angle), np.sin(angle), np.cos(angle) + np.sin(angle)])
    model = RecursiveForecaster(LinearRegression(), lags=1, spread=None).fit(series[:40])
    assert model.row_names_ == ["x0(t)", "x1(t)", "x2(t)"]
    assert_allclose(model.predict(40), series[40:], atol=1e-10)


def test_rows_have_the_columns_that_their_names_say():
    x, exog = linear_series()
    both, known = np.column_stack([x, -x]), np.column_stack([exog, 10 * exog])
    seen = {}

    class Spy(Known):
        def fit(self, X, y):
            seen.update(X=X, y=y)
            return self

    spy = Spy(weights=np.zeros((8, 2)))
    model = RecursiveForecaster(spy, lags=[0, 4], exog_lags=[1, 0], spread=None).fit(both, known)
    assert model.row_names_ == [
        *("x0(t)", "x0(t-4)", "x1(t)", "x1(t-4)"),
        *("exog0(t+h-1)", "exog0(t+h)", "exog1(t+h-1)", "exog1(t+h)"),
    ]
    t = np.arange(4, len(x) - 1)
    rows = [x[t], x[t - 4], -x[t], -x[t - 4], exog[t], exog[t + 1], 10 * exog[t], 10 * exog[t + 1]]
    assert_array_equal(seen["X"], np.column_stack(rows))
    assert_array_equal(seen["y"], both[t + 1])


def test_the_recursion_sees_the_rows_that_it_was_fitted_to():
    x, exog = linear_series()
    weights = (0.3, -0.5, 0.2, 0.7)
    model = RecursiveForecaster(Known(weights), lags=[1, 4], exog_lags=[0, 3]).fit(x, exog)
    ahead = np.arange(3.0)
    values, known = list(x), [*exog, *ahead]
    for t in range(len(x) - 1, len(x) + 2):
        row = values[t - 1], values[t - 4], known[t + 1], known[t - 2]
        values.append(np.dot(weights, row))
    assert_allclose(model.predict(3, ahead), values[-3:], rtol=1e-12)


def test_score_starts_from_every_time():
    x, _ = linear_series(40)
    model = RecursiveForecaster(Known((0.5, 0.1)), lags=2, horizon=3).fit(x)
    told, true = [], []
    for t in range(1, len(x) - 3):
        told.append(model.predict(3, history=x[: t + 1]))
        true.append(x[t + 1 : t + 4])
    told, true = np.ravel(told), np.ravel(true)
    expected = 1 - np.sum((told - true) ** 2) / np.sum((true - true.mean()) ** 2)
    assert model.score(x) == pytest.approx(expected)


def test_a_network_forecasts_a_logistic_map_as_long_as_chaos_allows():
    x = [0.3]
    for _ in range(250):
        x.append(3.9 * x[-1] * (1 - x[-1]))
    x = np.array(x)
    network = NaturalMomentumRegressor(8, n_init=1, random_state=0, tol=1e-14)
    model = RecursiveForecaster(network, lags=1).fit(x[:200])
    assert_allclose(model.predict(6), x[200:206], atol=1e-3)
    low, high = model.predict_quantiles(6, (0.025, 0.975))
    assert ((low <= x[200:206]) & (x[200:206] <= high)).mean() > 0.6


# intervals


def test_intervals_of_an_autoregression_grow_as_its_variance(autoregression):
    x, a, steps = autoregression, 0.8, 20
    model = RecursiveForecaster(Known((a,), noise=1.0), lags=1, n_paths=2000, random_state=0).fit(x)
    forecast, std = model.predict(steps, return_std=True)
    h = np.arange(1, steps + 1)
    exact = np.sqrt((1 - a ** (2 * h)) / (1 - a**2))
    assert_allclose(forecast, a**h * x[-1], rtol=1e-12)
    assert_allclose(std, exact, rtol=0.05)
    low, high = model.predict_quantiles(steps, (0.1, 0.9))
    assert_allclose((high - low) / (2 * norm.ppf(0.9)), exact, rtol=0.08)


@pytest.mark.parametrize("regressor", [LinearRegression(), BayesianRidge()])
@BOTH
def test_bands_cover_what_they_promise(forecaster, regressor, autoregression):
    # residuals of held-out rows for the one, its own standard deviation for the other
    x, steps = autoregression, 5
    model = forecaster(regressor, lags=2, horizon=steps, random_state=0).fit(x[:1500])
    if forecaster is RecursiveForecaster:
        model.set_params(n_paths=200)
    inside = []
    for t in range(1500, 2900, 20):
        low, high = model.predict_quantiles(steps, (0.05, 0.95), history=x[:t])
        inside.append((low < x[t : t + steps]) & (x[t : t + steps] < high))
    assert 0.83 < np.mean(inside) < 0.96


def test_drawn_errors_have_the_correlation_in_time_of_the_residuals():
    rng = np.random.RandomState(0)
    for n in (24, 25):
        residuals = np.cumsum(rng.standard_normal((n, 2)), axis=0)
        drawn = error_sequences(residuals, 20_000, n, rng)
        for lag in (0, 1, 5):
            there = np.roll(residuals, -lag, axis=0)
            exact = residuals.T @ there / n
            found = np.einsum("pi,pj->ij", drawn[:, 3], drawn[:, 3 + lag]) / len(drawn)
            assert_allclose(found, exact, atol=0.04 * np.abs(exact).max())
    # and go on where there are fewer residuals than steps
    assert error_sequences(residuals, 2, 3 * n, rng).shape == (2, 3 * n, 2)


def test_white_residuals_give_white_errors():
    rng = np.random.RandomState(0)
    mixed = rng.standard_normal((50, 2)) @ [[1.0, 2.0], [0.0, 0.5]]
    assert is_white(mixed)
    assert not is_white(np.cumsum(mixed, axis=0))
    drawn = error_sequences(mixed, 4000, 10, rng)
    exact = mixed.T @ mixed / 50
    assert_allclose(np.einsum("pti,ptj->ij", drawn, drawn) / 40_000, exact, rtol=0.05)
    sums = drawn.sum(axis=1)
    assert_allclose(sums.T @ sums / 4000, 10 * exact, rtol=0.1)
    # about one in a hundred of white series is taken for something else
    assert np.mean([is_white(rng.standard_normal((60, 1))) for _ in range(500)]) > 0.97


def test_an_error_that_stays_makes_wider_bands_than_noise():
    # x(t + 1) = x(t) + f, and a regressor that misses f by a slow wave
    t = np.arange(400.0)
    x = np.cumsum(1e-2 * np.sin(2 * np.pi * t / 200))
    model = RecursiveForecaster(Known((1.0,), noise=1e-2), lags=1, n_paths=2000, random_state=0)
    _, slow = model.fit(x).predict(25, return_std=True)
    noise = np.random.RandomState(0).standard_normal(4000)
    _, white = model.fit(noise.cumsum()).predict(25, return_std=True)
    assert_allclose(white[-1], 1e-2 * 25**0.5, rtol=0.2)
    assert_allclose(slow[-1], 1e-2 * 25, rtol=0.1)


def test_errors_of_several_series_are_drawn_together(autoregression):
    both = np.column_stack([autoregression, -2 * autoregression])[:500]

    class Two(Known):
        def predict(self, X, return_std=False):
            mean, std = X * 0.8, np.tile([1.0, 2.0], (len(X), 1))
            return (mean, std) if return_std else mean

    for model in (
        RecursiveForecaster(Two(), lags=1, random_state=0),
        RecursiveForecaster(LinearRegression(), lags=1, random_state=0),
    ):
        first, second = model.fit(both).sample_paths(3, 300)[:, -1].T
        assert np.corrcoef(first, second)[0, 1] < -0.999


def test_paths_are_drawn_anew_or_again():
    x, _ = linear_series(30)
    model = RecursiveForecaster(Known((0.5,), noise=1.0), lags=1, random_state=0).fit(x)
    assert model.sample_paths(4, 7).shape == (7, 4)
    assert_array_equal(model.sample_paths(4, 7), model.sample_paths(4, 7))
    assert np.ptp(model.sample_paths(4, 7)[:, 0]) > 0
    model.set_params(random_state=np.random.RandomState(0))
    assert not np.array_equal(model.sample_paths(4, 7), model.sample_paths(4, 7))


def test_direct_quantiles_are_those_of_the_residuals(autoregression):
    x = autoregression[:400]
    model = DirectForecaster(LinearRegression(), lags=1, horizon=2).fit(x)
    X, y = x[:-2, np.newaxis], x[2:]
    n_held = round(0.2 * len(X))
    trial = LinearRegression().fit(X[:-n_held], y[:-n_held])
    residual = y[-n_held:] - trial.predict(X[-n_held:])
    forecast, std = model.predict(return_std=True)
    assert std[1] == pytest.approx(np.sqrt(np.mean(residual**2)))
    low = model.predict_quantiles(2, 0.1)[0]
    assert low[1] == pytest.approx(forecast[1] + np.quantile(residual, 0.1))


# any regressor, scikit-learn's tools


@pytest.mark.parametrize(
    ("regressor", "kind"),
    [
        (GaussianProcessRegressor(alpha=1e-4, optimizer=None), "StandardDeviations"),
        (make_pipeline(StandardScaler(), BayesianRidge()), "StandardDeviations"),
        (make_pipeline(StandardScaler(), LinearRegression()), "HeldOutResiduals"),
        (GridSearchCV(BayesianRidge(), {"tol": [1e-3]}), "HeldOutResiduals"),
    ],
)
@BOTH
def test_any_regressor_or_pipeline(forecaster, regressor, kind):
    x = np.sin(0.5 * np.arange(100))
    model = forecaster(regressor, lags=3, horizon=4).fit(x)
    spread = model._spread if forecaster is RecursiveForecaster else model._spreads[0]
    assert type(spread).__name__ == kind
    forecast, std = model.predict(4, return_std=True)
    assert_allclose(forecast, np.sin(0.5 * np.arange(100, 104)), atol=0.05)
    assert std.shape == (4,)


def test_a_fitted_regressor_is_left_as_it_is():
    x = np.sin(0.5 * np.arange(100))
    fitted = LinearRegression().fit(np.column_stack([x[1:-1], x[:-2]]), x[2:])
    model = RecursiveForecaster(FrozenEstimator(fitted), lags=2).fit(x[:20] + 1)
    assert_array_equal(model.estimator_.coef_, fitted.coef_)
    assert_allclose(model.predict(30, history=x), np.sin(0.5 * np.arange(100, 130)), atol=1e-8)


@BOTH
def test_a_grid_over_lags_and_the_regressor(forecaster):
    x, exog = linear_series(120)
    grid = {"lags": [1, 3], "estimator__fit_intercept": [True, False]}
    model = forecaster(LinearRegression(), horizon=1, exog_lags=2, spread=None)
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(3), error_score="raise")
    search.fit(np.sin(0.5 * np.arange(120)))
    assert search.best_params_["lags"] == 3
    assert search.best_score_ > 0.999
    # Exogenous values are cut to the folds; that the scores need them, too, has to be said.
    with pytest.raises(ValueError, match="Expected exogenous values with series, as in fit"):
        search.fit(x, exog=exog)
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(exog=True).set_score_request(exog=True)
        assert clone(search).set_params(estimator=model).fit(x, exog=exog).best_score_ > 0.999


@BOTH
def test_clone_and_parameters(forecaster):
    model = forecaster(BayesianRidge(), lags=[0, 2], target="change")
    copy = clone(model).set_params(estimator__tol=1e-2)
    assert copy.lags == [0, 2]
    assert model.estimator.tol != 1e-2
    with pytest.raises(NotFittedError):
        copy.predict(3)


def test_frames_are_series_and_the_default_regressor_is_ours():
    frame = pd.DataFrame({"a": np.sin(0.5 * np.arange(60))})
    network = NaturalMomentumRegressor(3, n_init=1, max_iter=30, random_state=0)
    model = RecursiveForecaster(network, lags=2).fit(frame)
    assert model.predict(3).shape == (3, 1)
    assert RecursiveForecaster(network, lags=2).fit(frame["a"]).predict(3).shape == (3,)
    assert RecursiveForecaster(lags=1, spread=None).fit(np.arange(9.0)).predict(2).shape == (2,)


def test_the_display_draws_a_forecaster():
    x, exog = linear_series()
    model = RecursiveForecaster(BayesianRidge(), lags=3, exog_lags=3, random_state=0)
    model.fit(x[:50], exog[:50])
    given = {"exog": exog[40:50], "past_exog": exog[:40]}
    display = ForecastDisplay.from_estimator(model, 10, x[:40], x[40:50], **given)
    again = model.predict(10, exog[40:50], history=x[:40], history_exog=exog[:40])
    assert_array_equal(display.forecast, again)
    assert display.band.shape == (2, 10)


# what cannot be


FIT = [
    ({"lags": [-1]}, {}, "Expected lags to be at least 0"),
    ({"lags": [0.5]}, {}, "Expected lags to be a list of whole numbers"),
    ({"exog_lags": [-1]}, {}, "Expected exog_lags to be at least 0"),
    ({"lags": 0}, {}, "lags"),
    ({"lags": 40}, {}, "Expected a series of at least 41 values"),
    ({"exog_lags": [31], "lags": 30}, {"exog": np.zeros(31)}, "at least one row whose past"),
    ({"spread": "std"}, {}, "predict\\(X, return_std=True\\) for spread='std'"),
    ({}, {"exog": np.zeros(5)}, "Expected 31 rows of exog"),
    ({}, {"exog": np.full(31, np.nan)}, "exog contains NaN"),
    ({}, {"series": np.zeros((3, 3, 3))}, "Expected series of shape"),
    ({}, {"exog": np.zeros((31, 0))}, "0 feature"),
]


@pytest.mark.parametrize(("settings", "data", "message"), FIT)
def test_what_fit_refuses(settings, data, message):
    model = RecursiveForecaster(LinearRegression(), **{"lags": 2, **settings})
    with pytest.raises(ValueError, match=message):
        model.fit(**{"series": np.arange(31.0), **data})


def test_what_predict_refuses():
    x, exog = linear_series()
    plain = RecursiveForecaster(LinearRegression(), lags=3).fit(x)
    driven = RecursiveForecaster(LinearRegression(), lags=3, exog_lags=3).fit(x, exog)
    direct = DirectForecaster(LinearRegression(), lags=3, horizon=2).fit(x)
    for call, message in [
        (lambda: plain.predict(0), "steps to be a whole number"),
        (lambda: plain.sample_paths(2, 0), "n_paths to be a whole number"),
        (lambda: plain.predict(2, exog[:2]), "Expected no exogenous values with steps"),
        (lambda: plain.predict(2, history=x[:2]), "history of at least 3"),
        (lambda: plain.predict(2, history=np.zeros((9, 2))), "history with 1 columns"),
        (lambda: plain.predict_quantiles(2, (0.5, 1.0)), "levels between 0 and 1"),
        (lambda: driven.predict(2), "Expected exogenous values with steps"),
        (lambda: driven.predict(2, exog[:3]), "Expected 2 rows of exog"),
        (lambda: driven.predict(2, np.zeros((2, 2))), "exog with 1 columns"),
        (lambda: driven.score(x, np.zeros((60, 2))), "exog with 1 columns"),
        (lambda: driven.score(x), "Expected exogenous values with series"),
        (lambda: driven.predict(2, exog[:2], history=x), "exogenous values with history"),
        (lambda: driven.predict(2, exog[:2], history_exog=exog), "Expected history with history_"),
        (lambda: direct.predict(3), "at most 2 steps"),
        (lambda: plain.score(x[:3]), "series of at least 4 values"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


def test_a_missing_spread_says_why():
    x = np.sin(np.arange(30.0))
    short = RecursiveForecaster(LinearRegression(), lags=2).fit(x)
    with pytest.raises(ValueError, match="there are 6 held-out rows of 28, fewer than 10"):
        short.predict(2, return_std=True)
    without = DirectForecaster(LinearRegression(), lags=2, spread=None).fit(x)
    with pytest.raises(ValueError, match="spread=None left it out"):
        without.predict(1, return_std=True)


def test_a_forecast_that_explodes_is_refused():
    model = RecursiveForecaster(Known((1e200,)), lags=1).fit(np.arange(1.0, 9))
    with pytest.raises(ValueError, match="not finite after 2 steps"):
        model.predict(5)
