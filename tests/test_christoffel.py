"""Optimal sampling of a tangent space: the mathematics, without a problem."""

import numpy as np
import pytest
import torch
from cases import normal

from skngd.geometry.sampling import gauss_rule
from skngd.tangent.christoffel import (
    STABLE,
    draw,
    enough_points,
    kept_fraction,
    largest_step,
    leverage_scores,
    orthonormal_basis,
)

X, W = gauss_rule(300, -1, 1)
W = W / 2


def polynomials(d, x=X, w=W):
    """A = W^½ J for the monomials of degree below d."""
    columns = np.sqrt(w)[:, None] * np.asarray(x)[:, None] ** np.arange(d)
    return torch.as_tensor(columns)


def generator(seed=0):
    return np.random.default_rng(seed)


def empirical_gram(basis, sample, n_equations=1):
    rows = basis.view(n_equations, -1, basis.shape[1])[:, sample.index]
    return torch.einsum("eki,ekj,k->ij", rows, rows, torch.as_tensor(sample.factors)).numpy()


def test_the_basis_is_orthonormal_and_spans_the_tangent_space():
    a = polynomials(6)
    basis = orthonormal_basis(a)
    np.testing.assert_allclose(basis.T @ basis, np.eye(6), atol=1e-12)
    np.testing.assert_allclose(basis @ (basis.T @ a), a, atol=1e-12)


def test_inverse_christoffel_function_of_polynomials():
    # Σ_j b_j² with b_j = √(2j + 1) P_j, Legendre's polynomials.
    legendre = np.polynomial.legendre.legvander(X, 4) * np.sqrt(2 * np.arange(5) + 1)
    scores = leverage_scores(orthonormal_basis(polynomials(5))).numpy()
    np.testing.assert_allclose(scores / W, (legendre**2).sum(1), rtol=1e-9)
    assert float(scores.sum()) == pytest.approx(5)


def test_scores_do_not_depend_on_the_parametrisation():
    a = polynomials(5)
    change = normal(5, 9, seed=1)  # nine parameters for five dimensions
    scores = leverage_scores(orthonormal_basis(a @ change, 1e-10))
    np.testing.assert_allclose(scores, leverage_scores(orthonormal_basis(a)), atol=1e-10)
    samples = [draw(orthonormal_basis(m, 1e-10), 40, generator()) for m in (a, a @ change)]
    np.testing.assert_array_equal(samples[0].index, samples[1].index)
    assert samples[0].deviation == pytest.approx(samples[1].deviation)


def test_directions_below_the_cut_do_not_count():
    a = polynomials(4) @ torch.diag(torch.tensor([1.0, 1.0, 1.0, 1e-9], dtype=torch.float64))
    assert orthonormal_basis(a).shape[1] == 3
    assert orthonormal_basis(a, 1e-12).shape[1] == 4


@pytest.mark.parametrize("shape", [(30, 4), (4, 30)], ids=["tall", "wide"])
def test_every_shape(shape):
    basis = orthonormal_basis(normal(*shape))
    assert basis.shape == (shape[0], 4)
    assert float(leverage_scores(basis).sum()) == pytest.approx(4)


def test_weighted_means_are_unbiased():
    basis = orthonormal_basis(polynomials(4))
    f = np.exp(X) * np.sin(3 * X)
    means, grams = [], []
    for seed in range(4000):
        sample = draw(basis, 5, generator(seed), max_attempts=1)
        means.append((sample.factors * W[sample.index]) @ f[sample.index])
        grams.append(empirical_gram(basis, sample))
    spread = np.std(means) / np.sqrt(len(means))
    assert np.mean(means) == pytest.approx(W @ f, abs=4 * spread)
    spread = np.std(grams, axis=0) / np.sqrt(len(grams))
    assert np.all(np.abs(np.mean(grams, axis=0) - np.eye(4)) < 4 * spread + 1e-12)


@pytest.mark.parametrize("d", [2, 5, 12])
def test_enough_points_are_stable(d):
    basis, n = orthonormal_basis(polynomials(d), 1e-10), enough_points(d)
    samples = [draw(basis, n, generator(seed), max_attempts=1) for seed in range(100)]
    assert np.mean([sample.deviation <= STABLE for sample in samples]) > 0.97


def test_optimal_points_are_more_stable_than_uniform_ones():
    d = 12
    basis, rng = orthonormal_basis(polynomials(d), 1e-10), generator()
    optimal, uniform = [], []
    for _ in range(50):
        sample = draw(basis, 120, rng, max_attempts=1)
        optimal.append(sample.deviation)
        index = rng.choice(len(W), 120, p=W)
        rows = basis.numpy()[index] / np.sqrt(120 * W[index])[:, None]
        uniform.append(np.linalg.norm(rows.T @ rows - np.eye(d), 2))
    assert np.median(optimal) < 0.75 * np.median(uniform)


def test_the_draw_is_repeated_until_it_is_stable():
    basis = orthonormal_basis(polynomials(5))
    samples = [draw(basis, 25, generator(seed)) for seed in range(40)]
    assert max(sample.n_attempts for sample in samples) > 1
    for sample in samples:
        gram = empirical_gram(basis, sample)
        assert sample.deviation == pytest.approx(np.linalg.norm(gram - np.eye(5), 2))
        assert sample.is_stable or sample.n_attempts == 20


def test_too_few_points_are_drawn_once():
    sample = draw(orthonormal_basis(polynomials(5)), 4, generator())
    assert (sample.n_attempts, sample.is_stable) == (1, False)
    assert sample.deviation >= 1 - 1e-12


