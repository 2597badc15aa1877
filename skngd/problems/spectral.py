"""A Legendre spectral element solver for reaction-diffusion equations in one dimension.

The nodes are those of Gauss-Lobatto-Legendre quadrature. With that quadrature the diffusion term
becomes a symmetric matrix, whose eigenvectors are orthogonal; in their basis the exponential
integrator needs only functions of numbers, so that a change of the time step costs nothing.

References
----------
C. Canuto, M. Y. Hussaini, A. Quarteroni and T. A. Zang, *Spectral Methods: Fundamentals in Single
Domains*, Springer (2006).

A.-K. Kassam and L. N. Trefethen, *Fourth-order time-stepping for stiff PDEs*, SIAM Journal on
Scientific Computing 26 (2005).

H. Wang, D. Huybrechs and S. Vandewalle, *Explicit barycentric weights for polynomial interpolation
in the roots or extrema of classical orthogonal polynomials*, Mathematics of Computation 83 (2014).
"""

import numpy as np
from scipy.special import eval_legendre, roots_jacobi

# Points on the circle around z over which Kassam and Trefethen average; the other half of the
# circle gives the complex conjugates.
CIRCLE = np.exp(1j * np.pi * (np.arange(32) + 0.5) / 32)


def gauss_lobatto(degree):
    """Nodes, quadrature weights and barycentric weights of Gauss-Lobatto-Legendre on [−1, 1].

    The nodes are ±1 and the roots of P'_n, n the degree, at least 2; the quadrature weights
    2 / (n (n + 1) P_n(x_j)²) are exact to degree 2n − 1; the barycentric weights are (−1)^j times
    the roots of these.

    Examples
    --------
    >>> from skngd.problems.spectral import gauss_lobatto
    >>> nodes, weights, _ = gauss_lobatto(2)
    >>> weights.round(4)  # Simpson's rule
    array([0.3333, 1.3333, 0.3333])
    """
    nodes = np.concatenate([[-1.0], roots_jacobi(degree - 1, 1, 1)[0], [1.0]])
    weights = 2 / (degree * (degree + 1) * eval_legendre(degree, nodes) ** 2)
    return nodes, weights, np.sqrt(weights) * (-1.0) ** np.arange(degree + 1)


def differentiation_matrix(nodes, barycentric):
    """The matrix that takes values at the nodes to values of the derivative there.

    D_ij = (b_j / b_i) / (x_i − x_j), and each row sums to 0.
    It is exact for polynomials of a degree below the number of nodes.
    """
    nodes, barycentric = np.asarray(nodes), np.asarray(barycentric)
    differences = nodes[:, np.newaxis] - nodes
    np.fill_diagonal(differences, 1)
    matrix = barycentric / barycentric[:, np.newaxis] / differences
    np.fill_diagonal(matrix, 0)
    # rounding errors of the entries cancel in the derivative of a constant
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


def interpolation_matrix(nodes, barycentric, points):
    """The matrix that takes values at the nodes to values at other points.

    The second barycentric formula: p(x) = Σ_j b_j/(x − x_j) p_j / Σ_j b_j/(x − x_j).
    A node among the points is met exactly, and each row sums to 1.
    """
    differences = np.asarray(points)[:, np.newaxis] - np.asarray(nodes)
    met = differences == 0
    differences[met] = 1
    matrix = np.asarray(barycentric) / differences
    rows = met.any(axis=1)
    matrix[rows] = met[rows]
    return matrix / matrix.sum(axis=1, keepdims=True)


