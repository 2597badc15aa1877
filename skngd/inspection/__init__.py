"""What a fitted estimator knows: kernels of its tangent space, displays, a diagnosis in words."""

from .convergence import ConvergenceDisplay
from .diagnosis import diagnose
from .fields import FieldDisplay
from .forecast_display import ForecastDisplay
from .intervals import IntervalDisplay
from .kernel_display import KernelDisplay
from .kernels import determining_points, empirical_nntk, greens_function, nntk, ntk
from .spectrum import SpectrumDisplay
from .summary import Summary, summary
from .trajectory import TrajectoryDisplay

__all__ = [
    "ConvergenceDisplay",
    "FieldDisplay",
    "ForecastDisplay",
    "IntervalDisplay",
    "KernelDisplay",
    "SpectrumDisplay",
    "Summary",
    "TrajectoryDisplay",
    "determining_points",
    "diagnose",
    "empirical_nntk",
    "greens_function",
    "nntk",
    "ntk",
    "summary",
]
