from .abundances import Abundances
from .areas import Areas
from .boundaries import BoundaryLengths
from .columns import AtomicColumns
from .defects import Defects
from .hrtem_columns import HrtemColumns
from .lattice_parameters import LatticeParameters
from .network_symmetry import NetworkSymmetry
from .overlay import Overlay
from .strain import MeanLattices, Strain
from .symmetry import Symmetry

__all__ = [
    "Abundances",
    "Areas",
    "AtomicColumns",
    "BoundaryLengths",
    "Defects",
    "HrtemColumns",
    "LatticeParameters",
    "MeanLattices",
    "NetworkSymmetry",
    "Overlay",
    "Strain",
    "Symmetry",
]
