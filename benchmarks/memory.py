# SPDX-License-Identifier: GPL-3.0-or-later
"""Peak resident memory of ``segment_symmetry`` on a frame of 4096 x 4096 pixels.

::

    python benchmarks/memory.py [--size 4096]

The frame is simulated and stored by one process, and segmented by another, once for
each stride; what is printed is that of the whole segmenting process. (This process
stays small: Linux counts the peak of the parent as the child's.)
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TARGET = 2.5  # GB, at stride 1


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


def segment(path, stride):
    """Segment a frame: memory after the imports, peak memory, and seconds."""
    import hyperspy.api as hs
    import numpy as np
    import sklearn.cluster
    import sklearn.decomposition  # noqa: F401  segmentation imports it only when used

    import hyperspy_symseg  # adds the method
    import hyperspy_symseg.signals.segment  # noqa: F401

    imports = peak_memory()
    signal = hs.signals.Signal2D(np.load(path))
    start = time.perf_counter()
    signal.segment_symmetry(stride=stride, show_progressbar=False)
    return imports, peak_memory(), time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=4096)
    size = parser.parse_args().size

    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, context, max_tasks_per_child=1) as processes,
    ):
        path = Path(folder, "frame.npy")
        processes.submit(simulate, path, size).result()
        print(f"| {size} x {size} uint16 | imports alone | peak | target | time |")
        print("|---|---|---|---|---|")
        for stride in (1, 5):
            imports, peak, seconds = processes.submit(segment, path, stride).result()
            target = f"< {TARGET} GB" if stride == 1 else ""
            print(
                f"| stride {stride} | {imports:.2f} GB | {peak:.2f} GB | {target} "
                f"| {seconds:.1f} s |"
            )


if __name__ == "__main__":
    main()
