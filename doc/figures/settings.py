# SPDX-License-Identifier: GPL-3.0-or-later
"""The three pictures to look at first."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data

s = data.iron_grain_boundary()
seg = s.segment_symmetry()
figure = plt.figure(figsize=(8, 8), layout="constrained")
axes = figure.subplot_mosaic("op;nn", height_ratios=(1, 1.2))
overlay = seg.overlay(s)
show(axes["o"], overlay, "overlay")
overlay.add_legend(axes["o"])
seg.plot_periods(s, ax=axes["p"])
seg.plot_n_patterns(ax=axes["n"])
