# SPDX-License-Identifier: GPL-3.0-or-later
"""How well grains are measured and tracked, and how long it takes.

Tables in Markdown ::

    python benchmarks/grains.py [--seeds 3] [--first 0] [--side 1600]
                                [--only shapes frames tracks large]

shapes: discs, rectangles and turned squares, whose areas and perimeters are known; with
scikit-image, its perimeters beside.

frames: polycrystals at 3 counts (a Voronoi tessellation; of each pattern several
grains, which are turned by up to 0.7 degrees). The model is fitted to the frame, with
the number of patterns told. Grains are compared with those of the true labels. "Large"
are those of 500 cells or more, a cell being a period squared. z is the error of the
orientation in standard errors that are reported, in root mean square.

tracks: a movie at 3 counts of six inclusions, in three pairs: one merges, one is split,
one does both; with drift. Events by the overlap of pixels and of ellipses, and by
laptrack from positions alone.

large: ten thousand grains in 8192 x 8192 labels. Times are of the processor, and of the
clock; memory is the peak of the process. With scikit-image, its time for 500 regions,
as for ten thousand.
"""

import argparse
import resource
import time

import hyperspy.api as hs
import numpy as np
from scipy.spatial import cKDTree

import hyperspy_symseg  # noqa: F401
from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import GrainMap, GrainOutlines, Grains
from hyperspy_symseg.analysis.grain_boundaries import Lengths
from hyperspy_symseg.analysis.grains import NAMES
from hyperspy_symseg.frames.run import run

PERIOD, DOSE, N_PATTERNS, TURN = 12.0, 3.0, 4, 0.7
ORIENTATIONS = 3.0, 24.0, 45.0, 66.0
# Of a frame, and cells of a grain that counts, and of a large one.
N_GRAINS, SMALL, LARGE = 16, 25, 500
# That laptrack is tried with, in pixels: inclusions are 110 apart.
REACHES = 60, 90, 120
QUIET = {"show_progressbar": False}
TABLES = "shapes", "frames", "tracks", "large"


def column(table, name):
    return table[:, NAMES.index(name)]


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |")


def header(*cells):
    row(*cells)
    row(*["---"] * len(cells))


def shape_images():
    """Name, image, area and perimeter of shapes."""
    y, x = np.indices((300, 320)) - np.array([150.3, 160.6])[:, None, None]
    for radius in (10, 30, 100):
        yield (
            f"disc, radius {radius}",
            y**2 + x**2 < radius**2,
            np.pi * radius**2,
            (2 * np.pi * radius),
        )
    for rows, columns in ((20, 30), (100, 40), (200, 150)):
        inside = (np.abs(y + 0.3) <= rows / 2) & (np.abs(x + 0.1) < columns / 2)
        sides = rows * columns, 2 * (rows + columns)
        yield f"rectangle {rows} x {columns}", inside, *sides
    for angle in (15, 30, 45):
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        along, across = x * cos + y * sin, y * cos - x * sin
        inside = (np.abs(along) < 75) & (np.abs(across) < 75)
        yield f"square of 150, turned by {angle}", inside, 150**2, 600


def shapes():
    try:
        from skimage.measure import perimeter, perimeter_crofton
    except ImportError:
        perimeter = perimeter_crofton = None
    names = "scikit-image, Crofton", "scikit-image"
    header("shape", "area", "perimeter", *names)
    for name, inside, area, length in shape_images():
        found = Lengths.of(inside.astype(int) - 1, 1).perimeters[0]
        errors = [inside.sum() / area, found / length]
        if perimeter is not None:
            peers = perimeter_crofton(inside, directions=4), perimeter(inside)
            errors += [each / length for each in peers]
        row(name, *(f"{error - 1:+.2%}" for error in errors))


def tessellation(shape, n, rng):
    """Number of the grain of each pixel, and pattern of each grain."""
    points = rng.uniform(size=(n, 2)) * shape
    for _ in range(3):
        # Nearly of one size.
        pixels = np.indices(shape)[:, ::8, ::8].reshape(2, -1).T
        own = cKDTree(points).query(pixels)[1]
        points = np.array([pixels[own == i].mean(axis=0) for i in range(n)])
    pixels = np.indices(shape).reshape(2, -1).T
    grains = cKDTree(points).query(pixels)[1].reshape(shape)
    pairs = Lengths.of(grains, n).pairs
    patterns = np.full(n, -1)
    # Such that no neighbours are alike; greedily, from the one with most of them.
    for i in np.argsort(-np.bincount(pairs.ravel(), minlength=n)):
        beside = pairs[(pairs == i).any(axis=1)].ravel()
        free = [k for k in range(N_PATTERNS) if k not in patterns[beside]]
        if not free:
            return tessellation(shape, n, rng)
        counts = [(patterns == k).sum() for k in free]
        patterns[i] = free[int(np.argmin(counts))]
    return grains, patterns


