"""The pseudo-inverse in its forms, equation (P), against dense linear algebra."""

import numpy as np
import pytest
import torch
from cases import assert_close, normal, spelled

from skngd.tangent import FACTORIZATIONS, choose, project

FORMS = sorted(FACTORIZATIONS)

every_form = pytest.mark.parametrize("form", FORMS)
every_shape = pytest.mark.parametrize("shape", [(20, 6), (6, 20)], ids=["tall", "wide"])


def matrix(shape, singular_values, seed=0):
    """A matrix with these singular values, and its left singular vectors."""
    k = len(singular_values)
    u, v = (torch.linalg.qr(normal(n, k, seed=seed + i))[0] for i, n in enumerate(shape))
    return (u * torch.as_tensor(singular_values)) @ v.T, u


def dense_truth(a, f, rcond=0.0, damping=0.0):
    """A⁺ f by NumPy's singular value decomposition."""
    u, s, vt = np.linalg.svd(a.numpy(), full_matrices=False)
    kept = s > max(rcond, 1e-12) * s[0]
    filtered = s[kept] / (s[kept] ** 2 + damping)
    return vt[kept].T @ (filtered * (u.T[kept] @ f.numpy()))


REGULARISATION = {
    "plain": {},
    "truncated": {"rcond": 0.2},
    "damped": {"damping": 0.3},
    "truncated and damped": {"rcond": 0.2, "damping": 0.3},
}
every_regularisation = pytest.mark.parametrize(
    "regularisation", REGULARISATION.values(), ids=REGULARISATION.keys()
)
SPECTRUM = [5.0, 4.0, 2.0, 1.5, 0.5, 0.1]


@every_form
@every_shape
@every_regularisation
def test_every_form_equals_the_dense_truth(form, shape, regularisation):
    a, _ = matrix(shape, SPECTRUM)
    f = normal(shape[0], seed=2)
    dtheta, info = project(a, f, form, **regularisation)
    assert info.method == form
    assert_close(dtheta, dense_truth(a, f, **regularisation), 1e-10)


@every_shape
def test_the_dense_truth_is_numpys(shape):
    a, _ = matrix(shape, SPECTRUM)
    f = normal(shape[0], seed=2)
    assert_close(dense_truth(a, f), np.linalg.pinv(a.numpy()) @ f.numpy(), 1e-12)
    truncated = np.linalg.pinv(a.numpy(), rcond=0.2) @ f.numpy()
    assert_close(dense_truth(a, f, rcond=0.2), truncated, 1e-12)
    damped = np.linalg.solve((a.T @ a).numpy() + 0.3 * np.eye(shape[1]), (a.T @ f).numpy())
    assert_close(dense_truth(a, f, damping=0.3), damped, 1e-12)


@every_form
@every_shape
@pytest.mark.parametrize("rcond", [0.0, 0.2])
def test_projection_is_idempotent_and_symmetric(form, shape, rcond):
    a, _ = matrix(shape, SPECTRUM)
    identity = torch.eye(shape[0], dtype=torch.float64)
    projection = a @ FACTORIZATIONS[form]([(a, identity)]).solve(rcond=rcond)
    assert_close(projection @ projection, projection, 1e-10)
    assert_close(projection.T, projection, 1e-10)


@every_form
@every_shape
@pytest.mark.parametrize("rcond", [0.0, 0.3])
def test_info_of_a_rank_deficient_matrix(form, shape, rcond):
    s = [4.0, 2.0, 1.0, 0.0]
    a, u = matrix(shape, s)
    amounts = torch.tensor([1.0, 2.0, 3.0, 4.0]).double()
    dtheta, info = project(a, u @ amounts, form, rcond)
    rank = 3 if rcond == 0 else 2
    assert info.rank == rank
    assert info.condition == pytest.approx(s[0] / s[rank - 1], rel=1e-10)
    assert info.kept == pytest.approx(float((amounts[:rank] ** 2).sum()) / 30.0, rel=1e-10)
    assert float(dtheta.norm()) == pytest.approx(
        float((amounts[:rank] / torch.tensor(s[:rank])).norm()), rel=1e-10
    )


@every_form
@every_shape
def test_kept_fraction_of_a_damped_projection(form, shape):
    s, damping = torch.tensor(SPECTRUM).double(), 0.3
    a, u = matrix(shape, SPECTRUM)
    amounts = torch.arange(1.0, 7.0).double()
    _, info = project(a, u @ amounts, form, damping=damping)
    kept = (amounts**2 * s**2 / (s**2 + damping)).sum() / (amounts**2).sum()
    assert info.kept == pytest.approx(float(kept), rel=1e-10)
    assert info.rank == 6


@pytest.mark.parametrize(("form", "shape"), [("gram", (20, 6)), ("kernel", (6, 20))])
def test_condition_by_cholesky_is_a_lower_bound(form, shape):
    a, _ = matrix(shape, SPECTRUM)
    _, info = project(a, normal(shape[0]), form, damping=0.3)
    assert 1.0 <= info.condition <= ((SPECTRUM[0] ** 2 + 0.3) / (SPECTRUM[-1] ** 2 + 0.3)) ** 0.5


