"""What the optimisers need to know of a model."""

import warnings
from abc import ABC, abstractmethod

import numpy as np
import torch

from .autodiff_jets import AutodiffJets


class Record(ABC):
    """A model evaluated at one parameter vector on one set of points.

    Everything that a step may ask for derives from this one forward evaluation. A model of one's
    own writes :meth:`plain_jacobian` and :meth:`directional`; the others are for models that know
    something cheaper.

    Attributes
    ----------
    value : torch.Tensor of shape (m, c)
        The values v_θ(x_i).

    See Also
    --------
    skngd.models.Model : The base of all models.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import LinearModel
    >>> line = LinearModel(lambda x: torch.cat([torch.ones_like(x), x], dim=1), 2)
    >>> record = line.record(torch.tensor([1.0, 2.0]), torch.tensor([[0.0], [3.0]]))
    >>> record.value.ravel(), record.jacobian()
    (tensor([1., 7.]), tensor([[1., 0.],
            [1., 3.]]))
    """

    def plain_jacobian(self):
        """J, equation (J): the c rows of point 0, then those of point 1, shape (m * c, P)."""
        raise NotImplementedError(
            f"Expected {type(self).__name__} to define plain_jacobian, the derivative of its "
            "values in theta, or jacobian, the scaled form of it."
        )

    def jacobian(self, scale=None):
        """Scaled Jacobian C J, equation (J) with the row factor of (A).

        Parameters
        ----------
        scale : torch.Tensor of shape (m, c) or (m, r, c), default=None
            The row factor C: one number for each value, or one block for each point.
            None stands for the identity.

        Returns
        -------
        rows : torch.Tensor of shape (m * r, P)
            The rows of point 0, then those of point 1, and so on.
        """
        rows = self.plain_jacobian()
        if scale is None:
            return rows
        if scale.ndim == 2:
            return rows * scale.reshape(-1, 1)
        m, r, c = scale.shape
        return (scale @ rows.reshape(m, c, -1)).reshape(m * r, -1)

    def gram(self, scale=None):
        """AᵀA of :meth:`jacobian` by a formula that is cheaper; None where there is none."""
        return None

    def outer_rows(self, scale=None):
        """The rows of :meth:`jacobian` as outer products, layer by layer; None if they are none.

        A list of (δ, inputs, layout): the derivatives of each row in the pre-activations, shape
        (out, m * r), the inputs, shape (in, m * r), and ((out, in), place of the weights, place of
        the biases). In row i the weight from input k to neuron j has the entry δ_ji times that of
        k, and the bias of j the entry δ_ji.
        """
        return None

    def output_jacobian(self, scale=None):
        """The columns of C J that belong to the last layer, shape (m * r, p).

        Only for models that have ``Model.output_parameters``.
        """
        raise TypeError(f"{type(self).__name__} has no last layer.")

    def with_output(self, theta):
        """The record at parameters that differ in the last layer only; None if it is not known."""
        return None

    def gradient(self, cotangent):
        """Pull a cotangent of shape (m, c) back to the parameters: Jᵀ f, shape (P,)."""
        return self.plain_jacobian().T @ cotangent.reshape(-1)

    @abstractmethod
    def directional(self, dtheta, order=1):
        """Derivative of v along ``dtheta``.

        Parameters
        ----------
        dtheta : torch.Tensor of shape (P,)
            Direction in the parameters.
        order : {1, 2}, default=1

        Returns
        -------
        derivative : torch.Tensor of shape (m, c)
            J dθ or, with ``order=2``, d²v(θ + ε dθ)/dε² at ε = 0.
        """


