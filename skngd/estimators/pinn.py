"""Physics problems solved by natural gradient descent with momentum."""

import time
from collections import namedtuple
from numbers import Integral, Real
from typing import ClassVar

from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..geometry.sampling import SAMPLERS
from ..models.activations import ACTIVATIONS
from .base import has_partial_fit
from .docstrings import described_by
from .evaluate import error_of, multi_index, residual_at, score_of, solution_at
from .ground import EXPECTED
from .problem_task import ProblemTask
from .regressor import NaturalMomentumRegressor
from .run import run
from .task import RowsTask

# What a fit to rows and a fit of a problem have of their own; see PINNEstimator._kind_of_fit.
Kind = namedtuple("Kind", ["task", "predict", "score", "has_problem"])
ROWS = Kind(RowsTask, NaturalMomentumRegressor.predict, NaturalMomentumRegressor.score, False)
PROBLEM = Kind(ProblemTask, solution_at, score_of, True)


def _has_problem(estimator):
    if not estimator._kind_of_fit().has_problem:
        raise AttributeError("Only with a problem; set problem= to an instance of a Problem.")
    return True


def _is_regression(estimator):
    if estimator._kind_of_fit().has_problem:
        raise AttributeError(
            "partial_fit is for problem=None. With a problem use warm_start=True, or "
            "batch_size for fresh points in each iteration."
        )
    return has_partial_fit(estimator)


