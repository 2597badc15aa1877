"""Neurons: fresh ones that join those of a network, and the last layer of all of them."""

from math import isfinite

import numpy as np

from ..models.activations import ACTIVATIONS
from ..optim.variable_projection import output_step
from ..tangent.qr import Qr
from .device import multiplications

# λ / ‖A‖² of the last layer. Small weights are better starts than the smallest residual. The
# number of damped steps where an equation is not linear in it, and of trials of each.
LINEAR_DAMPING, FIRST_DAMPING = 1e-10, 1e-4
STEPS_OF_OUTPUT, TRIALS = 6, 5
# The bandwidth of fresh neurons, in units of what nine in ten weights do not exceed, and the least
# of one coordinate, as a part of the largest.
FRESH, QUANTILE, IRRELEVANT = 1.5, 0.9, 0.05
# λ / ‖A‖² that are tried for the last layer of a second stage, and its steps where an equation is
# not linear in it.
SECOND_DAMPING, SECOND_STEPS = (1e-30, 1e-26, 1e-22, 1e-18), 4


def fresh_neurons(n, d, activation, bandwidth, random_state, groups=None):
    """Weights and biases of n neurons with d inputs, shapes (n, d) and (n,).

    The weights of a neuron point anywhere and are uniform in length up to ``bandwidth``, a number
    or, for an ellipsoid of weights, one for each input. It bends at any point of [−1, 1]^d, or
    has any phase. With ``groups``, shape (g, d), the neurons see the inputs of one group each, in
    turn.
    """
    directions = random_state.standard_normal((n, d))
    if groups is not None:
        directions *= groups[np.arange(n) % len(groups)]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    weights = directions * random_state.uniform(0, 1, (n, 1)) * bandwidth
    if activation is ACTIVATIONS["sin"]:
        return weights, random_state.uniform(0, 2 * np.pi, n)
    return weights, -(weights * random_state.uniform(-1, 1, (n, d))).sum(1)


def fresh_activation(name):
    """Of neurons that join a network with this one; None stands for a model of one's own."""
    return "sin" if name == "sin" else "tanh"


def bandwidths_of(weights):
    """The bandwidth of each input, shape (d,), of weights of shape (n, d)."""
    sizes = np.quantile(np.abs(weights), QUANTILE, axis=0)
    # An input that does not matter now may do so later.
    sizes = np.maximum(sizes, IRRELEVANT * sizes.max()) if sizes.any() else np.ones(len(sizes))
    return sizes * np.quantile(np.linalg.norm(weights / sizes, axis=1), QUANTILE)


def widened(before, network, model, random_state, groups=None):
    """Parameters of a model with more neurons in its one layer, their last weights zero."""
    (_, weights, biases), (_, last, shifts) = before.layout
    (shape, wider, more), (_, wider_last, wider_shifts) = model.layout
    theta = np.zeros(model.n_parameters)
    bandwidth = FRESH * bandwidths_of(network[weights].reshape(-1, shape[1]))
    fresh = fresh_neurons(*shape, model.activation, bandwidth, random_state, groups)
    theta[wider], theta[more] = fresh[0].ravel(), fresh[1]
    theta[wider][: weights.stop - weights.start] = network[weights]
    theta[more][: biases.stop - biases.start] = network[biases]
    old = network[last].reshape(model.n_outputs, -1)
    theta[wider_last].reshape(model.n_outputs, -1)[:, : old.shape[1]] = old
    theta[wider_shifts] = network[shifts]
    return theta


def with_fitted_output(iterate):
    """The last layer by one least-squares solve, or by damped steps where that is not exact."""
    is_linear = iterate.objective.points.is_linear_in_output
    damping = LINEAR_DAMPING if is_linear else FIRST_DAMPING
    for _ in range(1 if is_linear else STEPS_OF_OUTPUT):
        if not isfinite(iterate.loss):
            break
        fitted = Qr(iterate.operator.output_chunks(iterate.right_side))
        if not isfinite(fitted.square_norm):
            # A derivative that is not finite, such as that of √u at zero.
            break
        for _ in range(TRIALS):
            moved = output_step(iterate, fitted, damping * fitted.square_norm)
            if moved.loss < iterate.loss:
                break
            damping *= 10
        else:
            break
        iterate, damping = moved, damping / 10
    return iterate


def with_exact_output(iterate, dampings=SECOND_DAMPING, steps=SECOND_STEPS, left=1.0):
    """The last layer as exactly as the arithmetic allows, by Gauss-Newton steps.

    The best of some λ / ‖A‖² is taken in each, until more than a part of the loss is ``left``.
    """
    is_linear = iterate.objective.points.is_linear_in_output
    for _ in range(1 if is_linear else steps):
        fitted, best = Qr(iterate.operator.output_chunks(iterate.right_side)), iterate
        if not isfinite(fitted.square_norm):
            break
        for damping in dampings:
            moved = output_step(iterate, fitted, damping * fitted.square_norm)
            if isfinite(moved.loss) and moved.loss < best.loss:
                best = moved
        if best is iterate:
            break
        is_last = best.loss > left * iterate.loss
        iterate = best
        if is_last:
            break
    return iterate


def work_of_output(objective):
    """Multiplications of :func:`with_exact_output`, about."""
    places = objective.model.output_parameters
    n_columns = places.stop - places.start
    is_linear = objective.points.is_linear_in_output
    steps = 1 if is_linear else SECOND_STEPS
    return 2 * steps * multiplications(objective.n_rows, 1, n_columns)
