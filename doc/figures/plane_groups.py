# SPDX-License-Identifier: GPL-3.0-or-later
"""The grains of a boundary in iron, with the elements of their nominal plane groups."""

from hyperspy_symseg import data

s = data.iron_grain_boundary()
seg = s.segment_symmetry()
seg.get_symmetry(s).plot(nominal=True)
