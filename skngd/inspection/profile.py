"""The profile likelihood of an unknown coefficient, where its linear interval is doubtful."""

import copy
import warnings
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from ..estimators.evaluate import observed_at
from ..estimators.points.observed import observed
from ..pde.observe import observed_of
from .tangent_rows import checked, solves_a_problem

# The most doublings of the step away from the estimate, and the accuracy of an end, in z.
DOUBLINGS, ACCURACY = 8, 1e-3
# The largest standard deviation that tells where to look first, beside the value and its guess.
LARGEST = 10.0
# The part of the way to a bound that is left where it is asked whether the bound is refused.
NEAR = 1e-3


@dataclass(frozen=True)
class ProfileInterval:
    """What :func:`profile_likelihood` found.

    Attributes
    ----------
    low, high : float
        The ends; infinite, or the bound of the unknown, where no value is refused.
    values : ndarray of shape (n,)
        The values that were tried, in their order.
    deviances : ndarray of shape (n,)
        (n − q) (S / Ŝ − 1) of each: a fit with the value fixed leaves the squares S.
    linear : tuple of float
        The interval by ``unknowns_std_``.

    See Also
    --------
    skngd.inspection.profile_likelihood : Finds one.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.inspection import ProfileInterval
    >>> values = np.array([0.8, 1.0, 1.4])
    >>> found = ProfileInterval(0.8, 1.4, values, np.array([3.84, 0.0, 3.84]), (0.7, 1.3))
    >>> (found.low, found.high)
    (0.8, 1.4)
    """

    low: float
    high: float
    values: np.ndarray
    deviances: np.ndarray
    linear: tuple


def profile_likelihood(estimator, X, y, name, *, sample_weight=None, level=0.95):
    """Interval of an unknown coefficient by fits that hold it fixed, equation (Profile).

    All others, and the solution, follow. Where the solution depends linearly on the coefficient it
    is the interval by ``unknowns_std_``; near a bound, or with few measurements, that is not to be
    trusted, and this is. About ten fits, each from the end of another one.

    Parameters
    ----------
    estimator : fitted PINNEstimator
        With unknown coefficients.
    X : array-like of shape (n_samples, n_features)
        Where was measured: as of ``fit``.
    y : array-like of shape (n_samples,) or (n_samples, n_fields)
        The measurements, as of ``fit``.
    name : str
        Of the unknown.
    sample_weight : array-like of shape (n_samples,), default=None
        As of ``fit``.
    level : float in (0, 1), default=0.95
        What the interval is to cover.

    Returns
    -------
    interval : ProfileInterval
        Its ends, and the values that were tried.

    Raises
    ------
    NotFittedError, TypeError
        If the estimator is not fitted, or solves no problem.
    ValueError
        If there is no such unknown, if the conditions do not determine the solution for given
        coefficients, or if there are no more measurements than unknowns.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import PINNEstimator
    >>> from skngd.inspection import profile_likelihood
    >>> from skngd.pde import Box, Initial, Problem, Unknown
    >>> class Decay(Problem):
    ...     domain = Box(t=(0, 1))
    ...     conditions = (Initial(1.0),)
    ...
    ...     def __init__(self, k):
    ...         self.k = k
    ...
    ...     def residual(self, u, t):
    ...         return u.t + self.k * u
    >>> t = np.linspace(0.1, 1, 8).reshape(-1, 1)
    >>> y = np.exp(-3 * t[:, 0]) + 0.05 * np.random.default_rng(0).normal(size=8)
    >>> solver = PINNEstimator(Decay(Unknown(1.0, low=0)), (8,), activation="tanh", random_state=0)
    >>> found = profile_likelihood(solver.fit(t, y), t, y, "k")
    >>> k = solver.unknowns_["k"]
    >>> bool(found.low < k < found.high), bool(found.high - k > k - found.low)
    (True, True)
    """
    _check(estimator, name)
    if not 0 < level < 1:
        raise ValueError(f"Expected level between 0 and 1, got {level!r}. 0.95 is usual.")
    names = [one.name for one in observed_of(estimator.problem_)]
    y, weight = observed(X, y, sample_weight, names)
    fits = _Fits(estimator, X, y, weight, name)
    limit, value = float(norm.ppf(0.5 + 0.5 * level)), estimator.unknowns_[name]
    low, high = (_end(fits, estimator, name, sign, limit) for sign in (-1, 1))
    tried = sorted(fits.deviances)
    half = limit * estimator.unknowns_std_[name]
    deviances = np.array([fits.deviances[one] for one in tried])
    return ProfileInterval(low, high, np.array(tried), deviances, (value - half, value + half))


