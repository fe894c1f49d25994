# SPDX-License-Identifier: GPL-3.0-or-later
"""Vacancies found in simulated crystals, and false ones in perfect crystals.

Run it with the Python that this package is installed in ::

    python benchmarks/outliers.py [--seeds 5] [--doses 30 3 1]

Frames of 512 x 512 with twenty vacancies, and without any. A vacancy counts as found if
a place with missing intensity is within half a period of it. All others are false.
"""

import argparse

import hyperspy.api as hs
import numpy as np

from hyperspy_symseg.simulate import Lattice, micrograph

LATTICES = {
    "square, 13 px": Lattice.square(13, orientation=17),
    "hexagonal, 12 px": Lattice.hexagonal(12, orientation=5),
    "centred, 14 x 19.8 px": Lattice.centred(14, 19.8, orientation=40),
}
SHAPE, N_VACANCIES = (512, 512), 20
# Of frames without vacancies.
FIRST_PERFECT_SEED = 1000


def outliers(signal):
    """Places and scores found, and the lattice period."""
    seg = signal.segment_symmetry(n_patterns=1)
    found = seg.find_outliers(signal).data[0]
    return found, seg.metadata.Symmetry_segmentation.period


def find_vacancies(lattice, dose, seed):
    """Distances of the vacancies found, in periods, and the number of false places."""
    signal, _ = micrograph(lattice, SHAPE, dose=dose, vacancies=N_VACANCIES, seed=seed)
    found, period = outliers(signal)
    true = signal.metadata.Simulation.vacancies
    apart = np.hypot(*np.moveaxis(found[:, np.newaxis, :2] - true, -1, 0)) / period
    near = (apart < 0.5) & (found[:, 2:] < 0)
    nearest = np.where(near, apart, np.inf).min(axis=0, initial=np.inf)
    return nearest[np.isfinite(nearest)], int((~near.any(axis=1)).sum())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="how many (5)")
    parser.add_argument("--doses", type=float, nargs="+", default=(30, 3, 1))
    options = parser.parse_args()
    hs.preferences.General.show_progressbar = False
    print(
        "| crystal | dose | recall | precision | distance, median and largest, in "
        "periods | false in perfect crystals, per 10,000 columns |"
    )
    print("|---|---|---|---|---|---|")
    for name, lattice in LATTICES.items():
        n_columns = lattice.density * np.prod(SHAPE) * options.seeds
        for dose in options.doses:
            runs = [find_vacancies(lattice, dose, i) for i in range(options.seeds)]
            distances = np.concatenate([each for each, _ in runs])
            n_false = sum(each for _, each in runs)
            perfect = sum(
                len(outliers(micrograph(lattice, SHAPE, dose=dose, seed=seed)[0])[0])
                for seed in FIRST_PERFECT_SEED + np.arange(options.seeds)
            )
            n_found = len(distances)
            print(
                f"| {name} | {dose:g} | {n_found}/{N_VACANCIES * options.seeds} "
                f"| {n_found / max(n_found + n_false, 1):.3f} "
                f"| {np.median(distances):.2f}, {distances.max():.2f} "
                f"| {perfect}/{n_columns:.0f} = {1e4 * perfect / n_columns:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
