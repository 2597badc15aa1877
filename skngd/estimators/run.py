"""The one flow of a fit: tensors in, the loop from each start, NumPy out."""

import time
from math import isfinite

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from ..models import FullyConnected
from ..optim import Stop, Stopping, minimize
from ..optim.stopping import out_of_iterations
from ..tangent.christoffel import STABLE, enough_points
from .callbacks import Watch
from .callers import is_refitted, is_searched, warn
from .device import few_threads, plain_tensors, to_numpy
from .evidence.evidence import noisy_part
from .evidence.pilot import Ahead, pilot_of
from .memory import on_device, recall, remember
from .progress import Lines
from .rows.outside import TOLD

# Kinds of stops after which no further start is tried.
ENDS_ALL = ("interrupted", "stopped")


def run(estimator, task, began):
    """Make a fit that ``began`` at that time, and store it.

    After Ctrl-C, where a search of scikit-learn waits for the fit, KeyboardInterrupt is raised: the
    best model so far of a fit that was cut short must not compete with those of whole ones.
    """
    with plain_tensors():
        task.place()
        watch = Watch(estimator, task)
        shown = watch if watch.is_needed else None
        if estimator.verbose > 1:
            shown = Lines(estimator, task, shown)
        shown = task.watched(shown)
        with few_threads(task.n_multiplications):
            theta, stop, found = _train(estimator, task, shown, began)
        _warn_of_draws(task)
        found = {**found, **task.conclude(theta, stop, found["n_iter_"])}
        if not task.excuses(stop):
            _warn_of_end(stop, task.budget_advice)
        found["stop_reason_"] += task.verdict
        _store(estimator, task, theta, found)
    watch.finish()
    if stop.kind == "interrupted" and is_searched():
        raise KeyboardInterrupt(stop.sentence)


def run_once(estimator, task, began):
    """Make one iteration, with the momentum of the earlier ones, and store it."""
    with plain_tensors():
        task.place()
        with few_threads(task.n_multiplications):
            theta, found = _train_once(estimator, task, began)
        found = {**found, **task.conclude(theta, None, found["n_iter_"])}
        _store(estimator, task, theta, found)


class _Descent:
    """The loop on what a task fits, judged by its evidence, by held-out rows or by the loss."""

    def __init__(self, estimator, task, watch, began):
        self.estimator, self.task, self.watch, self.began = estimator, task, watch, began
        self.units, self.evidence = task.units, task.evidence
        self.floor = self.units.floor(task.objective.points.dtype)
        self.watched = task.validation or task.objective
        # Where no other rows judge, the evidence does.
        self.judges = self.evidence is not None and task.validation is None
        if self.evidence is not None:
            # A constant step may lead anywhere: the best iterate is kept.
            method = estimator._build_method(task.step_size)
            self.evidence.keeps_last = (
                self.judges and self.evidence.inner.repeats and method.searches
            )
        # The evidence may fall on the way to where it settles.
        self.settles = self.judges and self.evidence.keeps_last

    def loss_of(self, iterate):
        """What is monitored."""
        if self.judges:
            return self.units.standardised(self.evidence.judge(iterate))
        is_there = iterate.objective is self.watched
        there = iterate if is_there else self.watched.at(iterate.theta)
        self.task.look(there)
        return self.units.loss(there)

    def run(self, method, theta, max_iter, past=None, average=None, small=0.0):
        """The loop from θ to its end."""
        task, units = self.task, self.units
        noisy, noisy_tol = noisy_part(task) if self.settles else (np.inf, 0.0)
        result = minimize(
            method,
            task.objective,
            theta,
            source=task.source,
            monitor=self.loss_of,
            report=units.loss,
            parts=task.columns,
            stop_rules=Stopping(
                task.tol,
                max(task.n_iter_no_change, task.source.least_patience),
                self.floor,
                expects_descent=(
                    self.watched is task.objective and task.source.repeats and not self.settles
                ),
                relative_tol=task.relative_tol,
                small=small,
                settles=self.settles,
                noisy=units.standardised(noisy),
                noisy_tol=noisy_tol,
            ),
            max_iter=max_iter,
            max_time=self.estimator.max_time,
            past=past,
            average=average,
            watch=self.watch,
            began=self.began,
        )
        if result.stop == out_of_iterations(max_iter):
            result.stop = out_of_iterations(self.estimator.max_iter)
        if self.judges:
            result = self.evidence.settled(result)
            result.loss = self.loss_of(task.objective.at(result.theta))
        return result


