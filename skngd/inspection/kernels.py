"""Kernels of a fitted estimator, equations (NTK) and (Green)."""

import numpy as np
import torch
from sklearn.utils.validation import _check_sample_weight

from ..estimators.device import plain_tensors, to_numpy
from ..estimators.evaluate import fitted_physics, network_of, points_of
from ..tangent.kernels import RCOND, determining_rows, row_space, whitening
from .tangent_rows import (
    block_at,
    by_point,
    checked,
    fields_of,
    residual_rows,
    rows_of_values,
    sample_of_domain,
    solves_a_problem,
)


def ntk(estimator, X, Z=None):
    """Neural tangent kernel, Σ_p ∂_p v(x) ∂_p v(z), equation (NTK).

    Parameters
    ----------
    estimator : fitted NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
        What is looked at.
    X : array-like of shape (n, n_features)
        In the units of ``fit``.
    Z : array-like of shape (m, n_features), default=None
        None stands for X.

    Returns
    -------
    kernel : ndarray of shape (n, m) or (n, m, n_outputs, n_outputs)
        In the units of y², for the parameters ``theta_`` as they are. v is what the network gives
        before a link: log-odds of a classifier, the logarithm of the mean for ``loss="poisson"``.
        A problem has an output for each field. One output has no axes of its own.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is none of these three.
    ValueError
        If the points are not as those of ``fit``, or outside of the domain of a problem.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import ntk
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor((5,), n_init=1, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> kernel = ntk(model, X)
    >>> kernel.shape, bool(np.allclose(kernel, kernel.T))
    ((50, 50), True)
    """
    with plain_tensors():
        rows, n_outputs = rows_of_values(checked(estimator), X)
        others = rows if Z is None else rows_of_values(estimator, Z)[0]
        return _in_blocks(rows @ others.T, n_outputs, n_outputs)


def nntk(estimator, X, Z=None, *, sample=None, sample_weight=None, rcond=RCOND):
    """Natural neural tangent kernel, Σ_pq ∂_p v(x) G⁺_pq ∂_q v(z), equation (NTK).

    The kernel of the projection onto the tangent space: with the weights w_i of the sample,
    (P f)(x) = Σ_i w_i nntk(x, x_i) f(x_i).

    Parameters
    ----------
    estimator : fitted NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
        What is looked at.
    X : array-like of shape (n, n_features)
        In the units of ``fit``.
    Z : array-like of shape (m, n_features), default=None
        None stands for X.
    sample : array-like of shape (k, n_features), default=None
        Points of the Gram matrix G, equation (G) in the metric "l2": a fitted estimator does not
        keep its training rows. None stands for X.
    sample_weight : array-like of shape (k,), default=None
        Their weights, which are divided by their sum. None: all alike.
    rcond : float in [0, 1), default=1e-8
        Directions of the tangent space whose singular value is not above this part of the largest
        are left out.

    Returns
    -------
    kernel : ndarray of shape (n, m) or (n, m, n_outputs, n_outputs)
        Without units. Several outputs are measured as they are: where their sizes differ, the
        larger ones decide; see :func:`ntk` for what they are.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As :func:`ntk`, and for a ``rcond`` or weights out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import nntk
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor((5,), n_init=1, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> projector = nntk(model, X) / 50
    >>> bool(np.allclose(projector @ projector, projector))
    True
    """
    with plain_tensors():
        space = TangentSpace(checked(estimator), _or(sample, X), sample_weight, rcond)
        return space.kernel(X, Z)


