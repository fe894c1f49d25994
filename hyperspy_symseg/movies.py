# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies of series, frame by frame: MP4, WebP and GIF, with what a reader must know."""

import contextlib
import functools
import importlib
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import remove, temporary_path, unfinished_path
from hyperspy_symseg.frames.run import FrameError, evaluate_frames, watched
from hyperspy_symseg.frames.store import FrameStore, only_writer
from hyperspy_symseg.frames.threads import tracked
from hyperspy_symseg.frames.zarr_array import zarr_library
from hyperspy_symseg.optional import optional

# Encoder and arrangement of pixels in the file. "libwebp" hands out each frame when it
# is encoded; "libwebp_anim" would keep them all.
CODECS = {
    ".mp4": ("libx264", "yuv420p"),
    ".webp": ("libwebp", "yuv420p"),
    ".gif": ("gif", "pal8"),
}
# Rows or columns that the formats have at most. Frames are not magnified beyond what
# each of them has.
LARGEST = {".mp4": 16384, ".webp": 16383, ".gif": 65535}
# Filters of ffmpeg that give each frame of a GIF the 256 colours that suit it best.
NODES = {
    "split": ("split", ""),
    "find": ("palettegen", "stats_mode=single"),
    "use": ("paletteuse", "new=1:dither=none"),
}
EDGES = [
    ("video_in", "split", 0, 0),
    ("split", "find", 0, 0),
    ("split", "use", 1, 0),
    ("find", "use", 0, 1),
    ("use", "video_out", 0, 0),
]
# Pixels of the shorter side that writing needs, smallest height of letters, and how
# often that is in the shorter side of large frames.
READABLE, SMALLEST_LETTERS, LETTERS_IN_A_SIDE = 256, 12, 32
# Longest scale bar, of the width, and its lengths, times powers of 10.
LONGEST_BAR, BAR_LENGTHS = 0.3, (1, 2, 5)
# Share of the frame that shows through what is behind letters.
BEHIND_LETTERS = 0.35


def check_format(suffix, user="a movie"):
    """Check that movies can be written in a format.

    Parameters
    ----------
    suffix : str
        Such as ``".mp4"``.
    user : str
        Who asks, as the error says.

    Raises
    ------
    ValueError
        If it is none, or what it takes is not installed.

    Examples
    --------
    >>> check_format(".avi")
    Traceback (most recent call last):
    ValueError: a movie must have the extension .mp4, .webp or .gif, got '.avi'
    """
    if suffix not in CODECS:
        *first, last = CODECS
        raise ValueError(
            f"{user} must have the extension {', '.join(first)} or {last}, got "
            f"{suffix!r}"
        )
    codec, _ = CODECS[suffix]
    try:
        importlib.import_module("imageio.plugins.pyav")
        importlib.import_module("av").Codec(codec, "w")
    except Exception as error:
        # Of the package, or of the libraries that it brings.
        raise ValueError(
            f"{user} must have imageio and PyAV with {codec}, got none ({error}). "
            'Install them with pip install "hyperspy-symseg[movie]"'
        ) from error


def check_size(suffix, shape):
    """Check that frames are not too large for a format.

    Parameters
    ----------
    suffix : str
        One of `CODECS`.
    shape : (int, int)
        Rows and columns.

    Raises
    ------
    ValueError
        If they are.

    Examples
    --------
    >>> check_size(".webp", (20, 20_000))
    Traceback (most recent call last):
    ValueError: a .webp must have at most 16383 rows and columns, got (20, 20000)
    """
    if max(shape) > LARGEST[suffix]:
        raise ValueError(
            f"a {suffix} must have at most {LARGEST[suffix]} rows and columns, got "
            f"{shape}"
        )


