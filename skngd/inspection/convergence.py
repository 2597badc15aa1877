"""The loss of fits against iterations or time."""

import numpy as np

from .drawing import axes_for, keep, line_style, styled
from .tangent_rows import checked, solves_a_problem

# What is on the horizontal axis.
ABSCISSAE = {"iteration": "iteration", "time": "time (s)"}
# Columns of history_ that are not mean squares of blocks of residuals.
NOT_BLOCKS = {
    *(
        "start",
        "time",
        "loss",
        "monitored_loss",
        "step_size",
        "beta",
        "damping",
        "n_trials",
        "rank",
    ),
    *("condition", "kept", "gram_deviation", "n_draws", "validation_score"),
}


class ConvergenceDisplay:
    """Loss curves of one or several fits.

    Use :meth:`from_estimator`, :meth:`from_estimators` or, for curves of any origin,
    :meth:`from_predictions`.

    Parameters
    ----------
    curves : dict of str to (ndarray of shape (n,), ndarray of shape (n,))
        By name, what is on the horizontal axis, and the losses.
    abscissa : {"iteration", "time"}, default="iteration"
        Time is in seconds since ``fit`` was called.
    label : str, default="loss"
        Of the vertical axis.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    artists_ : tuple of matplotlib Line2D

    See Also
    --------
    skngd.inspection.FieldDisplay : A solution, its residual or its error.
    skngd.inspection.SpectrumDisplay : Singular values of the tangent space.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import ConvergenceDisplay
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor((5,), n_init=1, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> display = ConvergenceDisplay.from_estimators({"plain": model, "again": model}, by="time")
    >>> display.ax_.get_xlabel(), list(display.curves)
    ('time (s)', ['plain', 'again'])
    """

    def __init__(self, curves, abscissa="iteration", label="loss"):
        self.curves, self.abscissa, self.label = curves, abscissa, label

    @classmethod
    def from_estimator(cls, estimator, *, by="iteration", blocks=False, name=None, ax=None):
        """Draw the loss of the best start of a fit.

        Parameters
        ----------
        estimator : fitted NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
            What is looked at.
        by : {"iteration", "time"}, default="iteration"
        blocks : bool, default=False
            Draw the mean square of the residuals of each block of a problem in place of the loss,
            in the units of the equations.
        name : str, default=None
            In the legend; None stands for the name of the class.
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        display : ConvergenceDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or none of these three.
        ValueError
            If ``by`` is another name, or ``blocks`` are asked for where there is no problem.
        ImportError
            If matplotlib is not installed.
        """
        if blocks:
            return cls(*_block_curves(estimator, by)).plot(ax)
        return cls.from_estimators({name or type(estimator).__name__: estimator}, by=by, ax=ax)

    @classmethod
    def from_estimators(cls, estimators, *, by="iteration", ax=None):
        """Draw the losses of several fits; their units are to be the same.

        Parameters
        ----------
        estimators : dict of str to fitted estimator
            The fits by their names in the legend.
        by : {"iteration", "time"}, default="iteration"
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : ConvergenceDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        NotFittedError, TypeError, ValueError, ImportError
            As :meth:`from_estimator`.
        """
        curves = {name: _curve(one, by) for name, one in estimators.items()}
        return cls(curves, by).plot(ax)

    @classmethod
    def from_predictions(cls, curves, *, by="iteration", label="loss", ax=None):
        """Draw curves that are given, such as those of other packages.

        Parameters
        ----------
        curves : dict of str to array-like of shape (n,) or a pair of them
            Losses by iteration, or (where on the horizontal axis, losses).
        by : {"iteration", "time"}, default="iteration"
        label : str, default="loss"
            Of the vertical axis.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : ConvergenceDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ValueError, ImportError
            As :meth:`from_estimator`.
        """
        _check_abscissa(by)
        pairs = {}
        for name, given in curves.items():
            is_pair = isinstance(given, tuple)
            losses = np.asarray(given[1] if is_pair else given, dtype=float)
            places = np.asarray(given[0], dtype=float) if is_pair else np.arange(len(losses))
            pairs[name] = places, losses
        return cls(pairs, by, label).plot(ax)

    def plot(self, ax=None, *, style=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        style : dict, default=None
            Keyword arguments of ``Axes.plot`` for all lines.

        Returns
        -------
        display : ConvergenceDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax, lines = axes_for(ax), []
        for number, (name, (places, losses)) in enumerate(self.curves.items()):
            look = styled(style, **line_style(number, len(losses)))
            # A loss of zero has no logarithm: the line ends there.
            shown = np.where(losses > 0, losses, np.nan)
            lines += ax.plot(places, shown, label=name, **look)
        ax.set(xlabel=ABSCISSAE[self.abscissa], ylabel=self.label, yscale="log")
        if len(self.curves) > 1:
            ax.legend(fontsize="small")
        return keep(self, ax, *lines)


def _check_abscissa(by):
    if by not in ABSCISSAE:
        raise ValueError(f"Expected by to be one of {list(ABSCISSAE)}, got {by!r}.")


def _rows_of_best(estimator):
    """The rows of ``history_`` that belong to the best start."""
    start, losses = estimator.history_["start"], estimator.history_["loss"]
    for number in np.unique(start):
        rows = np.flatnonzero(start == number)
        if np.array_equal(losses[rows], estimator.loss_curve_, equal_nan=True):
            return rows
    return np.flatnonzero(start == start[-1])


def _curve(estimator, by, column="loss"):
    _check_abscissa(by)
    rows = _rows_of_best(checked(estimator))
    places = np.arange(len(rows)) if by == "iteration" else estimator.history_["time"][rows]
    return places, estimator.history_[column][rows]


def _block_curves(estimator, by):
    if not solves_a_problem(checked(estimator)):
        raise ValueError(
            "Expected a PINNEstimator with a problem for blocks=True, got a fit to rows. Leave "
            "blocks out: it has one loss."
        )
    names = [
        name
        for name in estimator.history_
        if name not in NOT_BLOCKS and name.removesuffix("_") not in estimator.unknowns_
    ]
    curves = {name: _curve(estimator, by, name) for name in names}
    return curves, by, "mean square of the residuals"
