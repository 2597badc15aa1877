"""Row factors: the C of equation (A), with CᵀC = W H.

Functions have shape (m, c), row-scaled functions C f are flat.
"""

from abc import ABC, abstractmethod

import torch


class RowFactor(ABC):
    """C, as what is done with it.

    See Also
    --------
    skngd.losses.factors.Diagonal : A number for each value.
    skngd.losses.factors.Blocks : A matrix for each point.
    skngd.losses.factors.Coupled : A matrix between all points.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.losses.factors import RowFactor
    >>> factor, b = SquaredLoss(torch.zeros(4, 1)).row_factor(torch.ones(4, 1), "l2")
    >>> isinstance(factor, RowFactor), b  # C v, of the weights 1/4
    (True, tensor([0.5000, 0.5000, 0.5000, 0.5000]))
    """

    # Whether rows of C f depend on f at several points.
    couples_points = False

    @abstractmethod
    def apply(self, f):
        """C f, flat, for a function of shape (m, c)."""

    @abstractmethod
    def adjoint(self, rows):
        """Cᵀ r, shape (m, c), for a flat r."""

    @abstractmethod
    def at(self, chunk):
        """C of the points in a slice, as numbers (m, c) or blocks (m, r, c)."""

    def rows(self, record, chunk):
        """C J of the points in a slice, from the record of these points."""
        return record.jacobian(self.at(chunk))

    def gram(self, record, chunk):
        """AᵀA of these rows, where it can be had without them; else None."""
        return record.gram(self.at(chunk))

    def output_rows(self, record, chunk):
        """The columns of :meth:`rows` that belong to the last layer."""
        return record.output_jacobian(self.at(chunk))


class Diagonal(RowFactor):
    """One number for each value.

    Parameters
    ----------
    numbers : torch.Tensor of shape (m, c)
        The diagonal of C, √w in it.

    See Also
    --------
    skngd.losses.factors.Blocks : A matrix for each point.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses.factors import Diagonal
    >>> factor = Diagonal(torch.tensor([[1.0], [2.0]]))
    >>> factor.apply(torch.tensor([[3.0], [3.0]]))
    tensor([3., 6.])
    """

    def __init__(self, numbers):
        self.numbers = numbers

    def at(self, chunk):
        return self.numbers[chunk]

    def apply(self, f):
        return (self.numbers * f).reshape(-1)

    def adjoint(self, rows):
        return self.numbers * rows.view_as(self.numbers)


class Blocks(RowFactor):
    """A matrix for each point.

    Parameters
    ----------
    blocks : torch.Tensor of shape (m, r, c)
        The matrices C of the points, √w in them.

    See Also
    --------
    skngd.losses.factors.Diagonal : A number for each value.
    skngd.losses.factors.Softmax : That of probabilities.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses.factors import Blocks
    >>> factor = Blocks(torch.tensor([[[1.0, 1.0]], [[1.0, -1.0]]]))
    >>> factor.apply(torch.tensor([[3.0, 2.0], [3.0, 2.0]]))
    tensor([5., 1.])
    """

    def __init__(self, blocks):
        self.blocks = blocks

    def at(self, chunk):
        return self.blocks[chunk]

    def apply(self, f):
        return (self.blocks @ f.unsqueeze(2)).reshape(-1)

    def adjoint(self, rows):
        m, r, _ = self.blocks.shape
        return (rows.view(m, 1, r) @ self.blocks).squeeze(1)


class Softmax(Blocks):
    """√w (diag √p − √p pᵀ) for each point, whose CᵀC = w (diag p − p pᵀ).

    Parameters
    ----------
    p : torch.Tensor of shape (m, c)
        Positive, with row sums 1.
    root_weights : torch.Tensor of shape (m, 1)
        √w.

    See Also
    --------
    skngd.losses.factors.Blocks : A matrix for each point.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses.factors import Softmax
    >>> p, f = torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 1.0]])
    >>> factor = Softmax(p, torch.ones(1, 1))
    >>> factor.apply(f)  # what is common to all classes changes nothing
    tensor([0., 0.])
    """

    def __init__(self, p, root_weights):
        self.p, self.root = p, root_weights * torch.sqrt(p)

    def at(self, chunk):
        root = self.root[chunk]
        return torch.diag_embed(root) - root.unsqueeze(2) * self.p[chunk].unsqueeze(1)

    def apply(self, f):
        return (self.root * (f - (self.p * f).sum(1, keepdim=True))).reshape(-1)

    def adjoint(self, rows):
        scaled = self.root * rows.view_as(self.root)
        return scaled - self.p * scaled.sum(1, keepdim=True)


class Coupled(RowFactor):
    """A matrix between all points, for functions with one output.

    Parameters
    ----------
    matrix : torch.Tensor of shape (r, m)
        The matrix C.

    See Also
    --------
    skngd.losses.factors.Diagonal : A number for each value.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses.factors import Coupled
    >>> factor = Coupled(torch.tensor([[1.0, 1.0]]))
    >>> factor.apply(torch.tensor([[3.0], [2.0]])), factor.adjoint(torch.tensor([1.0])).ravel()
    (tensor([5.]), tensor([1., 1.]))
    """

    couples_points = True

    def __init__(self, matrix):
        self.matrix = matrix

    def apply(self, f):
        return self.matrix @ f.reshape(-1)

    def adjoint(self, rows):
        return (self.matrix.T @ rows).unsqueeze(1)

    def at(self, chunk):
        """The columns of C that meet the points."""
        return self.matrix[:, chunk]

    def rows(self, record, chunk):
        return self.at(chunk) @ record.jacobian()

    def gram(self, record, chunk):
        return None

    def output_rows(self, record, chunk):
        return self.at(chunk) @ record.output_jacobian()


def bounded(weight, gradient):
    """``weight``, raised where it vanishes beside the square of ``gradient``.

    The residual g / √h of a row √h grows without bound as h vanishes: for a label that is thought
    impossible, h = p. Rows of that size are lost among the others by rounding, by g times eps / √h.
    With h ≥ √eps g² that is eps^(3/4), in double precision 1e-12.
    """
    return torch.maximum(weight, torch.finfo(weight.dtype).eps ** 0.5 * gradient * gradient)


def square_root(matrix):
    """R with RᵀR = ``matrix``; refused unless that is symmetric and positive semidefinite."""
    if not torch.allclose(matrix, matrix.T):
        raise ValueError("Expected a symmetric matrix K. Pass (K + K.T) / 2.")
    eigenvalues, vectors = torch.linalg.eigh(matrix)
    largest = float(eigenvalues[-1])
    if float(eigenvalues[0]) < -1e-10 * max(largest, 0.0) or largest < 0.0:
        raise ValueError(
            "Expected a positive semidefinite matrix K, got one with the eigenvalue "
            f"{float(eigenvalues[0]):g}. The K-weighted norm is a norm for positive K only."
        )
    return torch.sqrt(eigenvalues.clamp(min=0.0)).unsqueeze(1) * vectors.T
