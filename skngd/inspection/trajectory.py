"""The way of the iterates over the loss of a model with two parameters."""

import numpy as np
import torch

from .drawing import NEUTRAL, axes_for, keep, line_style, styled

# Points of the loss along each parameter, levels for each decade and the decades that are drawn.
N_PLANE, LEVELS_PER_DECADE, DECADES = 61, 2, 4
# The part of the way that stays free around it.
MARGIN = 0.12


class TrajectoryDisplay:
    """Paths in the plane of two parameters, over the lines of equal loss.

    Parameters
    ----------
    first, second : ndarray of shape (k,)
        Values of the two parameters.
    losses : ndarray of shape (k, k)
        ``losses[i, j]`` is the loss at ``(first[i], second[j])``.
    paths : dict of str to ndarray of shape (n, 2)
        Iterates by name.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    artists_ : tuple of matplotlib artists
        The contours, then the paths.

    See Also
    --------
    skngd.inspection.ConvergenceDisplay : How the loss fell.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd.inspection import TrajectoryDisplay
    >>> way = np.array([[1.0, 1.0], [0.5, 0.1], [0.0, 0.0]])
    >>> display = TrajectoryDisplay.from_function(lambda a, b: a**2 + 10 * b**2, {"way": way})
    >>> display.losses.shape, display.ax_.get_xlabel()
    ((61, 61), 'θ₁')
    """

    def __init__(self, first, second, losses, paths):
        self.first, self.second, self.losses, self.paths = first, second, losses, paths

    @classmethod
    def from_objective(cls, objective, paths, *, ax=None):
        """Draw paths over the loss of an objective with two parameters.

        Parameters
        ----------
        objective : skngd.optim.Objective
            The loss as a function of two parameters.
        paths : dict of str to array-like of shape (n, 2)
            Iterates by name, as an observer of :func:`skngd.optim.minimize` keeps them.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : TrajectoryDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ValueError
            If there are not two parameters.
        ImportError
            If matplotlib is not installed.
        """

        def loss(first, second):
            theta = torch.tensor([first, second], dtype=torch.float64)
            return objective.at(theta).loss

        return cls.from_function(np.vectorize(loss, otypes=[float]), paths, ax=ax)

    @classmethod
    def from_function(cls, function, paths, *, ax=None):
        """Draw paths over any function of two numbers.

        Parameters
        ----------
        function : callable
            Takes two arrays of shape (k, k), and returns the losses in that shape.
        paths : dict of str to array-like of shape (n, 2)
            Points of the plane by the name of the path.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : TrajectoryDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ValueError, ImportError
            As :meth:`from_objective`.
        """
        paths = {name: np.asarray(path, dtype=float) for name, path in paths.items()}
        for name, path in paths.items():
            if path.ndim != 2 or path.shape[1] != 2:
                raise ValueError(
                    f"Expected paths of shape (n, 2), got {path.shape} for {name!r}. Only a model "
                    "with two parameters has a plane to draw on."
                )
        low, high = square_around(np.concatenate(list(paths.values())))
        first, second = (np.linspace(low[k], high[k], N_PLANE) for k in range(2))
        losses = function(*np.meshgrid(first, second, indexing="ij"))
        return cls(first, second, losses, paths).plot(ax)

    def plot(self, ax=None, *, style=None):
        """Draw the paths.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        style : dict, default=None
            Keyword arguments of ``Axes.plot`` for all paths.

        Returns
        -------
        display : TrajectoryDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax, steps = axes_for(ax), np.arange(-DECADES * LEVELS_PER_DECADE, 1)
        levels = np.nanmax(self.losses) * 10.0 ** (steps / LEVELS_PER_DECADE)
        look = {"levels": levels, "colors": NEUTRAL, "linewidths": 0.6, "alpha": 0.7, "zorder": 0}
        artists = [ax.contour(self.first, self.second, self.losses.T, **look)]
        for number, (name, path) in enumerate(self.paths.items()):
            look = styled(style, **line_style(number, len(path)))
            artists += ax.plot(*path.T, label=name, **look)
        ax.set(xlabel="θ₁", ylabel="θ₂", aspect="equal")
        if len(self.paths) > 1:
            ax.legend(fontsize="small")
        return keep(self, ax, *artists)


def square_around(points):
    """The lower and the upper corner of a square around points of shape (n, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = (0.5 + MARGIN) * ((high - low).max() or 1.0)
    return (low + high) / 2 - half, (low + high) / 2 + half
