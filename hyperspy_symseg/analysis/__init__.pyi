from .abundances import Abundances
from .areas import Areas
from .boundaries import BoundaryLengths
from .channels import ChannelSums
from .columns import AtomicColumns
from .defects import Defects
from .grains import GrainMap, GrainNeighbours, GrainOutlines, Grains
from .hrtem_columns import HrtemColumns
from .lattice_parameters import LatticeParameters
from .network_symmetry import NetworkSymmetry
from .overlay import Overlay
from .relabelling import Relabelling
from .strain import MeanLattices, Strain
from .symmetry import Symmetry
from .velocity import BoundaryVelocity

__all__ = [
    "Abundances",
    "Areas",
    "AtomicColumns",
    "BoundaryLengths",
    "BoundaryVelocity",
    "ChannelSums",
    "Defects",
    "GrainMap",
    "GrainNeighbours",
    "GrainOutlines",
    "Grains",
    "HrtemColumns",
    "LatticeParameters",
    "MeanLattices",
    "NetworkSymmetry",
    "Overlay",
    "Relabelling",
    "Strain",
    "Symmetry",
]
