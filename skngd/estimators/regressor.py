"""Regression by natural gradient descent with momentum."""

import time
from numbers import Real
from typing import ClassVar

from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from .base import BaseNaturalMomentum, has_partial_fit
from .finer import FIRST, fit_as_fine_as_asked, may_be_finer
from .rows.outside import warn_if_far_outside
from .rows.targets import KINDS, Numbers
from .run import run, run_once
from .sizes import chooses_sizes, fit_each_size
from .task import RowsTask, StreamTask


class NaturalMomentumRegressor(RegressorMixin, BaseNaturalMomentum):
    """Small neural network, fitted by natural gradient descent with momentum.

    Each iteration projects the functional gradient of the loss onto the tangent space of the
    network, a linear least-squares problem in its Jacobian. Weight decay and noise are estimated
    inside the fit by the evidence, equation (EV), and the predictions have intervals.

    Inputs and targets are standardised inside. With several outputs the standardised errors are
    minimised; which iterate is the best, and when to stop, is judged in the units of y.

    Parameters
    ----------
    hidden_layer_sizes : int, array-like of int, "auto" or None, default=None
        Numbers of neurons of the hidden layers. A step costs about n_samples × P² operations for
        P parameters: small networks are what the natural gradient is for. None is (10,) and, where
        ``alpha="auto"`` leaves errors of neighbouring rows that are alike, as fast waves do, 40 or
        100 neurons with larger first weights, tag (Race), if they tell left-out rows better.
        ``"auto"`` fits several, from none, the linear model, to two layers of 20, and keeps the one
        with the largest evidence, or the best score on held-out rows: five to ten times the time.
    activation : {"tanh", "sin", "logistic", "softplus", "identity"}, default="tanh"
        Activation function of the hidden layers.
    optimizer : {"ngd", "gd", "newton", "adam", "lbfgs"}, default="ngd"
        Natural gradient descent, equation (NGD); gradient descent (GD); Newton's method (N), by
        the Hessian matrix for up to 500 parameters, by products with it for more and with
        ``projection="cg"``; Adam and L-BFGS of torch, for comparison.
    metric : {"auto", "l2", "loss", "h1"}, default="auto"
        Metric of the Gram matrix, equation (G). ``"auto"`` is "loss", the generalised
        Gauss-Newton, which for the squared loss is "l2". ``"h1"`` adds the derivatives in x
        (H1), and rows in proportion: an iteration costs n_features times as much.
    loss : {"squared", "huber", "poisson"}, default="squared"
        ½ the mean squared error; the same with linear tails, for outliers (targets are then
        standardised by median and median deviation); ½ the Poisson deviance, for counts: the
        network is the logarithm of the mean.
    huber_delta : float or "auto", default="auto"
        Size of the error from which the Huber loss is linear, in robust standard deviations of y.
        ``"auto"`` is that of the noise, which the fit estimates.
    model : torch.nn.Module, default=None
        Takes the place of the network. It maps standardised inputs to standardised targets, row
        by row, and starts from its own parameters, in evaluation mode; the module itself is left as
        it is, and ``torch.nn.utils.vector_to_parameters`` puts ``theta_`` into it. Its derivatives
        come from ``torch.func``, several times slower than those of the built-in network.
    momentum : {"auto", "heavy-ball", "nesterov", "spring"} or None, default="auto"
        Equations (HB), (NAG), (SPRING); None is the plain method. ``"auto"`` is "heavy-ball"
        with ``optimizer="ngd"`` and None with the others. With a trust region and
        ``restart="loss"``, the defaults, momentum is a candidate in each step, made where the loss
        is then lower: in a few percent of the iterations on smooth data. It pays in batches, where
        "auto" is "spring" with μ = 0.9, with constant steps, for other losses and to leave a local
        minimum.
    momentum_space : {"function", "parameter"}, default="function"
        What is remembered: a function, which is projected onto today's tangent space, or the last
        parameter step, equations (QN), (pHB) and (pNAG).
    memory : {"momentum", "difference", "gradient"}, default="momentum"
        Which function is remembered: the last momentum (LM), the function difference (FD) or the
        last gradient (LG). Nesterov's method is printed for "difference"; "momentum" is its
        linearisation; "gradient" runs, and works against the motion.
    beta : float in (-1, 1), default=0.5
        How much is remembered; μ of (SPRING).
    restart : {"loss", "gradient"} or None, default="loss"
        ``"loss"`` drops the momentum of a step that would raise the loss (with a trust region:
        that gains less than the step without it); ``"gradient"`` drops it when it points uphill;
        None leaves inertia alone, which is what escapes a local minimum (with a constant
        ``step_size``: a trust region refuses a step that gains nothing). With a trust region and
        "loss", momentum that lost a comparison rests for 1, 3 or 7 iterations;
        ``history_["beta"]`` shows it.
    step_size : {"auto", "trust-region", "backtracking", "grid", "batches", "christoffel"} or \
float, default="auto"
        A constant α or how it is searched. ``"auto"`` is "trust-region" for "ngd" and "newton",
        "backtracking" for "gd", 0.001 for "adam", and a strong Wolfe search for "lbfgs"; with
        ``batch_size`` and "ngd" it is "batches", equation (Batch): α and λ follow from the number
        of rows, the metric remembers earlier ones, and the mean of the last iterates is kept.
        ``restart`` is then left out.
        "christoffel" looks at no loss: it is half the step length below which the loss of a linear
        model falls on average over the draws of ``sampler="christoffel"``, for a projection by
        least squares, see :func:`skngd.tangent.christoffel.largest_step`. It is close to 1 where
        the tangent space holds the gradient, and small where the gradient is mostly noise. For
        "ngd"; the rule is that of ``momentum=None``, and does not know how the network bends. It is
        for the last iterations: search first, then set it with ``warm_start=True``, and
        ``rcond=1e-2`` or so, which leaves out the directions in which the network bends most.
    projection : {"auto", "svd", "qr", "gram", "kernel", "cg"}, default="auto"
        How the pseudo-inverse is computed. ``"auto"``: "gram" where damping makes it accurate,
        else "qr"; with fewer rows than parameters "kernel" and "svd". From 1500 parameters on (150
        in the metric of a loss) "cg", conjugate gradients: they take some passes through the
        network and form no matrix.
    rcond : float, "auto" or "adaptive", default="auto"
        Singular values up to ``rcond`` times the largest are cut off. ``"auto"`` cuts off those
        that are rounding errors, ``"adaptive"`` in each step those behind where they cross the
        reconstruction error of the residual, equation (Cut): for constant steps and step lengths
        along a line, which have no damping that adapts.
    damping : float or "auto", default="auto"
        λ in (AᵀA + λ I)⁻¹ Aᵀ, in standardised units. With a trust region: λ of the first step.
        ``"auto"``: adapted by the trust region; 1e-10 ‖A‖² for the other step lengths (1e-5 ‖A‖²
        for "spring"), but 0 where ``rcond`` is a number (not for "spring").
    geodesic_acceleration : bool, default=True
        Bend the steps of the trust region along the manifold, by one second directional
        derivative.
    alpha : float or "auto", default="auto"
        Weight decay: ½ α ‖W‖², over the standardised weights, is added to the mean loss; 0 is none.
        ``"auto"`` estimates one for each group of parameters, and the noise, by the evidence: the
        weights and hidden biases of each layer, later the weights of each input where there are
        four rows for each. It goes to zero where there is no noise. Starts are then compared by
        the evidence. Adam, L-BFGS and gradient descent estimate in every tenth iteration, batches
        in every twentieth; a ``model`` has one group. ``partial_fit`` keeps the decay of the last
        ``fit``, 0 where there was none: it does not know how many rows are to come. From 1500
        parameters and values on, 1500 of the values stand for all in the estimate, which is made in
        every tenth iteration.
    batch_size : int, "auto" or None, default="auto"
        Rows of each iteration, drawn afresh; None takes all. They may be fewer than parameters.
        ``"auto"`` takes all, and 8 rows for each parameter, at least 500, where one iteration on
        all would take 5e9 multiplications (n_samples × n_outputs × P²) and there are 200 rows for
        each parameter; 20,000 rows then judge which parameters are kept.
    sampler : {"uniform", "christoffel"}, default="uniform"
        How the rows of a batch are drawn. "uniform": a permutation in each epoch. "christoffel":
        with repetitions, rows that are optimal for the tangent space, with weights that make the
        loss of the batch unbiased: for data with few rows that matter. Row i has the probability
        0.9 w_i K_i / d + 0.1 w_i with the leverage scores w_i K_i of all rows, computed anew once
        in an epoch: a Jacobian and a QR of all rows at once, n_samples × n_outputs × P² operations
        and n_samples × n_outputs × P numbers. Directions below ``rcond`` do not count. A batch is
        drawn until its Gram matrix is stable, ‖Ĝ − I‖ ≤ 1/2, at most 20 times; see
        :mod:`skngd.tangent.christoffel`.
    max_iter : int, default=300
        Largest number of iterations, of each start.
    max_time : float, default=None
        Seconds for all starts together, looked at after each iteration.
    tol : float or "auto", default="auto"
        The fit has converged when the loss has not fallen by more than ``tol``, in the units of
        y², in ``n_iter_no_change`` iterations. ``"auto"`` is a thousandth of the loss.
    n_iter_no_change : int, default=10
        See ``tol``. With ``batch_size`` it counts epochs.
    early_stopping : bool, default=False
        Hold out a part of the rows, of each class in proportion; the best iterate is the one with
        the lowest loss there, and ``tol`` looks at that loss. Rows given to ``fit`` as ``X_val,
        y_val`` do the same.
    validation_fraction : float in (0, 1), default=0.1
        The part that ``early_stopping`` holds out.
    n_init : int or "auto", default="auto"
        Number of random starts, one after the other; the best one is kept: that of the largest
        evidence with ``alpha="auto"``, else that of the lowest loss. ``"auto"`` is 3 up to P = 300
        (100 where ``alpha`` is named), where local minima abound and an iteration costs little,
        else 1.
    warm_start : bool, default=False
        Go on where the last fit ended, with its standardisation and all that it remembers.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1", …; ``"auto"`` takes a CUDA device, where there is one, from
        n_samples × n_outputs × P² ≥ 1e9 on (30 × n_samples × P for "cg").
    dtype : {"float64", "float32"}, default="float64"
        Precision of the fit.
    random_state : int, RandomState instance or None, default=None
        Draws initial weights, batches and the held-out rows.
    verbose : int, default=0
        1 prints a line for each start, 2 also one for every tenth iteration.

    Attributes
    ----------
    theta_ : ndarray of shape (P,)
        Parameters of the network, in standardised units.
    hidden_layer_sizes_ : tuple of int
        What was chosen with ``hidden_layer_sizes`` "auto" or None.
    candidates_ : dict of ndarray
        The networks that were tried for that, where there are several: ``hidden_layer_sizes``,
        ``log_evidence`` (or ``validation_score``; with None ``left_out_error``, the mean square of
        standardised errors of rows that are left out, or for "huber" their mean size),
        ``n_effective_parameters``, ``n_iter`` and ``time``, in seconds.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer, in the units of X and y. Only for the built-in network.
    intercepts_ : list of ndarray of shape (n_out,)
    loss_ : float
        The mean loss, over rows and outputs, of the kept parameters on the training rows, and the
        weight decay; in the units of y² (for "poisson" of y).
    loss_curve_ : ndarray of shape (`n_iter_` + 1,)
        The same at the start and after each iteration of the best start; with ``batch_size``, of
        the rows of the iteration.
    n_iter_ : int
        Iterations of the best start.
    stop_reason_ : str
        Why it ended, and in how many iterations momentum acted.
    history_ : dict of str to ndarray
        One entry for each iteration of all starts: ``start``, ``time`` (seconds since ``fit`` was
        called), ``loss``, ``monitored_loss`` (on the held-out rows, if any), ``step_size``,
        ``beta``, ``damping``, ``n_trials``, and ``rank``, ``condition`` and ``kept`` of the
        projection; see :class:`skngd.tangent.ProjectionInfo`. With ``sampler="christoffel"`` also
        ``gram_deviation``, the ‖Ĝ − I‖ of the rows of the iteration, and ``n_draws``, how many
        draws it took; NaN and 0 for the start.
    validation_scores_ : ndarray or None
        The score on the held-out rows after each iteration of the best start, or after each epoch
        with ``batch_size``; None where no rows were held out.
    feature_importances_ : ndarray of shape (`n_features_in_`,)
        How much the outputs react to each input: the root mean square over the training rows (of
        10,000 at most) of their derivatives in the standardised inputs, all outputs together, as
        parts of 1. An input that others repeat shares with them.
    device_ : str
        Where it was fitted.
    X_mean_, X_scale_, y_mean_, y_scale_ : ndarray
        The standardisation.
    alpha_ : ndarray of shape (P,)
        The decay of each parameter of ``theta_``, in the units of ``alpha``.
    noise_std_ : float or ndarray of shape (n_outputs,)
        Estimated standard deviation of the noise of y; for "poisson" the square root of the
        dispersion, which is the variance of a count divided by its mean.
    n_effective_parameters_ : float
        How many parameters the rows determine, Σ γ_p of equation (EV), at most P.
    log_evidence_ : float
        Logarithm of the probability of the standardised y, by Laplace's method; larger is better.
        NaN where biases of hidden neurons have no decay, as with a named ``alpha``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X has names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPRegressor : Adam, SGD and L-BFGS, for larger networks.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> y = np.sin(3 * X).ravel()
    >>> model = NaturalMomentumRegressor(tol=1e-12, random_state=0).fit(X, y)
    >>> bool(np.abs(model.predict(X) - y).max() < 1e-4)
    True
    >>> noisy = y + 0.1 * np.random.RandomState(0).standard_normal(200)
    >>> y_pred, y_std = model.fit(X, noisy).predict(X, return_std=True)
    >>> bool(abs(model.noise_std_ - 0.1) < 0.02), bool(np.sqrt(np.mean((y_pred - y) ** 2)) < 0.04)
    (True, True)
    """

    _first_sizes = FIRST
    _parameter_constraints: ClassVar = {
        **BaseNaturalMomentum._parameter_constraints,
        "hidden_layer_sizes": [
            *BaseNaturalMomentum._parameter_constraints["hidden_layer_sizes"],
            None,
        ],
        # A view, so that a new entry is allowed at once.
        "loss": [StrOptions(KINDS.keys())],
        "huber_delta": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        hidden_layer_sizes=None,
        *,
        activation="tanh",
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
        alpha="auto",
        batch_size="auto",
        sampler="uniform",
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.metric = metric
        self.loss = loss
        self.huber_delta = huber_delta
        self.model = model
        self.momentum = momentum
        self.momentum_space = momentum_space
        self.memory = memory
        self.beta = beta
        self.restart = restart
        self.step_size = step_size
        self.projection = projection
        self.rcond = rcond
        self.damping = damping
        self.geodesic_acceleration = geodesic_acceleration
        self.alpha = alpha
        self.batch_size = batch_size
        self.sampler = sampler
        self.max_iter = max_iter
        self.max_time = max_time
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_init = n_init
        self.warm_start = warm_start
        self.device = device
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, real and finite.
        sample_weight : array-like of shape (n_samples,), default=None
            Of an integer type: a weight of 2 equals two copies of the row. Others, such as
            1 / variance, say how rows compare, in any unit. 0 leaves a row out.
        X_val, y_val : array-like, default=None
            Rows that decide which iterate is kept, and when the fit has converged.

        Returns
        -------
        self : NaturalMomentumRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not finite, real arrays of matching shapes, if y is sparse, if no weight
            is positive, if ``batch_size`` exceeds the rows, or if the hyperparameters name a
            combination that does not exist, such as ``hidden_layer_sizes="auto"`` where neither
            evidence nor held-out rows judge.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` or ``max_time`` is reached with errors above a thousandth of the spread
            of y, or if the loss overflows. The fits of a search of scikit-learn leave the warning
            to that of the best candidate, which is fitted again.
        UserWarning
            If the fit is interrupted from the keyboard; the best model so far is kept, and inside
            a search of scikit-learn KeyboardInterrupt is raised again. If optimal rows are too few
            for a stable projection. If outliers lead a fit by squares with ``alpha="auto"``.
        """
        if chooses_sizes(self):
            fit_each_size(self, X, y, sample_weight, X_val, y_val)
            return self
        began = time.perf_counter()
        # L(v_θ) on standardised rows, equation (L), the rows that judge, and where θ starts.
        task = RowsTask(self, X, y, sample_weight, X_val, y_val)
        # From each start θ ← θ + A⁺(β q − α b), equations (A) and (HB); the best end is kept.
        if may_be_finer(self, task):
            fit_as_fine_as_asked(self, task, began)
        else:
            run(self, task, began)
        return self

    @available_if(has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Make one iteration on these rows, with all that the earlier ones left behind.

        The first call standardises; later calls keep that. Other rows than those of the call before
        are a batch of many, see ``step_size``. ``optimizer="lbfgs"`` has no
        ``partial_fit``: it compares gradients on the same rows. ``batch_size``, ``n_init``, early
        stopping and callbacks are for ``fit``.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, real and finite.
        sample_weight : array-like of shape (n_samples,), default=None
            As in ``fit``.

        Returns
        -------
        self : NaturalMomentumRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            As ``fit`` does.
        """
        began = time.perf_counter()
        run_once(self, StreamTask(self, X, y, sample_weight), began)
        return self

    def predict(self, X, return_std=False):
        """Predict targets.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.
        return_std : bool, default=False
            Whether to return the standard deviation of a new observation, too, equation (Var).

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, in the units of ``fit``.
        std : ndarray of the same shape
            With ``return_std=True``: √(var v(x) + σ²), that of the network and the noise together.
            ``std**2 - noise_std_**2`` is the variance of the network alone (not for
            ``loss="poisson"``). 1.96 of them to both sides are a 95 % band for new observations.

        Raises
        ------
        ValueError
            If the model comes from ``partial_fit``, or its tangent space is not finite.
        """
        X = self._validated_for_prediction(X)
        if hasattr(self, "_X_range"):
            warn_if_far_outside(self, X)
        if not return_std:
            return self._targets(is_fitted=True).decode(self._values(X))
        if self._posterior is None:
            raise ValueError(
                "Expected a model of fit whose tangent space is finite for return_std=True, got "
                f"one of partial_fit, or one that overflowed: {self.stop_reason_} Call fit, or "
                "predict(X) without return_std."
            )
        values, variance = self._values(X, with_variance=True)
        return self._targets(is_fitted=True).with_std(values, variance, self.noise_std_)

    def _kind(self):
        return KINDS.get(self.loss, Numbers)

    def _targets(self, is_fitted, classes=None, y=None):
        """What y is, as the last fit has measured it or to be measured."""
        return self._kind()(self, is_fitted)

    def _metric(self):
        metric = super()._metric()
        has_unit_hessian = self._kind().loss_type.has_unit_hessian
        return "l2" if metric == "loss" and has_unit_hessian else metric

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # scikit-learn checks several outputs with negative numbers.
        tags.target_tags.multi_output = not self._kind().is_positive
        tags.target_tags.positive_only = self._kind().is_positive
        return tags