def test_several_equations_share_their_points():
    basis = orthonormal_basis(normal(2 * 50, 6))
    scores = leverage_scores(basis, 2)
    np.testing.assert_allclose(scores, basis[:50].square().sum(1) + basis[50:].square().sum(1))
    sample = draw(basis, enough_points(6), generator(), 2)
    gram = empirical_gram(basis, sample, 2)
    assert sample.is_stable
    assert sample.deviation == pytest.approx(np.linalg.norm(gram - np.eye(6), 2))


def test_half_the_largest_step_lowers_the_loss_on_average():
    """L(v) = ½ ‖v − u‖² on polynomials, with the quasi-projection of the gradient."""
    d, n = 4, 6
    basis = orthonormal_basis(polynomials(d))
    g = torch.as_tensor(np.sqrt(W) * (np.abs(X) - 2 * np.exp(X)))
    projected = basis.T @ g
    kept = float(projected @ projected / (g @ g))
    assert kept == pytest.approx(kept_fraction(basis, g))
    largest = largest_step(kept, d, n)
    changes = {part: [] for part in (0.25, 0.5, 1.0, 2.0)}
    for seed in range(3000):
        sample = draw(basis, n, generator(seed), max_attempts=1)
        index = torch.as_tensor(sample.index)
        estimate = basis[index].T @ (torch.as_tensor(sample.factors) * g[index])
        for part, found in changes.items():
            step = part * largest * estimate
            found.append(float(-(step @ projected) + 0.5 * (step @ step)))
    square = float(projected @ projected)
    # For a quadratic loss and one draw the bound is an equality.
    for part, found in changes.items():
        s = part * largest
        expected = -s * square + s**2 * square / largest
        spread = np.std(found) / np.sqrt(len(found))
        assert np.mean(found) == pytest.approx(expected, abs=4 * spread)
    assert np.mean(changes[0.5]) < np.mean(changes[0.25]) < 0 < np.mean(changes[2.0])


def projections(g, basis, n, n_draws, seed=0):
    """Coefficients of the least-squares fits of g on optimal points, and the samples."""
    rng, kept = generator(seed), kept_fraction(basis, g)
    for _ in range(n_draws):
        sample = draw(basis, n, rng, kept=kept)
        roots = torch.as_tensor(sample.factors).sqrt()
        rows = roots[:, None] * basis[sample.index]
        yield torch.linalg.lstsq(rows, (roots * g[sample.index])[:, None])[0][:, 0], sample


def test_the_step_of_a_draw_lowers_the_loss_on_average():
    """L(v) = ½ ‖v − u‖² on polynomials, with the projection of the gradient."""
    d, n = 4, 32
    basis = orthonormal_basis(polynomials(d))
    noise = np.random.default_rng(0).standard_normal(len(X))
    g = torch.as_tensor(np.sqrt(W) * (X**2 + 2 * noise))
    projected = basis.T @ g
    square, kept = float(projected @ projected), kept_fraction(basis, g)
    assert kept < 0.1
    changes = {part: [] for part in (0.5, 1.0, 2.0, 4.0, 8.0)}
    errors = []
    for estimate, sample in projections(g, basis, n, 2000):
        assert sample.is_stable
        errors.append(float((estimate - projected).square().sum()))
        for part, found in changes.items():
            s = part * sample.step_size
            found.append(float(-s * (estimate @ projected) + 0.5 * s**2 * (estimate @ estimate)))
    # The variance is between that of independent points and its bound for ‖Ĝ − I‖ ≤ 1/2.
    independent = d / n * (1 / kept - 1) * square
    assert 0.8 * independent < np.mean(errors) < 4 * independent
    assert all(np.mean(changes[part]) < 0 for part in (0.5, 1.0, 2.0))
    assert np.mean(changes[1.0]) < np.mean(changes[0.5])
    assert np.mean(changes[8.0]) > 0


@pytest.mark.parametrize("kept", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("deviation", [None, 0.0, 0.5])
def test_half_the_largest_step_minimises_the_bound(kept, deviation):
    d, n, smoothness = 5, 40, 3.0
    largest = largest_step(kept, d, n, smoothness, deviation)
    if deviation is None:
        square = (1 - 1 / n) * kept + d / n
    else:
        square = kept + d / n * (1 - kept) / (1 - deviation) ** 2

    def bound(s):
        return -s * kept + 0.5 * smoothness * s**2 * square

    assert bound(largest) == pytest.approx(0, abs=1e-12)
    around = [bound(part * largest / 2) for part in (0.9, 1.0, 1.1)]
    assert min(around) == around[1] < 0 < bound(2 * largest)


def test_a_projection_that_is_exact_takes_the_whole_step():
    basis = orthonormal_basis(polynomials(4))
    g = torch.as_tensor(np.sqrt(W) * (1 - X + X**3))
    assert kept_fraction(basis, g) == pytest.approx(1)
    assert kept_fraction(basis, torch.zeros_like(g)) == 1
    for estimate, sample in projections(g, basis, 12, 5):
        np.testing.assert_allclose(estimate, basis.T @ g, atol=1e-12)
        assert sample.step_size == pytest.approx(1)


def test_a_gradient_that_is_all_noise_is_not_followed():
    assert largest_step(0.0, 3, 10) == largest_step(0.0, 3, 10, deviation=0.5) == 0


def test_a_part_of_the_points_is_drawn_whatever_the_basis():
    basis, at_least = orthonormal_basis(polynomials(4)), 0.2 * W / W.sum()
    scores = leverage_scores(basis).numpy()
    probability = 0.8 * scores / 4 + at_least
    sample = draw(basis, 50, generator(), at_least=at_least)
    np.testing.assert_allclose(sample.factors, 1 / (50 * probability[sample.index]))
    counts = np.bincount(draw(basis, 100_000, generator(), at_least=at_least).index, minlength=300)
    assert np.abs(counts / 100_000 - probability).max() < 5 * np.sqrt(probability.max() / 100_000)
