# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated micrographs and movies, with the true label maps.

Array order is (row, column), that is (y, x), and so are all vectors. Lengths are in
pixels. Angles are in degrees, from x towards y: clockwise on the screen.

Examples
--------
>>> from hyperspy_symseg.simulate import Lattice, micrograph, moving_boundary
>>> matrix = Lattice.hexagonal(12, orientation=7)
>>> signal, truth = micrograph([matrix, matrix.mirrored(30)], (61, 83), seed=1)
>>> signal, truth.data.dtype
(<Signal2D, title: Simulated micrograph, dimensions: (|83, 61)>, dtype('int8'))
>>> moving_boundary(1000, (1024, 1024))[0]
<LazySignal2D, title: Simulated movie, dimensions: (1000|1024, 1024)>
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
