"""A kernel of a fitted estimator over its points."""

import numpy as np

from .drawing import axes_for, keep, line_style, styled
from .kernels import greens_function, nntk, ntk

KINDS = {"ntk": ntk, "nntk": nntk, "green": greens_function}
LABELS = {"ntk": "NTK", "nntk": "NNTK", "green": "Green's function"}
# Sources up to which each is a line.
MOST_LINES = 6


class KernelDisplay:
    """k(x, z): a map over x and z, a line for each of few z, or a map over the plane for one z.

    Parameters
    ----------
    X : ndarray of shape (n, 1) or (n, 2)
        The points x.
    Z : ndarray of shape (m, 1) or (m, 2)
        The points z.
    kernel : ndarray of shape (n, m)
        The values k(x, z).
    label : str, default="kernel"
        Of the vertical axis, or of the colours.
    names : tuple of str, default=("x",)
        Of the coordinates.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    artists_ : tuple of matplotlib artists
    colorbar_ : matplotlib Colorbar or None
        Of a map.

    See Also
    --------
    skngd.inspection.SpectrumDisplay : Singular values of the tangent space.

    Examples
    --------
    >>> import numpy as np
    >>> from skngd import NaturalMomentumRegressor
    >>> from skngd.inspection import KernelDisplay
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = NaturalMomentumRegressor((5,), n_init=1, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> KernelDisplay.from_estimator(model, X).kernel.shape
    (50, 50)
    >>> lines = KernelDisplay.from_estimator(model, X, X[[10, 25]], kind="ntk").artists_
    >>> len(lines)
    2
    """

    def __init__(self, X, Z, kernel, label="kernel", names=("x",)):
        self.X, self.Z, self.kernel, self.label, self.names = X, Z, kernel, label, names

    @classmethod
    def from_estimator(
        cls, estimator, X, Z=None, *, kind="nntk", outputs=(0, 0), sample=None, ax=None
    ):
        """Draw a kernel.

        Parameters
        ----------
        estimator : fitted NaturalMomentumRegressor, NaturalMomentumClassifier or PINNEstimator
            What is looked at.
        X : array-like of shape (n, 1) or (n, 2)
            In one dimension in ascending order.
        Z : array-like of shape (m, 1) or (1, 2), default=None
            Up to six are drawn as lines. None stands for X.
        kind : {"ntk", "nntk", "green"}, default="nntk"
            See :func:`skngd.inspection.ntk`, :func:`skngd.inspection.nntk` and
            :func:`skngd.inspection.greens_function`.
        outputs : (int, int), default=(0, 0)
            Which entry for each pair of points, where there are several outputs.
        sample : array-like of shape (k, n_features), default=None
            Of the Gram matrix, for "nntk" and "green"; as for these functions.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : KernelDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or none of these three.
        ValueError
            If ``kind`` is another name, or the points have more than two columns, or two and
            several z.
        ImportError
            If matplotlib is not installed.
        """
        if kind not in KINDS:
            raise ValueError(f"Expected kind to be one of {list(KINDS)}, got {kind!r}.")
        others = X if Z is None else Z
        settings = {} if kind == "ntk" else {"sample": sample}
        kernel = KINDS[kind](estimator, X, others, **settings)
        if kernel.ndim == 4:
            kernel = kernel[:, :, outputs[0], outputs[1]]
        names = getattr(X, "columns", None)
        if names is None and getattr(estimator, "problem_", None) is not None:
            names = estimator.problem_.domain.names
        X, others = np.asarray(X, dtype=float), np.asarray(others, dtype=float)
        if names is None:
            names = ("x",) if X.shape[1] == 1 else ("x0", "x1")
        return cls(X, others, kernel, LABELS[kind], tuple(names)).plot(ax)

    @classmethod
    def from_predictions(cls, X, Z, kernel, *, label="kernel", ax=None):
        """Draw a kernel that is given.

        Parameters
        ----------
        X, Z : array-like of shape (n, 1) or (n, 2), (m, 1) or (1, 2)
            The points x and z.
        kernel : array-like of shape (n, m)
            The values k(x, z).
        label : str, default="kernel"
            Of the vertical axis, or of the colours.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : KernelDisplay
            With the arrays that were drawn, and ``ax_``.

        Raises
        ------
        ValueError
            If the points have more than two columns, or two and several z.
        ImportError
            If matplotlib is not installed.
        """
        X, Z = np.asarray(X, dtype=float), np.asarray(Z, dtype=float)
        names = ("x",) if X.shape[1] == 1 else ("x0", "x1")
        return cls(X, Z, np.asarray(kernel, dtype=float), label, names).plot(ax)

    def plot(self, ax=None, *, style=None):
        """Draw the kernel.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        style : dict, default=None
            Keyword arguments of ``Axes.plot``, ``Axes.pcolormesh`` or ``Axes.tripcolor``.

        Returns
        -------
        display : KernelDisplay
            Itself.

        Raises
        ------
        ValueError
            If the points have more than two columns, or two and several z.
        ImportError
            If matplotlib is not installed.
        """
        d, m = self.X.shape[1], len(self.Z)
        if d > 2 or (d == 2 and m > 1):
            raise ValueError(
                f"Expected points with one column, or with two and a single z, got {d} columns and "
                f"{m} rows of Z. Draw one source at a time, and one or two coordinates."
            )
        ax, self.colorbar_ = axes_for(ax), None
        draw = self._plane if d == 2 else (self._lines if m <= MOST_LINES else self._square)
        return keep(self, ax, *draw(ax, style))

    def _square(self, ax, style):
        look = {"cmap": "viridis", "shading": "nearest", "rasterized": True}
        x, z, name = self.X[:, 0], self.Z[:, 0], self.names[0]
        image = ax.pcolormesh(x, z, self.kernel.T, **styled(style, **look))
        other = "z" if name == "x" else f"{name}′"
        ax.set(xlabel=name, ylabel=other, aspect="equal")
        self.colorbar_ = ax.figure.colorbar(image, ax=ax, label=f"{self.label} ({name}, {other})")
        return [image]

    def _lines(self, ax, style):
        lines, name = [], self.names[0]
        other = "z" if name == "x" else f"{name}′"
        for number, (z, column) in enumerate(zip(self.Z[:, 0], self.kernel.T, strict=True)):
            look = styled(style, **line_style(number, len(column)))
            lines += ax.plot(self.X[:, 0], column, label=f"{other} = {z:.3g}", **look)
        ax.set(xlabel=name, ylabel=f"{self.label} ({name}, {other})")
        ax.legend(fontsize="small")
        return lines

    def _plane(self, ax, style):
        look = {"cmap": "viridis", "shading": "gouraud", "rasterized": True}
        image = ax.tripcolor(*self.X.T, self.kernel[:, 0], **styled(style, **look))
        mark = ax.scatter(*self.Z.T, marker="X", color="white", edgecolors="black", s=50)
        self.colorbar_ = ax.figure.colorbar(image, ax=ax, label=f"{self.label} (·, ×)")
        ax.set(xlabel=self.names[0], ylabel=self.names[1], aspect="equal")
        return [image, mark]
