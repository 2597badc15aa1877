"""Rows, measurements and settings that do not fit a problem are refused with advice."""

import numpy as np
import pandas as pd
import pytest
from messages import assert_advises, assert_says
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from solvers import Rod, Rotation, refused, solver

from skngd.pde import Dirichlet, Disk, Input, Problem, Unknown
from skngd.problems.zoo import Heat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.linspace(0, 1, 11).reshape(-1, 1)
Y = Rod().solution(X)
FRAME = pd.DataFrame(Heat.domain.sample(12, "uniform", 0), columns=["t", "x"])


@pytest.fixture(scope="module")
def fitted():
    return solver(Rod(), max_iter=2).fit()


# X


@pytest.mark.parametrize("call", ["fit", "predict", "residual", "derivative", "score"])
def test_points_outside_of_the_domain_are_refused_with_advice(call, fitted):
    more = ("x",) if call == "derivative" else ()
    model = solver(Rod()) if call == "fit" else fitted
    refused(
        lambda: getattr(model, call)(X + 0.25, *more),
        r"inside the domain of the problem \(x in \[0, 1\]\)",
        r"3 of 11 rows outside, the first \(x=1\.05\)",
    )


def test_a_scaler_in_front_is_named_as_the_reason():
    model = make_pipeline(StandardScaler(), solver(Rod()))
    refused(lambda: model.fit(X, Y), "scaler in front.*would change the equation", "outside")


def test_points_that_leave_by_rounding_only_are_inside(fitted):
    assert np.isfinite(fitted.predict([[-1e-12], [1 + 1e-12]])).all()


def test_values_outside_of_the_range_of_an_input():
    model = solver(Rod(Input(1.0, 2.0)), max_iter=1).fit()
    refused(lambda: model.predict([[0.5, 3.0]]), r"a in \[1, 2\]", r"\(x=0\.5, a=3\)")


def test_points_outside_of_a_domain_that_is_no_box_are_told_which():
    problem = Problem.from_function(lambda u, x, y: u.laplacian(), Disk(), (Dirichlet(0.0),))
    refused(lambda: solver(problem).fit([[0.9, 0.9]]), "Disk", r"\(x=0\.9, y=0\.9\)")


@pytest.mark.parametrize("n_columns", [0, 1, 3])
def test_wrong_number_of_columns(n_columns):
    wrong = np.full((5, n_columns), 0.5)
    expected = r"2 columns, \('t', 'x'\)|minimum of 1"
    refused(lambda: solver(Heat()).fit(wrong), expected, f"{n_columns}")
    model = solver(Heat(), max_iter=1).fit()
    refused(lambda: model.predict(wrong), "2 features|minimum of 1", f"{n_columns} feature")


def test_a_forgotten_input_column():
    refused(lambda: solver(Rod(Input(1.0, 2.0))).fit(X), r"2 columns, \('x', 'a'\)", "got 1")


def test_columns_of_a_frame_in_another_order():
    wrong = FRAME[["x", "t"]]
    came = r"\('x', 't'\)|order"
    refused(lambda: solver(Heat()).fit(wrong), r"\('t', 'x'\).*X\[\['t', 'x'\]\]", came)
    named = solver(Heat(), max_iter=1).fit(FRAME)
    refused(lambda: named.predict(wrong), "order", "order")
    # Without data the names of the columns are those of the problem.
    nameless = solver(Heat(), max_iter=1).fit()
    refused(lambda: nameless.predict(wrong), "order", came)
    refused(lambda: nameless.score(wrong), "order", came)


@pytest.mark.filterwarnings("error::UserWarning")
def test_columns_of_a_frame_in_their_order():
    model = solver(Heat(), max_iter=1).fit()
    np.testing.assert_allclose(model.predict(FRAME), model.predict(FRAME.to_numpy()), atol=1e-14)


@pytest.mark.parametrize(
    ("bad", "expected", "came"),
    [
        (np.array([[0.5], [np.nan]]), "NaN", "X contains NaN"),
        (np.array([[0.5], [np.inf]]), "finite", "X contains infinity"),
        (X[:0], "minimum of 1", "0 sample"),
        (X[:, 0], "2D", "1D"),
        (csr_array(X), "dense", "[Ss]parse"),
        (X + 1j, "not supported|real", "[Cc]omplex"),
        (np.array([["half"]]), "float|number", "half"),
    ],
    ids=["NaN", "infinite", "no rows", "one dimension", "sparse", "complex", "words"],
)
def test_bad_points_are_refused_with_advice(bad, expected, came, fitted):
    refused(lambda: solver(Rod()).fit(bad), expected, came)
    refused(lambda: fitted.predict(bad), expected, came)


