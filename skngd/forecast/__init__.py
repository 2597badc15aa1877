"""Forecasts of series, several steps ahead, from any regressor, with intervals that grow.

A row of a regressor holds values of the past and gives the next one. :class:`RecursiveForecaster`
applies one regressor again and again to what it has said itself; :class:`DirectForecaster` has a
regressor of its own for each number of steps ahead.
"""

from .direct import DirectForecaster
from .recursive import RecursiveForecaster

__all__ = ["DirectForecaster", "RecursiveForecaster"]
