# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real micrographs, and their labels."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data

figure, axes = plt.subplots(2, 2, figsize=(8, 8), layout="constrained")
signals = data.iron_grain_boundary(), data.two_phase_oxide()
for row, s in zip(axes, signals, strict=True):
    seg = s.segment_symmetry()
    show(row[0], s)
    show(row[1], seg.overlay(s))
