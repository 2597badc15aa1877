"""What is fitted: a task has the data, the objective, the starts and the units of one fit."""

import copy
from abc import ABC, abstractmethod

import numpy as np
import torch
from sklearn.utils import check_random_state

from ..losses import OnValues
from ..models import FullyConnected, WithDerivatives
from ..optim import Objective
from ..optim.averaging import Average
from ..optim.source import Batches, OptimalBatches, Source
from ..tangent.christoffel import RCOND
from .base import DTYPES
from .device import resolve_device, to_numpy
from .evidence.evidence import Belief, build_evidence, is_auto, judged_objective
from .memory import fingerprint
from .rows.data import check_batch_size, split
from .rows.importances import feature_importances
from .rows.many_rows import LOOKS_EVERY, came_far, judges, rows_of_batch
from .rows.outside import range_of
from .rows.scaling import moments_without_far, scale_of_inputs, told_of_far

# A row counts as so many at most.
LARGEST_WEIGHT = 1e9
# Parameters up to which n_init="auto" makes three starts: few neurons have many local minima, and
# their iterations are cheap. The number of rows must not decide: a weight of 2 is two rows.
SMALL_NETWORK = 100
# The same where the evidence compares them: starts differ in their first decay, too.
COMPARED_NETWORK = 300
# Multiplications of an iteration up to which they do.
CHEAP_MULTIPLICATIONS = 5e8
# What stop_reason_ says of the default in batches.
OF_BATCHES = (
    " In batches: steps of constant length, a metric and a momentum that remember earlier rows; "
    "the mean of the last iterates was kept."
)
OF_MANY_ROWS = " Each iteration saw {} of the {} rows (batch_size='auto'; None takes all)."


def check_step_rule(estimator, draws):
    """Refuse a step length that belongs to optimal points, where none are drawn."""
    if estimator.step_size == "christoffel" and not draws:
        raise ValueError(
            "Expected optimal points in each iteration for step_size='christoffel', which takes "
            f"the step length from them, got sampler={estimator.sampler!r} with batch_size="
            f"{estimator.batch_size}. Call fit with sampler='christoffel' and a batch_size, or set "
            "step_size='auto'."
        )


def rest(model, theta, is_constant):
    """Set the weights of outputs that do not vary to zero in ``theta``.

    They stay there, as neither a gradient nor another output moves them: what is constant is met to
    its last digit, in batches, too.
    """
    for weights, biases in model.layers(torch.from_numpy(theta), last_only=True):
        weights[torch.from_numpy(is_constant)] = 0.0
        biases[torch.from_numpy(is_constant)] = 0.0


