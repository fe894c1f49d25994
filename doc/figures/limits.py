# SPDX-License-Identifier: GPL-3.0-or-later
"""Polar domains by scores alone and by templates, at two doses."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data
from hyperspy_symseg.plotting import pattern_colormap

COLORS = {"cmap": pattern_colormap(2), "vmin": -0.5, "vmax": 1.5}
figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), layout="constrained")
for row, dose in zip(axes, (30, 0.1), strict=True):
    s, _ = data.polar_domains(dose=dose)
    show(row[0], s, f"{dose} counts a column")
    for ax, refine in zip(row[1:], (False, True), strict=True):
        seg = s.segment_symmetry(2, refine=refine)
        title = "labels by templates" if refine else "labels by scores alone"
        show(ax, seg, title, **COLORS)