def check_unknown(estimator, name):
    """Refuse the name of no unknown coefficient."""
    if name not in estimator.unknowns_:
        raise ValueError(
            f"Expected the name of an unknown coefficient, one of {list(estimator.unknowns_)}, got "
            f"{name!r}. Use one of them, or state it as an Unknown before the fit."
        )


def _check(estimator, name):
    if not solves_a_problem(checked(estimator)):
        raise TypeError(
            f"Expected a PINNEstimator with a problem, got {type(estimator).__name__}. Fit one to "
            "measurements, with a coefficient as an Unknown."
        )
    check_unknown(estimator, name)
    if estimator._field_posterior is not None or not estimator.problem_.conditions:
        raise ValueError(
            "Expected a problem whose conditions determine the solution for given coefficients, "
            "got one that measurements are needed for. Give it conditions."
        )


class _Fits:
    """Fits with one unknown held fixed, and what they leave of the measurements."""

    def __init__(self, estimator, X, y, weight, name):
        self.estimator, self.X, self.y, self.weight = estimator, X, y, weight
        self.name, self.told = name, observed_of(estimator.problem_)
        n, q = int(np.isfinite(y).sum()), len(estimator.unknowns_)
        if n <= q:
            raise ValueError(
                f"Expected more measurements than unknown coefficients, got {n} and {q}: there is "
                "nothing to estimate the noise from. Add measurements."
            )
        self.degrees, self.at = n - q, {estimator.unknowns_[name]: estimator}
        self.least = self._squares(estimator)
        self.deviances = {estimator.unknowns_[name]: 0.0}

    def deviance(self, value):
        if value not in self.deviances:
            fitted = self._fitted(value)
            self.deviances[value] = self.degrees * (self._squares(fitted) / self.least - 1.0)
        return max(self.deviances[value], 0.0)

    def _fitted(self, value):
        """From the end of the fit with the nearest value."""
        fitted = copy.copy(self.at[min(self.at, key=lambda one: abs(one - value))])
        others = {
            name: replace(unknown, start=fitted.unknowns_.get(name, unknown.start))
            for name, unknown in self.estimator.problem.unknowns.items()
            if name != self.name
        }
        problem = self.estimator.problem.with_coefficients({**others, self.name: value})
        fitted.set_params(problem=problem, warm_start=True, verbose=0)
        given = (self.X, self.y, self.weight) if others else ()
        with warnings.catch_warnings():
            # What is said of a value that is refused says nothing of the estimator.
            warnings.simplefilter("ignore")
            self.at[value] = fitted.fit(*given)
        return fitted

    def _squares(self, fitted):
        """Of the measurements in units of their sizes, weighted as the fit weighs them."""
        off = observed_at(fitted, self.X, self.told) - self.y
        # In the units of the first fit.
        sizes = [self.estimator.sizes_.get(f"measurements {one.name}", [1.0]) for one in self.told]
        return float(np.nansum(self.weight[:, None] * (off / np.ravel(sizes)) ** 2))


def _end(fits, estimator, name, sign, limit):
    """Where the root of the deviance is the limit, to one side of the estimate."""
    unknown, value = estimator.problem.unknowns[name], estimator.unknowns_[name]
    bound = unknown.low if sign < 0 else unknown.high
    std = estimator.unknowns_std_[name]
    # Near a bound the standard deviation may be anything.
    usual = max(abs(value), abs(unknown.start)) or 1.0
    step = limit * std if 0 < std < LARGEST * usual else usual

    def beyond(x):
        return np.sqrt(fits.deviance(x)) - limit

    inside = value
    for _ in range(DOUBLINGS):
        x = value + sign * step
        is_last = bound is not None and sign * (x - bound) >= 0
        if is_last:
            x = bound + NEAR * (inside - bound)
        if beyond(x) >= 0:
            found = brentq(beyond, inside, x, xtol=ACCURACY * abs(x - value), rtol=1e-12)
            return float(found)
        if is_last:
            break
        inside, step = x, 2 * step
    return sign * np.inf if bound is None else float(bound)
