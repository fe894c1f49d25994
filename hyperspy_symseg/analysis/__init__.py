# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of labelled frames: one file a question.

Each is an `Analysis`, which `run` evaluates for arrays of frames and labels, and `lazy`
gives the dask array of. Nothing here knows HyperSpy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
