# SPDX-License-Identifier: GPL-3.0-or-later
"""
Live: frames as they arrive
===========================

Frames labelled as they arrive from a detector, with the time that each one takes.

A thread plays the detector: it appends simulated frames to a raw file, one every
tenth of a second. The loop below waits for frames, labels each with a model that has
been fitted to the first one, and tells how long after its arrival they are labelled::

    python examples/live.py
    python examples/live.py --frames 100 --interval 0.03

For a detector of your own, put `arriving` in its place: any iterator over arrays will
do. The model may come from an earlier session, ``hs.load("labels.zspy").model``. The
picture has the last frame and its labels, and of each frame the share of a pattern and
the time that it took.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from _common import panels, save, without_title

from hyperspy_symseg import simulate
from hyperspy_symseg.descriptors import TranslationSymmetry
from hyperspy_symseg.plotting import pattern_colormap
from hyperspy_symseg.segmentation import SymmetryModel

# %%
# The detector, and the frames as they arrive.


def detector(path, movie, interval):
    """Append the frames of a movie to a raw file, one at a time."""
    with open(path, "ab", buffering=0) as file:
        for i in range(len(movie)):
            frame = movie[i].compute()
            time.sleep(interval)
            file.write(frame.tobytes())


def arriving(path, shape, dtype, n_frames):
    """Yield the frames of a growing raw file, each as soon as it is complete.

    Parameters
    ----------
    path : pathlib.Path
    shape : (int, int)
        Rows and columns of a frame.
    dtype : numpy.dtype
    n_frames : int
        After how many to stop.

    Yields
    ------
    (rows, columns) numpy.ndarray
    """
    size = np.dtype(dtype).itemsize * shape[0] * shape[1]
    for i in range(n_frames):
        while os.path.getsize(path) < (i + 1) * size:
            time.sleep(0.001)
        yield np.memmap(path, dtype, "r", offset=i * size, shape=shape)


def draw(frame, labels, shares, latencies, path):
    """Draw the last frame, its labels, and what is known of all frames."""
    figure, axes = panels(
        "Last frame", "Its labels", "Share of pattern 0", "Time from arrival to labels"
    )
    axes[0].imshow(frame, cmap="gray")
    axes[1].imshow(labels, cmap=pattern_colormap(2), vmin=-0.5, vmax=1.5)
    axes[2].plot(shares, ".-", color="0.4")
    axes[2].set(xlabel="frame", ylabel="share")
    axes[3].plot(1000 * np.array(latencies), ".-", color="0.4")
    axes[3].set(xlabel="frame", ylabel="ms", yscale="log")
    save(figure, path)


# %%
# The loop: the first frame is fitted to, and all are labelled.

parser = argparse.ArgumentParser(
    description=without_title(__doc__),
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
parser.add_argument("--frames", type=int, default=30)
parser.add_argument("--size", type=int, default=512, help="side of a frame (512)")
parser.add_argument("--interval", type=float, default=0.1, help="seconds (0.1)")
parser.add_argument("--output", type=Path, default="live.png", help="(live.png)")
options = parser.parse_args()

shape = options.size, options.size
signal, _ = simulate.moving_boundary(options.frames, shape, speed=0.5)
movie = signal.data
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "frames.raw")
    path.touch()
    thread = threading.Thread(
        target=detector, args=(path, movie, options.interval), daemon=True
    )
    thread.start()
    model, latencies, shares = None, [], []
    for i, frame in enumerate(arriving(path, shape, movie.dtype, options.frames)):
        start = time.perf_counter()
        if model is None:
            descriptor = TranslationSymmetry(window=16, max_operations=289)
            # Without templates, labels take less time.
            model = SymmetryModel.fit(
                frame, descriptor, n_patterns=2, n_operations=50, period=None
            )
        labels = model.predict(frame)
        latencies.append(time.perf_counter() - start)
        shares.append((labels == 0).mean())
        print(
            f"frame {i}: pattern 0 on {shares[-1]:.1%}, {1000 * latencies[-1]:.0f} ms",
            flush=True,
        )
    thread.join()
    draw(np.array(frame), labels, shares, latencies, options.output)
later = np.array(latencies[1:]) * 1000
print(
    f"The first frame took {1000 * latencies[0]:.0f} ms with the fit; the others "
    f"{np.median(later):.0f} ms (median), {later.max():.0f} ms at most."
)
