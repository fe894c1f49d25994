# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures of the pages share."""

import pydoc

import matplotlib.pyplot as plt
import numpy as np
from rsciio.utils.rgb import is_rgbx, rgbx2regular_array

from hyperspy_symseg.plotting import paint


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


def show_result(name):
    """Draw a micrograph or the first frame of a movie, and the true labels if known.

    Parameters
    ----------
    name : str
        Of a function that gives them, such as ``hyperspy_symseg.data.twin_lamella``.
    """
    found = pydoc.locate(name)()
    images = [found] if hasattr(found, "axes_manager") else list(found)
    _, axes = plt.subplots(
        1,
        len(images),
        figsize=(4 * len(images), 4),
        layout="constrained",
        squeeze=False,
    )
    for ax, signal, title in zip(axes[0], images, ("", "true labels"), strict=False):
        while signal.axes_manager.navigation_dimension:
            signal = signal.inav[0]
        if signal._lazy:
            signal.compute(show_progressbar=False)
        if title:
            labels = signal.data.astype(int)
            ax.imshow(paint(labels, labels.max() + 1))
            ax.set(xticks=[], yticks=[], title=title)
        else:
            show(ax, signal, signal.metadata.General.title)
