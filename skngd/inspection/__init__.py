"""What a fitted estimator knows: the kernels of its tangent space."""

from .kernels import determining_points, empirical_nntk, greens_function, nntk, ntk

__all__ = ["determining_points", "empirical_nntk", "greens_function", "nntk", "ntk"]
