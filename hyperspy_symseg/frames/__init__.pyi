from .grid import Grid
from .tile import FramePart

__all__ = ["FramePart", "Grid"]
