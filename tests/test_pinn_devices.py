"""Every kind of block gives the same numbers on a GPU; a solver fitted there loads anywhere.

On the CPU the same tests show that a second run repeats the first.
"""

import pickle

import numpy as np
import pytest
import torch
from cases import assert_close, sequential
from numpy.testing import assert_allclose, assert_array_equal
from solvers import Pendulum, Rod, Rotation, sample, solver

from skngd.estimators.points.physics import Physics
from skngd.models import FullyConnected, TorchModule
from skngd.pde import (
    Box,
    Dirichlet,
    Disk,
    Equation,
    Initial,
    Input,
    Neumann,
    Periodic,
    Problem,
    Robin,
    Unknown,
)
from skngd.problems.zoo import AdvectionDiffusion, Beam, Burgers, Heat, ReactionDiffusion

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

every_place = pytest.mark.parametrize(
    "place", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
)
SQUARE = Box(t=(0, 1), x=(-1, 1))


def wave(u, t, x):
    return u.tt - u.xx + np.where(x > 0, np.sin(u), u**3) * t


def under(*conditions, equation=wave, domain=SQUARE, **named):
    """A problem with these conditions."""
    return Problem.from_function(equation, domain, conditions, **named)


def drifting(u, t, x, nu, k, c):
    return u.t + k * u * u.x - nu * u.xx - c


BLOCKS = {
    "interior, affine": under(equation=lambda u, t, x: u.t - np.exp(x) * u.xx + x * u - t),
    "interior, nonlinear": under(),
    "interior, fourth order": Beam(),
    "Dirichlet": under(Dirichlet(lambda t, x: np.abs(t * x), on="x")),
    "Dirichlet, disk": under(
        Dirichlet(lambda x, y: x * y),
        Neumann(1.0),
        equation=lambda u, x, y: u.laplacian() - np.maximum(u, 0),
        domain=Disk(),
    ),
    "Neumann": under(Neumann(lambda t: np.cos(t), on="x.max", weight="measure")),
    "Robin": under(Robin(lambda t: 1 + t, -2.0, 0.5, on="x.min", weight=3.0)),
    "Periodic": under(Periodic("x", derivatives=2)),
    "Initial": under(Initial(np.cos), Initial(0.0, derivative=1)),
    "Equation": under(
        Equation(lambda u, t, x: u * u.x - t, on="x.max"), Equation(lambda u, t, x: u.t)
    ),
    "hard values": under(
        Initial(np.cos, hard=True),
        Dirichlet(lambda t: np.cos(1.0) * (1 + t), on="x", hard=True),
        Neumann(0.0, on="t.max"),
    ),
    "hard slopes": ReactionDiffusion(),
    "system": Rotation(),
    "inputs": under(
        Dirichlet(lambda t, nu: t * nu, on="x"),
        equation=drifting,
        coefficients={"nu": Input(0.1, 1.0, "log"), "k": Input(1.0, 2.0), "c": 0.5},
    ),
    "unknowns": under(
        Dirichlet(0.0, on="x"),
        equation=drifting,
        coefficients={
            "nu": Unknown(0.5, low=0),
            "k": Unknown(-0.5),
            "c": Unknown(0.3, low=0, high=2),
        },
    ),
}
every_block = pytest.mark.parametrize("problem", BLOCKS.values(), ids=BLOCKS)


def kind(place):
    return {"dtype": torch.float64, "device": torch.device(place)}


def measured(problem):
    """Points with inputs, and numbers for each field, of which some are missing."""
    X = sample(problem, 9)
    inputs = [given.low + X[:, 0] * 0.01 for given in problem.inputs.values()]
    y = np.random.RandomState(3).standard_normal((9, len(problem.fields)))
    y[2, 0] = np.nan
    return np.column_stack([X, *inputs]), y


def assembled(problem, place, model):
    """All blocks and a measurement of each field, with the parameters to start from."""
    physics = Physics(problem, model, kind(place))
    n_conditions, random = len(problem.conditions), np.random.RandomState(0)
    points = physics.discretization.sample(13, [5] * n_conditions, "sobol", random)
    trial = physics.trial_unknowns()
    blocks = physics.discretization.blocks(points, trial)
    X, y = measured(problem)
    blocks += physics.discretization.measurements(X, y, np.arange(1.0, 10.0), 0.1, trial)
    theta = torch.as_tensor(physics.initial(random), **kind(place))
    return physics, physics.objective(blocks).at(theta)


