from .model import SymmetryModel
from .upsampling import upsample_labels

__all__ = ["SymmetryModel", "upsample_labels"]
