# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ways to the Bravais type on the same images: evidence, and the network.

The images are those that the network was validated on (`training/symmetry_images.py`),
150 of each class, none of which it has learnt. It sees them as windows of 128 pixels,
and the other method as frames ::

    python benchmarks/naming.py network --patterns 150 [--first 0]

``--first`` is the seed of the images: other images with others. Times are of the
processor. Of patterns that are drawn otherwise, as all others of this benchmark, with
up to 16 columns a cell ::

    python benchmarks/naming.py unseen [--patterns 20] [--sides 256] [--doses 10 1]
"""

import itertools
import sys
import time
from pathlib import Path

import naming_patterns
import numpy as np

from hyperspy_symseg.analysis import NetworkSymmetry
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.lattice.crystal_symmetry import CrystalSymmetry, record_of
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.naming import name_crystal
from hyperspy_symseg.lattice.plane_groups import PLANE_GROUPS, bravais_type
from hyperspy_symseg.networks.predicted_symmetry import PredictedSymmetry
from hyperspy_symseg.networks.symmetry_network import CLASSES, SymmetryNetwork

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from symmetry_images import VALIDATION, draw_many

BINS, SURE = 10, 0.9
# Counts at a column that part the images.
DOSES = 0.3, 1.0, 3.0, 10.0, 30.0


def weights_of(row):
    """Weights of the classes by the shape of the cell: (6,) numpy.ndarray.

    The motifs of the images have any symmetry, which their plane groups follow.
    """
    if not row.has_lattice:
        return np.array([name == "none" for name in CLASSES], float)
    weights = row.metric_weights
    return np.array([weights.get(name, 0.0) for name in CLASSES])


def by_evidence(image):
    """Weights of the classes by the first method: (6,) numpy.ndarray."""
    return weights_of(CrystalSymmetry(record_of(name_crystal(windows(image)))))


def by_network(image):
    """Weights of the classes by the network: (6,) numpy.ndarray."""
    return SymmetryNetwork.trained().weigh(image)[0]


def calibration_error(weights, truth):
    """Expected calibration error of the largest weight: float."""
    largest, right = weights.max(axis=1), weights.argmax(axis=1) == truth
    bins = np.minimum((largest * BINS).astype(int), BINS - 1)
    return sum(
        abs(largest[bins == i].mean() - right[bins == i].mean()) * (bins == i).mean()
        for i in np.unique(bins)
    )


def print_network(options):
    """Shares that are right, calibration and time of both methods."""
    drawn = list(draw_many(options.patterns, (options.first, VALIDATION)))
    truth = np.array([CLASSES.index(each.kind) for each in drawn])
    doses = np.array([each.dose for each in drawn])
    methods = {"evidence": by_evidence, "network": by_network}
    SymmetryNetwork.trained()
    below = [f"{a:g} to {b:g}" for a, b in itertools.pairwise(DOSES)]
    heads = ["method", "right", *(f"at {each}" for each in below)]
    heads += [f"of {name}" for name in CLASSES] + ["ECE", "s a window"]
    print(f"{len(drawn)} images. Shares that are right, of all.\n")
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for name, method in methods.items():
        start = time.process_time()
        weights = np.stack([method(each.image) for each in drawn])
        seconds = (time.process_time() - start) / len(drawn)
        right = weights.argmax(axis=1) == truth
        cells = [right]
        cells += [
            right[(doses >= a) & (doses < b)] for a, b in itertools.pairwise(DOSES)
        ]
        cells += [right[truth == k] for k in range(len(CLASSES))]
        cells = [f"{each.mean():.3f}" if len(each) else "-" for each in cells]
        cells += [f"{calibration_error(weights, truth):.3f}", f"{seconds:.4f}"]
        print("| " + " | ".join([name, *cells]) + " |", flush=True)


def print_unseen(options):
    """Shares of the Bravais types that are right, by the shape of the cell."""
    print("| side | dose | patterns | evidence | network | network, weight >= 0.9 |")
    print("|" + "---|" * 6)
    for side, dose in itertools.product(options.sides, options.doses):
        right, sure = [], []
        for group, seed in itertools.product(PLANE_GROUPS, range(options.patterns)):
            pattern = naming_patterns.draw(group, options.first + seed)
            frame, _ = naming_patterns.frame(pattern, side, dose, options.first + seed)
            [record] = run(NetworkSymmetry(), frame)
            row = PredictedSymmetry(record)
            kind = bravais_type(group)
            by_shape = CLASSES[by_evidence(frame).argmax()]
            right.append((by_shape == kind, row.bravais == kind))
            if row.n_windows and row.bravais_weights[row.bravais] >= SURE:
                sure.append(row.bravais == kind)
        shares = " | ".join(f"{share:.3f}" for share in np.mean(right, axis=0))
        of_these = f"{np.mean(sure):.3f} of {len(sure)}" if sure else "-"
        print(f"| {side} | {dose:g} | {len(right)} | {shares} | {of_these} |")
