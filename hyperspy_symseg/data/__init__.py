# SPDX-License-Identifier: GPL-3.0-or-later
"""Example micrographs, real ones and simulated ones.

The real ones are in the package, with their origins and licences in ``LICENSES.md``
beside them; whole frames of some, which are larger, are downloaded.

Examples
--------
>>> from hyperspy_symseg import data
>>> s = data.iron_grain_boundary()
>>> s
<Signal2D, title: Iron, grain boundary, dimensions: (|512, 512)>
>>> s.metadata.General.authors, s.axes_manager[0].units
('A. Leitherer, C. Liebscher, L. M. Ghiringhelli', 'nm')
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
