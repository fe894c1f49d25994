# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of candidate symmetry operations at each pixel.

Descriptors take and return NumPy arrays, in pixels. Array order is (row, column)
= (y, x); pairs are (y, x) and shifts (dy, dx).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
