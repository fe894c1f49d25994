# SPDX-License-Identifier: GPL-3.0-or-later
"""How right atomic columns are found, beside the peers.

Frames of eleven families (`column_frames.py`) at several doses. Tables in Markdown ::

    python benchmarks/columns.py [--frames 10] [--first 0] [--only NAME ...]
                                 [--doses 100 10 3 1 0.3] [--width 2]
                                 [--finders auto network LoG HyperSpy atomap]
                                 [--atomap-frames 1] [--empty 100] [--time]
                                 [--pictures FOLDER]
                                 [--real FOLDER] [--data FOLDER]
                                 [--scores FILE.pickle]

A column is found within half of the shortest spacing; 4 pixels at the edges do not
count. Ours are told the number of patterns alone; peers (atomap 0.4.2, HyperSpy's
`find_peaks`, scikit-image's LoG) are told spacing and width, and in every frame the
threshold that is best in hindsight. LoG and `find_peaks` give whole pixels. Of atomap,
which takes up to a minute a frame, fewer frames are looked at.

With ``--scores``, a run that was stopped goes on: what is in the file stays.

Limit: the Cramer-Rao bound of single columns, in root mean square. z: errors in
standard errors. Calibration: of all candidates from a probability of 0.02 on, in ten
bins. Area under the ROC curve: probability at columns against vacancies. Recall and
precision of vacancies: of sites without a column, and of what `find_outliers` says.
Times are of the processor, in seconds a frame, with labels given.
"""

import argparse
import itertools
import logging
import pickle
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
from column_finders import FINDERS, OURS
from column_frames import FAMILIES, NINE, empty_frame, scene
from column_measures import Score, judge, together
from hyperspy.signals import Signal2D

from hyperspy_symseg.simulate import Lattice, micrograph

DOSES = 100.0, 10.0, 3.0, 1.0, 0.3
# Side and frames of the series that is timed, and their counts.
TIMED_SIDE, TIMED_FRAMES, TIMED_DOSE = 512, 8, 10.0
TIMED_SPACING, TIMED_TURN = 12.0, 17.0
REAL = {
    "MoS2_stem_Exp-000-2.npy": 1,
    "16_STOimage_1.ser": 1,
    "BTO_crystal_1.dm4": 1,
    "LaO.png": 2,
    "pto_sro.hspy": 2,
    "Fe_bcc_100.npy": 2,
}


def scores_of(options):
    """All frames judged: dict of Score, by finder, family and dose."""
    found, first = _earlier(options), scene("square", 0)
    for finder in options.finders:
        # Imports are no work.
        if finder != "atomap":
            FINDERS[finder](first, first.counts(10))
    families = [name for name in FAMILIES if name in (options.only or FAMILIES)]
    for name, dose, finder in itertools.product(
        families, options.doses, options.finders
    ):
        frames = options.frames
        if finder == "atomap":
            frames = min(frames, options.atomap_frames)
        if not frames or (finder, name, dose) in found:
            continue
        scores = []
        for seed in range(options.first, options.first + frames):
            truth = scene(name, seed, options.width)
            said = FINDERS[finder](truth, truth.counts(dose))
            scores.append(judge(truth, dose, said))
            if options.pictures and seed == options.first:
                picture(truth, dose, said, options.pictures / finder)
        found[finder, name, dose] = together(scores)
        _keep(found, options)
        print(".", end="", flush=True, file=sys.stderr)
    return found


def _frames_of(options):
    """What scores are of, that are kept in one file: dict."""
    names = "frames", "first", "width", "atomap_frames"
    return {name: getattr(options, name) for name in names}


def _earlier(options):
    """Scores of an earlier run: dict."""
    if options.scores is None or not options.scores.exists():
        return {}
    kept, found = pickle.loads(options.scores.read_bytes())
    if kept != _frames_of(options):
        sys.exit(f"{options.scores} must be of the same frames, got {kept}.")
    return {key: Score(**values) for key, values in found.items()}


def _keep(found, options):
    """Write scores, if they are to be kept."""
    if options.scores is not None:
        plain = {key: score._asdict() for key, score in found.items()}
        options.scores.write_bytes(pickle.dumps((_frames_of(options), plain)))


def table(head, rows):
    """Print a table."""
    print("\n|", " | ".join(head), "|")
    print("|" + "---|" * len(head))
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)


def mean_f1(found, finder, names, dose):
    """Mean F1 of families as text; empty if some were not looked at."""
    keys = [(finder, name, dose) for name in names]
    if not all(key in found for key in keys):
        return ""
    return f"{np.mean([found[key].f1 for key in keys]):.4f}"


