from .micrographs import (
    bismuth_on_mos2,
    dysprosium_scandate,
    iron_grain_boundary,
    perovskite_film,
    two_phase_oxide,
)
from .simulated import (
    ordered_precipitates,
    particle_in_vacuum,
    polar_domains,
    twin_lamella,
)

__all__ = [
    "bismuth_on_mos2",
    "dysprosium_scandate",
    "iron_grain_boundary",
    "ordered_precipitates",
    "particle_in_vacuum",
    "perovskite_film",
    "polar_domains",
    "twin_lamella",
    "two_phase_oxide",
]
