"""The built-in network on few rows, in NumPy: torch would take longer to set up than to compute."""

from itertools import pairwise

import numpy as np
from scipy.special import expit

# Rows times neurons up to which NumPy is as fast.
SMALL = 2**13

# Activations by their names; others are left to torch.
FORMS = {
    "tanh": np.tanh,
    "sin": np.sin,
    "logistic": expit,
    "softplus": lambda z: np.logaddexp(z, 0.0),
    "identity": lambda z: z,
}


def is_small(n_rows, sizes, activation):
    """Whether :func:`forward` is the faster way."""
    return activation in FORMS and n_rows * sum(sizes[1:]) <= SMALL


def forward(theta, sizes, activation, x):
    """Outputs of a fully connected network.

    Parameters
    ----------
    theta : ndarray of shape (P,)
        As :class:`skngd.models.FullyConnected` lays it out.
    sizes : sequence of int
        Inputs, neurons of each hidden layer, outputs.
    activation : str
    x : ndarray of shape (n, sizes[0])

    Returns
    -------
    v : ndarray of shape (n, sizes[-1])
    """
    place, last = 0, len(sizes) - 2
    for depth, (into, out) in enumerate(pairwise(sizes)):
        weights = theta[place : place + out * into].reshape(out, into)
        place += out * into
        x = x @ weights.T + theta[place : place + out]
        place += out
        if depth < last:
            x = FORMS[activation](x)
    return x