def print_f1(found, options):
    """F1 by family and dose, and means."""
    rows = []
    for finder in options.finders:
        names = {name for each, name, _ in found if each == finder}
        for name in filter(names.__contains__, FAMILIES):
            scores = [found[finder, name, dose] for dose in options.doses]
            rows.append([finder, name, *(f"{score.f1:.4f}" for score in scores)])
        for title, group in (("**nine**", NINE), ("**eleven**", FAMILIES)):
            means = [mean_f1(found, finder, group, dose) for dose in options.doses]
            if all(means):
                rows.append([finder, title, *means])
    doses = [f"{dose:g}" for dose in options.doses]
    table(["F1", "family", *doses], rows)


def print_positions(found, options):
    """Root mean square errors, over limits; z of the standard errors."""
    doses = [f"{dose:g}" for dose in options.doses]
    rows, scores = [], []
    for finder, name in itertools.product(options.finders, FAMILIES):
        own = [found.get((finder, name, dose)) for dose in options.doses]
        if own[0] is not None:
            rows.append([finder, name, *(f"{s.rms:.3f} ({s.limit:.3f})" for s in own)])
            if finder in OURS:
                scores.append([finder, name, *(f"{score.z:.2f}" for score in own)])
    table(["error, px an axis (limit)", "family", *doses], rows)
    if scores:
        table(["z", "family", *doses], scores)


def print_calibration(found, options):
    """Calibration errors of ours, by family and of all."""
    rows = []
    for finder in (each for each in options.finders if each in OURS):
        names = [name for name in FAMILIES if (finder, name, options.doses[0]) in found]
        for title, group in [*((name, [name]) for name in names), ("**all**", names)]:
            row = [finder, title]
            for dose in options.doses:
                score = together([found[finder, name, dose] for name in group])
                row.append(f"{score.calibration:.3f}")
            rows.append(row)
    if rows:
        doses = [f"{dose:g}" for dose in options.doses]
        table(["calibration error", "family", *doses], rows)


def _shares(counts):
    """Recall and precision of found, false, all: str."""
    if counts is None or not counts[2]:
        return ""
    n_right, n_false, n_all = counts
    return f"{n_right / n_all:.2f} / {n_right / max(n_right + n_false, 1):.2f}"


def print_vacancies(found, options):
    """Area under the ROC curve, recall and precision."""
    rows = []
    for finder, name in itertools.product(options.finders, FAMILIES):
        own = [found.get((finder, name, dose)) for dose in options.doses]
        if own[0] is None or not len(own[0].vacant):
            continue
        rows.append(
            [finder, name, "ROC area", *(f"{score.roc_area:.4f}" for score in own)]
        )
        for title, counts in (
            ("sites without a column", [score.bare for score in own]),
            ("find_outliers", [score.told for score in own]),
        ):
            cells = [_shares(each) for each in counts]
            if any(cells):
                rows.append([finder, name, f"recall / precision, {title}", *cells])
    if rows:
        doses = [f"{dose:g}" for dose in options.doses]
        table(["vacancies", "family", "measure", *doses], rows)


def print_times(found, options):
    """Seconds a frame of 256 x 256, over all families."""
    rows = []
    for finder in options.finders:
        row = [finder]
        for dose in options.doses:
            own = [
                score.seconds
                for (each, _, other), score in found.items()
                if each == finder and other == dose
            ]
            row.append(f"{np.mean(own):.2f}" if own else "")
        rows.append(row)
    table(["s of processor time, 256 x 256", *map("{:g}".format, options.doses)], rows)


def print_empty(options):
    """Columns in frames of vacuum and noise."""
    rows = []
    for finder in (each for each in options.finders if each in OURS):
        counts = []
        for seed in range(options.first, options.first + options.empty):
            signal, labels = Signal2D(empty_frame(seed)), None
            if finder != "network":
                labels = signal.segment_symmetry(1, show_progressbar=False)
            columns = signal.find_atomic_columns(
                labels, method=finder, show_progressbar=False
            )
            counts.append(len(columns.data[0]))
        rows.append([finder, str(len(counts)), str(np.sum(counts)), str(max(counts))])
    table(["vacuum and noise", "frames", "columns", "most in a frame"], rows)


