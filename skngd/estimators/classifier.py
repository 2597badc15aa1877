"""Classification by natural gradient descent with momentum."""

import time
from typing import ClassVar

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from .base import BaseNaturalMomentum, has_partial_fit
from .decay import chooses_decay, fit_each_decay, take_plain_decay
from .docstrings import described_by
from .regressor import NaturalMomentumRegressor
from .rows.columns import labels_of
from .rows.multilabel import Indicators, is_indicator
from .rows.targets import Labels
from .run import run, run_once
from .sizes import chooses_sizes, fit_each_size
from .task import RowsTask, StreamTask


@described_by(NaturalMomentumRegressor)
class NaturalMomentumClassifier(ClassifierMixin, BaseNaturalMomentum):
    """Small neural network for classes, fitted by natural gradient descent with momentum.

    The loss is the cross-entropy of softmax probabilities (of logistic ones for two classes, and
    where y is a matrix of 0 and 1, whose rows may have several labels or none). With
    its Hessian in the Gram matrix, the Fisher metric, the natural gradient is that of Amari.

    Inputs are standardised inside. Classes that can be separated have no finite minimum without
    ``alpha``: the fit then stops where all labels have probability one to working precision.

    Parameters
    ----------
    hidden_layer_sizes : int, array-like of int or "auto", default=(32,)
        Numbers of neurons of the hidden layers. () is logistic regression. From P = 150 parameters
        on a step costs some passes through the network, see ``projection``. ``"auto"`` fits
        several, with ``alpha="auto"`` or held-out rows, as :class:`NaturalMomentumRegressor` does.
    metric : {"auto", "l2", "loss", "h1"}, default="auto"
        Metric of the Gram matrix, equation (G). ``"auto"`` is "loss", the Fisher metric; the memory
        of the momentum is projected in L2, equation (2M). ``"h1"`` adds the derivatives in x to
        "l2" (H1): an iteration costs n_features times as much.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, multiplied into the weights of the rows.
    momentum_space : {"function", "parameter"}, default="parameter"
        What is remembered: the last parameter step, equations (QN), (pHB) and (pNAG), or a
        function, which is projected onto today's tangent space. In the Fisher metric that is
        a projection of its own, as dear as that of the gradient.
    restart : {"loss", "gradient"} or None, default=None
        None leaves inertia alone.
    projection : {"auto", "svd", "qr", "gram", "kernel", "cg"}, default="auto"
        How the pseudo-inverse is computed. ``"auto"``: from 150 parameters on conjugate gradients,
        "cg", which take some passes through the network and form no matrix; below as in
        :class:`NaturalMomentumRegressor`.
    alpha : float or "auto", default="auto"
        Weight decay: ½ α ‖W‖², over the standardised weights, is added to the mean loss. ``"auto"``
        is 3e-3, or what the evidence estimates, as in :class:`NaturalMomentumRegressor`, the biases
        included, for all weights together and then by layer: whichever predicts rows better that
        are left out one after the other, by a step of Newton's method for each, or those that are
        held out. The second fit is left out where left-out rows are told nearly as well as those
        of the first one, and half of the entropy of the labels is explained. Where less than a
        quarter is, 3e-2, 0.1 and 1 may follow. A first fit with more effective parameters than a
        third of the labels gives way, equation (LO). It is 3e-3 in ``partial_fit`` and where more
        than 1500 parameters meet as many outputs times rows, what the last fit had with
        ``warm_start``, and the evidence with ``hidden_layer_sizes="auto"``.
    sampler : {"uniform", "christoffel"}, default="uniform"
        How rows are drawn, see :class:`NaturalMomentumRegressor`; "christoffel" is optimal for the
        tangent space in the metric, in which confidently classified rows count little.
    tol : float or "auto", default="auto"
        The fit has converged when the loss has not fallen by more than ``tol`` in
        ``n_iter_no_change`` iterations. ``"auto"`` is a hundredth of the loss.
    n_iter_no_change : int, default=5
        See ``tol``. With ``batch_size`` it counts epochs.
    momentum : {"auto", "heavy-ball", "nesterov", "spring"} or None, default="auto"
        Equations (HB), (NAG), (SPRING); None is the plain method. ``"auto"`` is "heavy-ball"
        with ``optimizer="ngd"`` and None with the others.
    activation, optimizer, model, memory, beta, step_size, rcond, damping, \
geodesic_acceleration, batch_size, max_iter, max_time, early_stopping, validation_fraction, \
n_init, warm_start, device, dtype, random_state, verbose
        As in :class:`NaturalMomentumRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; with an indicator matrix the numbers of its columns.
    theta_ : ndarray of shape (P,)
        Parameters of the network, for standardised inputs.
    hidden_layer_sizes_, candidates_ : tuple of int, dict of ndarray
        What was chosen with ``hidden_layer_sizes="auto"``, and what was tried, as of
        :class:`NaturalMomentumRegressor`. With ``alpha="auto"`` and named sizes ``candidates_`` has
        arrays ``alpha`` (a number or "evidence"), ``left_out_loss`` (of held-out rows where there
        are some), ``n_iter``, ``n_effective_parameters`` and ``time``.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer, in the units of X. Only for the built-in network.
    intercepts_ : list of ndarray of shape (n_out,)
    loss_ : float
        Mean cross-entropy of the kept parameters on the training rows, and the weight decay.
    alpha_, n_effective_parameters_, log_evidence_, loss_curve_, n_iter_, stop_reason_, history_, \
validation_scores_, feature_importances_, device_
        As of :class:`NaturalMomentumRegressor`.
    X_mean_, X_scale_ : ndarray
        The standardisation.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X has names that are all strings.

    See Also
    --------
    NaturalMomentumRegressor : The same for numbers.
    sklearn.neural_network.MLPClassifier : Adam, SGD and L-BFGS, for larger networks.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skngd import NaturalMomentumClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NaturalMomentumClassifier(random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.97
    True
    """

    _outputs_are = "one for each class, or one for two classes"

    _parameter_constraints: ClassVar = {
        **BaseNaturalMomentum._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(32,),
        *,
        activation="tanh",
        optimizer="ngd",
        metric="auto",
        class_weight=None,
        model=None,
        momentum="auto",
        momentum_space="parameter",
        memory="momentum",
        beta=0.5,
        restart=None,
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
        n_iter_no_change=5,
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
        self.class_weight = class_weight
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
        y : array-like of shape (n_samples,), or array-like or sparse of shape \
(n_samples, n_labels)
            Labels, or 1 where a row has a label and 0 where it has not.
        sample_weight : array-like of shape (n_samples,), default=None
            Of an integer type: a weight of 2 equals two copies of the row. Others, such as
            1 / variance, say how rows compare, in any unit. 0 leaves a row out.
        X_val, y_val : array-like, default=None
            Rows that decide which iterate is kept, and when the fit has converged.

        Returns
        -------
        self : NaturalMomentumClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not finite, real arrays of matching shapes, if there is one class
            only, if no weight is positive, or if the hyperparameters name a combination that does
            not exist.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` or ``max_time`` is reached with a cross-entropy above 1e-3, or if the
            loss overflows. The fits of a search of scikit-learn leave the warning to that of the
            best candidate, which is fitted again.
        UserWarning
            If the fit is interrupted from the keyboard. The best model so far is kept; inside a
            search of scikit-learn KeyboardInterrupt is raised again.
        """
        if chooses_sizes(self):
            fit_each_size(self, X, y, sample_weight, X_val, y_val)
            return self
        began = time.perf_counter()
        # L(v_θ), the cross-entropy, on standardised rows, and where θ starts.
        task = RowsTask(self, X, y, sample_weight, X_val, y_val)
        # From each start θ ← θ + A⁺(β q − α b) in the Fisher metric, equations (A), (G) and (HB).
        if chooses_decay(self, task):
            fit_each_decay(self, task, began)
        else:
            run(self, task, began)
        return self

    @available_if(has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Make one iteration on these rows, with the momentum of the earlier ones.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.
        y : array-like of shape (n_samples,), or array-like or sparse of shape \
(n_samples, n_labels)
            Labels, as in ``fit``.
        classes : array-like of shape (n_classes,), default=None
            All labels that will come; needed at the first call where y does not hold them all.
        sample_weight : array-like of shape (n_samples,), default=None
            As in ``fit``.

        Returns
        -------
        self : NaturalMomentumClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            As ``fit`` does, and if ``classes`` changes.
        """
        began = time.perf_counter()
        task = StreamTask(self, X, y, sample_weight, classes)
        take_plain_decay(task)
        run_once(self, task, began)
        return self

    def _targets(self, is_fitted, classes=None, y=None):
        """Which labels there are, as in the last fit or to be found in y."""
        several = self._is_multilabel if is_fitted else is_indicator(labels_of(y))
        return (Indicators if several else Labels)(self, is_fitted, classes)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def score(self, X, y, sample_weight=None):
        """Mean accuracy; with several labels in each row the share of rows that are all right.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.
        y : array-like of shape (n_samples,), or array-like or sparse of shape \
(n_samples, n_labels)
            Labels, as in ``fit``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the mean.

        Returns
        -------
        accuracy : float
            Between 0 and 1.
        """
        return super().score(X, labels_of(y), sample_weight)

    def decision_function(self, X):
        """The outputs of the network.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of the second of two classes, or of each label where a row may have several,
            else logarithms of the probabilities up to a constant for each row.
        """
        scores = self._values(self._validated_for_prediction(X))
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X):
        """The probabilities of the classes.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``. With several labels in each row: the probability
            of each, and their sum is not one.
        """
        scores = self.decision_function(X)
        if self._is_multilabel:
            return expit(scores)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        return softmax(scores, axis=1)

    def predict_log_proba(self, X):
        """The logarithms of the probabilities; finite where these vanish.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        scores = self.decision_function(X)
        if self._is_multilabel:
            return log_expit(scores)
        if scores.ndim == 1:
            scores = np.column_stack([np.zeros_like(scores), scores])
        return log_softmax(scores, axis=1)

    def predict(self, X):
        """The most probable class.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Inputs, in rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Several labels in each row: 1 where a label is more likely than not.
        """
        values = self._values(self._validated_for_prediction(X))
        return self._targets(is_fitted=True).decode(values)
