"""Density estimation by natural gradient descent with momentum."""

import math
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, DensityMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..losses import LogLikelihood
from ..models import DensityOnNodes, FullyConnected
from ..models.activations import ACTIVATIONS
from ..optim import Objective, Source, Stopping, build_method, minimize
from ..optim.evidence import Evidence, Groups, first_decay
from .base import options
from .callers import warn
from .device import few_threads, plain_tensors, row_slices, to_numpy
from .evidence.evidence import PARTS, is_auto
from .quadrature import FINE, FIT, LARGEST_TENSOR, normal_rule

# Beyond so many columns nodes that are spread over a normal distribution tell nothing of a mass;
# below, the fit tells whether they do.
MOST_COLUMNS = 50
# Directions whose variance is less than this part of the largest do not vary.
THIN = 1e-10
# A mass that is known worse than to this part is warned of.
HONEST = 0.05
# What the largest ratio that was seen is multiplied by; draws of one round, and rounds.
ABOVE, ROUND, MOST_ROUNDS = 1.2, 4096, 2000
# What a density may grow by inside of a small cell.
CELL = 1.5


class NaturalMomentumDensity(DensityMixin, BaseEstimator):
    """Probability density whose logarithm is a small network, of maximal likelihood.

    v(x) = φ(x) exp f(x) / Z with the normal distribution φ of the mean and covariance of the rows
    and a network f. Z is a quadrature. The steps are natural gradients in the metric of the Fisher
    matrix, and the weight decay is chosen by the evidence, equation (EV).

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(10,)
        Numbers of neurons of the hidden layers.
    activation : {"tanh", "sin", "logistic", "softplus", "identity"}, default="tanh"
        Of the hidden layers. With the bounded ones the tails are those of φ.
    alpha : float or "auto", default="auto"
        Weight decay ½ α ‖w‖², which is added to the mean negative log-likelihood. ``"auto"``
        estimates one for the weights and one for the biases of each layer.
    momentum : {"heavy-ball", "nesterov", "spring"} or None, default="heavy-ball"
        Equations (HB), (NAG), (SPRING).
    memory : {"momentum", "difference", "gradient"}, default="momentum"
        Equations (LM), (FD), (LG).
    beta : float in (-1, 1), default=0.5
        How much of the last step is remembered.
    step_size : {"auto", "trust-region", "backtracking", "grid"} or float, default="auto"
        As of :class:`NaturalMomentumRegressor`.
    max_iter : int, default=300
        Largest number of iterations, of each start.
    tol : float, default=1e-3
        The fit has converged when the loss has not changed by more than this, in nats for each
        row, in ``n_iter_no_change`` iterations.
    n_iter_no_change : int, default=10
        Iterations without progress that a fit waits for.
    n_init : int, default=3
        Random starts. The one with the largest evidence is kept, for a named ``alpha`` that with
        the lowest loss.
    random_state : int, RandomState instance or None, default=None
        Draws initial weights.

    Attributes
    ----------
    theta_ : ndarray of shape (P,)
        Parameters of the network.
    mean_ : ndarray of shape (n_features,)
    axes_ : ndarray of shape (n_features, n_features)
        A square root of the covariance of φ: the network sees z with x = mean + axes z.
    rank_ : int
        So many entries of z vary, and are seen; the others are normal with the width of a column.
    log_mass_ : float
        log Z, on finer nodes than those of the fit.
    mass_error_ : float
        To what part Z is known: by two sets of nodes, and by the mean of f in the density and in
        the sample.
    loss_ : float
        Mean negative log-likelihood relative to φ, and the decay.
    loss_curve_ : ndarray of shape (`n_iter_` + 1,)
    history_ : dict of str to ndarray
        One entry for each iteration, as of :class:`NaturalMomentumRegressor`.
    alpha_ : ndarray of shape (P,)
    n_effective_parameters_ : float
        How many parameters the rows determine.
    log_evidence_ : float
        Logarithm of the probability of the rows relative to φ; larger is better.
    n_iter_ : int
    stop_reason_ : str
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    sklearn.neighbors.KernelDensity : One kernel for each row.
    sklearn.mixture.GaussianMixture : A sum of normal distributions.

    Notes
    -----
    φ has the tails of a normal distribution. Columns with heavy tails or outliers are to be
    transformed first, by a logarithm or a PowerTransformer; a column of a few distinct values has
    no density. Both are warned of, as a mass that is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumDensity
    >>> rng = np.random.RandomState(0)
    >>> X = np.r_[rng.normal(-2, 0.5, 200), rng.normal(1, 1, 300)].reshape(-1, 1)
    >>> density = NaturalMomentumDensity(random_state=0).fit(X)
    >>> grid = np.linspace(-8, 8, 2001).reshape(-1, 1)
    >>> v = np.exp(density.score_samples(grid))
    >>> bool(abs(np.trapezoid(v, grid.ravel()) - 1) < 1e-3)
    True
    >>> density.sample(3, random_state=0).shape
    (3, 1)
    """

    _parameter_constraints: ClassVar = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "momentum": options("momentum"),
        "memory": options("memory"),
        "beta": [Interval(Real, -1, 1, closed="neither")],
        "step_size": [
            StrOptions({"auto", "trust-region", "backtracking", "grid"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(10,),
        *,
        activation="tanh",
        alpha="auto",
        momentum="heavy-ball",
        memory="momentum",
        beta=0.5,
        step_size="auto",
        max_iter=300,
        tol=1e-3,
        n_iter_no_change=10,
        n_init=3,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.momentum = momentum
        self.memory = memory
        self.beta = beta
        self.step_size = step_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.n_init = n_init
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the density to a sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The sample, in rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 equals two copies of the row, 0 leaves it out.

        Returns
        -------
        self : NaturalMomentumDensity
            The fitted estimator.

        Raises
        ------
        ValueError
            If X is not finite, has one row only or more than 50 columns, or if less than
            two weights are above zero.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` is reached, or if the mass is not known to five percent.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if X.shape[1] > MOST_COLUMNS:
            raise ValueError(
                f"Expected at most {MOST_COLUMNS} columns, got {X.shape[1]}: the mass of a density "
                "in more dimensions is not known to a useful accuracy. Reduce them, by PCA say, or "
                "take sklearn's GaussianMixture, which is normalised by a formula."
            )
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        seen = weight > 0
        if (n_seen := np.count_nonzero(seen)) < 2:
            raise ValueError(
                f"Expected at least two rows whose weight is above zero, got {n_seen}."
            )
        X, weight = X[seen], weight[seen]
        self._standardise(X, weight)
        with plain_tensors(), few_threads(len(X) * 100**2):
            self._fit_network(self._inner(X)[:, : self.rank_], weight)
        return self

    def _standardise(self, X, weight):
        """φ: the mean and the covariance of the rows."""
        self.mean_ = np.average(X, axis=0, weights=weight)
        centred = X - self.mean_
        covariance = (centred * weight[:, np.newaxis]).T @ centred / weight.sum()
        scale = np.sqrt(np.diag(covariance))
        scale = np.where(scale > 0, scale, 1.0)
        correlation = covariance / np.outer(scale, scale)
        values, vectors = np.linalg.eigh(correlation)
        seen = values > THIN * values.max()
        self.rank_ = int(np.count_nonzero(seen))
        if self.rank_ == len(values):
            self.axes_ = scale[:, np.newaxis] * np.linalg.cholesky(correlation)
        else:
            # The network sees what varies; the rest has the width of one column.
            order = np.argsort(~seen, kind="stable")
            lengths = np.sqrt(np.where(seen, values, 1.0))[order]
            self.axes_ = scale[:, np.newaxis] * vectors[:, order] * lengths

    def _inner(self, X):
        return np.linalg.solve(self.axes_, (X - self.mean_).T).T

    def _network(self, d):
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes)).tolist()
        if not all(type(size) is int and size > 0 for size in sizes):
            raise ValueError(
                "Expected hidden_layer_sizes to hold positive whole numbers, such as (20,), got "
                f"{self.hidden_layer_sizes!r}."
            )
        return FullyConnected((d, *sizes, 1), self.activation)

    def _fit_network(self, Z, weight):
        """−Σ w log v, equation (L), from each start; the best one is kept."""
        network, d = self._network(Z.shape[1]), Z.shape[1]
        self._width = float(np.abs(Z).max())
        nodes, weights = (torch.as_tensor(part) for part in normal_rule(d, FIT, self._width))
        model = DensityOnNodes(network, nodes, weights)
        loss = LogLikelihood(torch.ones(len(Z), 1, dtype=torch.float64), torch.as_tensor(weight))
        objective = Objective(model, loss, torch.as_tensor(Z), metric="loss")
        n, adapts = float(weight.sum()), is_auto(self.alpha)
        index = model.groups()[0] if adapts else np.where(model_decays(network), 0, -1)

        def first(iterate, number):
            if adapts:
                return first_decay(iterate, n, PARTS[number % len(PARTS)])
            return float(self.alpha)

        evidence = Evidence(
            objective,
            objective,
            n,
            [Groups(torch.as_tensor(index))],
            first,
            Source(),
            adapts=adapts,
        )
        method = {"momentum": self.momentum, "memory": self.memory, "beta": self.beta}
        random_state, best = check_random_state(self.random_state), None
        for _ in range(self.n_init):
            built = build_method(step_size=self.step_size, **method)
            evidence.keeps_last = adapts and built.searches
            result = minimize(
                built,
                objective,
                torch.as_tensor(network.initial(random_state)),
                source=evidence,
                monitor=evidence.judge if adapts else None,
                stop_rules=Stopping(
                    self.tol,
                    self.n_iter_no_change,
                    -math.inf,
                    expects_descent=False,
                    settles=evidence.keeps_last,
                ),
                max_iter=self.max_iter,
            )
            result = evidence.settled(result)
            # Of two iterates the evidence is that of today's decay.
            judged = evidence.judge(objective.at(result.theta)) if adapts else result.loss
            if best is None or judged < best[0]:
                best = judged, result, evidence.state()
        _, result, state = best
        evidence.restore(state)
        self._keep(evidence, objective, result)

    def _keep(self, evidence, objective, result):
        iterate = evidence.today(objective).at(result.theta)
        found = evidence.estimate(iterate)
        self.theta_, self.alpha_ = to_numpy(result.theta), to_numpy(evidence.penalty)
        self.loss_, self.n_iter_ = iterate.loss, result.n_iter
        self.n_effective_parameters_ = found.n_effective
        self.log_evidence_ = found.log_evidence
        self.history_ = {name: np.asarray(column) for name, column in result.history.items()}
        self.loss_curve_ = self.history_["loss"]
        self.stop_reason_ = result.stop.sentence
        self._measure_mass(objective, result.theta, iterate)
        told = []
        if result.stop.kind == "budget":
            told.append(f"{result.stop.sentence} Increase it, or raise tol.")
        elif result.stop.kind != "converged":
            told.append(result.stop.sentence)
        if self.mass_error_ > HONEST:
            told.append(
                f"The mass of the density is known to {100 * self.mass_error_:.0f} % only: the fit "
                "is not at rest, or has details that the nodes of the quadrature miss. Increase "
                "max_iter, transform columns with outliers or few values, or take fewer neurons, a "
                "larger alpha, more rows or fewer columns."
            )
            self.stop_reason_ += f" {told[-1]}"
        if told:
            warn(" ".join(told), ConvergenceWarning)

    def _measure_mass(self, objective, theta, iterate):
        """Z on finer nodes, its error, and the largest ratio exp f / Z that was met.

        Where the fit is at rest, f has the same mean in the density as in the sample, but for the
        decay; where the nodes miss what the network has built at the rows, it has not.
        """
        fitted = float(objective.model.log_mass(theta))
        at_rows = fitted - float(objective.loss.value(iterate.value))
        logs, means, d = [], [], self.rank_
        self._largest = float(iterate.value.max())
        for seed in (0, 1):
            nodes, weights = normal_rule(d, FINE, self._width, seed)
            f = self._f(nodes)
            part = weights * np.exp(f - f.max())
            logs.append(np.log(part.sum()) + f.max())
            means.append(f @ part / part.sum())
            self._largest = max(self._largest, math.exp(f.max() - logs[-1]))
        unseen = max(at_rows - min(means) - 2 * iterate.penalty, 0.0)
        self.log_mass_ = float(logs[0])
        apart = [unseen, fitted - logs[0], logs[1] - logs[0]]
        self.mass_error_ = float(np.abs(np.expm1(np.minimum(apart, 50.0))).max())

    def _f(self, Z):
        """The network, shape (n,)."""
        network, theta = self._network(self.rank_), torch.as_tensor(self.theta_)
        with plain_tensors():
            parts = [
                network.value(theta, torch.as_tensor(np.ascontiguousarray(Z[rows])))[:, 0].numpy()
                for rows in row_slices(len(Z), sum(network.layer_sizes))
            ]
        return np.concatenate(parts) if parts else np.empty(0)

    def score_samples(self, X):
        """Logarithm of the density.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The sample, in rows.

        Returns
        -------
        density : ndarray of shape (n_samples,)
            In nats, for each row.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        Z, d = self._inner(X), X.shape[1]
        normal = -0.5 * (Z**2).sum(axis=1) - 0.5 * d * math.log(2 * math.pi)
        volume = np.linalg.slogdet(self.axes_).logabsdet
        return self._f(Z[:, : self.rank_]) - self.log_mass_ + normal - volume

    def score(self, X, y=None):
        """Log-likelihood of a sample, the sum over its rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The sample, in rows.
        y : None
            Ignored.

        Returns
        -------
        logprob : float
            In nats.
        """
        return float(np.sum(self.score_samples(X)))

    def sample(self, n_samples=1, random_state=None):
        """Draw rows from the density.

        By rejection: up to two columns from uniform draws in small cells, which are chosen by their
        mass; beyond, from draws of φ, which are kept with a probability in proportion to exp f, up
        to 1.2 times the largest value that was met on the nodes and on the rows of ``fit``.

        Parameters
        ----------
        n_samples : int, default=1
            How many rows.
        random_state : int, RandomState instance or None, default=None
            Seed.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows that were drawn.

        Raises
        ------
        ValueError
            If ``n_samples`` is not a positive whole number, or if the density is so far from φ
            that hardly any draw is kept.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"Expected n_samples to be at least 1, got {n_samples!r}.")
        rng, kept, n_kept = check_random_state(random_state), [], 0
        draw = self._in_cells(rng) if self.rank_ <= LARGEST_TENSOR else self._from_normal(rng)
        for _ in range(MOST_ROUNDS):
            Z, chance = draw()
            kept.append(Z[rng.uniform(size=len(Z)) < chance])
            n_kept += len(kept[-1])
            if n_kept >= n_samples:
                Z = np.concatenate(kept)[:n_samples]
                rest = rng.standard_normal((n_samples, len(self.mean_) - self.rank_))
                return self.mean_ + np.hstack([Z, rest]) @ self.axes_.T
        raise ValueError(
            f"Expected to draw {n_samples} rows, got {n_kept} in {MOST_ROUNDS * ROUND} trials: the "
            "density is far from the normal one around it. Draw fewer rows, or fit with fewer "
            "neurons or a larger alpha."
        )

    def _in_cells(self, rng):
        """Uniform draws in the cells of the finer nodes, and the chance to keep each."""
        nodes, weights = normal_rule(self.rank_, FINE, self._width)
        width = nodes[1, -1] - nodes[0, -1]
        f = self._f(nodes)
        mass = weights * np.exp(f - f.max())

        def log_density(Z):
            return self._f(Z) - 0.5 * (Z**2).sum(axis=1)

        def draw():
            cell = rng.choice(len(nodes), ROUND, p=mass / mass.sum())
            Z = nodes[cell] + width * rng.uniform(-0.5, 0.5, (ROUND, self.rank_))
            return Z, np.exp(log_density(Z) - log_density(nodes[cell])) / CELL

        return draw

    def _from_normal(self, rng):
        """Draws from φ, and the chance to keep each."""

        def draw():
            Z = rng.standard_normal((ROUND, self.rank_))
            return Z, np.exp(self._f(Z) - self.log_mass_) / (ABOVE * self._largest)

        return draw


def model_decays(network):
    """Which parameters of a network a named α holds back: its weights."""
    held = np.zeros(network.n_parameters, dtype=bool)
    held[network.decaying] = True
    return held
