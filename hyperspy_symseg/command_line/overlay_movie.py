# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a tinted series as a stack of images, a GIF or an MP4, frame by frame."""

import contextlib
import io
import shutil
from fractions import Fraction

import numpy as np

from hyperspy_symseg.colors import pattern_colors
from hyperspy_symseg.signals.evaluation import FrameError, evaluate_frames
from hyperspy_symseg.signals.label_store import (
    begin,
    complete,
    open_frames,
    unfinished_path,
)

# Where the unit of the series is no time. Slower and faster cannot be followed.
FRAMES_PER_SECOND = 10
SLOWEST, FASTEST = 1, 30
# Bytes of a GIF before its first frame: screen descriptor, and a palette of 256.
GIF_HEADER_SIZE = 13 + 3 * 256


def check_format(name):
    """Check that overlays can be written in a format.

    Parameters
    ----------
    name : str
        Extension of the file.

    Raises
    ------
    ValueError
        If what it takes is not installed.
    """
    if name != "mp4":
        return
    try:
        import av

        av.Codec("libx264", "w")
    except Exception as error:
        # Of the package, or of the libraries that it brings.
        raise ValueError(
            "--overlay mp4 takes PyAV with H.264, which is missing: allowed after "
            f"pip install 'hyperspy-symseg[movie]' ({error})"
        ) from error


def frames_per_second(signal):
    """Speed at which a series is played.

    Parameters
    ----------
    signal : Signal2D

    Returns
    -------
    float
        That of the specimen if the fastest navigation axis is in a unit of time, but
        from 1 to 30; otherwise 10.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> movie, truth = simulate.moving_boundary(3, (61, 83), frame_time=0.2)
    >>> frames_per_second(movie)
    5.0
    """
    import pint

    axis = signal.axes_manager.navigation_axes[0]
    try:
        units = pint.get_application_registry().parse_units(axis.units)
        step = abs((axis.scale * units).to("s").magnitude)
    except Exception:
        # A unit may be any text, and an axis need not be uniform.
        return float(FRAMES_PER_SECOND)
    return float(np.clip(1 / step, SLOWEST, FASTEST)) if step else FASTEST


def write_overlays(
    overlay, paths, *, n_patterns, saturation, on_error, num_workers, progress
):
    """Evaluate a tinted series once, and write it frame by frame.

    Until all frames are in it, a file is called NAME.unfinished.*; if something fails,
    that is removed.

    Parameters
    ----------
    overlay : LazySignal2D of rgb8
        From `SymmetryLabels.overlay`.
    paths : list of pathlib.Path
        With the extensions .zspy, .gif or .mp4. What is there is replaced.
    n_patterns : int
    saturation : float
        Of the overlay.
    on_error : str
        ``"mask"``: a frame that cannot be read is black. ``"raise"``.
    num_workers : int or None
        Number of threads.
    progress : callable or None
        HyperSpy's progress bar.

    Raises
    ------
    FrameError
        If a frame cannot be read.
    """
    navigation_shape = overlay.data.shape[:-2]
    indices = list(np.ndindex(navigation_shape))
    unfinished = {path: _unfinished(path) for path in paths}
    writers = []
    try:
        for path in paths:
            writer = WRITERS[path.suffix]
            writers.append(writer(unfinished[path], overlay, n_patterns, saturation))
        done = evaluate_frames(overlay.data, indices, num_workers=num_workers)
        with contextlib.closing(done):
            ordered = _in_order(done, indices)
            for index, frame in (
                progress(ordered, total=len(indices)) if progress else ordered
            ):
                if isinstance(frame, FrameError):
                    if on_error == "raise":
                        raise frame
                    frame = np.zeros(overlay.data.shape[-2:], overlay.data.dtype)
                for writer in writers:
                    writer.write(index, frame)
        for writer in writers:
            writer.close()
    except BaseException:
        for writer in writers:
            # What goes wrong with a file that is removed is of no interest.
            with contextlib.suppress(Exception):
                writer.close()
        for path in unfinished.values():
            remove(path)
        raise
    for path in paths:
        if path.suffix == ".zspy":
            complete(unfinished[path], path)
        else:
            unfinished[path].replace(path)


