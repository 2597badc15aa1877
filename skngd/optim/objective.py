"""The loss as a function of the parameters, and a point of the manifold with its tangent space."""

import functools
import math
from copy import copy

import torch

from ..tangent.operator import Jacobian, SampledModel, TangentOperator


class Objective:
    """θ ↦ L(v_θ) on one set of points.

    Parameters
    ----------
    model : Model
        The map θ ↦ v_θ.
    loss : Loss
        The functional on the same points.
    points : torch.Tensor of shape (m, d)
        Where v_θ is evaluated.
    metric : {"l2", "loss"}, default="l2"
        Which row factor C enters equation (A).
    penalty : torch.Tensor of shape (P,), default=None
        α_p ≥ 0 of the weight decay ½ Σ α_p θ_p², which is added to the loss: rows √α_p θ_p of A.

    Raises
    ------
    ValueError
        If there is no such metric.

    See Also
    --------
    skngd.optim.Iterate : A point of the manifold.
    skngd.optim.minimize : Run a method.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> here = objective.at(theta)
    >>> round(here.loss, 4), objective.at(theta + 3).loss
    (1.6875, 0.0)
    """

    # How the points were drawn, where they are optimal ones: see tangent.christoffel.
    sample = None

    def __init__(self, model, loss, points, metric="l2", penalty=None):
        if metric not in ("l2", "loss"):
            raise ValueError(
                f"Expected metric to be 'l2' or 'loss', got {metric!r}. For H¹ the model has its "
                "derivatives, skngd.models.WithDerivatives, and the loss is skngd.losses.OnValues."
            )
        self.model, self.loss, self.points, self.penalty = model, loss, points, penalty
        # The metric of a loss whose Hessian is 1 is that of L2.
        self.metric = "l2" if loss.has_unit_hessian else metric
        self.sampled = SampledModel(model, points)

    @property
    def n_rows(self):
        """m c, the rows of A without those of the decay."""
        return self.sampled.n_rows

    @property
    def has_two_metrics(self):
        """Whether gradient and memory are projected in different metrics, equation (2M)."""
        return self.metric == "loss"

    def at(self, theta):
        """The point of the manifold with these parameters."""
        return Iterate(self, Jacobian(self.sampled, theta))

    def with_decay(self, penalty, loss=None):
        """The same objective with another decay, and another loss on the same points."""
        other = copy(self)
        other.penalty, other.loss = penalty, self.loss if loss is None else loss
        return other

    def in_metric(self, metric):
        """The same objective in another metric."""
        other = copy(self)
        other.metric = "l2" if self.loss.has_unit_hessian else metric
        return other

    def take(self, iterate):
        """An iterate of another objective as one of this: what they share is not computed again."""
        theirs = iterate.objective
        if theirs is self:
            return iterate
        if theirs.sampled is not self.sampled:
            return self.at(iterate.theta)
        moved = Iterate(self, iterate.jacobian)
        if theirs.loss is self.loss and theirs.metric == self.metric:
            operator, residual = iterate._scaled
            moved._scaled = operator.with_penalty(self.penalty), residual
        return moved

    def subset(self, index):
        """The objective on some of the points."""
        return self._on(index, self.loss.at(index))

    def subset_of(self, sample):
        """The objective on drawn points, unbiased: its weights have the sum 1 on average."""
        kind = {"dtype": self.points.dtype, "device": self.points.device}
        index = torch.as_tensor(sample.index, device=self.points.device)
        drawn = self._on(index, self.loss.at(index, torch.as_tensor(sample.factors, **kind)))
        drawn.sample = sample
        return drawn

    def _on(self, index, loss):
        return Objective(self.model, loss, self.points[index], self.metric, self.penalty)


