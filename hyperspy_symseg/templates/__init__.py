# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of patterns: their reflections, whose phases follow the crystal.

A pattern is described by the spatial frequencies g of its lattice and the amplitude of
each. At any place the phases are those that the pixels of the pattern near by have, so
a lattice may be strained, drift or begin anew in every grain; what is left of a pixel's
block when the template is subtracted is the misfit of the pattern there. Takes and
returns NumPy arrays; knows no HyperSpy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
