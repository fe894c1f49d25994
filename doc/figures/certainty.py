# SPDX-License-Identifier: GPL-3.0-or-later
"""A grain boundary at two doses, its labels and their certainty."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import simulate

figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
for row, dose in zip(axes, (10, 0.3), strict=True):
    s, _ = simulate.grain_boundary(dose=dose, shape=(320, 320))
    seg, certainty = s.segment_symmetry(2, certainty=True)
    show(row[0], s, f"{dose} counts a column")
    show(row[1], seg.overlay(s), "labels")
    image = show(row[2], certainty, "certainty", cmap="viridis", vmin=0.5, vmax=1)
    figure.colorbar(image, ax=row[2])
