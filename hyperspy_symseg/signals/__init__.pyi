from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

__all__ = ["LazySymmetryLabels", "SymmetryLabels"]
