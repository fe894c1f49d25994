# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy on simulated frames whose truth is known, beside the peer, pySTEM.

Run it with the Python that this package is installed in ::

    python benchmarks/accuracy.py [--seeds 3] [--scaled] [--no-peer]

The frames are those of ``accuracy_suite.py``; ``--cases`` and ``--doses`` choose among
them. Both sides are told the number of patterns, and nothing else; both label every
pixel. The peer has an environment of its own, as in ``compare_pystem.py``.

The tables have means over the seeds: of the mean intersection over union of the
patterns, and of the median distance from the true boundary to the one found.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from accuracy_measures import boundary_displacement, mean_iou
from accuracy_suite import CASES, DOSES, SCALED_CASES, SCALES, case
from compare_pystem import ENVIRONMENT
from pystem_environment import PEER, peer_python

DISPLACED_CASES, DISPLACED_DOSE = "abcde", 30


class Frame(NamedTuple):
    """A frame of the suite; those of one job have the same number of patterns."""

    data: np.ndarray
    truth: np.ndarray

    @property
    def n_patterns(self):
        """Number of patterns that there are."""
        return int(self.truth.max()) + 1


def label_ours(frames):
    """Our labels of some frames."""
    import hyperspy.api as hs

    import hyperspy_symseg  # noqa: F401  adds the method

    for frame in frames:
        signal = hs.signals.Signal2D(frame.data)
        yield signal.segment_symmetry(frame.n_patterns, show_progressbar=False).data


class Peer:
    """The peer's labels of some frames, from a process of its own."""

    def __init__(self, environment):
        self._python = peer_python(environment)

    def __call__(self, frames):
        """Label the frames."""
        script = Path(__file__).with_name("pystem_labels.py")
        with tempfile.TemporaryDirectory() as folder:
            for i, frame in enumerate(frames):
                np.save(Path(folder, f"{i}.npy"), frame.data)
            command = [self._python, "-I", script, folder, str(frames[0].n_patterns)]
            subprocess.run(command, check=True, stdout=sys.stderr)
            return [
                np.load(Path(folder, f"{i}_labels.npy")) for i in range(len(frames))
            ]


class Result(NamedTuple):
    """What is measured of the labels of a frame."""

    iou: float
    displacement: float

    @classmethod
    def of(cls, labels, truth):
        """Measure labels against the truth."""
        return cls(mean_iou(labels, truth), boundary_displacement(labels, truth))


def measure(sides, name, doses, seeds, scale=1):
    """Results on a case.

    Returns
    -------
    dict of float to list of list of Result
        Of each dose: for each side, those of all seeds.
    """
    frames = {
        (dose, seed): Frame(*case(name, dose, seed, scale))
        for dose in doses
        for seed in seeds
    }
    by_side = []
    for side in sides:
        labels = side(list(frames.values()))
        results = [
            Result.of(found, frame.truth)
            for found, frame in zip(labels, frames.values(), strict=True)
        ]
        by_side.append(dict(zip(frames, results, strict=True)))
    return {
        dose: [[results[dose, seed] for seed in seeds] for results in by_side]
        for dose in doses
    }


def means(sides, field):
    """Mean of a field of the results, side by side."""
    return [
        statistics.mean(getattr(result, field) for result in results)
        for results in sides
    ]


def cell(values, form):
    return " / ".join(f"{value:{form}}" for value in values)


def print_head(what, doses):
    print(f"| {what} | {' | '.join(f'dose {dose:g}' for dose in doses)} | mean |")
    print("|---" * (len(doses) + 2) + "|")


def print_row(name, by_dose):
    """Print values of each side, dose by dose, and their means over the doses."""
    columns = [*by_dose, np.mean(by_dose, axis=0)]
    cells = (cell(values, ".3f") for values in columns)
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def print_ious(what, rows, doses, sides, seeds):
    """Measure cases, and print them one a row, and their means.

    Returns
    -------
    list of dict
        As from `measure`, row by row.
    """
    print_head(what, doses)
    measured, ious = [], []
    for title, name, scale in rows:
        results = measure(sides, name, doses, seeds, scale)
        measured.append(results)
        ious.append([means(results[dose], "iou") for dose in doses])
        print_row(title, ious[-1])
    print_row("mean", np.mean(ious, axis=0))
    return measured


def print_displacements(measured):
    """Print displacements at one dose, case by case."""
    print(f"| boundary displacement, dose {DISPLACED_DOSE} | pixels |")
    print("|---|---|")
    for name, results in measured.items():
        values = means(results[DISPLACED_DOSE], "displacement")
        print(f"| ({name}) {CASES[name]} | {cell(values, '.2f')} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many (3)")
    parser.add_argument("--cases", default="".join(CASES))
    parser.add_argument("--doses", type=float, nargs="+", default=DOSES)
    parser.add_argument("--scaled", action="store_true", help="scaled frames, too")
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error(f"There is no case {', '.join(sorted(unknown))}.")

    sides, names = [label_ours], "ours"
    if not options.no_peer:
        sides.append(Peer(options.environment.absolute()))
        names = f"ours / {PEER}"
    run = {"doses": options.doses, "sides": sides, "seeds": range(options.seeds)}

    rows = [(f"({name}) {CASES[name]}", name, 1) for name in options.cases]
    measured = print_ious(f"mean IoU, {names}", rows, **run)
    displaced = {
        name: results
        for name, results in zip(options.cases, measured, strict=True)
        if name in DISPLACED_CASES and DISPLACED_DOSE in results
    }
    if displaced:
        print()
        print_displacements(displaced)
    rows = [
        (f"({name}) x {scale:g}", name, scale)
        for name in SCALED_CASES
        if name in options.cases
        for scale in SCALES
    ]
    if options.scaled and rows:
        print()
        print_ious(f"mean IoU, scaled frames, {names}", rows, **run)
    print(f"\nSeeds: {options.seeds}.")


if __name__ == "__main__":
    main()
