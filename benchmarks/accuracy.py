# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy on simulated frames whose truth is known, beside the peer, pySTEM.

Run it with the Python that this package is installed in ::

    python benchmarks/accuracy.py [--seeds 3] [--scaled] [--no-peer]

The frames are those of ``accuracy_suite.py``; ``--cases`` and ``--doses`` choose among
them. Both sides are told the number of patterns, and nothing else; both label every
pixel. The peer has an environment of its own, as in ``compare_pystem.py``.

The tables have means over the seeds: of the mean intersection over union of the
patterns, and of the median distance from the true boundary to the one found. Of ours
alone: how often ``n_patterns="auto"`` finds the number, and how well the certainty is
calibrated; ``--figure FILE.png`` plots that.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from accuracy_measures import (
    boundary_displacement,
    calibration_error,
    is_correct,
    mean_iou,
    mislabelling_auc,
    reliability,
)
from accuracy_suite import CASES, DOSES, SCALED_CASES, SCALES, case
from compare_pystem import ENVIRONMENT
from pystem_environment import PEER, peer_python

DISPLACED_CASES, DISPLACED_DOSE = "abcde", 30
# Along both axes, every so many pixels are looked at for the certainty.
EVERY = 3
# Pixels at a certainty that is plotted, at least.
FEWEST_PLOTTED = 100


class Frame(NamedTuple):
    """A frame of the suite; those of one job have the same number of patterns."""

    data: np.ndarray
    truth: np.ndarray

    @property
    def n_patterns(self):
        """Number of patterns that there are."""
        return int(self.truth.max()) + 1


class Found(NamedTuple):
    """What a side finds in a frame."""

    labels: np.ndarray
    certainty: np.ndarray | None = None
    number: int | None = None


def label_ours(frames):
    """What we find in some frames."""
    import hyperspy.api as hs

    import hyperspy_symseg  # noqa: F401  adds the method

    for frame in frames:
        signal = hs.signals.Signal2D(frame.data)
        labels, certainty = signal.segment_symmetry(
            frame.n_patterns, certainty=True, show_progressbar=False
        )
        auto = signal.segment_symmetry("auto", show_progressbar=False)
        yield Found(labels.data, certainty.data, auto.n_patterns)


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
                Found(np.load(Path(folder, f"{i}_labels.npy")))
                for i in range(len(frames))
            ]


class Result(NamedTuple):
    """What is measured of the labels of a frame."""

    iou: float
    displacement: float
    right_number: bool
    # Of some pixels: the certainty, and whether the label is right.
    certainty: np.ndarray | None
    correct: np.ndarray

    @classmethod
    def of(cls, found, truth):
        """Measure what was found against the truth."""
        some = (slice(None, None, EVERY),) * 2
        certainty = None if found.certainty is None else found.certainty[some].ravel()
        return cls(
            mean_iou(found.labels, truth),
            boundary_displacement(found.labels, truth),
            found.number == int(truth.max()) + 1,
            certainty,
            is_correct(found.labels, truth)[some].ravel(),
        )


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
        results = [
            Result.of(found, frame.truth)
            for found, frame in zip(
                side(list(frames.values())), frames.values(), strict=True
            )
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
    """Print displacements at one dose, case by case, and their mean."""
    print(f"| boundary displacement, dose {DISPLACED_DOSE} | pixels |")
    print("|---|---|")
    rows = {
        f"({name}) {CASES[name]}": means(results[DISPLACED_DOSE], "displacement")
        for name, results in measured.items()
    }
    rows["mean"] = np.mean(list(rows.values()), axis=0)
    for name, values in rows.items():
        print(f"| {name} | {cell(values, '.2f')} |")


def print_numbers(measured, doses):
    """Print how often we find the number of patterns."""
    print('| n_patterns="auto" is right in | share of the frames |')
    print("|---|---|")
    for dose in doses:
        right = [result.right_number for row in measured for result in row[dose][0]]
        print(f"| dose {dose:g} | {statistics.mean(right):.0%} of {len(right)} |")


def print_certainty(measured, figure):
    """Print, and plot if asked for, how well our certainty is calibrated."""
    ours = [result for row in measured for sides in row.values() for result in sides[0]]
    certainty = np.concatenate([result.certainty for result in ours])
    correct = np.concatenate([result.correct for result in ours])
    areas = [mislabelling_auc(each.certainty, each.correct) for each in ours]
    print(
        f"Certainty of {len(ours)} frames: expected calibration error "
        f"{calibration_error(certainty, correct):.4f}; area under the ROC curve for "
        f"mislabelled pixels {mislabelling_auc(certainty, correct):.3f}, by frame "
        f"{np.nanmin(areas):.3f} to {np.nanmax(areas):.3f}, "
        f"mean {np.nanmean(areas):.3f}.\n"
    )
    print("| certainty | fraction that is right | pixels |")
    print("|---|---|---|")
    for n, mean, fraction in zip(*reliability(certainty, correct), strict=True):
        if n:
            print(f"| {mean:.3f} | {fraction:.3f} | {n} |")
    if figure is not None:
        plot_reliability(certainty, correct, figure)


def plot_reliability(certainty, correct, path):
    """Plot the fraction that is right against the certainty."""
    import matplotlib.pyplot as plt

    counts, means, fractions = reliability(certainty, correct)
    used = counts >= FEWEST_PLOTTED
    _, (top, bottom) = plt.subplots(
        2, sharex=True, figsize=(5, 6), height_ratios=(3, 1), layout="constrained"
    )
    top.plot([0, 1], [0, 1], "--", color="0.6", label="perfectly calibrated")
    top.plot(means[used], fractions[used], "o-", label="labels of the suite")
    top.set(ylabel="Fraction of the labels that is right", ylim=(0, 1.02))
    top.legend()
    bottom.bar(means[used], counts[used], 0.08, log=True, color="0.6")
    bottom.set(xlabel="Certainty", ylabel="Pixels", xlim=(0, 1.02))
    plt.savefig(path, dpi=100)


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
    parser.add_argument("--figure", type=Path, help="plot of the certainty")
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
    print()
    print_numbers(measured, options.doses)
    print()
    print_certainty(measured, options.figure)
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
