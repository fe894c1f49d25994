from .microscope import Microscope
from .multislice import exit_wave
from .particles import particle
from .recording import focal_series, frame
from .sheets import crystal_sheet, graphene, mos2
from .specimen import Specimen, TrueColumns

__all__ = [
    "Microscope",
    "Specimen",
    "TrueColumns",
    "crystal_sheet",
    "exit_wave",
    "focal_series",
    "frame",
    "graphene",
    "mos2",
    "particle",
]
