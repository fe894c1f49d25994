# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the frames in a folder by the peer that learns motifs, by some recipes.

Run it with the peer's Python ::

    python -I motif_labels.py FOLDER N_PATTERNS

For every ``NAME.npy`` in the folder, it writes ``NAME_labels.npy``: labels of each
recipe. Columns are the peer's local maxima of the smoothed frame: all, or one in a
cell, as columns of two kinds would be the clusters. Patches about them, of some sizes
in units of the spacing that it estimates, have its Zernike moments, as they are or
normalized. Its k-means labels the columns; a pixel has the label of the nearest one.
"""

import sys
from pathlib import Path

import numpy as np
from mtflearn.clustering import kmeans_lbs
from mtflearn.features import KeyPoints, ZPs, estimate_patch_size, local_max
from scipy import ndimage
from scipy.spatial import cKDTree

# Sides of patches in spacings; the order of the moments, as in the peer's examples.
SIDES, N_MAX = (1.5, 2.5, 4), 10
# A frame of which the peer finds no spacing, in pixels.
NO_SPACING = 16
# In spacings: standard deviation that a frame is smoothed by, to find columns; their
# least distances.
SMOOTH, APART = 1 / 6, (0.5, 0.8)
FEATURES = {
    "as they are": lambda moments: moments.data,
    "normalized": lambda moments: moments.normalize().data,
}


def label(frame, n_patterns):
    """Labels by each recipe: (recipes, rows, columns) of int8."""
    # The peer takes spacings from windows at random, from the state of NumPy.
    np.random.seed(0)  # noqa: NPY002
    frame = (frame - frame.mean()) / frame.std()
    spacing = estimate_patch_size(frame) or NO_SPACING
    sides = [2 * round(side * spacing / 2) + 1 for side in SIDES]
    # So that columns at the edges have patches.
    room = max(sides)
    padded = np.pad(frame, room, mode="reflect")
    smooth = ndimage.gaussian_filter(padded, SMOOTH * spacing)
    # The peer's points are (x, y).
    low, high = room, np.add(frame.shape[::-1], room)
    pixels = np.indices(frame.shape).reshape(2, -1)[::-1].T + room
    found = []
    for apart in APART:
        columns = local_max(smooth, apart * spacing, smooth.mean())
        columns = columns[((columns >= low) & (columns < high)).all(axis=1)]
        _, nearest = cKDTree(columns).query(pixels)
        for side in sides:
            patches = KeyPoints(columns, padded, side).extract_patches(side)
            moments = ZPs(min(N_MAX, side // 2), side).fit_transform(patches)
            for features in FEATURES.values():
                labels = kmeans_lbs(features(moments), n_patterns, random_state=0)
                found.append(labels[nearest].reshape(frame.shape))
    return np.array(found, np.int8)


def main(folder, n_patterns):
    for path in sorted(Path(folder).glob("*.npy")):
        labels = label(np.load(path).astype(float), int(n_patterns))
        np.save(path.with_name(f"{path.stem}_labels.npy"), labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
