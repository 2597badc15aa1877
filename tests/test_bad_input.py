"""Bad input is refused with advice, or survived with a warning; never a crash."""

import re
import signal
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from variants import VARIANTS, half_mse, regressor, waves

from skngd.optim.method import ProjectedMethod
from skngd.optim.objective import Objective

X, Y = waves()
Y2 = np.column_stack([Y, 2 * Y])

# A word that tells the reader what to do.
ADVICE = (
    r"\b([Uu]se|[Ss]et|[Tt]ry|[Gg]ive|[Dd]rop|[Ll]eave|[Rr]emove|[Rr]eplace|[Cc]hange|[Ee]ncode|"
    r"[Cc]onvert|[Pp]ass|[Cc]all|[Cc]heck|[Ii]mpute|possible)\b"
)


def assert_advises(error, expected, came):
    """The message says what was expected, what came, and what to try."""
    message = str(error)
    assert re.search(expected, message), f"what was expected: {message}"
    assert re.search(came, message), f"what came: {message}"
    assert re.search(ADVICE, message), f"what to try: {message}"


def with_entry(array, entry):
    changed = array.astype(np.result_type(array, type(entry)) if entry != "north" else object)
    changed[(3,) + (0,) * (changed.ndim - 1)] = entry
    return changed


# Name: X, y, what the message says of the expectation, what it says of the input.
BAD_DATA = {
    "NaN in X": (with_entry(X, np.nan), Y, "NaN", "X contains NaN"),
    "NaN in y": (X, with_entry(Y, np.nan), "NaN|finite", "y contains NaN"),
    "NaN in several y": (X, with_entry(Y2, np.nan), "NaN|finite", "y contains NaN"),
    "infinite X": (with_entry(X, np.inf), Y, "float64|finite", "X contains infinity"),
    "infinite y": (X, with_entry(Y, -np.inf), "float64|finite", "y contains infinity"),
    "complex X": (X + 1j, Y, "not supported|real", "Complex.*X|X.*[Cc]omplex"),
    "complex y": (X, Y + 1j, "not supported|real", "Complex.*y|y.*[Cc]omplex"),
    "complex several y": (X, Y2 + 1j, "not supported|real", "Complex.*y|y.*[Cc]omplex"),
    "sparse X": (csr_array(X), Y, "dense", "[Ss]parse.*X"),
    "sparse y": (X, csr_array(Y2), "dense", "y.*sparse"),
    "words in X": (with_entry(X, "north"), Y, "float|number", "north"),
    "words in y": (X, with_entry(Y, "north"), "float|number", "north"),
    "words in several y": (X, with_entry(Y2, "north"), "float|number", "north"),
    "no rows": (X[:0], Y[:0], "minimum of 1|at least one", r"0 sample|\(0, 3\)"),
    "no columns": (X[:, :0], Y, "minimum of 1|at least one", r"0 feature|\(60, 0\)"),
    "empty y": (X, Y[:0], "minimum of 1|at least one|samples", r"0 sample|\b0\b"),
    "y without columns": (X, Y2[:, :0], "minimum of 1|at least one", r"\b0\b"),
    "y of another length": (X, Y[:7], "inconsistent|number of", r"\b60\b.*\b7\b"),
    "X with one dimension": (X[:, 0], Y, "2D", "1D"),
    "y with three dimensions": (X, Y2[None], r"<= 2|one or two|\(n_samples", "3"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_refused_with_advice(name):
    bad_X, bad_y, expected, came = BAD_DATA[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        regressor().fit(bad_X, bad_y)
    assert_advises(caught.value, expected, came)


def test_numbers_kept_as_objects_are_numbers():
    model = regressor().fit(X.astype(object), Y.astype(object))
    assert_array_equal(model.theta_, regressor().fit(X, Y).theta_)


# Name: X and y of partial_fit, predict or held-out rows, and the message.
@pytest.mark.parametrize(
    ("call", "expected", "came"),
    [
        (lambda m: m.predict(X[:, :2]), "3 features", "2 features"),
        (lambda m: m.score(X[:, :2], Y), "3 features", "2 features"),
        (lambda m: m.partial_fit(X[:, :2], Y), "3 features", "2 features"),
        (lambda m: m.set_params(warm_start=True).fit(X[:, :2], Y), "3 features", "2 features"),
        (lambda m: m.predict(with_entry(X, np.nan)), "NaN", "X contains NaN"),
        (lambda m: m.partial_fit(X, Y2), "1 column", "got 2"),
        (lambda m: m.set_params(warm_start=True).fit(X, Y2), "1 column", "got 2"),
        (lambda m: m.fit(X, Y, X_val=X), "X_val and y_val together", "only X_val"),
        (lambda m: m.fit(X, Y, X_val=X, y_val=Y2), "1 column", "got 2"),
        (lambda m: m.fit(X, Y, X_val=X[:, :2], y_val=Y), "3 features", "2 features"),
        (
            lambda m: m.set_params(warm_start=True, hidden_layer_sizes=7).fit(X, Y),
            "26 parameters",
            "got 36",
        ),
    ],
)
def test_rows_have_to_match_the_first_fit(call, expected, came):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call(regressor().fit(X, Y))
    assert_advises(caught.value, expected, came)


def test_predict_before_fit():
    with pytest.raises(NotFittedError) as caught:
        regressor().predict(X)
    assert_advises(caught.value, "fit", "not fitted yet")


# Weights


@pytest.mark.parametrize(
    ("weights", "expected", "came"),
    [
        (np.zeros(60), "positive|at least one non-zero", "60 weights that are all zero"),
        (-np.ones(60), "[Nn]egative|positive", "sample_weight"),
        (with_entry(np.ones(60), np.nan), "NaN|finite", "sample_weight contains NaN"),
        (with_entry(np.ones(60), np.inf), "float64|finite", "sample_weight contains infinity"),
        (np.ones(7), r"\(60,\)", r"\(7,\)"),
    ],
    ids=["zero", "negative", "NaN", "infinite", "too few"],
)
def test_bad_weights_are_refused_with_advice(weights, expected, came):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor().fit(X, Y, sample_weight=weights)
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize("scale", [1e-300, 1e300, 1e308])
def test_weights_whose_sum_overflows_or_vanishes(scale):
    weights = scale * np.linspace(0.1, 1, len(X))
    model = regressor(max_iter=5).fit(X, Y, sample_weight=weights)
    plain = regressor(max_iter=5).fit(X, Y, sample_weight=weights / scale)
    assert_allclose(model.predict(X), plain.predict(X), atol=1e-6)


# Hyperparameters


class OneParameterless(torch.nn.Module):
    def forward(self, x):
        return x[:, :1]


@pytest.mark.parametrize(
    ("settings", "expected", "came"),
    [
        ({"hidden_layer_sizes": (0,)}, "positive whole numbers", r"\(0,\)"),
        ({"hidden_layer_sizes": (5, -1)}, "positive whole numbers", r"\(5, -1\)"),
        ({"hidden_layer_sizes": (2.5,)}, "positive whole numbers", r"\(2\.5,\)"),
        ({"hidden_layer_sizes": (True,)}, "positive whole numbers", r"\(True,\)"),
        ({"hidden_layer_sizes": ((3,), (3, 4))}, "positive whole numbers", r"\(3, 4\)"),
        ({"batch_size": 61}, "at most the number of training rows, 60", "got 61"),
        ({"n_init": 2, "model": torch.nn.Linear(3, 1)}, "one", "n_init=2"),
        ({"model": torch.nn.Linear(2, 1)}, "3 columns|as many inputs as X", "Linear"),
        ({"model": torch.nn.Linear(3, 2)}, "1 outputs", "got 2"),
        ({"model": OneParameterless()}, "with parameters", "OneParameterless"),
        ({"model": torch.nn.Flatten(0)}, "parameters", "Flatten"),
        ({"early_stopping": True, "validation_fraction": 0.999}, "train", "0.999"),
        ({"momentum": "spring", "optimizer": "adam"}, "baseline", "spring"),
        ({"momentum": "spring", "optimizer": "gd"}, "natural gradient", "optimizer='gd'"),
        ({"momentum": "spring", "optimizer": "newton"}, "natural gradient", "'newton'"),
        ({"momentum": "nesterov", "optimizer": "lbfgs"}, "baseline", "nesterov"),
        ({"momentum": "nesterov", "optimizer": "gd"}, "projects", "optimizer='gd'"),
        ({"step_size": "trust-region", "optimizer": "gd"}, "damping", "trust-region"),
        ({"step_size": "grid", "optimizer": "adam"}, "constant", "grid"),
        ({"step_size": 0.1, "optimizer": "lbfgs"}, "strong Wolfe", r"step_size=0\.1"),
        ({"batch_size": 10, "optimizer": "lbfgs"}, "rows", "batch_size=10"),
        ({"device": "mps"}, "float64", "'mps'"),
        ({"device": "tpu"}, "'cpu', 'cuda'", "'tpu'"),
        ({"device": "cuda:x"}, "'cuda:<index>'", "'cuda:x'"),
        ({"device": ""}, "'cpu', 'cuda'", "''"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_settings_are_refused_with_advice(settings, expected, came):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        regressor(**settings).fit(X, Y)
    assert_advises(caught.value, expected, came)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
def test_cuda_without_cuda_is_refused_with_advice(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="sees 0 CUDA devices") as caught:
        regressor(device=device).fit(X, Y)
    assert_advises(caught.value, "CUDA", f"device='{device}' was asked for")


# scikit-learn words these: the permitted range is the advice.
@pytest.mark.parametrize(
    ("settings", "permitted"),
    [
        ({"beta": 1}, r"\(-1\.0, 1\.0\)"),
        ({"beta": -1.0}, r"\(-1\.0, 1\.0\)"),
        ({"beta": np.nan}, r"\(-1\.0, 1\.0\)"),
        ({"hidden_layer_sizes": 0}, r"\[1, inf\)"),
        ({"batch_size": 0}, r"\[1, inf\)"),
        ({"max_iter": 0}, r"\[1, inf\)"),
        ({"n_init": 0}, r"\[1, inf\)"),
        ({"step_size": 0.0}, r"\(0\.0, inf\)"),
        ({"step_size": np.inf}, r"\(0\.0, inf\)"),
        ({"damping": -1.0}, r"\[0\.0, inf\)"),
        ({"rcond": 1.0}, r"\[0\.0, 1\.0\)"),
        ({"validation_fraction": 1.0}, r"\(0\.0, 1\.0\)"),
        ({"activation": "relu"}, "'tanh'"),
        ({"optimizer": "sgd"}, "'ngd'"),
        ({"momentum": "classical"}, "'heavy-ball'"),
        ({"memory": "all"}, "'difference'"),
        ({"projection": "cholesky"}, "'qr'"),
        ({"dtype": "float16"}, "'float32'"),
        ({"device": None}, "'str'"),
    ],
    ids=str,
)
def test_settings_outside_their_range_are_refused(settings, permitted):
    ((name, value),) = settings.items()
    with pytest.raises(ValueError, match=permitted) as caught:
        regressor(**settings).fit(X, Y)
    assert f"'{name}' parameter" in str(caught.value)
    assert f"Got {value!r} instead" in str(caught.value)


@pytest.mark.parametrize("settings", [{"batch_size": 60}, {"early_stopping": True}], ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_held_out_rows_do_not_count_for_batches(settings):
    limit = 54 if "early_stopping" in settings else 60
    regressor(**{"batch_size": limit, **settings}).fit(X, Y)
    with pytest.raises(ValueError, match=f"training rows, {limit}, got {limit + 1}"):
        regressor(**{**settings, "batch_size": limit + 1}).fit(X, Y)


def test_early_stopping_needs_two_rows():
    with pytest.raises(ValueError, match="there is only 1 ") as caught:
        regressor(early_stopping=True).fit(X[:1], Y[:1])
    assert_advises(caught.value, "holds out a part", "only 1")


def test_partial_fit_refuses_lbfgs():
    model = regressor(optimizer="lbfgs")
    with pytest.raises((ValueError, AttributeError)) as caught:
        model.partial_fit(X, Y)
    message = str(caught.value) + str(caught.value.__cause__ or "")
    assert_advises(message, "same rows", "lbfgs")


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
    assert_advises(caught[0].message, "best model so far was kept", "the loss became (inf|nan)")
    assert model.stop_reason_ in str(caught[0].message)


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
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
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
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_svd_that_does_not_converge_falls_back(projection, monkeypatch):
    settings = {"projection": projection, "max_iter": 4}
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


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS)
def test_one_value_of_y_is_enough(settings):
    model = regressor(**settings).fit(np.ones((5, 2)), np.full(5, 2.0))
    assert_allclose(model.predict(np.ones((1, 2))), 2.0, atol=1.0)
