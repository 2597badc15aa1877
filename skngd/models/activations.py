"""Activation functions with their derivatives in closed form.

``derivative(z, a)`` is σ' and ``second_derivative(z, a, slope)`` is σ'', given the argument z, the
value a = σ(z) and the slope σ'(z).
"""

import torch


class Tanh:
    """σ(z) = tanh z, with σ' = 1 − σ² and σ'' = −2 σ σ'."""

    value = staticmethod(torch.tanh)

    @staticmethod
    def derivative(z, a):
        return 1 - a * a

    @staticmethod
    def second_derivative(z, a, slope):
        return -2 * a * slope


class Sin:
    """σ(z) = sin z."""

    value = staticmethod(torch.sin)

    @staticmethod
    def derivative(z, a):
        return torch.cos(z)

    @staticmethod
    def second_derivative(z, a, slope):
        return -a


class Logistic:
    """σ(z) = 1 / (1 + exp(−z)), with σ' = σ (1 − σ) and σ'' = σ' (1 − 2 σ)."""

    value = staticmethod(torch.sigmoid)

    @staticmethod
    def derivative(z, a):
        return a * (1 - a)

    @staticmethod
    def second_derivative(z, a, slope):
        return slope * (1 - 2 * a)


class Softplus:
    """σ(z) = log(1 + exp z), whose derivative is the logistic function."""

    @staticmethod
    def value(z):
        return torch.logaddexp(z, torch.zeros_like(z))

    @staticmethod
    def derivative(z, a):
        return torch.sigmoid(z)

    @staticmethod
    def second_derivative(z, a, slope):
        return slope * (1 - slope)


class Identity:
    """σ(z) = z: the network is then a product of matrices."""

    @staticmethod
    def value(z):
        return z

    @staticmethod
    def derivative(z, a):
        return torch.ones_like(z)

    @staticmethod
    def second_derivative(z, a, slope):
        return torch.zeros_like(z)


ACTIVATIONS = {
    "tanh": Tanh,
    "sin": Sin,
    "logistic": Logistic,
    "softplus": Softplus,
    "identity": Identity,
}
