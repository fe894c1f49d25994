from .overlay import LazySymmetryOverlay, SymmetryOverlay
from .pattern_measure import LazyPatternMeasure, PatternMeasure
from .points import LazySymmetryPoints, SymmetryPoints
from .regions import BrushStroke
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

__all__ = [
    "BrushStroke",
    "LazyPatternMeasure",
    "LazySymmetryLabels",
    "LazySymmetryOverlay",
    "LazySymmetryPoints",
    "PatternMeasure",
    "SymmetryLabels",
    "SymmetryOverlay",
    "SymmetryPoints",
]
