from . import data, descriptors, segmentation, signals, simulate
from .signals.signal2d import (
    find_atomic_columns,
    get_abundances,
    get_symmetry,
    get_symmetry_descriptors,
    get_symmetry_map,
    segment_symmetry,
)
from .version import show_versions

__version__: str

__all__ = [
    "data",
    "descriptors",
    "find_atomic_columns",
    "get_abundances",
    "get_symmetry",
    "get_symmetry_descriptors",
    "get_symmetry_map",
    "segment_symmetry",
    "segmentation",
    "show_versions",
    "signals",
    "simulate",
]
