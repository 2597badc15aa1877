"""Momentum memories: which function a natural momentum remembers.

Each takes the previous iterate *at today's points*, the current iterate and the parameter step
between them, and returns the values of the remembered function at today's points.
"""


def last_momentum(before, here, step):
    """(LM) J_{k−1} dθ_{k−1}, the old tangent vector.

    Parameters
    ----------
    before : Iterate
        The previous iterate, at today's points.
    here : Iterate
        The current one.
    step : torch.Tensor of shape (P,)
        The parameters' step between them.

    Returns
    -------
    function : torch.Tensor of shape (m, c)
        Values of the remembered function.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective
    >>> from skngd.optim.memories import last_momentum
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> before, here = objective.at(theta), objective.at(theta + 1)
    >>> last_momentum(before, here, theta + 1).ravel().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return before.tangent(step)


def function_difference(before, here, step):
    """(FD) v_k − v_{k−1}, the way really travelled.

    Parameters
    ----------
    before : Iterate
        The previous iterate, at today's points.
    here : Iterate
        The current one.
    step : torch.Tensor of shape (P,)
        The parameters' step between them.

    Returns
    -------
    function : torch.Tensor of shape (m, c)
        Values of the remembered function.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective
    >>> from skngd.optim.memories import function_difference
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> before, here = objective.at(theta), objective.at(theta + 1)
    >>> function_difference(before, here, theta + 1).ravel().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return here.value - before.value


def last_gradient(before, here, step):
    """(LG) ∇L(v_{k−1}), with the sign that is printed: for β > 0 it works against the motion.

    Parameters
    ----------
    before : Iterate
        The previous iterate, at today's points.
    here : Iterate
        The current one.
    step : torch.Tensor of shape (P,)
        The parameters' step between them.

    Returns
    -------
    function : torch.Tensor of shape (m, c)
        Values of the remembered function.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective
    >>> from skngd.optim.memories import last_gradient
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> before, here = objective.at(theta), objective.at(theta + 1)
    >>> last_gradient(before, here, theta + 1).ravel().tolist()
    [0.0, -0.75, -1.5, -2.25, -3.0]
    """
    return before.functional_gradient


MEMORIES = {
    "momentum": last_momentum,
    "difference": function_difference,
    "gradient": last_gradient,
}
