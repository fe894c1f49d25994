# SPDX-License-Identifier: GPL-3.0-or-later
"""What a frame is, and how it is cut, read, walked and stored.

The ground floor: it takes and returns NumPy and dask arrays, and imports no other room.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
