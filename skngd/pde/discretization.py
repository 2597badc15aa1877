"""A problem on points: columns, normalisation, and the blocks of residuals."""

import numpy as np
import torch

from ..geometry.box import Box
from ..geometry.sampling import choose_by_residual, gauss_rule
from .expressions.quantity import Quantity
from .interfaces import Sides
from .local_sizes import LocalSizes
from .observe import Observe, Observed, observed_of
from .residuals.blocks import Collocation
from .residuals.bound import Stated, ranges_of
from .residuals.circles import Circles
from .residuals.compile import Compiler
from .residuals.holes import Holes, potentials_of
from .residuals.view import View

# Candidates for each point that residual-adaptive sampling chooses.
CANDIDATES = 4


class Discretization:
    """What all blocks of one problem share.

    ``jets_of(indices, input_scale)`` gives the :class:`JetModel` of the network, and ``kind`` is
    ``dtype`` and ``device`` of the tensors.

    The columns of points are the coordinates, then the inputs; ``low`` and ``high``, shape (d,),
    are their range. The network sees (x − centre) / half_width, of inputs with ``scale="log"`` the
    logarithm. The :class:`View` says which coordinates it sees as cosine and sine, and of which
    holes it sees the potentials.
    """

    def __init__(self, problem, jets_of, kind, view=None):
        self.problem, self.kind = problem, kind
        self.domain, inputs = problem.domain, problem.inputs
        self.columns = (*self.domain.names, *inputs)
        self.low, self.high = ranges_of(problem).T
        self.logarithmic = [
            column
            for column, given in enumerate(inputs.values(), start=len(self.domain.names))
            if given.scale == "log"
        ]
        low, high = self._network_scale(self.low), self._network_scale(self.high)
        self.centre, self.half_width = (low + high) / 2, (high - low) / 2
        self._centre = torch.as_tensor(self.centre, **kind)
        self._half_width = torch.as_tensor(self.half_width, **kind)
        self.view = view = View() if view is None else view
        self.circles, self.sides = Circles(ranges_of(problem), view.circles), Sides(problem)
        self.holes = Holes(ranges_of(problem), view.holes)
        if len(self.sides) and kind["dtype"] != torch.float64:
            raise ValueError(
                "Expected dtype='float64' for a problem with an Interface, got single precision, "
                "which does not tell its sides apart. Set dtype='float64'."
            )
        scale = torch.as_tensor(1.0 / self._units(self.half_width), **kind)
        given = (scale, self.holes) if view.holes else (scale,)
        self.jets_of = lambda indices: jets_of(indices, *given)
        self.compiler = Compiler(problem, self.jets_of, self.normalise, kind, self.circles)
        self.source = self.domain
        # By label: what the residuals of a block are divided by, shape (e,); and what those of the
        # equation are at each point, where that matters.
        self.sizes, self.local_sizes = {}, None
        if inputs:
            d = len(self.domain.names)
            ranges = dict(zip(inputs, zip(low[d:], high[d:], strict=True), strict=True))
            self.source = WithInputs(self.domain, ranges, self.logarithmic)

    def _network_scale(self, x):
        x = np.array(x, dtype=float)
        x[..., self.logarithmic] = np.log(x[..., self.logarithmic])
        return x

    def normalise(self, x):
        """Points of the network for points of shape (m, d) in the units of the problem."""
        plain = x
        if self.logarithmic:
            x = x.clone()
            x[:, self.logarithmic] = torch.log(x[:, self.logarithmic])
        inputs = self.circles.inputs(plain, (x - self._centre) / self._half_width)
        return self.holes.beside(self.sides.beside(inputs, plain), plain)

    @property
    def n_inputs(self):
        """Of the network: columns, sines of circles, sides of interfaces, potentials of holes."""
        return n_inputs_of(self.problem, self.view)

    def groups_of_inputs(self):
        """See :meth:`Holes.groups`; None where all inputs belong together."""
        return self.holes.groups(self.n_inputs - len(self.holes)) if self.view.holes else None

    def _units(self, half_width):
        units = self.circles.units(half_width), np.ones(len(self.sides)), self.holes.units
        return np.concatenate(units)

    def located(self, inputs):
        """Undo :meth:`normalise` for one point, an array."""
        x = self.centre + inputs[: len(self.centre)] * self.half_width
        x[self.logarithmic] = np.exp(x[self.logarithmic])
        return self.circles.located(inputs, x)

    def units_of_inputs(self):
        """What one unit of each input of the network is in the units of the problem."""
        return self._units((self.high - self.low) / 2)

    def scaling_of_inputs(self):
        """Centre and half width of each input of the network: circles come as they are."""
        axes = list(self.circles.axes)
        centre = np.append(self.centre, np.zeros(self.n_inputs - len(self.columns)))
        centre[axes] = 0.0
        centre[len(centre) - len(self.holes) :] = self.holes.shifts
        return centre, self._units(self.half_width)

    def outside(self, X):
        """Which rows lie outside of the domain, or of the range of an input."""
        d = len(self.domain.names)
        inputs, margin = X[:, d:], 1e-9 * (self.high - self.low)[d:]
        fits = (inputs >= self.low[d:] - margin) & (inputs <= self.high[d:] + margin)
        return ~(self.domain.contains(X[:, :d]) & fits.all(axis=1))

    def labels(self):
        """Names of the blocks of the conditions that are not hard, each once."""
        labels = ["equation"]
        for stated in self.compiler.conditions:
            label, number = stated.condition.label(), 2
            while label in labels:
                label, number = f"{stated.condition.label()} {number}", number + 1
            labels.append(label)
        return labels

    def equation(self, X, weights=None, unknowns=None):
        """The block of the problem's own equation on points of shape (m, d)."""
        block = self.compiler.block(self.compiler.equation, [X], None, weights, unknowns=unknowns)
        return self.measured(block)

    def measured(self, block):
        """A block in units of the sizes of its terms, where these are known."""
        block = self.locally(block)
        return block.divided(self.sizes[block.name]) if block.name in self.sizes else block

    def locally(self, block):
        """The equation in units of its terms at each point, where its coefficients vary."""
        is_local = self.local_sizes is not None and block.terms is not None
        return block.divided(self.local_sizes.at(block)) if is_local else block

    def measure_locally(self, blocks, fields):
        """Find these units from blocks, for sizes of the fields of shape (c,)."""
        half_width, (equation, *_) = (self.high - self.low) / 2, blocks
        fields = dict(zip(self.problem.fields, fields.tolist(), strict=True))
        self.local_sizes = LocalSizes.of(equation, half_width, fields)

    def blocks(self, points, unknowns=None):
        """The blocks of the equation and of all conditions that are not hard.

        On points as :meth:`sample` gives them; the operators are tried at ``unknowns``, shape (q,).
        """
        stated = self.compiler.equation, *self.compiler.conditions
        return [
            self.measured(self.compiler.block(each, *given, unknowns=unknowns, label=label))
            for each, label, given in zip(stated, self.labels(), points, strict=True)
            if given is not None
        ]

    def sample(self, n_interior, n_boundary, sampler, random_state):
        """Points of the equation and of each condition, a list of (sites, normals, weights).

        ``n_boundary`` has a number for each condition. In the place of a hard one stands None, and
        weights are those of Gauss points, else None.
        """
        sites, normals = self.compiler.equation.condition.sites(
            self.source, n_interior, sampler, random_state
        )
        weights = gauss_rule(len(sites[0]))[1] if sampler == "gauss" else None
        points = [(sites, normals, weights)]
        for stated, n in zip(self.compiler.conditions, n_boundary, strict=True):
            if self.compiler.is_hard(stated):
                points.append(None)
                continue
            # Gauss points are for the interval, not for what bounds it.
            kind = "sobol" if sampler == "gauss" and len(self.columns) > 1 else sampler
            points.append((*stated.condition.sites(self.source, n, kind, random_state), None))
        return points

    def adapted(self, model, theta, n, random_state, moved=lambda points: points):
        """Interior points where the residual is large (RAD; Wu et al., 2023).

        Half of the n points are spread evenly, half chosen among new candidates with a probability
        that grows with the residual. ``moved`` puts points into a part of the domain.
        """
        even = moved(self.source.sample(n - n // 2, "sobol", random_state))
        if n < 2:
            return even
        candidates = moved(self.source.sample(CANDIDATES * n, "sobol", random_state))
        unknowns = model.unknowns(theta)
        block = self.equation(candidates, unknowns=unknowns)
        values = model.value(theta, Collocation([block])).view(block.n_equations, -1)
        size = values.square().sum(0).sqrt().cpu().numpy()
        chosen = choose_by_residual(candidates, size, random_state, n // 2)
        return np.concatenate([even, chosen])

    def measurements(self, X, y, sample_weight, weight, unknowns=None):
        """A block for each column with observations; NaN entries of y are left out."""
        conditions = [Observed(one) for one in observed_of(self.problem)]
        found = self.observations(X, y, sample_weight, weight, unknowns, conditions)
        return [self.measured(block) for block in found]

    def observations(self, X, y, sample_weight, weight, unknowns=None, conditions=None):
        """As :meth:`measurements`, in units of what is observed; by default the fields."""
        found = []
        if conditions is None:
            conditions = [Observed(Observe(field)) for field in self.problem.fields]
        # Each entry weighs the same, whichever field it belongs to.
        total = (sample_weight[:, None] * np.isfinite(y)).sum()
        for condition, column in zip(conditions, y.T, strict=True):
            seen = np.isfinite(column)
            if not seen.any():
                continue
            block = self.compiler.block(
                Stated(self.problem, condition),
                [X[seen]],
                None,
                weight * sample_weight[seen] / total,
                target=column[seen],
                unknowns=unknowns,
            )
            found.append(block)
        return found

    def derivative(self, network, X, index, field):
        """:meth:`field_at` for points X of shape (m, d), as a NumPy array of shape (m,)."""
        x = torch.as_tensor(X, **self.kind)
        return self.field_at(network, x, index, field).cpu().numpy().astype(float)

    def field_at(self, network, x, index, field, direction=None, unknowns=None):
        """∂^index of a field at points, tensors of shape (m, d) and (m,).

        For parameters of the network in its own units, shape (P,), and values of the unknowns,
        shape (q,), if hard values contain some. With a direction of the parameters, the tangent
        vector in that direction is added.
        """
        number = list(self.problem.fields).index(field)
        named = {}
        if unknowns is not None:
            named = dict(zip(self.problem.unknowns, map(Quantity, unknowns), strict=True))
        constant, terms = self.compiler.expansion(field, index, x, named)
        total = 0.0 if constant is None else constant
        for face, inner, coefficient in terms:
            points = x if face is None else face.onto(x)
            record = self.jets_of((inner,)).record(network, self.normalise(points))
            value = record.value[0, number]
            if direction is not None:
                value = value + record.directional(direction)[0, number]
            total = total + (value if coefficient is None else coefficient * value)
        return total


def n_inputs_of(problem, view):
    """Number of inputs of a network that sees the points of a problem in a :class:`View`."""
    columns = len(problem.domain.names) + len(problem.inputs)
    return columns + len(view.circles) + len(Sides(problem)) + len(potentials_of(view.holes))


class WithInputs:
    """A domain whose points carry the inputs of a parametric problem as further columns.

    The ranges are those of the inputs, of the logarithm for the columns that are logarithmic.
    """

    def __init__(self, domain, ranges, logarithmic):
        self.domain, self.contains = domain, domain.contains
        self.names, self.measure = domain.names, domain.measure
        self.face_names, self.boundary_measure = domain.face_names, domain.boundary_measure
        self.product, self.logarithmic = domain * Box(**ranges), logarithmic

    def _points(self, points):
        points[:, self.logarithmic] = np.exp(points[:, self.logarithmic])
        return points

    def sample(self, n, sampler="sobol", random_state=None):
        return self._points(self.product.sample(n, sampler, random_state))

    def boundary(self, n, on=None, sampler="sobol", random_state=None):
        on = self.face_names() if on is None else on
        points, normals, faces = self.product.boundary(n, on, sampler, random_state)
        return self._points(points), normals[:, : len(self.names)], faces

    def pairs(self, n, on, sampler="sobol", random_state=None):
        pairs = self.product.pairs(n, on, sampler, random_state)
        return tuple(self._points(points) for points in pairs)
