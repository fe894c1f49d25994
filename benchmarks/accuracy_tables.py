# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the accuracy benchmark, in Markdown.

What is measured is, for each case, a dict of the results: of each dose, for each side
(ours first), those of all seeds.
"""

import statistics

import accuracy_suite as suite
import numpy as np
from accuracy_measures import calibration_error, mislabelling_auc, reliability
from accuracy_sides import OBSERVER

DISPLACED_CASES, DISPLACED_DOSE = "abcde", 30
# Pixels at a certainty that is plotted, at least.
FEWEST_PLOTTED = 100


def means(sides, field):
    """Mean of a field of the results, side by side."""
    return [
        statistics.mean(getattr(result, field) for result in results)
        for results in sides
    ]


def _cell(values, form):
    return " / ".join(f"{value:{form}}" for value in values)


def _title(name):
    return f"({name}) {suite.ALL_CASES[name]}"


def print_head(what, doses):
    """Print the head of a table that has a column for each dose."""
    print(f"| {what} | {' | '.join(f'dose {dose:g}' for dose in doses)} | mean |")
    print("|---" * (len(doses) + 2) + "|")


def print_row(name, by_dose):
    """Print values of each side, dose by dose, and their means over the doses."""
    columns = [*by_dose, np.mean(by_dose, axis=0)]
    cells = (_cell(values, ".3f") for values in columns)
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def print_displacements(measured):
    """Print displacements at one dose, case by case, and their mean."""
    rows = {
        _title(name): means(measured[name][DISPLACED_DOSE], "displacement")
        for name in DISPLACED_CASES
        if DISPLACED_DOSE in measured.get(name, {})
    }
    if not rows:
        return
    print(f"\n| boundary displacement, dose {DISPLACED_DOSE} | pixels |")
    print("|---|---|")
    rows["mean"] = np.mean(list(rows.values()), axis=0)
    for name, values in rows.items():
        print(f"| {name} | {_cell(values, '.2f')} |")


def _share_right(results):
    """Share of the frames of which we find the number, and how many there are."""
    right = [result.right_number for result in results]
    return f"{statistics.mean(right):.0%} of {len(right)}"


def _calibration(results):
    """Expected calibration error of some results."""
    certainty, correct = (
        np.concatenate([getattr(result, field) for result in results])
        for field in ("certainty", "correct")
    )
    return f"{calibration_error(certainty, correct):.4f}"


def print_numbers(measured, doses):
    """Print how often we find the number of patterns, dose by dose, of all cases."""
    print('\n| n_patterns="auto" is right in | share of the frames |')
    print("|---|---|")
    for dose in doses:
        results = [result for case in measured.values() for result in case[dose][0]]
        print(f"| dose {dose:g} | {_share_right(results)} |")


def print_by_case(what, measured, doses, cell):
    """Print a cell of our results of each case and dose."""
    print(f"\n| {what} | {' | '.join(f'dose {dose:g}' for dose in doses)} |")
    print("|---" * (len(doses) + 1) + "|")
    for name, case in measured.items():
        cells = " | ".join(cell(case[dose][0]) for dose in doses)
        print(f"| {_title(name)} | {cells} |")


def print_ours_by_case(measured, doses):
    """Print how often we find the number, and the calibration error, case by case."""
    print_by_case('n_patterns="auto" is right in', measured, doses, _share_right)
    print_by_case("expected calibration error", measured, doses, _calibration)


def shortfalls(measured, names):
    """Cells of cases that are below a peer, or below what is asked.

    Parameters
    ----------
    measured : dict of str to dict
        Of each case.
    names : list of str
        Of the sides, ours first.

    Returns
    -------
    list of str
    """
    found = []
    for case, by_dose in measured.items():
        for dose, sides in by_dose.items():
            where = f"({case}) at dose {dose:g}"
            ours, *others = means(sides, "iou")
            if sides[0][0].n_patterns > 1:
                found += [
                    f"{where}: IoU {ours:.3f}, {name} {other:.3f}"
                    for name, other in zip(names[1:], others, strict=True)
                    if name != OBSERVER and ours < other
                ]
            asked = suite.ASKED.get(case, {}).get(dose)
            if asked is not None and ours < asked:
                found.append(f"{where}: IoU {ours:.3f}, asked {asked:.2f}")
            right = statistics.mean(result.right_number for result in sides[0])
            if case not in suite.CASES and right < suite.ASKED_NUMBER:
                asked = suite.ASKED_NUMBER
                found.append(f'{where}: "auto" in {right:.0%}, asked {asked:.0%}')
    return found


def print_shortfalls(measured, names):
    """Print the cells that are below a peer, or below what is asked."""
    found = shortfalls(measured, names)
    print("\nBelow a peer, or below what is asked: " + ("" if found else "no cell."))
    for line in found:
        print(f"- {line}")


def certainties(measured):
    """Certainty of our labels at some pixels, and which are right: arrays, a frame."""
    ours = [
        result
        for case in measured.values()
        for sides in case.values()
        for result in sides[0]
    ]
    return [each.certainty for each in ours], [each.correct for each in ours]


def print_certainty(what, measured, asked):
    """Print how well our certainty is calibrated, and how well it tells errors.

    Returns
    -------
    certainty, correct : numpy.ndarray
        Of all frames together.
    """
    certainty, correct = certainties(measured)
    areas = [mislabelling_auc(*each) for each in zip(certainty, correct, strict=True)]
    areas = [area for area in areas if np.isfinite(area)]
    n = len(certainty)
    certainty, correct = np.concatenate(certainty), np.concatenate(correct)
    print(
        f"\nCertainty of {n} frames, {what}: expected calibration error "
        f"{calibration_error(certainty, correct):.4f} (asked: {asked:g})",
        end="",
    )
    # Where all labels are right, or none is, there is no such area.
    if areas:
        print(
            f"; area under the ROC curve for mislabelled pixels "
            f"{mislabelling_auc(certainty, correct):.3f}, by frame {min(areas):.3f} to "
            f"{max(areas):.3f}, mean {statistics.mean(areas):.3f}",
            end="",
        )
    print(".\n")
    print("| certainty | fraction that is right | pixels |")
    print("|---|---|---|")
    for n, mean, fraction in zip(*reliability(certainty, correct), strict=True):
        if n:
            print(f"| {mean:.3f} | {fraction:.3f} | {n} |")
    return certainty, correct


def plot_reliability(certainty, correct, path):
    """Plot the fraction that is right against the certainty."""
    import matplotlib.pyplot as plt

    counts, confidences, fractions = reliability(certainty, correct)
    used = counts >= FEWEST_PLOTTED
    _, (top, bottom) = plt.subplots(
        2, sharex=True, figsize=(5, 6), height_ratios=(3, 1), layout="constrained"
    )
    top.plot([0, 1], [0, 1], "--", color="0.6", label="perfectly calibrated")
    top.plot(confidences[used], fractions[used], "o-", label="labels of the suite")
    top.set(ylabel="Fraction of the labels that is right", ylim=(0, 1.02))
    top.legend()
    bottom.bar(confidences[used], counts[used], 0.08, log=True, color="0.6")
    bottom.set(xlabel="Certainty", ylabel="Pixels", xlim=(0, 1.02))
    plt.savefig(path, dpi=100)
