# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures of the pages share."""

import numpy as np
from rsciio.utils.rgb import is_rgbx, rgbx2regular_array


def show(ax, signal, title=None, **options):
    """Draw an image without ticks, in grey but for its darkest and brightest pixels.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    signal : hyperspy.signals.Signal2D
    title : str, optional
    **options
        Of ``imshow``.

    Returns
    -------
    matplotlib.image.AxesImage
    """
    pixels = signal.data
    if is_rgbx(pixels):
        pixels = rgbx2regular_array(pixels)
    elif not options:
        low, high = np.nanpercentile(pixels, (0.5, 99.5))
        options = {"cmap": "gray", "vmin": low, "vmax": high}
    x, y = signal.axes_manager.signal_axes
    ax.set(xticks=[], yticks=[], title=title)
    return ax.imshow(pixels, aspect=y.scale / x.scale, **options)
