"""alpha="auto" of classes: a plain decay or that of the evidence, whichever tells left-out rows."""

import copy
import time
from math import inf

import numpy as np

from .choice import is_ended, run_aside, take_state
from .evidence.evidence import LARGEST, is_auto

# A decay of the mean loss that is right where classes can be told apart.
PLAIN = 3e-3
# Stronger ones, each for as long as it tells left-out rows better than the one before, where they
# have more than this part of the loss of constants: labels that are mostly noise.
STRONGER, LITTLE_TOLD = (3e-2, 1e-1, 1.0), 0.75
# The same where nothing is told.
NO_BETTER = 0.98
# A loss of left-out rows, as a part of that of constants, from which on a fit by the evidence has
# found next to nothing; the starts that it gets then.
NOTHING, MORE_STARTS = 0.9, 3


def take_plain_decay(task):
    """Of a part of the rows after the other the plain decay, until a fit has told another."""
    if is_auto(task.alpha) and not task.continues:
        task.alpha = PLAIN


def chooses_decay(estimator, task):
    """Whether the fit is to choose: "auto", for sizes that are named, and not known already."""
    if not is_auto(estimator.alpha) or is_auto(estimator.hidden_layer_sizes):
        return False
    if task.continues:
        task.alpha = getattr(estimator, "_decay", "auto")
    return not task.continues


def fit_each_decay(estimator, task, began):
    """Fit with the plain decay, then by others where they may be better; keep the best.

    Noise takes a decay that is stronger than the evidence finds: its formula knows the network as
    it is at its end, and not the neurons that could have followed other labels.

    Parameters
    ----------
    estimator : NaturalMomentumClassifier
        Gets the state of the best fit, and ``candidates_``.
    task : RowsTask
        Before it is placed; ``alpha`` is what differs.
    began : float
        When the fit began.
    """
    choice = _Choice(estimator, task, began)
    plain = choice.tries(PLAIN, estimator.n_init)
    if not choice.is_over and (plain is None or not plain.is_near):
        n_init = 1 if estimator.n_init == "auto" else estimator.n_init
        found = choice.tries("auto", n_init)
        for alpha in STRONGER:
            if choice.is_over or found is None or choice.least < LITTLE_TOLD * found.of_constant:
                break
            if choice.tries(alpha, estimator.n_init) is not choice.best_found:
                break
        is_stuck = found is not None and choice.least > NOTHING * found.of_constant
        is_small = choice.task.model.n_parameters <= LARGEST
        if estimator.n_init == "auto" and is_stuck and is_small and not choice.is_over:
            choice.tries("auto", MORE_STARTS)
    choice.store()


class _Choice:
    """The fits so far, and the best of them."""

    def __init__(self, estimator, task, began):
        self.estimator, self.began, self.task = estimator, began, task
        # Each fit begins with the same draws.
        self.first, self.random_state = task, copy.deepcopy(task.random_state)
        self.rows, self.best, self.least, self.is_over = [], None, inf, False
        self.best_found = None

    def tries(self, alpha, n_init):
        """Fit once: what left-out rows say, or None where they are not asked."""
        estimator, task, began = self.estimator, copy.copy(self.first), time.perf_counter()
        one = copy.copy(estimator)
        if self.rows:
            task.random_state = copy.deepcopy(self.random_state)
        task.alpha, task.n_init = alpha, n_init
        task.looks, task.asks_left_out = [], True
        warned = run_aside(one, task, self.began, with_callbacks=not self.rows)
        found, self.task = task.left_out, task
        loss = np.nan if found is None else found.loss
        # What a named decay has learnt by heart the evidence does better.
        is_by_heart = not is_auto(alpha) and found is not None and found.is_by_heart
        if self.best is None or (loss < self.least and not is_by_heart):
            self.best, self.best_found = (one, alpha, warned), found
            self.least = inf if is_by_heart else loss
        seconds = time.perf_counter() - began
        name = "evidence" if is_auto(alpha) else alpha
        self.rows.append((name, loss, one.n_effective_parameters_, one.n_iter_, seconds))
        late = time.perf_counter() - self.began >= (estimator.max_time or inf)
        self.is_over = found is None or late or is_ended(one)
        if estimator.verbose:
            print(
                f"[{type(estimator).__name__}] alpha={name}: loss of left-out rows {loss:.6g}, "
                f"{one.n_effective_parameters_:.1f} effective parameters, {seconds:.1f} s."
            )
        return found

    def store(self):
        """Give the estimator the state of the best fit, all at once."""
        one, alpha, warned = self.best
        names, losses, effective, n_iter, seconds = zip(*self.rows, strict=True)
        kept = {
            "_decay": alpha,
            "candidates_": {
                "alpha": np.array(names, dtype=object),
                "left_out_loss": np.array(losses),
                "n_effective_parameters": np.array(effective),
                "n_iter": np.array(n_iter),
                "time": np.array(seconds),
            },
        }
        chosen = "by the evidence" if is_auto(alpha) else f"alpha={alpha:g}"
        told = f" Decay {chosen}"
        if len(names) > 1:
            others = ", ".join(f"{n}: {loss:.3g}" for n, loss in zip(names, losses, strict=True))
            told += f", chosen by the loss of left-out rows ({others})."
        elif np.isfinite(losses[0]):
            told += f": left-out rows have the loss {losses[0]:.3g}, and no other was tried."
        else:
            told += ", without a look at left-out rows: they are too many for a comparison."
        found = self.best_found
        if found is not None and found.loss > NO_BETTER * found.of_constant:
            told += (
                f" The share of each class has {found.of_constant:.3g}: X tells next to nothing of "
                "y. Where it should, add rows."
            )
        take_state(self.estimator, one, kept, told, warned)
