# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files of a release that later versions have to read.

Before a release, in a folder that has no source of the package in it ::

    python .ci/stored_files.py tests/stored/0.1.0

Labels with their model and names, changed by hand; atomic columns; and what is in them.
"""

import sys
from pathlib import Path

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_symseg.testing import example_frame


def main(folder):
    """Write the files into a folder, which must not be there."""
    folder.mkdir(parents=True)
    signal = Signal2D(example_frame().copy())
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, 0.02, "nm"
    signal.metadata.General.title = "Two grains"
    labels = signal.segment_symmetry(
        2, period=7, patch=5, window=4, max_operations=25, stride=4
    )
    labels.pattern_names = "left", "right"
    columns = signal.find_atomic_columns(labels)
    labels.save(folder / "labels.hspy")
    labels.relabel({1: 0}).save(folder / "relabelled.hspy")
    columns.save(folder / "columns.hspy")
    np.savez_compressed(
        folder / "contents.npz", labels=labels.data, columns=columns.data[0]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
