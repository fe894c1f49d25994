# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice periods of frames, and lengths that suit them.

Takes and returns NumPy arrays; knows no HyperSpy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
