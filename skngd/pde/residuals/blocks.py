"""Blocks of residuals: pointwise equations on points, all of one kind.

The equation in the interior, a condition on a face and a measurement differ in nothing but the
operator and the points.
"""

import functools
from abc import ABC, abstractmethod

import numpy as np
import torch


class Operator(ABC):
    """Pointwise equations in the jets of the network and in the unknown coefficients."""

    @abstractmethod
    def __call__(self, jets, unknowns):
        """Residuals of shape (e, m).

        Parameters
        ----------
        jets : list of torch.Tensor of shape (k, c, m)
            One for each site.
        unknowns : torch.Tensor of shape (q,) or (q, m)
        """

    @abstractmethod
    def part(self, points):
        """The operator on a slice of its points."""


class Block:
    """One or more equations on one set of points.

    Parameters
    ----------
    name : str
    sites : list of (JetModel, torch.Tensor of shape (m, d))
        Where the network is looked at, and which of its derivatives. The m points of the sites
        belong together one by one.
    operator : Operator
    row_weights : torch.Tensor of shape (e, m)
        Weight of each squared residual in the loss; e is the number of equations.
    affine : tuple, default=None
        For an operator that is affine in jets and unknowns: its coefficients, as
        :meth:`linearise` returns them, and its value at zero, of shape (e, m).
    """

    def __init__(self, name, sites, operator, row_weights, affine=None):
        self.name, self.sites, self.operator = name, sites, operator
        self.row_weights, self.affine = row_weights, affine
        self.n_equations, self.n_points = row_weights.shape

    @property
    def n_rows(self):
        return self.n_equations * self.n_points

    def residual(self, jets, unknowns):
        """Residuals of shape (e, m)."""
        if self.affine is None:
            return self.operator(jets, unknowns)
        coefficients, constant = self.affine
        return combined(*coefficients, jets, unknowns) + constant

    def at(self, jets, unknowns):
        """The operator at jets and unknowns: residuals and derivatives from one evaluation."""
        kind = Evaluation if self.affine is None else AffineEvaluation
        return kind(self, jets, unknowns)

    def linearise(self, jets, unknowns):
        """See :meth:`Evaluation.linear`."""
        return self.at(jets, unknowns).linear()

    def _differentiable(self, jets, unknowns):
        # One copy of the unknowns for each point: their gradient comes point by point, too.
        spread = unknowns.unsqueeze(1).repeat(1, self.n_points)
        leaves = [leaf.detach().requires_grad_() for leaf in (*jets, spread)]
        return leaves, self.operator(leaves[:-1], leaves[-1])

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


class AffineEvaluation:
    """An affine operator at jets and unknowns."""

    bends = False

    def __init__(self, block, jets, unknowns):
        self.block = block
        self.residual = block.residual(jets, unknowns)

    def linear(self):
        return self.block.affine[0]


class Evaluation:
    """An operator at jets and unknowns, with what its derivatives need.

    Attributes
    ----------
    residual : torch.Tensor of shape (e, m)
    bends : bool
        Whether second derivatives may not vanish.
    """

    bends = True

    def __init__(self, block, jets, unknowns):
        with torch.enable_grad():
            self.leaves, self.graph = block._differentiable(jets, unknowns)
        self.residual = self.graph.detach()

    def linear(self):
        """Derivatives of the operator, by automatic differentiation at each point.

        Returns
        -------
        of_jets : list of torch.Tensor of shape (e, k, c, m)
            One for each site.
        of_unknowns : torch.Tensor of shape (e, q, m)
        """
        with torch.enable_grad():
            rows = [gradients(row, self.leaves) for row in self.graph]
        *of_jets, of_unknowns = [torch.stack(column) for column in zip(*rows, strict=True)]
        return of_jets, of_unknowns

    def bend(self, changes, of_unknowns):
        """Second derivative of the operator along changes of the jets and of the unknowns."""
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