def frames(options):
    names = "seed", "grains", "found", "large", "area, largest error"
    names += "orientation, largest error", "z", "pairs", "missing", "more", "s"
    header(*names)
    for seed in range(options.first, options.first + options.seeds):
        rng = np.random.default_rng(seed)
        shape = options.side, options.side
        grains, patterns = tessellation(shape, N_GRAINS, rng)
        angles = np.take(ORIENTATIONS, patterns) + rng.uniform(-TURN, TURN, N_GRAINS)
        lattices = [simulate.Lattice.square(PERIOD, orientation=a) for a in angles]
        s, _ = simulate.micrograph(
            lattices, boundary=grains.astype(np.int8), dose=DOSE, seed=seed
        )
        seg = s.segment_symmetry(N_PATTERNS, **QUIET)
        begin = time.process_time()
        table = seg.get_grains(s, int(SMALL * PERIOD**2), **QUIET)
        seconds = time.process_time() - begin
        image = seg.get_grain_map(table).data
        [found] = table.data
        pairs = run(Grains(N_GRAINS), None, grains.astype(np.int8))
        [true] = pairs
        own = np.array(
            [np.bincount(image[(grains == k) & (image >= 0)]).argmax()
             for k in column(true, "pattern").astype(int)]
        )  # fmt: skip
        areas = column(found, "area")[own] / column(true, "area") - 1
        large = column(true, "area") >= LARGE * PERIOD**2
        angle = angles[column(true, "pattern").astype(int)]
        off = (column(found, "lattice_orientation")[own] - angle + 45) % 90 - 45
        z = off / column(found, "lattice_orientation_error")[own]
        true_image = run(GrainMap(N_GRAINS), None, grains.astype(np.int8))
        lengths = Lengths.of(true_image, len(true))
        rule = lengths.lengths >= PERIOD
        expected = {tuple(sorted(own[pair])) for pair in lengths.pairs[rule].tolist()}
        lengths = Lengths.of(image, len(found))
        told = {tuple(pair) for pair in lengths.pairs.tolist()}
        clear = {tuple(p) for p in lengths.pairs[lengths.lengths >= PERIOD].tolist()}
        row(
            seed,
            len(true),
            len(found),
            large.sum(),
            f"{np.abs(areas[large]).max():.2%}",
            f"{np.abs(off[large]).max():.3f}",
            f"{np.sqrt(np.mean(z[large] ** 2)):.2f}",
            len(expected),
            len(expected - told),
            len(clear - expected),
            f"{seconds:.1f}",
        )


def inclusions(n_frames, shape):
    """True labels of six inclusions, and what happens: kind and frame."""
    y, x = np.indices(shape)
    drift = [(8 * np.sin(i / 4), 1.2 * i) for i in range(n_frames)]
    labels = np.zeros((n_frames, *shape), np.int8)
    merged, split, first, last = 6, 9, 5, 11
    for i, (dy, dx) in enumerate(drift):
        gaps = (
            max(0, merged - i),
            max(0, i - split + 1),
            max(0, first - i, i - last + 1),
        )
        for top, gap in zip((90, 250, 410), gaps, strict=True):
            # Of one, they overlap; of two, they are two periods or more apart.
            apart = 108 + 12 * gap + 14 * (gap > 0)
            for centre, radius in ((110, 62), (110 + apart, 55)):
                labels[i][(y - top - dy) ** 2 + (x - centre - dx) ** 2 < radius**2] = 1
    happens = [("merges", merged), ("splits", split)]
    return labels, sorted([*happens, ("merges", first), ("splits", last)])


def by_laptrack(tables, reach):
    """Events of laptrack's merging and splitting, from positions: list."""
    from laptrack import LapTrack

    reach = reach**2
    tracker = LapTrack(
        cutoff=reach,
        gap_closing_cutoff=False,
        splitting_cutoff=reach,
        merging_cutoff=reach,
    )
    tree = tracker.predict(
        [table[column(table, "pattern") == 1, :2] for table in tables]
    )
    found = [("splits", node[0] + 1) for node, n in tree.out_degree() if n > 1]
    found += [("merges", node[0]) for node, n in tree.in_degree() if n > 1]
    return sorted((kind, int(frame)) for kind, frame in found)


