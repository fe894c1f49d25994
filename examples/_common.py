# SPDX-License-Identifier: GPL-3.0-or-later
"""What the examples share: arguments, calibrated panels, and the test of labels."""

import argparse
import itertools
from pathlib import Path

import hyperspy.api as hs
import numpy as np
from matplotlib.figure import Figure
from rsciio.utils.rgb import is_rgbx, rgbx2regular_array

from hyperspy_symseg.signals import SymmetryOverlay


def parse(description, picture):
    """Parse the command line.

    Parameters
    ----------
    description : str
    picture : str
        Name of the picture where none is given.

    Returns
    -------
    argparse.Namespace
    """
    parser = argparse.ArgumentParser(
        description=without_title(description),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", nargs="?", type=Path, help="a micrograph; by default one is simulated")
    add("--output", type=Path, default=Path(picture), help=f"picture ({picture})")
    add("--size", type=int, default=512, help="side of the simulated frame (512)")
    add("--pixel-size", type=float, metavar="NM", help="if the file does not tell")
    return parser.parse_args()


def without_title(description):
    """The docstring of an example as the command line shows it: str."""
    return description.partition("=\n\n")[2]


def load(path, pixel_size=None):
    """Load a micrograph.

    Parameters
    ----------
    path : pathlib.Path
        Of a format that HyperSpy reads, or an array in a .npy file.
    pixel_size : float, optional
        In nm; by default as in the file.

    Returns
    -------
    hyperspy.signals.Signal2D
    """
    is_array = path.suffix == ".npy"
    signal = hs.signals.Signal2D(np.load(path)) if is_array else hs.load(path)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name = name
        if pixel_size is not None:
            axis.scale, axis.units = pixel_size, "nm"
        elif not isinstance(axis.units, str):
            axis.units = "px"
    return signal


def panels(*titles, rows=2):
    """New figure with a panel for each title.

    Parameters
    ----------
    *titles : str
    rows : int

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : (panels,) numpy.ndarray of matplotlib.axes.Axes
    """
    columns = len(titles) // rows
    size = 4 * columns, 11 / 3 * rows
    figure = Figure(figsize=size, dpi=150, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, title, letter in zip(axes, titles, "abcdefgh", strict=False):
        ax.set_title(f"({letter}) {title}", fontsize="medium")
    return figure, axes


def show(ax, signal, data=None, **options):
    """Draw a signal with calibrated axes, and a legend if it is tinted by pattern.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    signal : hyperspy.signals.Signal2D
    data : numpy.ndarray, optional
        What to draw in its place.
    **options
        Of ``imshow``.

    Returns
    -------
    matplotlib.image.AxesImage
    """
    data = signal.data if data is None else data
    if is_rgbx(data):
        data = rgbx2regular_array(data)
    x, y = signal.axes_manager.signal_axes
    left, right, top, bottom = (
        value + side * axis.scale / 2
        for axis in (x, y)
        for side, value in ((-1, axis.low_value), (1, axis.high_value))
    )
    ax.locator_params(nbins=5)
    ax.set(xlabel=f"{x.name} ({x.units})", ylabel=f"{y.name} ({y.units})")
    if isinstance(signal, SymmetryOverlay):
        signal.add_legend(ax, fontsize="x-small")
    return ax.imshow(data, extent=(left, right, bottom, top), **options)


def show_micrograph(ax, signal):
    """Draw a micrograph in grey, but for its 0.1 % darkest and brightest pixels."""
    low, high = np.percentile(signal.data, (0.1, 99.9))
    show(ax, signal, cmap="gray", vmin=low, vmax=high)


def save(figure, path):
    """Save a figure, with plots as square as the pictures.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : pathlib.Path
    """
    for ax in figure.axes:
        if ax.lines:
            ax.set_box_aspect(1)
    figure.savefig(path)


def ious(labels, truth):
    """Intersection over union of each true pattern with the label that fits it best.

    Parameters
    ----------
    labels, truth : numpy.ndarray of int
        Labels from 0 on, as many in one as in the other.

    Returns
    -------
    (patterns,) numpy.ndarray
        Of the matching with the largest mean.
    """
    patterns = range(truth.max() + 1)
    table = np.array(
        [
            [
                np.sum((labels == i) & (truth == j))
                / np.sum((labels == i) | (truth == j))
                for i in patterns
            ]
            for j in patterns
        ]
    )
    matchings = [table[patterns, order] for order in itertools.permutations(patterns)]
    return max(matchings, key=np.mean)
