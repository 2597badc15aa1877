"""How large fields, the terms of equations and unknown coefficients are, tag (Units).

A change of units of a coordinate, a field, a coefficient, or a factor on an equation, changes these
sizes in proportion. What is measured by them is then the same in all units.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .residuals.blocks import Evaluation

# A field is as large as its conditions say, unless the equation says that it is this much larger.
LARGEST_GAP = 1e3
# What the equation says is made smaller, by the fourth root of the excess, until its terms are at
# most so many times as large as its source, in so many steps.
BALANCED, BALANCINGS = 3.0, 100
# Terms are to be between this and its inverse, so that their squares are numbers.
LARGEST_TERM = 1e150
# Typical states that an equation which is not affine is tried at.
STATES = 3
# A term with an unknown coefficient that is out of proportion to the others by more than this says
# that the first guess is.
OUT_OF_PROPORTION = 1e3


@dataclass(frozen=True)
class Linear:
    """The linear form of a block around a typical state.

    Attributes
    ----------
    fields : ndarray of shape (e, c)
        Sizes of what one unit of each field contributes.
    rest : ndarray of shape (e,)
        Sizes of what does not depend on the fields.
    unknowns : ndarray of shape (e, q)
        Sizes of what one unit of each unknown contributes.
    """

    fields: np.ndarray
    rest: np.ndarray
    unknowns: np.ndarray


def linear_form(block, half_width, unknowns, fields):
    """The :class:`Linear` form of a block where fields have these sizes, shape (c,).

    Derivatives of a typical state are about u / hᵅ, with the half width h of each coordinate. Their
    signs and factors are drawn once and for all: they are the same in all units, and at all points.
    """
    random, like = np.random.RandomState(2), block.row_weights
    sizes = like.new_tensor(np.asarray(fields, dtype=float))[:, None]
    units = [
        like.new_tensor([np.prod([1.0 / half_width[i] for i in index]) for index in jet.indices])
        for jet, _ in block.sites
    ]
    units = [unit[:, None, None] for unit in units]
    # Integrals look at fields at several nodes for each point: the state is the same at all.
    n_nodes = [jet.n_outputs // len(sizes) for jet, _ in block.sites]

    def state():
        shapes = [(len(unit), len(sizes), 1) for unit in units]
        factors = [random.choice([-1, 1], s) * random.uniform(0.5, 1.5, s) for s in shapes]
        return [
            (u * sizes * like.new_tensor(f)).repeat(1, n, 1).expand(-1, -1, block.n_points)
            for u, f, n in zip(units, factors, n_nodes, strict=True)
        ]

    forms = [
        Evaluation(block, state(), unknowns).linear()
        for _ in range(1 if block.affine is not None else STATES)
    ]
    constant = block.residual([torch.zeros_like(jet) for jet in state()], unknowns)
    if block.affine is not None and len(unknowns):
        # What the unknowns contribute is counted by itself.
        constant = constant - (forms[0][1] * unknowns[:, None]).sum(1)
    for of_jets, of_unknowns in forms:
        terms = [c * unit for c, unit in zip(of_jets, units, strict=True)]
        _check_range(block.name, [*terms, constant, of_unknowns])
    by_field = [
        sum(
            (_over_nodes(c, n) * unit).square().sum(1)
            for c, unit, n in zip(of_jets, units, n_nodes, strict=True)
        ).sqrt()
        for of_jets, _ in forms
    ]
    parts = by_field, [constant], [of_unknowns for _, of_unknowns in forms]
    return Linear(*(np.sqrt(np.mean([_rms(x, like) ** 2 for x in part], axis=0)) for part in parts))


def _over_nodes(coefficients, n):
    """Coefficients of shape (e, k, n c, m), their sizes summed over n nodes: (e, k, c, m)."""
    e, k, _, m = coefficients.shape
    return coefficients if n == 1 else coefficients.view(e, k, n, -1, m).abs().sum(2)


def _check_range(name, terms):
    """Refuse terms whose squares are no numbers."""
    for term in terms:
        sizes = term.abs()
        sizes = sizes[torch.isfinite(sizes) & (sizes > 0)]
        if not len(sizes):
            continue
        largest = float(sizes.max())
        if not 1 / LARGEST_TERM < largest < LARGEST_TERM:
            raise ValueError(
                f"Expected the terms of {name!r} to have sizes between {1 / LARGEST_TERM:g} and "
                f"{LARGEST_TERM:g}, so that their squares are numbers, got one of {largest:.1e}. "
                "Choose other units of the coordinates or coefficients, "
                "or another factor on the equation."
            )


def _rms(values, weights):
    """Root mean square over the points, (e, ..., m) weighted by (e, m); not finite counts as 0."""
    values = values.detach().cpu().numpy().astype(float)
    finite = np.where(np.isfinite(values), values, 0.0)
    weights = weights.cpu().numpy().astype(float)
    weights = np.expand_dims(
        weights / weights.sum(-1, keepdims=True), tuple(range(1, values.ndim - 1))
    )
    # Divided by the largest first, huge and tiny numbers have squares.
    largest = np.abs(finite).max(axis=-1, keepdims=True)
    largest[largest == 0] = 1.0
    return largest[..., 0] * np.sqrt((weights * (finite / largest) ** 2).sum(-1))


def sizes_of_fields(blocks, half_width, unknowns, n_fields):
    """How large each field is, shape (c,).

    By what conditions and measurements prescribe of it; where they prescribe nothing, or much less
    than the equation asks for, by what balances the equation; and where that has no source either,
    by what balances the terms with fields that are known. One where nothing tells.
    """
    zero = np.zeros(n_fields)
    by_condition, by_equation = zero.copy(), zero.copy()
    for block in blocks:
        form = linear_form(block, half_width, unknowns, zero)
        for of_fields, rest in zip(form.fields, form.rest, strict=True):
            alone = np.flatnonzero(of_fields)
            found = by_equation if block.name == "equation" else by_condition
            if len(alone) and rest > 0 and (len(alone) == 1 or found is by_equation):
                found[alone] = np.maximum(found[alone], rest / of_fields[alone])
    by_equation = _balanced(blocks, half_width, unknowns, by_equation)
    enough = by_condition * LARGEST_GAP >= by_equation
    sizes = np.where(enough & (by_condition > 0), by_condition, by_equation)
    equations = [block for block in blocks if block.name == "equation"]
    for _ in range(n_fields):
        for block in equations:
            form = linear_form(block, half_width, unknowns, sizes)
            for of_fields in form.fields:
                known = np.hypot.reduce(of_fields * sizes)
                new = np.flatnonzero((sizes == 0) & (of_fields > 0))
                if known > 0:
                    sizes[new] = known / of_fields[new]
    return np.where(sizes > 0, sizes, 1.0)


def _balanced(blocks, half_width, unknowns, fields):
    """Sizes of fields for which no equation that is not affine has terms far above its source.

    At zero, where they were found, u³ has no size, and a u″ = u³ + f asks for f / a.
    """
    curved = [block for block in blocks if block.name == "equation" and block.affine is None]
    for _ in range(BALANCINGS):
        excess = 0.0
        for block in curved:
            form = linear_form(block, half_width, unknowns, fields)
            terms = np.hypot.reduce(form.fields * fields, axis=1)
            asked = (form.rest > 0) & np.isfinite(terms)
            excess = max(excess, *(terms[asked] / form.rest[asked]), 0.0)
        if excess <= BALANCED:
            break
        fields = fields * excess**-0.25
    return fields


def sizes_of_equations(block, half_width, unknowns, fields):
    """The size of the terms of each equation of a block, shape (e,); one where all vanish."""
    form = linear_form(block, half_width, unknowns, fields)
    values = np.abs(unknowns.detach().cpu().numpy().astype(float))
    terms = np.hstack([form.fields * fields, form.rest[:, None], form.unknowns * values])
    sizes = np.hypot.reduce(terms, axis=1)
    return np.where((sizes > 0) & np.isfinite(sizes), sizes, 1.0)


def proportion_of_unknown(blocks, half_width, unknowns, fields, number):
    """The size of the terms with an unknown beside that of the others of the same equation.

    Of the equation where it is largest; None where the unknown is nowhere, or zero.
    """
    value = abs(float(unknowns[number]))
    found = []
    for block in blocks:
        form = linear_form(block, half_width, unknowns, fields)
        for of_fields, rest, of_unknowns in zip(form.fields, form.rest, form.unknowns, strict=True):
            others = np.hypot.reduce([*(of_fields * fields), rest])
            if of_unknowns[number] > 0 and others > 0:
                found.append(of_unknowns[number] * value / others)
    return max(found, default=0.0) or None
