"""Displays: what they keep is what estimators answer, and what they draw is what they keep."""

import builtins

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import LogNorm
from numpy.testing import assert_allclose, assert_array_equal

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.inspection import (
    ConvergenceDisplay,
    FieldDisplay,
    ForecastDisplay,
    IntervalDisplay,
    KernelDisplay,
    SpectrumDisplay,
    TrajectoryDisplay,
    greens_function,
    nntk,
)
from skngd.losses import SquaredLoss
from skngd.models import LinearModel
from skngd.optim import Objective
from skngd.pde import Box, Dirichlet, Disk, Initial, Problem, Unknown

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:skngd"),
]

RANDOM = np.random.RandomState(0)
LINE = np.linspace(-1, 1, 30).reshape(-1, 1)
QUICK = {"activation": "tanh", "n_init": 1, "random_state": 0}


class Heat(Problem):
    domain = Box(t=(0, 1), x=(0, 2))
    conditions = (Initial(lambda x: np.sin(np.pi * x / 2)), Dirichlet(0.0, on="x"))

    def __init__(self, kappa=0.25):
        self.kappa = kappa

    def residual(self, u, t, x):
        return u.t - self.kappa * u.xx


class Hole(Problem):
    domain = Box(x=(-1, 1), y=(-1, 1)) - Disk(radius=0.5, face="hole")
    conditions = (Dirichlet(0.0),)

    def residual(self, u, x, y):
        return u.laplacian() + 1


@pytest.fixture(autouse=True)
def no_figure_stays():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def regressor():
    y = np.sin(3 * LINE[:, 0]) + 0.1 * RANDOM.standard_normal(30)
    return NaturalMomentumRegressor((4,), **(QUICK | {"n_init": 2})).fit(LINE, y)


@pytest.fixture(scope="module")
def classifier():
    return NaturalMomentumClassifier((3,), max_iter=3, **QUICK).fit(LINE, LINE[:, 0] > 0)


@pytest.fixture(scope="module")
def heat():
    X = RANDOM.uniform(0, 1, (20, 2))
    y = np.exp(-0.25 * np.pi**2 / 4 * X[:, 0]) * np.sin(np.pi * X[:, 1] / 2)
    problem = Heat(Unknown(0.3, low=0))
    return PINNEstimator(problem, (8,), max_iter=15, **QUICK).fit(X, y)


@pytest.fixture(scope="module")
def hole():
    return PINNEstimator(Hole(), (4,), max_iter=2, estimate_error=False, **QUICK).fit()


# Convergence


def test_a_curve_is_that_of_the_best_start(regressor):
    display = ConvergenceDisplay.from_estimator(regressor)
    ((iterations, losses),) = display.curves.values()
    assert_array_equal(losses, regressor.loss_curve_)
    assert_array_equal(iterations, np.arange(regressor.n_iter_ + 1))
    (line,) = display.artists_
    assert_array_equal(line.get_ydata(), losses)
    assert display.ax_.get_yscale() == "log"


def test_time_is_that_of_the_history(heat):
    display = ConvergenceDisplay.from_estimators({"heat": heat}, by="time")
    seconds, _ = display.curves["heat"]
    assert_array_equal(seconds, heat.history_["time"])
    assert display.ax_.get_xlabel() == "time (s)"


def test_blocks_are_equation_conditions_and_measurements(heat):
    display = ConvergenceDisplay.from_estimator(heat, blocks=True)
    assert set(display.curves) == {"equation", "initial", "dirichlet x", "measurements u"}
    assert_array_equal(display.curves["initial"][1], heat.history_["initial"])


def test_curves_of_any_origin():
    display = ConvergenceDisplay.from_predictions(
        {"losses": [1.0, 0.1, 0.0], "pairs": ([0.0, 2.0], [1.0, 0.5])}, label="RMSE"
    )
    first, second = display.artists_
    assert_array_equal(first.get_ydata(), [1.0, 0.1, np.nan])  # zero has no logarithm
    assert_array_equal(second.get_xdata(), [0.0, 2.0])
    assert display.ax_.get_ylabel() == "RMSE"


# Fields


def test_a_map_is_predict_on_a_grid(heat):
    display = FieldDisplay.from_estimator(heat, n_points=5)
    t, x = display.grid.values()
    assert (t[-1], x[-1]) == (1.0, 2.0)
    rows = np.array([[t[1], x[3]], [t[4], x[0]]])
    assert_allclose(display.values[[1, 4], [3, 0]], heat.predict(rows), atol=1e-14)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("t", "x")
    assert display.colorbar_.ax.get_ylabel() == "u"


