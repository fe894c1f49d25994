from .areas import Areas
from .boundaries import BoundaryLengths
from .defects import Defects
from .network_symmetry import NetworkSymmetry
from .overlay import Overlay
from .symmetry import Symmetry

__all__ = [
    "Areas",
    "BoundaryLengths",
    "Defects",
    "NetworkSymmetry",
    "Overlay",
    "Symmetry",
]
