# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated HRTEM: frames and focal series of sheets and particles, by multislice.

Lengths of specimens and microscopes are in angstroms, positions are (y, x, z) from the
middle of the first pixel of the frame, with the beam along z. True columns are in
pixels.

Examples
--------
>>> from hyperspy_symseg.simulate import hrtem
>>> sheet = hrtem.graphene((24.0, 30.0), vacancies=0.02, seed=3)
>>> s, columns = hrtem.frame(sheet, hrtem.Microscope(80, defocus=-60), (120, 150), 0.2)
>>> s
<Signal2D, title: Simulated HRTEM, dimensions: (|150, 120)>
>>> sorted(set(columns.elements.tolist()))
['C']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
