# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy on simulated frames whose truth is known, beside two peers.

Run it with the Python that this package is installed in ::

    python benchmarks/accuracy.py [--scaled] [--limits] [--no-peers]

The frames are those of ``accuracy_suite.py``; ``--cases``, ``--doses`` and ``--seeds``
choose among them. All sides are told the number of patterns, and nothing else; all
label every pixel. The peers, pySTEM and motif-learn, have environments of their own, as
in ``compare_pystem.py``. The labels of motif-learn are those of the best of the recipes
of ``motif_labels.py``, frame by frame, by the truth. ``--limits`` adds the observer of
``observer.py``, who is told the crystals.

The tables have means over the seeds: of the mean intersection over union of the
patterns, and of the median distance from the true boundary to the one found. Of ours
alone: how often ``n_patterns="auto"`` finds the number, and how well the certainty is
calibrated; ``--figure FILE.png`` plots that. Frames of one pattern are labelled by
"auto". Cells that are below a peer, or below what is asked, are listed.
"""

import argparse
import logging
from pathlib import Path
from typing import NamedTuple

import accuracy_suite as suite
import accuracy_tables as tables
import motif_environment
import numpy as np
from accuracy_measures import boundary_displacement, is_correct, mean_iou
from accuracy_sides import Frame, make_sides
from compare_pystem import ENVIRONMENT

# Along both axes, every so many pixels are looked at for the certainty.
EVERY = 3


class Result(NamedTuple):
    """What is measured of the labels of a frame."""

    n_patterns: int
    iou: float
    displacement: float
    right_number: bool
    # Of some pixels: the certainty, and whether the label is right.
    certainty: np.ndarray | None
    correct: np.ndarray

    @classmethod
    def of(cls, found, frame):
        """Measure what was found, by the best recipe, against the truth."""
        some, truth = (slice(None, None, EVERY),) * 2, frame.truth
        labels = max(found.labels, key=lambda each: mean_iou(each, truth))
        certainty = None if found.certainty is None else found.certainty[some].ravel()
        one = frame.n_patterns == 1
        return cls(
            frame.n_patterns,
            mean_iou(labels, truth),
            np.nan if one else boundary_displacement(labels, truth),
            found.number == frame.n_patterns,
            certainty,
            is_correct(labels, truth)[some].ravel(),
        )


def measure(sides, name, doses, seeds, scale=1):
    """Results on a case.

    Returns
    -------
    dict of float to list of list of Result
        Of each dose: for each side, those of all seeds.
    """
    frames = {
        (dose, seed): Frame.of(name, dose, seed, scale)
        for dose in doses
        for seed in seeds
    }
    by_side = []
    for side in sides:
        found = side(list(frames.values()))
        by_side.append(
            {
                key: Result.of(each, frame)
                for (key, frame), each in zip(frames.items(), found, strict=True)
            }
        )
    return {
        dose: [[results[dose, seed] for seed in seeds] for results in by_side]
        for dose in doses
    }


def print_ious(what, rows, doses, sides, seeds):
    """Measure cases, and print them one a row, and their means.

    Parameters
    ----------
    what : str
        What the table is of.
    rows : list of (str, str, float)
        Title, case and scale.
    doses, seeds : sequence of float, of int
    sides : dict of str to callable

    Returns
    -------
    list of dict
        As from `measure`, row by row.
    """
    tables.print_head(f"mean IoU, {what}{' / '.join(sides)}", doses)
    measured, ious = [], []
    for title, name, scale in rows:
        results = measure(sides.values(), name, doses, seeds, scale)
        measured.append(results)
        ious.append([tables.means(results[dose], "iou") for dose in doses])
        tables.print_row(title, ious[-1])
    tables.print_row("mean", np.mean(ious, axis=0))
    return measured


def print_group(what, cases, doses, sides, seeds):
    """Measure and print a group of cases: dict of case to what `measure` returns.

    Of one pattern, where all who are told are right, we alone are asked.
    """
    several = [name for name in cases if name not in suite.SINGLE_CASES]
    measured = {}
    if several:
        rows = [(f"({name}) {cases[name]}", name, 1) for name in several]
        results = print_ious(what, rows, doses, sides, seeds)
        measured = dict(zip(several, results, strict=True))
    for name in suite.SINGLE_CASES:
        if name in cases:
            measured[name] = measure([sides["ours"]], name, doses, seeds)
    return measured


def print_scaled(cases, doses, sides, seeds):
    """Measure and print scaled frames."""
    rows = [
        (f"({name}) x {scale:g}", name, scale)
        for name in suite.SCALED_CASES
        if name in cases
        for scale in suite.SCALES
    ]
    if rows:
        print()
        print_ious("scaled frames, ", rows, doses, sides, seeds)


def arguments():
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, help="how many (3 of cases a to j, 5 of others)"
    )
    parser.add_argument("--cases", default="".join(suite.ALL_CASES))
    parser.add_argument(
        "--doses", type=float, nargs="+", help="(30 3 1 0.3; 30 3 from case k on)"
    )
    parser.add_argument("--scaled", action="store_true", help="scaled frames, too")
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT)
    parser.add_argument(
        "--motif-environment", type=Path, default=motif_environment.ENVIRONMENT
    )
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--limits", action="store_true", help="of who is told the rest")
    parser.add_argument("--figure", type=Path, help="plot of the certainty")
    options = parser.parse_args()
    unknown = set(options.cases) - set(suite.ALL_CASES)
    if unknown:
        parser.error(f"There is no case {', '.join(sorted(unknown))}.")
    if options.seeds is not None and options.seeds < 1:
        parser.error(f"seeds must be an int of at least 1, not {options.seeds}.")
    return options


def main():
    options = arguments()
    logging.getLogger("hyperspy_symseg").setLevel("ERROR")
    peers = [options.environment.absolute(), options.motif_environment.absolute()]
    sides = make_sides(*[None if options.no_peers else each for each in peers])
    observed = sides | make_sides(has_observer=options.limits)

    all_measured = {}
    for kind, (cases, doses, n_seeds) in suite.GROUPS.items():
        cases = {name: cases[name] for name in cases if name in options.cases}
        if not cases:
            continue
        doses, seeds = options.doses or doses, range(options.seeds or n_seeds)
        # The old suite has boundaries that other observers are asked about.
        group_sides = sides if kind == suite.GRAINS else observed
        print(f"\n### {kind.capitalize()}, seeds: {len(seeds)}\n")
        measured = print_group("", cases, doses, group_sides, seeds)
        if kind == suite.GRAINS:
            tables.print_displacements(measured)
            tables.print_numbers(measured, doses)
        else:
            tables.print_ours_by_case(measured, doses)
        tables.print_shortfalls(measured, list(group_sides))
        if kind == suite.GRAINS and options.scaled:
            print_scaled(cases, doses, sides, seeds)
        all_measured[kind] = measured

    print("\n### Certainty")
    print_certainties(all_measured, options.figure)


def print_certainties(measured, figure):
    """Print, and plot if asked for, how well our certainty is calibrated."""
    distorted = measured.get(suite.DISTORTED, {})
    others = {kind: each for kind, each in measured.items() if kind != suite.DISTORTED}
    if len(others) > 1:
        for kind, each in others.items():
            tables.print_certainty(kind, each, suite.ASKED_CALIBRATION)
    together = {name: case for each in others.values() for name, case in each.items()}
    if together:
        what = " and ".join(others)
        found = tables.print_certainty(what, together, suite.ASKED_CALIBRATION)
        if figure is not None:
            tables.plot_reliability(*found, figure)
    if distorted:
        asked = suite.ASKED_CALIBRATION_DISTORTED
        tables.print_certainty(suite.DISTORTED, distorted, asked)


if __name__ == "__main__":
    main()
