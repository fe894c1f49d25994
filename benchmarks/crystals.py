# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that share a lattice, and crystals that are distorted.

Run it where the package is installed ::

    python benchmarks/crystals.py [--doses 30 3] [--seeds 2] [--side 100]

For each kind of frame and each dose (counts at a column's peak), the mean IoU of the
labels when the number of patterns is told, and when an example of each is given, and in
how many frames "auto" finds the number. The frames are those of ``crystal_frames.py``.
"""

import argparse
import logging
from functools import partial

import crystal_frames
import hyperspy.api as hs
import numpy as np
from accuracy_measures import mean_iou
from scipy import ndimage

import hyperspy_symseg  # noqa: F401  adds the method

FRAMES = {
    "polar": crystal_frames.polar,
    "ordered": crystal_frames.ordered,
    "antiphase": crystal_frames.antiphase,
    "inversion": crystal_frames.inversion,
    "particle": crystal_frames.particle,
    "period of 56 px": crystal_frames.long_period,
    **{
        f"drift x {amount}": partial(crystal_frames.drift, amount=amount)
        for amount in (0, 0.5, 1, 2)
    },
    "tilt": crystal_frames.tilt,
}


# Examples need some 16 cells.
LARGER = {"period of 56 px": 2.6}


def examples(labels, side):
    """Square of so many pixels, at most, in the widest place of each pattern."""
    known = np.full(labels.shape, -1)
    for label in np.unique(labels):
        inside = np.pad(labels == label, 1)
        depth = ndimage.distance_transform_cdt(inside, "chessboard")[1:-1, 1:-1]
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        half = min(side // 2, depth.max() - 1)
        known[y - half : y + half, x - half : x + half] = label
    return known


def measure(name, dose, seeds, side):
    """Mean IoU told the number, or examples, and frames in which "auto" is right."""
    ious, of_examples, right = [], [], 0
    for seed in range(seeds):
        scene = FRAMES[name](seed)
        labels, n_patterns = scene.truth, int(scene.truth.max()) + 1
        signal = hs.signals.Signal2D(scene.counts(dose))
        found = signal.segment_symmetry(n_patterns, show_progressbar=False)
        ious.append(mean_iou(found.data, labels))
        known = examples(labels, round(side * LARGER.get(name, 1)))
        found = signal.segment_symmetry(patterns=known, show_progressbar=False)
        of_examples.append(mean_iou(found.data, labels))
        auto = signal.segment_symmetry("auto", show_progressbar=False)
        right += auto.n_patterns == n_patterns
    return np.mean(ious), np.mean(of_examples), right


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--doses", type=float, nargs="+", default=(30, 3))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--frames", nargs="+", choices=FRAMES, default=list(FRAMES))
    parser.add_argument("--side", type=int, default=100, help="of an example, pixels")
    options = parser.parse_args()
    logging.getLogger("hyperspy_symseg").setLevel("ERROR")
    print("| frame | dose | mean IoU, number told | examples given | number found |")
    print("|---|---|---|---|---|")
    for name in options.frames:
        for dose in options.doses:
            iou, given, right = measure(name, dose, options.seeds, options.side)
            row = f"{name} | {dose:g} | {iou:.3f} | {given:.3f} | {right} of"
            print(f"| {row} {options.seeds} |", flush=True)


if __name__ == "__main__":
    main()
