from . import tiles
from .base import Descriptor, describe, make_descriptor
from .grid import Grid
from .tiles import compute_scores, map_tiles
from .translation import TranslationSymmetry

__all__ = [
    "Descriptor",
    "Grid",
    "TranslationSymmetry",
    "compute_scores",
    "describe",
    "make_descriptor",
    "map_tiles",
    "tiles",
]
