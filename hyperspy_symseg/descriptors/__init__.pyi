from . import checks, polar, registry, tiles
from .base import Descriptor
from .block import FramePart
from .glide import GlideReflectionSymmetry
from .grid import Grid
from .joined import JoinedDescriptors
from .power_spectrum import PowerSpectrum
from .reflection import ReflectionSymmetry
from .registry import describe, make_descriptor
from .rotation import RotationSymmetry
from .tiles import compute_scores, map_tiles
from .translation import TranslationSymmetry

__all__ = [
    "Descriptor",
    "FramePart",
    "GlideReflectionSymmetry",
    "Grid",
    "JoinedDescriptors",
    "PowerSpectrum",
    "ReflectionSymmetry",
    "RotationSymmetry",
    "TranslationSymmetry",
    "checks",
    "compute_scores",
    "describe",
    "make_descriptor",
    "map_tiles",
    "polar",
    "registry",
    "tiles",
]