# y and its weights


def with_nan(y):
    return np.where(np.arange(len(y)) < 4, np.nan, y)


@pytest.mark.parametrize(
    ("y", "expected", "came"),
    [
        (np.full(11, np.nan), "at least one observed entry", "11 that are all NaN"),
        (np.column_stack([Y, Y]), r"\(n_samples, 1\).*\('u',\)", r"\(11, 2\)"),
        (Y.reshape(-1, 1, 1), r"\(n_samples, 1\)", r"\(11, 1, 1\)"),
        (Y[:5], "one row of y for each row of X", "5 and 11"),
        (np.where(Y > 0.1, np.inf, Y), "finite, or NaN", r"\d infinite"),
        (Y.astype(str), "number|float|column", "0.0|str"),
        (["a"] * 11, "one column for each", "'a'"),
        (Y + 1j, "real|not supported", "[Cc]omplex"),
        (csr_array(Y[:, None]), "dense", "sparse"),
    ],
    ids=["NaN", "2 columns", "3d", "short", "infinite", "digits", "words", "complex", "sparse"],
)
def test_bad_measurements_are_refused_with_advice(y, expected, came, fitted):
    if y is not None and np.asarray(y).dtype.kind == "U" and y[0] != "a":
        pytest.skip("numbers as words are numbers")
    refused(lambda: solver(Rod()).fit(X, y), expected, came)
    refused(lambda: fitted.score(X, y), expected, came)


def test_measurements_of_one_field_of_two():
    refused(lambda: solver(Rotation()).fit(X, Y), r"\(n_samples, 2\).*'u', 'v'.*NaN", r"\(11, 1\)")


def test_columns_of_measurements_in_another_order(fitted):
    t = np.linspace(0, 2, 9).reshape(-1, 1)
    y = pd.DataFrame(Rotation().solution(t), columns=["u", "v"])
    solver(Rotation(), max_iter=1).fit(t, y)
    refused(lambda: solver(Rotation()).fit(t, y[["v", "u"]]), r"\('u', 'v'\)", r"\('v', 'u'\)")


def test_measurements_without_points(fitted):
    refused(lambda: solver(Rod()).fit(None, Y), "X with y", "None")
    refused(lambda: solver(Rod()).fit(sample_weight=Y), "X with sample_weight", "None")
    refused(lambda: fitted.score(None, Y), "X", "None")


@pytest.mark.parametrize(
    ("weights", "expected", "came"),
    [
        (np.zeros(11), "non-zero|positive", "[Ss]ample.weight"),
        (-np.ones(11), "[Nn]egative|positive", "sample_weight"),
        (np.full(11, np.nan), "NaN|finite", "sample_weight contains NaN"),
        (np.ones(7), r"\(11,\)", r"\(7,\)"),
    ],
    ids=["zero", "negative", "NaN", "short"],
)
def test_bad_weights_are_refused(weights, expected, came, fitted):
    for call in (solver(Rod()).fit, fitted.score):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            call(X, Y, sample_weight=weights)
        assert_says(caught.value, expected, came)


@pytest.mark.parametrize("problem", [Rod(), Rod(Unknown(1.0))], ids=str)
def test_weights_that_leave_nothing_observed(problem):
    weights = np.where(np.isnan(with_nan(Y)), 1.0, 0.0)
    refused(
        lambda: solver(problem).fit(X, with_nan(Y), sample_weight=weights),
        "at least one observed entry",
        "NaN|weight",
    )


# Settings


