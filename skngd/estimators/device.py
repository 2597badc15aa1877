"""Where a fit runs, on how many threads, and the way back to NumPy."""

import functools
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

# Multiplications of one iteration from which on a GPU, or a second thread, is expected to win:
# below, launching its two hundred small kernels (5 µs each), or waking a thread for each, costs
# more than one CPU core needs for the arithmetic (about 10⁹ multiplications in 0.1 s).
LARGE_MULTIPLICATIONS = 1e9
# Passes through the network that conjugate gradients take in an iteration, about.
PASSES = 30
# Numbers of a chunk of rows in predictions: rows times parameters (32 MiB in float64).
CHUNK_NUMBERS = 2**22


def multiplications(n_samples, n_outputs, n_parameters, forms_matrix=True):
    """About how many an iteration takes: those of the Gram matrix, or of passes without one."""
    if forms_matrix:
        return n_samples * n_outputs * n_parameters**2
    return PASSES * n_samples * n_parameters


def to_numpy(tensor):
    """A float64 array on the CPU."""
    return tensor.detach().cpu().numpy().astype(np.float64)


def row_slices(n_rows, n_parameters):
    """Slices of rows that are evaluated at a time."""
    size = max(1, CHUNK_NUMBERS // max(1, n_parameters))
    return [slice(first, first + size) for first in range(0, n_rows, size)]


@contextmanager
def plain_tensors():
    """A context without gradients, whatever modes and default device the caller has set.

    Derivatives of a module by ``torch.func`` need tensors that were not made in inference mode.
    """
    usual = torch.get_default_device().type == "cpu"
    default = nullcontext() if usual else torch.device("cpu")
    with torch.inference_mode(False), torch.no_grad(), default:
        yield


def n_cuda_devices():
    """Number of CUDA devices that torch can use."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def resolve_device(device, n_multiplications):
    """The torch device that "auto", "cpu", "cuda" or "cuda:<index>" stands for.

    "auto" decides by the multiplications of one iteration; devices that are not there are refused.
    """
    if device == "auto":
        large = n_multiplications >= LARGE_MULTIPLICATIONS
        return torch.device("cuda" if large and torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    kind, colon, index = device.partition(":")
    if kind != "cuda" or (colon and not index.isdigit()):
        reason = " Apple's MPS has no float64." if kind == "mps" else ""
        raise ValueError(
            "Expected device to be 'auto', 'cpu', 'cuda' or 'cuda:<index>', got "
            f"{device!r}.{reason} Try device='auto'."
        )
    available = n_cuda_devices()
    if int(index or 0) >= available:
        raise ValueError(
            f"device={device!r} was asked for, but torch {torch.__version__} sees {available} CUDA "
            "devices on this machine. Set device='auto' or 'cpu', or install a CUDA build of torch."
        )
    return torch.device(kind, int(index or 0))


def device_at_hand(name):
    """The device of a fit, or the CPU where this machine lacks it."""
    device = torch.device(name)
    missing = device.type == "cuda" and (device.index or 0) >= n_cuda_devices()
    return torch.device("cpu") if missing else device


@functools.cache
def _controller():
    """The thread pools that are loaded; looking for them takes milliseconds."""
    return ThreadpoolController()


def few_threads(n_multiplications):
    """A context that keeps small kernels on one thread.

    On a busy machine two threads that wait for each other in every small kernel are many times
    slower than one. The limit is OpenMP's own for the calling thread, and it is lifted at the end:
    the settings of torch are left alone.
    """
    if n_multiplications >= LARGE_MULTIPLICATIONS:
        return nullcontext()
    return _controller().limit(limits=1, user_api="openmp")
