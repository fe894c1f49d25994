# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer's labels of the frames in a folder, at its defaults.

Run it with the peer's Python ::

    python -I pystem_labels.py FOLDER N_PATTERNS

For every ``NAME.npy`` in the folder, it writes ``NAME_labels.npy``. The peer labels
every pixel: where it has no scores, next to the edges, as at the nearest pixel with
scores. It does not fix the random state; here it is fixed, so that labels are the same
in every run.
"""

import sys
from pathlib import Path

import numpy as np
from pystem.stemsegmentation import segmentationSTEM


def main(folder, n_patterns):
    for path in sorted(Path(folder).glob("*.npy")):
        peer = segmentationSTEM(n_patterns=int(n_patterns), random_state=0)
        labels = peer.perform_clustering(np.load(path))
        np.save(path.with_name(f"{path.stem}_labels.npy"), labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
