# SPDX-License-Identifier: GPL-3.0-or-later
"""One crystal in a distorted scan, and why it is one pattern."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data

s = data.dysprosium_scandate()
seg = s.segment_symmetry()
figure, axes = plt.subplots(1, 2, figsize=(8.5, 4.5), layout="constrained")
show(axes[0], s, "dysprosium scandate")
seg.plot_n_patterns(ax=axes[1])
