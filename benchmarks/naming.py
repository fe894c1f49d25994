# SPDX-License-Identifier: GPL-3.0-or-later
"""How often lattice, Bravais type and plane group of a pattern are named right.

Patterns of all 17 plane groups are drawn at random (`naming_patterns.py`), counted, and
named. One table a run, in Markdown ::

    python benchmarks/naming.py right [--patterns 20] [--sides 128 256 512]
                                      [--doses 30 10 3 1 0.3] [--first 0]
    python benchmarks/naming.py errors       # lattice parameters: z, and median errors
    python benchmarks/naming.py distortion   # affine, 0 to 2 %
    python benchmarks/naming.py amorphous    # false lattices
    python benchmarks/naming.py pairs        # several patterns in a frame, by masks
    python benchmarks/naming.py motifs       # the same with patterns drawn at random
    python benchmarks/naming.py several      # two crystals in a frame, without labels
    python benchmarks/naming.py real         # frames of ../shared/data
    python benchmarks/naming.py network      # the network beside this method
    python benchmarks/naming.py unseen       # the same on these patterns

``--first`` is the first seed: others are other patterns. Times are of the processor.
"""

import argparse
import itertools
import math
import time
from pathlib import Path
from typing import NamedTuple

import accuracy_suite
import naming_network
import naming_patterns
import naming_several
import numpy as np

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.crystal_symmetry import CrystalSymmetry, record_of
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.naming import name_crystal
from hyperspy_symseg.lattice.plane_groups import PLANE_GROUPS, bravais_type

# Weight from which on a group is named, and bins of the calibration.
SURE, BINS = 0.9, 10
# Periods of the longer vector in a frame that is large enough for the first target.
FIVE = 5.0
STRAINS = 0.0, 0.005, 0.01, 0.02, 0.03
ERROR_DOSES, ERROR_SIDE = (10.0, 3.0, 1.0), 256
# Amorphous frames: sides, and counts at a column.
AMORPHOUS_SIDES, AMORPHOUS_DOSES = (128, 256, 512), (30.0, 1.0)

# Columns of a cell, at most, in lamellae and inclusions, and in larger crystals.
FEW_COLUMNS, MORE_COLUMNS = 3, 6


class Outcome(NamedTuple):
    """What was found of a pattern.

    lattice, bravais, group: whether it is right; row: CrystalSymmetry; seconds: of the
    processor; off: vectors (2, 2) less the true ones, NaN if they are others; periods
    of the longer vector in the frame.
    """

    truth: str
    row: CrystalSymmetry
    lattice: bool
    bravais: bool
    group: bool
    seconds: float
    off: np.ndarray
    periods: float


def named(frame, valid=None, strain=0.02):
    """Symmetry of a frame, and the time that it took: CrystalSymmetry, float."""
    start = time.process_time()
    row = CrystalSymmetry(record_of(name_crystal(windows(frame, valid), strain=strain)))
    return row, time.process_time() - start


def outcome(group, vectors, frame, valid=None, strain=0.02):
    """Compare what is found with the truth: Outcome."""
    row, seconds = named(frame, valid, strain)
    off, lattice = np.full((2, 2), np.nan), False
    if row.has_lattice:
        found = row.record["vectors"]
        rows = found @ np.linalg.inv(vectors)
        whole = np.rint(rows)
        lattice = (
            np.abs(rows - whole).max() < 0.1
            and abs(abs(np.linalg.det(whole)) - 1) < 0.5
        )
        if lattice:
            off = found - whole @ vectors
    likely = row.likely_plane_groups[0] if row.is_named else None
    return Outcome(
        group,
        row,
        bool(lattice),
        bool(lattice and row.bravais == bravais_type(group)),
        bool(lattice and likely == group),
        seconds,
        off,
        min(frame.shape) / np.linalg.norm(vectors, axis=1).max(),
    )


def outcomes(options, side, dose, **how):
    """All patterns at one side and dose: list of Outcome."""
    strain = how.pop("named_within", 0.02)
    found = []
    for group, seed in itertools.product(PLANE_GROUPS, range(options.patterns)):
        pattern = naming_patterns.draw(group, options.first + seed)
        frame, vectors = naming_patterns.frame(
            pattern, side, dose, options.first + seed, **how
        )
        found.append(outcome(group, vectors, frame, strain=strain))
    return found


