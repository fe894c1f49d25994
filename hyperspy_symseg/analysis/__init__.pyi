from .abundances import Abundances
from .areas import Areas
from .boundaries import BoundaryLengths
from .defects import Defects
from .overlay import Overlay
from .symmetry import Symmetry

__all__ = ["Abundances", "Areas", "BoundaryLengths", "Defects", "Overlay", "Symmetry"]
