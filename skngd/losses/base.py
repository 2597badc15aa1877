"""What the optimisers need to know of a loss functional."""

from abc import ABC, abstractmethod
from copy import copy

import torch

from .factors import Diagonal


class Loss(ABC):
    """A functional L(v) of the values of v at weighted points, equation (L).

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The values u_i.
    weights : torch.Tensor of shape (m,), default=None
        Weights w_i > 0; they are divided by their sum. None stands for equal weights.

    Attributes
    ----------
    weights : torch.Tensor of shape (m, 1) or (m, c)
    point_weights : torch.Tensor of shape (m, 1)
        The same without the precisions of the outputs.

    Raises
    ------
    ValueError
        If ``target`` has another number of dimensions.

    See Also
    --------
    skngd.losses.PointwiseLoss : The base of sums over points.
    skngd.losses.factors.RowFactor : The base of row factors.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import Loss, SquaredLoss
    >>> loss = SquaredLoss(torch.tensor([[0.0], [2.0]]), weights=torch.tensor([3.0, 1.0]))
    >>> isinstance(loss, Loss), loss.weights.ravel()
    (True, tensor([0.7500, 0.2500]))
    """

    # Whether W H is W: the metrics "l2" and "loss" are then the same.
    has_unit_hessian = False
    # Whether n L / σ² is a negative log-likelihood for a σ² that the residuals tell; else n L is
    # one. Such a loss is a sum over the outputs.
    has_noise = False
    # Whether the functional itself changes with that σ².
    follows_noise = False
    # What the weights of each output are multiplied by, shape (c,); None stands for ones.
    precisions = None

    def __init__(self, target, weights=None):
        if target.ndim != 2:
            raise ValueError(
                "Expected target of shape (m, c), one row for each point, got shape "
                f"{tuple(target.shape)}. For one output: target.unsqueeze(1)."
            )
        if weights is None:
            weights = target.new_full((len(target),), 1.0 / len(target))
        self.target = target
        self._weigh((weights / weights.sum()).unsqueeze(1))

    def _weigh(self, point_weights):
        """Set the weights of the points, shape (m, 1), whose sum is 1."""
        self.point_weights = self.weights = point_weights
        if self.precisions is not None:
            self.weights = point_weights * self.precisions
        self.root_weights = torch.sqrt(self.weights)

    @abstractmethod
    def value(self, v):
        """L(v), a tensor with one element, for values v of shape (m, c)."""

    @abstractmethod
    def gradient(self, v):
        """Functional gradient g = ∇L(v), its values at the points: shape (m, c)."""

    @abstractmethod
    def hessian_rows(self, v):
        """Row factor C and residual b of equation (A) in the metric of the loss.

        Parameters
        ----------
        v : torch.Tensor of shape (m, c)
            Values of v_θ.

        Returns
        -------
        factor : RowFactor
            CᵀC = W H, with a positive semidefinite H that stands for the Hessian.
        residual : torch.Tensor of shape (n_rows,)
            Cᵀb = W g.
        """

    @abstractmethod
    def second_variation(self, v, jacobian):
        """Jᵀ W H J with the Hessian itself, for Newton's method.

        Parameters
        ----------
        v : torch.Tensor of shape (m, c)
            Values of v_θ.
        jacobian : torch.Tensor of shape (m * c, P)
            J at the same points.

        Returns
        -------
        matrix : torch.Tensor of shape (P, P)
            Symmetric; indefinite where H is.
        """

    def second_variation_product(self, v, function):
        """W H f with the Hessian itself, shape (m, c) as ``function``."""
        with torch.enable_grad():
            leaf = v.detach().requires_grad_()
            along = (self.weights * self.gradient(leaf) * function).sum()
        # W H is symmetric: the derivative of ⟨W ∇L, f⟩ is W H f.
        (product,) = torch.autograd.grad(along, leaf)
        return product

    def at(self, index, factors=None):
        """The same functional on some of the points.

        Parameters
        ----------
        index : torch.Tensor of shape (n,)
            Which points; they may be repeated.
        factors : torch.Tensor of shape (n,), default=None
            What the weights are multiplied by, 1 / (n π_i) for points that were drawn with the
            probabilities π_i: the sum over them then is L(v) on average. None rescales the weights
            to the sum 1.

        Returns
        -------
        loss : Loss
            A loss of the same kind.
        """
        weights = self.point_weights[index]
        part = copy(self)
        part.target = self.target[index]
        part._weigh(weights / weights.sum() if factors is None else weights * factors[:, None])
        return part

    def with_noise(self, precisions, spread):
        """The functional for today's noise, equation (EV).

        Several outputs are weighed by ``precisions``, shape (c,); ``spread``, shape (c,), is what
        :meth:`spread` has told, for losses whose form follows it.
        """
        if not self.has_noise or len(precisions) == 1:
            return self
        other = copy(self)
        other.precisions = precisions
        other._weigh(self.point_weights)
        return other

    def spread(self, v):
        """A size of the residuals of each output, shape (c,), where the loss follows one."""
        return v.new_ones(v.shape[1])

    def within_reach(self, v):
        """The values that are no farther from their targets than noise can be, shape (m, c).

        For an estimate of the noise; the same values where no distance is too large for it.
        """
        return v

    def row_factor(self, v, metric):
        """Row factor C and residual b of equation (A), with Cᵀb = W g.

        Parameters
        ----------
        v : torch.Tensor of shape (m, c)
            Values of v_θ.
        metric : {"l2", "loss"}
            ``"l2"``: CᵀC = W. ``"loss"``: CᵀC = W H.

        Returns
        -------
        factor : RowFactor
            C of all points.
        residual : torch.Tensor of shape (n_rows,)
            b, flat.
        """
        if metric == "l2":
            return self.plain_factor(v), (self.root_weights * self.gradient(v)).reshape(-1)
        return self.hessian_rows(v)

    def plain_factor(self, v):
        """C = W^½, the row factor of the metric "l2"."""
        return Diagonal(self.root_weights if v.shape[1] == 1 else self.root_weights.expand_as(v))


