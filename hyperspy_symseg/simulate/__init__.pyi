from .lattice import Lattice
from .micrographs import grain_boundary, micrograph, regions
from .movie import moving_boundary

__all__ = ["Lattice", "grain_boundary", "micrograph", "moving_boundary", "regions"]
