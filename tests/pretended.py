"""A device that is not there: tensors that say they are on it, computed on the CPU.

While :class:`Pretended` is active, an operator that mixes its tensors with others is refused as
CUDA refuses it, and so is ``numpy()`` without ``cpu()``; and what a GPU makes the program wait for
is counted. ``torch.func`` is beyond it.
"""

from collections import Counter

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

# Nothing can be computed on "meta", so that whatever escapes fails.
DEVICE = torch.device("meta")
CONSTRUCTORS = _device_constructors()

aten = torch.ops.aten
COPIES = {aten._to_copy, aten.copy_}
# Their indices may be anywhere; those on the CPU are copied.
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
READING = {
    aten._local_scalar_dense,
    aten._linalg_check_errors,
    aten.equal,
    aten.masked_select,
    aten.nonzero,
}


class Elsewhere(torch.Tensor):
    """A tensor on the device; what it stands for is in ``inner``."""

    is_cuda = True
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )

    def __init__(self, inner):
        self.inner = inner

    def __repr__(self):
        return f"Elsewhere({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, function, types, args, kwargs=None):
        raise AssertionError(f"{function} where no device is pretended")


def is_there(device):
    return device is not None and torch.device(device) == DEVICE


def inner(tree):
    return tree_map(lambda x: x.inner if isinstance(x, Elsewhere) else x, tree)


def elsewhere(tree):
    return tree_map(lambda x: Elsewhere(x) if type(x) is torch.Tensor else x, tree)


class Operators(TorchDispatchMode):
    """All operators below autograd, as they are called in the end."""

    def __init__(self, waits):
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs, packet = dict(kwargs or {}), function.overloadpacket
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        there = [x for x in tensors if isinstance(x, Elsewhere)]
        here = [x for x in tensors if not isinstance(x, Elsewhere)]
        assert not any(is_there(x.device) for x in here), f"{function}: a tensor has escaped"
        onto = kwargs.get("device")
        if there:
            self._check(function, packet, args, here)
            self._count(packet, args, here, onto)
        elif packet is aten._to_copy and is_there(onto):
            self.waits["copied to the device"] += 1
        if onto is not None:
            kwargs["device"] = torch.device("cpu")
        found = function(*inner(args), **inner(kwargs))
        if "out" in kwargs:
            return kwargs["out"]
        if function._schema.is_mutable and tensors and found is inner(args[0]):
            return args[0]
        ends_there = bool(there) if onto is None else is_there(onto)
        return elsewhere(found) if ends_there else found

    def _check(self, function, packet, args, here):
        if packet in COPIES:
            return
        if packet in INDEXING:
            here = [x for x in args[2:3] if not isinstance(x, Elsewhere)]
        # A single number may be on the CPU.
        strangers = [x for x in here if x.dim()]
        if strangers:
            raise RuntimeError(f"{function} has tensors on the device and on the CPU: {strangers}")

    def _count(self, packet, args, here, onto):
        if packet in READING:
            self.waits["read"] += 1
        elif packet is aten.copy_ and here:
            self.waits["copied"] += 1
        elif packet is aten._to_copy and onto is not None and not is_there(onto):
            self.waits["copied to the CPU"] += 1
        elif packet in INDEXING:
            indices = [index for index in args[1] if index is not None]
            if not all(isinstance(index, Elsewhere) for index in indices):
                self.waits["indices"] += 1
            if any(index.dtype == torch.bool for index in indices):
                self.waits["mask"] += 1


class Pretended(TorchFunctionMode):
    """While it is active, there is the device.

    Attributes
    ----------
    waits : Counter
        How often a GPU makes the program wait, by the reason.
    """

    def __init__(self):
        super().__init__()
        self.waits = Counter()
        self.operators = Operators(self.waits)

    def __enter__(self):
        self.operators.__enter__()
        return super().__enter__()

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self.operators.__exit__(*failure)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in CONSTRUCTORS and is_there(kwargs.get("device")):
            if isinstance(args[0], Elsewhere):
                return function(*args, **kwargs)
            given = function(*args, **{**kwargs, "device": "cpu"})
            if function in (torch.tensor, torch.as_tensor):
                self.waits["copied to the device"] += 1
            # A copy: as_tensor shares the memory of an array.
            return Elsewhere(given.clone())
        if args and isinstance(args[0], Elsewhere):
            if function in OF_A_TENSOR:
                return OF_A_TENSOR[function](self.waits, *args, **kwargs)
            if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
                args = (args[0], with_tensors(args[1]), *args[2:])
        return function(*args, **kwargs)


def with_tensors(index):
    """An index whose lists and arrays are tensors on the CPU, from where they are copied."""
    if isinstance(index, tuple):
        return tuple(with_tensors(part) for part in index)
    return torch.tensor(index) if isinstance(index, (list, np.ndarray)) else index


def to_list(waits, tensor):
    waits["read"] += 1
    return tensor.inner.tolist()


def to_array(waits, tensor):
    raise TypeError("can't convert a tensor on the device to numpy. Use Tensor.cpu() first.")


def new_tensor(waits, tensor, *args, **kwargs):
    waits["copied to the device"] += 1
    return Elsewhere(tensor.inner.new_tensor(*args, **kwargs))


# What torch does without calling an operator.
OF_A_TENSOR = {
    torch.Tensor.tolist: to_list,
    torch.Tensor.numpy: to_array,
    torch.Tensor.new_tensor: new_tensor,
}