class Iterate:
    """A point v_θ of the manifold. The tangent space is computed when it is asked for.

    Parameters
    ----------
    objective : Objective
        Model, loss and points.
    jacobian : Jacobian
        The model at θ.

    Attributes
    ----------
    theta : torch.Tensor of shape (P,)
    jacobian : Jacobian
    value : torch.Tensor of shape (m, c)
        v_θ at the points.
    loss : float
        L(v_θ), and the weight decay.
    penalty : float
        The weight decay by itself.

    See Also
    --------
    skngd.optim.Objective : A loss on points.
    skngd.optim.Past : The step before.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> here = objective.at(theta)
    >>> round(here.loss, 4), here.gradient.numpy().round(4)
    (1.6875, array([-1.125]))
    """

    def __init__(self, objective, jacobian):
        self.objective, self.jacobian = objective, jacobian
        self.theta, self.value = jacobian.theta, jacobian.value
        self.penalty = 0.0
        if objective.penalty is not None:
            self.penalty = 0.5 * float(torch.dot(objective.penalty, self.theta * self.theta))
        self.loss = float(objective.loss.value(self.value)) + self.penalty

    def with_output(self, theta):
        """The iterate at parameters that differ in the last layer only."""
        return Iterate(self.objective, self.jacobian.with_output(theta))

    @functools.cached_property
    def _scaled(self):
        """A, and b at the points."""
        objective = self.objective
        factor, residual = objective.loss.row_factor(self.value, objective.metric)
        return TangentOperator(self.jacobian, factor, objective.penalty), residual

    @property
    def operator(self):
        """A of equation (A)."""
        return self._scaled[0]

    @property
    def plain_operator(self):
        """W^½ J, the operator of the metric L2 without decay: that of memories, equation (2M)."""
        return TangentOperator(self.jacobian, self.objective.loss.plain_factor(self.value))

    @property
    def residual(self):
        """b of equation (A) at the points, flat."""
        return self._scaled[1]

    @functools.cached_property
    def right_side(self):
        """b of all rows of A: behind the residual stand the entries √α θ of the decay."""
        return self.operator.extended(self.residual, self.theta)

    @property
    def functional_gradient(self):
        """∇L(v_θ) at the points."""
        return self.objective.loss.gradient(self.value)

    @property
    def share(self):
        """√(rows / parameters): how far the Gram matrix of these points can be trusted."""
        return math.sqrt(self.objective.n_rows / len(self.theta))

    @functools.cached_property
    def gradient(self):
        """Parameter gradient ∇_θ L = Jᵀ W g, equation (L), by one backward pass."""
        gradient = self.jacobian.adjoint(self.objective.loss.weights * self.functional_gradient)
        penalty = self.objective.penalty
        return gradient if penalty is None else gradient + penalty * self.theta

    def tangent(self, dtheta):
        """The tangent vector J dθ."""
        # In the metric L2 C is positive, so that rows that are there can be used.
        if self.objective.metric == "l2" and "_scaled" in vars(self):
            return self.operator.tangent(dtheta)
        return self.jacobian.apply(dtheta)

    def bend(self, dtheta):
        """d²v(θ + ε dθ)/dε² at ε = 0, how the manifold bends along ``dtheta``."""
        return self.jacobian.apply(dtheta, order=2)


class Past:
    """The step that led to the current iterate, remembered for the next one.

    Parameters
    ----------
    start : Iterate
        Where the step was made from.
    step : torch.Tensor of shape (P,)
        θ_k − θ_{k−1}, the whole step that was really made.
    direction : torch.Tensor of shape (P,)
        The step before its length was chosen, for equation (SPRING).

    See Also
    --------
    skngd.optim.Iterate : A point of the manifold.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective, build_method, minimize
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> past = minimize(build_method(step_size=0.5), objective, theta, max_iter=1).past
    >>> past.step.numpy().round(6)  # half of the way to 3
    array([1.5])
    """

    def __init__(self, start, step, direction):
        self.start, self.step, self.direction = start, step, direction

    def on(self, objective):
        """The previous iterate, evaluated at the points of this objective."""
        return objective.take(self.start)
