"""The loss at each row of a fit without that row, for a likelihood that has no noise of its own."""

from dataclasses import dataclass

import numpy as np
import torch

from ...tangent.posterior import covariances
from ..rows.outliers import MOST_LEVERAGE

# See LeftOut.is_near.
KNOWN, NEAR = 0.5, 0.1
# Effective parameters, as a part of the values of y, with which the loss is not trusted.
BY_HEART = 1 / 3
# Rows that are looked at, at most, and multiplications; rows at a time.
MOST_ROWS, MOST_MULTIPLICATIONS, AT_ONCE = 2000, 2e9, 100


@dataclass(frozen=True)
class LeftOut:
    """Mean losses: of rows that are left out, of the same rows in the fit, and of constants.

    With the number of effective parameters for each value of y.
    """

    loss: float
    of_fit: float
    of_constant: float
    effective: float = 0.0

    @property
    def is_by_heart(self):
        """Whether so many parameters are effective that a step without one row is a long one."""
        return self.effective > BY_HEART

    @property
    def is_near(self):
        """Whether no other decay is worth a fit.

        Half of what constants do not know is known, and left-out rows know nearly as much.
        """
        unknown = self.of_constant
        if self.is_by_heart:
            return False
        return self.loss < KNOWN * unknown and self.loss - self.of_fit < NEAR * unknown


def left_out(task, posterior, theta):
    """The mean loss of rows that are left out, one after the other, of the linearised fit.

    v_i + C_i (I − W_i C_i)⁻¹ g_i with C_i = J_i H⁻¹ J_iᵀ, equation (LO): one step of
    Newton's method on the loss without the row, whose Hessian is
    H − J_iᵀ W_i J_i (Rad and Maleki, 2020).

    Parameters
    ----------
    task : RowsTask
    posterior : Posterior
        H⁻¹, of all rows.
    theta : torch.Tensor of shape (P,)

    Returns
    -------
    found : LeftOut
    """
    if task.held_out is not None:
        return _held_out(task, theta)
    X, y, weight = task.training
    cost = posterior.half.numel() * task.targets.n_outputs
    most = int(min(MOST_ROWS, max(MOST_MULTIPLICATIONS / cost, AT_ONCE)))
    rows = np.linspace(0, len(X) - 1, min(len(X), most)).round().astype(int)
    objective = task._objective(X[rows], y[rows], weight[rows], values_only=True)
    share = np.full(len(rows), weight[rows].sum() / weight.sum())
    if task.repeats_rows:
        # Of a row that is there several times one is left out.
        share = share / (task.largest_weight * weight[rows])
    share = torch.as_tensor(share).to(objective.points)
    loss, value = objective.loss, objective.at(theta).value
    factor, moved = loss.hessian_rows(value)[0], value.clone()
    steps = (loss.weights * loss.gradient(value)).unsqueeze(2)
    for start in range(0, len(rows), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        jacobian = task.model.record(theta, objective.points[part]).jacobian()
        kept = posterior.scale, posterior.half, posterior.by_rows
        spread = share[part, None, None] * covariances(jacobian, *kept, value.shape[1])
        root = factor.at(part)
        root = torch.diag_embed(root) if root.ndim == 2 else root
        # C (I − W C)⁻¹ = C + C Rᵀ (I − R C Rᵀ)⁻¹ R C with W = RᵀR.
        seen = root @ spread
        leverage, vectors = torch.linalg.eigh(seen @ root.mT)
        seen = vectors.mT @ seen
        without = spread + seen.mT @ (seen / (1 - leverage.clamp(0.0, MOST_LEVERAGE))[..., None])
        moved[part] += (without @ steps[part])[..., 0]
    constant = loss.constant().expand_as(value)
    effective = float(posterior.shares.sum()) / (task.n_observed * task.targets.n_outputs)
    return LeftOut(*(float(loss.value(v)) for v in (moved, value, constant)), effective)


def _held_out(task, theta):
    """The same of rows that are held out: they are left out already."""
    here, there = task.objective.at(theta), task.validation.at(theta)
    loss, constant = there.objective.loss, here.objective.loss.constant()
    of_constant = float(loss.value(constant.expand_as(there.value)))
    return LeftOut(there.loss - there.penalty, here.loss - here.penalty, of_constant)
