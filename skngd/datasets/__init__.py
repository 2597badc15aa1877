"""Data to learn from: Mackey-Glass, lagged inputs for any series, the exclusive or."""

from ._lagged import make_lagged
from ._mackey_glass import load_mackey_glass, make_mackey_glass
from ._xor import make_xor

__all__ = ["load_mackey_glass", "make_lagged", "make_mackey_glass", "make_xor"]
