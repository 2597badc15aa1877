"""On a device that is only pretended: no operator mixes devices, and an iteration waits seldom."""

import sys
from functools import partial

import numpy as np
import pytest
import torch
from cases import assert_close, network_problem, run, spelled
from numpy.testing import assert_allclose
from pretended import DEVICE, Pretended
from solvers import solver
from test_devices import VARIANTS, on
from test_pinn_devices import BLOCKS, measured, same, under
from variants import regressor, waves

from skngd import NaturalMomentumClassifier, NaturalMomentumRegressor, PINNEstimator
from skngd.datasets import load_mackey_glass
from skngd.estimators.device import resolve_device
from skngd.optim import build_method
from skngd.pde import Dirichlet, Initial
from skngd.problems.zoo import Burgers, Heat, Laplace2D

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:sampler='christoffel'"),
]


@pytest.fixture
def pretended(monkeypatch):
    """Let the estimators take the device by its name."""

    def resolved(device, n_multiplications):
        return DEVICE if device == str(DEVICE) else resolve_device(device, n_multiplications)

    for module in list(sys.modules.values()):
        is_ours = getattr(module, "__name__", "").startswith("skngd.")
        if is_ours and getattr(module, "resolve_device", None) is resolve_device:
            monkeypatch.setattr(module, "resolve_device", resolved)
    with Pretended() as device:
        yield device


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: x + torch.ones(3),
        lambda x: torch.ones(3).mul_(x),
        lambda x: torch.cat([torch.ones(3), x]),
        lambda x: torch.ones(2, 3) @ x,
        lambda x: torch.where(torch.ones(3) > 0, x, 0.0),
        lambda x: x.index_put_((torch.tensor([0, 1]),), torch.ones(2)),
        lambda x: x.numpy(),
        np.asarray,
    ],
)
def test_the_pretended_device_refuses_what_cuda_refuses(mixed, pretended):
    x = torch.ones(3, device=DEVICE)
    with pytest.raises((RuntimeError, TypeError)):
        mixed(x)


def test_the_pretended_device_counts_what_waits(pretended):
    x = torch.zeros(3, device=DEVICE)
    x[[0, 2]] = torch.ones(2, device=DEVICE)
    x += 2.0 * torch.ones((), dtype=torch.float64)
    assert pretended.waits == {"indices": 1}
    assert x.tolist() == [3.0, 2.0, 3.0]
    assert float(x[x > 2].sum()) == 6.0
    assert x.cpu().numpy().sum() == 8.0
    assert pretended.waits == {"indices": 1, "mask": 1, "read": 2, "copied to the CPU": 1}


@pytest.mark.parametrize(
    "options",
    [options for options in VARIANTS if options.get("optimizer") != "newton"],
    ids=spelled,
)
def test_every_variant_stays_on_the_device(options, pretended):
    objective, theta = network_problem()
    expected = run(build_method(**options), objective, theta, 3)
    actual = run(build_method(**options), *on(str(DEVICE), objective, theta), 3)
    assert actual.theta.device == DEVICE
    assert_close(actual.history["loss"], expected.history["loss"], 1e-12)


@pytest.mark.parametrize(
    "name",
    [
        *("interior, nonlinear", "Dirichlet, disk", "Robin", "Periodic", "hard values"),
        *("hard slopes", "system", "inputs", "unknowns"),
    ],
)
@pytest.mark.filterwarnings("ignore:FunctionProblem (has no conditions|says nothing)")
def test_every_kind_of_block_stays_on_the_device(name, pretended):
    problem = BLOCKS[name]
    data = measured(problem) if problem.unknowns else ()
    same(problem, str(DEVICE), *data, max_iter=1)


@pytest.mark.parametrize(
    "settings",
    [
        {"sampler": "adaptive", "resample_every": 1},
        {"sampler": "christoffel", "step_size": "auto"},
        {"projection": "cg", "dtype": "float32"},
        {"hidden_layer_sizes": (4, 3), "n_init": 2},
    ],
    ids=str,
)
def test_equations_stay_on_the_device(settings, pretended):
    settings = {"step_size": 0.5, "damping": 1e-2, "max_iter": 2, "n_interior": 20, **settings}
    here, there = (solver(Burgers(), device=d, **settings).fit() for d in ("cpu", str(DEVICE)))
    assert_allclose(there.loss_curve_, here.loss_curve_, rtol=1e-10)


