"""How large fields, the terms of equations and unknown coefficients are, tag (Units).

A change of units of a coordinate, a field, a coefficient, or a factor on an equation, changes these
sizes in proportion. What is measured by them is then the same in all units.
"""

from dataclasses import dataclass

import numpy as np
import torch

# A field is as large as its conditions say, unless the equation says that it is this much larger.
LARGEST_GAP = 1e3
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

    Derivatives of a typical state are drawn about u / hᵅ, with the half width h of each coordinate:
    at the same points they are the same in all units.
    """
    random, like = np.random.RandomState(2), block.row_weights
    units, jets = [], []
    for jet, _ in block.sites:
        of_index = [np.prod([1.0 / half_width[i] for i in index]) for index in jet.indices]
        units.append(like.new_tensor(np.array(of_index))[:, None, None])
        shape = len(jet.indices), jet.n_outputs, block.n_points
        signs = random.choice([-1.0, 1.0], shape) * random.uniform(0.5, 1.5, shape)
        size = like.new_tensor(np.asarray(fields, dtype=float))[:, None]
        jets.append(units[-1] * size * like.new_tensor(signs))
    of_jets, of_unknowns = block.linearise(jets, unknowns)
    zeros = [torch.zeros_like(jet) for jet in jets]
    constant = block.residual(zeros, unknowns)
    if block.affine is not None and len(unknowns):
        # What the unknowns contribute is counted by itself.
        constant = constant - (of_unknowns * unknowns[:, None]).sum(1)
    by_field = sum(((c * unit) ** 2).sum(1) for c, unit in zip(of_jets, units, strict=True))
    return Linear(*(_rms(part) for part in (by_field.sqrt(), constant, of_unknowns)))


def _rms(values):
    """Root mean square over the points; what is not finite counts as zero."""
    values = values.detach().cpu().numpy().astype(float)
    finite = np.where(np.isfinite(values), values, 0.0)
    # Divided by the largest first, huge and tiny numbers have squares.
    largest = np.abs(finite).max(axis=-1, keepdims=True)
    largest[largest == 0] = 1.0
    return (largest * np.sqrt(np.mean((finite / largest) ** 2, axis=-1, keepdims=True)))[..., 0]


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