class Task(ABC):
    """One fit. The estimator is read, and left alone.

    Attributes
    ----------
    continues : bool
        Whether the parameters of the last fit are the start.
    n_iter_no_change : int
        Iterations in which the loss has to change.
    rows, is_weighted : tuple (X, y, weight), bool
        The training rows as they were given, for callbacks; whether weights were given.
    relative_tol : float
        What ``tol="auto"`` stands for.
    budget_advice, sizes : str
        What to try where the budget is spent; what says how many points are drawn.
    model : Model
        The network. This and the rest is there after :meth:`place`.
    objective, validation : Objective
        All training points, and the points that decide which iterate is the best, if others do.
    evidence : Evidence or None
        The source, where it estimates decay and noise.
    starts : list of ndarray of shape (P,)
    source, units : Source, Units
        Of the points of each iteration, and of the losses.
    n_multiplications, n_available : float
        Of one iteration, about; how many points there are to draw from.
    raced, remark : Candidate or None, str
        The winner of a race, which goes on; a sentence for ``stop_reason_`` on it.
    verdict : str
        A sentence for ``stop_reason_`` on the end, after :meth:`conclude`.
    last_score : float or None
        Of the held-out rows, when they were looked at last.
    alpha : float or "auto"
        The decay of this fit, or that the evidence is to tell it.
    n_init : int or "auto"
        How many starts are drawn.
    left_out : LeftOut or None
        The loss of left-out rows, where it was asked for, after :meth:`conclude`.
    resumes : bool
        Whether the iterations go on where those of the last fit ended, with all they remember.
    step_size : str, float or None
        What the step length "auto" stands for; None: what the optimizer says.
    fingerprint : int or None
        Of the rows of a stream.
    """

    validation = evidence = last_score = None
    n_available = np.inf
    resumes, step_size, fingerprint = False, None, None
    raced, remark, verdict = None, "", ""
    told_of_inputs = ""
    asks_left_out, left_out = False, None
    drawn, end, is_underfit = None, None, False

    def __init__(self, estimator, continues):
        # The copy gets the attributes of a validation.
        self.estimator, self.seen = estimator, copy.copy(estimator)
        self.continues = continues and hasattr(estimator, "theta_")
        self.alpha, self.n_init = estimator.alpha, getattr(estimator, "n_init", 1)
        self.n_iter_no_change = estimator.n_iter_no_change
        estimator._check_settings()

    @abstractmethod
    def place(self):
        """Build the objective and the starts, as tensors on the device of the fit."""

    def columns(self, iterate):
        """Columns of the history, a dict of numbers."""
        return {}

    def look(self, iterate):
        """Take note of an iterate on the points that decide which one is the best."""
        self.last_score = None

    @property
    def tol(self):
        """That of the loss."""
        return self.estimator.tol

    def watched(self, watch):
        """What the loop tells of each iteration, from a watch or None."""
        return watch

    def average(self):
        """The mean of iterates that takes the place of the last one, or None."""
        return None

    def excuses(self, stop):
        """Whether the end is good enough, however the iterations stopped."""
        return False

    @abstractmethod
    def attributes(self, theta):
        """What the estimator keeps of parameters, as a dict of NumPy arrays and numbers."""

    @abstractmethod
    def output_units(self):
        """Shift and factor of the last layer, in the units of y."""

    def first_iterations(self, max_iter):
        """How many iterations are made before the end is looked at by :meth:`finished`."""
        return max_iter

    def finished(self, result, minimized):
        """The end of a run, which may go on by ``minimized(objective, theta, max_iter)``."""
        return result

    def conclude(self, theta, stop, n_iter):
        """Look at the end of so many iterations once more: further attributes, a dict."""
        return {}

    def _columns_seen(self):
        """Number and names of the columns of X."""
        names = ("n_features_in_", "feature_names_in_")
        return {name: getattr(self.seen, name) for name in names if hasattr(self.seen, name)}


