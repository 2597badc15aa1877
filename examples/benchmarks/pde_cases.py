"""The differential equations of the benchmarks: points, targets and what the error is taken on.

NumPy and SciPy only, so that every method, whatever it is written in, starts from the same arrays.
The equations themselves stand with each method; here they are words. Columns of X are in the order
of the coordinates: (t, x) where there is a time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

LEVELS = tuple(10.0**-k for k in range(1, 9))
EPS_ADVECTION = 0.1
KAPPA_HEAT = 0.25
NU_BURGERS = 0.01 / np.pi
EPS_ALLEN_CAHN = 1e-3


@dataclass(frozen=True)
class Block:
    """One condition at its points: ``kind`` of u at ``X`` (n, d) is to be ``target`` (n,).

    ``kind`` is "equation" (the differential operator of the case), "value" or "slope" (du/dx).
    """

    name: str
    kind: str
    X: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class Case:
    """A problem; ``points(seed, round=0)`` returns its blocks, the equation first.

    ``hard`` says that the conditions are built into the network, ``resampled`` that a method may
    ask for new points (another ``round``) as often as it likes. ``exact`` is None where there is no
    formula: ``skngd.problems.zoo`` has the solution.
    """

    name: str
    equation: str
    layers: tuple
    low: tuple
    high: tuple
    points: Callable
    grid: Callable
    exact: Callable | None
    hard: bool = False
    resampled: bool = False
    max_time: float = 20.0
    levels: tuple = LEVELS

    def test_set(self, reference=None):
        """Points (n, d) and exact values (n,) there.

        ``reference``: another solution for the problems without a formula, as a function of the
        points or the path of arrays t (n_t,), x (n_x,) and u (n_t, n_x).
        """
        if self.exact is None and reference is None:
            from skngd.problems import zoo

            reference = {"burgers": zoo.Burgers, "allen_cahn": zoo.AllenCahn}[self.name]().solution
        if self.exact is None and not callable(reference):
            table = np.load(reference)
            return lattice(table["t"], table["x"]), table["u"].ravel()
        X = self.grid()
        return X, (self.exact or reference)(X)


def relative_error(prediction, exact):
    return float(np.linalg.norm(prediction - exact) / np.linalg.norm(exact))


def lattice(*axes):
    return np.column_stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])


def zeros(X):
    return np.zeros(len(X))


def product_of_sines(X):
    return np.prod(np.sin(np.pi * X), axis=1)


def sum_of_sines(X):
    return np.sin(np.pi * X).sum(1)


def laplace2d_points(seed, round=0):
    axis = np.linspace(0, 1, 30)
    X = lattice(axis, axis)
    edge = ((X == 0) | (X == 1)).any(1)
    inside, outside = X[~edge], X[edge]
    return (
        Block("equation", "equation", inside, -2 * np.pi**2 * product_of_sines(inside)),
        Block("boundary", "value", outside, zeros(outside)),
    )


def heat_points(seed, round=0):
    axis = np.linspace(0, 1, 30)
    inside = lattice(axis[1:-1], axis[1:-1])
    first, sides = lattice([0.0], axis), lattice(axis, [0.0, 1.0])
    return (
        Block("equation", "equation", inside, zeros(inside)),
        Block("initial", "value", first, np.sin(np.pi * first[:, 1])),
        Block("boundary", "value", sides, zeros(sides)),
    )


def heat_exact(X):
    return np.exp(-KAPPA_HEAT * np.pi**2 * X[:, 0]) * np.sin(np.pi * X[:, 1])


def laplace5d_points(seed, round=0):
    rng = np.random.default_rng([seed, round])
    inside, faces = rng.random((4000, 5)), rng.random((500, 5))
    faces[np.arange(500), rng.integers(5, size=500)] = rng.integers(2, size=500)
    return (
        Block("equation", "equation", inside, -(np.pi**2) * sum_of_sines(inside)),
        Block("boundary", "value", faces, sum_of_sines(faces)),
    )


def evolution_points(initial, side):
    """4096 scrambled Sobol points in (0, 1) × (−1, 1), 100 at t = 0 and 50 at each end."""

    def points(seed, round=0):
        rng = np.random.default_rng([seed, round])
        inside = qmc.Sobol(2, scramble=True, rng=rng).random(4096) * [1, 2] - [0, 1]
        first = lattice([0.0], np.linspace(-1, 1, 100))
        sides = lattice(np.linspace(0, 1, 50), [-1.0, 1.0])
        return (
            Block("equation", "equation", inside, zeros(inside)),
            Block("initial", "value", first, initial(first[:, 1])),
            Block("boundary", "value", sides, np.full(len(sides), side)),
        )

    return points


def evolution_grid():
    return lattice(np.linspace(0, 1, 101), np.linspace(-1, 1, 257))


def minus_sine(x):
    return -np.sin(np.pi * x)


def bent_cosine(x):
    return x**2 * np.cos(np.pi * x)


def advection_points(seed, round=0):
    X = np.linspace(0, 1, 200)[:, None]
    return (Block("equation", "equation", X, np.ones(200)),)


def advection_exact(X):
    x, layer = X[:, 0], np.exp(-1 / EPS_ADVECTION)
    return x - (np.exp((x - 1) / EPS_ADVECTION) - layer) / (1 - layer)


def reaction_points(seed, round=0):
    X, ends = np.linspace(-1, 1, 200)[:, None], np.array([[-1.0], [1.0]])
    wave = np.cos(np.pi * X[:, 0])
    return (
        Block("equation", "equation", X, np.pi**2 * wave + wave**3),
        Block("boundary", "slope", ends, zeros(ends)),
    )


CASES = {
    case.name: case
    for case in (
        Case(
            "laplace2d",
            "Δu = −2π² sin πx sin πy",
            (2, 32, 1),
            (0.0, 0.0),
            (1.0, 1.0),
            laplace2d_points,
            lambda: lattice(np.linspace(0, 1, 101), np.linspace(0, 1, 101)),
            product_of_sines,
        ),
        Case(
            "heat",
            "u_t = u_xx / 4",
            (2, 64, 1),
            (0.0, 0.0),
            (1.0, 1.0),
            heat_points,
            lambda: lattice(np.linspace(0, 1, 101), np.linspace(0, 1, 101)),
            heat_exact,
        ),
        Case(
            "laplace5d",
            "Δu = −π² Σ sin πx_k",
            (5, 64, 1),
            (0.0,) * 5,
            (1.0,) * 5,
            laplace5d_points,
            lambda: np.random.default_rng(12345).random((20_000, 5)),
            sum_of_sines,
            max_time=40.0,
        ),
        Case(
            "burgers",
            "u_t + u u_x = (0.01/π) u_xx",
            (2, 20, 20, 20, 1),
            (0.0, -1.0),
            (1.0, 1.0),
            evolution_points(minus_sine, 0.0),
            evolution_grid,
            None,
            resampled=True,
            max_time=80.0,
        ),
        Case(
            "allen_cahn",
            "u_t = 0.001 u_xx + 5 (u − u³)",
            (2, 20, 20, 20, 1),
            (0.0, -1.0),
            (1.0, 1.0),
            evolution_points(bent_cosine, -1.0),
            evolution_grid,
            None,
            resampled=True,
            max_time=80.0,
        ),
        Case(
            "advection_diffusion",
            "−0.1 u″ + u′ = 1, v = x (1 − x) NN",
            (1, 20, 1),
            (0.0,),
            (1.0,),
            advection_points,
            lambda: np.linspace(0, 1, 2001)[:, None],
            advection_exact,
            hard=True,
        ),
        Case(
            "reaction_diffusion",
            "−u″ + u³ = π² cos πx + cos³ πx",
            (1, 40, 1),
            (-1.0,),
            (1.0,),
            reaction_points,
            lambda: np.linspace(-1, 1, 2001)[:, None],
            lambda X: np.cos(np.pi * X[:, 0]),
        ),
    )
}