def _go_ahead(estimator, task, pilot, watch, began):
    """The starts that go on after a first run, and the histories of the others."""
    descent, ends = _Descent(estimator, pilot.task, watch, began), []
    for number, start in enumerate(task.starts):
        method, theta = estimator._build_method(task.step_size), on_device(start, task.objective)
        result = descent.run(method, theta, pilot.max_iter)
        ended = result.stop if result.stop.kind in ENDS_ALL else None
        ends.append(Ahead(pilot, result, method, number, ended))
        if ended is not None or _is_late(estimator, began):
            break
    chosen = pilot.those_that_go_on(ends)
    dropped = [end for end in ends if end not in chosen] if chosen else []
    if estimator.verbose and dropped:
        names = ", ".join(f"{end.number + 1} ({end.result.loss:.6g})" for end in dropped)
        print(
            f"[{type(estimator).__name__}] start {chosen[0].number + 1} goes on with loss "
            f"{chosen[0].result.loss:.6g}; dropped: {names}"
        )
    return chosen, [_history(end.result, end.number) for end in dropped]


def _is_late(estimator, began):
    return time.perf_counter() - began > (estimator.max_time or np.inf)


def _history(result, number):
    """Columns of the history of a start."""
    history = {name: np.asarray(column) for name, column in result.history.items()}
    return {"start": np.full(result.n_iter + 1, number), **history}


def _train(estimator, task, watch, began):
    """Run the loop from each start: the best end, why, and what the estimator keeps of it."""
    objective, units, source, evidence = task.objective, task.units, task.source, task.evidence
    descent, histories = _Descent(estimator, task, watch, began), []
    starts = [(number, start, task.raced) for number, start in enumerate(task.starts)]
    pilot, chosen = pilot_of(task), []
    if pilot is not None:
        chosen, histories = _go_ahead(estimator, task, pilot, watch, began)
    if chosen:
        starts = [(one.number, to_numpy(one.result.theta), one) for one in chosen]
    floor, best = descent.floor, None
    for number, start, raced in starts:
        ended = None
        if chosen:
            raced.leads(evidence)
            ended = raced.ended
        if raced is None:
            method, average = estimator._build_method(task.step_size), task.average()
            theta, past = on_device(start, objective), None
            if task.resumes:
                past, last = recall(estimator._memory, method, objective, average)
                theta = theta if last is None else last
        else:
            method, average, past = raced.method_of(estimator), None, raced.past
            theta = on_device(start, objective)
        if raced is not None and raced.is_finished:
            result = raced.result
        else:
            made = 0 if raced is None else raced.n_iter
            n_first = max(task.first_iterations(estimator.max_iter) - made, 0)
            n_first = n_first if ended is None else 0
            small = 0.0 if task.raced is None else units.small()
            result = descent.run(method, theta, n_first, past, average, small)
            if raced is not None:
                result = result.after(raced.result)
            if ended is not None:
                result.stop = ended

        def minimized(objective, theta, max_iter, method=method):
            if objective is None:  # on the points that the task has now
                again = _Descent(estimator, task, watch, began)
                return again.run(method, theta, max_iter)
            return minimize(
                method,
                objective,
                theta,
                report=units.loss,
                parts=task.columns,
                stop_rules=Stopping(
                    task.tol,
                    task.n_iter_no_change,
                    floor,
                    relative_tol=task.relative_tol,
                ),
                max_iter=max_iter,
                max_time=estimator.max_time,
                watch=watch,
                began=began,
            )

        result = task.finished(result, minimized)
        history = _history(result, number)
        momentum = _share_of_momentum(estimator, history["beta"][1:])
        reason = result.stop.sentence + task.remark + momentum

        if estimator.verbose:
            name = type(estimator).__name__
            print(
                f"[{name}] start {number + 1}/{len(task.starts)}: loss {result.loss:.6g} after "
                f"{result.n_iter} iterations. {reason}"
            )
        histories.append(history)
        if best is None or not isfinite(best[0].loss) or result.loss < best[0].loss:
            belief = None if evidence is None else evidence.state()
            best = result, method, average, reason, history["loss"], belief
        # Losses at the rounding level say nothing about which start is the better one.
        if result.loss <= floor or result.stop.kind in ENDS_ALL or _is_late(estimator, began):
            break
    last_stop, (result, method, average, reason, loss_curve, belief) = result.stop, best
    if evidence is not None:
        evidence.restore(belief)
    stop = last_stop if last_stop.kind == "interrupted" else result.stop
    loss = result.loss
    if task.validation is not None or evidence is not None:
        loss = units.loss(source.opening(objective).at(result.theta))
    # The last step belongs to the last iterate; after another one there is nothing to continue, but
    # where a mean of iterates was kept.
    goes_on = average is not None or result.theta is result.last.theta
    past = result.past if goes_on else None
    found = {
        "loss_": loss,
        "n_iter_": result.n_iter,
        "stop_reason_": reason,
        "history_": {n: np.concatenate([h[n] for h in histories]) for n in histories[0]},
        "loss_curve_": loss_curve,
        "validation_scores_": _scores(result.history, source.looks_every),
        "_memory": remember(method, past, result.last, average, source.place),
    }
    return result.theta, stop, found


