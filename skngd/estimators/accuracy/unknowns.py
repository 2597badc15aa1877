"""What a fit says of its unknown coefficients: values, covariance, and what they do to the fields.

Equation and conditions are constraints, (Fisher). Where the error is estimated, (Err), they are so
on the richer space, the noise in the measurements does not bend the solution any more, and what the
network cannot resolve counts, too.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import clone

from ...pde.residuals.blocks import Collocation
from ...pde.uncertainty import covariance
from ..callers import warn
from ..device import to_numpy
from ..rows.outliers import huber_weights

# What rounding leaves of a value at best.
ROUNDING = 1e-13
# A standard deviation in the unbounded parameter, and a part of the way from a bound to the start,
# from which on an unknown is at that bound.
LOOSE, NEAR = 1.0, 0.05
# A part of the variance of the measurements below which they are hardly explained.
EXPLAINED = 1 / 3


@dataclass(frozen=True)
class Told:
    """The unknowns of a fit.

    Attributes
    ----------
    values : dict of str to float
    covariance : ndarray of shape (q, q)
        In their own units, of noise and of the network.
    noise : float or None
        Standard deviation of a measurement, None without measurements.
    inner : ndarray of shape (q, q)
        The covariance by the noise alone, in their unbounded parameters.
    slopes : ndarray of shape (q,)
        Of the values in these parameters.
    """

    values: dict
    covariance: np.ndarray
    noise: float | None
    inner: np.ndarray
    slopes: np.ndarray

    @property
    def std(self):
        roots = np.sqrt(np.diag(self.covariance))
        return dict(zip(self.values, roots.tolist(), strict=True))

    def attributes(self, problem):
        """What an estimator keeps of it."""
        return {
            "unknowns_": self.values,
            "problem_": clone(problem, safe=False).set_params(**self.values),
            "unknowns_std_": self.std,
            "unknowns_cov_": self.covariance,
            "noise_std_": self.noise,
            "_slopes": dict(zip(self.values, self.slopes.tolist(), strict=True)),
        }

    def spread(self, estimate):
        """The same of what the noise does to the fields, where the error is estimated."""
        if estimate is None or estimate.following is None or not estimate.is_determined:
            return {}
        pairs = zip(estimate.relative.items(), relative_spread(self.inner, estimate), strict=True)
        found = {"error_estimate_": {name: float(np.hypot(e, s)) for (name, e), s in pairs}}
        found["_error_beside_noise"] = estimate.relative
        if np.isfinite(self.inner).all():
            found["_spread"] = estimate.following.parts, self.inner
        return found


def told_unknowns(
    physics, theta, constraints, measured, estimate, posterior=None, added=None, free=()
):
    """What the end of a fit says of its unknowns, with the :class:`ErrorEstimate` if there is one.

    Warns of unknowns that the measurements do not determine, and of those at a bound.

    Parameters
    ----------
    physics : Physics
    theta : torch.Tensor of shape (P + q,)
    constraints, measured : list of Block
    estimate : ErrorEstimate or None
    posterior, added : Posterior and dict, default=None
        Where a prior took part, and what was added to the end of the fit then.
    free : tuple of str, default=()
        Names of unknowns that nothing determines, beside those of the estimate; said elsewhere.
    """
    following = None if estimate is None else estimate.following
    inner, change = theta[physics.model.n_parameters :], 0.0
    if following is not None:
        change = following.change
        added = estimate.correction
    if added is not None:
        inner = inner + torch.as_tensor(added["unknowns"], **physics.kind)
    at = torch.cat([theta[: physics.model.n_parameters], inner])
    values = physics.residuals.unknowns(at).tolist()
    slopes = to_numpy(physics.residuals.unknowns(at, 1))
    noise, of_noise = None, np.zeros((len(values), len(values)))
    if posterior is not None:
        factor = posterior.of_unknowns
        of_noise, noise = factor @ factor.T, posterior.noise
    elif measured:
        found = following and (following.information, following.residuals, following.weights)
        found = found or physics.information(theta, constraints, measured)
        of_noise, noise = covariance(*found)
    if measured:
        noise = physics.noise_in_units_of_y(noise, measured)
    open_ones = {*free, *(() if estimate is None else estimate.free_unknowns)}
    is_free = np.array([name in open_ones for name in physics.problem.unknowns], dtype=bool)
    # What is free stays so at a bound, where the slope of the transform vanishes.
    is_free |= ~np.isfinite(np.diag(of_noise))
    # The delta method: through the bounds by the slope of the transform.
    total = slopes[:, None] * np.where(np.isfinite(of_noise), of_noise, 0.0) * slopes
    total += np.diag((slopes * change) ** 2 + (ROUNDING * np.array(values)) ** 2)
    total[is_free], total[:, is_free] = np.nan, np.nan
    total[is_free, is_free] = np.inf
    if estimate is None and posterior is None and not measured:
        # The residual alone does not tell whether another value would do as well.
        total[:] = np.nan
        _warn_of_untold(physics.problem)
    told = Told(
        dict(zip(physics.problem.unknowns, values, strict=True)), total, noise, of_noise, slopes
    )
    _warn_of_loose(physics, told, free)
    return told


def relative_spread(inner, estimate):
    """What the noise does to each field, as a part of its size, in their order.

    ``inner`` is the covariance of the unknowns in their unbounded parameters.
    """
    w = estimate.following.responses
    if not np.isfinite(inner).all():
        return np.full(len(w), np.inf)
    return np.sqrt(np.einsum("fmi,ij,fmj->f", w, inner, w))


def noise_of(estimate):
    """:func:`relative_spread` of an estimate alone."""
    following = estimate.following
    if following.information is None:
        return np.zeros(len(following.responses))
    found = covariance(following.information, following.residuals, following.weights)
    return relative_spread(found[0], estimate)


def _warn_of_untold(problem):
    names = ", ".join(problem.unknowns)
    warn(
        f"Nothing was measured, and the error is not estimated in this fit: nothing tells whether "
        f"{type(problem).__name__} determines {names}, and the standard deviations are NaN. "
        "Measurements are given by fit(X, y), X alone are points of the equation; fit() estimates "
        "the error."
    )


def _warn_of_loose(physics, told, known):
    """Warn of unknowns with infinite intervals, but for the known ones, and of those at a bound."""
    is_wide = dict(zip(told.values, np.sqrt(np.diag(told.inner)) > LOOSE, strict=True))
    at_bound = {
        name: f"{of}={bound:g}"
        for name, of, bound in at_bounds(physics.problem, told.values.values())
        if is_wide[name]
    }
    loose = {name for name, std in told.std.items() if not np.isfinite(std)}
    free = [name for name in told.std if name in loose - {*known, *at_bound}]
    if free and told.noise is not None and np.isnan(told.noise):
        warn(
            "Expected more measurements than unknown coefficients: there is nothing to estimate "
            "the noise from, and the standard deviations are infinite. Add measurements."
        )
    elif free and told.noise is not None:
        warn(
            f"The measurements do not determine {', '.join(free)}: in some direction the unknown "
            "coefficients may have any value. The standard deviation is infinite. Measure where "
            "the solution depends on it, or give one as a number."
        )
    for name, bound in at_bound.items():
        warn(
            f"The unknown coefficient {name} is at its bound, {bound}: the measurements ask for a "
            "value beyond it, or for none. Move the bound, or check the equation and the "
            "measurements."
        )


def at_bounds(problem, values):
    """(name, which, bound) of unknowns that have come close to a bound, given their values."""
    for (name, unknown), value in zip(problem.unknowns.items(), values, strict=True):
        for bound, of in ((unknown.low, "low"), (unknown.high, "high")):
            if bound is not None and abs(value - bound) < NEAR * abs(unknown.start - bound):
                yield name, of, bound


def warn_of_loss(loss):
    """Say that the loss of the measurements did not act."""
    warn(
        f"measurement_loss={loss!r} acts where the error is estimated, and this fit has no "
        "estimate: the measurements were fitted by least squares. See estimate_error and "
        "measurement_weight."
    )


def explained_parts(physics, theta, measured, y, is_robust=False):
    """Which part of the variance of what was measured a solution explains, by name of the block.

    ``measured`` are the blocks of the fields that were observed, ``y`` all columns; ``is_robust``
    leaves outliers out.
    """
    found = {}
    for name, (off, weights, seen, column) in misses(physics, theta, measured, y).items():
        values = column[seen]
        if is_robust:
            weights = weights * huber_weights(off * np.sqrt(weights)) ** 2
            weights = weights / weights.sum()
        spread = weights @ (values - weights @ values) ** 2
        is_told = spread > 0 and len(values) > 2
        found[name] = 1.0 - weights @ off**2 / spread if is_told else 1.0
    return found


def misses(physics, theta, measured, y):
    """v − y, weights with the sum 1, which rows were measured, and y, by name of the block."""
    columns = [(np.isfinite(column), column) for column in y.T]
    columns = [pair for pair in columns if pair[0].any()]
    found = {}
    for block, (seen, column) in zip(measured, columns, strict=True):
        off = to_numpy(physics.residuals.value(theta, Collocation([block]))[:, 0] * block.sizes[0])
        weights = to_numpy(block.row_weights[0] / block.row_weights[0].sum())
        found[block.name] = off, weights, seen, column
    return found


def warn_if_unexplained(physics, theta, measured, y, n_tried=0, is_robust=False):
    """Warn of a solution that explains little of what was measured: another minimum, or equation.

    Whether it did. Arguments as of :func:`explained_parts`, and the number of other first guesses
    that were tried.
    """
    unexplained = False
    for name, part in explained_parts(physics, theta, measured, y, is_robust).items():
        if part < EXPLAINED:
            unexplained = True
            guesses = (
                f", and {n_tried} other first guesses lead to nothing better" if n_tried else ""
            )
            warn(
                f"The solution explains {max(100 * part, 0):.0f} % of the variance of the "
                f"{name}{guesses}. The unknown coefficients may be in another minimum, or the "
                "equation may be another one: give Unknown another start, or bounds, and see "
                "noise_std_."
            )
    return unexplained