def test_a_cut_is_predict_along_a_line(heat):
    display = FieldDisplay.from_estimator(heat, fixed={"t": 0.5})
    again = FieldDisplay.from_estimator(heat, fixed={"t": 1.0}, ax=display.ax_)
    x = display.grid["x"]
    assert_allclose(display.values, heat.predict(np.stack([0.5 + 0 * x, x], axis=1)), atol=1e-14)
    names = [text.get_text() for text in again.ax_.get_legend().get_texts()]
    assert names == ["t = 0.5", "t = 1"]


def test_residuals_and_errors_are_sizes(heat):
    for response, answer in (
        ("residual", lambda X: heat.residual(X)),
        ("error", lambda X: heat.predict(X, return_std=True)[1]),
    ):
        display = FieldDisplay.from_estimator(heat, response=response, n_points=4)
        t, x = display.grid.values()
        assert_allclose(display.values[1, 2], answer([[t[1], x[2]]])[0], rtol=1e-6)
        shown = display.artists_[0].get_array()
        assert (shown >= 0).all()


def test_nothing_is_drawn_outside_of_the_domain(hole):
    values = FieldDisplay.from_estimator(hole, n_points=21).values
    assert np.isnan(values[10, 10])
    assert np.isfinite(values[0, 0])
    with pytest.raises(ValueError, match="inside the domain"):
        FieldDisplay.from_estimator(hole, fixed={"x": 3.0})


def test_fits_to_rows_show_the_range_of_the_rows(regressor, classifier):
    display = FieldDisplay.from_estimator(regressor, LINE, LINE[:, 0])
    assert_allclose(display.values, regressor.predict(display.grid["x0"].reshape(-1, 1)))
    assert len(display.artists_) == 2  # the line and the points
    display = FieldDisplay.from_estimator(classifier, LINE)
    assert_allclose(
        display.values, classifier.predict_proba(display.grid["x0"].reshape(-1, 1))[:, 1]
    )
    assert display.label == "probability of True"


def test_values_on_a_grid_may_be_flat():
    grid = {"a": [0.0, 1.0], "b": [0.0, 1.0, 2.0]}
    display = FieldDisplay.from_predictions(grid, np.arange(6), label="w", is_size=True)
    assert_array_equal(display.values, [[0, 1, 2], [3, 4, 5]])


# Spectra


def test_a_spectrum_is_that_of_the_kernel(regressor):
    display = SpectrumDisplay.from_estimator(regressor, LINE)
    assert display.rank == round(np.trace(nntk(regressor, LINE, rcond=0.0)) / 30)
    assert display.damping == regressor.history_["damping"][-1]


def test_a_spectrum_of_a_problem_has_all_its_conditions(hole):
    display = SpectrumDisplay.from_estimator(hole)
    assert len(display.singular_values) == len(hole.theta_)
    given = SpectrumDisplay.from_estimator(hole, Hole.domain.sample(200, random_state=0))
    assert_allclose(given.singular_values[:3], display.singular_values[:3], rtol=0.2)


def test_a_spectrum_shows_the_cut_off_that_adapts():
    settings = {"rcond": "adaptive", "momentum": None, "step_size": "grid"}
    solver = PINNEstimator(
        Hole(), (4,), max_iter=3, estimate_error=False, **settings, **QUICK
    ).fit()
    display = SpectrumDisplay.from_estimator(solver)
    assert display.rank < len(solver.theta_)
    assert display.rcond > 1e-6


def test_a_spectrum_of_a_matrix():
    display = SpectrumDisplay.from_predictions(np.diag([4.0, 2.0, 1.0]), rcond=0.3, damping=4.0)
    assert display.rank == 2
    levels = [line.get_ydata()[0] for line in display.artists_[1:]]
    assert_allclose(levels, [1.2, 2.0])


# Kernels


def test_kernels_are_those_of_the_functions(regressor, hole):
    display = KernelDisplay.from_estimator(regressor, LINE)
    assert_array_equal(display.kernel, nntk(regressor, LINE))
    lines = KernelDisplay.from_estimator(regressor, LINE, LINE[:3], kind="ntk")
    assert len(lines.artists_) == 3
    X = Hole.domain.sample(60, random_state=0)
    plane = KernelDisplay.from_estimator(hole, X, X[:1], kind="green")
    assert_array_equal(plane.kernel, greens_function(hole, X, X[:1]))
    assert plane.ax_.get_ylabel() == "y"


# Intervals


