"""Where a fit runs, and on how many threads."""

import functools
from contextlib import nullcontext

import torch
from threadpoolctl import ThreadpoolController

# Multiplications of one iteration from which on a GPU, or a second thread, is expected to win:
# below, launching its two hundred small kernels (5 µs each), or waking a thread for each, costs
# more than one CPU core needs for the arithmetic (about 10⁹ multiplications in 0.1 s).
LARGE_MULTIPLICATIONS = 1e9
# Passes through the network that conjugate gradients take in an iteration, about.
PASSES = 30


def multiplications(n_samples, n_outputs, n_parameters, forms_matrix=True):
    """About how many an iteration takes: those of the Gram matrix, or of passes without one."""
    if forms_matrix:
        return n_samples * n_outputs * n_parameters**2
    return PASSES * n_samples * n_parameters


def n_cuda_devices():
    """Number of CUDA devices that torch can use."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def resolve_device(device, n_multiplications):
    """The torch device that a setting stands for.

    Parameters
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
    n_multiplications : float
        Of one iteration.

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If the name is not one of these, or names a device that this machine lacks.
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


@functools.cache
def _controller():
    """The thread pools that are loaded; looking for them takes milliseconds."""
    return ThreadpoolController()


def few_threads(n_multiplications):
    """A context that keeps small kernels on one thread.

    On a busy machine two threads that wait for each other in every small kernel are many times
    slower than one. The limit is OpenMP's own for the calling thread, and it is lifted at the end:
    the settings of torch are left alone.

    Parameters
    ----------
    n_multiplications : float
        Of one iteration.

    Returns
    -------
    context : context manager
    """
    if n_multiplications >= LARGE_MULTIPLICATIONS:
        return nullcontext()
    return _controller().limit(limits=1, user_api="openmp")