def _train_once(estimator, task, began):
    """One iteration; it continues the history of the estimator."""
    objective, units, average = task.objective, task.units, task.average()
    method, past = estimator._build_method(task.step_size), None
    theta = on_device(task.starts[0], objective)
    if task.continues:
        past, last = recall(estimator._memory, method, objective, average)
        theta = theta if last is None else last
    result = minimize(
        method,
        objective,
        theta,
        source=task.source,
        report=units.loss,
        max_iter=1,
        past=past,
        average=average,
        began=began,
    )
    if result.stop.kind in ("diverged", "interrupted"):
        _warn_of_end(result.stop)
    history = {name: np.asarray(column) for name, column in result.history.items()}
    history = {"start": np.zeros(result.n_iter + 1, dtype=int), **history}
    n_iter, curve = result.n_iter, history["loss"]
    if task.continues:
        earlier = estimator.history_
        history["time"] = history["time"] + earlier["time"][-1]
        history = {name: np.append(earlier[name], history[name][1:]) for name in history}
        n_iter += estimator.n_iter_
        curve = np.append(estimator.loss_curve_, result.history["loss"][1:])
    stop = result.stop
    if stop.kind == "budget":
        stop = Stop(f"partial_fit made one iteration; there were {n_iter} so far", "budget")
    end, place = result.last, estimator._memory.get("place") if task.continues else None
    if average is not None and average.mean is not None:
        end = objective.at(average.mean)
    return end.theta, {
        "loss_": units.loss(end),
        "n_iter_": n_iter,
        "stop_reason_": stop.sentence,
        "history_": history,
        "loss_curve_": curve,
        "validation_scores_": None,
        "_memory": remember(method, result.past, result.last, average, place, task.fingerprint),
    }


def _scores(history, looks_every):
    """The score on held-out rows at each look, or None."""
    scores = history.get("validation_score")
    return None if scores is None else np.array(scores[looks_every::looks_every])


def _store(estimator, task, theta, found):
    """Fitted state, NumPy only, all at once."""
    found = {**task.attributes(theta), **found}
    if isinstance(task.model, FullyConnected) and not found.get("slabs_"):
        found["coefs_"], found["intercepts_"] = _unfold(task, found)
    stale = ["coefs_", "intercepts_", "feature_names_in_", "activation_", "hidden_layer_sizes_"]
    stale += ["alpha_", "noise_std_", "n_effective_parameters_", "log_evidence_", "_posterior"]
    stale += ["_X_range", "_progress", "feature_importances_", "slabs_"]
    for name in stale if task.continues else [*stale, "candidates_", "_decay"]:
        vars(estimator).pop(name, None)
    vars(estimator).update(found)
    TOLD.discard(estimator)


def _unfold(task, found):
    """Weights of each layer, with the standardisation multiplied into them."""
    shift, factor = task.output_units()
    coefs, intercepts = [], []
    for weights, biases in task.model.layers(torch.as_tensor(found["theta_"])):
        coefs.append(weights.T.numpy().copy())
        intercepts.append(biases.squeeze(1).numpy().copy())
    coefs[0] = coefs[0] / found["X_scale_"][:, None]
    intercepts[0] = intercepts[0] - found["X_mean_"] @ coefs[0]
    coefs[-1] = coefs[-1] * factor
    intercepts[-1] = intercepts[-1] * factor + shift
    return coefs, intercepts


def _share_of_momentum(estimator, beta):
    """A sentence on how often momentum acted, where it was asked for."""
    if not estimator._has_momentum():
        return ""
    return f" Momentum acted in {np.count_nonzero(np.nan_to_num(beta))} of {len(beta)} iterations."


def _warn_of_end(stop, budget_advice=""):
    if stop.kind != "interrupted" and is_refitted():
        return
    if stop.kind == "interrupted":
        warn(stop.sentence)
    elif stop.kind == "diverged":
        warn(stop.sentence, ConvergenceWarning)
    elif stop.kind == "budget":
        warn(f"{stop.sentence} {budget_advice}", ConvergenceWarning)


def _warn_of_draws(task):
    """Say that optimal points were not enough of them."""
    source, d = task.source, task.source.dimension
    if not source.n_unstable:
        return
    advice = f"Increase {task.sizes}, or raise rcond."
    if enough_points(d) >= task.n_available:
        advice = (
            f"That is not less than all {task.n_available} rows: a batch cannot stand for them. "
            "Take them all, batch_size=None, or raise rcond, or take fewer neurons."
        )
    warn(
        f"sampler='christoffel': {source.n_unstable} of {source.n_draws} draws did not reach "
        f"‖Ĝ − I‖ ≤ {STABLE}, and the best of their attempts was taken. The tangent space "
        f"has {d} dimensions at the end, for which {enough_points(d)} points are enough. " + advice
    )
