"""Coefficients that are not numbers: unknown ones and inputs."""

from dataclasses import dataclass
from math import isfinite, log, log1p
from numbers import Real

import torch

from ..geometry.shown import shown


def check_numbers(numbers, came):
    """Refuse what is not a real number."""
    if not all(isinstance(x, Real) for x in numbers):
        raise ValueError(
            f"Expected real numbers, got {came}. Give a first guess and, if known, bounds, such as "
            "Unknown(0.5, low=0), or a range, such as Input(0.1, 1)."
        )


@dataclass(frozen=True, repr=False)
class Unknown:
    """A coefficient to be found from measurements together with the solution.

    Parameters
    ----------
    start : float
        First guess, inside the bounds.
    low, high : float, default=None
        Bounds that it keeps by a smooth transform: exponential for one bound, logistic for two.

    Raises
    ------
    ValueError
        If low ≥ high, or if the start is not between them.

    See Also
    --------
    skngd.pde.Input : A coefficient that is one more column of X.
    skngd.pde.Observe : A measured combination of fields and derivatives.

    Examples
    --------
    >>> from skngd.pde import Unknown
    >>> Unknown(0.5, low=0)
    Unknown(0.5, low=0)
    """

    start: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self):
        start, low, high = self.start, self.low, self.high
        numbers = [start, *(x for x in (low, high) if x is not None)]
        check_numbers(numbers, f"Unknown({shown(start)}, low={shown(low)}, high={shown(high)})")
        if not all(isfinite(float(x)) for x in numbers):
            raise ValueError(
                f"Expected Unknown(start, low, high) to hold finite numbers, got {numbers}. Leave "
                "a bound out (None) where there is none."
            )
        if low is not None and high is not None and low >= high:
            raise ValueError(
                f"Expected low < high in Unknown, got low={low} and high={high}. Give a fixed "
                "coefficient as a number."
            )
        if (low is not None and start <= low) or (high is not None and start >= high):
            raise ValueError(
                f"Expected the start of Unknown strictly between its bounds, got start={start} "
                f"with low={low} and high={high}. Change the start or leave the bound out."
            )

    def __repr__(self):
        low = "" if self.low is None else f", low={self.low!r}"
        high = "" if self.high is None else f", high={self.high!r}"
        return f"Unknown({self.start!r}{low}{high})"

    def allows(self, value):
        """Whether a value is strictly between the bounds.

        Parameters
        ----------
        value : float
            A candidate.

        Returns
        -------
        allowed : bool
            True between the bounds.
        """
        above = self.low is None or value > self.low
        return above and (self.high is None or value < self.high)

    def transform(self):
        """The smooth map from the real line onto the range.

        Returns
        -------
        transform : object
            With the map, its inverse and its derivative.
        """
        if self.low is None and self.high is None:
            return Affine(float(self.start))
        if self.low is not None and self.high is not None:
            return LogisticBounds(float(self.low), float(self.high), float(self.start))
        sign, bound = (1.0, self.low) if self.high is None else (-1.0, self.high)
        return ExponentialBound(sign, float(bound), float(self.start))


class Affine:
    """c = s z with s = |start|, so that steps in z are relative steps in c."""

    def __init__(self, start):
        self.scale = abs(start) or 1.0
        self.start = self.inverse(start)

    def inverse(self, value):
        """z of a value."""
        return value / self.scale

    def derivative(self, z, order):
        """c or its first or second derivative at z."""
        return (self.scale * z, torch.full_like(z, self.scale), torch.zeros_like(z))[order]


class ExponentialBound:
    """c = bound ± exp(z)."""

    def __init__(self, sign, bound, start):
        self.sign, self.bound = sign, bound
        self.start = self.inverse(start)

    def inverse(self, value):
        return log(self.sign * (value - self.bound))

    def derivative(self, z, order):
        grown = self.sign * torch.exp(z)
        return self.bound + grown if order == 0 else grown


class LogisticBounds:
    """c = low + (high − low) / (1 + exp(−z))."""

    def __init__(self, low, high, start):
        self.low, self.width = low, high - low
        self.start = self.inverse(start)

    def inverse(self, value):
        part = (value - self.low) / self.width
        return log(part) - log1p(-part)

    def derivative(self, z, order):
        s = torch.sigmoid(z)
        if order == 0:
            return self.low + self.width * s
        slope = self.width * s * (1 - s)
        return slope if order == 1 else slope * (1 - 2 * s)


@dataclass(frozen=True, repr=False)
class Input:
    """A coefficient that varies: one more input column of X.

    Parameters
    ----------
    low, high : float
        Its range, sampled with the domain.
    scale : {"linear", "log"}, default="linear"
        ``"log"`` samples, and normalises, its logarithm; needs low > 0. It is the better one where
        high is several times low: the solution then varies most near low.

    Raises
    ------
    ValueError
        If low ≥ high, or low ≤ 0 with ``scale="log"``, or the scale is neither.

    See Also
    --------
    skngd.pde.Unknown : A coefficient that measurements tell.
    skngd.pde.Grid : A coefficient from a table.

    Examples
    --------
    >>> from skngd.pde import Input
    >>> Input(0.04, 0.2)
    Input(0.04, 0.2)
    """

    low: float
    high: float
    scale: str = "linear"

    def __post_init__(self):
        low, high, scale = self.low, self.high, self.scale
        check_numbers((low, high), f"Input({shown(low)}, {shown(high)})")
        if not (isfinite(low) and isfinite(high) and low < high):
            raise ValueError(
                f"Expected finite low < high in Input, got low={low} and high={high}. Give a "
                "fixed coefficient as a number."
            )
        if scale not in ("linear", "log"):
            raise ValueError(
                f"Expected scale to be 'linear' or 'log', got {shown(scale)}. Use one."
            )
        if scale == "log" and low <= 0:
            raise ValueError(
                f"Expected low > 0 with scale='log', got low={low}. Use 'linear', or raise it."
            )

    def __repr__(self):
        scale = "" if self.scale == "linear" else f", scale={self.scale!r}"
        return f"Input({self.low!r}, {self.high!r}{scale})"