def print_speed(options):
    """Processor time and memory of a frame of 512 x 512 and of a series, labels given.

    Frames are of one square crystal, with some 1,800 columns.
    """
    rows = []
    lattice, shape = Lattice.square(TIMED_SPACING, TIMED_TURN), (TIMED_SIDE, TIMED_SIDE)
    series = np.array(
        [
            micrograph(lattice, shape, dose=TIMED_DOSE, seed=seed)[0].data
            for seed in range(TIMED_FRAMES)
        ]
    )
    for finder in (each for each in options.finders if each in OURS):
        one, movie = Signal2D(series[0]), Signal2D(series)
        labels = one.segment_symmetry(1, show_progressbar=False)
        all_labels = movie.segment_symmetry(
            1, model=labels.model, show_progressbar=False
        )
        how = {"method": finder, "show_progressbar": False}
        # Imports are no work.
        one.find_atomic_columns(labels, **how)
        start = time.process_time()
        one.find_atomic_columns(labels, **how)
        seconds = time.process_time() - start
        tracemalloc.start()
        one.find_atomic_columns(labels, **how)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        start, began = time.process_time(), time.perf_counter()
        movie.find_atomic_columns(all_labels, **how)
        each = (time.process_time() - start) / TIMED_FRAMES
        rate = TIMED_FRAMES / (time.perf_counter() - began)
        rows.append(
            [finder, f"{seconds:.2f}", f"{peak:.0f}", f"{each:.2f}", f"{rate:.1f}"]
        )
    head = ["512 x 512, labels given", "s of processor time", "peak memory, MB"]
    table([*head, "s a frame of a series", "frames a second"], rows)


def picture(truth, dose, said, folder):
    """Draw a frame, its columns (crosses), and what was found (circles)."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    figure, ax = plt.subplots(figsize=(8, 8), layout="constrained")
    ax.imshow(truth.counts(dose), cmap="gray")
    ax.plot(*truth.columns.T[::-1], "c+", markersize=4)
    ax.plot(*truth.vacancies.T[::-1], "rx", markersize=4)
    ax.plot(*said.places.T[::-1], "o", mfc="none", mec="orange", markersize=7)
    ax.set(title=f"{truth.name}, {dose:g} counts", xticks=[], yticks=[])
    figure.savefig(folder / f"{truth.name}_{dose:g}.png", dpi=80)
    plt.close(figure)


def real_pictures(options):
    """Draw columns on real frames of ../shared/data."""
    import matplotlib.pyplot as plt
    from abundances import DATA, image

    options.real.mkdir(parents=True, exist_ok=True)
    for name, n_patterns in REAL.items():
        signal = image((options.data or DATA) / name)
        labels = signal.segment_symmetry(n_patterns, show_progressbar=False)
        for finder in (each for each in options.finders if each in OURS):
            start = time.process_time()
            columns = signal.find_atomic_columns(
                labels, method=finder, show_progressbar=False
            )
            seconds = time.process_time() - start
            rows, names = columns.data[0], columns.column_names
            figure, ax = plt.subplots(figsize=(12, 12), layout="constrained")
            low, high = np.percentile(signal.data, (1, 99.5))
            ax.imshow(signal.data, cmap="gray", vmin=low, vmax=high)
            source = rows[:, names.index("source")]
            for value, color in ((0, "orange"), (1, "cyan")):
                own = rows[source == value]
                ax.plot(own[:, 1], own[:, 0], "o", mfc="none", mec=color, ms=6)
            ax.set(title=f"{name}, {finder}: {len(rows)}", xticks=[], yticks=[])
            figure.savefig(options.real / f"{Path(name).stem}_{finder}.png", dpi=80)
            plt.close(figure)
            shares = [float(np.mean(source == value)) for value in (0, 1)]
            print(
                f"{name}, {finder}: {len(rows)} columns, crystal {shares[0]:.2f}, "
                f"network {shares[1]:.2f}, {seconds:.2f} s"
            )


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="seed")
    parser.add_argument("--only", nargs="+", choices=FAMILIES)
    parser.add_argument("--doses", type=float, nargs="+", default=DOSES)
    parser.add_argument("--width", type=float, default=2.0, help="of a column, px")
    parser.add_argument("--finders", nargs="+", choices=FINDERS, default=[*FINDERS])
    parser.add_argument("--atomap-frames", type=int, default=1)
    parser.add_argument("--empty", type=int, default=100, help="frames of noise")
    parser.add_argument("--time", action="store_true", help="512 x 512, and a series")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--real", type=Path, metavar="FOLDER")
    parser.add_argument("--data", type=Path, help="folder of real frames")
    parser.add_argument("--scores", type=Path, metavar="FILE")
    options = parser.parse_args()
    # That there is no lattice in some frames is known.
    logging.getLogger("hyperspy_symseg").setLevel("ERROR")
    if options.pictures or options.real:
        import matplotlib

        matplotlib.use("Agg")
    if options.real:
        real_pictures(options)
        return
    found = scores_of(options)
    if found:
        print_f1(found, options)
        print_positions(found, options)
        print_calibration(found, options)
        print_vacancies(found, options)
        print_times(found, options)
    if options.empty and set(options.finders) & set(OURS):
        print_empty(options)
    if options.time:
        print_speed(options)


if __name__ == "__main__":
    main()
