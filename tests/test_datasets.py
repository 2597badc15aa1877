"""The Mackey-Glass series satisfies its equations; lagged rows line up; the split is the split."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.sparse import csr_array

from skngd.datasets import load_mackey_glass, make_lagged, make_mackey_glass, make_xor


def production(x, a=0.2, exponent=10):
    return a * x / (1 + x**exponent)


# the map


@pytest.mark.parametrize(
    ("a", "b", "tau", "exponent", "x0"), [(0.2, 0.1, 17, 10, 1.2), (0.5, 0.3, 5, 8.5, 0.4)]
)
def test_map_satisfies_its_recurrence(a, b, tau, exponent, x0):
    x = make_mackey_glass(3000, a=a, b=b, tau=tau, exponent=exponent, x0=x0)
    before = np.zeros(tau)
    delayed = np.concatenate([before, x])[: len(x) - 1]
    assert x[0] == x0
    assert_allclose(x[1:], (1 - b) * x[:-1] + production(delayed, a, exponent), rtol=1e-14)


def test_map_decays_until_the_first_delay_has_passed():
    x = make_mackey_glass(20)
    assert_allclose(x[:18], 1.2 * 0.9 ** np.arange(18), rtol=1e-14)
    assert_allclose(x[18], 0.9 * x[17] + production(1.2), rtol=1e-14)


@pytest.mark.parametrize("system", ["map", "dde"])
def test_equilibrium_and_bounds(system):
    # production equals decay at x = 1: unstable for tau = 17, stable for tau = 2
    x = make_mackey_glass(2000, system=system)
    assert x[200:].min() > 0.2
    assert x[200:].max() < 1.4
    assert x[1500:].std() > 0.2
    assert_allclose(make_mackey_glass(2000, system=system, tau=2)[-100:], 1, atol=1e-10)


@pytest.mark.parametrize("system", ["map", "dde"])
def test_series_is_a_prefix_of_a_longer_one(system):
    longer = make_mackey_glass(60, system=system)
    for n_samples in (1, 2, 18, 19, 59):
        x = make_mackey_glass(n_samples, system=system)
        assert x.shape == (n_samples,)
        assert x.dtype == np.float64
        assert_array_equal(x, longer[:n_samples])


# the delay differential equation


def test_dde_is_exact_on_the_first_two_delays():
    # method of steps: pure decay up to tau, then variation of constants with a known integrand
    x = make_mackey_glass(35, system="dde", step=0.02)
    assert_allclose(x[:18], 1.2 * np.exp(-0.1 * np.arange(18)), rtol=1e-10)
    for t in (18, 22, 27, 34):
        driven, _ = quad(
            lambda s, t=t: np.exp(-0.1 * (t - s)) * production(1.2 * np.exp(-0.1 * (s - 17))),
            17,
            t,
            epsabs=1e-13,
        )
        assert_allclose(x[t], 1.2 * np.exp(-0.1 * t) + driven, rtol=1e-10)


@pytest.mark.parametrize("tau", [17, 7.5])
def test_dde_converges_with_order_four(tau):
    solutions = [
        make_mackey_glass(151, system="dde", tau=tau, step=step) for step in (1 / 2, 1 / 4, 1 / 8)
    ]
    coarse, fine = (np.abs(np.diff(solutions, axis=0)).max(axis=1)).tolist()
    assert 12 < coarse / fine < 20
    assert fine < 1e-6


def test_map_is_the_euler_method_of_the_dde():
    # the same equation on a scale of time 100 times slower: the step of 1 becomes a short one
    slow = make_mackey_glass(6001, a=0.002, b=0.001, tau=1700)
    assert_allclose(slow[::100], make_mackey_glass(61, system="dde"), atol=5e-3)


# lagged rows


def test_lagged_rows_of_a_ramp():
    lags, horizon = [0, 3, 7, 1], 5
    X, y, times = make_lagged(np.arange(30.0), lags, horizon, return_times=True)
    assert_array_equal(times, np.arange(7, 25))
    assert_array_equal(X, times[:, np.newaxis] - lags)
    assert_array_equal(y, times + horizon)
    assert X.dtype == y.dtype == np.float64
    assert X.flags.c_contiguous


def test_lagged_without_times_gives_the_same_rows():
    series = np.random.default_rng(0).normal(size=20)
    with_times = make_lagged(series, [1, 4], 2, return_times=True)
    without = make_lagged(series, [1, 4], 2)
    assert len(without) == 2
    for array, again in zip(without, with_times[:2], strict=True):
        assert_array_equal(array, again)


@pytest.mark.parametrize("lags", [range(3), (0, 1, 2), np.array([0, 1, 2], dtype=np.uint64)])
@pytest.mark.parametrize("series", [list(range(6)), np.arange(6, dtype=np.float32)])
def test_lagged_takes_any_array_like(series, lags):
    X, y = make_lagged(series, lags, 1)
    assert_array_equal(X, [[2, 1, 0], [3, 2, 1], [4, 3, 2]])
    assert_array_equal(y, [3, 4, 5])


def test_lagged_shortest_series_is_one_row():
    X, y = make_lagged([5, 6, 7, 8], [2, 0], 1)
    assert_array_equal(X, [[5, 7]])
    assert_array_equal(y, [8])


# the standard split


@pytest.fixture(scope="module")
def data():
    return load_mackey_glass()


def test_stored_series_is_that_of_the_map(data):
    x = data.series
    assert x.shape == (6000,)
    assert_allclose(x[:601], make_mackey_glass(601), rtol=0, atol=1e-12)
    # every single step of the whole series, where rounding has no time to grow
    delayed = np.concatenate([np.zeros(17), x])[:5999]
    assert_allclose(x[1:], 0.9 * x[:-1] + production(delayed), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "first", "n_rows"), [("train", 200, 500), ("val", 800, 1000), ("test", 5000, 500)]
)
def test_split_is_made_of_lagged_rows(data, name, first, n_rows):
    X, y, times = make_lagged(data.series, [0, 6, 12, 18], 6, return_times=True)
    rows = np.searchsorted(times, np.arange(first, first + n_rows))
    assert data[f"X_{name}"].shape == (n_rows, 4)
    assert data[f"y_{name}"].shape == (n_rows,)
    assert_array_equal(data[f"X_{name}"], X[rows])
    assert_array_equal(data[f"y_{name}"], y[rows])
    assert data[f"X_{name}"][0, 3] == data.series[first - 18]
    assert data[f"y_{name}"][-1] == data.series[first + n_rows + 5]


def test_sets_share_no_value(data):
    sets = [
        np.union1d(data[f"X_{name}"].ravel(), data[f"y_{name}"])
        for name in ("train", "val", "test")
    ]
    assert len(np.unique(np.concatenate(sets))) == sum(map(len, sets))


def test_bunch_names_and_independent_copies(data):
    assert data.feature_names == ["x(t)", "x(t-6)", "x(t-12)", "x(t-18)"]
    assert "x(t+6)" in data.DESCR
    changed = load_mackey_glass()
    original = changed.series.copy()
    changed.X_train[:] = 0
    assert_array_equal(changed.series, original)
    assert_array_equal(load_mackey_glass().X_train, data.X_train)


# bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "'n_samples' parameter .* int in the range"),
        ({"n_samples": 2.5}, "'n_samples' parameter .* int in the range"),
        ({"system": "ode"}, "'system' parameter .* must be a str among"),
        ({"a": -0.1}, "'a' parameter .* float in the range"),
        ({"a": np.nan}, "'a' parameter .* float in the range"),
        ({"b": 1.5}, "'b' parameter .* float in the range"),
        ({"tau": 0}, "'tau' parameter .* float in the range"),
        ({"tau": np.inf}, "'tau' parameter .* float in the range"),
        ({"exponent": 0}, "'exponent' parameter .* float in the range"),
        ({"x0": -1}, "'x0' parameter .* float in the range"),
        ({"x0": "1.2"}, "'x0' parameter .* float in the range"),
        ({"step": 0}, "'step' parameter .* float in the range"),
        ({"step": 2}, "'step' parameter .* float in the range"),
        ({"tau": 17.5}, "tau to be a whole number for system='map', got 17.5. Try system='dde'"),
        ({"tau": 0.5}, "tau to be a whole number for system='map', got 0.5"),
        ({"system": "dde", "step": 0.3}, "1 / step to be a whole number, got 3.33333"),
        ({"system": "dde", "tau": 17.05}, "tau / step to be a whole number, got 170.5. Try a tau"),
        ({"system": "dde", "tau": 1e308}, "tau / step to be a whole number, got inf"),
        ({"x0": 1e40}, "overflows for .* Try smaller ones"),
        ({"a": 1e308, "x0": 20}, "overflows for .* Try smaller ones"),
        ({"system": "dde", "x0": 1e40}, "overflows for .* Try smaller ones"),
    ],
    ids=repr,
)
def test_mackey_glass_refuses(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_mackey_glass(**{"n_samples": 60, **parameters})


def test_only_the_length_is_positional():
    with pytest.raises(TypeError, match="positional"):
        make_mackey_glass(100, "dde")


RAMP = np.arange(10.0)


@pytest.mark.parametrize(
    ("series", "lags", "horizon", "message"),
    [
        ([1, np.nan, *range(10)], [0], 1, "series contains NaN"),
        ([1, np.inf, *range(10)], [0], 1, "series contains infinity"),
        (RAMP + 1j, [0], 1, "Complex data not supported"),
        (["a", "b", "c"], [0], 1, "could not convert string to float"),
        ([], [0], 1, "at least 2 values for a lag of 0 and horizon=1, got 0"),
        (3.0, [0], 1, r"series to be one-dimensional, got shape \(\)"),
        (RAMP[:, np.newaxis], [0], 1, r"got shape \(10, 1\). Pass one column"),
        (RAMP, [0, 6], 4, "at least 11 values for a lag of 6 and horizon=4, got 10. Use smaller"),
        (RAMP, [0], 10, "at least 11 values"),
        (RAMP, [2**62], 1, "at least 4611686018427387906 values"),
        (RAMP, [0, -6], 1, r"lags to be at least 0, got \[0, -6\]. .* horizon"),
        (RAMP, [], 1, r"list of whole numbers, such as \[0, 6, 12, 18\], got \[\]"),
        (RAMP, 3, 1, "list of whole numbers, such as .*, got 3"),
        (RAMP, [0, 1.5], 1, "list of whole numbers"),
        (RAMP, [True, False], 1, "list of whole numbers"),
        (RAMP, [[0, 1]], 1, "list of whole numbers"),
        (RAMP, [[0], [1, 2]], 1, "list of whole numbers"),
        (RAMP, None, 1, "list of whole numbers"),
        (RAMP, [0], 0, "'horizon' parameter .* int in the range"),
        (RAMP, [0], -6, "'horizon' parameter .* int in the range"),
        (RAMP, [0], 1.5, "'horizon' parameter .* int in the range"),
    ],
)
def test_lagged_refuses(series, lags, horizon, message):
    with pytest.raises(ValueError, match=message):
        make_lagged(series, lags, horizon)


def test_lagged_refuses_a_sparse_series():
    with pytest.raises(TypeError, match="dense data is required"):
        make_lagged(csr_array(RAMP[np.newaxis]), [0], 1)


# Exclusive or


@pytest.mark.parametrize("n_side", [2, 3])
def test_the_probabilities_of_the_clusters_are_those_of_the_labels(n_side):
    _, y, p = make_xor(50_000, n_side=n_side, random_state=0, return_probability=True)
    for low in np.arange(0, 1, 0.1):
        rows = (p >= low) & (p < low + 0.1)
        error = np.sqrt(0.25 / rows.sum())
        assert abs(y[rows].mean() - p[rows].mean()) < 4 * error


def test_narrow_clusters_are_a_chessboard():
    X, y = make_xor(200, n_side=3, spread=1e-3, random_state=0)
    assert_array_equal(np.rint(X + 1).sum(axis=1) % 2, y)
    assert_array_equal(X, make_xor(200, n_side=3, spread=1e-3, random_state=0)[0])


@pytest.mark.parametrize("bad", [{"n_side": 1}, {"spread": 0.0}, {"n_samples": 0}], ids=str)
def test_clusters_that_do_not_exist(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        make_xor(**bad)
