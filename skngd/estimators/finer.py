"""hidden_layer_sizes=None: ten neurons, and more that bend faster where y asks for them.

A network whose first weights are small sees a fast wave as noise, and the evidence then takes its
weights away: a minimum that no iteration leaves. The errors of neighbouring rows tell it. Neurons
with larger weights, each bending at one of the rows, are then drawn with several bandwidths, as
tag (Race) has it: the last layer of each draw is one least-squares solve, and the error of left-out
rows chooses the draw from which a wider network starts, and between the fits, equation (LO). The
evidence would do the same for networks of one size; of many neurons it counts one of the H! 2^H
arrangements that are the same function.
"""

import copy
import time
from dataclasses import dataclass
from itertools import product
from math import inf

import numpy as np
import torch

from .choice import is_ended, run_aside, table_of, take_state
from .evidence.evidence import Belief
from .neurons import fresh_neurons

# Neurons at first, and of the networks that may follow.
FIRST, WIDER = (10,), ((40,), (100,))
# Bandwidths of the first layer, in standardised inputs, and networks that are drawn with each: by
# themselves and beside the neurons of the first network.
BANDWIDTHS, DRAWS = 2.0 ** np.arange(8), 2
# Ridge penalties of the last layer, and rows by which draws are compared.
RIDGES, MOST_ROWS = 10.0 ** np.arange(-6, 4), 1500
# A draw is worth a fit where it leaves less than this part of the noise of the first network.
GAINS = 0.95
# Multiplications of an iteration of a wider network, at most.
MOST_MULTIPLICATIONS = 5e8


def may_be_finer(estimator, task):
    """Whether the number of neurons is left open, and the evidence is to judge."""
    is_open = estimator.hidden_layer_sizes is None and estimator.model is None
    return is_open and not task.continues


def fit_as_fine_as_asked(estimator, task, began):
    """Fit ten neurons, then more where errors of neighbouring rows are alike; keep the best.

    Parameters
    ----------
    estimator : NaturalMomentumRegressor
        Gets the state of the best fit, ``hidden_layer_sizes_`` and, where there are several,
        ``candidates_``.
    task : RowsTask
        Before it is placed.
    began : float
        When the fit began.
    """
    choice = _Choice(estimator, task, began)
    choice.tries(FIRST)
    for sizes in WIDER:
        if not choice.asks_for_more:
            break
        start = choice.drawn(sizes)
        if start is not None:
            choice.tries(sizes, start)
    choice.store()


@dataclass(frozen=True)
class Drawn:
    """A start whose first layer is drawn, and whose last one is fitted."""

    theta: np.ndarray
    # Mean square of the errors of left-out rows, of standardised targets.
    noise: float
    # Effective parameters of the last layer, for each output.
    effective: float
    bandwidth: float
    n_neurons: int

    @property
    def n_nats(self):
        """A change of the log evidence that says nothing: it grows as that of so many neurons."""
        return np.sqrt(self.n_neurons / FIRST[0])

    def decay(self, model, n):
        """α of each parameter, with which these weights are as large as expected: α = a σ² / n."""
        decay, (index, *_) = np.zeros(model.n_parameters), model.groups()
        for group in range(index.max() + 1):
            place = index == group
            is_last = group == index.max()
            number = self.effective * model.n_outputs if is_last else place.sum()
            size = max(np.sum(self.theta[place] ** 2), np.finfo(float).tiny)
            decay[place] = number / size * self.noise / n
        return decay


def draw(model, activation, X, y, weight, random_state, known=None):
    """The draw of one hidden layer with the least error of left-out rows.

    Parameters
    ----------
    model : FullyConnected
    activation : str
    X, y : ndarray of shape (n, d), (n, c)
        Standardised.
    weight : ndarray of shape (n,)
    random_state : RandomState
    known : tuple of ndarray, default=None
        Weights and biases of fitted neurons, shapes (h, d) and (h,), with which others are drawn.

    Returns
    -------
    drawn : Drawn
    """
    (shape, first, biases), (_, last, shifts) = model.layout
    rows = np.linspace(0, len(X) - 1, min(len(X), MOST_ROWS)).round().astype(int)
    X, y, root = X[rows], y[rows], np.sqrt(weight[rows] / weight[rows].sum())[:, None]
    best = Drawn(None, inf, 0.0, 0.0, shape[0])
    beside = [0] if known is None else [0, len(known[1])]
    for n_known, bandwidth in product(beside, np.repeat(BANDWIDTHS, DRAWS)):
        weights, phases = fresh_neurons(*shape, model.activation, bandwidth, random_state)
        if activation != "sin":
            phases = -(weights * X[random_state.randint(len(X), size=shape[0])]).sum(1)
        if n_known:
            weights[:n_known], phases[:n_known] = known
        inner = torch.as_tensor(X @ weights.T + phases)
        values = model.activation.value(inner).numpy()
        noise, effective, slopes, shift = _last_layer(values, y, root)
        if noise < best.noise:
            theta = np.empty(model.n_parameters)
            theta[first], theta[biases] = weights.ravel(), phases
            theta[last], theta[shifts] = slopes.T.ravel(), shift
            best = Drawn(theta, noise, effective, bandwidth, shape[0])
    return best


