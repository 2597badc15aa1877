"""What a fit keeps for the next one: the last step, the method, the batches, all in NumPy."""

from zlib import crc32

import numpy as np
import torch

from ..optim import Past
from .device import to_numpy


def on_device(array, objective):
    """A tensor beside the points of an objective."""
    points = objective.points
    return torch.tensor(array, dtype=points.dtype, device=points.device)


def fingerprint(rows):
    """A number that tells rows apart."""
    number = 0
    for array in rows:
        number = crc32(np.ascontiguousarray(array), number)
    return number


def _kept(state):
    """Numbers as they are, tensors as arrays."""
    return {name: to_numpy(v) if torch.is_tensor(v) else v for name, v in state.items()}


def _restored(state, objective):
    """Undo :func:`_kept`."""
    return {
        name: on_device(v, objective) if hasattr(v, "shape") else v for name, v in state.items()
    }


def remember(method, past, last=None, average=None, place=None, rows=None):
    """The last step and the states of the parts, as arrays and numbers.

    ``last`` is the last iterate, where the fit kept another one and goes on from there; ``place``
    is that of the batches, and ``rows`` the fingerprint of those of a stream.
    """
    memory = {"method": _kept(method.state()), "place": place, "rows": rows}
    if past is not None:
        memory["theta"] = to_numpy(past.start.theta)
        memory["step"] = to_numpy(past.step)
        memory["direction"] = to_numpy(past.direction)
    if average is not None:
        memory["average"], memory["last"] = _kept(average.state()), to_numpy(last.theta)
    return memory


def recall(memory, method, objective, average=None):
    """Restore method and average; the past at these points, and the last iterate, or None."""
    method.restore(_restored(memory["method"], objective))
    past = last = None
    if "theta" in memory:
        names = ("theta", "step", "direction")
        theta, step, direction = (on_device(memory[name], objective) for name in names)
        past = Past(objective.at(theta), step, direction)
    if average is not None and "last" in memory:
        average.restore(_restored(memory["average"], objective))
        last = on_device(memory["last"], objective)
    return past, last
