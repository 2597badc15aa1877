"""The energy of an elliptic equation: what its solution minimises, equation (Ritz)."""

import torch

from .base import PointwiseLoss

# What the metric takes where there is no stiffness, as a part of the largest.
LEAST = 1e-6


class RitzEnergy(PointwiseLoss):
    """L(v) = Σ w (½ s v² − f v) over all outputs, equation (Ritz).

    For −div(a ∇u) + r u = f with a ∂_n u + κ u = g on the boundary the solution u minimises
    ∫ ½ a ∇u · ∇u + ½ r u² − f u dx + ∫ ½ κ u² − g u ds. The outputs are the value and the first
    derivatives, see :class:`skngd.models.WithDerivatives`: s has the columns r, a, …, a and f the
    columns f, 0, …, 0 inside, κ, 0, …, 0 and g, 0, …, 0 on the boundary. κ = 0 is Neumann's
    condition; Dirichlet's is built into the model, or a large κ with g = κ u. With the metric
    "loss" the natural gradient is that of the inner product of the energy (Müller and Zeinhofer,
    2023).

    Parameters
    ----------
    source : torch.Tensor of shape (m, c)
        f at each point, for each output.
    weights : torch.Tensor of shape (m,), default=None
        Those of a quadrature of the domain and the boundary together. They are divided by their
        sum, and so is the energy.
    stiffness : torch.Tensor of shape (m, c)
        s ≥ 0. Where it vanishes the metric takes a millionth of its largest value: a gradient has
        to have something to be projected with.

    Raises
    ------
    ValueError
        If ``stiffness`` has another shape, is negative, or zero throughout.

    See Also
    --------
    SquaredLoss : Of residuals, where the equation has no energy.

    Examples
    --------
    The first two powers of x, and −u″ = 1 with u'(0) = 0 and u(1) = 0 by x² − 1:

    >>> import numpy as np
    >>> import torch
    >>> from skngd.losses import RitzEnergy
    >>> nodes, weights = np.polynomial.legendre.leggauss(5)
    >>> x = torch.tensor((nodes + 1) / 2)
    >>> v = torch.stack([(1 - x**2) / 2, -x], dim=1)  # the solution and its slope
    >>> loss = RitzEnergy(
    ...     torch.tensor([[1.0, 0.0]]).double().repeat(5, 1),
    ...     torch.tensor(weights),
    ...     stiffness=torch.tensor([[0.0, 1.0]]).double().repeat(5, 1),
    ... )
    >>> round(float(loss.value(v)), 6)  # −½ ∫ u
    -0.166667
    """

    def __init__(self, source, weights=None, *, stiffness):
        super().__init__(source, weights)
        if stiffness.shape != source.shape or not bool((stiffness >= 0).all()):
            raise ValueError(
                f"Expected stiffness ≥ 0 of the shape of source, {tuple(source.shape)}, got shape "
                f"{tuple(stiffness.shape)} and the smallest number {float(stiffness.min()):g}. "
                "Without a lower bound there is no minimum."
            )
        if not bool(stiffness.any()):
            raise ValueError("Expected stiffness somewhere, got zeros. Pass the coefficients a.")
        self.stiffness = stiffness

    def at(self, index, factors=None):
        part = super().at(index, factors)
        part.stiffness = self.stiffness[index]
        return part

    def density(self, v):
        return 0.5 * self.stiffness * v**2 - self.target * v

    def gradient(self, v):
        return self.stiffness * v - self.target

    def hessian(self, v):
        return self.stiffness

    def metric_weight(self, v):
        return torch.clamp(self.stiffness, min=LEAST * float(self.stiffness.max()))