class RowsTask(Task):
    """A fit of the network to rows; arguments as those of ``fit``."""

    budget_advice = (
        "Increase it or raise tol; where the data are noisy, alpha='auto' keeps the noise out."
    )
    sizes = "batch_size"

    def __init__(self, estimator, X, y, sample_weight, X_val=None, y_val=None):
        super().__init__(estimator, estimator.warm_start)
        draws = estimator.batch_size not in (None, "auto") and estimator.sampler == "christoffel"
        check_step_rule(estimator, draws)
        self.targets = estimator._targets(self.continues, y=y)
        self._validate(X, y, sample_weight)
        self._hold_out(X_val, y_val)
        check_batch_size(estimator.batch_size, len(self.training[0]))
        self._standardise()

    @property
    def resumes(self):
        return self.continues

    @property
    def sees_parts(self):
        """Whether each iteration sees some of the rows, drawn alike."""
        return self.batch_size is not None and self.estimator.sampler != "christoffel"

    @property
    def step_size(self):
        estimator = self.estimator
        is_free = estimator.optimizer == "ngd" and estimator.step_size == "auto"
        return "batches" if is_free and self.sees_parts else estimator.step_size

    def average(self):
        return Average() if self.step_size == "batches" else None

    def _validate(self, X, y, sample_weight):
        self.training = self.targets.validated(
            self.seen, X, y, sample_weight, reset=not self.continues
        )
        self.is_weighted = sample_weight is not None
        # Weights are divided by the largest.
        self.largest_weight = (
            1.0 if sample_weight is None else np.asarray(sample_weight, float).max()
        )
        self.repeats_rows = (
            sample_weight is not None and np.asarray(sample_weight).dtype.kind in "iu"
        )
        self.random_state = check_random_state(self.estimator.random_state)
        self.relative_tol, self.looks = self.targets.relative_tol, []

    def _hold_out(self, X_val, y_val):
        """Keep rows apart that decide which iterate is kept."""
        self.held_out = None
        if X_val is not None or y_val is not None:
            if X_val is None or y_val is None:
                raise ValueError(
                    "Expected X_val and y_val together, got only "
                    f"{'y_val' if X_val is None else 'X_val'}. Give both, or early_stopping=True."
                )
            self.held_out = self.targets.validated(self.seen, X_val, y_val, None, reset=False)
            given, expected = self.held_out[1].shape[1], self.training[1].shape[1]
            if given != expected:
                raise ValueError(
                    f"Expected y_val to have {expected} columns, as y has, got {given}."
                )
        elif self.estimator.early_stopping:
            strata = self.targets.strata(self.training[1])
            fraction = self.estimator.validation_fraction
            self.training, self.held_out = split(self.training, fraction, strata, self.random_state)

    def _standardise(self):
        """Measure the training rows, or take up what the first fit has measured."""
        X, y, weight = self.training
        self.known_range = getattr(self.estimator, "_X_range", None) if self.continues else None
        if self.continues:
            self.X_mean, self.X_scale = self.estimator.X_mean_, self.estimator.X_scale_
            if y.shape[1] != self.targets.n_outputs:
                raise ValueError(
                    f"Expected y to have {self.targets.n_outputs} columns, as in the first fit, "
                    f"got {y.shape[1]}. Set warm_start=False, or clone the estimator, to start "
                    "anew."
                )
        else:
            self.X_mean, deviation, n_far = moments_without_far(X, weight)
            self.X_scale = scale_of_inputs(deviation)
            names = getattr(self.estimator, "feature_names_in_", None)
            self.told_of_inputs = told_of_far(n_far, names)
            self.targets.standardise(y, weight)
        self.rows = X, self.targets.as_given(y), weight

    def place(self):
        estimator, (X, _, _) = self.estimator, self.training
        shape = X.shape[1], self.targets.n_outputs
        probe = estimator._build_model(*shape)
        self.n_multiplications = estimator._multiplications(len(X), probe)
        device = resolve_device(estimator.device, self.n_multiplications)
        self.device = str(device)
        self.model = probe if device.type == "cpu" else estimator._build_model(*shape, device)
        self.objective = self._objective(*self.training)
        if self.held_out is not None:
            self.validation = self._objective(*self.held_out)
        self.batch_size = rows_of_batch(estimator, len(X), self.model, self.n_multiplications)
        self.chose_batches = estimator.batch_size == "auto" and self.batch_size is not None
        if self.chose_batches and self.held_out is None:
            self.validation = judges(self.objective, self.random_state)
        self.starts = [estimator._last_theta(self.model)] if self.continues else self._draw_starts()
        if np.any(self.targets.is_constant) and isinstance(self.model, FullyConnected):
            for theta in self.starts:
                rest(self.model, theta, self.targets.is_constant)
        self.source, self.n_available = self._source(), len(X)
        self.units = self.targets.units()
        if self.step_size == "batches":
            self.remark = OF_BATCHES
        if self.chose_batches:
            self.remark = OF_MANY_ROWS.format(self.batch_size, len(X)) + self.remark
        self.n_observed = self._count()
        self._estimate()

    def _count(self):
        """How many rows there are: a weight of an integer type is so many of them.

        Others, such as 1 / variance, only say how rows compare, whatever their unit is.
        """
        weight, n = self.training[2], len(self.training[2])
        if not self.repeats_rows:
            return float(n)
        most = min(float(self.largest_weight), LARGEST_WEIGHT)
        return max(float(most * weight.sum()), float(n))

    def _estimate(self):
        """Let the source estimate what is not named."""
        self.judged = judged_objective(self)
        self.evidence = build_evidence(self)
        self.source = self.evidence or self.source

    def _objective(self, X, y, weight, values_only=False):
        """L(v_θ) on standardised rows, equation (L), with the weight decay."""
        kind = {"dtype": DTYPES[self.estimator.dtype], "device": self.device}
        alpha, metric = self.alpha, self.estimator._metric()
        metric = "l2" if values_only else metric
        points = torch.as_tensor((X - self.X_mean) / self.X_scale, **kind)
        target = torch.as_tensor(self.targets.encode(y), **kind)
        loss = self.targets.loss(target, torch.as_tensor(weight, **kind))
        model, penalty = self.model, None
        if not is_auto(alpha) and alpha > 0:
            penalty = torch.zeros(model.n_parameters, **kind)
            penalty[model.decaying] = alpha
        if metric == "h1":
            d = X.shape[1]
            model = WithDerivatives(model.jets([(), *((i,) for i in range(d))]))
            loss, metric = OnValues(loss, model.n_outputs), "l2"
        return Objective(model, loss, points, metric, penalty)

    def _draw_starts(self):
        """Random starting points, several where an iteration costs next to nothing."""
        estimator, n_init = self.estimator, self.n_init
        if self.drawn is not None:
            return [self.drawn.theta]
        if n_init == "auto":
            largest = COMPARED_NETWORK if is_auto(self.alpha) else SMALL_NETWORK
            if self._count() * self.model.n_parameters**2 > CHEAP_MULTIPLICATIONS:
                largest = SMALL_NETWORK
            small = self.model.n_parameters <= largest
            # Without a hidden layer the problem is convex.
            several = small and estimator.model is None and estimator._hidden_layer_sizes()
            n_init = 3 if several else 1
        return [self.model.initial(self.random_state) for _ in range(n_init)]

    def _source(self):
        """The rows of each iteration."""
        size, rcond = self.batch_size, self.estimator.rcond
        if size is None:
            return Source()
        if self.estimator.sampler != "christoffel":
            place = self.estimator._memory.get("place") if self.continues else None
            batches = Batches(self.objective, size, self.random_state, place)
            if self.chose_batches:
                batches.looks_every = min(LOOKS_EVERY, batches.per_epoch)
            return batches
        rcond = RCOND if isinstance(rcond, str) else rcond
        return OptimalBatches(self.objective, size, self.random_state, rcond)

    def look(self, iterate):
        self.looks.append(iterate.loss)
        if self.held_out is not None:
            _, y, weight = self.held_out
            self.last_score = self.targets.score(to_numpy(iterate.value), y, weight)

    def columns(self, iterate):
        return {} if self.held_out is None else {"validation_score": self.last_score}

    def excuses(self, stop):
        # Whether what is left matters, for whoever gets the warning.
        is_at_rest = self.chose_batches and came_far(self.looks)
        return stop.kind == "budget" and (is_at_rest or self.left <= self.targets.negligible)

    def conclude(self, theta, stop, n_iter):
        end = self.objective.at(theta)
        self.left = end.loss - end.penalty
        points, weights = self.objective.points, self.objective.loss.weights
        importances = feature_importances(
            self.model, theta, points, weights, self.targets.is_relative
        )
        return {"feature_importances_": importances, **self.believed(theta, stop)}

    def believed(self, theta, stop):
        """Decay, noise and intervals, equations (EV) and (Var)."""
        belief = Belief(self, theta)
        self.verdict = belief.sentence()
        self.left_out = belief.left_out() if self.asks_left_out else None
        self.verdict += belief.warn_of_underfit(stop) + belief.warn_of_outliers(stop)
        self.end, self.is_underfit = theta, belief.is_underfit
        self.verdict += self.told_of_inputs
        return belief.attributes()

    def attributes(self, theta):
        return {
            **self._columns_seen(),
            **self._chosen_sizes(),
            "theta_": to_numpy(theta),
            "device_": self.device,
            "X_mean_": self.X_mean,
            "X_scale_": self.X_scale,
            "_X_range": range_of(self.rows[0], self.known_range),
            **self.targets.attributes(),
        }

    def _chosen_sizes(self):
        """What hidden_layer_sizes, "auto" or None, has become in an earlier fit."""
        name, estimator = "hidden_layer_sizes_", self.estimator
        if estimator.model is not None or estimator._names_sizes():
            return {}
        is_known = self.continues and hasattr(estimator, name)
        is_known = is_known or estimator.hidden_layer_sizes is None
        return {name: tuple(estimator._hidden_layer_sizes())} if is_known else {}

    def output_units(self):
        return self.targets.output_units()


