# SPDX-License-Identifier: GPL-3.0-or-later
"""Series and large frames: speed beside the peer's, frame rate, threads and memory.

Run it with the Python that this package is installed in ::

    python benchmarks/series.py [--quick] [--parts peer rate refined ...]

The peer has an environment of its own, as in ``compare_pystem.py``. All parts take
about a quarter of an hour on two cores, two or three minutes of it to simulate; with
``--folder`` what was simulated is kept for the next run. The folder, a temporary one by
default, takes up to 2 GB. ``--quick`` tries everything on little data, in a minute.

All but one label with 50 operations, chosen by separability among the 289 of a 17 x 17
grid, with patch 20 and stride 5 and the scores alone, and give every pixel a label.

peer
    The series of the paper's figure 7, 163 frames of 512 x 512 pixels: ours the whole
    series, the peer frame by frame, by the same 50 translations. Its time is that of
    every 20th frame, scaled to all of them. Fitting counts on neither side: the peer
    is given the components and the centres of the first frame, and takes one step of
    k-means from these, the least it can. Then the labels by 50 operations against
    those by all.
rate
    Frames a second from a lazy series on disk, one frame a chunk, to labels on disk,
    by two threads; all but the fit counts.
refined
    The same at our defaults: labels refined by templates.
pace
    At our defaults: pixels a second from a lazy series to labels on disk, by two
    threads, with the processor time of a frame: all of it, what of that the system
    takes, and what reading alone takes. The processor time is what to compare where
    the processor has other work.
live
    The loop of `SymmetryModel.predict` on frames as they come, of 512 x 512 pixels and
    lattices with a period of 11 and 14 pixels: latency, processor time of a frame, and
    memory after the first frames and at the end.
threads
    One thread and two, in turn, at the same job.
cluster
    Frames a second on two worker processes of one thread each (dask.distributed), from
    a file that they read themselves and from one that is read for them.
memory
    Peak resident memory of the process, a new one for each row; fitting counts. (This
    process stays small: Linux counts the peak of the parent as the child's.)
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import memory
from compare_pystem import (
    ENVIRONMENT,
    Row,
    print_head,
    print_row,
    processors,
    versions,
)
from pystem_environment import peer_python
from workers import PATCH, Worker

GRID = {"window": 16, "max_operations": 289}
N_OPERATIONS = 50
# The series have two patterns; to find that takes no time of their frames.
TOLD = {"n_patterns": 2}
# The pipeline of the scores alone.
PLAIN = {
    "patch": PATCH,
    "stride": 5,
    "n_operations": N_OPERATIONS,
    "refine": False,
    "show_progressbar": False,
} | (TOLD | GRID)
CHUNK = 2048  # of a large frame
SOME_FRAMES = 4  # to run a job once before it is timed


class Series(NamedTuple):
    """A simulated series of square frames."""

    n_frames: int
    size: int

    @property
    def name(self):
        """What it is called in the tables."""
        return f"{self.n_frames:,} frames of {self.size} x {self.size}"


class Sizes(NamedTuple):
    """How much of everything."""

    figure_7: Series
    peer_step: int  # the peer labels every so-manieth frame
    rate: tuple[tuple[Series, str], ...]  # with targets
    pace: tuple[Series, ...]
    live: int  # frames
    threads: Series
    memory: tuple[Series, ...]  # the first frames of the longest
    large_frame: int


FULL = Sizes(
    figure_7=Series(163, 512),
    peer_step=20,
    rate=(
        (Series(600, 512), "> 60"),
        (Series(150, 1024), ""),
        (Series(40, 2048), ""),
    ),
    pace=(Series(150, 1024), Series(40, 2048)),
    live=3000,
    threads=Series(600, 512),
    memory=(Series(1000, 1024), Series(2000, 1024)),
    large_frame=16_384,
)
QUICK = Sizes(
    figure_7=Series(9, 256),
    peer_step=4,
    rate=((Series(20, 256), ""), (Series(5, 512), "")),
    pace=(Series(5, 512),),
    live=40,
    threads=Series(20, 256),
    memory=(Series(10, 256), Series(20, 256)),
    large_frame=4096,
)


def simulate(path, series):
    """Store a series: .npy, or .zspy with one frame a chunk."""
    import numpy as np

    from hyperspy_symseg.simulate import moving_boundary

    n_frames, size = series
    # Slower than by default where the boundary would leave the frame.
    speed = min(0.5, 0.75 * size / n_frames)
    signal, _ = moving_boundary(n_frames, (size, size), speed=speed)
    if path.suffix == ".npy":
        signal.compute(show_progressbar=False)
        np.save(path, signal.data)
    else:
        signal.save(path, show_progressbar=False)


def simulate_large(path, size):
    """Store a frame of many chunks, all with the same micrograph."""
    import dask.array as da
    import hyperspy.api as hs

    from hyperspy_symseg.simulate import moving_boundary

    signal, _ = moving_boundary(1, (CHUNK, CHUNK))
    signal.compute(show_progressbar=False)
    tile = da.from_array(signal.data[0])
    frame = hs.signals.Signal2D(da.tile(tile, (size // CHUNK,) * 2)).as_lazy()
    frame.save(path, chunks=(CHUNK, CHUNK), show_progressbar=False)


class Run:
    """What all parts share: how much, a folder, and processes to work in."""

    def __init__(self, options, folder, processes):
        self.sizes = QUICK if options.quick else FULL
        self.repeats = options.repeats or (2 if options.quick else 5)
        self.environment = options.environment
        self.folder, self._processes = folder, processes

    def call(self, function, *arguments):
        """Call a function in a process of its own."""
        return self._processes.submit(function, *arguments).result()

    def path(self, series, suffix=".zspy"):
        """Path of a simulated series."""
        name = f"series_{series.n_frames}_{series.size}{suffix}"
        return self._path(name, simulate, series)

    def large_path(self, size):
        """Path of a large simulated frame."""
        return self._path(f"frame_{size}_{CHUNK}.zspy", simulate_large, size)

    def _path(self, name, function, *arguments):
        path = self.folder / name
        if not path.exists():
            print(f"Simulating {name}", file=sys.stderr)
            part = self.folder / f"unfinished_{name}"
            remove(part)
            self.call(function, part, *arguments)
            part.rename(path)
        return path


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


# What the processes do. They import what they need.


def label(path, folder, way, n_frames=None, num_workers=None, **options):
    """Label a series or frame lazily: from a file to a file, or to an array.

    Returns
    -------
    float
        Seconds.
    """
    import dask
    import hyperspy.api as hs

    labels = Path(folder, "labels.zspy")
    remove(labels)
    start = time.perf_counter()
    signal = hs.load(path, lazy=True)
    if n_frames is not None:
        signal = signal.inav[:n_frames]
    options |= {"show_progressbar": False}
    seg = signal.segment_symmetry(**options)
    if way == "save_frames":
        seg.save_frames(labels, num_workers=num_workers, show_progressbar=False)
    elif way == "save":
        with dask.config.set(num_workers=num_workers):
            seg.save(labels, show_progressbar=False)
    else:
        seg.compute(num_workers=num_workers, show_progressbar=False)
    seconds = time.perf_counter() - start
    remove(labels)
    return seconds


def label_in_turn(path, folder, ways, repeats, options):
    """Label a series in several ways, each a name and a number of threads.

    The model is fitted first, with some options, and not timed.

    Returns
    -------
    list of list of float
        Seconds, turn by turn.
    """
    import hyperspy.api as hs

    series = hs.load(path, lazy=True)
    seg = series.segment_symmetry(**options | {"show_progressbar": False})

    def run(way, num_workers, n_frames=None):
        return label(path, folder, way, n_frames, num_workers, model=seg.model)

    for way in ways:
        run(*way, SOME_FRAMES)
    return [[run(*way) for way in ways] for _ in range(repeats)]


def pace_of_labels(path, folder, repeats):
    """Times of a series at our defaults: the model is fitted first, and not timed.

    Returns
    -------
    list of (float, float, float)
        Turn by turn, seconds a frame: of the clock, of the processor, and of the system
        in that.
    float
        Seconds of the processor to read a frame.
    """
    import hyperspy.api as hs

    series = hs.load(path, lazy=True)
    n_frames = len(series.data)
    model = series.segment_symmetry(**TOLD, show_progressbar=False).model
    label(path, folder, "save_frames", SOME_FRAMES, 2, model=model)
    turns = []
    for _ in range(repeats):
        before = os.times()
        seconds = label(path, folder, "save_frames", None, 2, model=model)
        user, system = (b - a for a, b in zip(before[:2], os.times()[:2], strict=True))
        turns.append(
            tuple(each / n_frames for each in (seconds, user + system, system))
        )
    start = time.process_time()
    for frame in series.data:
        frame.compute(scheduler="sync")
    return turns, (time.process_time() - start) / n_frames


def latencies(spacing, n_frames):
    """Times of frames that are labelled as they come, by two threads.

    Returns
    -------
    list of (float, float)
        Seconds of each frame, of the clock and of the processor.
    (float, float)
        Peak memory in GB after the first hundred frames, or half of them, and at the
        end.
    """
    import hyperspy.api as hs

    from hyperspy_symseg.frames.threads import workers
    from hyperspy_symseg.simulate import moving_boundary

    signal, _ = moving_boundary(20, (512, 512), spacing=spacing)
    signal.compute(show_progressbar=False)
    model = signal.inav[0].segment_symmetry(**TOLD, show_progressbar=False).model
    hs.preferences.General.show_progressbar = False
    times, begun, kept = [], None, min(100, n_frames // 2)
    for i in range(n_frames):
        # As from a detector: in memory that no other frame had.
        frame = signal.data[i % 20].copy()
        start, cpu = time.perf_counter(), time.process_time()
        with workers(2):
            model.predict(frame)
        times.append((time.perf_counter() - start, time.process_time() - cpu))
        if i == kept:
            begun = memory.peak_memory()
    return times[1:], (begun, memory.peak_memory())


def memory_of_label(path, folder, way, n_frames=None):
    """Memory after the imports, peak memory, and seconds."""
    imports = memory.import_all()
    seconds = label(path, folder, way, n_frames, **PLAIN)
    return imports, memory.peak_memory(), seconds


# The parts.


def beside_peer(run):
    series = run.sizes.figure_7
    n_frames = series.n_frames
    movie = run.path(series, ".npy")
    translations = str(run.folder / "translations.npy")
    python = peer_python(run.environment.absolute())

    fit = {"task": "fit_series", "translations": translations}
    our_fit = fit | GRID | {"n_operations": N_OPERATIONS, "stride": 5}
    our_job = {"task": "label_series"}
    ours = Worker("ours", [sys.executable], movie, [our_fit, our_job])
    fitted = ours.do(our_fit)
    if fitted != {"all": GRID["max_operations"], "some": N_OPERATIONS, "same": True}:
        sys.exit(f"The models are not what they should be: {fitted}.")

    indices = range(0, n_frames, run.sizes.peer_step)
    peer_jobs = [{"task": "label_frame", "index": i} for i in indices]
    peer = Worker("peer", [python, "-I"], movie, [fit, peer_jobs[0]])
    peer.do(fit)

    turns = [
        (
            ours.median(our_job),
            n_frames * statistics.mean(peer.do(job) for job in peer_jobs),
        )
        for _ in range(run.repeats)
    ]
    print_head()
    row = Row(f"labels of {series.name}, {N_OPERATIONS} operations", our_job, 40)
    print_row(row, *zip(*turns, strict=True))
    print(
        f"\nThe peer's time is that of {len(indices)} frames, scaled to {n_frames}; "
        f"{versions(ours, peer)}."
    )

    alike = ours.do({"task": "agreement"})
    worst = min(alike)
    print(
        f"\n| pixels labelled by {N_OPERATIONS} operations as by {fitted['all']} "
        "| mean | worst frame | target |"
    )
    print("|---|---|---|---|")
    print(
        f"| {series.name} | {statistics.mean(alike):.2%} "
        f"| {worst:.2%} (index {alike.index(worst)}) | >= 95 % |"
    )
    ours.close()
    peer.close()


def label_on_cluster(paths, folder, repeats):
    """Label a series from several files in turn, on two worker processes.

    Returns
    -------
    list of list of float
        Seconds, turn by turn.
    """
    import hyperspy.api as hs
    from distributed import Client, LocalCluster

    seg = hs.load(paths[0], lazy=True).segment_symmetry(**PLAIN)

    def run(path, n_frames=None):
        return label(path, folder, "save_frames", n_frames, model=seg.model)

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two,
        Client(two),
    ):
        for path in paths:
            run(path, SOME_FRAMES)
        return [[run(path) for path in paths] for _ in range(repeats)]


def median_and_range(values, form=".1f"):
    low, middle, high = (f(values) for f in (min, statistics.median, max))
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def frame_rate(run):
    print("| frames a second, two threads | `save_frames` | target | `save` |")
    print("|---|---|---|---|")
    for series, target in run.sizes.rate:
        path, ways = run.path(series), [("save_frames", 2), ("save", 2)]
        turns = run.call(label_in_turn, path, run.folder, ways, run.repeats, PLAIN)
        by_frames, by_dask = (
            median_and_range([series.n_frames / seconds for seconds in times])
            for times in zip(*turns, strict=True)
        )
        print(f"| {series.name} | {by_frames} | {target} | {by_dask} |", flush=True)


def refined_rate(run):
    print("| frames a second at our defaults, two threads | `save_frames` | target |")
    print("|---|---|---|")
    for series, target in zip(
        [series for series, _ in run.sizes.rate], ["> 30", "", ""], strict=False
    ):
        ways = [("save_frames", 2)]
        turns = run.call(
            label_in_turn, run.path(series), run.folder, ways, run.repeats, TOLD
        )
        rates = median_and_range([series.n_frames / seconds for (seconds,) in turns])
        print(f"| {series.name} | {rates} | {target} |", flush=True)


def pace(run):
    print(
        "| at our defaults | Mpx/s, two threads | target | processor time of a frame "
        "| of that the system | reading alone |"
    )
    print("|---|---|---|---|---|---|")
    for series in run.sizes.pace:
        turns, reading = run.call(
            pace_of_labels, run.path(series), run.folder, run.repeats
        )
        walls, cpus, systems = zip(*turns, strict=True)
        pace = median_and_range([series.size**2 / 1e6 / wall for wall in walls])
        cpu, system = (1000 * statistics.median(each) for each in (cpus, systems))
        print(
            f"| {series.name} | {pace} | >= 60 | {cpu:.1f} ms | {system:.1f} ms "
            f"| {1000 * reading:.1f} ms |",
            flush=True,
        )


def live(run):
    print(
        "| `predict`, 512 x 512, two threads | median | 99 % | target "
        "| processor time | peak memory, after some frames and at the end |"
    )
    print("|---|---|---|---|---|---|")
    # The rows of a centred cell are 0.82 of its side apart.
    for spacing in (14, 17):
        times, peaks = run.call(latencies, spacing, run.sizes.live)
        walls, cpus = (
            sorted(1000 * each for each in every) for every in zip(*times, strict=True)
        )
        last = walls[min(len(walls) - 1, round(0.99 * len(walls)))]
        print(
            f"| {run.sizes.live:,} frames, rows {0.82 * spacing:.0f} px apart "
            f"| {statistics.median(walls):.1f} ms | {last:.1f} ms | 6 and 12 ms "
            f"| {statistics.median(cpus):.1f} ms "
            f"| {peaks[0]:.3f} GB, {peaks[1]:.3f} GB |",
            flush=True,
        )


def threads(run):
    series = run.sizes.threads
    path = run.path(series)
    print(f"| {series.name} | one thread | two threads | ratio | target |")
    print("|---|---|---|---|---|")
    for way, target in [("save_frames", ">= 1.7"), ("compute", "")]:
        ways = [(way, 1), (way, 2)]
        turns = run.call(label_in_turn, path, run.folder, ways, run.repeats, PLAIN)
        one, two = map(statistics.median, zip(*turns, strict=True))
        ratios = [a / b for a, b in turns]
        print(
            f"| `{way}` | {one:.2f} s | {two:.2f} s "
            f"| {median_and_range(ratios, '.2f')} | {target} |",
            flush=True,
        )


def cluster(run):
    print(
        "| frames a second, two worker processes | `.zspy`, read by the workers "
        "| `.hspy`, read by the client |"
    )
    print("|---|---|---|")
    for series, _ in run.sizes.rate:
        paths = run.path(series), run.path(series, ".hspy")
        turns = run.call(label_on_cluster, paths, run.folder, run.repeats)
        rates = [
            median_and_range([series.n_frames / seconds for seconds in times])
            for times in zip(*turns, strict=True)
        ]
        print(f"| {series.name} | {' | '.join(rates)} |", flush=True)


def peak_memory(run):
    longest = run.path(max(run.sizes.memory))
    rows = [
        (series.name, longest, "save_frames", series.n_frames, "< 1 GB")
        for series in run.sizes.memory
    ]
    size = run.sizes.large_frame
    name = f"a frame of {size} x {size} in chunks of {CHUNK} x {CHUNK}"
    large = run.large_path(size)
    rows += [(name, large, way, None, "< 2 GB") for way in ("save", "save_frames")]
    memory.print_head("uint16 to `.zspy`")
    for name, path, way, n_frames, target in rows:
        result = run.call(memory_of_label, path, run.folder, way, n_frames)
        memory.print_row(f"{name}, `{way}`", target, *result)


PARTS = {
    "peer": beside_peer,
    "rate": frame_rate,
    "refined": refined_rate,
    "pace": pace,
    "live": live,
    "threads": threads,
    "cluster": cluster,
    "memory": peak_memory,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder, memory.new_processes() as processes:
        if options.folder is not None:
            options.folder.mkdir(parents=True, exist_ok=True)
        run = Run(options, options.folder or Path(folder), processes)
        for part in options.parts:
            PARTS[part](run)
            print()
    print(
        f"Turns: {run.repeats}; medians, and ranges from turn to turn. {processors()}."
    )


if __name__ == "__main__":
    main()