@pytest.mark.parametrize(
    ("settings", "expected", "came"),
    [
        ({"batch_size": 5, "resample_every": 2}, "n_interior=5", "batch_size=5"),
        ({"batch_size": 5, "sampler": "grid"}, "'sobol'", "sampler='grid'"),
        ({"batch_size": 5, "sampler": "gauss"}, "'sobol'", "sampler='gauss'"),
        ({"early_stopping": True}, "problem=None", "early_stopping=True"),
        ({"loss": "huber"}, "problem=None", "loss='huber'"),
        ({"alpha": 0.1}, "problem=None", r"alpha=0\.1"),
        ({"metric": "h1"}, "problem=None", "metric='h1'"),
        ({"n_boundary": {"left": 3}}, r"\['initial', 'dirichlet x'\]", r"\['left'\]"),
        ({"n_boundary": {"initial": 3}}, r"\['initial', 'dirichlet x'\]", r"\['initial'\]"),
        ({"n_boundary": [3]}, r"\['initial', 'dirichlet x'\]", "got 1"),
        ({"n_boundary": [3, 0]}, "at least 1", "0"),
        ({"n_boundary": {"initial": 2.5, "dirichlet x": 3}}, "whole number", r"2\.5"),
        ({"sampler": "grid", "resample_every": 2}, "'sobol'", "sampler='grid'"),
        ({"sampler": "gauss", "resample_every": 2}, "'sobol'", "sampler='gauss'"),
        ({"sampler": "gauss"}, "one dimension", "got 2"),
        ({"n_interior": (3, 4)}, "sampler='grid'", r"\(3, 4\)"),
        ({"n_interior": (3, 4, 5), "sampler": "grid"}, "2 directions", r"\(3, 4, 5\)"),
        ({"n_interior": (0, 4), "sampler": "grid"}, "at least 1", "0"),
        ({"momentum": "spring", "optimizer": "gd"}, "projected gradient", "optimizer='gd'"),
        ({"device": "tpu"}, "'cpu', 'cuda'", "'tpu'"),
        ({"hidden_layer_sizes": (5, -1)}, "positive whole numbers", r"\(5, -1\)"),
    ],
    ids=str,
)
def test_bad_settings_are_refused_with_advice(settings, expected, came):
    settings = {"hidden_layer_sizes": (5,), **settings}
    refused(solver(Heat(), **settings).fit, expected, came)


# scikit-learn words these: the permitted range is the advice.
@pytest.mark.parametrize(
    "settings",
    [
        {"n_interior": 0},
        {"n_interior": "many"},
        {"n_boundary": 0},
        {"sampler": "halton"},
        {"resample_every": 0},
        {"measurement_weight": 0.0},
        {"variable_projection": "yes"},
        {"max_time": -1},
    ],
    ids=str,
)
def test_settings_outside_their_range_are_refused(settings):
    ((name, value),) = settings.items()
    with pytest.raises(ValueError, match=f"'{name}' parameter") as caught:
        solver(Heat(), **settings).fit()
    assert f"Got {value!r} instead" in str(caught.value)


def test_held_out_rows_are_for_regression():
    refused(lambda: solver(Rod()).fit(X, Y, X_val=X, y_val=Y), "problem=None", "X_val and y_val")


def test_partial_fit_is_for_regression():
    model = solver(Rod())
    assert not hasattr(model, "partial_fit")
    refused(lambda: model.partial_fit(X, Y), "problem=None", "partial_fit")


def test_derivative_and_residual_are_for_problems():
    model = solver(None).fit(X, Y)
    refused(lambda: model.derivative(X, "x"), "problem", "derivative")
    refused(lambda: model.residual(X), "problem", "residual")


@pytest.mark.parametrize("call", ["predict", "residual", "score"])
def test_not_fitted(call):
    with pytest.raises(NotFittedError) as caught:
        getattr(solver(Rod()), call)(X)
    assert_advises(caught.value, "fit", "not fitted yet")


@pytest.mark.parametrize(
    ("of", "came"),
    [
        ("y", "'y'"),
        (("x", "y"), "'y'"),
        ("xxxxx", "order 5"),
        ("laplacian", "laplacian"),
        ("tensor", "tensor"),
        ("d", "'d'"),
        (2, "2"),
        (None, "None"),
    ],
    ids=str,
)
def test_unknown_derivatives_are_refused_with_advice(of, came, fitted):
    refused(lambda: fitted.derivative(X, of), "derivative|coordinate", came)


@pytest.mark.parametrize(
    "change",
    [
        {"problem": Heat()},
        {"hidden_layer_sizes": (7,)},
        {"problem": Rotation()},
    ],
    ids=str,
)
def test_warm_start_from_another_network_is_refused_with_advice(change):
    model = solver(Rod(), max_iter=1, warm_start=True).fit()
    refused(model.set_params(**change).fit, "network of 16 parameters", r"got \d+")