def share(values):
    """Share as text; empty for none."""
    values = list(values)
    return f"{np.mean(values):.3f}" if values else "-"


def calibration(found):
    """Expected calibration error of the largest weight, lattice being right: float."""
    weights = np.array([max(o.row.plane_group_weights.values()) for o in found])
    right = np.array([o.group for o in found])
    bins = np.minimum((weights * BINS).astype(int), BINS - 1)
    errors = [
        abs(weights[bins == i].mean() - right[bins == i].mean()) * (bins == i).mean()
        for i in np.unique(bins)
    ]
    return float(sum(errors))


def z_scores(found):
    """Errors of lattice vectors in standard errors: (n, 4) array."""
    return np.array(
        [
            o.off.ravel() / np.sqrt(np.diag(o.row.record["covariance"]))
            for o in found
            if o.lattice
        ]
    ).reshape(-1, 4)


def relative_errors(found):
    """Root mean square of the components beside the root of the area: (n,) array."""
    return np.array(
        [
            math.sqrt((o.off**2).mean() / abs(np.linalg.det(o.row.record["vectors"])))
            for o in found
            if o.lattice
        ]
    )


def print_right(options):
    """Shares that are right, calibration, abstention and time."""
    print(
        "Shares of all; with five periods or more in brackets, where some have fewer.\n"
    )
    print(
        "| side | dose | lattice | Bravais | group | top 3 | ECE | named | right of "
        "these | truth in 95 % set | z | s |"
    )
    print("|" + "---|" * 12)
    every, wrong = [], []
    for side, dose in itertools.product(options.sides, options.doses):
        found = outcomes(options, side, dose)
        every += found
        enough = [o for o in found if o.periods >= FIVE]
        texts = []
        for name in ("lattice", "bravais", "group"):
            text = share(getattr(o, name) for o in found)
            if len(enough) < len(found):
                text += f" ({share(getattr(o, name) for o in enough)})"
            texts.append(text)
        wrong += [(side, dose, o) for o in enough if not o.group]
        row = ["", f"{side}", f"{dose:g}", *texts, *summary(found), ""]
        print("|".join(row), flush=True)
    print("|".join(["", "all", "", *3 * [""], *summary(every), ""]))
    print(f"\nContradictions between group and Bravais type: {contradictions(every)}")
    if options.wrong:
        for side, dose, o in wrong:
            likely = {
                g: round(o.row.plane_group_weights[g], 3)
                for g in o.row.likely_plane_groups
            }
            print(
                side,
                dose,
                o.truth,
                o.lattice,
                likely,
                o.row.reason,
                round(o.periods, 1),
            )


def contradictions(found):
    """Number of rows whose group and Bravais type contradict: int."""
    return sum(
        o.row.plane_group is not None
        and bravais_type(o.row.plane_group) != o.row.bravais
        for o in found
    )


def summary(found):
    """Cells about patterns whose lattice is right: list of str."""
    own = [o for o in found if o.lattice and o.row.is_named]
    top = share(
        o in own
        and o.truth in sorted(PLANE_GROUPS, key=o.row.plane_group_weights.get)[-3:]
        for o in found
    )
    sure = [o for o in own if o.row.plane_group is not None]
    z = z_scores(found)
    return [
        top,
        f"{calibration(own):.3f}" if own else "-",
        share(o.row.plane_group is not None for o in own),
        share(o.group for o in sure),
        share(o.truth in o.row.likely_plane_groups for o in own),
        f"{math.sqrt((z**2).mean()):.2f}" if len(z) else "-",
        f"{np.mean([o.seconds for o in found]):.2f}",
    ]


def print_errors(options):
    """Errors of lattice parameters with and without jitter."""
    print("| side | dose | jitter | patterns | z | median error, 1e-4 of the cell |")
    print("|" + "---|" * 6)
    for dose, jitter in itertools.product(ERROR_DOSES, (0.0, 0.02)):
        found = outcomes(options, ERROR_SIDE, dose, jitter=jitter)
        z, errors = z_scores(found), relative_errors(found)
        print(
            f"| {ERROR_SIDE} | {dose:g} | {jitter:g} | {len(errors)} | "
            f"{math.sqrt((z**2).mean()):.2f} | {1e4 * np.median(errors):.1f} |"
        )


