"""The loss as a function of the parameters, and a point of the manifold with its tangent space."""

import functools

import torch

# From so many outputs on, the Gram matrix of a network is cheaper without the rows of A.
OUTPUTS_FOR_GRAM = 3
# A block of rows of the Jacobian, or the record of a forward pass, holds at most this many numbers
# (64 MiB in float64).
CHUNK_ELEMENTS = 2**23


def _slices(n_points, numbers_per_point):
    """Slices of points, each of at most ``CHUNK_ELEMENTS`` numbers."""
    size = max(1, CHUNK_ELEMENTS // numbers_per_point)
    return [slice(start, start + size) for start in range(0, n_points, size)]


class Objective:
    """θ ↦ L(v_θ) on one set of points.

    Parameters
    ----------
    model : Model
    loss : Loss
        The functional on the same points.
    points : torch.Tensor of shape (m, d)
    metric : {"l2", "loss"}, default="l2"
        Which row factor C enters equation (A).
    penalty : torch.Tensor of shape (P,), default=None
        α_p ≥ 0 of the weight decay ½ Σ α_p θ_p², which is added to the loss: rows √α_p θ_p of A.

    Raises
    ------
    ValueError
        If there is no such metric.
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
        self.n_rows = len(points) * model.n_outputs
        # Where rows of A are formed, and where values and products with A are.
        self.chunks = _slices(len(points), model.n_parameters * model.n_outputs)
        self.passes = _slices(len(points), model.record_size)

    @property
    def has_two_metrics(self):
        """Whether gradient and memory are projected in different metrics, equation (2M)."""
        return self.metric == "loss"

    def at(self, theta):
        """The point of the manifold with these parameters."""
        return Iterate(self, theta)

    def subset(self, index):
        """The objective on some of the points."""
        loss, points = self.loss.at(index), self.points[index]
        return Objective(self.model, loss, points, self.metric, self.penalty)

    def subset_of(self, sample):
        """The objective on drawn points, unbiased: its weights have the sum 1 on average."""
        kind = {"dtype": self.points.dtype, "device": self.points.device}
        index = torch.as_tensor(sample.index, device=self.points.device)
        loss = self.loss.at(index, torch.as_tensor(sample.factors, **kind))
        drawn = Objective(self.model, loss, self.points[index], self.metric, self.penalty)
        drawn.sample = sample
        return drawn


class Iterate:
    """A point v_θ of the manifold. The tangent space is computed when it is asked for.

    Functions (values, gradients, tangent vectors) have shape (m, c); their row-scaled form
    C f, flat, has shape (m c,).

    Attributes
    ----------
    theta : torch.Tensor of shape (P,)
    value : torch.Tensor of shape (m, c)
        v_θ at the points.
    loss : float
        L(v_θ), and the weight decay.
    penalty : float
        The weight decay by itself.
    """

    def __init__(self, objective, theta, record=None):
        self.objective, self.theta = objective, theta
        self.record = record
        if len(objective.passes) == 1:
            if record is None:
                self.record = objective.model.record(theta, objective.points)
            self.value = self.record.value
        else:
            self.value = self._gather(lambda record: record.value)
        self.penalty = 0.0
        if objective.penalty is not None:
            self.penalty = 0.5 * float(torch.dot(objective.penalty, theta * theta))
        self.loss = float(objective.loss.value(self.value)) + self.penalty
        self._factor = self._rows = self._gradient = None

    def with_output(self, theta):
        """The iterate at parameters that differ in the last layer only."""
        record = None if self.record is None else self.record.with_output(theta)
        return Iterate(self.objective, theta, record)

    def records(self):
        """(slice, record) for each chunk of points whose rows are formed at once."""
        return self._records(self.objective.chunks)

    def _records(self, slices):
        if self.record is not None and len(slices) == 1:
            yield slice(None), self.record
        else:
            for part in slices:
                yield part, self.objective.model.record(self.theta, self.objective.points[part])

    def _gather(self, of_record):
        parts = [of_record(record) for _, record in self._records(self.objective.passes)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _row_factor(self):
        if self._factor is None:
            objective = self.objective
            self._factor = objective.loss.row_factor(self.value, objective.metric)
        return self._factor

    @property
    def residual(self):
        """b of equation (A), flat."""
        return self._row_factor()[1]

    def scale(self, function):
        """Row-scaled values C f of a function, flat."""
        return self._row_factor()[0].apply(function)

    def rows(self):
        """(slice, A_j) for each chunk: the rows of A = C J of these points."""
        if self._rows is None:
            yield from self._fresh_rows()
        else:
            yield slice(None), self._rows

    def _fresh_rows(self):
        factor = self._row_factor()[0]
        parts = ((chunk, factor.rows(record, chunk)) for chunk, record in self.records())
        if factor.couples_points:
            parts = [(slice(None), functools.reduce(torch.add, (rows for _, rows in parts)))]
        for chunk, rows in parts:
            if len(self.objective.chunks) == 1:
                self._rows = rows
            yield chunk, rows

    def output_chunks(self):
        """(A_j, b_j) for each chunk: the columns of A of the last layer, and the residual."""
        factor, residual = self._row_factor()
        by_point = residual.view(len(self.value), -1)
        for chunk, record in self.records():
            yield factor.output_rows(record, chunk), by_point[chunk].reshape(-1, 1)
        if self.objective.penalty is not None:
            place = self.objective.model.output_parameters
            root = torch.sqrt(self.objective.penalty[place])
            yield torch.diag(root), (root * self.theta[place]).unsqueeze(1)

    def chunks_with(self, functions):
        """(A_j, F_j) for each chunk, for row-scaled functions of shape (n, k)."""
        by_point = functions.view(len(self.value), -1, functions.shape[1])
        for chunk, rows in self.rows():
            if chunk == slice(None):
                yield rows, functions
            else:
                yield rows, by_point[chunk].reshape(len(rows), -1)

    def plain_chunks_with(self, function):
        """(W^½ J_j, W^½ f_j) for each chunk, for a function of shape (m, c): the metric L2."""
        factor = self.objective.loss.plain_factor(self.value)
        scaled = factor.apply(function).view(self.value.shape)
        for chunk, record in self.records():
            yield factor.rows(record, chunk), scaled[chunk].reshape(-1, 1)

    def gram_matrix(self, factor=None):
        """AᵀA without the rows of A, for models of several outputs that know how; else None.

        Parameters
        ----------
        factor : RowFactor, default=None
            C; None stands for that of equation (A).
        """
        if self.value.shape[1] < OUTPUTS_FOR_GRAM or self._rows is not None:
            return None
        factor = self._row_factor()[0] if factor is None else factor
        total = None
        for chunk, record in self.records():
            part = factor.gram(record, chunk)
            if part is None:
                return None
            total = part if total is None else total + part
        return total

    def penalty_chunks(self, n_functions):
        """The rows of the weight decay, beside √α θ for the residual and 0 for other functions."""
        if self.objective.penalty is not None:
            root = torch.sqrt(self.objective.penalty)
            functions = root.new_zeros(len(root), n_functions)
            functions[:, 0] = root * self.theta
            yield torch.diag(root), functions

    def extended(self, function):
        """A row-scaled function with the entries 0 for the rows of the weight decay."""
        if self.objective.penalty is None:
            return function
        return torch.cat([function, torch.zeros_like(self.theta)])

    def pull_back(self, function):
        """Aᵀ f of a row-scaled function; the rows of the weight decay are left out."""
        if self._rows is not None:
            return self._rows.T @ function
        # Without the rows, a backward pass: Aᵀ f = Jᵀ (Cᵀ f).
        return self.backward(self._row_factor()[0].adjoint(function))

    def pull_back_extended(self, function):
        """Aᵀ f of a function with entries for the rows of the weight decay, if there are any."""
        penalty = self.objective.penalty
        if penalty is None:
            return self.pull_back(function)
        n = self.objective.n_rows
        return self.pull_back(function[:n]) + torch.sqrt(penalty) * function[n:]

    def gram_product(self, dtheta):
        """AᵀA dθ by a pass forward and one back; the rows of the weight decay are in it."""
        product = self.pull_back(self.scale(self.tangent(dtheta)))
        penalty = self.objective.penalty
        return product if penalty is None else product + penalty * dtheta

    def plain_gram_product(self, dtheta):
        """JᵀWJ dθ, the same in L2 and without the weight decay."""
        return self.backward(self.objective.loss.weights * self.tangent(dtheta))

    def backward(self, cotangent):
        """Jᵀ f by one backward pass."""
        passes = self._records(self.objective.passes)
        parts = (record.gradient(cotangent[part]) for part, record in passes)
        return functools.reduce(torch.add, parts)

    @property
    def functional_gradient(self):
        """∇L(v_θ) at the points."""
        return self.objective.loss.gradient(self.value)

    @property
    def gradient(self):
        """Parameter gradient ∇_θ L = Jᵀ W g, equation (L), by one backward pass."""
        if self._gradient is None:
            cotangent = self.objective.loss.weights * self.functional_gradient
            self._gradient = self.backward(cotangent)
            if self.objective.penalty is not None:
                self._gradient = self._gradient + self.objective.penalty * self.theta
        return self._gradient

    def tangent(self, dtheta):
        """The tangent vector J dθ."""
        if self._rows is not None and self.objective.metric == "l2":
            # C is positive in this metric, so that the rows that are there can be used.
            factor = self._row_factor()[0].numbers
            return (self._rows @ dtheta).view_as(factor) / factor
        return self._gather(lambda record: record.directional(dtheta))

    def bend(self, dtheta):
        """d²v(θ + ε dθ)/dε² at ε = 0, how the manifold bends along ``dtheta``."""
        return self._gather(lambda record: record.directional(dtheta, order=2))


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
    """

    def __init__(self, start, step, direction):
        self.start, self.step, self.direction = start, step, direction

    def on(self, objective):
        """The previous iterate, evaluated at the points of this objective."""
        if self.start.objective is objective:
            return self.start
        return objective.at(self.start.theta)
