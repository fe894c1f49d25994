from . import polar, registry
from .base import Descriptor
from .glide import GlideReflectionSymmetry
from .joined import JoinedDescriptors
from .power_spectrum import PowerSpectrum
from .reflection import ReflectionSymmetry
from .registry import describe, make_descriptor
from .rotation import RotationSymmetry
from .scores import compute_scores
from .translation import TranslationSymmetry

__all__ = [
    "Descriptor",
    "GlideReflectionSymmetry",
    "JoinedDescriptors",
    "PowerSpectrum",
    "ReflectionSymmetry",
    "RotationSymmetry",
    "TranslationSymmetry",
    "compute_scores",
    "describe",
    "make_descriptor",
    "polar",
    "registry",
]
