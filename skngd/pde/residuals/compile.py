"""From a problem as it stands on paper to blocks of residuals.

One recorded call of each condition finds which derivatives it needs; the ansatz says which
derivatives of the network these are. An operator that turns out to be affine is replaced by its
coefficients.
"""

import numpy as np
import torch

from ..expressions.places import Place, as_tensor
from ..expressions.quantity import Field, Quantity
from .ansatz import hard_conditions
from .blocks import Block, Operator, combined, gradients
from .recording import Recording

# Draws after which an operator that looks affine is taken to be: at each point, at all together.
N_AFFINE_CHECKS, FEWEST_AFFINE_CHECKS = 4, 16


class Compiler:
    """What the blocks of one problem have in common.

    Parameters
    ----------
    problem : Problem
    jets_of : callable
        Maps a tuple of multi-indices to a :class:`JetModel`.
    normalise : callable
        Maps points of shape (m, d) in the units of the problem to points of the network.
    kind : dict
        ``dtype`` and ``device`` of all tensors.
    """

    def __init__(self, problem, jets_of, normalise, kind):
        self.problem, self.jets_of, self.normalise, self.kind = problem, jets_of, normalise, kind
        # What conditions there are, where and with which weights.
        self.stated = problem.with_numbers()
        self.coordinates = tuple(problem.domain.names)
        self.inputs, self.unknowns = tuple(problem.inputs), tuple(problem.unknowns)
        self.ansatz = {field: hard_conditions(problem, field) for field in problem.fields}

    def places(self, conditions_problem, sites, lookups, normals, target):
        """A :class:`Place` for each site."""
        found = []
        for site, (x, of_field) in enumerate(zip(sites, lookups, strict=True)):
            columns = [Quantity(column) for column in x.T]
            fields = {
                name: Field(name, self.coordinates, of_field[name]) for name in self.problem.fields
            }
            n = len(self.coordinates)
            place = Place(
                conditions_problem,
                fields,
                dict(zip(self.coordinates, columns[:n], strict=True)),
                dict(zip(self.inputs, columns[n:], strict=True)),
                normals if site == 0 else None,
                target,
            )
            found.append(place)
        return found

    def bound(self, x, unknowns):
        """The problem with quantities for its inputs and unknowns."""
        values = {
            name: Quantity(value) for name, value in zip(self.unknowns, unknowns, strict=True)
        }
        for column, name in enumerate(self.inputs, start=len(self.coordinates)):
            values[name] = Quantity(x[:, column])
        return self.problem.with_coefficients(values) if values else self.problem

    def block(self, condition, sites, normals=None, weights=None, target=None, unknowns=None):
        """Compile a condition on some points.

        Parameters
        ----------
        condition : callable
            Maps the problem, with quantities in it, to a :class:`Condition`.
        sites : list of ndarray of shape (m, d)
            Coordinates and inputs.
        normals : ndarray of shape (m, n_coordinates), default=None
        weights : float or ndarray of shape (m,), default=None
            Weight of each squared residual; None stands for the condition's own, over m.
        target : ndarray of shape (m,), default=None
            What was measured.
        unknowns : torch.Tensor of shape (q,), default=None
            Values at which the operator is tried.

        Returns
        -------
        block : Block

        Raises
        ------
        ValueError
            If what comes back has the wrong shape, is not finite or is not pointwise.
        """
        sites = [torch.as_tensor(np.ascontiguousarray(x), **self.kind) for x in sites]
        normals = None if normals is None else torch.as_tensor(normals, **self.kind)
        target = None if target is None else torch.as_tensor(target, **self.kind)
        trial = Recording(self, condition, sites, normals, target)
        unknowns = sites[0].new_zeros(0) if unknowns is None else unknowns
        n_equations = len(trial(unknowns))
        network_sites, tables = self._expand(sites, trial.requested)
        operator = Statement(self, condition, sites, normals, target, tables)
        m = len(sites[0])
        stated = condition(self.stated)
        if weights is None:
            weight = stated.weight
            if weight == "measure":
                weight = stated.measure(self.problem.domain)
            weights = weight / m
        row_weights = sites[0].new_empty(n_equations, m)
        row_weights[:] = torch.as_tensor(weights, **self.kind)
        block = Block(stated.label(), network_sites, operator, row_weights)
        block.affine = affine_form(block, unknowns)
        return block

    def _expand(self, sites, requested):
        """Network sites, and for each derivative of v how it follows from those of N."""
        places, expansions = {}, []
        for site, x in enumerate(sites):
            for number, (field, indices) in enumerate(requested[site].items()):
                for index in sorted(indices, key=lambda i: (len(i), i)):
                    ansatz = self.ansatz[field]
                    if ansatz.is_plain:
                        constant, terms = None, [(None, index, None)]
                    else:
                        constant, terms = ansatz.expansion(index, x)
                        self._check_finite(field, index, constant, x)
                    expansions.append((site, field, number, index, constant, terms))
                    for face, network_index, _ in terms:
                        key = site, None if face is None else (face.axis, face.is_low)
                        points = x if face is None else face.onto(x)
                        place = places.setdefault(key, (points, set()))
                        place[1].add(network_index)
        if not places:
            # Nothing of the network is asked for: its value stands in, with coefficient zero.
            places[0, None] = sites[0], {()}
        order = {key: position for position, key in enumerate(places)}
        chosen = {
            key: tuple(sorted(indices, key=lambda i: (len(i), i)))
            for key, (_, indices) in places.items()
        }
        network_sites = [
            (self.jets_of(chosen[key]), self.normalise(points))
            for key, (points, _) in places.items()
        ]
        tables = [{field: {} for field in self.problem.fields} for _ in sites]
        for site, field, number, index, constant, terms in expansions:
            found = []
            for face, network_index, coefficient in terms:
                key = site, None if face is None else (face.axis, face.is_low)
                found.append((order[key], chosen[key].index(network_index), number, coefficient))
            tables[site][field][index] = constant, found
        return network_sites, tables

    def _check_finite(self, field, index, constant, x):
        bad = torch.nonzero(~torch.isfinite(constant))
        if len(bad):
            what = ", ".join(self.coordinates[axis] for axis in index)
            raise ValueError(
                f"Expected the hard conditions of {field} to have a finite derivative in {what} "
                f"everywhere in the domain, got {float(constant[int(bad[0])])} at "
                f"({self.written(x[int(bad[0])])}). Set hard=False, or change their values."
            )

    def written(self, point):
        """A point by the names of its columns."""
        pairs = zip((*self.coordinates, *self.inputs), point, strict=True)
        return ", ".join(f"{name}={float(value):.6g}" for name, value in pairs)


