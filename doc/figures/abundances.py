# SPDX-License-Identifier: GPL-3.0-or-later
"""Abundances in an oxide with two phases, and the spectra of the components."""

import matplotlib.pyplot as plt
import numpy as np
from common import show

from hyperspy_symseg import data

s = data.two_phase_oxide()
abundances, spectra = s.get_abundances(2)
figure, axes = plt.subplots(1, 5, figsize=(11, 2.7), layout="constrained")
show(axes[0], s, "oxide with two phases")
for k in range(2):
    title = f"abundance {k}"
    show(axes[1 + k], abundances.inav[k], title, cmap="viridis", vmin=0, vmax=1)
    power = spectra.inav[k]
    limit = np.nanpercentile(power.data, 99.8)
    show(axes[3 + k], power, f"spectrum {k}", cmap="magma", vmin=0, vmax=limit)
