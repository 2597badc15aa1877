"""The one loop that runs every method."""

import math
import time
from dataclasses import dataclass, field

import torch

from . import stopping
from .objective import Past
from .searches import NoDescent
from .source import Source


@dataclass
class Result:
    """What a run leaves behind.

    Attributes
    ----------
    theta : torch.Tensor of shape (P,)
        The best parameters met, by the monitored loss.
    loss : float
        Their monitored loss.
    n_iter : int
        Iterations made.
    stop : Stop
        Why the run ended.
    history : dict of str to list
        One entry for the start and one for each iteration.
    last : Iterate
        The last iterate, which need not be the best.
    past : Past or None
        What a run that continues this one has to know.

    See Also
    --------
    skngd.optim.minimize : Run a method.
    skngd.optim.Stop : Why it ended.

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective, build_method, minimize
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> objective = Objective(LinearModel(lambda x: x, 1), SquaredLoss(3 * x), x)
    >>> theta = torch.zeros(1, dtype=torch.float64)
    >>> result = minimize(build_method(), objective, theta)
    >>> round(float(result.theta), 6), result.stop.kind
    (3.0, 'converged')
    """

    theta: object
    loss: float
    n_iter: int = 0
    stop: object = None
    history: dict = field(default_factory=dict)
    last: object = None
    past: object = None

    def after(self, earlier):
        """The result of both runs, where this one has continued an earlier one.

        Parameters
        ----------
        earlier : Result or None
            None is no run.

        Returns
        -------
        self : Result
            With the history and the iterations of both.
        """
        if earlier is not None:
            for name, column in self.history.items():
                self.history[name] = earlier.history[name] + column[1:]
            self.n_iter += earlier.n_iter
        return self


class History:
    """Columns of numbers, one row for each iteration."""

    def __init__(self, began):
        self.began, self.columns = began, {}

    def add(self, loss, monitored, step=None, info=None, parts=()):
        row = {
            "time": time.perf_counter() - self.began,
            "loss": loss,
            "monitored_loss": monitored,
            "step_size": step.step_size if step else math.nan,
            "beta": step.beta if step else math.nan,
            "damping": step.damping if step else math.nan,
            "n_trials": step.n_trials if step else 0,
            "rank": info.rank if info else math.nan,
            "condition": info.condition if info else math.nan,
            "kept": info.kept if info else math.nan,
            **dict(parts),
        }
        for name, number in row.items():
            self.columns.setdefault(name, []).append(number)


def _check(method, objective, theta):
    """Refuse what would fail, or broadcast, somewhere inside."""
    if not hasattr(method, "advance"):
        raise TypeError(
            f"Expected a method, such as build_method(momentum='nesterov') gives, got {method!r}."
        )
    n = objective.model.n_parameters
    if not isinstance(theta, torch.Tensor) or theta.shape != (n,):
        came = getattr(theta, "shape", None)
        raise ValueError(
            f"Expected theta to be a torch.Tensor of shape ({n},), one number for each parameter "
            f"of the model, got {type(theta).__name__} of shape {came and tuple(came)}. "
            "torch.as_tensor makes one of the array that the initial of a model gives."
        )


