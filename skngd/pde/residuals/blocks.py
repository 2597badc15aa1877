"""Blocks of residuals: pointwise equations on points, all of one kind.

The equation in the interior, a condition on a face and a measurement differ in nothing but the
operator and the points.
"""

import functools
from abc import ABC, abstractmethod

import torch


class Operator(ABC):
    """Pointwise equations in the jets of the network and in the unknown coefficients."""

    @abstractmethod
    def __call__(self, jets, unknowns):
        """Residuals of shape (e, m), of jets of shape (k, c, m), one for each site.

        The unknowns have the shape (q,) or (q, m).
        """

    @abstractmethod
    def part(self, points):
        """The operator on a slice of its points."""


class Block:
    """One or more equations on one set of points.

    Sites are pairs of a JetModel and points of shape (m, d): where the network is looked at, and
    which of its derivatives. The m points of the sites belong together one by one.

    ``row_weights``, shape (e, m) for e equations, is the weight of each squared residual in the
    loss. ``affine`` is for an operator that is affine in jets and unknowns: its coefficients, as
    :meth:`Evaluation.linear` returns them, and its value at zero, shape (e, m). ``sizes``, shape
    (e, 1) or (e, m), is what the residuals have been divided by. ``terms`` are those of a linear
    equation in the fields, as :meth:`Recording.coefficients` gives them; None where nobody asked.
    """

    def __init__(self, name, sites, operator, row_weights, affine=None, sizes=1.0, terms=None):
        self.name, self.sites, self.operator = name, sites, operator
        self.row_weights, self.affine, self.sizes = row_weights, affine, sizes
        self.n_equations, self.n_points = row_weights.shape
        self.terms = terms

    def divided(self, sizes):
        """The same equations, each divided by numbers: sizes of shape (e,), or (e, m) by point."""
        sizes = torch.as_tensor(sizes).to(self.row_weights)
        sizes, affine = sizes.view(self.n_equations, -1), None
        if self.affine is not None:
            (of_jets, of_unknowns), constant = self.affine
            of_jets = [c / sizes[:, None, None] for c in of_jets]
            affine = (of_jets, of_unknowns / sizes[:, None]), constant / sizes
        operator, divided = Divided(self.operator, sizes), self.sizes * sizes
        given = self.row_weights, affine, divided, self.terms
        return Block(self.name, self.sites, operator, *given)

    def weighted(self, factor):
        """The same with other weights."""
        weights = factor * self.row_weights
        given = weights, self.affine, self.sizes, self.terms
        return Block(self.name, self.sites, self.operator, *given)

    @property
    def n_rows(self):
        return self.n_equations * self.n_points

    def residual(self, jets, unknowns):
        """Residuals of shape (e, m)."""
        if self.affine is None:
            return self.operator(jets, unknowns)
        coefficients, constant = self.affine
        return combined(*coefficients, jets, unknowns) + constant

    def part(self, start, stop):
        """The rows from ``start`` to ``stop``, as blocks of a single equation."""
        if start <= 0 and stop >= self.n_rows:
            return [self]
        parts = []
        for equation in range(self.n_equations):
            first = max(0, start - equation * self.n_points)
            last = min(self.n_points, stop - equation * self.n_points)
            if first < last:
                parts.append(self._one_equation(slice(equation, equation + 1), slice(first, last)))
        return parts

    def _one_equation(self, equation, points):
        sites = [(jets, x[points]) for jets, x in self.sites]
        operator = OneEquation(self.operator.part(points), equation)
        affine = None
        if self.affine is not None:
            (of_jets, of_unknowns), constant = self.affine
            cut = [c[equation, ..., points] for c in (*of_jets, of_unknowns, constant)]
            affine = (cut[:-2], cut[-2]), cut[-1]
        return Block(self.name, sites, operator, self.row_weights[equation, points], affine)


class Evaluation:
    """A block at jets and unknowns: the residual of shape (e, m), with what derivatives need."""

    def __init__(self, block, jets, unknowns):
        self.block, self.is_affine = block, block.affine is not None
        if self.is_affine:
            self.residual = block.residual(jets, unknowns)
            return
        # One copy of the unknowns for each point: their gradient comes point by point, too.
        spread = unknowns.unsqueeze(1).repeat(1, block.n_points)
        self.leaves = [leaf.detach().requires_grad_() for leaf in (*jets, spread)]
        with torch.enable_grad():
            self.graph = block.operator(self.leaves[:-1], self.leaves[-1])
        self.residual = self.graph.detach()

    def linear(self):
        """Derivatives of the operator, by automatic differentiation at each point.

        Those in the jets have the shape (e, k, c, m) for each site, those in the unknowns (e, q,
        m).
        """
        if self.is_affine:
            return self.block.affine[0]
        with torch.enable_grad():
            rows = [gradients(row, self.leaves) for row in self.graph]
        *of_jets, of_unknowns = [torch.stack(column) for column in zip(*rows, strict=True)]
        return of_jets, of_unknowns

    def bend(self, changes, of_unknowns):
        """Second derivative of an operator that is not affine, along changes of its arguments."""
        moves = [*changes, of_unknowns.unsqueeze(1).expand_as(self.leaves[-1])]
        rows = []
        with torch.enable_grad():
            for row in self.graph:
                first = gradients(row, self.leaves, create_graph=True)
                along = sum((g * move).sum() for g, move in zip(first, moves, strict=True))
                second = gradients(along, self.leaves)
                pairs = zip(second, moves, strict=True)
                rows.append(sum((g * move).flatten(0, -2).sum(0) for g, move in pairs))
        return torch.stack(rows)


