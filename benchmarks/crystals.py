# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that share a lattice, and crystals that are distorted.

Run it where the package is installed ::

    python benchmarks/crystals.py [--doses 30 3] [--seeds 2]

For each kind of frame and each dose (counts at a column's peak), the mean IoU of the
labels when the number of patterns is told, and in how many frames "auto" finds it. The
frames are those of ``crystal_frames.py``.
"""

import argparse
import logging
from functools import partial

import crystal_frames
import hyperspy.api as hs
import numpy as np
from accuracy_measures import mean_iou

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


def measure(name, dose, seeds):
    """Mean IoU, and the number of frames in which "auto" is right: (float, int)."""
    ious, right = [], 0
    for seed in range(seeds):
        scene = FRAMES[name](seed)
        labels, n_patterns = scene.truth, int(scene.truth.max()) + 1
        signal = hs.signals.Signal2D(scene.counts(dose))
        found = signal.segment_symmetry(n_patterns, show_progressbar=False)
        ious.append(mean_iou(found.data, labels))
        auto = signal.segment_symmetry("auto", show_progressbar=False)
        right += auto.n_patterns == n_patterns
    return np.mean(ious), right


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--doses", type=float, nargs="+", default=(30, 3))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--frames", nargs="+", choices=FRAMES, default=list(FRAMES))
    options = parser.parse_args()
    logging.getLogger("hyperspy_symseg").setLevel("ERROR")
    print("| frame | dose | mean IoU, number told | number found |\n|---|---|---|---|")
    for name in options.frames:
        for dose in options.doses:
            iou, right = measure(name, dose, options.seeds)
            found = f"{right} of {options.seeds}"
            print(f"| {name} | {dose:g} | {iou:.3f} | {found} |", flush=True)


if __name__ == "__main__":
    main()
