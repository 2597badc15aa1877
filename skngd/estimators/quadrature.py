"""Nodes and weights for the standard normal distribution in some dimensions."""

import numpy as np
from scipy.stats import norm, qmc

# Up to here a tensor product; from there on low-discrepancy points.
LARGEST_TENSOR = 2
# Nodes on each axis in one and in two dimensions, and in all in more of them; then finer ones.
FIT, FINE = (300, 64, 2**12), (2000, 200, 2**16)
# Half the width of the axes in standard deviations, at least, and beyond the farthest row.
LEAST_WIDTH, MARGIN = 7.0, 1.25


def normal_rule(d, sizes, width, seed=0):
    """Nodes of shape (n, d) and weights of shape (n,), whose sum is 1.

    Parameters
    ----------
    d : int
    sizes : tuple of int
        Nodes on each axis for d = 1, for d = 2, and in all beyond.
    width : float
        The distance from the origin up to which a row may lie.
    seed : int
        Scrambles the points.
    """
    if d > LARGEST_TENSOR:
        nodes = norm.ppf(
            qmc.Sobol(d, seed=np.random.default_rng(seed)).random(sizes[2]).clip(1e-16, 1 - 1e-16)
        )
        return nodes, np.full(len(nodes), 1 / len(nodes))
    # The trapezoidal rule converges faster than any power where both ends vanish.
    axis = max(LEAST_WIDTH, MARGIN * width) * np.linspace(-1, 1, sizes[d - 1] + seed)
    weights = norm.pdf(axis)
    nodes = np.stack(np.meshgrid(*d * [axis], indexing="ij"), axis=-1).reshape(-1, d)
    product = weights if d == 1 else np.outer(weights, weights).ravel()
    return nodes, product / product.sum()
