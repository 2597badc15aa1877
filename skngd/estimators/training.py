"""From arrays to a fitted parameter vector: tensors in, NumPy out."""

import time
import warnings
from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from ..optim import Past, Stopping, minimize
from .batches import EpochMonitor, Tally, drawn_parts, draws_optimal, row_batches


@dataclass
class Trained:
    """What a training leaves to the estimator; arrays are NumPy float64.

    Attributes
    ----------
    theta : ndarray of shape (P,)
    loss : float
        Loss of ``theta`` on all training rows, in the units of y.
    n_iter : int
    stop_reason : str
    loss_curve : ndarray of shape (n_iter + 1,)
        Of the best start.
    history : dict of str to ndarray
        Of all starts, one after the other; ``start`` tells which.
    memory : dict
        What the next ``partial_fit`` needs.
    """

    theta: np.ndarray
    loss: float
    n_iter: int
    stop_reason: str
    loss_curve: np.ndarray
    history: dict
    memory: dict


class Units:
    """Losses in the units of y: the mean over rows and outputs, and the weight decay.

    Parameters
    ----------
    squares : ndarray of shape (c,)
        What one unit of the loss of each standardised output is, in the units of y.
    """

    def __init__(self, squares):
        self.squares = squares / len(squares)
        self.common = float(self.squares[0]) if np.ptp(self.squares) == 0 else None

    def floor(self, dtype):
        """A loss that is zero to working precision: relative errors of the size of eps."""
        return float(0.5 * self.squares.sum()) * torch.finfo(dtype).eps ** 2

    def loss(self, iterate):
        if self.common is not None:
            return self.common * iterate.loss
        columns = iterate.objective.loss.by_output(iterate.value)
        decay = float(self.squares.mean()) * iterate.penalty
        return float(to_numpy(columns) @ self.squares) + decay


class LogLossUnits:
    """The cross-entropy is a number by itself."""

    def floor(self, dtype):
        """A loss that is zero to working precision: every label has probability one."""
        return 10 * torch.finfo(dtype).eps

    def loss(self, iterate):
        return iterate.loss


# Resamplings without progress after which a fit has converged, at least.
ROUNDS_OF_PATIENCE = 2

# What to try where the budget of iterations or seconds is spent.
BUDGET_ADVICE = " Increase it or raise tol or, where the data are noisy, set early_stopping=True."
PHYSICS_ADVICE = " The best solution so far was kept; see score() and history_. Increase it or tol."

# Kinds of stops after which no further start is tried.
ENDS_ALL = ("interrupted", "stopped")