class Model(ABC):
    """A differentiable map θ ∈ R^P ↦ v_θ with values in R^c.

    Attributes
    ----------
    n_parameters : int
        P.
    n_outputs : int
        c.
    output_parameters : slice or None
        The parameters of the last layer, in which v is affine; None where there are none.
    decaying : index
        The parameters that a weight decay pulls to zero: all of them, or those that are weights.

    See Also
    --------
    skngd.models.Record : A model that was evaluated.
    skngd.models.FullyConnected : The network.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import LinearModel, Model
    >>> line = LinearModel(lambda x: torch.cat([torch.ones_like(x), x], dim=1), 2)
    >>> isinstance(line, Model), line.n_parameters
    (True, 2)
    >>> line.value(torch.tensor([1.0, 2.0]), torch.tensor([[0.0], [3.0]]))
    tensor([[1.],
            [7.]])
    """

    n_parameters: int
    n_outputs: int
    output_parameters = None
    decaying = slice(None)

    def groups(self):
        """Which parameters share a weight decay that is estimated, equation (EV).

        Returns
        -------
        stages : list of ndarray of shape (P,)
            The number of the group of each parameter, −1 for those without decay: coarse groups,
            then finer ones that take their place.
        """
        index = np.full(self.n_parameters, -1)
        index[self.decaying] = 0
        return [index]

    def jets(self, indices, input_scale=None):
        """The model together with derivatives in x.

        Parameters
        ----------
        indices : sequence of multi-indices
            Which derivatives; see ``skngd.models.jets``.
        input_scale : torch.Tensor of shape (d,), default=None
            What one unit of x is to the model, whose points come normalised. None stands for ones.

        Returns
        -------
        jets : JetModel
            By automatic differentiation, unless the model knows a closed form.
        """
        return AutodiffJets(self, indices, input_scale)

    @property
    def record_size(self):
        """How many numbers a record holds for each point, about."""
        return self.n_parameters * self.n_outputs

    @abstractmethod
    def record(self, theta, x):
        """Evaluate the model and keep what its derivatives need.

        Parameters
        ----------
        theta : torch.Tensor of shape (P,)
            Parameters.
        x : torch.Tensor of shape (m, d)
            Points.

        Returns
        -------
        record : Record
            Values and what derives from them.
        """

    def value(self, theta, x):
        """The values v_θ(x_i), shape (m, c)."""
        return self.record(theta, x).value

    def curvature(self, theta, x, cotangent):
        """Second derivative of the model, contracted with a cotangent.

        The matrix Σ_i f_i ∂²v_θ(x_i) that equation (N) adds to the Gram matrix, by
        automatic differentiation: forward over reverse, once for all points.

        Parameters
        ----------
        theta : torch.Tensor of shape (P,)
            Parameters.
        x : torch.Tensor of shape (m, d)
            Points.
        cotangent : torch.Tensor of shape (m, c)
            The f_i.

        Returns
        -------
        curvature : torch.Tensor of shape (P, P)
            A symmetric matrix.
        """
        return hessian(self.contracted(x, cotangent), theta)

    def curvature_product(self, theta, x, cotangent):
        """The same matrix as products with it: nothing of size P² is formed.

        Parameters
        ----------
        theta, x, cotangent : torch.Tensor
            As of :meth:`curvature`.

        Returns
        -------
        product : callable
            Maps a tensor of shape (P,) to one of shape (P,), by a pass back through a pass back,
            of which the first is made once.
        """
        return hessian_product(self.contracted(x, cotangent), theta)

    def contracted(self, x, cotangent):
        """θ ↦ Σ_i f_i v_θ(x_i), a function of θ that can be differentiated twice."""
        return lambda theta: (self.value(theta, x) * cotangent).sum()


def hessian(function, theta):
    """Second derivatives of a function with one value, by automatic differentiation: (P, P)."""
    with warnings.catch_warnings():
        # Torch's own warning about its own use of torch.jit.
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        return torch.func.hessian(function)(theta).detach()


def hessian_product(function, theta):
    """v ↦ ∂²f v for a function f with one value, by automatic differentiation."""
    with torch.enable_grad():
        leaf = theta.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(function(leaf), leaf, create_graph=True)

    def product(dtheta):
        if not gradient.requires_grad:
            return torch.zeros_like(dtheta)
        (found,) = torch.autograd.grad(gradient, leaf, dtheta, retain_graph=True)
        return found

    return product
