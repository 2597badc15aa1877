"""From a problem as it stands on paper to blocks of residuals.

One recorded call of each condition finds which derivatives it needs; the ansatz says which
derivatives of the network these are. An operator that turns out to be affine is replaced by its
coefficients.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...models.jets import by_order
from ..conditions import Interior
from ..expressions.places import as_tensor
from ..expressions.quantity import Quantity
from .ansatz import Ansatz, hard_conditions
from .blocks import Block, Evaluation, Operator, combined, gradients
from .bound import BoundCondition, Stated, cut, stated_conditions, written
from .nodes import NodeJets, NodeKey
from .recording import Recording

# Draws after which an operator that looks affine is taken to be: at each point, at all together.
N_AFFINE_CHECKS, FEWEST_AFFINE_CHECKS = 4, 16


class Compiler:
    """What the blocks of one problem have in common.

    ``jets_of`` maps a tuple of multi-indices to a :class:`JetModel`, and ``normalise`` points of
    shape (m, d) in the units of the problem to points of the network. ``circles`` are the
    :class:`Circles` of these; None stands for no such.

    ``base(field, index, x)`` gives ∂^index of what the network is added to, where that is not None:
    a solution that has the hard conditions already, for ``base_unknowns`` of shape (q,).
    """

    def __init__(self, problem, jets_of, normalise, kind, circles=None):
        self.problem, self.jets_of, self.normalise, self.kind = problem, jets_of, normalise, kind
        self.circles, self.base, self.base_unknowns = circles, None, None
        self.equation, self.conditions = Stated(problem, Interior()), stated_conditions(problem)
        self.ansatz = {field: hard_conditions(problem, field) for field in problem.fields}

    def bound(self, stated, sites, normals=None, target=None):
        """A condition on points that are given as arrays."""
        sites = [torch.as_tensor(np.ascontiguousarray(x), **self.kind) for x in sites]
        given = (a if a is None else torch.as_tensor(a, **self.kind) for a in (normals, target))
        return BoundCondition(stated, sites, *given)

    def block(
        self, stated, sites, normals=None, weights=None, target=None, unknowns=None, label=None
    ):
        """Compile a condition on some points, arrays of shape (m, d) for each site.

        ``weights`` are those of each squared residual, None stands for the condition's own, over m;
        ``target`` is what was measured; ``label`` names the block, None stands for the condition's
        name. The operator is tried at ``unknowns``, shape (q,): what comes back has to be
        pointwise, finite and of the right shape.
        """
        bound, condition = self.bound(stated, sites, normals, target), stated.condition
        trial = Recording(bound)
        x, m = bound.sites[0], len(bound.sites[0])
        unknowns = x.new_zeros(0) if unknowns is None else unknowns
        n_equations = len(trial(unknowns))
        network_sites, tables = self._expand(bound, trial.requested)
        if weights is None:
            weight = condition.weight
            if weight == "measure":
                weight = condition.measure(self.problem.domain)
            weights = weight / m
        row_weights = x.new_empty(n_equations, m)
        row_weights[:] = torch.as_tensor(weights, **self.kind)
        operator = Statement(bound, tables)
        block = Block(label or condition.label(), network_sites, operator, row_weights)
        block.affine = affine_form(block, unknowns)
        if stated is self.equation and block.affine is not None:
            block.terms = trial.coefficients()
        return block

    def is_hard(self, stated):
        """Whether a condition is built into the ansatz."""
        condition = stated.condition
        if condition.winds:
            axes = () if self.circles is None else self.circles.axes
            return self.problem.domain.names.index(condition.on) in axes
        return condition.hard

    def expansion(self, field, index, x, unknowns=None):
        """∂^index of a field as :meth:`Ansatz.expansion` gives it, in inputs of the network."""
        constant, terms = self.ansatz[field].expansion(index, x, unknowns)
        if self.base is not None:
            constant = self.base(field, index, x)
        if self.circles is None or not self.circles.axes:
            return constant, terms
        found = []
        for face, inner, coefficient in terms:
            points = x if face is None else face.onto(x)
            for network_index, factor in self.circles.expansion(inner, points):
                parts = [part for part in (coefficient, factor) if part is not None]
                product = parts[0] * parts[1] if len(parts) == 2 else (parts or [None])[0]
                found.append((face, network_index, product))
        return constant, found

    def _expand(self, bound, requested):
        """Network sites, and for each derivative of v how it follows from those of N."""
        places, asked, fields = {}, [], list(self.problem.fields)
        for site, wanted_here in requested.items():
            nodes = bound.nodes(site) if isinstance(site, NodeKey) else None
            x = bound.sites[site] if nodes is None else nodes.flat()
            in_order = sorted(wanted_here, key=lambda k: (fields.index(k[0]), by_order(k[1])))
            for field, index in in_order:
                constant, terms = self.expansion(field, index, x)
                self._check_finite(field, index, constant, x)
                if self.ansatz[field].unknowns:
                    _refuse_moving(field, nodes)
                    moving = Moving(self.ansatz[field], tuple(self.problem.unknowns), index, x)
                    if self.base is not None:
                        moving = moving.through(constant, self.base_unknowns)
                    constant = moving
                if nodes is not None:
                    constant = nodes.spread(constant)
                asked.append((site, field, index, constant, terms))
                for face, network_index, _ in terms:
                    points = x if face is None else face.onto(x)
                    _, _, wanted = places.setdefault((site, face), (nodes, points, set()))
                    wanted.add(network_index)
        if not any(nodes is None for nodes, _, _ in places.values()):
            # Nothing of the network is asked for at the points: its value stands in there, with
            # coefficient zero.
            places = {(0, None): (None, bound.sites[0], {()}), **places}
        order = {key: position for position, key in enumerate(places)}
        chosen = {key: sorted(wanted, key=by_order) for key, (_, _, wanted) in places.items()}
        network_sites = [
            self._network_site(nodes, points, tuple(chosen[key]))
            for key, (nodes, points, _) in places.items()
        ]
        tables = {site: {} for site in requested}
        for site, field, index, constant, terms in asked:
            found = []
            for face, network_index, coefficient in terms:
                key = site, face
                row = chosen[key].index(network_index) * len(fields) + fields.index(field)
                nodes = places[key][0]
                coefficient = coefficient if nodes is None else nodes.spread(coefficient)
                found.append(Term(order[key], row, coefficient))
            tables[site][field, index] = Expansion(constant, tuple(found))
        return network_sites, tables

    def _network_site(self, nodes, points, indices):
        """Jets, and the points where they are wanted: numbers of rows where these have nodes."""
        jets, inputs = self.jets_of(indices), self.normalise(points)
        if nodes is None:
            return jets, inputs
        rows = torch.arange(nodes.shape[1], **self.kind).unsqueeze(1)
        return NodeJets(jets, inputs.view(*nodes.full.shape[:2], -1)), rows

    def _check_finite(self, field, index, constant, x):
        bad = () if constant is None else torch.nonzero(~torch.isfinite(constant))
        if len(bad):
            first, names = int(bad[0]), self.problem.domain.names
            raise ValueError(
                f"Expected the hard conditions of {field} to have a finite derivative in "
                f"{', '.join(names[axis] for axis in index)} everywhere in the domain, got "
                f"{float(constant[first])} at ({written(self.problem, x[first])}). Set hard=False, "
                "or change their values."
            )


@dataclass(frozen=True)
class Term:
    """A derivative of the network as a part of one of v."""

    site: int  # of the network
    row: int  # of the jets there: derivatives one after the other, each with all fields
    coefficient: torch.Tensor | None  # shape (m,); None stands for one

    def of(self, rows):
        """Its value, from the rows of each site."""
        found = rows[self.site][self.row]
        return found if self.coefficient is None else self.coefficient * found

    def part(self, points):
        """The same at some of the points."""
        return Term(self.site, self.row, _cut_last(self.coefficient, points))


@dataclass(frozen=True)
class Moving:
    """The constant of an expansion that unknowns move: hard values that contain some."""

    ansatz: Ansatz
    names: tuple[str, ...]  # of the unknowns
    index: tuple[int, ...]
    x: torch.Tensor
    shift: torch.Tensor | None = None  # what is added to it, shape (m,)

    def __call__(self, unknowns):
        """Its value at unknowns of shape (q,) or (q, m)."""
        named = dict(zip(self.names, map(Quantity, unknowns), strict=True))
        constant = self.ansatz.expansion(self.index, self.x, named)[0]
        return constant if self.shift is None else constant + self.shift

    def through(self, constant, unknowns):
        """The same with a shift, so that it is this constant at these unknowns."""
        return replace(self, shift=constant - self(unknowns))

    def __getitem__(self, points):
        return replace(self, x=self.x[points], shift=cut(self.shift, points))


@dataclass(frozen=True)
class Expansion:
    """∂^index v = constant + Σ terms, from the jets of the network."""

    constant: torch.Tensor | Moving | None  # shape (m,); None stands for zero
    terms: tuple[Term, ...]

    def of(self, rows, unknowns):
        """Its value, from the rows of each site, and the unknowns."""
        parts = [term.of(rows) for term in self.terms]
        if self.constant is None:
            return sum(parts[1:], parts[0])
        moves = isinstance(self.constant, Moving)
        return sum(parts, self.constant(unknowns) if moves else self.constant)

    def part(self, points):
        """The same at some of the points."""
        terms = tuple(term.part(points) for term in self.terms)
        constant = self.constant
        is_moving = isinstance(constant, Moving)
        return Expansion(constant[points] if is_moving else _cut_last(constant, points), terms)


def _cut_last(tensor, points):
    """Some of the points, which are last in the shape, of a tensor that may be None."""
    return None if tensor is None else tensor[..., points]


def _refuse_moving(field, nodes):
    if nodes is not None:
        raise ValueError(
            f"Expected hard values of {field} without unknown coefficients beside an Integral, got "
            "some that contain them. Set hard=False."
        )


class Statement(Operator):
    """A condition as an operator on the jets of the network."""

    def __init__(self, bound, tables):
        # For each site the expansion of each derivative that is asked for, by (field, index).
        self.bound, self.tables = bound, tables

    def __call__(self, jets, unknowns):
        c = len(self.bound.fields)
        rows = [_rows(jet, c) for jet in jets]
        lookups = {site: lookup(table, rows, unknowns) for site, table in self.tables.items()}
        x = self.bound.sites[0]
        plain = [lookups[site] for site in range(len(self.bound.sites))]
        found = self.bound.equations(plain, unknowns, lookups.get)
        found = [as_tensor(row, x) for row in found]
        m = len(x)
        return torch.stack([row if row.shape == (m,) else row.expand(m) for row in found])

    def part(self, points):
        tables = {
            site: {key: expansion.part(points) for key, expansion in table.items()}
            for site, table in self.tables.items()
        }
        return Statement(self.bound.part(points), tables)


def _rows(jet, n_fields):
    """Derivatives one after the other, each with all fields: shape (m,), or (Q, m) at nodes."""
    k, outputs, m = jet.shape
    if outputs == n_fields:
        return jet.flatten(0, 1).unbind()
    return jet.view(k, -1, n_fields, m).transpose(1, 2).flatten(0, 1).unbind()


def lookup(table, rows, unknowns):
    """Gives derivatives of fields, each computed once from the rows of the network's jets."""
    return functools.cache(lambda *key: table[key].of(rows, unknowns))


