# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and series of a file, with names for their results."""

import warnings

import hyperspy.api as hs
from hyperspy.signals import BaseSignal, LazySignal

# Folders that are read like files.
STORES = (".zspy", ".zarr")
EXPECTED = "it must be a file with an image or a series of images"


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
    OSError, ValueError
        If there is no such file, none that HyperSpy reads, or no such signal in it.
    """
    signals = [_as_frames(signal) for signal in _load(path)]
    images = [
        (i, s) for i, s in enumerate(signals) if isinstance(s, hs.signals.Signal2D)
    ]
    if not images:
        kinds = ", ".join(sorted({type(signal).__name__ for signal in signals}))
        raise ValueError(
            f"it must have a two-dimensional signal, got {kinds or 'no signal at all'}"
        )
    if len(signals) == 1:
        return [(path.stem, images[0][1])]
    return [(f"{path.stem}_{i}", signal) for i, signal in images]


def _load(path):
    if not path.exists():
        raise FileNotFoundError("no such file")
    if path.is_dir() and path.suffix not in STORES:
        raise IsADirectoryError(
            f"it must be a file or a {STORES[0]} store, got a folder"
        )
    if path.is_file() and not path.stat().st_size:
        raise ValueError(f"{EXPECTED}, got an empty file")
    try:
        signals = hs.load(path, lazy=True, escape_square_brackets=True)
    except Exception:
        # Some formats refuse to be read lazily. What else is wrong is told here.
        signals = _load_eagerly(path)
    return signals if isinstance(signals, list) else [signals]


def _load_eagerly(path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return hs.load(path, escape_square_brackets=True)
        except Exception as error:
            kind = "one"
            if any("newer version" in str(each.message) for each in caught):
                kind = "one of a newer version of the format"
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise ValueError(
                f"{EXPECTED}, got {kind} that HyperSpy's reader fails on: {reason}"
            ) from error


def _as_frames(signal):
    """A stack of images as a series of them; another signal as it is."""
    # Berkeley's .emd does not say which axes are those of an image: HyperSpy reads a
    # movie from it as a volume.
    if type(signal) in (BaseSignal, LazySignal):
        manager = signal.axes_manager
        if manager.navigation_dimension == 0 and manager.signal_dimension > 2:
            return signal.as_signal2D((0, 1))
    return signal