@every_block
@pytest.mark.parametrize(
    ("hidden", "place"),
    [
        ((6,), "cpu"),
        *(pytest.param(h, "cuda", marks=pytest.mark.cuda) for h in ((6,), (4, 3), "module")),
    ],
    ids=str,
)
def test_blocks_agree(problem, hidden, place):
    if hidden == "module" and (problem.inputs or isinstance(problem, Beam)):
        pytest.skip("the same as without inputs; slow to fourth order")
    shape = len(problem.domain.names) + len(problem.inputs), len(problem.fields)

    def numbers(place):
        if hidden == "module":
            module = sequential(shape[0], 4, shape[1])
            for number, parameter in enumerate(module.parameters()):
                values = np.random.RandomState(number).uniform(-1, 1, tuple(parameter.shape))
                parameter.data = torch.as_tensor(values)
            model = TorchModule(module, shape[0], torch.float64, torch.device(place))
        else:
            model = FullyConnected((shape[0], *hidden, shape[1]))
        _, here = assembled(problem, place, model)
        record = here.objective.model.record(here.theta, here.objective.points)
        direction = torch.linspace(-1, 1, len(here.theta), **kind(place))
        weights = torch.linspace(1, 2, len(record.value), **kind(place)).unsqueeze(1)
        found = {
            "value": record.value,
            "jacobian": record.jacobian(),
            "scaled": record.jacobian(weights),
            "gradient": record.gradient(weights),
            "first": record.directional(direction),
            "second": record.directional(direction, 2),
        }
        assert {tensor.device.type for tensor in found.values()} == {place}
        return found

    expected, actual = numbers("cpu"), numbers(place)
    for name, tensor in actual.items():
        assert_close(tensor.cpu(), expected[name], 1e-10)


def same(problem, place, *data, **settings):
    """The same fit on the CPU and on another device, and that they agree."""
    settings = {"step_size": 0.5, "damping": 1e-2, "max_iter": 4, "n_interior": 30, **settings}
    here, there = (
        solver(problem, device=device, **settings).fit(*data) for device in ("cpu", place)
    )
    assert torch.device(there.device_).type == place
    assert there.n_iter_ == here.n_iter_
    assert_allclose(there.loss_curve_, here.loss_curve_, rtol=1e-8)
    assert there.unknowns_ == pytest.approx(here.unknowns_, rel=1e-8)
    X, y = measured(here.problem_)
    assert_allclose(there.predict(X), here.predict(X), atol=1e-8 * np.abs(here.predict(X)).max())
    scale = np.abs(here.residual(X)).max()
    assert_allclose(there.residual(X), here.residual(X), atol=1e-8 * scale)
    of = (here.problem_.domain.names[-1],)
    scale = np.abs(here.derivative(X, of)).max()
    assert_allclose(there.derivative(X, of), here.derivative(X, of), atol=1e-8 * scale)
    assert there.score() == pytest.approx(here.score(), rel=1e-8)
    assert there.score(X, y) == pytest.approx(here.score(X, y), rel=1e-8)
    return here, there


@every_place
@every_block
@pytest.mark.filterwarnings("ignore:FunctionProblem (has no conditions|says nothing)")
def test_fits_agree(problem, place):
    data = measured(problem) if problem.unknowns else ()
    here, there = same(problem, place, *data)
    assert there.unknowns_std_ == pytest.approx(here.unknowns_std_, rel=1e-5)


@pytest.mark.cuda
@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": "nesterov", "memory": "difference"},
        {"momentum": "spring"},
        {"projection": "svd", "rcond": 1e-3},
        {"projection": "kernel"},
        {"optimizer": "newton"},
        {"optimizer": "gd", "step_size": 1e-3},
        {"optimizer": "adam", "step_size": 1e-2},
        {"step_size": "trust-region", "damping": "auto"},
        {"step_size": "backtracking"},
        {"resample_every": 1},
        {"sampler": "adaptive", "resample_every": 1},
        {"n_init": 2},
        {"hidden_layer_sizes": (4, 3)},
    ],
    ids=str,
)
def test_settings_agree(settings):
    same(Burgers(nu=0.3), "cuda", **settings)


@every_place
def test_callbacks_and_continued_fits_agree(place):
    class Seen(list):
        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = setup

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "iteration":
                self.append(fitted_estimator.predict(sample(Heat(), 5)))

    def seen(device):
        callback = Seen()
        model = solver(Heat(), max_iter=2, warm_start=True, damping=1e-2, device=device)
        model.set_callbacks(callback).fit().set_params(device="cpu").fit()
        return np.array(callback)

    assert_allclose(seen(place), seen("cpu"), atol=1e-8)


@pytest.mark.parametrize("problem", [Pendulum(), AdvectionDiffusion(), Heat()], ids=str)
def test_a_solver_fitted_on_cuda_answers_without_it(problem):
    fitted = solver(problem, max_iter=2).fit()
    X = sample(problem, 9)
    expected = fitted.predict(X), fitted.residual(X), fitted.score()
    fitted.device_ = f"cuda:{torch.cuda.device_count()}"
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict(X), expected[0])
    assert_array_equal(loaded.residual(X), expected[1])
    assert loaded.score() == expected[2]


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_single_precision_runs_on_cuda(dtype):
    here, there = (solver(Rod(), dtype=dtype, device=d).fit() for d in ("cpu", "cuda"))
    X = sample(Rod())
    assert_allclose(there.predict(X), here.predict(X), atol=1e-6 if dtype == "float64" else 1e-2)
