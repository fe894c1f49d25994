from .points import LazySymmetryPoints, SymmetryPoints
from .regions import BrushStroke
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

__all__ = [
    "BrushStroke",
    "LazySymmetryLabels",
    "LazySymmetryPoints",
    "SymmetryLabels",
    "SymmetryPoints",
]