def _unfinished(path):
    return unfinished_path(path).with_suffix(path.suffix)


def remove(path):
    """Remove a file or a folder, if it is there.

    Parameters
    ----------
    path : pathlib.Path
    """
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _in_order(done, indices):
    """Frames that are done in any order, in that of the array."""
    waiting, todo = {}, iter(indices)
    wanted = next(todo, None)
    for index, frame in done:
        waiting[index] = frame
        while wanted in waiting:
            yield wanted, waiting.pop(wanted)
            wanted = next(todo, None)


def _rgb(frame):
    """(rows, columns, 3) array of a frame of rgb8."""
    return np.ascontiguousarray(frame).view(np.uint8).reshape(*frame.shape, 3)


class _Zspy:
    """Stack of images that HyperSpy loads."""

    def __init__(self, path, overlay, n_patterns, saturation):
        begin(overlay, path, fill_value=0)
        self._frames, _ = open_frames(path)

    def write(self, index, frame):
        self._frames[index] = frame

    def close(self):
        """Nothing is left to do."""


class _Gif:
    """GIF with one palette for all frames.

    Pillow itself, and imageio by it, keep all frames until the last is there. But a
    GIF of one frame is a header, a palette, the frame and an end, and these can be put
    together one by one.
    """

    def __init__(self, path, overlay, n_patterns, saturation):
        self._file = path.open("wb")
        self._palette = _palette(n_patterns, saturation)
        # In ms; a GIF holds hundredths of a second.
        self._duration = 10 * round(100 / frames_per_second(overlay))

    def write(self, index, frame):
        from PIL import Image

        image = Image.fromarray(_rgb(frame)).quantize(
            palette=self._palette, dither=Image.Dither.NONE
        )
        first = self._file.tell() == 0
        loop = {"loop": 0} if first else {}
        gif = io.BytesIO()
        image.save(gif, "GIF", optimize=False, duration=self._duration, **loop)
        self._file.write(gif.getbuffer()[0 if first else GIF_HEADER_SIZE : -1])

    def close(self):
        if not self._file.closed:
            self._file.write(b";")
            self._file.close()


def _palette(n_patterns, saturation):
    """Image with a palette of shades of the colours of an overlay."""
    from PIL import Image

    colors = np.vstack([pattern_colors(n_patterns)[1], np.ones(3)])
    colors = 1 - saturation * (1 - colors)
    shades = np.linspace(0, 255, max(2, 256 // len(colors)))
    palette = np.full((256, 3), 255, np.uint8)
    table = np.rint(shades[:, np.newaxis, np.newaxis] * colors).reshape(-1, 3)[:256]
    palette[: len(table)] = table
    image = Image.new("P", (1, 1))
    image.putpalette(palette.tobytes())
    return image


class _Mp4:
    """H.264, which needs an even number of rows and columns: the last is repeated."""

    def __init__(self, path, overlay, n_patterns, saturation):
        import av

        rows, columns = overlay.data.shape[-2:]
        self._padding = ((0, rows % 2), (0, columns % 2), (0, 0))
        self._container = av.open(str(path), "w")
        rate = Fraction(frames_per_second(overlay)).limit_denominator(1000)
        # The encoder looks ahead at few frames, all of which are in memory.
        stream = self._container.add_stream(
            "libx264", rate=rate, options={"preset": "veryfast", "crf": "20"}
        )
        stream.width, stream.height = columns + columns % 2, rows + rows % 2
        stream.pix_fmt = "yuv420p"
        self._stream = stream

    def write(self, index, frame):
        import av

        picture = np.pad(_rgb(frame), self._padding, mode="edge")
        picture = av.VideoFrame.from_ndarray(picture, format="rgb24")
        self._container.mux(self._stream.encode(picture))

    def close(self):
        if self._container is not None:
            container, self._container = self._container, None
            with contextlib.closing(container):
                container.mux(self._stream.encode())


WRITERS = {".zspy": _Zspy, ".gif": _Gif, ".mp4": _Mp4}