def affine_form(block, unknowns):
    """Coefficients and constant of an operator that is affine; None for another one.

    Its second derivatives vanish, and it agrees with its linear form at jets and unknowns of sizes
    from 1e-3 to 1e6, drawn anew for each point.
    """
    random = np.random.RandomState(1)
    m = block.n_points
    # The rounding errors of single precision are larger.
    tolerance = max(1e-9, 100 * torch.finfo(block.row_weights.dtype).eps)

    def draw(*shape):
        size = 10.0 ** random.uniform(-3, 6, m) * random.choice([-1.0, 1.0], m)
        return block.row_weights.new_tensor(random.uniform(-1, 1, (*shape, m)) * size)

    def draw_jets():
        return [draw(len(jets.indices), jets.n_outputs) for jets, _ in block.sites]

    evaluation = Evaluation(block, draw_jets(), unknowns)
    with torch.enable_grad():
        for row in evaluation.graph:
            if any(g.requires_grad for g in gradients(row, evaluation.leaves, create_graph=True)):
                return None
    of_jets, of_unknowns = evaluation.linear()
    zeros = [torch.zeros_like(leaf) for leaf in evaluation.leaves[:-1]]
    with torch.no_grad():
        constant = block.operator(zeros, torch.zeros_like(unknowns))
        for _ in range(max(N_AFFINE_CHECKS, -(-FEWEST_AFFINE_CHECKS // m))):
            jets, drawn = draw_jets(), draw(len(unknowns))
            actual = combined(of_jets, None, jets, ()) + constant
            actual = actual + (of_unknowns * drawn).sum(1)
            expected = block.operator(jets, drawn)
            # Terms may cancel: their sizes are what rounding errors are parts of.
            sizes = [jet.abs() for jet in jets]
            scale = 1 + expected.abs() + constant.abs() + (of_unknowns * drawn).abs().sum(1)
            scale = scale + sum(size.sum((0, 1)) for size in sizes) + drawn.abs().sum(0)
            scale = scale + combined([c.abs() for c in of_jets], None, sizes, ())
            if not bool(((expected - actual).abs() <= tolerance * scale).all()):
                return None
    return (of_jets, of_unknowns), constant
