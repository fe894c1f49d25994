# SPDX-License-Identifier: GPL-3.0-or-later
"""Abundances in an oxide with two phases, and the spectra of the components."""

import matplotlib.pyplot as plt
import numpy as np
from common import show
from matplotlib.colors import LogNorm

from hyperspy_symseg import data

s = data.two_phase_oxide()
abundances, spectra = s.get_abundances(2)
figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
show(axes[0, 0], s, "oxide with two phases")
axes[1, 0].set_axis_off()
for k in range(2):
    options = {"cmap": "viridis", "vmin": 0, "vmax": 1}
    image = show(axes[0, 1 + k], abundances.inav[k], f"abundance {k}", **options)
    power = spectra.inav[k].data
    inside = np.nonzero(np.isfinite(power) & (power > 0))
    y, x = (slice(index.min(), index.max() + 1) for index in inside)
    high = np.nanmax(power)
    shown = spectra.inav[k].isig[x, y]
    norm = LogNorm(high / 1000, high, clip=True)
    show(axes[1, 1 + k], shown, f"spectrum {k} (logarithmic)", cmap="magma", norm=norm)
figure.colorbar(image, ax=axes[0, 2])
