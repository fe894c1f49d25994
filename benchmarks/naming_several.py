# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a frame of two crystals is said to have more than one, without labels.

The second crystal is at the right edge of a frame of 256 x 256 pixels, or in a
corner ::

    python benchmarks/naming.py several [--patterns 3] [--doses 10 3 1] [--first 0]

``--patterns`` is the number of frames of each kind. Below, the second crystal is the
first one again, displaced by any step; and an amorphous area is in its place, which
should not be said to be a crystal.
"""

import itertools

import naming_patterns
import numpy as np

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.naming import SEVERAL, name_crystal

SIDE, PERIOD = 256, 12.0
SHARES = 0.15, 0.2, 0.26, 0.35, 0.5
MOST_COLUMNS = 6


def square(angle, period=PERIOD):
    """A square lattice turned by degrees: Lattice."""
    return simulate.Lattice.square(period, orientation=angle)


def hexagonal(angle):
    """A hexagonal lattice turned by degrees: Lattice."""
    return simulate.Lattice.hexagonal(13, orientation=angle)


PAIRS = {
    "square, 5 degrees": lambda a: (square(a), square(a + 5)),
    "square, 10 degrees": lambda a: (square(a), square(a + 10)),
    "square, 22.6 degrees (Σ 13)": lambda a: (square(a), square(a + 22.62)),
    "square, 36.87 degrees (Σ 5)": lambda a: (square(a), square(a + 36.87)),
    "square, 12 and 14 px": lambda a: (square(a), square(a, 14)),
    "hexagonal, 8 degrees": lambda a: (hexagonal(a), hexagonal(a + 8)),
    "hexagonal, 21.79 degrees (Σ 7)": lambda a: (hexagonal(a), hexagonal(a + 21.79)),
    "hexagonal and square": lambda a: (hexagonal(a), square(a)),
    "any two of the 17 groups": None,
    "square, displaced": lambda a: (square(a), square(a)),
    "square and amorphous": lambda a: (square(a), simulate.Amorphous(1 / 80, 6.5)),
}


def places():
    """Names of places and their labels (rows, columns)."""
    for share in SHARES:
        labels = np.zeros((SIDE, SIDE), int)
        labels[:, SIDE - round(share * SIDE) :] = 1
        yield f"{share:.0%}", labels
    labels = np.zeros((SIDE, SIDE), int)
    labels[: SIDE // 3, : SIDE // 3] = 1
    yield "a corner, 11%", labels


def frame_of(pair, labels, dose, seed):
    """Counts of two crystals: (rows, columns) numpy.ndarray."""
    if pair is None:
        return naming_patterns.crystals(labels, dose, seed, MOST_COLUMNS)[0]
    lattices = pair(5 + 17 * seed)
    return simulate.micrograph(lattices, boundary=labels, dose=dose, seed=seed)[0].data


def print_several(options):
    """Share of frames that are said to have more than one lattice."""
    names = [name for name, _ in places()]
    print("| crystals | counts | " + " | ".join(names) + " |")
    print("|" + "---|" * (2 + len(names)))
    for (name, pair), dose in itertools.product(PAIRS.items(), options.doses):
        cells = []
        for _, labels in places():
            said = [
                name_crystal(windows(frame_of(pair, labels, dose, seed))).reason
                == SEVERAL
                for seed in range(options.first, options.first + options.patterns)
            ]
            cells.append(f"{sum(said)} of {len(said)}")
        print("|".join(["", name, f"{dose:g}", *cells, ""]), flush=True)
