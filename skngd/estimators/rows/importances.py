"""How much a fitted network reacts to each of its inputs."""

import numpy as np
import torch

from ..device import row_slices, to_numpy

# Rows that are looked at, at most, evenly spread over those of the fit.
MOST_ROWS = 10_000
# Slopes of standardised outputs in standardised inputs that are rounding errors.
ROUNDING = 1e-9


def feature_importances(model, theta, points, weights, is_relative):
    """Root mean square of the derivatives of the outputs in each input, as parts of their sum.

    Parameters
    ----------
    model : Model
    theta : torch.Tensor of shape (P,)
    points : torch.Tensor of shape (m, d)
        Standardised inputs.
    weights : torch.Tensor of shape (m, 1)
    is_relative : bool
        Whether a constant that is added to all outputs of a point means nothing, as in a softmax.

    Returns
    -------
    importances : ndarray of shape (d,)
        Their sum is 1, or 0 where the outputs do not react at all.
    """
    m, d = points.shape
    if m > MOST_ROWS:
        index = np.linspace(0, m - 1, MOST_ROWS).astype(np.int64)
        index = torch.as_tensor(index, device=points.device)
        points, weights = points[index], weights[index]
    squares = points.new_zeros(d)
    for rows in row_slices(len(points), len(theta)):
        for slope in _slopes(model, theta, points[rows], is_relative):
            squares += (weights[rows] * slope * slope).sum(0)
    sizes = np.sqrt(to_numpy(squares))
    total = sizes.sum()
    return sizes / total if total > ROUNDING and np.isfinite(total) else np.zeros(d)


def _slopes(model, theta, points, is_relative):
    """∂v_c/∂x at points, shape (m, d), for each output c. Rows do not depend on each other."""
    with torch.enable_grad():
        x = points.detach().clone().requires_grad_()
        v = model.value(theta, x)
        if is_relative:
            v = v - v.mean(dim=1, keepdim=True)
        if not v.requires_grad:
            return
        for output in v.unbind(1):
            (slope,) = torch.autograd.grad(output.sum(), x, retain_graph=True)
            yield slope
