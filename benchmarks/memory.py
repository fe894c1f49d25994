# SPDX-License-Identifier: GPL-3.0-or-later
"""Peak resident memory of ``segment_symmetry``.

::

    python benchmarks/memory.py [--size 4096]

Translations on a frame of 4096 x 4096 pixels, or of another size; the other
descriptors, with their defaults, on one of 1024 x 1024. A frame is simulated and
stored by one process, and segmented by another, a new one for each row; what is
printed is that of the whole segmenting process. (This process stays small: Linux
counts the peak of the parent as the child's.)
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

SMALL = 1024
OTHERS = ("rotation", "reflection", "power_spectrum")


def peak_memory():
    """Peak resident memory of this process, in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def simulate(path, size):
    """Store a simulated frame of uint16."""
    import numpy as np

    from hyperspy_symseg.simulate import grain_boundary

    signal, _ = grain_boundary(shape=(size, size))
    np.save(path, signal.data)


def import_all():
    """Import what a segmentation takes, and return the memory that this takes."""
    import hyperspy.api  # noqa: F401
    import sklearn.cluster
    import sklearn.decomposition  # noqa: F401  segmentation imports it only when used

    import hyperspy_symseg  # adds the method
    import hyperspy_symseg.signals.segment  # noqa: F401

    return peak_memory()


def segment(path, options):
    """Segment a frame: memory after the imports, peak memory, and seconds."""
    imports = import_all()
    import hyperspy.api as hs
    import numpy as np

    signal = hs.signals.Signal2D(np.load(path))
    start = time.perf_counter()
    signal.segment_symmetry(show_progressbar=False, **options)
    return imports, peak_memory(), time.perf_counter() - start


def new_processes():
    """Executor that gives every task a process of its own."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, context, max_tasks_per_child=1)


def print_head(what):
    print(f"| {what} | imports alone | peak | target | time |")
    print("|---|---|---|---|---|")


def print_row(name, target, imports, peak, seconds):
    print(
        f"| {name} | {imports:.2f} GB | {peak:.2f} GB | {target} | {seconds:.1f} s |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=4096)
    size = parser.parse_args().size
    told = {"n_patterns": 2}
    plain = told | {"refine": False, "patch": 20, "window": 21}
    others = told | {"refine": False, "stride": 5}
    rows = [
        (size, "translation, stride 1", plain | {"stride": 1}, "< 2.5 GB"),
        (size, "translation, stride 5", plain | {"stride": 5}, ""),
        (size, "our defaults, told two patterns", told, ""),
        (size, "our defaults", {}, ""),
        *(
            (SMALL, f"{name}, stride 5", others | {"descriptor": name}, "< 1 GB")
            for name in OTHERS
        ),
    ]

    with tempfile.TemporaryDirectory() as folder, new_processes() as processes:
        paths = {n: Path(folder, f"{n}.npy") for n in (size, SMALL)}
        for n, path in paths.items():
            processes.submit(simulate, path, n).result()
        print_head("frame of uint16")
        for n, name, options, target in rows:
            result = processes.submit(segment, paths[n], options).result()
            print_row(f"{n} x {n}, {name}", target, *result)


if __name__ == "__main__":
    main()
