# SPDX-License-Identifier: GPL-3.0-or-later
"""What HyperSpy sees: methods of signals, axes, metadata and plots.

``hyperspy.api.load`` imports `signal2d` for every image, so nothing here may import
more than HyperSpy until a method is called.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
