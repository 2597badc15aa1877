"""Which fields the equation and the measurements leave open, whatever a prior says.

Of two fields the sum may be all that is told, of a product a factor of each. A prior then holds
what nothing tells, and its band would be too narrow.
"""

import numpy as np
import torch

from ...tangent.qr import Qr
from ..callers import warn
from .linearised import largest_singular_value, values_of
from .prior import POINTS, SEED, prior_blocks

# A change of the residuals, relative to a change of a field, that is none, and λ / ‖A‖².
NOTHING, UNSEEN = 1e-6, 1e-24
# How much rougher than a field its changes may be, and how rough in any case, in units of (Prior).
ROUGHER, ROUGH = 3.0, 1.0
# The least size of a field, as a part of the expected one.
SMALLEST = 1e-3
# A part of the size of a field that is too much for its error.
TOO_LARGE = 0.5


def open_names(evidence, ground):
    """Fields, and unknowns, that neither equations nor measurements determine, a tuple.

    There is a change of one by its size that is about as smooth as the field is, and that changes
    nothing else: what one of two fields loses another one gains. No prior can tell that.

    Parameters
    ----------
    evidence : Evidence
        At the end of the fit.
    ground : Ground
    """
    fields, n_unknowns = ground.free_fields, evidence.n_unknowns
    parts = [_relative(evidence, ground.physics, field) for field in fields]
    of_unknowns = torch.diag(1.0 / evidence.scale)[len(evidence.scale) - n_unknowns :]
    rows = [evidence.constraint[:, :-1], evidence.measured[:, :-1]]
    rows = torch.cat([*rows, *(NOTHING * smooth for _, smooth in parts)])
    fitted, found = Qr([(rows, rows.new_zeros(len(rows), 1))]), []
    changes = [*(values for values, _ in parts), *of_unknowns.unsqueeze(1)]
    for name, change in zip((*fields, *ground.physics.problem.unknowns), changes, strict=True):
        seen = fitted.whitened(change, UNSEEN * fitted.square_norm)
        if largest_singular_value(seen)[0] * NOTHING > 0.5:
            found.append(name)
    scaled = [name for group in ground.free_scales for name in group if name not in found]
    return (*found, *dict.fromkeys(scaled))


def _relative(evidence, physics, field):
    """The rows of a field as parts of its size, and of its prior as parts of what is rough."""
    X = physics.discretization.source.sample(POINTS, "sobol", np.random.RandomState(SEED))
    number, n = list(physics.problem.fields).index(field), len(physics.problem.fields)
    expected = physics.field_sizes[number] / n**0.5
    rows, values = evidence.rows_of(lambda one: values_of(one, X))
    rows, values = rows.view(n, len(X), -1)[number], values.view(n, -1)[number]
    size = torch.linalg.vector_norm(values).clamp_min(SMALLEST * expected)
    smooth, cost = evidence.rows_of(lambda one: prior_blocks(one, (field,), 1.0))
    in_size = float(expected / size)
    usual = max(ROUGH, ROUGHER * in_size * float(torch.linalg.vector_norm(cost)))
    return rows / size, in_size / usual * smooth


def warn_of_undetermined(ground, left_open, spread):
    """Warn of fields that nothing determines, and of those whose error is as large as they are.

    ``spread`` has the relative errors by name.
    """
    remedy = "Add a condition, measurements of it, or give it as a function."
    in_groups = {name for group in ground.free_scales for name in group}
    for group in ground.free_scales:
        warn(
            f"The measurements determine {' and '.join(group)} up to a factor: multiplied by a "
            "number, or divided by it, the equation holds as well, and what was measured stays. "
            f"The size is as it was guessed, the error infinite. {remedy}"
        )
    others = [name for name in left_open if name not in in_groups]
    if others:
        it, more = (
            ("it is", "") if len(others) == 1 else ("they are", ": what one gains others lose")
        )
        warn(
            f"The measurements do not determine {', '.join(others)}: some change, as smooth as {it}"
            f", changes neither equation nor measurements{more}. The error is infinite. {remedy}"
        )
    loose = [name for name in ground.free_fields if name not in left_open]
    loose = [name for name in loose if not spread[name] < TOO_LARGE]
    if loose:
        worst = max(spread[name] for name in loose)
        error = f"{100 * worst:.2g} % of its size" if worst < 10 else "many times its size"
        warn(
            f"The measurements do not determine {', '.join(loose)}: the error is estimated at "
            f"{error}. Another field or a factor may make up for it in the equation. {remedy}"
        )


def told_of_prior(ground, left_open):
    """Sentences for ``stop_reason_``."""
    told = (
        f" No condition determines {', '.join(ground.free_fields)}: a prior of smoothness holds "
        "it, as far as the evidence asks for that."
    )
    if left_open:
        told += f" Nothing determines {', '.join(left_open)}: the error is infinite."
    return told
