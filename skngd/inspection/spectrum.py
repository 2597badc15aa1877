"""Singular values of the row-scaled Jacobian of a fitted estimator."""

import numpy as np
import torch

from ..estimators.device import plain_tensors, to_numpy
from ..estimators.evaluate import fitted_physics, network_of
from ..tangent.base import ADAPTIVE, rounding
from ..tangent.svd import Svd
from .drawing import COLORS, NEUTRAL, axes_for, keep, styled
from .tangent_rows import checked, rows_of_values, sample_of_domain, solves_a_problem


class SpectrumDisplay:
    """The singular values of A, equation (A), beside the cut-off and the damping, equation (P).

    Those below the cut-off are left out by a step; below the square root of the damping λ they are
    held back.

    Parameters
    ----------
    singular_values : ndarray of shape (k,)
        In descending order.
    rcond : float
        The cut-off as a part of the largest.
    damping : float, default=0.0
        λ.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    artists_ : tuple of matplotlib artists

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import SpectrumDisplay
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor((5,), n_init=1, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> display = SpectrumDisplay.from_estimator(model, X)
    >>> display.singular_values.shape, display.rank <= 16
    ((16,), True)
    """

    def __init__(self, singular_values, rcond, damping=0.0):
        self.singular_values, self.rcond, self.damping = singular_values, rcond, damping

    @property
    def rank(self):
        """How many singular values are above the cut-off."""
        s = self.singular_values
        return int((s > self.rcond * s[0]).sum())

    @classmethod
    def from_estimator(cls, estimator, X=None, *, ax=None):
        """Draw the spectrum at the end of a fit.

        Parameters
        ----------
        estimator : fitted NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
            What is looked at.
        X : array-like of shape (n, n_features), default=None
            Rows of A. A problem takes None for fresh points of its domain, and its conditions
            always; the others need the rows, for they do not keep those of ``fit``.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : SpectrumDisplay
            In the metric "l2" and the units of the fit. The cut-off is ``rcond``; for "auto" what
            is a rounding error, and so for "adaptive" without a problem, whose residual tells it.
            The damping is that of the last step.

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or none of these three.
        ValueError
            If X is missing, or not as in ``fit``.
        ImportError
            If matplotlib is not installed.
        """
        with plain_tensors():
            a, residual = _matrix(checked(estimator), X)
            s = to_numpy(torch.linalg.svdvals(a))
            smallest, rcond = rounding(a.shape, a.dtype), estimator.rcond
            if isinstance(rcond, str):
                is_adaptive = rcond == ADAPTIVE and residual is not None
                rcond = Svd([(a, residual)]).adaptive_rcond() if is_adaptive else 0.0
        damping = np.asarray(estimator.history_["damping"], dtype=float)
        known = damping[np.isfinite(damping)]
        return cls(s, max(rcond, smallest), float(known[-1]) if len(known) else 0.0).plot(ax)

    @classmethod
    def from_predictions(cls, jacobian, *, rcond=0.0, damping=0.0, ax=None):
        """Draw the spectrum of a matrix.

        Parameters
        ----------
        jacobian : array-like of shape (n, P)
            A, equation (A).
        rcond, damping : float, default=0.0
            The cut-off as a part of the largest singular value, and λ.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : SpectrumDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(np.linalg.svd(jacobian, compute_uv=False), rcond, damping).plot(ax)

    def plot(self, ax=None, *, style=None):
        """Draw the singular values.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        style : dict, default=None
            Keyword arguments of ``Axes.plot`` for the singular values.

        Returns
        -------
        display : SpectrumDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax, s = axes_for(ax), self.singular_values
        positive = np.where(s > 0, s, np.nan)
        look = {"color": COLORS[0], "marker": ".", "linestyle": "none", "label": "singular values"}
        artists = ax.plot(np.arange(1, len(s) + 1), positive, **styled(style, **look))
        for level, dashes, name in (
            (self.rcond * s[0], "--", f"cut-off: {self.rank} are above"),
            (self.damping**0.5, "-.", "√λ of the damping"),
        ):
            if level > 0:
                artists.append(ax.axhline(level, color=NEUTRAL, linestyle=dashes, label=name))
        ax.set(xlabel="number", ylabel="singular value of A", yscale="log")
        ax.legend(fontsize="small")
        return keep(self, ax, *artists)


def _matrix(estimator, X):
    """A at the end of a fit, in its units, and the residual of a problem, else None."""
    if solves_a_problem(estimator):
        physics = fitted_physics(estimator)
        network = network_of(estimator, physics)
        X = None if X is None else physics.checked(estimator._validated_for_prediction(X))
        blocks = physics.adopt_sizes(sample_of_domain(physics, X)[0])
        iterate = physics.objective(blocks).at(physics.residuals.internal(network))
        rows = torch.cat([rows for _, rows in iterate.operator.rows()])
        return rows, iterate.residual.unsqueeze(1)
    if X is None:
        raise ValueError(
            "Expected X, the rows of the Jacobian, got None. Pass the rows of fit: a fitted "
            "estimator does not keep them."
        )
    rows, n_outputs = rows_of_values(estimator, X, is_standardised=True)
    return rows / (len(rows) // n_outputs) ** 0.5, None
