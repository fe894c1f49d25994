from .areas import Areas
from .boundaries import BoundaryLengths
from .defects import Defects
from .overlay import Overlay
from .strain import MeanLattices, Strain
from .symmetry import Symmetry

__all__ = [
    "Areas",
    "BoundaryLengths",
    "Defects",
    "MeanLattices",
    "Overlay",
    "Strain",
    "Symmetry",
]