def test_a_band_is_that_of_predict(regressor):
    display = IntervalDisplay.from_estimator(regressor, LINE, np.sin(3 * LINE[:, 0]))
    value, std = regressor.predict(display.x.reshape(-1, 1), return_std=True)
    assert_allclose(display.value, value)
    assert_allclose(display.half_width, 1.959964 * std, rtol=1e-6)
    assert display.coverage > 0.9


def test_a_wider_level_is_a_wider_band():
    x, std = np.arange(5.0), np.ones(5)
    narrow, wide = (
        IntervalDisplay.from_predictions(x, x, std, x + 1.5, level=level) for level in (0.5, 0.95)
    )
    assert (narrow.coverage, wide.coverage) == (0.0, 1.0)


def test_a_band_of_a_cut_through_a_problem(heat):
    cut = np.array([[0.5, 0.0], [0.5, 2.0]])
    display = IntervalDisplay.from_estimator(heat, cut)
    assert (display.column, display.label) == ("x", "u")
    # Measurements have noise that the band does not.
    assert display.artists_[1].get_label() == "95 % band of u"
    assert np.isnan(display.coverage)
    with pytest.raises(ValueError, match="a single column"):
        IntervalDisplay.from_estimator(heat, np.eye(2))


def test_the_truth_of_each_coefficient_is_drawn():
    truth = np.array([0.2, 3.0])
    display = IntervalDisplay(["a", "b"], np.array([0.3, 2.0]), np.array([0.2, 0.5]), truth=truth)
    assert display.coverage == 0.5
    drawn = display.plot().artists_[1].get_segments()
    assert_array_equal([segment[:, 1] for segment in drawn], [[0.2, 0.2], [3.0, 3.0]])


def test_unknowns_with_their_intervals(heat):
    display = IntervalDisplay.from_unknowns(heat)
    assert_allclose(display.value, [heat.unknowns_["kappa"]])
    assert_allclose(display.half_width, [1.959964 * heat.unknowns_std_["kappa"]], rtol=1e-6)
    relative = IntervalDisplay.from_unknowns(heat, {"kappa": 0.5})
    assert_allclose(relative.value, display.value / 0.5)


# Forecasts


class Drift:
    """Says the last value, and a band that grows as the root of the steps."""

    def predict(self, steps, exog=None, *, history=None, history_exog=None):
        return np.repeat(np.asarray(history)[-1:], steps, axis=0)

    def predict_quantiles(self, steps, quantiles, exog=None, **given):
        spread = np.sqrt(np.arange(1, steps + 1)).reshape(
            -1, *[1] * (np.ndim(given["history"]) - 1)
        )
        return np.stack([self.predict(steps, **given) + (q - 0.5) * spread for q in quantiles])


@pytest.mark.parametrize("several", [False, True])
def test_a_forecast_follows_the_past(several):
    series = np.arange(20.0)
    given = np.stack([0 * series, series], axis=1) if several else series
    display = ForecastDisplay.from_estimator(
        Drift(), 4, given, given[-1:] + 0.1, level=0.8, series=1 if several else 0
    )
    assert_array_equal(display.forecast, np.full(4, 19.0))
    assert_allclose(display.band[1] - display.band[0], 0.8 * np.sqrt([1, 2, 3, 4]))
    assert display.coverage == 1.0
    past, _, line, _ = display.artists_
    # The forecast begins where the past ends.
    assert past.get_xydata()[-1].tolist() == line.get_xydata()[0].tolist() == [0, 19]
    assert line.get_xdata()[-1] == 4
    assert len(display.plot(n_past=5).artists_[0].get_xdata()) == 5


def test_a_forecast_without_a_band():
    display = ForecastDisplay.from_predictions([1.0, 2.0])
    assert len(display.artists_) == 1
    assert np.isnan(display.coverage)
    with pytest.raises(ValueError, match="its lower and its upper end"):
        ForecastDisplay.from_predictions([1.0, 2.0], [[0.0, 1.0]])
    with pytest.raises(TypeError, match="predict_quantiles"):
        ForecastDisplay.from_estimator(object(), 3)
    with pytest.raises(ValueError, match="level between"):
        ForecastDisplay.from_estimator(Drift(), 3, [1.0], level=95)


# Trajectories


