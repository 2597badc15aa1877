"""The operator A = C J of equation (A), with the rows of a weight decay.

Functions (values, gradients, tangent vectors) have shape (m, c); their row-scaled form C f is flat
and has, where there is a decay, P entries more: those of the rows √α_p θ_p.
"""

import functools

import torch

# A block of rows, or the record of a forward pass, holds at most this many numbers (64 MiB in
# float64).
CHUNK_ELEMENTS = 2**23
# From so many outputs on, the Gram matrix of a network is cheaper without the rows of A.
OUTPUTS_FOR_GRAM = 3
# Columns of a panel of AᵀA, about: below, one product is as fast as its lower half.
PANEL = 128


def chunks_of(n_points, numbers_per_point):
    """Slices of points, each of at most ``CHUNK_ELEMENTS`` numbers."""
    size = max(1, CHUNK_ELEMENTS // numbers_per_point)
    if size >= n_points:
        return [slice(None)]
    return [slice(start, start + size) for start in range(0, n_points, size)]


class SampledModel:
    """A model on points, in chunks that fit into memory.

    Parameters
    ----------
    model : Model
    points : torch.Tensor of shape (m, d), or what stands for points of the model

    Attributes
    ----------
    n_rows : int
        m c.
    chunks, passes : list of slice
        Of points: where rows are formed, and where values and products are.
    """

    def __init__(self, model, points):
        self.model, self.points = model, points
        self.n_rows = len(points) * model.n_outputs
        self.chunks = chunks_of(len(points), model.n_parameters * model.n_outputs)
        self.passes = chunks_of(len(points), model.record_size)


class Jacobian:
    """J of equation (J) at one θ, as products with it, with its adjoint, and rows by chunks.

    Parameters
    ----------
    sampled : SampledModel
    theta : torch.Tensor of shape (P,)
    record : Record, default=None
        The model at θ, where it is known.

    Attributes
    ----------
    value : torch.Tensor of shape (m, c)
        v_θ at the points.
    """

    def __init__(self, sampled, theta, record=None):
        self.sampled, self.theta, self.record = sampled, theta, record
        if len(sampled.passes) == 1:
            if record is None:
                self.record = sampled.model.record(theta, sampled.points)
            self.value = self.record.value
        else:
            self.value = self._gather(lambda record: record.value)

    def with_output(self, theta):
        """J at parameters that differ in the last layer only."""
        record = None if self.record is None else self.record.with_output(theta)
        return Jacobian(self.sampled, theta, record)

    def records(self, slices=None):
        """(slice, record) for each chunk of points whose rows are formed at once."""
        slices = self.sampled.chunks if slices is None else slices
        if self.record is not None and len(slices) == 1:
            yield slices[0], self.record
        else:
            for part in slices:
                yield part, self.sampled.model.record(self.theta, self.sampled.points[part])

    def _gather(self, of_record):
        parts = [of_record(record) for _, record in self.records(self.sampled.passes)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def apply(self, dtheta, order=1):
        """The tangent vector J dθ; with ``order=2`` d²v(θ + ε dθ)/dε² at ε = 0."""
        return self._gather(lambda record: record.directional(dtheta, order))

    def adjoint(self, function):
        """Jᵀ f by one backward pass."""
        passes = self.records(self.sampled.passes)
        parts = [record.gradient(function[part]) for part, record in passes]
        return parts[0] if len(parts) == 1 else functools.reduce(torch.add, parts)


class Formed:
    """The rows of A, their transpose and AᵀA without the decay, once they have been formed."""

    rows = columns = gram = None


class TangentOperator:
    """A = C J, and below it the rows √α_p of a weight decay.

    Parameters
    ----------
    jacobian : Jacobian
    factor : RowFactor
        C.
    penalty : torch.Tensor of shape (P,), default=None
        α ≥ 0 of the decay. None: there are no such rows.
    """

    def __init__(self, jacobian, factor, penalty=None):
        self.jacobian, self.factor, self.penalty = jacobian, factor, penalty
        self._formed = Formed()

    def with_penalty(self, penalty):
        """The same operator with another decay."""
        other = TangentOperator(self.jacobian, self.factor, penalty)
        other._formed = self._formed
        return other

    @property
    def has_fewer_rows(self):
        """Whether there are fewer rows than parameters, without those of the decay."""
        return self.jacobian.sampled.n_rows < len(self.jacobian.theta)

    @property
    def shape(self):
        """Numbers of rows and of parameters."""
        n_parameters = len(self.jacobian.theta)
        n_decay = 0 if self.penalty is None else n_parameters
        return self.jacobian.sampled.n_rows + n_decay, n_parameters

    def scaled(self, function, of_parameters=None):
        """C f, flat, of a function of shape (m, c), with the entries of the decay."""
        return self.extended(self.factor.apply(function), of_parameters)

    def extended(self, rows, of_parameters=None):
        """Row-scaled values, and √α times numbers of shape (P,) for the decay; zeros for None."""
        if self.penalty is None:
            return rows
        if of_parameters is None:
            return torch.cat([rows, torch.zeros_like(self.penalty)])
        return torch.cat([rows, torch.sqrt(self.penalty) * of_parameters])

    def apply(self, dtheta):
        """A dθ."""
        return self.scaled(self.jacobian.apply(dtheta), dtheta)

    def adjoint(self, entries):
        """Aᵀ f; without the rows a backward pass, Aᵀ f = Jᵀ (Cᵀ f)."""
        inner, of_decay = self._split(entries)
        if self._formed.rows is not None:
            product = torch.mv(self._formed.columns, inner)
        else:
            product = self.jacobian.adjoint(self.factor.adjoint(inner))
        if of_decay is None:
            return product
        return torch.addcmul(product, torch.sqrt(self.penalty), of_decay)

    def gram_product(self, dtheta):
        """AᵀA dθ by a pass forward and one back."""
        moved = self.factor.apply(self.jacobian.apply(dtheta))
        product = self.jacobian.adjoint(self.factor.adjoint(moved))
        return product if self.penalty is None else product + self.penalty * dtheta

    def tangent(self, dtheta):
        """J dθ, from the rows where they are there; C is to be diagonal and positive."""
        if self._formed.rows is None:
            return self.jacobian.apply(dtheta)
        numbers = self.factor.numbers
        return torch.mv(self._formed.rows, dtheta).view_as(numbers) / numbers

    def rows(self):
        """(slice, C J of these points) for each chunk, without the decay."""
        if self._formed.rows is not None:
            yield slice(None), self._formed.rows
            return
        records = self.jacobian.records()
        parts = ((chunk, self.factor.rows(record, chunk)) for chunk, record in records)
        if self.factor.couples_points:
            parts = [(slice(None), functools.reduce(torch.add, (rows for _, rows in parts)))]
        for chunk, rows in parts:
            if len(self.jacobian.sampled.chunks) == 1:
                self._formed.rows, self._formed.columns = rows, rows.T
            yield chunk, rows

    def outer_rows(self):
        """The rows of A as outer products, see :meth:`skngd.models.base.Record.outer_rows`."""
        passes = self.jacobian.sampled.passes
        if self.factor.couples_points or len(passes) > 1:
            return None
        ((_, record),) = self.jacobian.records(passes)
        return record.outer_rows(self.factor.at(slice(None)))

    def chunks(self, functions):
        """(A_j, F_j) for each chunk of rows, the decay last; F has a column for each function."""
        inner, of_decay = self._split(functions)
        for chunk, rows in self.rows():
            if len(rows) == len(inner):
                yield rows, inner
            else:
                yield rows, self._by_point(inner)[chunk].reshape(len(rows), -1)
        if of_decay is not None:
            yield torch.diag(torch.sqrt(self.penalty)), of_decay

    def output_chunks(self, entries):
        """(A_j, b_j) for each chunk: the columns of A of the last layer, and a function."""
        inner, of_decay = self._split(entries.unsqueeze(1))
        for chunk, record in self.jacobian.records():
            rows = self.factor.output_rows(record, chunk)
            whole = len(rows) == len(inner)
            yield rows, inner if whole else self._by_point(inner)[chunk].reshape(-1, 1)
        if of_decay is not None:
            place = self.jacobian.sampled.model.output_parameters
            yield torch.diag(torch.sqrt(self.penalty[place])), of_decay[place]

    def gram(self):
        """AᵀA."""
        matrix = self.data_gram()
        return matrix if self.penalty is None else matrix + torch.diag(self.penalty)

    def data_gram(self):
        """AᵀA without the decay, made once; not to be changed.

        For models of several outputs that know how, without the rows of A.
        """
        if self._formed.gram is not None:
            return self._formed.gram
        matrix = None
        if self.jacobian.value.shape[1] >= OUTPUTS_FOR_GRAM and self._formed.rows is None:
            records = self.jacobian.records()
            matrix = _sum(self.factor.gram(record, chunk) for chunk, record in records)
        if matrix is None:
            matrix = _sum(gram_matrix(rows, self._formed.columns) for _, rows in self.rows())
        self._formed.gram = matrix
        return matrix

    def _split(self, entries):
        """The entries of the points, and those of the decay or None."""
        if self.penalty is None:
            return entries, None
        n = len(entries) - len(self.penalty)
        return entries[:n], entries[n:]

    def _by_point(self, functions):
        return functions.view(len(self.jacobian.value), -1, functions.shape[1])


def _sum(matrices):
    """The sum of fresh matrices; None where one of them is not known."""
    total = None
    for matrix in matrices:
        if matrix is None:
            return None
        total = matrix if total is None else total.add_(matrix)
    return total


def gram_matrix(a, columns=None):
    """AᵀA by panels of the lower half: two thirds of the price of the whole product.

    ``columns`` is Aᵀ, where it is there.
    """
    columns = a.T if columns is None else columns
    n, n_panels = len(columns), round(len(columns) / PANEL)
    if n_panels <= 1 or a.is_cuda:
        return torch.mm(columns, a)
    matrix, width = a.new_empty(n, n), -(-n // n_panels)
    for first in range(0, n, width):
        panel = slice(first, first + width)
        below = columns[first:] @ columns[panel].T
        matrix[first:, panel] = below
        matrix[panel, first:] = below.T
    return matrix
