"""Time series to learn from: Mackey-Glass, and lagged inputs for any series."""

from ._lagged import make_lagged
from ._mackey_glass import load_mackey_glass, make_mackey_glass

__all__ = ["load_mackey_glass", "make_lagged", "make_mackey_glass"]
