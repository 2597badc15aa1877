"""Variable projection: after each trial step the last layer is fitted again."""

import torch

from ..tangent.choose import ROUGH_DAMPING
from ..tangent.gram import Gram
from ..tangent.qr import Qr


def project_output(end, damping):
    """Project the residual that is left onto the tangent space of the last layer.

    The last layer enters v linearly, so that this step needs no caution: for an affine residual
    and without damping it is the exact minimum over these parameters (Golub and Pereyra, 1973).
    It is damped as the step that it follows.

    Parameters
    ----------
    end : Iterate
        Where a trial step leads.
    damping : float
        λ.

    Returns
    -------
    corrected : Iterate
        ``end`` itself where nothing is gained.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import FullyConnected
    >>> from skngd.optim import Objective
    >>> from skngd.optim.variable_projection import project_output
    >>> x = torch.linspace(-1, 1, 50, dtype=torch.float64).unsqueeze(1)
    >>> network = FullyConnected((1, 8, 1))
    >>> objective = Objective(network, SquaredLoss(torch.sin(3 * x)), x)
    >>> end = objective.at(torch.as_tensor(network.initial(np.random.RandomState(0))))
    >>> project_output(end, damping=0.0).loss < 1e-2 * end.loss
    True
    """
    chunks = list(end.operator.output_chunks(end.right_side))
    fitted = Gram(chunks)
    if damping < ROUGH_DAMPING * torch.finfo(end.theta.dtype).eps * fitted.square_norm:
        # Rounding errors of AᵀA would not be small beside λ.
        fitted = Qr(chunks)
    corrected = output_step(end, fitted, damping)
    return corrected if corrected.loss < end.loss else end


def output_step(iterate, fitted, damping):
    """The iterate after a step of the last layer alone, damped by λ.

    ``fitted`` is a factorisation of ``iterate.operator.output_chunks(iterate.right_side)``.
    """
    theta = iterate.theta.clone()
    theta[iterate.objective.model.output_parameters].sub_(fitted.solve(0.0, damping)[:, 0])
    return iterate.with_output(theta)
