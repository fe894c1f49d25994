from . import hrtem
from .amorphous import Amorphous
from .label_maps import inclusions, lamella, regions, triple_point
from .lattice import Lattice
from .micrographs import grain_boundary, micrograph
from .movie import moving_boundary, shrinking_inclusion

__all__ = [
    "Amorphous",
    "Lattice",
    "grain_boundary",
    "hrtem",
    "inclusions",
    "lamella",
    "micrograph",
    "moving_boundary",
    "regions",
    "shrinking_inclusion",
    "triple_point",
]