class Statement(Operator):
    """A condition as an operator on the jets of the network."""

    def __init__(self, compiler, condition, sites, normals, target, tables):
        self.compiler, self.condition, self.sites = compiler, condition, sites
        self.normals, self.target, self.tables = normals, target, tables

    def __call__(self, jets, unknowns):
        x = self.sites[0]
        bound = self.compiler.bound(x, unknowns)
        lookups = [
            {field: Lookup(table, jets) for field, table in tables.items()}
            for tables in self.tables
        ]
        places = self.compiler.places(bound, self.sites, lookups, self.normals, self.target)
        found = self.condition(bound).equations(places)
        return torch.stack([as_tensor(row, x).expand(len(x)) for row in found])

    def part(self, points):
        def cut(tensor):
            return None if tensor is None else tensor[points]

        tables = [
            {
                field: {
                    index: (cut(constant), [(s, k, c, cut(w)) for s, k, c, w in terms])
                    for index, (constant, terms) in table.items()
                }
                for field, table in of_site.items()
            }
            for of_site in self.tables
        ]
        sites = [x[points] for x in self.sites]
        return Statement(
            self.compiler, self.condition, sites, cut(self.normals), cut(self.target), tables
        )


class Lookup:
    """∂^index v from the jets of the network."""

    def __init__(self, table, jets):
        self.table, self.jets = table, jets

    def __call__(self, index):
        total, terms = self.table[index]
        for site, position, field, coefficient in terms:
            part = self.jets[site][position, field]
            part = part if coefficient is None else coefficient * part
            total = part if total is None else total + part
        return total


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

    jets = draw_jets()
    with torch.enable_grad():
        leaves, residual = block._differentiable(jets, unknowns)
        for row in residual:
            if any(g.requires_grad for g in gradients(row, leaves, create_graph=True)):
                return None
    of_jets, of_unknowns = block.linearise(jets, unknowns)
    zeros = [torch.zeros_like(jet) for jet in jets]
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