@every_form
@pytest.mark.parametrize("damping", [0.0, 1.0])
def test_nothing_is_kept_where_the_jacobian_is_zero(form, damping):
    dtheta, info = project(torch.zeros(5, 3).double(), normal(5), form, damping=damping)
    assert not dtheta.any()
    assert info.kept == 0.0


@every_form
@every_shape
@every_regularisation
def test_further_functions_are_projected_alike(form, shape, regularisation):
    a, _ = matrix(shape, SPECTRUM)
    f, further = normal(shape[0], 1, seed=2), normal(shape[0], seed=3)
    factorization = FACTORIZATIONS[form]([(a, f)])
    actual = factorization.solve_function(further, lambda f: a.T @ f, **regularisation)
    assert_close(actual, dense_truth(a, further, **regularisation), 1e-10)


@every_form
@every_shape
@every_regularisation
@pytest.mark.parametrize("size", [1, 4, 7])
def test_chunks_of_rows_equal_one_block(form, shape, regularisation, size):
    a, _ = matrix(shape, SPECTRUM)
    f = normal(shape[0], 2, seed=2)
    whole = FACTORIZATIONS[form]([(a, f)])
    chunked = FACTORIZATIONS[form](zip(a.split(size), f.split(size), strict=True))
    dtheta = whole.solve(**regularisation)
    assert_close(chunked.solve(**regularisation), dtheta, 1e-11)
    assert_close(chunked.square_norm, whole.square_norm, 1e-13)
    assert_close(chunked.gradients, whole.gradients, 1e-12)
    ours, theirs = (form.info(dtheta[:, 0], **regularisation) for form in (chunked, whole))
    assert ours.rank == theirs.rank
    assert ours.condition == pytest.approx(theirs.condition, rel=1e-10)
    assert ours.kept == pytest.approx(theirs.kept, rel=1e-10)


@every_shape
def test_squaring_the_condition_loses_the_digits(shape):
    # Condition 1e10: the least singular value has 6 digits in A, and none in AᵀA or A Aᵀ.
    a, _ = matrix(shape, np.logspace(0, -10, 6))
    truth = a.T @ matrix(shape, np.logspace(0, 10, 6))[0] @ normal(shape[1])
    f = a @ truth
    error = {form: float((project(a, f, form)[0] - truth).norm() / truth.norm()) for form in FORMS}
    assert max(error["svd"], error["qr"]) < 1e-4
    assert min(error["gram"], error["kernel"]) > 1e-2


def test_damping_restores_the_digits_of_the_gram_matrix():
    a, _ = matrix((20, 6), np.logspace(0, -10, 6))
    f = normal(20, seed=2)
    exact = dense_truth(a, f, damping=1e-6)
    assert_close(project(a, f, "gram", damping=1e-6)[0], exact, 1e-8)


@pytest.mark.parametrize("form", ["svd", "qr"])
def test_svd_that_does_not_converge_falls_back(form, monkeypatch):
    def fails(*args, **options):
        raise torch.linalg.LinAlgError("did not converge")

    a, _ = matrix((20, 6), SPECTRUM)
    f = normal(20, seed=2)
    monkeypatch.setattr(torch.linalg, "svd", fails)
    with pytest.warns(RuntimeWarning, match="did not converge.*damping or rcond"):
        dtheta, _ = project(a, f, form)
    assert_close(dtheta, dense_truth(a, f), 1e-10)


@pytest.mark.parametrize(
    ("shape", "options", "name"),
    [
        ((20, 61), {}, "svd"),
        ((20, 61), {"rcond": 1e-6}, "svd"),
        ((20, 61), {"relative_damping": 1e-3}, "kernel"),
        ((61, 61), {}, "qr"),
        ((500, 61), {}, "qr"),
        ((500, 61), {"rcond": 1e-6}, "qr"),
        ((500, 61), {"relative_damping": 1e-14}, "qr"),
        ((500, 61), {"relative_damping": 1e-12}, "gram"),
        ((500, 61), {"relative_damping": 1e-12, "rcond": 1e-6}, "qr"),
    ],
    ids=lambda value: spelled(value) if isinstance(value, dict) else str(value),
)
def test_choice_of_the_form(shape, options, name):
    assert choose(*shape, **options) == name


@pytest.mark.parametrize(
    ("shape", "options", "name"),
    [((6, 20), {}, "svd"), ((20, 6), {}, "qr"), ((20, 6), {"damping": 1.0}, "gram")],
    ids=lambda value: spelled(value) if isinstance(value, dict) else str(value),
)
def test_auto_takes_the_chosen_form(shape, options, name):
    a, _ = matrix(shape, SPECTRUM)
    assert project(a, normal(shape[0]), **options)[1].method == name


def test_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"'auto' or one of \['cg', 'gram', .*got 'lu'"):
        project(torch.eye(2), torch.ones(2), method="lu")
