"""Any ``torch.nn.Module`` as a model, by automatic differentiation."""

import copy
import functools
import math
import warnings

import numpy as np
import torch
from torch.func import functional_call, jacrev, jvp, vmap

from .autodiff_jets import ByAutodiff
from .base import Model, Record


@functools.cache
def _load_forward_mode():
    """Use forward mode once: torch then warns of its own use of torch.jit."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        jvp(torch.tanh, (torch.zeros(1),), (torch.zeros(1),))


class TorchModule(Model):
    """A ``torch.nn.Module`` whose rows do not depend on each other.

    The derivatives come from ``torch.func``, several times slower than the closed
    formulas of :class:`FullyConnected`. The module is copied and put in evaluation
    mode (no dropout, fixed batch statistics); its own parameters are the starting point.

    Parameters
    ----------
    module : torch.nn.Module
        Maps (m, d) to (m, c) or to (m,).
    n_features : int
        d, the number of inputs.
    dtype : torch.dtype, default=torch.float64
        Precision of the copy.
    device : str or torch.device, default="cpu"
        Where the copy computes.

    Raises
    ------
    ValueError
        If the module has no parameters, or does not map (m, d) to (m, c) or (m,).

    See Also
    --------
    skngd.models.FullyConnected : The network.
    skngd.models.AutodiffJets : Derivatives in x of any model.

    Examples
    --------
    >>> import torch
    >>> from skngd.models import TorchModule
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.SiLU(), torch.nn.Linear(4, 1))
    >>> model = TorchModule(module, n_features=2)
    >>> model.n_parameters, model.n_outputs
    (17, 1)
    """

    def __init__(self, module, n_features, dtype=torch.float64, device="cpu"):
        _load_forward_mode()
        self.module = copy.deepcopy(module).to(dtype=dtype, device=device).eval()
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)
        self.shapes = {name: p.shape for name, p in self.module.named_parameters()}
        if not self.shapes:
            raise ValueError(
                f"Expected a torch.nn.Module with parameters to fit, got {module!r}, which has "
                "none. Give it at least one layer with weights."
            )
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]
        self.n_parameters = sum(self.sizes)
        # Weights have two dimensions or more, biases one.
        is_weight = [len(shape) > 1 for shape in self.shapes.values()]
        self.decaying = np.flatnonzero(np.repeat(is_weight, self.sizes))
        try:
            probe = self.module(torch.zeros(2, n_features, dtype=dtype, device=device))
        except RuntimeError as error:
            raise ValueError(
                f"model={module!r} does not take inputs of shape (m, {n_features}): {error}. Its "
                "first layer has to take as many inputs as X has columns."
            ) from error
        if probe.ndim not in (1, 2) or probe.shape[0] != 2:
            raise ValueError(
                f"Expected model={module!r} to map inputs of shape (2, {n_features}) to outputs of "
                f"shape (2, c) or (2,), got {tuple(probe.shape)}."
            )
        self.n_outputs = 1 if probe.ndim == 1 else probe.shape[1]

    @property
    def record_size(self):
        # What a pass through the module keeps is not known; its parameters stand for it.
        return self.n_parameters

    def initial(self, random_state=None):
        """The parameters that the module came with, shape (P,)."""
        parameters = [p.reshape(-1) for p in self.module.parameters()]
        return torch.cat(parameters).cpu().numpy().astype(float)

    def module_at(self, theta):
        """A copy of the module that holds ``theta``."""
        module = copy.deepcopy(self.module)
        torch.nn.utils.vector_to_parameters(theta, module.parameters())
        return module

    def value(self, theta, x):
        blocks = torch.split(theta, self.sizes)
        named = zip(self.shapes.items(), blocks, strict=True)
        parameters = {name: block.view(shape) for (name, shape), block in named}
        return functional_call(self.module, parameters, (x,)).reshape(x.shape[0], -1)

    def record(self, theta, x):
        return ModuleRecord(self, theta, x)


class ModuleRecord(ByAutodiff, Record):
    """The values at one parameter vector."""

    def __init__(self, model, theta, x):
        self.model, self.theta, self.x = model, theta, x
        self.value = model.value(theta, x)

    def _at(self, theta):
        return self.model.value(theta, self.x)

    def plain_jacobian(self):
        def one_row(theta, point):
            return self.model.value(theta, point.unsqueeze(0)).squeeze(0)

        rows = vmap(jacrev(one_row), in_dims=(None, 0))(self.theta, self.x)
        return rows.reshape(-1, self.model.n_parameters)
