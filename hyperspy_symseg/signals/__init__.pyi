from .pattern_measure import LazyPatternMeasure, PatternMeasure
from .points import LazySymmetryPoints, SymmetryPoints
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

__all__ = [
    "LazyPatternMeasure",
    "LazySymmetryLabels",
    "LazySymmetryPoints",
    "PatternMeasure",
    "SymmetryLabels",
    "SymmetryPoints",
]
