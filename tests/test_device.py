"""Where a fit runs; a model that was fitted on a GPU loads anywhere."""

import pickle

import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from variants import every_variant, regressor, waves

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor
from skngd.estimators.device import LARGE_MULTIPLICATIONS, multiplications, resolve_device
from skngd.optim.directions import NaturalGradient

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def pretend(monkeypatch, n_devices):
    """Let torch report so many CUDA devices; nothing may be computed there."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_devices)


@pytest.mark.parametrize(
    ("n_devices", "n_rows", "n_parameters", "expected"),
    [
        (0, 10**9, 10**3, "cpu"),
        (1, 500, 61, "cpu"),
        (1, 10**6, 61, "cuda"),
        (1, 1, 10**6, "cuda"),
        (1, int(LARGE_MULTIPLICATIONS) // 10**4, 100, "cuda"),
        (1, int(LARGE_MULTIPLICATIONS) // 10**4 - 1, 100, "cpu"),
    ],
)
def test_auto_takes_cuda_above_a_size(n_devices, n_rows, n_parameters, expected, monkeypatch):
    pretend(monkeypatch, n_devices)
    work = multiplications(n_rows, 1, n_parameters)
    assert resolve_device("auto", work).type == expected


def test_work_without_a_matrix_is_linear_in_the_parameters():
    with_matrix, without = (
        [multiplications(1000, 10, n, forms) for n in (500, 1000)] for forms in (True, False)
    )
    assert with_matrix[1] == 4 * with_matrix[0]
    assert without[1] == 2 * without[0] < with_matrix[0] / 10


@pytest.mark.parametrize(
    ("estimator", "forms_matrix"),
    [
        (NaturalMomentumClassifier((5,)), True),
        (NaturalMomentumClassifier((32,)), False),
        (NaturalMomentumClassifier((32,), projection="gram"), True),
        (NaturalMomentumClassifier((32,), rcond=1e-3), True),
        (NaturalMomentumClassifier((5,), projection="cg"), False),
        (NaturalMomentumRegressor((32,)), True),
        (NaturalMomentumRegressor((32,), loss="poisson"), False),
        (NaturalMomentumRegressor((300,)), False),
    ],
    ids=str,
)
def test_the_work_that_is_expected_is_that_of_the_projection(estimator, forms_matrix, monkeypatch):
    X, y = waves(2000)
    y = (y > 0).astype(int)
    kinds = []
    choose = NaturalGradient._form
    monkeypatch.setattr(
        NaturalGradient, "_form", lambda *args: kinds.append(choose(*args)) or kinds[-1]
    )
    estimator.set_params(max_iter=1, n_init=1, random_state=0).fit(X, y)
    model = estimator._build_model(3, 1)
    expected = multiplications(2000, 1, model.n_parameters, forms_matrix)
    assert estimator._multiplications(2000, model) == expected
    assert {kind.name == "cg" for kind in kinds} == {not forms_matrix}


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:0", "cuda:1"])
def test_a_named_device_is_taken_at_any_size(device, monkeypatch):
    pretend(monkeypatch, 2)
    name = "cuda:0" if device == "cuda" else device
    assert str(resolve_device(device, 1)) == name
    assert str(resolve_device(device, 10**15)) == name


@pytest.mark.parametrize("device", ["cuda:2", "cuda:10"])
def test_a_device_that_is_missing_is_refused(device, monkeypatch):
    pretend(monkeypatch, 2)
    with pytest.raises(ValueError, match="sees 2 CUDA devices"):
        resolve_device(device, 1)


@pytest.mark.parametrize("device", ["mps", "tpu", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""])
def test_other_names_are_refused(device, monkeypatch):
    pretend(monkeypatch, 2)
    with pytest.raises(ValueError, match="Expected device to be 'auto', 'cpu', 'cuda'"):
        resolve_device(device, 1)


def test_a_small_fit_runs_on_the_cpu(monkeypatch):
    pretend(monkeypatch, 1)
    X, y = waves()
    assert regressor().fit(X, y).device_ == "cpu"


@pytest.mark.parametrize("settings", [{}, {"model": torch.nn.Linear(3, 1)}], ids=str)
def test_a_model_fitted_on_cuda_predicts_without_it(settings, monkeypatch):
    X, y = waves()
    model = regressor(**settings).fit(X, y)
    expected = model.predict(X)
    model.device_ = "cuda:0"
    loaded = pickle.loads(pickle.dumps(model))
    pretend(monkeypatch, 0)
    assert_array_equal(loaded.predict(X), expected)
    loaded.partial_fit(X, y)
    assert loaded.device_ == "cpu"


# On a GPU


@pytest.mark.cuda
@every_variant
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_cuda_equals_cpu(settings, n_outputs):
    X, y = waves(n_outputs=n_outputs)
    here, there = (
        regressor(device=device, **{**settings, "max_iter": 10}).fit(X, y)
        for device in ("cpu", "cuda")
    )
    assert there.device_ == "cuda:0"
    assert there.n_iter_ == here.n_iter_
    assert_allclose(there.loss_curve_, here.loss_curve_, rtol=1e-8)
    assert_allclose(there.predict(X), here.predict(X), rtol=0, atol=1e-8 * abs(y).max())


@pytest.mark.cuda
@pytest.mark.parametrize("projection", ["svd", "qr", "gram", "kernel", "cg"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_cuda_equals_cpu_for_each_projection(projection, dtype):
    X, y = waves()
    settings = {"projection": projection, "dtype": dtype, "damping": 1e-2, "max_iter": 10}
    here, there = (regressor(device=d, **settings).fit(X, y) for d in ("cpu", "cuda"))
    assert_allclose(there.predict(X), here.predict(X), atol=1e-8 if dtype == "float64" else 1e-2)


@pytest.mark.cuda
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 20},
        {"early_stopping": True},
        {"n_init": 2},
        {
            "model": torch.nn.Sequential(
                torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
            )
        },
    ],
    ids=str,
)
def test_settings_run_on_cuda(settings):
    X, y = waves()
    here, there = (regressor(device=d, max_iter=5, **settings).fit(X, y) for d in ("cpu", "cuda"))
    assert_allclose(there.predict(X), here.predict(X), atol=1e-7)


@pytest.mark.cuda
def test_a_fit_may_move_between_devices():
    X, y = waves()
    whole = regressor(max_iter=6).fit(X, y)
    parts = regressor(max_iter=3, device="cuda").fit(X, y).set_params(device="cpu")
    for _ in range(3):
        parts.partial_fit(X, y)
    assert_allclose(parts.predict(X), whole.predict(X), atol=1e-7)


@pytest.mark.cuda
def test_a_model_fitted_on_a_device_that_is_missing_predicts():
    X, y = waves()
    model = regressor().fit(X, y)
    expected = model.predict(X)
    model.device_ = f"cuda:{torch.cuda.device_count()}"
    assert_allclose(model.predict(X), expected, atol=1e-10)