class Elements:
    """An interval cut into elements with Gauss-Lobatto-Legendre nodes in each.

    Neighbours share their common node. The functions it knows are zero at the right end and have
    the natural boundary condition v'(a) = 0 at the left end, as an even function has at 0.

    Attributes
    ----------
    nodes : ndarray of shape (n,)
        All nodes but the right end; n is the number of elements times ``degree``.
    eigenvalues : ndarray of shape (n,)
        Of the negative second derivative; positive, increasing.
    """

    def __init__(self, breaks, degree):
        self.breaks = np.asarray(breaks, dtype=float)
        self.degree = degree
        self._reference = gauss_lobatto(degree)
        nodes, weights, barycentric = self._reference
        slope = differentiation_matrix(nodes, barycentric)
        n_elements = len(self.breaks) - 1
        n = degree * n_elements + 1
        self.nodes, mass = np.zeros(n), np.zeros(n)
        slopes = np.zeros((n_elements, degree + 1, n))
        for k, (left, right) in enumerate(zip(self.breaks[:-1], self.breaks[1:], strict=True)):
            half = (right - left) / 2
            own = slice(k * degree, (k + 1) * degree + 1)
            self.nodes[own] = left + half * (1 + nodes)
            mass[own] += half * weights
            slopes[k, :, own] = np.sqrt(weights / half)[:, np.newaxis] * slope
        self.nodes = self.nodes[:-1]
        self._root_mass = np.sqrt(mass[:-1])
        # the integral of v'² is the squared norm of these slopes (exactly: its degree is 2n − 2);
        # their singular values keep the digits of the small eigenvalues, which eigh would lose
        _, singular, vectors = np.linalg.svd(
            slopes.reshape(-1, n)[:, :-1] / self._root_mass, full_matrices=False
        )
        self.eigenvalues, self._vectors = singular[::-1] ** 2, vectors[::-1].T.copy()

    def coefficients(self, values):
        """Coefficients in the eigenvectors, shape (n,), of values at the nodes, shape (n,)."""
        return (self._root_mass * values) @ self._vectors

    def values(self, coefficients):
        """Values at the nodes of any number of sets of coefficients: both of shape (..., n)."""
        return coefficients @ self._vectors.T / self._root_mass

    def interpolate(self, table, rows, x):
        """Interpolate in x: shape (n_points, k).

        A row of the table holds the values of one function at ``nodes``; ``rows``, of shape
        (n_points, k), are the k functions that are wanted at each point x.
        """
        nodes, _, barycentric = self._reference
        element = np.searchsorted(self.breaks[1:-1], x, side="right")
        left, right = self.breaks[element], self.breaks[element + 1]
        scaled = 2 * (x - left) / (right - left) - 1
        # at the right end of the interval, where the table has no column, the functions are zero
        own = element[:, np.newaxis] * self.degree + np.arange(self.degree + 1)
        weights = interpolation_matrix(nodes, barycentric, scaled)
        weights[own == len(self.nodes)] = 0
        own = np.minimum(own, len(self.nodes) - 1)
        return np.einsum("pkj,pj->pk", table[rows[:, :, np.newaxis], own[:, np.newaxis]], weights)


def etdrk4(eigenvalues, reaction, start, steps):
    """Integrate c' = λ c + N(c) by exponential time differencing of order 4.

    The method ETDRK4 of Cox and Matthews in the form of Kassam and Trefethen (2005), who avoid the
    cancellation in its coefficients by an average over a circle in the complex plane. The linear
    part is diagonal and treated exactly, so that large |λ| do not limit the step.

    The eigenvalues λ are real, the reaction N maps shape (n,) to (n,); step lengths that are equal
    in a row share their coefficients. Returned are c and c' before the first step and after each
    one, both of shape (n_steps + 1, n).
    """
    path = np.empty((len(steps) + 1, len(start)))
    slopes = np.empty_like(path)
    c, length = np.array(start, dtype=float), None
    for k, step in enumerate(steps):
        if step != length:
            length = step
            full, half, stage, first, middle, last = _coefficients(step, eigenvalues)
        n_start = reaction(c)
        path[k], slopes[k] = c, eigenvalues * c + n_start
        a = half * c + stage * n_start
        n_a = reaction(a)
        n_b = reaction(half * c + stage * n_a)
        n_c = reaction(half * a + stage * (2 * n_b - n_start))
        c = full * c + first * n_start + middle * (n_a + n_b) + last * n_c
    path[-1], slopes[-1] = c, eigenvalues * c + reaction(c)
    return path, slopes


def _coefficients(step, eigenvalues):
    """The coefficients of a step: equations (26) to (29) of Cox and Matthews, on the circle."""
    z = step * eigenvalues
    r = z[:, np.newaxis] + CIRCLE
    e, cube = np.exp(r), r**3
    stage = (np.exp(r / 2) - 1) / r
    first = (-4 - r + e * (4 - 3 * r + r**2)) / cube
    middle = 2 * (2 + r + e * (r - 2)) / cube
    last = (-4 - 3 * r - r**2 + e * (4 - r)) / cube
    weights = (step * f.mean(axis=1).real for f in (stage, first, middle, last))
    return np.exp(z), np.exp(z / 2), *weights
