"""The cut-off where singular values cross the reconstruction error, equation (Cut)."""

import numpy as np
import pytest
import torch
from cases import assert_close, normal

from skngd import NaturalMomentumRegressor, PINNEstimator
from skngd.losses import SquaredLoss
from skngd.models import FullyConnected
from skngd.optim import Objective, build_method
from skngd.optim.directions import NaturalGradient
from skngd.problems.zoo import Laplace2D
from skngd.tangent import FACTORIZATIONS, project

SPECTRAL = [name for name, form in FACTORIZATIONS.items() if form.has_spectrum]
SINGULAR_VALUES = torch.tensor([10.0, 3.0, 1.0, 0.3, 0.1]).double()

every_form = pytest.mark.parametrize("form", SPECTRAL)
every_shape = pytest.mark.parametrize("shape", [(12, 5), (5, 12)], ids=["tall", "wide"])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def matrix(shape):
    """A matrix with these singular values, and its left singular vectors."""
    u, v = (torch.linalg.qr(normal(n, 5, seed=i))[0] for i, n in enumerate(shape))
    return (u * SINGULAR_VALUES) @ v.T, u


def rank_by_definition(a, f):
    """Up to where s falls below what is left of f, or a tenth of what A holds of f."""
    u, s, _ = np.linalg.svd(a.numpy(), full_matrices=False)
    parts, rank, has_been_above = u.T @ f.numpy(), 0, False
    for k in range(len(s)):
        is_above = s[k] > np.linalg.norm(f.numpy() - u[:, :k] @ parts[:k])
        if has_been_above and not is_above:
            break
        has_been_above = has_been_above or is_above
        rank = k + 1
    rank = rank if has_been_above else 1
    return max(rank, 1 + int((np.cumsum(parts**2) < 0.1 * parts @ parts).sum()))


@every_form
@every_shape
@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0, 10.0])
def test_every_form_cuts_where_the_curves_cross(form, shape, size):
    a, _ = matrix(shape)
    f = size * normal(shape[0], seed=3)
    dtheta, info = project(a, f, form, rcond="adaptive")
    rank = rank_by_definition(a, f)
    assert info.rank == rank
    u, s, vt = np.linalg.svd(a.numpy(), full_matrices=False)
    expected = vt[:rank].T @ (u[:, :rank].T @ f.numpy() / s[:rank])
    assert_close(dtheta, expected, 1e-9)


@every_form
def test_a_smaller_residual_opens_more_directions(form):
    a, _ = matrix((12, 5))
    f = normal(12, seed=3)
    ranks = [project(a, 10.0**-k * f, form, rcond="adaptive")[1].rank for k in range(-2, 4)]
    assert ranks == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (1, 5)


@every_form
def test_what_the_space_cannot_reach_sets_the_level(form):
    """Behind the crossing the directions hold less than what is out of reach anyway."""
    a, u = matrix((12, 5))
    beyond = torch.linalg.qr(torch.cat([u, normal(12, 1, seed=5)], dim=1))[0][:, 5]
    f = u[:, 0] + 0.5 * beyond
    assert project(a, f, form, rcond="adaptive")[1].rank == 3  # 10, 3 and 1 are above 0.5
    assert project(a, u[:, 0], form, rcond="adaptive")[1].rank == 5  # nothing is left behind it


@every_form
def test_a_tenth_of_what_the_space_holds_is_kept(form):
    """Else a large residual that the first directions do not see would stall."""
    a, u = matrix((12, 5))
    assert project(a, 100 * u[:, 3] + 20 * u[:, 4], form, rcond="adaptive")[1].rank == 4
    assert project(a, 100 * u[:, 2] + 30 * u[:, 4], form, rcond="adaptive")[1].rank == 3
    assert project(a, 30 * u[:, 2] + 100 * u[:, 4], form, rcond="adaptive")[1].rank == 5


@every_form
def test_a_factor_on_the_equations_changes_nothing(form):
    a, _ = matrix((12, 5))
    f = normal(12, seed=3)
    one, other = (project(c * a, c * f, form, rcond="adaptive")[0] for c in (1.0, 100.0))
    assert_close(one, other, 1e-9)


@every_form
def test_nothing_to_project(form):
    assert not project(torch.zeros(5, 3).double(), normal(5), form, rcond="adaptive")[0].any()
    a, _ = matrix((12, 5))
    assert not project(a, torch.zeros(12).double(), form, rcond="adaptive")[0].any()


def test_the_direction_chooses_it_at_each_point():
    x = torch.linspace(-1, 1, 30, dtype=torch.float64).unsqueeze(1)
    network = FullyConnected((1, 6, 1))
    theta = torch.from_numpy(network.initial(np.random.RandomState(0)))
    ranks = []
    for size in (100.0, 0.01):
        here = Objective(network, SquaredLoss(size * torch.sin(3 * x)), x).at(theta)
        prepared = NaturalGradient(rcond="adaptive").prepare(here)
        a = torch.cat([rows for _, rows in here.operator.rows()])
        expected, info = project(a, here.residual, "svd", rcond="adaptive")
        assert_close(prepared.descent(0.0), -expected, 1e-6)
        ranks.append(info.rank)
    assert ranks[0] < ranks[1]


def test_where_there_are_no_singular_values_it_is_refused():
    with pytest.raises(ValueError, match="Expected a form with singular values"):
        project(normal(5, 3), normal(5), "cg", rcond="adaptive")
    with pytest.raises(ValueError, match="needs the singular values of the Jacobian"):
        build_method(projection="cg", rcond="adaptive")
    X = np.linspace(-1, 1, 20).reshape(-1, 1)
    estimator = NaturalMomentumRegressor(projection="cg", rcond="adaptive")
    with pytest.raises(ValueError, match=r"projection='cg' has none\. Set projection to 'auto'"):
        estimator.fit(X, X[:, 0])
    # What projects nothing has nothing to cut off.
    build_method("gd", momentum=None, projection="gram", rcond="adaptive")


def test_an_estimator_opens_directions_as_the_residual_falls():
    settings = {"momentum": None, "step_size": "grid", "max_iter": 40, "estimate_error": False}
    solver = PINNEstimator(
        Laplace2D(), (16,), activation="tanh", rcond="adaptive", random_state=0, **settings
    ).fit()
    ranks = solver.history_["rank"][1:]
    assert ranks[-1] > ranks[0]
    assert solver.loss_ < 0.01 * solver.loss_curve_[0]


def test_a_regressor_takes_it_with_any_momentum():
    X = np.linspace(-1, 1, 40).reshape(-1, 1)
    y = np.sin(3 * X[:, 0])
    for settings in ({}, {"momentum": "nesterov", "step_size": 0.3}, {"momentum": "spring"}):
        model = NaturalMomentumRegressor(
            (6,), rcond="adaptive", n_init=1, max_iter=60, random_state=0, **settings
        )
        assert model.fit(X, y).score(X, y) > 0.99
