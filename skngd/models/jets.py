"""What physics needs of a model: derivatives in x, and all of it differentiated in θ.

A *multi-index* is a sorted tuple of input positions: ``()`` is the value, ``(0,)`` the first
derivative in input 0, ``(1, 1)`` the second in input 1. A *jet* holds the derivatives for several.
"""

import functools
from abc import ABC, abstractmethod
from collections import Counter


class JetRecord(ABC):
    """The jet of a model at one parameter vector on one set of points.

    Attributes
    ----------
    value : torch.Tensor of shape (k, c, m)
        The k derivatives of the c outputs at the m points.

    See Also
    --------
    skngd.models.JetModel : The base of both.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skngd.models import FullyConnected, JetRecord, NetworkJets
    >>> network = FullyConnected((1, 4, 1))
    >>> theta = torch.as_tensor(network.initial(np.random.RandomState(0)))
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> record = NetworkJets(network, [(), (0,)]).record(theta, x)
    >>> isinstance(record, JetRecord), record.value.shape
    (True, torch.Size([2, 1, 5]))
    >>> record.directional(torch.ones_like(theta)).shape
    torch.Size([2, 1, 5])
    """

    @abstractmethod
    def jacobian_into(self, coefficients, out):
        """Write the Jacobian of a linear combination of the jet, point by point.

        Parameters
        ----------
        coefficients : torch.Tensor of shape (k, c, m)
            Row i of the Jacobian belongs to Σ_kc coefficients[k, c, i] ∂^k v_c(x_i).
        out : torch.Tensor of shape (P, m)
            The transposed rows.
        """

    def output_jacobian_into(self, coefficients, out):
        """Write the rows of :meth:`jacobian_into` that belong to the last layer, shape (p, m).

        Only for models that have ``Model.output_parameters``.
        """
        raise TypeError(f"{type(self).__name__} has no last layer.")

    def with_output(self, theta):
        """The record at parameters that differ in the last layer only; None if it is not known."""
        return None

    @abstractmethod
    def gradient(self, cotangent):
        """Pull a cotangent of shape (k, c, m) back to the parameters, shape (P,)."""

    @abstractmethod
    def directional(self, dtheta, order=1):
        """First or second derivative of the jet along ``dtheta``, shape (k, c, m)."""

    def directionals(self, dtheta):
        """The first and the second of :meth:`directional`."""
        return self.directional(dtheta), self.directional(dtheta, 2)


class JetModel(ABC):
    """A model together with the derivatives that are wanted of it.

    Attributes
    ----------
    n_parameters : int
        P.
    n_outputs : int
        c.
    indices : tuple of tuple of int
        The k multi-indices.
    has_output : bool
        Whether records write the rows of a last layer, in which the jet is linear.

    See Also
    --------
    skngd.models.NetworkJets : Derivatives in x in closed form.
    skngd.models.AutodiffJets : Derivatives in x of any model.

    Examples
    --------
    >>> from skngd.models import AutodiffJets, JetModel, NetworkJets
    >>> issubclass(NetworkJets, JetModel), issubclass(AutodiffJets, JetModel)
    (True, True)
    """

    has_output = False

    @abstractmethod
    def record(self, theta, x):
        """Evaluate the jet at points of shape (m, d) and keep what its derivatives need."""

    def joined(self, sites):
        """One jet model for the points of several, where a common pass costs less.

        Parameters
        ----------
        sites : list of (JetModel, int)
            Jets, and at how many points they are wanted.

        Returns
        -------
        jets : JetModel or None
            None where a pass for each costs no more.
        """
        return None

    @abstractmethod
    def by_autodiff(self):
        """The same jet by ``torch.func``, which can be differentiated again."""


class Tower:
    """An activation and its derivatives at given pre-activations, each computed once."""

    def __init__(self, activation, z):
        self.activation, self.z, self._known = activation, z, {}

    def __getitem__(self, order):
        known, activation, z = self._known, self.activation, self.z
        if order not in known:
            if order == 0:
                known[0] = activation.value(z)
            elif order == 1:
                known[1] = activation.derivative(z, self[0])
            else:
                known[order] = activation.higher(z, self[0], self[1], order)
        return known[order]


def sub_indices(index):
    """All multi-indices that a part of ``index`` forms, itself and () included."""
    parts = {()}
    for position in index:
        parts |= {(*part, position) for part in parts}
    return parts


def without(index, block):
    """The multi-index that is left of ``index`` when ``block`` is taken out."""
    left = list(index)
    for position in block:
        left.remove(position)
    return tuple(left)


def by_order(index):
    """The key that sorts multi-indices, or partitions: the shorter ones first."""
    return len(index), index


@functools.cache
def set_partitions(index):
    """The partitions of a multi-index into blocks, for Faà di Bruno's formula.

    Pairs of how often a partition occurs, and its blocks.

    Examples
    --------
    >>> from skngd.models.jets import set_partitions
    >>> set_partitions((0, 0))
    ((1, ((0, 0),)), (1, ((0,), (0,))))
    >>> [count for count, blocks in set_partitions((0, 0, 0))]
    [1, 3, 1]
    """
    if not index:
        return ((1, ()),)
    counts = Counter()
    first, rest = index[0], index[1:]
    for count, blocks in set_partitions(rest):
        grown = [(*blocks[:i], (first, *blocks[i]), *blocks[i + 1 :]) for i in range(len(blocks))]
        for larger in [*grown, (*blocks, (first,))]:
            counts[tuple(sorted(larger, key=lambda block: (-len(block), block)))] += count
    return tuple((counts[blocks], blocks) for blocks in sorted(counts, key=by_order))