def train(
    estimator,
    objective,
    starts,
    method_factory,
    units,
    *,
    validation=None,
    random_state=None,
    resampling=None,
    parts=None,
    watch=None,
    began=None,
):
    """Run the loop from each start and keep the best end.

    Parameters
    ----------
    estimator : estimator with the hyperparameters of the loop
    objective : Objective
        All training rows, standardised.
    starts : list of ndarray of shape (P,)
    method_factory : callable
        Gives a fresh method for each start.
    units : Units
    validation : Objective, default=None
        Rows that decide which iterate is the best.
    random_state : RandomState, default=None
        Draws the batches.
    resampling : Resampling, default=None
        Gives the objective of each iteration, with new points from time to time.
    parts : callable, default=None
        Further columns of the history; see :func:`skngd.optim.minimize`.
    watch : Watch, default=None
        Told of each iteration; see :func:`skngd.optim.minimize`.
    began : float, default=None
        When the clock started.

    Returns
    -------
    trained : Trained
    """
    began = time.perf_counter() if began is None else began
    points = objective.points
    batch_size = estimator.batch_size if resampling is None else None
    floor = units.floor(points.dtype)
    watched = validation or objective

    def watched_loss(iterate):
        there = iterate if iterate.objective is watched else watched.at(iterate.theta)
        return units.loss(there)

    patience = estimator.n_iter_no_change
    if resampling is not None:
        # New points take some iterations to show what they are good for.
        patience = max(patience, ROUNDS_OF_PATIENCE * resampling.every)
    if draws_optimal(estimator):
        parts = drawn_parts(parts)
    best, histories, tally = None, [], Tally()
    for number, start in enumerate(starts, start=1):
        method = method_factory()
        theta = torch.tensor(start, dtype=points.dtype, device=points.device)
        batches, monitor = None, watched_loss
        if batch_size is not None:
            batches = row_batches(estimator, objective, theta, random_state, tally)
            monitor = batches.following(EpochMonitor(watched_loss, len(points) // batch_size))
        if resampling is not None:
            batches, monitor = resampling.begin(theta), resampling.following(watched_loss)
        result = minimize(
            method,
            objective,
            theta,
            batches=batches,
            monitor=monitor,
            report=units.loss,
            parts=parts,
            stop_rules=Stopping(
                estimator.tol,
                patience,
                floor,
                expects_descent=validation is None and batches is None,
                relative_tol=estimator._relative_tol,
            ),
            max_iter=estimator.max_iter,
            max_time=estimator.max_time,
            watch=watch,
            began=began,
        )
        if batch_size is not None:
            _compare_last(result, watched_loss)
        if estimator.verbose:
            name = type(estimator).__name__
            print(
                f"[{name}] start {number}/{len(starts)}: loss {result.loss:.6g} after "
                f"{result.n_iter} iterations. {result.stop.sentence}"
            )
        history = {name: np.asarray(column) for name, column in result.history.items()}
        histories.append({"start": np.full(result.n_iter + 1, number - 1), **history})
        if best is None or not isfinite(best[0].loss) or result.loss < best[0].loss:
            best = result, method, history["loss"]
        # Losses at the rounding level say nothing about which start is the better one.
        if result.loss <= floor or result.stop.kind in ENDS_ALL or _out_of_time(estimator, began):
            break
    last_stop = result.stop
    result, method, loss_curve = best
    with_problem = getattr(estimator, "problem", None) is not None
    advice = PHYSICS_ADVICE if with_problem else BUDGET_ADVICE
    stop = last_stop if last_stop.kind == "interrupted" else result.stop
    _warn(stop, advice)
    tally.warn("batch_size", stacklevel=6, n_available=len(points))
    loss = result.loss
    if validation is not None:
        loss = units.loss(objective.at(result.theta))
    return Trained(
        to_numpy(result.theta),
        loss,
        result.n_iter,
        result.stop.sentence,
        loss_curve,
        {name: np.concatenate([h[name] for h in histories]) for name in histories[0]},
        # The last step belongs to the last iterate; after another one there is nothing to continue.
        remember(method, result.past if result.theta is result.last.theta else None),
    )


def train_one_step(objective, theta, method, units, earlier, began):
    """One iteration, with the momentum of the earlier ones.

    Parameters
    ----------
    objective : Objective
    theta : ndarray of shape (P,)
    method : ProjectedMethod or Adam
    units : Units
    earlier : fitted estimator or None
        Whose momentum and history are continued.
    began : float
        When the clock started.

    Returns
    -------
    trained : Trained
    """
    points = objective.points
    start = torch.tensor(theta, dtype=points.dtype, device=points.device)
    past = recall(earlier._memory, method, objective) if earlier is not None else None
    result = minimize(
        method, objective, start, report=units.loss, max_iter=1, past=past, began=began
    )
    if result.stop.kind in ("diverged", "interrupted"):
        _warn(result.stop)
    history = {name: np.asarray(column) for name, column in result.history.items()}
    history = {"start": np.zeros(result.n_iter + 1, dtype=int), **history}
    n_iter, curve = result.n_iter, history["loss"]
    if earlier is not None:
        past_history = earlier.history_
        history["time"] = history["time"] + past_history["time"][-1]
        history = {name: np.append(past_history[name], history[name][1:]) for name in history}
        n_iter += earlier.n_iter_
        curve = np.append(earlier.loss_curve_, result.history["loss"][1:])
    sentence = f"partial_fit made one iteration; there were {n_iter} so far."
    if result.stop.kind != "budget":
        sentence = result.stop.sentence
    return Trained(
        to_numpy(result.last.theta),
        units.loss(result.last),
        n_iter,
        sentence,
        curve,
        history,
        remember(method, result.past),
    )


def _compare_last(result, monitor):
    """Between two epochs nothing is monitored: look at the last iterate once more."""
    loss = monitor(result.last)
    if loss < result.loss:
        result.theta, result.loss = result.last.theta, loss


def _out_of_time(estimator, began):
    return estimator.max_time is not None and time.perf_counter() - began > estimator.max_time


def _warn(stop, advice=""):
    # The warning is to name the line that calls fit.
    stacklevel = 6
    if stop.kind == "interrupted":
        warnings.warn(stop.sentence, UserWarning, stacklevel=stacklevel)
    elif stop.kind == "diverged":
        warnings.warn(stop.sentence, ConvergenceWarning, stacklevel=stacklevel)
    elif stop.kind == "budget":
        warnings.warn(stop.sentence + advice, ConvergenceWarning, stacklevel=stacklevel)


def to_numpy(tensor):
    """A float64 array on the CPU."""
    return tensor.detach().cpu().numpy().astype(np.float64)


def remember(method, past):
    """The last step and the state of the method as NumPy arrays and numbers."""
    memory = {"method": method.state()}
    if past is not None:
        memory["theta"] = to_numpy(past.start.theta)
        memory["step"] = to_numpy(past.step)
        memory["direction"] = to_numpy(past.direction)
    return memory


def recall(memory, method, objective):
    """Undo :func:`remember`: restore the method, return the past at these points."""
    method.restore(memory["method"])
    if "theta" not in memory:
        return None
    points = objective.points
    theta, step, direction = (
        torch.tensor(memory[name], dtype=points.dtype, device=points.device)
        for name in ("theta", "step", "direction")
    )
    return Past(objective.at(theta), step, direction)