def tracks(options):
    shape = 500, 420
    truth, happens = inclusions(15, shape)
    lattices = [simulate.Lattice.square(PERIOD, orientation=a) for a in (5, 35)]
    header("seed", "by", "true events", "found", "more", "events")
    for seed in range(options.first, options.first + options.seeds):
        movie = np.stack(
            [
                simulate.micrograph(
                    lattices, boundary=labels, dose=DOSE, seed=100 * seed + i
                )[0].data
                for i, labels in enumerate(truth)
            ]
        )
        movie = hs.signals.Signal2D(movie)
        seg = movie.segment_symmetry(2, **QUIET)
        if (seg.data == truth).mean() < 0.5:
            # Numbered the other way about.
            seg.data = np.where(seg.data < 0, seg.data, 1 - seg.data)
        grains = seg.get_grains(min_area=int(4 * PERIOD**2), **QUIET)
        ways = {
            "overlap of pixels": grains.track(labels=seg, **QUIET)[1],
            "overlap of ellipses": grains.track(**QUIET)[1],
        }
        ways = {
            name: sorted(zip(each["event"], each["frame"].tolist(), strict=True))
            for name, each in ways.items()
        }
        for reach in REACHES:
            ways[f"laptrack, within {reach} px"] = by_laptrack(grains.data, reach)
        for name, events in ways.items():
            left = list(happens)
            more = []
            for event in events:
                near = [
                    e for e in left if e[0] == event[0] and abs(e[1] - event[1]) < 2
                ]
                if near:
                    left.remove(near[0])
                else:
                    more.append(event)
            n = len(happens)
            listed = " ".join(f"{kind}@{frame}" for kind, frame in events)
            row(seed, name, n, n - len(left), len(more), listed)


def measured(name, function):
    clock, processor = time.perf_counter(), time.process_time()
    result = function()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    row(name, f"{processor:.1f}", f"{clock:.1f}", f"{peak:.2f}")
    return result


def large(options):
    n, side = 8192, 100
    rng = np.random.default_rng(0)
    places = np.indices((side, side)).reshape(2, -1).T
    centres = (places + rng.uniform(0.1, 0.9, places.shape)) * n / side
    # No neighbours alike.
    patterns = (places[:, 0] % 3 * 3 + places[:, 1] % 3).astype(np.int8)
    tree, labels = cKDTree(centres), np.empty((n, n), np.int8)
    for first in range(0, n, 256):
        pixels = np.indices((256, n)).reshape(2, -1).T + np.array([first, 0])
        labels[first : first + 256] = patterns[tree.query(pixels)[1]].reshape(256, n)
    del pixels
    header("10,000 grains in 8192 x 8192", "s (processor)", "s (clock)", "GB")
    seg = hs.signals.Signal2D(labels)
    seg.set_signal_type("symmetry_labels")
    grains = measured("table", lambda: seg.get_grains(**QUIET))
    print(f"\n{len(grains.data[0])} grains\n")
    header("more", "s (processor)", "s (clock)", "GB")
    frame = rng.integers(0, 20, labels.shape, np.uint16)
    frame = hs.signals.Signal2D(frame)
    measured("table, with intensities", lambda: seg.get_grains(frame, **QUIET))
    measured("map", lambda: seg.get_grain_map(grains))
    measured("neighbours", lambda: seg.get_grain_neighbours(grains, **QUIET))
    measured("outlines", lambda: run(GrainOutlines(9), None, labels))
    try:
        from skimage.measure import regionprops_table
    except ImportError:
        return
    image = run(GrainMap(9), None, labels[: n // 4, : n // 5]) + 1
    print(f"\nscikit-image, {image.max()} regions, as for 10,000:\n")
    header("property", "s (processor)")
    for name in (
        "area",
        "centroid",
        "perimeter",
        "perimeter_crofton",
        "axis_major_length",
        "orientation",
    ):
        begin = time.process_time()
        regionprops_table(image, properties=(name,))
        seconds = (time.process_time() - begin) * 1e4 / image.max()
        row(name, f"{seconds:.1f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--side", type=int, default=1600)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES)
    options = parser.parse_args()
    for name, table in (
        ("shapes", lambda _: shapes()),
        ("frames", frames),
        ("tracks", tracks),
        ("large", large),
    ):
        if name in options.only:
            print(f"\n{name}\n", flush=True)
            table(options)


if __name__ == "__main__":
    main()
