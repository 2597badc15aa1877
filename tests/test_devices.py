"""Rounding does not decide: other devices and other orders of the rows give the same run."""

import pytest
from cases import MOMENTA, assert_close, network_problem, run, spelled

from skngd.losses import SquaredLoss
from skngd.optim import Objective, build_method

METHODS = [{"momentum": None}, *MOMENTA]
VARIANTS = [
    *({**momentum, "step_size": 0.2, "damping": 1e-2} for momentum in METHODS),
    *({**momentum, "step_size": "trust-region"} for momentum in METHODS),
    *({"step_size": search, "damping": 1e-2} for search in ("backtracking", "grid")),
    *({"projection": form, "rcond": 0.03, "step_size": 0.2} for form in ("svd", "qr", "gram")),
    *({"projection": form, "damping": 1e-2, "step_size": 0.2} for form in ("gram", "kernel", "cg")),
    {"optimizer": "newton", "momentum": "heavy-ball"},
    {"optimizer": "gd", "step_size": 0.2},
    {"optimizer": "gd", "momentum": "heavy-ball", "momentum_space": "parameter", "step_size": 0.2},
    {"optimizer": "adam", "step_size": 0.02},
    {"optimizer": "lbfgs"},
]


def on(place, objective, theta):
    """The same problem on a device, or with its rows the other way round."""
    x, target, weights = objective.points, objective.loss.target, objective.loss.weights[:, 0]
    if place == "reversed":
        loss = SquaredLoss(target.flip(0), weights.flip(0))
        return Objective(objective.model, loss, x.flip(0)), theta
    loss = SquaredLoss(target.to(place), weights.to(place))
    return Objective(objective.model, loss, x.to(place)), theta.to(place)


@pytest.mark.parametrize("place", ["reversed", pytest.param("cuda", marks=pytest.mark.cuda)])
@pytest.mark.parametrize("options", VARIANTS, ids=spelled)
def test_every_variant_gives_the_same_run(options, place):
    objective, theta = network_problem()
    expected = run(build_method(**options), objective, theta, 10)
    actual = run(build_method(**options), *on(place, objective, theta), 10)
    assert actual.theta.device.type == ("cpu" if place == "reversed" else place)
    assert_close(actual.history["loss"], expected.history["loss"], 1e-8)
    assert_close(objective.at(actual.theta.cpu()).value, objective.at(expected.theta).value, 1e-8)