class PointwiseLoss(Loss):
    """L(v) = Σ w_i ℓ(v(x_i), u_i), where ℓ is a sum over the outputs: H is diagonal.

    A new loss of this kind is three formulas; see the guide "How to add a loss".

    Parameters
    ----------
    target : torch.Tensor of shape (m, c)
        The values u_i.
    weights : torch.Tensor of shape (m,), default=None
        See :class:`Loss`.

    See Also
    --------
    skngd.losses.Loss : The base of all losses.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import PointwiseLoss
    >>> class LogCosh(PointwiseLoss):
    ...     def density(self, v):
    ...         return torch.log(torch.cosh(v - self.target))
    ...
    ...     def gradient(self, v):
    ...         return torch.tanh(v - self.target)
    ...
    ...     def hessian(self, v):
    ...         return 1 / torch.cosh(v - self.target) ** 2
    >>> loss = LogCosh(torch.zeros(2, 1, dtype=torch.float64))
    >>> round(float(loss.value(torch.ones(2, 1, dtype=torch.float64))), 4)
    0.4338
    """

    @abstractmethod
    def density(self, v):
        """ℓ at each point and output, shape (m, c)."""

    @abstractmethod
    def hessian(self, v):
        """ℓ'' in v, shape (m, c)."""

    def metric_weight(self, v):
        """What stands for H in the metric: ℓ'' itself, where it is positive."""
        return self.hessian(v)

    def value(self, v):
        return (self.weights * self.density(v)).sum()

    def by_output(self, v):
        """What each output contributes to L(v), shape (c,); without the precisions."""
        return (self.point_weights * self.density(v)).sum(0)

    def hessian_rows(self, v):
        # A weight that underflows stays a number to divide by.
        root = torch.sqrt(self.metric_weight(v).clamp(min=torch.finfo(v.dtype).tiny))
        factor = self.root_weights * root
        return Diagonal(factor), (self.root_weights * self.gradient(v) / root).reshape(-1)

    def second_variation(self, v, jacobian):
        return jacobian.T @ ((self.weights * self.hessian(v)).reshape(-1, 1) * jacobian)

    def second_variation_product(self, v, function):
        return self.weights * self.hessian(v) * function
