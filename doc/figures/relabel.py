# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels, and the same with a region that was changed by hand."""

import hyperspy.api as hs
import matplotlib.pyplot as plt
from common import show
from matplotlib.patches import Circle

from hyperspy_symseg import data

s, _ = data.ordered_precipitates()
seg = s.segment_symmetry(n_patterns=2)
roi = hs.roi.CircleROI(cx=1.9, cy=0.9, r=0.75)
changed = seg.relabel({0: 1}, roi=roi)
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
show(axes[0], seg.overlay(s), "labels")
size = s.axes_manager[0].scale
middle = roi.cx / size, roi.cy / size
axes[0].add_patch(Circle(middle, roi.r / size, fill=False, edgecolor="white", lw=2))
show(axes[1], changed.overlay(s), "relabel({0: 1}, roi=roi)")
