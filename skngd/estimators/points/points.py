"""The collocation points of a fit with a problem: how many, where, and drawn again when."""

import copy

import numpy as np

from ...optim.source import Redrawn, Source, epochs
from ...pde.optimal import OptimalPoints, candidates
from ...tangent.christoffel import RCOND
from ..rows.data import check_batch_size

# Iterations between two resamplings of sampler="adaptive" where resample_every is None.
ADAPT_EVERY = 20
# Samplers that draw the same points each time.
FIXED = ("grid", "gauss")


def check_points_settings(estimator, own):
    """Refuse combinations that draw other points than they name; ``own`` are the rows of a fit."""
    size, every, sampler = estimator.batch_size, estimator.resample_every, estimator.sampler
    if size is not None and every not in (None, 1):
        raise ValueError(
            f"batch_size={size} draws new points in each iteration, and resample_every={every} "
            f"would keep them. Set resample_every=None, or batch_size=None and n_interior={size}."
        )
    if every is not None and sampler in FIXED:
        raise ValueError(
            f"resample_every={every} with sampler={sampler!r} would draw the same points again. "
            "Set sampler='sobol', 'uniform', 'latin', 'adaptive' or 'christoffel', or "
            "resample_every=None."
        )
    if size is not None and sampler in FIXED and own is None:
        raise ValueError(
            f"batch_size={size} with sampler={sampler!r} would draw the same points in each "
            "iteration. Set sampler='sobol', 'uniform', 'latin', 'adaptive' or 'christoffel', or "
            "batch_size=None."
        )
    if own is not None:
        check_batch_size(size, len(own))


class Points:
    """The blocks of the equation and its conditions, on new points each time.

    X of shape (m, d), the rows of ``fit(X)``, takes the place of points that are drawn, with the
    weights of its rows; both are None where the domain gives the points.
    """

    def __init__(self, estimator, physics, X, weight, random_state):
        self.estimator, self.physics, self.random_state = estimator, physics, random_state
        self.own, self.optimal = None, None
        if X is not None:
            X = physics.checked(X)
            used = weight > 0
            self.own = X[used], weight[used] / weight[used].sum()
        check_points_settings(estimator, None if X is None else self.own[0])
        self.n_interior = physics.n_interior(estimator.n_interior)
        n = self.n_interior if X is None else len(X)
        self.n_boundary = physics.n_boundary(estimator.n_boundary, n)
        self.n_fresh = n if estimator.batch_size is None else estimator.batch_size
        self.order = self.own and epochs(len(self.own[0]), self.n_fresh, random_state)
        self.n_fresh_boundary = physics.n_boundary(estimator.n_boundary, self.n_fresh)
        with_sobol = estimator.sampler in ("adaptive", "christoffel")
        self.sampler = "sobol" if with_sobol else estimator.sampler

    def adapt(self):
        """Have half of the points follow the residual from now on, if the settings allow it."""
        estimator = self.estimator
        is_plain = estimator.sampler == "sobol" and estimator.batch_size is None
        if not is_plain or estimator.resample_every is not None or self.own is not None:
            return False
        self.estimator = copy.copy(estimator)
        self.estimator.sampler = "adaptive"
        if estimator.n_interior == "few":
            # Few points that change would be forgotten each time.
            self.n_fresh = self.physics.n_interior("auto")
            self.n_fresh_boundary = self.physics.n_boundary(estimator.n_boundary, self.n_fresh)
        return True

    def draw(self):
        """Blocks on points that are spread over the domain, or on all rows of ``fit(X)``."""
        return self._blocks(self.n_interior, self.n_boundary, self.own)

    def draw_fresh(self, theta):
        """Blocks for the iterations to come, from θ on, and how optimal points were drawn."""
        estimator, chosen, sample = self.estimator, self.own, None
        if estimator.sampler == "christoffel":
            *chosen, sample = self._optimal(theta)
        elif self.own is not None and estimator.batch_size is not None:
            chosen = self._batch()
        elif self.own is None and estimator.sampler == "adaptive":
            physics, n = self.physics, int(np.prod(self.n_fresh))
            X = physics.discretization.adapted(physics.residuals, theta, n, self.random_state)
            chosen = X, None
        return self._blocks(self.n_fresh, self.n_fresh_boundary, chosen), sample

    def source(self, objective_of):
        """The :class:`Source` of the fit.

        ``objective_of`` maps blocks, and how they were drawn, to an :class:`Objective`.
        """
        every, is_optimal = self.estimator.resample_every, self.estimator.sampler == "christoffel"
        begins_fresh = self.estimator.batch_size is not None or is_optimal
        if begins_fresh:
            every = every or 1
        elif every is None and self.estimator.sampler == "adaptive":
            every = ADAPT_EVERY
        if every is None:
            return Source()

        def fresh(theta):
            return objective_of(*self.draw_fresh(theta))

        return Redrawn(fresh, every, begins_fresh, is_optimal)

    def spread(self):
        """The points of :meth:`draw`, as :meth:`Discretization.sample` gives them."""
        return self._sample(self.n_interior, self.n_boundary, self.own)

    def _blocks(self, n_interior, n_boundary, chosen):
        """Blocks on n points of the equation, or on those that were chosen with their weights."""
        points = self._sample(n_interior, n_boundary, chosen)
        return self.physics.discretization.blocks(points, self.physics.trial_unknowns())

    def _sample(self, n_interior, n_boundary, chosen):
        discretization = self.physics.discretization
        n_interior = n_interior if chosen is None else 1
        points = discretization.sample(n_interior, n_boundary, self.sampler, self.random_state)
        if chosen is not None:
            X, weight = chosen
            points[0] = [X], None, weight
        return points

    def _batch(self):
        """The next rows of ``fit(X)``."""
        X, weight = self.own
        index = next(self.order)
        return X[index], weight[index] / weight[index].sum()

    def _optimal(self, theta):
        """Optimal points of the tangent space at θ, their weights, and how they were drawn."""
        physics, n, rcond = self.physics, self.n_fresh, self.estimator.rcond
        if self.optimal is None:
            X, weight = self.own or (None, None)
            if X is None:
                X = candidates(physics.discretization.source, n, len(theta), self.random_state)
            unknowns = physics.trial_unknowns()
            self.optimal = OptimalPoints(physics.discretization, X, weight, unknowns)
        rcond = RCOND if isinstance(rcond, str) else rcond
        return self.optimal.draw(physics.residuals, theta, n, self.random_state, rcond)
