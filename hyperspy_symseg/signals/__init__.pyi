from .points import LazySymmetryPoints, SymmetryPoints
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

__all__ = [
    "LazySymmetryLabels",
    "LazySymmetryPoints",
    "SymmetryLabels",
    "SymmetryPoints",
]
