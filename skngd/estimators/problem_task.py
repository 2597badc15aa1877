"""What is fitted where there is a problem: its equation, its conditions, and measurements."""

import time

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from ..pde.checks import check_problem, needs_conditions
from ..pde.observe import observed_of
from .accuracy.aim import Aim, Watched, of_loss, work_of_iterations
from .accuracy.error import estimated_error, work_of_estimate
from .accuracy.misfit import warn_of_misfit, without_outliers
from .accuracy.open_fields import open_names, told_of_prior, warn_of_undetermined
from .accuracy.prior import answered, settled
from .accuracy.straight import straightened
from .accuracy.unknowns import told_unknowns, warn_of_loss
from .accuracy.verdict import LARGE_ERROR, hidden_residual, tell, warn_of_hidden
from .callers import is_searched, warn
from .device import plain_tensors, to_numpy
from .evolution.in_slabs import InSlabs
from .ground import Ground, device_for, free_fields
from .neurons import fresh_activation
from .points.observed import named_columns, observed, weights_of
from .points.physics import columns_of, empty_equations, fitted_view
from .points.statement import refuse_untold, warn_of_the_problem
from .problem_settings import check_problem_settings
from .rows.data import ROWS, advice
from .starts.again import best_of_races
from .starts.guesses import from_other_guesses
from .starts.overfitting import OTHER_POINTS, Overfitting
from .starts.race import is_raced
from .task import Task, check_step_rule
from .units import UnitsOfResiduals


