"""Activation functions with their derivatives in closed form.

``derivative(z, a)`` is σ', given the argument z and the value a = σ(z), and ``higher(z, a, slope,
order)`` the derivative of any order from the second on, given the slope σ'(z), too.
"""

import functools

import numpy as np
import torch
from numpy.polynomial import polynomial


def _horner(coefficients, a, factor):
    """``factor`` times Σ_k c_k a^k, coefficients in ascending order."""
    *others, last = coefficients
    if not others:
        return factor * last
    value = a * last
    for coefficient in reversed(others[1:]):
        value.add_(coefficient).mul_(a)
    return value.add_(others[0]).mul_(factor)


@functools.cache
def _polynomials(order, first, slope):
    """Coefficients of Q in σ^(order) = σ' Q(σ), for activations with σ' = ``slope``(σ).

    As σ'' = σ' slope'(σ), one more derivative turns Q into slope' Q + slope Q'.
    """
    q = np.array(first)
    for _ in range(order - 1):
        q = polynomial.polyadd(
            polynomial.polymul(polynomial.polyder(slope), q),
            polynomial.polymul(slope, polynomial.polyder(q)),
        )
    return tuple(float(c) for c in q)


class Activation:
    """What all activations have in common."""

    @classmethod
    def second_derivative(cls, z, a, slope):
        """σ''."""
        return cls.higher(z, a, slope, 2)


class Tanh(Activation):
    """σ(z) = tanh z, with σ' = 1 − σ² and σ'' = −2 σ σ'."""

    value = staticmethod(torch.tanh)

    @staticmethod
    def derivative(z, a):
        return 1.0 - a * a

    @staticmethod
    def higher(z, a, slope, order):
        # The polynomial is even or odd: half the products are saved by taking it in σ².
        coefficients = _polynomials(order, (1.0,), (1.0, 0.0, -1.0))
        odd = (order - 1) % 2
        value = _horner(coefficients[odd::2], a * a if order > 2 else a, slope)
        return value.mul_(a) if odd else value


class Sin(Activation):
    """σ(z) = sin z."""

    value = staticmethod(torch.sin)

    @staticmethod
    def derivative(z, a):
        return torch.cos(z)

    @staticmethod
    def higher(z, a, slope, order):
        return (a, slope, -a, -slope)[order % 4]


class Logistic(Activation):
    """σ(z) = 1 / (1 + exp(−z)), with σ' = σ (1 − σ) and σ'' = σ' (1 − 2 σ)."""

    value = staticmethod(torch.sigmoid)

    @staticmethod
    def derivative(z, a):
        return a * (1.0 - a)

    @staticmethod
    def higher(z, a, slope, order):
        return _horner(_polynomials(order, (1.0,), (0.0, 1.0, -1.0)), a, slope)


class Softplus(Activation):
    """σ(z) = log(1 + exp z), whose derivative is the logistic function."""

    @staticmethod
    def value(z):
        return torch.logaddexp(z, torch.zeros_like(z))

    @staticmethod
    def derivative(z, a):
        return torch.sigmoid(z)

    @staticmethod
    def higher(z, a, slope, order):
        logistic = slope * (1.0 - slope)
        if order == 2:
            return logistic
        return Logistic.higher(z, slope, logistic, order - 1)


class Identity(Activation):
    """σ(z) = z: the network is then a product of matrices."""

    @staticmethod
    def value(z):
        return z

    @staticmethod
    def derivative(z, a):
        return torch.ones_like(z)

    @staticmethod
    def higher(z, a, slope, order):
        return torch.zeros_like(z)


ACTIVATIONS = {
    "tanh": Tanh,
    "sin": Sin,
    "logistic": Logistic,
    "softplus": Softplus,
    "identity": Identity,
}
