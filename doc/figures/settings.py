# SPDX-License-Identifier: GPL-3.0-or-later
"""The three pictures to look at first."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data

s = data.iron_grain_boundary()
seg = s.segment_symmetry()
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
show(axes[0], seg.overlay(s), "overlay")
seg.plot_periods(s, ax=axes[1])
seg.plot_n_patterns(ax=axes[2])
