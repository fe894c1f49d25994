# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a tinted series as a stack of images, a GIF or an MP4, frame by frame."""

import contextlib
import io
from fractions import Fraction

import numpy as np

from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import remove, temporary_path, unfinished_path
from hyperspy_symseg.frames.run import FrameError, evaluate_frames, watched
from hyperspy_symseg.frames.store import FrameStore, only_writer
from hyperspy_symseg.frames.threads import tracked
from hyperspy_symseg.plotting import pattern_colors
from hyperspy_symseg.signals.axes import is_product_of_units, unit
from hyperspy_symseg.signals.save import begin_store

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
            f"--overlay mp4 must have PyAV with H.264, got none ({error}). Install it "
            "with pip install 'hyperspy-symseg[movie]'"
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
    if not is_product_of_units(unit(axis)):
        return float(FRAMES_PER_SECOND)
    try:
        units = pint.get_application_registry().parse_units(axis.units)
        step = abs((axis.scale * units).to("s").magnitude)
    except Exception:
        # A unit may be any text, and an axis need not be uniform.
        return float(FRAMES_PER_SECOND)
    return float(np.clip(1 / step, SLOWEST, FASTEST)) if step else FASTEST


def write_overlays(overlay, paths, *, n_patterns, saturation, on_error):
    """Evaluate a tinted series once, and write it frame by frame.

    It is written as a stack of images first, in whatever order the frames are done; a
    GIF and an MP4, which take frames in order, are made from that. So beside the frames
    that `evaluate_frames` has on their way, one is in memory. If no stack is asked for,
    it is removed at the end.

    Until all frames are in it, a file is called NAME.unfinished.*; if something fails,
    that is removed, and those that are complete stay.

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

    Raises
    ------
    FrameError
        If a frame cannot be read.
    FileExistsError
        If another process writes the same, or there is something that cannot be
        replaced.
    RuntimeError
        If the stack is removed while it is written or read.
    ValueError
        If a path is that of a file which the overlay is read from.
    """
    import hyperspy.api as hs

    for path in paths:
        check_not_an_origin(path, overlay.data)
    stacks = [path for path in paths if path.suffix == ".zspy"]
    unfinished = stored = unfinished_path(paths[0])
    with only_writer(*paths) as lock:
        try:
            store = begin_store(overlay, unfinished, fill_value=0)
            _write_stack(store, overlay, on_error)
            for stored in stacks:
                store.complete(stored, lock=lock)
            store = FrameStore(stored)
            for path in paths:
                if path not in stacks:
                    signal = hs.load(stored, lazy=True)
                    with _temporary(path) as temporary:
                        _write_movie(signal, temporary, n_patterns, saturation)
                        store.check_complete()
                        lock.check()
        finally:
            remove(unfinished)


@contextlib.contextmanager
def _temporary(path):
    """Where a file is written, which gets its name if nothing fails."""
    temporary = temporary_path(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_stack(store, overlay, on_error):
    """Write frames to a store as they are done."""
    indices = list(np.ndindex(overlay.data.shape[:-2]))
    done = evaluate_frames(overlay.data, indices)
    with watched(done, len(indices), "Overlay") as done:
        for index, frame in done:
            if isinstance(frame, FrameError):
                if on_error == "raise":
                    raise frame
                frame = np.zeros(overlay.data.shape[-2:], overlay.data.dtype)
            store.write(index, frame)


def _write_movie(signal, path, n_patterns, saturation):
    """Write the frames of a stack in their order."""
    indices = list(np.ndindex(signal.data.shape[:-2]))
    movie = MOVIES[path.suffix](path, signal, n_patterns, saturation)
    try:
        for index in tracked(indices, len(indices), "Overlay", unit=" frames"):
            # Here, also where there is a cluster.
            movie.write(signal.data[index].compute(scheduler="sync"))
    except BaseException:
        # What else goes wrong with a file that is removed is of no interest.
        with contextlib.suppress(Exception):
            movie.close()
        raise
    movie.close()


def _rgb(frame):
    """(rows, columns, 3) array of a frame of rgb8."""
    return np.ascontiguousarray(frame).view(np.uint8).reshape(*frame.shape, 3)


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

    def write(self, frame):
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
        with self._file:
            self._file.write(b";")


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

    def write(self, frame):
        import av

        picture = np.pad(_rgb(frame), self._padding, mode="edge")
        picture = av.VideoFrame.from_ndarray(picture, format="rgb24")
        self._container.mux(self._stream.encode(picture))

    def close(self):
        with contextlib.closing(self._container):
            self._container.mux(self._stream.encode())


MOVIES = {".gif": _Gif, ".mp4": _Mp4}
