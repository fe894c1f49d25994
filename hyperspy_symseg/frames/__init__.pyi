from .grid import Grid
from .tile import Tile

__all__ = ["Grid", "Tile"]
