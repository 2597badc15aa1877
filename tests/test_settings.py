"""Which combinations of names run, and which are refused with advice."""

import itertools

import numpy as np
import pytest
from cases import linear_problem, network_problem, run, spelled

from skngd.optim import MEMORIES, Objective, build_method

REFUSED = [
    ({"optimizer": "adam", "momentum": "heavy-ball"}, "Set momentum=None, or optimizer='ngd'"),
    ({"optimizer": "adam", "momentum": "spring"}, "Set momentum=None, or optimizer='ngd'"),
    ({"optimizer": "lbfgs", "momentum": "nesterov"}, "Set momentum=None, or optimizer='ngd'"),
    ({"momentum": "spring", "damping": 0}, "Set damping to 'auto' or a positive"),
    ({"optimizer": "gd", "momentum": "spring"}, "Set optimizer='ngd', or momentum to"),
    ({"optimizer": "newton", "momentum": "spring"}, "Set optimizer='ngd', or momentum to"),
    ({"optimizer": "gd", "momentum": "heavy-ball"}, "Set momentum_space='parameter'"),
    ({"optimizer": "gd", "momentum": "nesterov"}, "Set momentum_space='parameter'"),
    ({"optimizer": "gd", "step_size": "trust-region"}, "Set step_size to 'auto', 'backtracking'"),
    ({"optimizer": "adam", "step_size": "backtracking"}, "Set step_size='auto', which fits"),
    ({"optimizer": "adam", "step_size": "grid"}, "Set step_size='auto', which fits"),
    ({"optimizer": "adam", "step_size": "trust-region"}, "Set step_size='auto', which fits"),
    ({"optimizer": "lbfgs", "step_size": "grid"}, "Set step_size='auto'"),
    ({"optimizer": "lbfgs", "step_size": 0.1}, "Set step_size='auto'"),
    ({"optimizer": "gd", "step_size": "christoffel"}, "Set optimizer='ngd'"),
    ({"optimizer": "newton", "step_size": "christoffel"}, "Set optimizer='ngd'"),
    ({"optimizer": "adam", "step_size": "christoffel"}, "Set optimizer='ngd'"),
    ({"optimizer": "gd", "projection": "cg"}, "Set optimizer='ngd', or another projection"),
    ({"optimizer": "sgd"}, "optimizer to be one of 'ngd', .* got 'sgd'"),
    ({"momentum": "nestrov"}, "momentum to be one of None, 'heavy-ball', .* got 'nestrov'"),
    ({"momentum_space": "z"}, "momentum_space to be one of 'function', 'parameter', got 'z'"),
    ({"memory": "diff"}, "memory to be one of .* got 'diff'"),
    ({"restart": "x"}, "restart to be one of None, 'loss', 'gradient', got 'x'"),
    ({"step_size": "huge"}, "step_size to be one of 'auto', .* or a number, got 'huge'"),
    ({"projection": "lu"}, "projection to be one of 'auto', .* got 'lu'"),
    ({"beta": 7.0}, "Expected beta between -1 and 1, got 7.0"),
]


def test_another_metric_is_refused():
    objective, _ = network_problem()
    with pytest.raises(ValueError, match=r"'l2' or 'loss', got 'h1'.*WithDerivatives"):
        Objective(objective.model, objective.loss, objective.points, metric="h1")


@pytest.mark.parametrize(
    ("options", "advice"), REFUSED, ids=[spelled(options) for options, _ in REFUSED]
)
def test_what_would_run_another_method_is_refused(options, advice):
    with pytest.raises(ValueError, match=advice):
        build_method(**options)


STEP_SIZES = ["backtracking", "grid", "trust-region", 0.1]


@pytest.mark.parametrize("momentum", [None, "heavy-ball", "nesterov", "spring"])
@pytest.mark.parametrize("momentum_space", ["function", "parameter"])
@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("step_size", STEP_SIZES)
def test_a_grid_over_every_momentum_runs(momentum, momentum_space, memory, step_size):
    objective, theta = network_problem(n_points=12)
    for beta, restart in itertools.product((0.0, 0.5, -0.5), ("loss", "gradient", None)):
        method = build_method(
            momentum=momentum,
            momentum_space=momentum_space,
            memory=memory,
            step_size=step_size,
            beta=beta,
            restart=restart,
        )
        result = run(method, objective, theta, 3)
        assert result.n_iter == 3
        assert np.all(np.isfinite(result.history["loss"]))


class Bounded(Objective):
    """An objective that ends a search that does not end by itself."""

    count = 0

    def at(self, theta):
        self.count += 1
        assert self.count < 1000, "the search does not end"
        return super().at(theta)


@pytest.mark.parametrize(
    ("optimizer", "step_size"),
    [
        *(("newton", step_size) for step_size in ("auto", *STEP_SIZES)),
        *(("gd", step_size) for step_size in ("auto", "backtracking", "grid", 0.1)),
    ],
)
@pytest.mark.parametrize("momentum", [None, "heavy-ball", "nesterov"])
def test_other_directions_with_momentum_in_parameter_space(optimizer, momentum, step_size):
    objective, theta = linear_problem(noise=1.0)
    method = build_method(
        optimizer, momentum=momentum, momentum_space="parameter", step_size=step_size
    )
    bounded = Bounded(objective.model, objective.loss, objective.points)
    losses = run(method, bounded, theta, 3).history["loss"]
    assert np.all(np.isfinite(losses))
    assert min(losses) < losses[0]
