# SPDX-License-Identifier: GPL-3.0-or-later
"""All example micrographs."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data

REAL = (
    data.iron_grain_boundary,
    data.two_phase_oxide,
    data.dysprosium_scandate,
    data.perovskite_film,
    data.bismuth_on_mos2,
)
SIMULATED = (
    data.ordered_precipitates,
    data.polar_domains,
    data.particle_in_vacuum,
    data.twin_lamella,
)
signals = [load() for load in REAL] + [load()[0] for load in SIMULATED]
figure, axes = plt.subplots(3, 3, figsize=(9.5, 9), layout="constrained")
for ax, s in zip(axes.flat, signals, strict=True):
    show(ax, s)
    ax.set_title(s.metadata.General.title, fontsize=9)