class SideBySide(Operator):
    """The operators of several blocks side by side: one equation at the points of all of them.

    ``places`` says which derivatives of the common jet belong to a block, and which points.
    """

    def __init__(self, blocks, places):
        self.blocks, self.places = blocks, places

    def __call__(self, jets, unknowns):
        rows = []
        for block, (wanted, points) in zip(self.blocks, self.places, strict=True):
            mine = unknowns if unknowns.ndim == 1 else unknowns[:, points]
            rows.append(block.residual([jets[0][wanted][:, :, points]], mine))
        return torch.cat(rows, dim=1)

    def part(self, points):
        raise NotImplementedError("Blocks are cut before they are joined.")


def joined(blocks):
    """The same rows in fewer blocks: neighbours whose points can share a jet are put together."""
    groups = []
    for block in blocks:
        group = [*groups[-1], block] if groups else [block]
        if len(group) > 1 and _shared_jets(group) is not None:
            groups[-1] = group
        else:
            groups.append([block])
    return [group[0] if len(group) == 1 else _side_by_side(group) for group in groups]


def _shared_jets(blocks):
    """A jet for the points of blocks of one equation and one site; None where it does not pay."""
    if any(block.n_equations != 1 or len(block.sites) != 1 for block in blocks):
        return None
    sites = [(jets, len(x)) for block in blocks for jets, x in block.sites]
    return sites[0][0].joined(sites)


def _side_by_side(blocks):
    jets, places, end = _shared_jets(blocks), [], 0
    for block in blocks:
        wanted = [jets.indices.index(index) for index in block.sites[0][0].indices]
        first, n = wanted[0], len(wanted)
        # Neighbours as a slice, which copies nothing.
        is_range = wanted == list(range(first, first + n))
        points = slice(end, end + block.n_points)
        places.append((slice(first, first + n) if is_range else wanted, points))
        end = points.stop
    x = torch.cat([block.sites[0][1] for block in blocks])
    row_weights = torch.cat([block.row_weights for block in blocks], dim=1)
    affine = None
    if all(block.affine is not None for block in blocks):
        of_jets = row_weights.new_zeros(1, len(jets.indices), jets.n_outputs, end)
        for block, (wanted, points) in zip(blocks, places, strict=True):
            of_jets[0, wanted, :, points] = block.affine[0][0][0][0]
        of_unknowns = torch.cat([block.affine[0][1] for block in blocks], dim=2)
        constant = torch.cat([block.affine[1] for block in blocks], dim=1)
        affine = ([of_jets], of_unknowns), constant
    name = ", ".join(block.name for block in blocks)
    return Block(name, [(jets, x)], SideBySide(blocks, places), row_weights, affine)


class Divided(Operator):
    """An operator whose equations are divided by numbers, shape (e, 1) or (e, m)."""

    def __init__(self, operator, sizes):
        self.operator, self.sizes = operator, sizes

    def __call__(self, jets, unknowns):
        return self.operator(jets, unknowns) / self.sizes

    def part(self, points):
        sizes = self.sizes if self.sizes.shape[1] == 1 else self.sizes[:, points]
        return Divided(self.operator.part(points), sizes)


class OneEquation(Operator):
    """One of the equations of an operator."""

    def __init__(self, operator, equation):
        self.operator, self.equation = operator, equation

    def __call__(self, jets, unknowns):
        return self.operator(jets, unknowns)[self.equation]

    def part(self, points):
        return OneEquation(self.operator.part(points), self.equation)


def gradients(value, leaves, create_graph=False):
    """Gradients of the sum of ``value``; zero where it does not depend on a leaf."""
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(
        value.sum(), leaves, create_graph=create_graph, retain_graph=True, allow_unused=True
    )
    pairs = zip(found, leaves, strict=True)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in pairs]


def combined(of_jets, of_unknowns, jets, unknowns):
    """Σ coefficients · jets + Σ coefficients · unknowns at each point, shape (e, m)."""
    first, *others = ((c * jet).sum((1, 2)) for c, jet in zip(of_jets, jets, strict=True))
    total = sum(others, start=first)
    if len(unknowns):
        spread = unknowns.unsqueeze(1) if unknowns.ndim == 1 else unknowns
        total = total + (of_unknowns * spread).sum(1)
    return total


def _with_rows(blocks):
    first = 0
    for block in blocks:
        yield block, slice(first, first + block.n_rows)
        first += block.n_rows


class Collocation:
    """The blocks of a problem as the points of a model: one row for each equation and point."""

    def __init__(self, blocks):
        self.blocks = list(blocks)
        self.n_rows = sum(block.n_rows for block in self.blocks)
        kind = self.blocks[0].row_weights
        self.dtype, self.device = kind.dtype, kind.device

    def __len__(self):
        return self.n_rows

    def slices(self):
        """(block, its rows) one after the other."""
        return _with_rows(self.blocks)

    @functools.cached_property
    def is_linear_in_output(self):
        """Whether all operators are affine, in jets that are linear in a last layer."""
        affine = all(block.affine is not None for block in self.blocks)
        return affine and all(jets.has_output for block in self.blocks for jets, _ in block.sites)

    @functools.cached_property
    def constants(self):
        """The residuals of affine operators where jets and unknowns are 0, shape (n,)."""
        return torch.cat([block.affine[1].reshape(-1) for block in self.blocks])

    @functools.cached_property
    def joined(self):
        """(block, its rows), of blocks that are put together where that saves passes."""
        return list(_with_rows(joined(self.blocks)))

    def __getitem__(self, rows):
        parts = []
        for block, place in self.slices():
            start, stop, _ = rows.indices(self.n_rows)
            parts += block.part(start - place.start, stop - place.start)
        return Collocation(parts)

    def weights(self):
        """Weight of each squared residual, shape (n_rows,)."""
        return torch.cat([block.row_weights.reshape(-1) for block in self.blocks])
