"""Plane waves that solve a linear equation, with the wave vectors of its initial values.

A plane wave e^{i(kx + ωt)} solves a linear equation with constant coefficients where its dispersion
relation holds, P(iω, ik) = 0. Where all of its roots ω are real nothing decays, and a sin neuron is
such a wave: for all times, however many of its periods they have. The wave vectors k are those of
the initial values, as a series of sines, of cosines or of both on a box. So neurons that no race
finds among those that point anywhere begin with what the equation asks for.
"""

from itertools import product

import numpy as np
import torch

from ...geometry import Box
from ...pde.conditions import Initial
from ...pde.expressions.places import as_tensor
from ...pde.scales import Trials
from ...pde.slab import time_axis

# Terms of a series along each coordinate, by the number of coordinates beside time.
TERMS = {1: 32, 2: 8, 3: 4}
# The part of the squares of initial values that a series may leave, and the size of a root's
# imaginary part, or of a source, that is none.
LEFT, NOTHING = 1e-24, 1e-9
# Points of the initial values that are looked at, and the most neurons.
POINTS, MOST = 512, 130
# Along a coordinate s in [−1, 1]: functions sin and cos of m (s + 1) π/2, by kind of a series.
SERIES = {
    "sines": lambda n: [(m, np.sin) for m in range(1, n + 1)],
    "cosines": lambda n: [(m, np.cos) for m in range(n + 1)],
    "both": lambda n: (
        [(0, np.cos)] + [(2 * m, f) for m in range(1, n // 2 + 1) for f in (np.sin, np.cos)]
    ),
}


def solving_waves(problem):
    """Weights and biases of sin neurons, shapes (n, d) and (n,); None where there are no waves.

    For inputs in [−1, 1], which are the coordinates of a box.

    Parameters
    ----------
    problem : Problem
    """
    axis, others = time_axis(problem), len(problem.domain.names) - 1
    is_plain = type(problem.domain) is Box and not (problem.inputs or problem.unknowns)
    if axis is None or not is_plain or others not in TERMS or len(problem.fields) > 1:
        return None
    trials = Trials(problem)
    symbol = _symbol(trials)
    found = None if symbol is None else _wave_vectors(trials, axis, TERMS[others])
    if found is None:
        return None
    waves = []
    for k in found:
        for signs in product(*((1, -1) if part else (1,) for part in k)):
            roots = _roots(symbol, axis, np.array(signs) * k)
            if roots is None:
                return None
            waves += [np.insert(np.array(signs) * k, axis, root) for root in roots]
    # A wave and the one with the opposite sign are the same.
    waves = {tuple(np.round(_upright(wave), 9)): wave for wave in waves}.values()
    weights = np.repeat(np.array(list(waves))[: MOST // 2], 2, axis=0)
    return weights, np.tile([0.0, np.pi / 2], len(weights) // 2)


def _upright(wave):
    """A vector or its opposite, so that the first number that is not zero is positive."""
    return wave * np.sign(wave[np.flatnonzero(wave)[0]]) if wave.any() else wave


def _symbol(trials):
    """The coefficient of each derivative, in inputs, of a homogeneous equation; None for others."""
    half_width = np.ptp(trials.problem.domain.bounds, axis=1) / 2
    equation, none = trials.of(trials.compiler.equation), torch.zeros(0, dtype=torch.float64)
    at_random = equation.rows(none)
    coefficients = equation.coefficients()
    if coefficients is None or len(at_random) > 1:
        return None
    told = sum(c[0] * equation.jets[0, *key] for key, c in coefficients.items())
    size = max(float(c.abs().max()) for c in coefficients.values())
    # Neither a source nor a term that is not linear.
    left = float((as_tensor(at_random[0], told) - told).abs().max())
    if not left <= NOTHING * size or size == 0.0:
        return None
    if any(float(np.ptp(c.numpy())) > NOTHING * size for c in coefficients.values()):
        return None
    return {
        index: float(c.mean()) / np.prod([half_width[axis] for axis in index])
        for (_, index), c in coefficients.items()
    }


def _roots(symbol, axis, k):
    """The frequencies ω of waves with a wave vector; None where one of them decays or grows."""
    k = np.insert(np.asarray(k, dtype=complex), axis, 0.0)
    order = max(index.count(axis) for index in symbol)
    polynomial = np.zeros(order + 1, dtype=complex)
    for index, value in symbol.items():
        n = index.count(axis)
        polynomial[order - n] += value * 1j**n * np.prod([1j * k[i] for i in index if i != axis])
    roots = np.roots(polynomial)
    if len(roots) < max(order, 1) or (abs(roots.imag) > NOTHING * (1 + abs(roots))).any():
        return None
    return np.unique(np.round(roots.real, 12))


def _wave_vectors(trials, axis, n):
    """Those of a series of the initial values, shape (k, d − 1), the strongest first."""
    given, domain = [], trials.problem.domain
    low, high = domain.bounds.T
    for stated in trials.compiler.conditions:
        if isinstance(stated.condition, Initial):
            sites, _ = stated.condition.sites(domain, POINTS, "sobol", np.random.RandomState(0))
            values = stated.value(torch.as_tensor(sites[0])).expand(len(sites[0])).numpy()
            X = 2 * (sites[0] - low) / (high - low) - 1
            given.append((np.delete(X, axis, axis=1), values))
    best = None
    for terms in (make(n) for make in SERIES.values()):
        chosen, left = {}, 0.0
        for X, values in given:
            if not values.any():
                continue
            squares, rest = _squares(X, values, terms)
            left = max(left, rest)
            total, kept = sum(squares.values()), 0.0
            for k in sorted(squares, key=squares.get, reverse=True):
                if kept >= (1 - LEFT) * total:
                    break
                kept += squares[k]
                chosen[k] = max(chosen.get(k, 0.0), squares[k] / total)
        if chosen and (best is None or (left, len(chosen)) < (best[0], len(best[1]))):
            best = max(left, LEFT), chosen
    if best is None:
        return None
    return np.pi / 2 * np.array(sorted(best[1], key=best[1].get, reverse=True), dtype=float)


def _squares(X, values, terms):
    """The squares of the coefficients of a series, by wave vector, and what it leaves of values."""
    several = list(product(terms, repeat=X.shape[1]))
    if len(several) > len(X):
        return {}, 1.0
    along = [
        np.stack([f(m * np.pi / 2 * (column + 1)) for m, f in terms], axis=1) for column in X.T
    ]
    places = list(product(range(len(terms)), repeat=X.shape[1]))
    products = (
        np.prod([one[:, j] for one, j in zip(along, place, strict=True)], axis=0)
        for place in places
    )
    columns = np.stack(list(products), axis=1)
    found, *_ = np.linalg.lstsq(columns, values, rcond=None)
    left = values - columns @ found
    squares = {}
    for one, c in zip(several, found, strict=True):
        k = tuple(m for m, _ in one)
        squares[k] = squares.get(k, 0.0) + c**2
    return squares, max(float(left @ left / (values @ values)), LEFT)