class JoinedBlock(Block):
    """Blocks of one equation and one site each, whose points share one jet.

    Parameters
    ----------
    parts : list of Block
    jets : JetModel
        With the derivatives of all parts.
    """

    def __init__(self, parts, jets):
        self.parts, ends = parts, np.cumsum([0, *(part.n_points for part in parts)])
        # (derivatives, points) of each part in the common jet.
        self.places = [
            (
                _slice([jets.indices.index(index) for index in part.sites[0][0].indices]),
                slice(*ends),
            )
            for part, *ends in zip(parts, ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        ]
        self.shape = len(jets.indices), jets.n_outputs
        sites = [(jets, torch.cat([part.sites[0][1] for part in parts]))]
        row_weights = torch.cat([part.row_weights for part in parts], dim=1)
        affine = None
        if all(part.affine is not None for part in parts):
            coefficients, constants = zip(*(part.affine for part in parts), strict=True)
            affine = self._joined(coefficients), torch.cat(constants, dim=1)
        super().__init__(", ".join(part.name for part in parts), sites, None, row_weights, affine)

    def cut(self, jet):
        """The jet of each part."""
        return [jet[derivatives][:, :, points] for derivatives, points in self.places]

    def residual(self, jets, unknowns):
        if self.affine is not None:
            return super().residual(jets, unknowns)
        pairs = zip(self.parts, self.cut(jets[0]), strict=True)
        return torch.cat([part.residual([jet], unknowns) for part, jet in pairs], dim=1)

    def at(self, jets, unknowns):
        if self.affine is not None:
            return super().at(jets, unknowns)
        return JoinedEvaluation(self, jets, unknowns)

    def _joined(self, coefficients):
        """Coefficients of the common jet and of the unknowns from those of the parts."""
        joined = self._zeros(coefficients[0][1])
        for ((of_jet,), _), (derivatives, points) in zip(coefficients, self.places, strict=True):
            joined[0, derivatives, :, points] = of_jet[0]
        return [joined], torch.cat([of_unknowns for _, of_unknowns in coefficients], dim=2)

    def _zeros(self, like):
        return like.new_zeros(1, *self.shape, self.places[-1][1].stop)


class JoinedEvaluation:
    """The parts of a joined block, each evaluated."""

    bends = True

    def __init__(self, block, jets, unknowns):
        self.block = block
        pairs = zip(block.parts, block.cut(jets[0]), strict=True)
        self.parts = [part.at([jet], unknowns) for part, jet in pairs]
        self.residual = torch.cat([part.residual for part in self.parts], dim=1)

    def linear(self):
        return self.block._joined([part.linear() for part in self.parts])

    def bend(self, changes, of_unknowns):
        total = torch.zeros_like(self.residual)
        pairs = zip(self.parts, self.block.cut(changes[0]), self.block.places, strict=True)
        for part, change, (_, points) in pairs:
            if part.bends:
                total[:, points] = part.bend([change], of_unknowns)
        return total


def _slice(positions):
    """Neighbouring positions as a slice, which copies nothing."""
    first, n = positions[0], len(positions)
    return slice(first, first + n) if positions == list(range(first, first + n)) else positions


def joined(blocks):
    """The same rows in fewer blocks: neighbours whose points can share a jet are put together."""
    found = []
    for block in blocks:
        simple = block.n_equations == len(block.sites) == 1
        if simple and found and found[-1][0].n_equations == len(found[-1][0].sites) == 1:
            (first, x), *others = (site for part in (*found[-1], block) for site in part.sites)
            shared = first.joined([(first, len(x)), *((jets, len(x)) for jets, x in others)])
            if shared is not None:
                found[-1].append(block)
                continue
        found.append([block])
    return [group[0] if len(group) == 1 else _joined_block(group) for group in found]


def _joined_block(parts):
    sites = [(jets, len(x)) for part in parts for jets, x in part.sites]
    return JoinedBlock(parts, sites[0][0].joined(sites))


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
        total = total + torch.einsum("eqm,q->em", of_unknowns, unknowns)
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