@described_by(NaturalMomentumRegressor)
class PINNEstimator(NaturalMomentumRegressor):
    """Solver of differential equations: a small network, the natural gradient, momentum.

    The residuals of the equation, of the conditions and of measurements are one weighted
    least-squares problem, equation (PINN); each iteration projects them onto the tangent space
    that the linearised operators span. Unknown coefficients are columns of the same Jacobian.

    Momentum acts on residuals. The iterations of the winner of a race count in ``max_iter``, its
    time in ``max_time``; callbacks see those behind it, and ``verbose=1`` prints a line for each
    round. An evolution that one network does not solve is solved slab by slab, (Slab), with up to
    ``max_iter`` iterations on each. ``loss``, ``huber_delta``, ``alpha``, ``early_stopping``,
    ``validation_fraction`` and ``metric="h1"`` are for ``problem=None``.

    Parameters
    ----------
    problem : Problem, default=None
        What is solved; its coefficients can be reached as ``problem__<name>``. None is plain
        regression, as :class:`NaturalMomentumRegressor`.
    hidden_layer_sizes : int, array-like of int or "auto", default="auto"
        Numbers of neurons. ``"auto"`` begins with one layer of 32; where the fit stalls it grows,
        up to 650 parameters, or two or three layers of 20 take its place. At the end some hundred
        neurons may join it of which the last layer alone is fitted, up to 1500 parameters. With
        ``problem=None`` it stays 32.
    n_interior : int, tuple of int or "auto", default="auto"
        Collocation points of the equation. ``"auto"`` is five for each parameter of the network,
        two where starts race, at least 200.
    n_boundary : int, dict, array-like of int or "auto", default="auto"
        Points of each condition: one number for all, or one for each, by position or by the names
        that ``history_`` uses. ``"auto"`` is 4 n^((d − 1) / d) for n interior points in d
        dimensions.
    sampler : {"sobol", "uniform", "latin", "grid", "gauss", "adaptive", "christoffel"}, \
    default="sobol"
        How points are drawn: scrambled Sobol, uniform, Latin hypercube, a grid, Gauss-Legendre
        points (in one dimension); residual-adaptive: Sobol at first, then half of the interior
        points move, at each resampling, to where the residual is large; or "christoffel": interior
        points and weights that are optimal for the tangent space at each resampling, see
        :mod:`skngd.tangent.christoffel`; directions below ``rcond`` do not count there. With
        ``problem=None`` rows are drawn, and all but "christoffel" stand for "uniform".
    resample_every : int, default=None
        Iterations after which new points are drawn. None keeps them; "adaptive" then takes 20 and
        "christoffel" 1. A fit has then converged after two rounds without progress at the earliest.
    batch_size : int, default=None
        Points of the equation in each iteration, drawn afresh by ``sampler``, or rows of
        ``fit(X)``; ``n_boundary`` counts those of each condition. The ``n_interior`` points then
        only judge which iterate is the best. Measurements are used in full.
    measurement_weight : float or "auto", default="auto"
        Weight of the mean square of the measurements beside the equation and its conditions,
        which weigh 1 unless they say otherwise. With ``"auto"`` equation and conditions are
        constraints: the fit takes 0.01, and what noise has bent is straightened by
        ``estimate_error``; where that is much, in further iterations, in which what the constraints
        can meet takes the place of the measurements. A number is for an equation that is in doubt:
        the fit stays as it is.
    measurement_loss : {"squared", "huber"}, default="squared"
        How measurements tell unknown coefficients. With ``"huber"`` outliers do not: beyond 1.345
        standard deviations, which the median tells, a measurement counts by its size alone. Acts
        where ``estimate_error`` does.
    variable_projection : bool, default=True
        Fit the last layer again at the end of each trial step: it is linear. For "ngd" with a
        trust region and the built-in network.
    estimate_error : bool, default=True
        After the fit, solve the problem linearised at the solution on a richer space, equation
        (Err). Its solution is the error; where it leads to a better solution it is added to what
        ``predict``, ``derivative``, ``residual`` and ``score`` answer, and what is then left is
        estimated again. Costs about as much as some iterations. Unknown coefficients move with it.
        In double precision, without rows of its own, where the conditions determine the solution
        for given coefficients.
    alpha : float or "auto", default=0.0
        Weight decay for ``problem=None``, as of :class:`NaturalMomentumRegressor`; a problem has
        none.
    activation : {"auto", "tanh", "sin", "logistic", "softplus", "identity"}, default="auto"
        Activation function of the hidden layers. With ``"auto"`` here or above, starts race:
        networks of tanh and sin, whose first layers have weights of several sizes, get their last
        layer by least squares, and the better ones go on, judged on points of their own. Where both
        are named there is one start, as drawn. With ``problem=None``, ``"auto"`` is "tanh".
    n_init : int or "auto", default="auto"
        Number of random starts, of each candidate where they race. ``"auto"`` is one; with
        ``problem=None`` as in :class:`NaturalMomentumRegressor`.
    n_jobs : int, default=None
        Processes in which starts that race make their iterations side by side, as joblib counts
        them: None is 1, or what ``joblib.parallel_config`` says, and -1 all cores. What comes
        out is the same up to rounding. Beginning a process takes seconds, and in the end one start
        goes on alone.
    tol : float or "auto", default="auto"
        Relative error of each field, as ``error_estimate_`` tells it, that is enough: the fit looks
        at it now and then, and ends there. ``"auto"`` is 1e-12. Where there are measurements, a
        tenth of what their noise does is enough, too. It ends as well where the loss does not fall
        by more than a thousandth of itself in ``n_iter_no_change`` iterations; with ``tol=0`` where
        it does not fall at all. Where the error is not estimated, as in
        :class:`NaturalMomentumRegressor`.
    optimizer, metric, model, momentum, momentum_space, memory, beta, restart, \
    step_size, projection, rcond, damping, geodesic_acceleration, max_iter, max_time, \
    n_iter_no_change, warm_start, device, dtype, random_state, verbose
        As in :class:`NaturalMomentumRegressor`.
    loss, huber_delta, early_stopping, validation_fraction
        As in :class:`NaturalMomentumRegressor`.

    Attributes
    ----------
    problem_ : Problem
        The problem with the unknown coefficients that were found.
    unknowns_ : dict of str to float
        The unknown coefficients.
    unknowns_std_ : dict of str to float
        Their standard deviations: from the noise of the measurements, the equation and its
        conditions being constraints, and from what the network does not resolve. 1.96 of them to
        both sides are a 95 % interval. Infinite for what is not determined, NaN where nothing was
        measured and the error is not estimated.
    unknowns_cov_ : ndarray of shape (n_unknowns, n_unknowns)
        Their covariance, in the order of ``unknowns_``.
    sizes_ : dict of str to ndarray of shape (n_equations,)
        By name of a block, what each of its equations is divided by: the size of its terms. The
        loss is ½ Σ weight · mean square of residual / size; ``history_`` has the mean squares
        of the residuals themselves. Where the coefficients of a linear equation vary from point to
        point, the size at a point is this one times that of its terms there beside the others.
    noise_std_ : float
        Estimated standard deviation of a measurement.
    error_estimate_ : dict of str to float
        By field, the error of the solution that ``predict`` gives, ‖u − v‖ / ‖u‖ over the domain,
        as the linearised problem estimates it, with what the noise of measurements does. Infinite
        where the problem does not determine its solution, NaN where the error was not estimated.
    activation_, hidden_layer_sizes_ : str, tuple of int
        The network that was fitted. Not with ``model``.
    circles_ : tuple of str
        Periodic coordinates that the network sees as points of a circle. In ``coefs_[0]`` the row
        of such a coordinate x is that of cos 2π (x − x.min) / (x.max − x.min), and those of the
        sines are behind the rows of all columns.
    holes_ : tuple of str
        Faces of the disks and balls left out of the domain whose potentials the network sees as
        further inputs, where it was chosen by the race. With the centre c, the radius R and the
        distance r to c, the last rows of ``coefs_[0]`` are those of log r/R, in d > 2 dimensions
        of (R/r)^(d−2), for each of them, then of the components of R^(d−1) (x − c)/r^d, if these
        are 18 rows at most.
    slabs_ : tuple of PINNEstimator
        Where one network does not solve an evolution, the solutions on slabs of its time, one
        after the other, each a fitted estimator; else empty. With slabs ``theta_`` has the
        parameters of all, ``loss_`` is their mean, ``history_`` has one after the other, by number
        in ``"start"``, ``activation_`` and ``hidden_layer_sizes_`` are those of the last one, and
        there are no ``coefs_`` and ``intercepts_``.
    candidates_ : dict of str to ndarray
        The starts that raced, as they were at the end of it, one row each: ``activation``,
        ``hidden_layer_sizes``, ``bandwidth``
        (of the first layer; NaN is a start as networks that are named have), ``seed``, the last
        ``round`` it took part in, ``n_iter``, ``held_out_loss`` as a part of that of the solution
        zero, ``seconds``. There is a bandwidth for each coordinate, shape (n_starts, n_features).
        With slabs there is a last row for them, and ``n_slabs``.
    theta_, coefs_, intercepts_, loss_curve_, n_iter_, stop_reason_, device_, n_features_in_, \
    feature_names_in_
        As in :class:`NaturalMomentumRegressor`.
    loss_ : float
        Of the network, as ``theta_`` is, without what ``estimate_error`` adds: ½ Σ weight · mean
        square of the residuals; with points that are drawn again, on points that stay the same.
    history_ : dict of str to ndarray
        As of :class:`NaturalMomentumRegressor` (``gram_deviation`` is that of the equation's
        points); beside it the mean square of the residuals of each block (``"equation"``,
        ``"initial"``, ``"dirichlet x"``, ``"measurements u"``, …) and the unknowns, by name.

    See Also
    --------
    skngd.NaturalMomentumRegressor : The same for rows alone.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import PINNEstimator
    >>> from skngd.problems.zoo import AdvectionDiffusion
    >>> solver = PINNEstimator(AdvectionDiffusion(eps=0.1), random_state=0).fit()
    >>> X = np.linspace(0, 1, 5).reshape(-1, 1)
    >>> error = solver.predict(X) - solver.problem_.solution(X)
    >>> bool(np.abs(error).max() < 1e-6)
    True
    """

    _parameter_constraints: ClassVar = {
        **NaturalMomentumRegressor._parameter_constraints,
        "problem": [object],
        "activation": [StrOptions({"auto", *ACTIVATIONS})],
        "n_interior": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), tuple],
        "n_boundary": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            dict,
            "array-like",
        ],
        "sampler": [StrOptions({*SAMPLERS, "adaptive", "christoffel"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "resample_every": [Interval(Integral, 1, None, closed="left"), None],
        "measurement_weight": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "measurement_loss": [StrOptions({"squared", "huber"})],
        "variable_projection": ["boolean"],
        "estimate_error": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        problem=None,
        hidden_layer_sizes="auto",
        *,
        n_interior="auto",
        n_boundary="auto",
        sampler="sobol",
        resample_every=None,
        measurement_weight="auto",
        measurement_loss="squared",
        variable_projection=True,
        estimate_error=True,
        n_jobs=None,
        activation="auto",
        optimizer="ngd",
        metric="auto",
        loss="squared",
        huber_delta="auto",
        model=None,
        momentum="auto",
        momentum_space="function",
        memory="momentum",
        beta=0.5,
        restart="loss",
        step_size="auto",
        projection="auto",
        rcond="auto",
        damping="auto",
        geodesic_acceleration=True,
        alpha=0.0,
        batch_size=None,
        max_iter=300,
        max_time=None,
        tol="auto",
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        n_init="auto",
        warm_start=False,
        device="auto",
        dtype="float64",
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            hidden_layer_sizes,
            activation=activation,
            optimizer=optimizer,
            metric=metric,
            loss=loss,
            huber_delta=huber_delta,
            model=model,
            momentum=momentum,
            momentum_space=momentum_space,
            memory=memory,
            beta=beta,
            restart=restart,
            step_size=step_size,
            projection=projection,
            rcond=rcond,
            damping=damping,
            geodesic_acceleration=geodesic_acceleration,
            alpha=alpha,
            batch_size=batch_size,
            max_iter=max_iter,
            max_time=max_time,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_init=n_init,
            warm_start=warm_start,
            device=device,
            dtype=dtype,
            random_state=random_state,
            verbose=verbose,
        )
        self.problem = problem
        self.n_interior = n_interior
        self.n_boundary = n_boundary
        self.sampler = sampler
        self.resample_every = resample_every
        self.measurement_weight = measurement_weight
        self.measurement_loss = measurement_loss
        self.variable_projection = variable_projection
        self.estimate_error = estimate_error
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None, sample_weight=None, X_val=None, y_val=None):
        """Solve the problem, or fit measurements with it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            With y: where was measured. Without y: the collocation points of the equation. None:
            points come from the domain. The columns are the coordinates of the domain, then the
            inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_fields), default=None
            Measurements; a NaN entry was not observed.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows of X.
        X_val, y_val : array-like, default=None
            For ``problem=None``.

        Returns
        -------
        self : PINNEstimator
            The fitted estimator.

        Raises
        ------
        TypeError
            If ``problem`` is not an instance of a Problem.
        ValueError
            If X leaves the domain, if y has another shape or nothing was observed, if an equation
            is not pointwise, not finite or of the wrong shape, or if the hyperparameters name a
            combination that does not exist.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` or ``max_time`` is reached with an error that is estimated above one
            percent, or not known; if the fit converges with such an error; if the loss overflows;
            if an evolution is solved on a part of its time alone.
        UserWarning
            If the problem does not determine its solution or its unknowns, if it has no
            conditions, if conditions contradict each other where they meet, if optimal points are
            too few for a stable projection, or if the fit is interrupted. The best model so far is
            kept.
        """
        if self.problem is None and X is None:
            raise ValueError(
                "Expected a problem, PINNEstimator(problem).fit(), or rows, fit(X, y); got neither."
            )
        began = time.perf_counter()
        # The residuals of equation, conditions and measurements as one L(v_θ), equation (PINN).
        task = self._kind_of_fit().task(self, X, y, sample_weight, X_val, y_val)
        # From each start θ ← θ + A⁺(β q − α b), equations (A) and (HB), with q and b residuals.
        run(self, task, began)
        return self

    @available_if(_is_regression)
    def partial_fit(self, X, y, sample_weight=None):
        """Make one iteration on these rows; for ``problem=None``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_fields)
            As in ``fit``.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows of X.

        Returns
        -------
        self : PINNEstimator
            The fitted estimator.
        """
        return super().partial_fit(X, y, sample_weight)

    def predict(self, X, return_std=False):
        """The solution at points.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Coordinates, then inputs, inside the domain.
        return_std : bool, default=False
            Whether to return the size of the error, too: as the linearised problem estimates it,
            equation (Err), and of what the noise of measurements does through the unknowns.

        Returns
        -------
        u : ndarray of shape (n_samples,) or (n_samples, n_fields)
            A column for each field, where there are several.
        std : ndarray of the same shape
            With ``return_std=True``. The noise of a new measurement is not in it; with
            ``problem=None`` it is, as in :class:`NaturalMomentumRegressor`.

        Raises
        ------
        ValueError
            If the error of this fit is not estimated: with measurements in the place of
            conditions, rows of its own or single precision.
        """
        check_is_fitted(self)
        kind = self._kind_of_fit()
        if not return_std:
            return kind.predict(self, X)
        if not kind.has_problem:
            return kind.predict(self, X, return_std=True)
        return kind.predict(self, X), error_of(self, X)

    @available_if(_has_problem)
    def derivative(self, X, of):
        """A derivative of the solution at points.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Coordinates, then inputs, inside the domain.
        of : str or tuple of str
            As in a residual: ``"t"``, ``"xx"``, or a tuple of names of coordinates.

        Returns
        -------
        derivative : ndarray of shape (n_samples,) or (n_samples, n_fields)
            A column for each field, where there are several.
        """
        check_is_fitted(self)
        return solution_at(self, X, multi_index(self.problem_, of))

    @available_if(_has_problem)
    def residual(self, X):
        """The residual of the equation at points.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Coordinates, then inputs, inside the domain.

        Returns
        -------
        residual : ndarray of shape (n_samples,) or (n_samples, n_equations)
            A column for each equation, where there are several.
        """
        check_is_fitted(self)
        return residual_at(self, X)

    def score(self, X=None, y=None, sample_weight=None):
        """How good the solution is; higher is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Points inside the domain; None draws them.
        y : array-like of shape (n_samples,) or (n_samples, n_fields), default=None
            Measurements there; a NaN entry was not observed.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows of X.

        Returns
        -------
        score : float
            With y: R² of what was observed. Without: minus the root mean square of the residuals
            of the equation at X (None: at points of the domain) and of all conditions, at points
            that are always the same, relative to what it is where the network is zero. Each
            equation is divided by the size of its terms, so that units and factors do not matter:
            0 is exact, −1 no better than nothing.
        """
        check_is_fitted(self)
        return self._kind_of_fit().score(self, X, y, sample_weight)

    def _activation(self):
        return self._fitted_or(EXPECTED[0], self.activation, "activation_")

    def _named_sizes(self):
        return self._fitted_or(EXPECTED[1], self.hidden_layer_sizes, "hidden_layer_sizes_")

    def _fitted_or(self, plain, setting, name):
        """What a setting names, or what "auto" has become."""
        if not (isinstance(setting, str) and setting == "auto"):
            return setting
        return getattr(self, name, plain) if self._kind_of_fit().has_problem else plain

    def _kind_of_fit(self):
        return ROWS if self.problem is None else PROBLEM

    def _takes_sparse(self):
        # Coordinates of points are dense by nature.
        return not self._kind_of_fit().has_problem

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = not self._kind_of_fit().has_problem
        return tags
