# SPDX-License-Identifier: GPL-3.0-or-later
"""Polar domains and the mean unit cell of each."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data

s, _ = data.polar_domains()
seg = s.segment_symmetry(n_patterns=2)
figure = plt.figure(figsize=(9.5, 4.8), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.3))
above, below = left.subplots(2, 1)
show(above, s, "polar domains")
show(below, seg.overlay(s), "labels")
seg.plot_patterns(axes=right.subplots(2, 2))