def determining_points(estimator, X, *, sample_weight=None, rcond=RCOND):
    """Find points that determine every function of the tangent space, by QR with pivots.

    At most as many as there are directions in it: P where none is left out.

    Parameters
    ----------
    estimator : fitted NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
        What is looked at.
    X : array-like of shape (n, n_features)
        The points to choose from, which are the sample of the Gram matrix as well.
    sample_weight : array-like of shape (n,), default=None
        Weights of the points; None: all alike.
    rcond : float in [0, 1), default=1e-8
        As for :func:`nntk`.

    Returns
    -------
    index : ndarray of shape (k,)
        Rows of X, in ascending order.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As :func:`nntk`.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import determining_points
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor((3,), n_init=1, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> len(determining_points(model, X)), len(model.theta_)
    (10, 10)
    """
    with plain_tensors():
        space = TangentSpace(checked(estimator), X, sample_weight, rcond)
        rows = determining_rows(space.features(X))
        return np.unique(rows // space.n_outputs)


def empirical_nntk(estimator, X, Z=None, *, points, sample=None, sample_weight=None, rcond=RCOND):
    """Kernel k̂ of the empirical tangent space, the span of NNTK(x_i, ·), equation (NTK).

    Where the points determine the tangent space it is :func:`nntk`.

    Parameters
    ----------
    estimator : fitted NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
        What is looked at.
    X : array-like of shape (n, n_features)
        In the units of ``fit``.
    Z : array-like of shape (m, n_features), default=None
        None stands for X.
    points : array-like of shape (l, n_features)
        The x_i. :func:`determining_points` finds some.
    sample, sample_weight : array-like, default=None
        As for :func:`nntk`.
    rcond : float in [0, 1), default=1e-8
        As for :func:`nntk`, and for the functions that span the space, which may be alike.

    Returns
    -------
    kernel : ndarray of shape (n, m) or (n, m, n_outputs, n_outputs)
        As of :func:`nntk`.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As :func:`nntk`.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import determining_points, empirical_nntk, nntk
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor((3,), n_init=1, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> points = X[determining_points(model, X)]
    >>> bool(np.allclose(empirical_nntk(model, X, points=points), nntk(model, X)))
    True
    """
    with plain_tensors():
        space = TangentSpace(checked(estimator), _or(sample, X), sample_weight, rcond)
        space.restrict(points)
        return space.kernel(X, Z)


def greens_function(
    estimator, X, Z, *, condition="equation", sample=None, points=None, rcond=RCOND
):
    """Generalised Green's function, Σ_pq ∂_p v(x) G⁺_pq ∂_q D[v](z), equation (Green).

    The answer at x to a unit source at z, as far as the tangent space holds it: a change f of the
    right-hand side of the equation, the conditions staying as they are, moves the solution by
    ∫ g(x, z) f(z) dz. For a nonlinear problem D is linearised at the fitted network.

    Parameters
    ----------
    estimator : fitted PINNEstimator, NaturalMomentumRegressor or NaturalMomentumClassifier
        A fit to rows has D = 1: g is :func:`nntk` with Z as its sample.
    X : array-like of shape (n, n_features)
        Where the solution is looked at, in the units of the problem.
    Z : array-like of shape (m, n_features)
        Where the sources are.
    condition : str, default="equation"
        Where a source acts: in the equation, or in the values of a condition by its name in
        ``history_``, such as "initial" or "dirichlet x"; Z is then on its face, and the integral is
        over that. Of conditions without normals at one place.
    sample : array-like of shape (k, n_features), default=None
        Points of the equation in the Gram matrix G of the residuals, all alike. None: as many fresh
        ones as a fit takes by itself, Gauss points in one dimension, else Sobol's. The conditions
        are part of G, on fresh points, and each block is weighted as in the fit, by its weight and
        ``sizes_``.
    points : array-like of shape (l, n_features), default=None
        The function on the empirical tangent space, the span of NNTK(x_i, ·) for these points. None
        takes the whole tangent space.
    rcond : float in [0, 1), default=1e-8
        As for :func:`nntk`.

    Returns
    -------
    g : ndarray of shape (n, m) or (n, m, n_fields, n_equations)
        In the units of the field by those of the equation and of the volume of the domain (of the
        face of a condition, where points count as one); with
        several fields or equations a matrix for each pair of points. Inputs of a parametric problem
        count as a mean over their range. Measurements and unknown coefficients take no part: these
        have the values that were found.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As :func:`nntk`, and for a condition that does not exist, is hard, or has normals.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import PINNEstimator
    >>> from skngd.inspection import greens_function
    >>> from skngd.pde import Dirichlet, Interval, Problem
    >>> class Poisson(Problem):
    ...     domain = Interval(0, 1)
    ...     conditions = (Dirichlet(0.0),)
    ...
    ...     def residual(self, u, x):
    ...         return -u.xx - 1
    >>> solver = PINNEstimator(Poisson(), (40,), activation="sin", random_state=0).fit()
    >>> X = np.linspace(0, 1, 21).reshape(-1, 1)
    >>> truth = np.minimum(X, X.T) * (1 - np.maximum(X, X.T))
    >>> bool(np.abs(greens_function(solver, X, X) - truth).max() < 0.05)
    True
    """
    _check_rcond(rcond)
    if not solves_a_problem(checked(estimator)):
        if points is not None:
            return empirical_nntk(
                estimator, X, Z, points=points, sample=_or(sample, Z), rcond=rcond
            )
        return nntk(estimator, X, Z, sample=_or(sample, Z), rcond=rcond)
    with plain_tensors():
        physics = fitted_physics(estimator)
        physics.discretization.sizes = estimator.sizes_
        physics.discretization.local_sizes = estimator._local_sizes
        network = network_of(estimator, physics)
        X, Z, sample, points = (
            None if rows is None else points_of(estimator, physics, rows)
            for rows in (X, Z, sample, points)
        )
        blocks, interior = sample_of_domain(physics, sample)
        a = residual_rows(physics, network, blocks, is_scaled=True)
        if points is None:
            b = whitening(a, rcond)
        else:
            span = _empirical_span(physics, network, interior, points, rcond)
            b = span @ whitening(a @ span, rcond)
        # What one unit of a source at one point is in the Gram matrix: weight / volume / size².
        block, measure = block_at(physics, Z, condition)
        (weight,) = (one.row_weights.sum(1) for one in blocks if one.name == condition)
        density = (weight / measure).unsqueeze(1) / block.sizes
        sources = by_point(residual_rows(physics, network, [block]), block.n_equations)
        sources = sources * density.expand(-1, len(Z)).T.reshape(-1, 1)
        values, n_fields = fields_of(physics, network, X)
        return _in_blocks((values @ b) @ (sources @ b).T, n_fields, block.n_equations)


class TangentSpace:
    """An orthonormal basis of the tangent space at a fitted estimator, on a sample.

    Parameters
    ----------
    estimator : fitted estimator
    sample : array-like of shape (k, n_features)
    sample_weight : array-like of shape (k,) or None
    rcond : float
    """

    def __init__(self, estimator, sample, sample_weight, rcond):
        _check_rcond(rcond)
        self.estimator, self.rcond = estimator, rcond
        rows, self.n_outputs = rows_of_values(estimator, sample)
        m = len(rows) // self.n_outputs
        weight = _check_sample_weight(sample_weight, np.empty((m, 1)), ensure_non_negative=True)
        root = torch.as_tensor(np.repeat(np.sqrt(weight / weight.sum()), self.n_outputs)).to(rows)
        self.whitening = whitening(rows * root.unsqueeze(1), rcond)

    def features(self, X):
        """Values of the basis at points, shape (m c, d)."""
        return rows_of_values(self.estimator, X)[0] @ self.whitening

    def restrict(self, points):
        """Keep the span of NNTK(x_i, ·) for these points."""
        self.whitening = self.whitening @ row_space(self.features(points), self.rcond)

    def kernel(self, X, Z=None):
        """Of the projection onto the space."""
        features = self.features(X)
        others = features if Z is None else self.features(Z)
        return _in_blocks(features @ others.T, self.n_outputs, self.n_outputs)


def _empirical_span(physics, network, interior, points, rcond):
    """Directions of the parameters that are those of NNTK(x_i, ·), shape (P, k)."""
    rows = fields_of(physics, network, interior)[0]
    b = whitening(rows / len(interior) ** 0.5, rcond)
    return b @ row_space(fields_of(physics, network, points)[0] @ b, rcond)


def _or(given, otherwise):
    return otherwise if given is None else given


def _check_rcond(rcond):
    if not 0 <= rcond < 1:
        raise ValueError(
            f"Expected rcond in [0, 1), got {rcond!r}. 1e-8 keeps half of the digits; larger "
            "numbers leave out more directions."
        )


def _in_blocks(kernel, n_rows, n_columns):
    """Shape (n, m, c, d) for c and d numbers at each point, without axes of length one."""
    kernel = to_numpy(kernel)
    if n_rows == n_columns == 1:
        return kernel
    n, m = kernel.shape[0] // n_rows, kernel.shape[1] // n_columns
    return kernel.reshape(n, n_rows, m, n_columns).swapaxes(1, 2)
