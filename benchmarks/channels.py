# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of a spectrum image over patterns: right, in little memory, read once.

A spectrum image of 512 x 512 x 2,048 with 0.05 counts a channel is simulated together
with a micrograph, and written as .zspy::

    python benchmarks/channels.py

Printed are the sums against direct ones by the true labels, what the wrong labels
explain of the difference, the peak of memory and the time of a process that loads the
file lazily and sums it, and those of one that only reads it. ``--size`` and
``--channels`` make it smaller.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import hyperspy.api as hs
import numpy as np

from hyperspy_symseg import simulate

BLOCK = 64
COUNTS = 0.05
# Height of the edge of the second pattern, in terms of what is below it.
EDGE = 0.1


def spectra(n_channels):
    """Mean counts of the patterns in each channel: (2, channels) numpy.ndarray."""
    energy = np.linspace(1, 4, n_channels)
    below = energy**-2.5
    edge = np.where(energy > 2.2, EDGE * (energy / 2.2) ** -3 * 2.2**-2.5, 0)
    mean = np.stack([below, below + edge])
    return COUNTS * mean / mean.mean()


def simulated(size, n_channels):
    """Micrograph, true labels, and the counts as a dask array of uint8."""
    micrograph, truth = simulate.grain_boundary(shape=(size, size), dose=10)
    means = spectra(n_channels)

    def counts(block, block_info):
        (first, *_), *_ = block_info[0]["array-location"]
        number = [place for place, _ in block_info[0]["array-location"]]
        rng = np.random.default_rng([first, *number])
        found = np.empty((*block.shape, n_channels), np.uint8)
        for row, labels in zip(found, block, strict=True):
            row[...] = rng.poisson(means[labels])
        return found

    labels = da.from_array(np.asarray(truth.data), chunks=BLOCK)
    array = labels.map_blocks(
        counts, dtype=np.uint8, new_axis=2, chunks=(*labels.chunks, (n_channels,))
    )
    return micrograph, truth, array


def signal_of(array, micrograph):
    """Counts as a lazy spectrum image on the axes of the micrograph."""
    signal = hs.signals.Signal1D(array).as_lazy()
    axes = signal.axes_manager.navigation_axes
    for axis, own in zip(axes, micrograph.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = own.name, own.scale, own.units
    try:
        import exspy  # noqa: F401
    except ImportError:
        return signal
    signal.set_signal_type("EDS_TEM")
    return signal


def direct_sums(file, labels, truth):
    """Sums by labels and by the truth, and of the pixels that are wrong."""
    data = hs.load(file, lazy=True).data
    by = [
        labels,
        truth,
        *(np.where(labels != truth, each, -1) for each in (labels, truth)),
    ]
    sums = np.zeros((len(by), 2, data.shape[2]), np.int64)
    for row in range(0, data.shape[0], BLOCK):
        for column in range(0, data.shape[1], BLOCK):
            place = slice(row, row + BLOCK), slice(column, column + BLOCK)
            block = data[place].compute(scheduler="sync")
            for i, each in enumerate(by):
                for k in range(2):
                    sums[i, k] += block[each[place] == k].sum(axis=0, dtype=np.int64)
    return sums


def measured(task, folder):
    """Time and memory of a task in a process of its own: dict."""
    command = [sys.executable, __file__, "--task", task, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def peak_memory():
    """Peak resident memory of this process, in MB: without that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return int(next(each for each in lines if "VmHWM" in each).split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def do(task, folder):
    """Do a task, and print what it took."""
    signal = hs.load(folder / "spectra.zspy", lazy=True)
    labels = hs.load(folder / "labels.zspy")
    # What is imported when it is first called belongs to no reading.
    small = hs.signals.Signal1D(np.ones((*labels.data.shape, 1), np.uint8)).as_lazy()
    small.axes_manager[0].update_from(labels.axes_manager[0], ["scale", "units"])
    small.axes_manager[1].update_from(labels.axes_manager[1], ["scale", "units"])
    labels.sum_by_pattern(small, show_progressbar=False)
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    if task == "sum":
        result = labels.sum_by_pattern(signal, show_progressbar=False)
        wall = time.perf_counter() - start
        result.save(folder / "sums.hspy", overwrite=True)
    else:
        blocks = signal.data.map_blocks(
            lambda block: np.ones((1, 1, 1), np.int8), chunks=(1, 1, 1), dtype=np.int8
        )
        blocks.compute(num_workers=2)
        wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "wall (s)": wall,
        "processor (s)": sum(after[:2]) - sum(before[:2]),
        "peak memory (MB)": peak_memory(),
    }
    print(json.dumps(figures))


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--channels", type=int, default=2048)
    parser.add_argument("--folder", type=Path, help="where the files are kept")
    parser.add_argument("--task", choices=("sum", "read"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.task:
        do(options.task, options.folder)
        return
    with tempfile.TemporaryDirectory() as temporary, dask.config.set(num_workers=2):
        folder = options.folder or Path(temporary)
        report(options, folder)


def report(options, folder):
    """Print the figures."""
    file = folder / "spectra.zspy"
    micrograph, truth, array = simulated(options.size, options.channels)
    if not file.exists():
        signal_of(array, micrograph).save(file, show_progressbar=False)
    labels = micrograph.segment_symmetry(2, show_progressbar=False)
    labels.save(folder / "labels.zspy", overwrite=True)
    size = sum(each.stat().st_size for each in file.rglob("*") if each.is_file())
    print(f"{array.nbytes / 1e9:.2f} GB, {size / 1e9:.2f} GB in the file")
    for _ in range(2):
        for task in ("read", "sum"):
            figures = measured(task, folder)
            print(f"{task}: " + ", ".join(f"{k} {v:.2f}" for k, v in figures.items()))
    result = hs.load(folder / "sums.hspy")
    print(f"{result}, variance {result.metadata.Signal.Noise_properties.variance}")
    swapped = np.mean(labels.data == truth.data) < 0.5
    found = result.data.astype(np.int64)[:: -1 if swapped else 1]
    numbers = 1 - labels.data if swapped else labels.data
    own, true, wrong, missing = direct_sums(file, numbers, np.asarray(truth.data))
    print(f"{np.mean(numbers != truth.data):.3%} of the labels are wrong")
    print(f"sums by the same labels differ by {np.abs(found - own).max()} counts")
    print(
        f"sums by the true labels differ by up to {np.abs(found - true).max()} of "
        f"{true.max()} counts in a channel, by "
        f"{np.abs(found - true).sum() / true.sum():.3%} in all"
    )
    left = found - true - (wrong - missing)
    print(f"beyond what the wrong labels explain: {np.abs(left).max()} counts")


if __name__ == "__main__":
    main()
