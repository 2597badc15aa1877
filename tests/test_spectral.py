"""Quadrature, elements and the exponential integrator are exact where they have to be."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skngd.problems.spectral import (
    Elements,
    differentiation_matrix,
    etdrk4,
    gauss_lobatto,
    interpolation_matrix,
)


def test_gauss_lobatto_is_exact_to_its_degree():
    n = 7
    nodes, weights, barycentric = gauss_lobatto(n)
    powers = np.arange(2 * n)
    exact = np.where(powers % 2 == 0, 2 / (powers + 1), 0)
    assert_allclose(weights @ nodes[:, np.newaxis] ** powers, exact, atol=1e-14)
    coefficients = np.random.default_rng(0).normal(size=n + 1)
    values, slopes = (np.polyval(c, nodes) for c in (coefficients, np.polyder(coefficients)))
    assert_allclose(differentiation_matrix(nodes, barycentric) @ values, slopes, atol=1e-12)
    points = np.linspace(-1, 1, 20)
    matrix = interpolation_matrix(nodes, barycentric, points)
    assert_allclose(matrix @ values, np.polyval(coefficients, points), atol=1e-13)
    assert_array_equal(interpolation_matrix(nodes, barycentric, nodes), np.eye(n + 1))


def test_elements_know_the_eigenvalues_of_the_second_derivative():
    elements = Elements((0, 0.4, 1), degree=20)
    assert_allclose(elements.eigenvalues[:8], ((np.arange(8) + 0.5) * np.pi) ** 2, rtol=1e-10)
    values = np.cos(np.pi / 2 * elements.nodes)
    coefficients = elements.coefficients(values)
    assert_allclose(np.abs(coefficients[0]), np.sqrt(0.5), rtol=1e-12)
    assert_allclose(coefficients[1:], 0, atol=1e-12)
    assert_allclose(elements.values(coefficients), values, rtol=0, atol=1e-13)
    x = np.array([0, 0.2, 0.4, 0.7, 1])
    table = np.stack([values, 2 * values])
    found = elements.interpolate(table, np.array([[0, 1]] * 5), x)
    assert_allclose(found, np.cos(np.pi / 2 * x)[:, np.newaxis] * [1, 2], atol=1e-13)


def test_etdrk4_is_exact_without_a_reaction_and_of_order_four_with_one():
    eigenvalues = np.array([-1e8, -10.0, -1e-3, 0.0])
    path, slopes = etdrk4(eigenvalues, np.zeros_like, np.ones(4), [0.1, 0.1, 0.3])
    assert_allclose(path[-1], np.exp(0.5 * eigenvalues), rtol=1e-13)
    assert_allclose(slopes, eigenvalues * path)

    # the logistic equation c' = −c + 2c − c², whose solution is known
    exact = 1 / (1 + 4 * np.exp(-2))
    errors = [
        abs(etdrk4(-np.ones(1), lambda c: 2 * c - c**2, [0.2], np.full(n, 2 / n))[0][-1, 0] - exact)
        for n in (20, 40)
    ]
    assert 13 < errors[0] / errors[1] < 19
    assert errors[1] < 1e-7
