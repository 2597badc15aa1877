"""The methods that hyperparameters can name, and a small problem to run them on."""

from itertools import product

import numpy as np
import pytest

from skngd import NaturalMomentumRegressor

CONSTANT = {"step_size": 0.3, "damping": 1e-3, "restart": None, "beta": 0.3}

# Name of a method: its hyperparameters.
VARIANTS = {
    "default": {},
    "gradient descent": {"optimizer": "gd"},
    "gradient descent, grid": {"optimizer": "gd", "step_size": "grid"},
    "heavy ball": {"optimizer": "gd", "momentum": "heavy-ball", "momentum_space": "parameter"},
    "Nesterov": {"optimizer": "gd", "momentum": "nesterov", "momentum_space": "parameter"},
    "Adam": {"optimizer": "adam", "step_size": 0.01},
    "L-BFGS": {"optimizer": "lbfgs"},
    "Newton": {"optimizer": "newton"},
    "Newton, heavy ball": {"optimizer": "newton", "momentum": "heavy-ball"},
    "Newton, products": {"optimizer": "newton", "projection": "cg"},
    "natural gradient": {"momentum": None},
    "natural gradient, constant step": {"momentum": None, **CONSTANT},
    "natural gradient, backtracking": {"momentum": None, "step_size": "backtracking"},
    "natural gradient, grid": {"momentum": None, "step_size": "grid"},
    "natural gradient, truncated": {"momentum": None, "step_size": 0.3, "rcond": 1e-3},
    "quasi-natural heavy ball": {"momentum_space": "parameter", **CONSTANT},
    "quasi-natural Nesterov": {
        "momentum": "nesterov",
        "momentum_space": "parameter",
        **CONSTANT,
    },
    "SPRING": {"momentum": "spring", **CONSTANT},
    "SPRING, trust region": {"momentum": "spring"},
}
for momentum, memory in product(("heavy-ball", "nesterov"), ("momentum", "difference", "gradient")):
    named = {"momentum": momentum, "memory": memory}
    VARIANTS[f"natural {momentum}, {memory}"] = {**named, **CONSTANT}
    VARIANTS[f"natural {momentum}, {memory}, trust region"] = named

every_variant = pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS)


def regressor(**settings):
    """A small network, one start, few iterations, no decay; whatever is given goes first."""
    small = {"hidden_layer_sizes": (5,), "max_iter": 20, "n_init": 1, "alpha": 0, "random_state": 0}
    return NaturalMomentumRegressor(**{**small, **settings})


def waves(n_samples=60, n_outputs=1, noise=0.0, seed=0):
    """X of shape (n, 3) and a smooth y; flat where there is one output."""
    random = np.random.RandomState(seed)
    X = random.uniform(-2, 2, (n_samples, 3))
    y = np.stack([np.sin(X[:, 0] + k) + X[:, 1] * X[:, 2] for k in range(n_outputs)], axis=1)
    y += noise * random.standard_normal(y.shape)
    return X, y[:, 0] if n_outputs == 1 else y


def half_mse(estimator, X, y, sample_weight=None):
    """½ the mean, over rows and outputs, of the squared error."""
    error = (np.asarray(y) - estimator.predict(X)).reshape(len(X), -1)
    return 0.5 * np.average((error**2).mean(axis=1), weights=sample_weight)