class StreamTask(RowsTask):
    """One iteration on rows, from where the last one ended; arguments of ``partial_fit``.

    Rows that are not those of the call before are a batch of many.
    """

    @property
    def sees_parts(self):
        return self.continues and self.estimator._memory.get("rows") != self.fingerprint

    def __init__(self, estimator, X, y, sample_weight, classes=None):
        Task.__init__(self, estimator, continues=True)
        check_step_rule(estimator, draws=False)
        self.targets = estimator._targets(self.continues, classes, y)
        self._validate(X, y, sample_weight)
        self._standardise()
        self.held_out = None
        self.fingerprint = fingerprint(self.training)

    def _draw_starts(self):
        return [self.model.initial(self.random_state)]

    def _source(self):
        return Source()

    def _estimate(self):
        # One call does not know how many rows are to come: the decay is that of the last fit.
        known = getattr(self.estimator, "alpha_", None)
        if is_auto(self.alpha) and self.continues and known is not None:
            decay = torch.as_tensor(known).to(self.objective.points)
            self.objective = self.objective.with_decay(decay)

    def believed(self, theta, stop):
        penalty = self.objective.penalty
        decay = np.zeros(len(theta)) if penalty is None else to_numpy(penalty)
        return {"alpha_": decay, "_posterior": None}
