"""What a fitted estimator knows: a diagnosis in sentences."""

from .diagnosis import diagnose

__all__ = ["diagnose"]