def print_distortion(options):
    """Affine distortion of the frame."""
    print("| distortion | lattice | Bravais | group | nominal |")
    print("|" + "---|" * 5)
    for strain in STRAINS:
        found = outcomes(options, 256, 10.0, strain=strain)
        shares = [
            share(getattr(o, name) for o in found)
            for name in ("lattice", "bravais", "group")
        ]
        nominal = share(
            o.lattice and o.row.nominal_plane_group == o.truth for o in found
        )
        print("|".join(["", f"{strain:.1%}", *shares, nominal, ""]))


def print_amorphous(options):
    """Frames without a lattice."""
    print("| frames | side | counts | number | with a lattice | largest evidence |")
    print("|" + "---|" * 6)
    n = options.patterns
    for side, dose in itertools.product(AMORPHOUS_SIDES, AMORPHOUS_DOSES):
        for name in ("amorphous", "empty"):
            rows = []
            for seed in range(options.first, options.first + n):
                if name == "empty":
                    rng = np.random.default_rng((seed, side))
                    frame = rng.poisson(dose, (side, side))
                else:
                    amorphous = simulate.Amorphous(1 / 80, 6.5)
                    frame = simulate.micrograph(
                        amorphous, (side, side), dose=dose, seed=seed
                    )[0].data
                rows.append(named(frame)[0])
            false = sum(row.has_lattice for row in rows)
            largest = max(row.evidence for row in rows)
            print(f"| {name} | {side} | {dose:g} | {n} | {false} | {largest:.1f} |")


