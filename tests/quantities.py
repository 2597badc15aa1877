"""Quantities from arrays, and how they are compared."""

import numpy as np
import torch

from skngd.pde.expressions.quantity import Quantity

# Where functions are smooth.
ANYWHERE, POSITIVE, INSIDE = (-2.0, 2.0), (0.2, 3.0), (-0.9, 0.9)


def named(case):
    """The id of a function in a list of cases."""
    return getattr(case, "__name__", None)


def uniform(low=-2.0, high=2.0, n=7, seed=0):
    return np.random.RandomState(seed).uniform(low, high, n)


def quantity(array, dtype=torch.float64):
    return Quantity(torch.tensor(array, dtype=dtype))


def assert_agrees(found, expected):
    """Equal up to rounding of the largest number."""
    atol = 1e-12 * np.nanmax(np.abs(expected))
    np.testing.assert_allclose(found.tensor.numpy(), expected, rtol=0, atol=atol)


def assert_differentiable(function, *arrays):
    """First and second derivatives agree with finite differences, also in forward mode."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]

    def of_tensors(*tensors):
        return function(*map(Quantity, tensors)).tensor

    torch.autograd.gradcheck(of_tensors, tensors, check_forward_ad=True)
    torch.autograd.gradgradcheck(of_tensors, tensors)