def minimize(
    method,
    objective,
    theta,
    *,
    source=None,
    monitor=None,
    report=None,
    parts=None,
    stop_rules=None,
    max_iter=200,
    max_time=None,
    past=None,
    average=None,
    watch=None,
    began=None,
):
    """Minimise L(v_θ) by a method.

    Parameters
    ----------
    method : ProjectedMethod, Adam or LBFGS
        Where to go, and how far.
    objective : Objective
        Model, loss and points.
    theta : torch.Tensor of shape (P,)
        Where to start.
    source : Source, default=None
        Gives the objective of each iteration. None takes all the points each time.
    monitor : callable, default=None
        Maps an :class:`Iterate` to the loss that decides which iterate is the best and when to
        stop, as often as the source says. None stands for the loss of the iteration's objective.
    report : callable, default=None
        Maps an :class:`Iterate` to the loss that the history shows. None stands for the loss of
        the iteration's objective.
    parts : callable, default=None
        Maps an :class:`Iterate` to further columns of the history, a dict of numbers.
    stop_rules : Stopping, default=None
        When to stop; None stands for ``Stopping()``.
    max_iter : int, default=200
        Largest number of iterations.
    max_time : float, default=None
        Seconds.
    past : Past, default=None
        The last step of an earlier run, to continue its momentum.
    average : Average, default=None
        Of the iterates; its mean is monitored, and kept, in the place of the last iterate.
    watch : object, default=None
        ``watch.begin()`` is called before each iteration and ``watch.end(iterate)`` after it, with
        the current :class:`Iterate`; a true value stops, and a :class:`Stop` says why: then it is
        this iterate that is kept.
    began : float, default=None
        ``time.perf_counter()`` when the clock of the history starts. None is now.

    Returns
    -------
    result : Result
        The best parameters, and how they were found.

    Raises
    ------
    TypeError
        If ``method`` is none.
    ValueError
        If ``theta`` is not a tensor of shape (P,).

    Examples
    --------
    >>> import torch
    >>> from skngd.losses import SquaredLoss
    >>> from skngd.models import LinearModel
    >>> from skngd.optim import Objective, build_method, minimize
    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64).unsqueeze(1)
    >>> line = LinearModel(lambda x: torch.cat([torch.ones_like(x), x], dim=1), 2)
    >>> objective = Objective(line, SquaredLoss(3 * x - 1), x)
    >>> method = build_method(momentum=None, step_size=1.0, rcond=1e-10)
    >>> result = minimize(method, objective, torch.zeros(2, dtype=torch.float64), max_iter=1)
    >>> result.theta.numpy().round(9)
    array([-1.,  3.])
    """
    _check(method, objective, theta)
    history = History(time.perf_counter() if began is None else began)
    stop_rules = stopping.Stopping() if stop_rules is None else stop_rules
    report = (lambda iterate: iterate.loss) if report is None else report
    monitor = report if monitor is None else monitor
    source = Source() if source is None else source

    def columns(iterate):
        return {**(parts(iterate) if parts else {}), **source.columns(iterate)}

    def judged(iterate):
        """What is monitored: the iterate, or the mean of all so far."""
        if average is None or average.mean is None:
            return iterate
        return iterate.objective.at(average.mean)

    source.begin(theta)
    here = source.opening(objective).at(theta)
    candidate = judged(here)
    monitored = monitor(candidate)
    stop_rules.begin(monitored)
    result = Result(candidate.theta, monitored, history=history.columns, last=here, past=past)
    history.add(report(here), monitored, parts=columns(here))
    if not math.isfinite(here.loss):
        result.stop = stopping.diverged(here.loss)
    try:
        while result.stop is None:
            if result.n_iter >= max_iter:
                result.stop = stopping.out_of_iterations(max_iter)
                break
            if watch is not None:
                watch.begin()
            drawn = source.draw(here)
            here = drawn.take(here)
            step, info = method.advance(here, result.past)
            result.n_iter += 1
            looks = result.n_iter % source.looks_every == 0
            if step is None:
                # On a batch there may be nothing to gain where the next one has something.
                result.past, looks = None, looks and source.draws
                if not source.draws or source.is_settled:
                    at_once = result.n_iter == 1
                    result.stop = stopping.stalled(here.loss, at_once)
            elif not math.isfinite(step.end.loss):
                looks = False
                result.stop = stopping.diverged(step.end.loss)
            else:
                result.past = Past(here, step.end.theta - here.theta, step.direction)
                result.last = here = step.end
                if average is not None:
                    average.include(here.theta)
            if looks:
                candidate = judged(here)
                monitored = monitor(candidate)
                is_best = monitored < result.loss or not math.isfinite(result.loss)
                if is_best or source.keeps_last:
                    result.theta, result.loss = candidate.theta, monitored
                result.stop = stop_rules.after(monitored)
            history.add(report(here), monitored, step, info, columns(here))
            if max_time is not None and history.columns["time"][-1] > max_time:
                result.stop = result.stop or stopping.out_of_time(max_time)
            told = watch is not None and watch.end(here)
            if told and result.stop is None:
                result.stop = stopping.CALLBACK
                if isinstance(told, stopping.Stop):
                    # It is this iterate that is good enough.
                    result.stop, result.theta, result.loss = told, here.theta, monitor(here)
    except torch.linalg.LinAlgError:
        result.stop = stopping.NO_TANGENT_SPACE
    except NoDescent:
        result.stop = stopping.NO_DESCENT
    except KeyboardInterrupt:
        result.stop = stopping.INTERRUPTED
    if source.looks_every > 1:
        # Between two looks the last iterate may have become the best one.
        candidate = judged(result.last)
        monitored = monitor(candidate)
        if monitored < result.loss:
            result.theta, result.loss = candidate.theta, monitored
    if result.stop.kind == "diverged" and result.theta is theta:
        result.stop = result.stop.at_start()
    # An iteration that was broken off does not count.
    result.n_iter = len(history.columns["loss"]) - 1
    return result
