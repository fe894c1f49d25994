from . import clustering
from .model import SymmetryModel
from .upsampling import upsample_labels

__all__ = ["SymmetryModel", "clustering", "upsample_labels"]
