# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and series of a file, with names for their results."""

import hyperspy.api as hs
from hyperspy.signals import BaseSignal, LazySignal


def read_images(path):
    """Read the two-dimensional signals of a file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of (str, Signal2D)
        Lazy where the format allows. The names are that of the file, with a number if
        there are other signals in it.

    Raises
    ------
    Exception
        What HyperSpy's readers raise, or if there is no such file or no such signal.
    """
    signals = [_as_frames(signal) for signal in _load(path)]
    images = [
        (i, s) for i, s in enumerate(signals) if isinstance(s, hs.signals.Signal2D)
    ]
    if not images:
        raise ValueError("no two-dimensional signal in it")
    if len(signals) == 1:
        return [(path.stem, images[0][1])]
    return [(f"{path.stem}_{i}", signal) for i, signal in images]


def _load(path):
    if not path.exists():
        raise FileNotFoundError("no such file")
    try:
        signals = hs.load(path, lazy=True, escape_square_brackets=True)
    except Exception:
        # Some formats refuse to be read lazily. What else is wrong is told here.
        signals = hs.load(path, escape_square_brackets=True)
    return signals if isinstance(signals, list) else [signals]


def _as_frames(signal):
    """A stack of images as a series of them; another signal as it is."""
    # Berkeley's .emd does not say which axes are those of an image: HyperSpy reads a
    # movie from it as a volume.
    if type(signal) in (BaseSignal, LazySignal):
        manager = signal.axes_manager
        if manager.navigation_dimension == 0 and manager.signal_dimension > 2:
            return signal.as_signal2D((0, 1))
    return signal