def _last_layer(values, y, root):
    """Ridge regression with the penalty that left-out rows prefer.

    Returns their mean square error, the effective number of weights, the weights and the shift.
    """
    centre, mean = (root**2 * values).sum(0), (root**2 * y).sum(0)
    left, sizes, right = np.linalg.svd(root * (values - centre), full_matrices=False)
    target = root * (y - mean)
    known, best = left.T @ target, (inf,)
    for ridge in RIDGES:
        kept = sizes**2 / (sizes**2 + ridge / len(y))
        residual = target - left @ (kept[:, None] * known)
        leverage = (left**2 @ kept)[:, None] + root**2
        errors = residual / (1.0 - leverage).clip(np.finfo(float).eps)
        error = float((errors**2).sum(0).mean())
        if error < best[0]:
            best = error, kept.sum(), sizes / (sizes**2 + ridge / len(y))
    error, effective, factor = best
    slopes = right.T @ (factor[:, None] * known)
    return error, effective, slopes, mean - centre @ slopes


def error_left_out(task):
    """Mean square of the standardised errors of left-out rows, of squares that do not follow
    outliers their mean size; infinite where the tangent space of a fit is not finite.
    """
    belief = Belief(task, task.end)
    if belief.found.posterior is None:
        return inf
    _, errors, _ = belief.errors_left_out()
    error = np.mean(errors**2 if task.targets.follows_outliers else np.abs(errors))
    return float(error) if np.isfinite(error) else inf


class _Choice:
    """The fits so far, and the best of them."""

    def __init__(self, estimator, task, began):
        self.estimator, self.first, self.began = estimator, task, began
        self.rows, self.best, self.least = [], None, inf

    def tries(self, sizes, start=None):
        """Fit once, and keep the fit if it is the first, or tells left-out rows best."""
        one, task, began = copy.copy(self.estimator), copy.copy(self.first), time.perf_counter()
        one.hidden_layer_sizes = sizes
        task.looks, task.drawn = [], start
        if start is not None:
            self._judge_first()
        warned = run_aside(one, task, self.began, with_callbacks=start is None)
        error = inf if start is None else error_left_out(task)
        if start is None:
            self.noise = np.mean((one.noise_std_ / one.y_scale_) ** 2)
            (shape, first, biases), _ = task.model.layout
            self.neurons = one.theta_[first].reshape(shape), one.theta_[biases]
        if start is None or error < self.least:
            self.best, self.task, self.warned, self.least = one, task, warned, error
        seconds = time.perf_counter() - began
        self.rows.append((sizes, error, one.n_effective_parameters_, one.n_iter_, seconds))

    def _judge_first(self):
        """The error of left-out rows of the first fit, which most fits have no need of."""
        if len(self.rows) == 1:
            self.least = error_left_out(self.task)
            ((sizes, _, *more),) = self.rows
            self.rows = [(sizes, self.least, *more)]

    @property
    def asks_for_more(self):
        """Whether errors of neighbours are alike, and a wider network may be asked."""
        estimator, task = self.estimator, self.task
        is_judged = task.evidence is not None and task.evidence.adapts and task.validation is None
        is_late = time.perf_counter() - self.began >= (estimator.max_time or inf)
        is_open = task.is_underfit and estimator.activation != "identity"
        return is_open and is_judged and not is_late and not is_ended(self.best)

    def drawn(self, sizes):
        """Where a wider network starts, or None where that is not worth it."""
        task, estimator = self.task, copy.copy(self.estimator)
        estimator.hidden_layer_sizes = sizes
        X, y, weight = task.training
        model = estimator._build_model(X.shape[1], task.targets.n_outputs)
        n_values, n_parameters = len(X) * model.n_outputs, model.n_parameters
        if n_values * n_parameters * min(n_values, n_parameters) > MOST_MULTIPLICATIONS:
            return None
        X = (X - task.X_mean) / task.X_scale
        given = X, task.targets.encode(y), weight, task.random_state, self.neurons
        found = draw(model, estimator.activation, *given)
        return found if found.noise < GAINS * self.noise else None

    def store(self):
        """Give the estimator the state of the best fit, all at once."""
        sizes, kept, told = self.best.hidden_layer_sizes, {}, ""
        kept["hidden_layer_sizes_"] = sizes
        if len(self.rows) > 1:
            kept["candidates_"] = table_of(self.rows, "left_out_error")
            told = (
                f" Errors of neighbouring rows were alike with {FIRST[0]} neurons: of "
                f"{len(self.rows)} networks hidden_layer_sizes={sizes} tells left-out rows best."
            )
        take_state(self.estimator, self.best, kept, told, self.warned)
