"""What a fitted estimator knows: kernels of its tangent space, displays, a diagnosis in words."""

from .convergence import ConvergenceDisplay
from .design import NextMeasurement, next_measurement
from .diagnosis import diagnose
from .fields import FieldDisplay
from .forecast_display import ForecastDisplay
from .intervals import IntervalDisplay
from .kernel_display import KernelDisplay
from .kernels import determining_points, empirical_nntk, greens_function, nntk, ntk
from .profile import ProfileInterval, profile_likelihood
from .spectrum import SpectrumDisplay
from .summary import Summary, summary
from .trajectory import TrajectoryDisplay

__all__ = [
    "ConvergenceDisplay",
    "FieldDisplay",
    "ForecastDisplay",
    "IntervalDisplay",
    "KernelDisplay",
    "NextMeasurement",
    "ProfileInterval",
    "SpectrumDisplay",
    "Summary",
    "TrajectoryDisplay",
    "determining_points",
    "diagnose",
    "empirical_nntk",
    "greens_function",
    "next_measurement",
    "nntk",
    "ntk",
    "profile_likelihood",
    "summary",
]