class ProblemTask(Task):
    """A fit of the residuals of a problem, equation (PINN); arguments as those of ``fit``."""

    relative_tol, field_evidence, spread = Ground.relative_tol, None, np.nan
    # The race; other first guesses of the unknowns that were tried.
    race, n_guesses = None, 0
    budget_advice = (
        "The best solution so far was kept; see score() and history_. Increase it or tol."
    )
    sizes = "batch_size or n_interior"

    def __init__(self, estimator, X, y, sample_weight, X_val=None, y_val=None, opening=None):
        if X_val is not None or y_val is not None:
            raise ValueError(
                "X_val and y_val are for problem=None. With a problem, keep rows apart and use "
                "score(X, y), or cross-validation."
            )
        self.began, self.slabs, self.opening = time.perf_counter(), InSlabs(self), opening
        super().__init__(estimator, estimator.warm_start)
        check_step_rule(estimator, draws=estimator.sampler == "christoffel")
        check_problem_settings(estimator)
        self.problem = clone(estimator.problem, safe=False)
        with plain_tensors():
            check_problem(self.problem)
        self.is_weighted = sample_weight is not None
        self.X, self.y, self.weight = self._validated(X, y, sample_weight)
        refuse_untold(self.problem, y)
        y = self.y
        self.rows = self.X, (y if y is None or y.shape[1] > 1 else y[:, 0]), self.weight
        with plain_tensors():
            self.has_none, self.contradicts = warn_of_the_problem(self.problem, y)
        self.random_state = check_random_state(estimator.random_state)
        self.continues = self.continues and self.slabs.can_continue()
        self.is_raced = is_raced(estimator) and not self.continues

    def _validated(self, X, y, sample_weight):
        """X, y and weights as arrays, or None where they were not given."""
        columns = columns_of(self.problem)
        if X is None:
            if y is not None or sample_weight is not None:
                given = "y" if y is not None else "sample_weight"
                raise ValueError(f"Expected X with {given}, got None. Pass the rows it belongs to.")
            self.seen.n_features_in_ = len(columns)
            vars(self.seen).pop("feature_names_in_", None)
            return None, None, None
        named_columns(X, columns)
        with advice(ROWS):
            X = validate_data(self.seen, X, dtype=np.float64)
        if X.shape[1] != len(columns):
            raise ValueError(
                f"Expected X with {len(columns)} columns, {columns}, got {X.shape[1]}. Give the "
                "coordinates of the domain, then the inputs, in this order."
            )
        if y is None:
            return X, None, weights_of(X, sample_weight)
        names = [one.name for one in observed_of(self.problem)]
        return X, *observed(X, y, sample_weight, names)

    def place(self):
        estimator, random_state = self.estimator, self.random_state
        device = device_for(estimator, self.problem, self.X, self.is_raced)
        self.device = str(device)
        self.given = given = self.problem, (self.X, self.y, self.weight), device, random_state
        free = free_fields(estimator, given, is_raced(estimator))
        is_estimated = self._is_estimated() and not (free or self.has_none)
        self.aim = Aim(estimator.tol, is_estimated, self.y is not None)
        if self.is_raced:
            self.race, self.raced = best_of_races(
                *(estimator, *given, self.began, self.aim, free),
                self.slabs.take_harmonics,
            )
            self.aim = self.race.aim
            self.slabs.take_after_race()
            self.starts = [to_numpy(self.raced.theta)]
            self._take_winner()
            self.candidates = self.race.table()
            hides = self.raced.is_by_parts or self.raced.overfits
            if hides and not self.slabs and self.ground.points.adapt():
                # What was found with points that adapt is lost in some iterations on others.
                drawn = self.ground.points.draw_fresh(self.raced.theta)
                self.objective = self.ground.objective_on(*drawn)
            first = self.raced.course.first
            drawn = self.ground.objective.at(self.ground.tensor(self.raced.course.plain))
        else:
            view = fitted_view(estimator) if self.continues else None
            self.ground = Ground(estimator, *given, view, free)
            self.network = estimator._activation(), tuple(estimator._hidden_layer_sizes())
            self.slabs.take_again()
            self.starts = self._named_starts()
            first = drawn = self.ground.objective.at(self.ground.tensor(self.starts[0]))
            self.physics.check_start(first)
            self.objective = self.ground.objective
        self.overfitting = Overfitting(self)
        self.source = self.ground.points.source(self.ground.objective_on)
        if self.source.draws and not self.source.begins_fresh:
            # Points that stay the same decide which iterate is the best.
            self.validation = self._judging()
        if self.continues:
            # The start is a fit already: what is left is a part of what a fresh one has.
            fresh = self.physics.initial(np.random.RandomState(0))
            drawn = self.objective.at(self.ground.tensor(fresh))
        self.first_parts = self.physics.relative_parts(drawn)
        self.first_loss = first.loss or 1.0
        self.units = UnitsOfResiduals(self.objective, first.loss)
        self.n_multiplications = self.ground.n_multiplications

    def _judging(self):
        """The objective that tells which iterate is the best, where the points change.

        After a race its points follow the residual of the winner: what sees little of a front would
        call the fit converged.
        """
        points = self.ground.points
        if self.raced is None:
            return self.ground.objective_on(points.draw())
        return self.ground.objective_on(*points.draw_fresh(self.raced.theta))

    def can_follow(self):
        """Whether points may follow the residual from now on."""
        return not (self.ground.free_fields or self.ground.measured) and self.ground.points.adapt()

    def follow(self, theta):
        """Take points that follow the residual at θ."""
        points, objective_on = self.ground.points, self.ground.objective_on
        self.raced.theta = theta
        self.objective, self.source = (
            objective_on(*points.draw_fresh(theta)),
            points.source(objective_on),
        )
        self.validation = self._judging()

    def _take_winner(self):
        """What the winner of the race has now."""
        course = self.raced.course
        self.ground, self.objective = course.ground, course.ground.objective
        self.network, self.remark = (course.activation, course.sizes), self.race.told(self.raced)

    @property
    def tol(self):
        return of_loss(self.estimator.tol, self.aim)

    def watched(self, watch):
        return Watched(self, watch) if self.aim.is_there else watch

    def end_at(self, iterate):
        """A :class:`Stop` where an iterate is as exact as is wanted, or None."""
        aim, part = self.aim, iterate.loss / self.first_loss
        aim.spend(iterate.objective, 1)
        is_met = aim.is_due(self.physics, part) and aim.look(
            self.ground, iterate, self.activation(), part
        )
        return aim.stop if is_met else self.overfitting.look(iterate)

    def finished(self, result, minimized):
        if self.slabs or self.opening:
            return (self.opening or self.slabs).ended(result)
        return from_other_guesses(self, self.to_its_end(result, minimized), minimized)

    def to_its_end(self, result, minimized):
        """The end of a fit, with what is done where its iterations have ended."""
        if self.aim.is_met:
            return result
        if result.stop == OTHER_POINTS:
            result = self.overfitting.go_on(result, minimized)
        if self.raced is not None and self.validation is None and not self.ground.free_fields:
            result = self.race.growth.finished(self.raced, result)
            self._take_winner()
        if result.stop.kind not in ("converged", "budget"):
            return result
        max_iter = self.estimator.max_iter
        result = without_outliers(self, result, minimized)
        if self.ground.free_fields:
            result, self.field_evidence = settled(
                self.ground, result, minimized, max_iter, self.activation()
            )
        elif self._has_constraints():
            result = straightened(self, result, minimized)
        return result

    def first_iterations(self, max_iter):
        if self.slabs or self.opening:
            return 0
        return max_iter - max_iter // 2 if self._has_constraints() else max_iter

    def _has_constraints(self):
        """Whether measurements are not to bend equation and conditions."""
        estimator = self.estimator
        is_open = estimator.measurement_weight == "auto" and not self.ground.free_fields
        is_estimated = estimator.estimate_error and estimator.dtype == "float64"
        return self.y is not None and is_open and is_estimated and not self.source.draws

    @property
    def physics(self):
        return self.ground.physics

    @property
    def model(self):
        return self.ground.model

    def _named_starts(self):
        """Starts of a network that is named, or the end of the last fit."""
        estimator, physics = self.estimator, self.physics
        if self.opening:
            return [self.opening.start(self.ground)]
        if self.continues and not self.slabs:
            last = estimator._last_theta(self.model)
            return [physics.internal(last, estimator.unknowns_)]
        n_init = 1 if estimator.n_init == "auto" else estimator.n_init
        return [physics.initial(self.random_state) for _ in range(n_init)]

    def columns(self, iterate):
        return self.physics.parts(iterate)

    def attributes(self, theta):
        n_fields, discretization = len(self.problem.fields), self.physics.discretization
        mean, scale = discretization.scaling_of_inputs()
        fitted = {} if self.raced is None else {"candidates_": self.candidates}
        if self.estimator.model is None:
            fitted["activation_"], fitted["hidden_layer_sizes_"] = self.network
        return {
            **self._columns_seen(),
            **fitted,
            **self.physics.fitted_at(theta),
            "sizes_": discretization.sizes,
            "_local_sizes": discretization.local_sizes,
            "device_": self.device,
            "circles_": tuple(self.problem.domain.names[i] for i in discretization.circles.axes),
            "holes_": tuple(hole.face for hole in discretization.view.holes),
            "X_mean_": mean,
            "X_scale_": scale,
            "y_mean_": np.zeros(n_fields),
            "y_scale_": np.ones(n_fields),
        }

    def output_units(self):
        return 0.0, 1.0

    def conclude(self, theta, stop, n_iter):
        if self.slabs:
            return self.slabs.conclude()
        parts = self.physics.relative_parts(self.objective.at(theta))
        blocks, name = self.objective.points.blocks, type(self.problem).__name__
        empty = [sentence for block in blocks for sentence in empty_equations(block, name)]
        # What jumps cannot be linearised.
        seen = np.sqrt(parts["equation"])
        hidden = hidden_residual(self.physics, theta, seen)
        at, solution, self.estimate = self.aim.known
        if at is not theta:
            solution, is_odd = self.solution(theta), empty or hidden is not None
            self.estimate = None if is_odd else self.estimated(solution, n_iter)
        if self.has_none:
            self.estimate, self.verdict = None, " The problem has no solution."
        if not empty and self.slabs.take_after_fit(stop, hidden is not None):
            return self.slabs.conclude()
        for sentence in empty:
            warn(sentence)
        warn_of_hidden(hidden, seen)
        tell(self, parts, stop)
        if self.y is not None and self.problem.unknowns and stop.kind == "converged":
            warn_of_misfit(self, *solution[:2], solution[3])
        estimate, unknown = self.estimate, dict.fromkeys(self.problem.fields, np.nan)
        return {
            "unknowns_std_": {},
            "unknowns_cov_": np.zeros((0, 0)),
            "noise_std_": None,
            "error_estimate_": unknown if estimate is None else estimate.relative,
            "_correction": getattr(estimate, "correction", None),
            "_error": getattr(estimate, "error", None),
            "_work": self.aim.spent + (0.0 if estimate is None else work_of_estimate(self.physics)),
            **dict.fromkeys(("_spread", "_field_posterior", "_error_beside_noise")),
            "slabs_": (),
            **self._of_unknowns(solution),
        }

    def solution(self, theta):
        """Physics, θ and blocks, in the sizes that the unknowns have come out with."""
        if self.field_evidence:
            return self.physics, theta, self.ground.points.draw(), self.ground.measured
        return self.ground.solution(theta)

    def _of_unknowns(self, solution):
        """What is kept of unknown coefficients, and of fields that only measurements determine."""
        if not (self.problem.unknowns or self.field_evidence):
            return {}
        parts, posterior, left_open = None, None, ()
        if self.field_evidence:
            parts, posterior = answered(self.ground, solution[1], self.field_evidence)
            left_open = open_names(self.field_evidence, self.ground)
        told = told_unknowns(*solution, self.estimate, posterior, parts, left_open)
        found = told.attributes(self.problem)
        if posterior is not None:
            is_open = [field in left_open for field in self.problem.fields]
            spread = np.where(is_open, np.inf, posterior.relative(self.physics))
            self.spread = float(spread.max(initial=0.0, where=~np.array(is_open)))
            found["error_estimate_"] = dict(zip(self.problem.fields, spread.tolist(), strict=True))
            found["_correction"], found["_field_posterior"] = parts, posterior.kept(is_open)
            self.verdict = told_of_prior(self.ground, left_open)
            warn_of_undetermined(self.ground, left_open, found["error_estimate_"])
            return found
        if self.estimator.measurement_loss != "squared" and self.estimate is None:
            warn_of_loss(self.estimator.measurement_loss)
        spread = told.spread(self.estimate)
        if spread and self.y is not None:
            error = max(spread["error_estimate_"].values())
            self.verdict = f" Estimated relative error, with that by noise: {error:.1e}."
        return {**found, **spread}

    def excuses(self, stop):
        return bool(self.slabs) or (stop.kind == "budget" and self.error() <= LARGE_ERROR)

    def estimated(self, solution, n_iter):
        """The error of the solution, where the problem alone determines it."""
        physics, theta, *_ = solution
        if not self._is_estimated():
            return None
        activation = self.activation()
        work = work_of_iterations(self.objective, n_iter)
        if self.is_late():
            work = 0
        try:
            return estimated_error(physics, theta, activation, work, self.ground.observations)
        except KeyboardInterrupt:
            if is_searched():
                raise
            warn("Interrupted from the keyboard: the error is not estimated. The solution is kept.")
            return None

    def _is_estimated(self):
        """Whether the error is, as far as the settings tell."""
        estimator = self.estimator
        if self.opening:
            return False  # its slabs tell what comes from each to the next
        is_own = self.X is not None and self.y is None
        # A weight that is named is what the physics is to be bent by.
        is_bent = self.y is not None and estimator.measurement_weight != "auto"
        if is_own or is_bent or not estimator.estimate_error or estimator.dtype != "float64":
            return False
        return bool(self.problem.with_numbers().conditions) or not needs_conditions(self.problem)

    def activation(self):
        """Of fresh neurons."""
        return fresh_activation(None if self.estimator.model is not None else self.network[0])

    def is_late(self, part=0.5):
        """Whether this part of the time is over."""
        limit = self.estimator.max_time
        return limit is not None and time.perf_counter() - self.began > part * limit

    def error(self):
        """The largest relative error of a field; NaN where it is not known."""
        return self.spread if self.estimate is None else self.estimate.largest
