"""hidden_layer_sizes="auto": the evidence chooses the network, equation (EV)."""

import time
from math import inf

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from .choice import is_ended, run_aside, table_of, take_state
from .evidence.evidence import is_auto
from .task import RowsTask

# Hidden layers that are tried, from none, the linear model; the last has two.
WIDTHS, DEEP = ((), (5,), (10,), (20,), (40,)), (20, 20)
# How much the log evidence has to rise to go on, and how many widths may fall behind.
ONE_NAT, MOST_BEHIND = 1.0, 2


def chooses_sizes(estimator):
    """Whether the fit is to choose the network: named "auto", and not known from an earlier fit."""
    is_known = estimator.warm_start and hasattr(estimator, "hidden_layer_sizes_")
    return is_auto(estimator.hidden_layer_sizes) and estimator.model is None and not is_known


def fit_each_size(estimator, *data):
    """Fit networks of several sizes, and keep the one with the largest evidence.

    Rows that are held out, where there are some, judge in the place of the evidence. Widths rise
    until they no longer pay; then two hidden layers are tried.

    Parameters
    ----------
    estimator : NaturalMomentumRegressor or NaturalMomentumClassifier
        Gets the state of the best fit, ``hidden_layer_sizes_`` and ``candidates_``.
    *data : tuple
        Arguments of ``fit``.

    Raises
    ------
    ValueError
        If there is nothing to judge by.
    """
    is_held_out = estimator.early_stopping or data[3] is not None
    if not is_held_out and not is_auto(estimator.alpha):
        raise ValueError(
            "Expected alpha='auto', or rows that are held out, for hidden_layer_sizes='auto', "
            f"which compares networks by their evidence, got alpha={estimator.alpha!r}. Set "
            "alpha='auto', early_stopping=True, or name hidden_layer_sizes."
        )
    choice = _Choice(estimator, data, is_held_out)
    n_behind = 0
    for sizes in WIDTHS:
        n_behind = 0 if choice.tries(sizes) else n_behind + 1
        if n_behind == MOST_BEHIND or choice.is_over:
            break
    if not choice.is_over:
        choice.tries(DEEP)
    choice.store()


class _Choice:
    """The fits so far, and the best of them."""

    def __init__(self, estimator, data, is_held_out):
        self.estimator, self.data, self.is_held_out = estimator, data, is_held_out
        self.began, self.is_over = time.perf_counter(), False
        # Each size starts from the same draws.
        self.seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
        self.rows, self.best, self.warned, self.most = [], None, [], -inf

    def tries(self, sizes):
        """Fit one; whether it is better than those before by more than a nat, or the first."""
        estimator, began = self.estimator, time.perf_counter()
        one = clone(estimator).set_params(
            hidden_layer_sizes=sizes, random_state=self.seed, warm_start=False, verbose=0
        )
        if estimator.max_time is not None:
            one.set_params(max_time=max(estimator.max_time - (began - self.began), 1e-3))
        warned = run_aside(one, RowsTask(one, *self.data), began)
        worth = self._worth(one)
        is_better = self.best is None or worth > self.most
        pays = self.best is None or worth > self.most + (0.0 if self.is_held_out else ONE_NAT)
        if is_better:
            self.best, self.warned, self.most = one, warned, worth
        seconds = time.perf_counter() - began
        self.rows.append((sizes, worth, one.n_effective_parameters_, one.n_iter_, seconds))
        late = time.perf_counter() - self.began >= (estimator.max_time or inf)
        self.is_over = late or is_ended(one)
        if estimator.verbose:
            print(
                f"[{type(estimator).__name__}] hidden_layer_sizes={sizes}: {self.judge} "
                f"{worth:.6g}, {one.n_effective_parameters_:.1f} effective parameters, "
                f"{seconds:.1f} s."
            )
        return pays

    @property
    def judge(self):
        return "score of the held-out rows" if self.is_held_out else "log evidence"

    def _worth(self, one):
        worth = np.max(one.validation_scores_) if self.is_held_out else one.log_evidence_
        return float(worth) if np.isfinite(worth) else -inf

    def store(self):
        """Give the estimator the state of the best fit, all at once."""
        best, kept = self.best, {}
        kept["hidden_layer_sizes_"] = best.hidden_layer_sizes
        judge = "validation_score" if self.is_held_out else "log_evidence"
        kept["candidates_"] = table_of(self.rows, judge)
        told = (
            f" Of {len(self.rows)} networks hidden_layer_sizes={best.hidden_layer_sizes} has the "
            f"largest {self.judge}."
        )
        take_state(self.estimator, best, kept, told, self.warned)