@pytest.mark.parametrize(
    "settings",
    [
        {"projection": "svd"},
        {"projection": "qr"},
        {"batch_size": 20},
        {"batch_size": 20, "sampler": "christoffel"},
        {"early_stopping": True, "dtype": "float32"},
        {"loss": "huber", "optimizer": "adam"},
        {"loss": "poisson", "n_init": 2},
        {"metric": "h1", "alpha": 1e-3},
    ],
    ids=str,
)
def test_regressions_stay_on_the_device(settings, pretended):
    X, y = waves(n_outputs=2)
    settings = {"max_iter": 3, **settings}
    here, there = (regressor(device=d, **settings).fit(X, y**2) for d in ("cpu", str(DEVICE)))
    assert there.device_ == str(DEVICE)
    assert_allclose(there.predict(X), here.predict(X), rtol=1e-10)
    assert_allclose(there.partial_fit(X, y**2).theta_, here.partial_fit(X, y**2).theta_, rtol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("settings", [{}, {"projection": "cg", "alpha": 1e-3}], ids=str)
def test_classifications_stay_on_the_device(n_classes, settings, pretended):
    X, y = waves()
    y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    settings = {
        "hidden_layer_sizes": (5,),
        "max_iter": 3,
        "n_init": 1,
        "random_state": 0,
        **settings,
    }
    here, there = (
        NaturalMomentumClassifier(device=d, **settings).fit(X, y) for d in ("cpu", str(DEVICE))
    )
    assert_allclose(there.predict_proba(X), here.predict_proba(X), rtol=1e-10)


def rough(u, t, x):
    grid = np.linspace(-1, 1, 5)
    slope = np.piecewise(x, [x < 0], [lambda x: np.sin(x), 2.0])
    return u.t - np.interp(x, grid, grid**2) * u.xx + slope * np.clip(u, -1, 1)


@pytest.mark.filterwarnings("ignore:torch.searchsorted")
def test_numpy_functions_stay_on_the_device(pretended):
    measured = Dirichlet(lambda t: np.interp(t, [0, 0.5, 1], [0.0, 1.0, 0.0]), on="x")
    step = Initial(lambda x: np.where(x > 0, 1.0 - x, 0.0))
    same(under(measured, step, equation=rough), str(DEVICE), max_iter=1)


def mackey_glass(max_iter, alpha=0):
    data, settings = load_mackey_glass(), {"n_init": 1, "tol": 0, "random_state": 0}
    model = NaturalMomentumRegressor(alpha=alpha, max_iter=max_iter, **settings)
    return model.set_params(device=str(DEVICE)).fit(data.X_train, data.y_train)


def equation(problem):
    def fit(max_iter):
        settings = {"max_iter": max_iter, "tol": 0, "device": str(DEVICE), "random_state": 0}
        settings |= {"activation": "tanh", "estimate_error": False}
        return PINNEstimator(problem, (10,), n_interior=49, n_boundary=10, **settings).fit()

    return fit


# The most times that an iteration may wait for a GPU.
@pytest.mark.parametrize(
    ("fit", "most"),
    [
        (mackey_glass, 16),
        (partial(mackey_glass, alpha="auto"), 50),
        (equation(Laplace2D()), 45),
        (equation(Heat()), 45),
    ],
    ids=["Mackey-Glass", "Mackey-Glass with its decay", "2-D Laplace", "heat"],
)
def test_an_iteration_waits_seldom(fit, most, pretended):
    waits = []
    for max_iter in (3, 7):
        before = pretended.waits.copy()
        assert fit(max_iter).n_iter_ == max_iter
        waits.append(pretended.waits - before)
    # Numbers are read, and nothing else: whole tensors stay where they are.
    assert set(waits[1] - waits[0]) == {"read"}
    assert (waits[1] - waits[0])["read"] / 4 <= most
