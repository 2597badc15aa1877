"""A device that is not there: tensors that say so, computed on the CPU.

Every operator that mixes them with plain CPU tensors is refused as CUDA refuses it, and so is
``numpy()`` without ``cpu()``. What a GPU would have to wait for is counted.
"""

from collections import Counter

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

# Meta tensors compute nothing, so that whatever escapes from this file fails.
DEVICE = torch.device("meta")

aten = torch.ops.aten
# CUDA copies between devices here, and takes indices from either.
COPIES = {aten._to_copy, aten.copy_, aten.index, aten.index_put_, aten._index_put_impl_}
WAITS = {
    aten._local_scalar_dense,
    aten.equal,
    aten.nonzero,
    aten.is_nonzero,
    aten.masked_select,
    aten._linalg_check_errors,
}


class Elsewhere(torch.Tensor):
    """A tensor on the device that is not there."""

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
        raise AssertionError(f"{function} outside of Pretended()")


def unwrapped(tree):
    return tree_map(lambda x: x.inner if isinstance(x, Elsewhere) else x, tree)


def wrapped(tree):
    return tree_map(lambda x: Elsewhere(x) if type(x) is torch.Tensor else x, tree)


class Operators(TorchDispatchMode):
    """Operators of tensors here and elsewhere."""

    def __init__(self, waits):
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        given = []
        tree_map(lambda x: given.append(x) if isinstance(x, torch.Tensor) else None, (args, kwargs))
        elsewhere = any(isinstance(x, Elsewhere) for x in given)
        packet, target = function.overloadpacket, kwargs.get("device")
        if target is not None:
            kwargs["device"] = torch.device("cpu")
        if elsewhere and packet in WAITS:
            self.waits[packet.__name__] += 1
        if elsewhere and packet not in COPIES:
            here = [x for x in given if not isinstance(x, Elsewhere) and x.dim()]
            if here:
                raise RuntimeError(f"{function} has tensors on the GPU and on the CPU: {here}")
        found = function(*unwrapped(args), **unwrapped(kwargs))
        if function._schema.is_mutable and packet is not aten._to_copy:
            first = args[0] if args else None
            if packet is aten.copy_ and isinstance(given[0], Elsewhere) != isinstance(
                given[1], Elsewhere
            ):
                self.waits["copy"] += 1
            if "out" in kwargs:
                return (kwargs["out"] if isinstance(found, torch.Tensor) else wrapped(found))
            if isinstance(first, torch.Tensor) and isinstance(found, torch.Tensor):
                return first
        if target is not None:
            there = torch.device(target) == DEVICE
            if packet is aten._to_copy and elsewhere and not there:
                self.waits["to the CPU"] += 1
            return wrapped(found) if there else found
        return wrapped(found) if elsewhere else found


class Pretended(TorchFunctionMode):
    """While it is active, there is the device.

    Attributes
    ----------
    waits : Counter
        How often a GPU would have made the program wait, by what for.
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
            return Elsewhere(function(*args, **{**kwargs, "device": "cpu"}))
        if args and isinstance(args[0], Elsewhere):
            if function is torch.Tensor.tolist:
                self.waits["tolist"] += 1
                return args[0].inner.tolist()
            if function is torch.Tensor.numpy:
                raise TypeError("numpy() of a tensor on the GPU")
            if function is torch.Tensor.new_tensor:
                return Elsewhere(args[0].inner.new_tensor(*args[1:], **kwargs))
        return function(*args, **kwargs)


CONSTRUCTORS = _device_constructors()


def is_there(device):
    return device is not None and torch.device(device) == DEVICE