@dataclass(frozen=True)
class Captions:
    """What is written on the frames of a movie.

    Parameters
    ----------
    pixel_size : float or None
        Width of a pixel. None: there is no scale bar.
    unit : str
        Of the width.
    stamps : tuple of str
        Top left, one a frame; empty: there are none.
    legend : tuple of (str, (r, g, b))
        Top right, a line each, with its colour from 0 to 1.
    """

    pixel_size: float | None = None
    unit: str = ""
    stamps: tuple = ()
    legend: tuple = ()

    def magnification(self, shape):
        """How often the pixels of a frame are repeated, for letters to be read: int.

        Parameters
        ----------
        shape : (int, int)
        """
        if self.pixel_size is None and not self.stamps and not self.legend:
            return 1
        # The last row and column may be repeated.
        most = (min(LARGEST.values()) - 1) // max(shape)
        return max(1, min(most, -(-READABLE // min(READABLE, *shape))))

    def draw(self, frame, number):
        """Frame with captions, magnified if need be.

        Parameters
        ----------
        frame : (rows, columns, 3) numpy.ndarray of uint8
        number : int
            Which of the series it is.

        Returns
        -------
        (rows * m, columns * m, 3) numpy.ndarray of uint8
        """
        from PIL import Image, ImageDraw

        times = self.magnification(frame.shape[:2])
        large = frame.repeat(times, axis=0).repeat(times, axis=1)
        image = Image.fromarray(large)
        draw, font = ImageDraw.Draw(image, "RGBA"), _font(min(large.shape[:2]))
        if self.stamps:
            _write(draw, font, [(self.stamps[number], None)], (0, 0))
        if self.legend:
            _write(draw, font, self.legend, (1, 0))
        if self.pixel_size is not None:
            width, words = scale_bar(large.shape[1], self.pixel_size / times, self.unit)
            _write(draw, font, [(words, None)], (0, 1), bar=width)
        return np.asarray(image)


def scale_bar(columns, pixel_size, unit):
    """Scale bar of 1, 2 or 5 times a power of ten, up to 0.3 of the width.

    Parameters
    ----------
    columns : int
    pixel_size : float
    unit : str

    Returns
    -------
    (int, str)
        Pixels, and what is written above it.

    Examples
    --------
    >>> scale_bar(400, 0.02, "nm")
    (100, '2 nm')
    """
    longest = LONGEST_BAR * columns * abs(pixel_size)
    power = 10.0 ** np.floor(np.log10(longest))
    length = max(each * power for each in BAR_LENGTHS if each * power <= longest)
    return round(length / abs(pixel_size)), f"{length:.6g} {unit}".rstrip()


@functools.lru_cache(maxsize=8)
def _font(side):
    """Letters for a frame whose shorter side has so many pixels."""
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    size = max(SMALLEST_LETTERS, side // LETTERS_IN_A_SIDE)
    return ImageFont.truetype(str(path), size)


def _write(draw, font, lines, corner, bar=0):
    """Write lines, each with a colour or None, in a corner (x, y), above a bar."""
    size = font.size
    # A name may be any text.
    lines = [(" ".join(words.split()), color) for words, color in lines]
    gap, height = size // 2, size + size // 4
    widths = [draw.textlength(words, font) for words, _ in lines]
    swatch = height if any(color is not None for _, color in lines) else 0
    inner = max(*widths, bar) + swatch, height * len(lines) + (gap if bar else 0)
    left, top = (
        at * (whole - length - 2 * gap)
        for at, whole, length in zip(corner, draw.im.size, inner, strict=True)
    )
    box = (left, top, left + inner[0] + 2 * gap, top + inner[1] + gap)
    draw.rectangle(box, fill=(0, 0, 0, round(255 * (1 - BEHIND_LETTERS))))
    left, top = left + gap, top + gap // 2
    for words, color in lines:
        if color is not None:
            fill = tuple(round(255 * each) for each in color)
            draw.rectangle((left, top + 1, left + size - 2, top + size - 1), fill=fill)
        draw.text((left + swatch, top), words, font=font, fill="white")
        top += height
    if bar:
        top += gap // 2
        draw.rectangle((left, top, left + bar - 1, top + gap // 2), fill="white")


@dataclass(frozen=True)
class Movie:
    """How a series is shown.

    Parameters
    ----------
    speed : float
        Frames per second.
    captions : Captions
    """

    speed: float
    captions: Captions = Captions()

    def write(self, path, frames):
        """Write frames to a file, one by one.

        Parameters
        ----------
        path : pathlib.Path
            Replaced. If anything fails, what it holds is of no use.
        frames : iterable of (rows, columns, 3) numpy.ndarray of uint8
        """
        writer = _Writer(path, self.speed)
        try:
            for number, frame in enumerate(frames):
                writer.write(self.captions.draw(frame, number))
        except BaseException:
            # What else goes wrong with a file that is removed is of no interest.
            with contextlib.suppress(Exception):
                writer.close()
            raise
        writer.close()


class _Writer:
    """File that takes frames of one shape in their order, and keeps few in memory."""

    def __init__(self, path, speed):
        imageio = optional("imageio.v3", "a movie", "movie")
        self._suffix, self._speed, self._begun = path.suffix, float(speed), False
        # A movie in a browser begins anew, as GIFs do by themselves.
        loop = {"options": {"loop": "0"}} if self._suffix == ".webp" else {}
        self._file = imageio.imopen(path, "w", plugin="pyav", **loop)

    def write(self, frame):
        # Colours of half the resolution need an even number of rows and columns.
        odd = [n % 2 if self._suffix != ".gif" else 0 for n in frame.shape[:2]]
        frame = np.pad(frame, ((0, odd[0]), (0, odd[1]), (0, 0)), mode="edge")
        if not self._begun:
            self._begin(*frame.shape[:2])
        self._file.write_frame(frame)

    def _begin(self, rows, columns):
        codec, pixels = CODECS[self._suffix]
        self._file.init_video_stream(codec, fps=self._speed, pixel_format=pixels)
        if self._suffix == ".gif":
            # Filters take frames of this size; imageio tells it only to the encoder.
            stream = self._file._video_stream
            stream.height, stream.width = rows, columns
            self._file.set_video_filter(filter_graph=(NODES, EDGES))
        self._begun = True

    def close(self):
        self._file.close()


def write_series(pictures, paths, begin, movie, *, on_error="raise"):
    """Evaluate a series of pictures once, and write it frame by frame.

    It is written as a stack of images first, in whatever order the frames are done;
    movies, which take frames in order, are made from that. So beside the frames
    that `evaluate_frames` has on their way, and those that an encoder looks ahead at,
    one is in memory. If no stack is asked for, it is removed at the end.

    Until all frames are in it, a file is called NAME.unfinished.*; if something fails,
    that is removed, and those that are complete stay.

    Parameters
    ----------
    pictures : (..., rows, columns) dask.array.Array of rgb8
    paths : list of pathlib.Path
        With the extension .zspy or one of `CODECS`. What is there is replaced.
    begin : callable
        Takes a path, and begins a `FrameStore` of the pictures there.
    movie : Movie
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
        If a path is that of a file which the pictures are read from, or frames are too
        large for a movie.
    """
    for path in paths:
        check_not_an_origin(path, pictures)
        if path.suffix in CODECS:
            check_size(path.suffix, pictures.shape[-2:])
    stacks = [path for path in paths if path.suffix == ".zspy"]
    unfinished = stored = unfinished_path(paths[0])
    zarr_library()
    with only_writer(*paths) as lock:
        try:
            _write_stack(begin(unfinished), pictures, on_error)
            for stored in stacks:
                FrameStore(unfinished).complete(stored, lock=lock)
            store = FrameStore(stored)
            for path in paths:
                if path not in stacks:
                    with _temporary(path) as temporary:
                        movie.write(temporary, _in_order(store))
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


def _write_stack(store, pictures, on_error):
    """Write frames to a store as they are done."""
    indices = list(np.ndindex(pictures.shape[:-2]))
    done = evaluate_frames(pictures, indices)
    with watched(done, len(indices), "Overlay") as done:
        for index, frame in done:
            if isinstance(frame, FrameError):
                if on_error == "raise":
                    raise frame
                frame = np.zeros(pictures.shape[-2:], pictures.dtype)
            store.write(index, frame)


def _in_order(store):
    """Frames of a stack in their order: iterator of (rows, columns, 3) arrays."""
    indices = store.indices()
    for index in tracked(indices, len(indices), "Overlay", unit=" frames"):
        frame = np.ascontiguousarray(store.read(index))
        yield frame.view(np.uint8).reshape(*frame.shape, 3)