def print_pairs(options):
    """Patterns of one frame by the masks of the truth, and of other motifs."""
    print("| case | dose | patterns | lattice | Bravais | group or tied |")
    print("|" + "---|" * 6)
    for case, dose in itertools.product("abcdegijh", (30.0, 3.0)):
        found = []
        for seed in range(options.first, options.first + max(2, options.patterns // 4)):
            lattices, _, _ = accuracy_suite.structure(case, seed)
            frame, truth = accuracy_suite.case(case, dose, seed)
            for k, lattice in enumerate(lattices):
                if hasattr(lattice, "vectors"):
                    group, vectors = _truth(lattice)
                    found.append(outcome(group, vectors, frame, truth == k))
        tied = share(
            o.lattice and o.truth in o.row.likely_plane_groups[:2] for o in found
        )
        print(
            f"| {case} | {dose:g} | {len(found)} | {share(o.lattice for o in found)} | "
            f"{share(o.bravais for o in found)} | {tied} |"
        )


def print_motifs(options):
    """Patterns drawn at random in the places of those pairs and triples, by masks."""
    print("| case | dose | patterns | lattice | Bravais | group | given |")
    print("|" + "---|" * 7)
    for case, dose in itertools.product("adgjhi", (30.0, 3.0)):
        found = []
        for seed in range(options.first, options.first + max(2, options.patterns // 2)):
            _, labels, _ = accuracy_suite.structure(case, seed)
            most = FEW_COLUMNS if case in "hi" else MORE_COLUMNS
            frame, patterns = naming_patterns.crystals(labels, dose, seed, most)
            found += [
                outcome(each.group, each.vectors, frame, labels == k)
                for k, each in enumerate(patterns)
            ]
        shares = [
            share(getattr(o, name) for o in found)
            for name in ("lattice", "bravais", "group")
        ]
        given = share(o.row.plane_group is not None for o in found)
        row = ["", case, f"{dose:g}", f"{len(found)}", *shares, given, ""]
        print("|".join(row), flush=True)
        if options.wrong:
            for o in found:
                if not o.group:
                    print(o.truth, o.lattice, o.row.likely_plane_groups, o.row.reason)


def _truth(lattice):
    """Plane group and primitive vectors of a simulated lattice, of exact columns."""
    frame = simulate.micrograph(
        lattice, (400, 400), dose=None, jitter=0, ramp=0, seed=0
    )[0].data
    row, _ = named(frame, strain=0.001)
    return row.get_nominal_plane_group(0.03), np.array(row.record["vectors"])


def real_windows(folder):
    """Windows of real frames, and what is expected.

    Yields
    ------
    name, expected : str
    frame : (rows, columns) numpy.ndarray
    valid : (rows, columns) numpy.ndarray of bool or None
        Where the crystal is: by the labels of two patterns, where there are two.
    """
    import hyperspy.api as hs
    from PIL import Image

    def image(name):
        return np.asarray(Image.open(folder / name).convert("L"))

    def crystals(frame):
        labels = hs.signals.Signal2D(frame).segment_symmetry(2, show_progressbar=False)
        return labels.data == 0, labels.data == 1

    iron = np.load(folder / "Fe_bcc_100.npy")
    yield "Fe [100], upper grain", "square p4mm", iron[:225], None
    yield "Fe [100], lower grain", "square p4mm", iron[270:], None
    sto = hs.load(folder / "16_STOimage_1.ser").data
    yield "SrTiO3", "square p4mm, 3.905 Å = 39.00 px of the file", sto, None
    bto = hs.load(folder / "BTO_crystal_1.dm4").data
    yield "BaTiO3", "square or rectangular: p4mm or pm", bto, None
    mos2 = np.load(folder / "MoS2_stem_Exp-000-2.npy")
    yield "MoS2, whole", "hexagonal p3m1", mos2, None
    yield "MoS2, 200 px", "hexagonal p3m1", mos2[150:350, 150:350], None
    oxide = image("LaO.png")
    first, second = crystals(oxide)
    yield "LaO.png, pattern 0", "square p4mm", oxide, first
    yield "LaO.png, pattern 1", "square or c2mm", oxide, second
    pto = hs.load(folder / "pto_sro.hspy").data
    yield "pto_sro, left", "square or rectangular", pto[:, :200], None
    yield "pto_sro, middle", "square or rectangular", pto[:, 550:760], None
    alloy = image("automal_sample.png")
    first, second = crystals(alloy)
    yield "automal, precipitate", "hexagonal (precipitate)", alloy, first
    yield "automal, matrix", "square p4mm (aluminium)", alloy, second


def print_real(options):
    """Real frames."""
    print(
        "| window | expected | a, px | b, px | angle | metric | strict | nominal "
        "(misfit) | remark |"
    )
    print("|" + "---|" * 9)
    folder = Path(__file__).parents[2] / "shared" / "data"
    for name, expected, frame, valid in real_windows(options.data or folder):
        row, _ = named(frame, valid)
        if not row.has_lattice:
            print(f"| {name} | {expected} | | | | none | | | {row.reason} |")
            continue
        a, b = row.lengths
        metric = max(row.metric_weights, key=row.metric_weights.get)
        strict = " ".join(
            f"{g} {row.plane_group_weights[g]:.2f}" for g in row.likely_plane_groups
        )
        nominal = row.nominal_plane_group
        if nominal is not None:
            nominal += f" ({row.misfits[nominal]:.2f})"
        print(
            f"| {name} | {expected} | {a:.2f} | {b:.2f} | {row.angle:.2f} | {metric} | "
            f"{strict} | {nominal} | {row.reason} |"
        )


TABLES = {
    "right": print_right,
    "errors": print_errors,
    "distortion": print_distortion,
    "amorphous": print_amorphous,
    "pairs": print_pairs,
    "motifs": print_motifs,
    "several": naming_several.print_several,
    "real": print_real,
    "network": naming_network.print_network,
    "unseen": naming_network.print_unseen,
}


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--patterns", type=int, default=20, help="of each group")
    parser.add_argument("--sides", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--doses", type=float, nargs="+", default=[30, 10, 3, 1, 0.3])
    parser.add_argument("--first", type=int, default=0, help="seed")
    parser.add_argument(
        "--wrong", action="store_true", help="list those that are wrong"
    )
    parser.add_argument("--data", type=Path, help="folder of real frames")
    options = parser.parse_args()
    TABLES[options.table](options)


if __name__ == "__main__":
    main()