def test_the_contours_are_those_of_the_loss():
    x = torch.linspace(-1, 1, 20, dtype=torch.float64).unsqueeze(1)
    model = LinearModel(lambda x: torch.cat([torch.ones_like(x), x], dim=1), 2)
    objective = Objective(model, SquaredLoss(2 * x), x)
    display = TrajectoryDisplay.from_objective(objective, {"way": [[1.0, 0.0], [0.0, 2.0]]})
    i, j = 7, 40
    theta = torch.tensor([display.first[i], display.second[j]])
    assert display.losses[i, j] == pytest.approx(objective.at(theta).loss)
    assert display.first[0] < 0 < 1 < display.first[-1]


# What is refused, and what all have in common


def test_a_display_draws_again_on_other_axes(regressor):
    display = IntervalDisplay.from_estimator(regressor, LINE)
    _, ax = plt.subplots()
    assert display.plot(ax, style={"color": "red"}) is display
    assert display.ax_ is ax
    assert display.artists_[0].get_color() == "red"


REFUSED = {
    "by": (ConvergenceDisplay, "by to be one of", {"by": "epoch"}),
    "blocks": (ConvergenceDisplay, "a problem for blocks", {"blocks": True}),
    "response": (FieldDisplay, "response to be one of", {"response": "flux"}),
    "residual": (FieldDisplay, "a problem for response", {"response": "residual"}),
    "no rows": (FieldDisplay, "of which the range is drawn", {}),
    "field": (FieldDisplay, "field to be one of", {"X": LINE, "field": "v"}),
    "fixed": (FieldDisplay, "to name some of", {"X": LINE, "fixed": {"z": 1.0}}),
    "nothing free": (FieldDisplay, "that are free", {"X": LINE, "fixed": {"x0": 1.0}}),
    "no matrix": (SpectrumDisplay, "the rows of the Jacobian", {}),
    "kind": (KernelDisplay, "kind to be one of", {"X": LINE, "kind": "rbf"}),
    "level": (IntervalDisplay, "level between", {"X": LINE, "level": 95}),
}


@pytest.mark.parametrize(("display", "words", "settings"), REFUSED.values(), ids=REFUSED)
def test_a_setting_that_does_not_fit_is_refused(regressor, display, words, settings):
    with pytest.raises(ValueError, match=words):
        display.from_estimator(regressor, **settings)


def test_what_has_no_interval_is_refused(regressor, classifier):
    with pytest.raises(TypeError, match="return_std"):
        IntervalDisplay.from_estimator(classifier, LINE)
    with pytest.raises(ValueError, match="unknown coefficients"):
        IntervalDisplay.from_unknowns(regressor)
    with pytest.raises(ValueError, match="a probability already"):
        FieldDisplay.from_estimator(classifier, LINE, response="error")


def test_shapes_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="for each point of their grid"):
        FieldDisplay.from_predictions({"x": [0.0, 1.0]}, [1.0])
    with pytest.raises(ValueError, match="two parameters"):
        TrajectoryDisplay.from_function(np.add, {"way": [[1.0, 2.0, 3.0]]})
    with pytest.raises(ValueError, match="one source at a time"):
        KernelDisplay.from_predictions(np.eye(2), np.eye(2), np.eye(2))


def test_without_matplotlib_the_extra_is_named(monkeypatch, regressor):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"skngd\[plot\]"):
        ConvergenceDisplay.from_estimator(regressor)


# Frames


def test_a_fit_to_a_frame_is_drawn_without_a_warning(recwarn):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": LINE[:, 0]})
    model = NaturalMomentumRegressor((3,), max_iter=5, n_init=1, random_state=0)
    FieldDisplay.from_estimator(model.fit(frame, 1 + LINE[:, 0]), frame)
    assert not [one for one in recwarn if "feature names" in str(one.message)]


def test_a_forecast_is_called_as_its_series():
    pandas = pytest.importorskip("pandas")
    past = pandas.Series(np.arange(20.0), name="load")
    assert ForecastDisplay.from_estimator(Drift(), 3, past).ax_.get_ylabel() == "load"
    frame = pandas.DataFrame({"a": past, "b": past})
    assert ForecastDisplay.from_estimator(Drift(), 3, frame, series=1).ax_.get_ylabel() == "b"


def test_an_error_that_changes_its_sign_is_not_small_there():
    grid = {"x": np.linspace(-1, 1, 21), "y": np.linspace(0, 1, 5)}
    values = np.repeat(grid["x"], 5)
    display = FieldDisplay.from_predictions(grid, values, is_size=True)
    assert display.artists_[0].norm.vmin == pytest.approx(1e-2)
    # Sizes that are alike have a linear scale.
    near = FieldDisplay.from_predictions(grid, 5 + values, is_size=True)
    assert not isinstance(near.artists_[0].norm, LogNorm)
