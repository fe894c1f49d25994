# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds from a fresh process to the first labels, and what they are spent on.

Run it where the package is installed, but not as editable: the loader of an editable
package looks for changed sources first ::

    python benchmarks/first_use.py [FILE] [--repeats 11]

By default, of a micrograph of 512 x 512 pixels in the package, saved as ``.hspy``. What
packages take to be imported is what each of their modules takes by itself, added up; it
is measured in a process of its own, by the clock, and so tells shares.
"""

import argparse
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

STEPS = ("import hyperspy.api", "hs.load", "first call", "second call")
CHILD = """
import json, sys, time
clocks = time.perf_counter, time.process_time
times = [[clock() for clock in clocks]]
def step():
    times.append([clock() for clock in clocks])
import hyperspy.api as hs
step()
s = hs.load(sys.argv[1])
step()
s.segment_symmetry(show_progressbar=False)
step()
n_modules = len(sys.modules)
s.segment_symmetry(show_progressbar=False)
step()
print(json.dumps([times, n_modules, s.data.shape]))
"""
SAVE = """
import sys
from hyperspy_symseg import data
data.iron_grain_boundary().save(sys.argv[1])
"""
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w]+)\S*")
MOST_PACKAGES = 8


def run(code, path, *options):
    """Run code in a new process, with a file: its output and its errors."""
    command = [sys.executable, "-P", *options, "-c", code, path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout, done.stderr


def first_use(path):
    """Seconds of each step, by the clock and of the processor: (steps, 2)."""
    times, n_modules, shape = json.loads(run(CHILD, path)[0])
    seconds = [
        [after - before for before, after in zip(*pair, strict=True)]
        for pair in itertools.pairwise(times)
    ]
    return seconds, n_modules, shape


def import_seconds(path):
    """What the modules of each package take, until after the second call: Counter."""
    seconds = Counter()
    for line in run(CHILD, path, "-X", "importtime")[1].splitlines():
        if found := IMPORT.match(line):
            seconds[found[2]] += int(found[1]) / 1e6
    return seconds


def print_tables(path, repeats):
    """Print what each step takes, and each package."""
    # The first is not counted: it reads from the disk.
    runs = [first_use(path) for _ in range(1 + repeats)][1:]
    _, n_modules, (rows, columns) = runs[0]
    medians = [
        [statistics.median(each) for each in zip(*step, strict=True)]
        for step in zip(*(seconds for seconds, _, _ in runs), strict=True)
    ]
    print(f"| {rows} x {columns} pixels | s by the clock | s of the processor |")
    print("|---|---|---|")
    for name, (clock, processor) in zip(STEPS, medians, strict=True):
        print(f"| {name} | {clock:.2f} | {processor:.2f} |")
    clock, processor = (sum(each[:3]) for each in zip(*medians, strict=True))
    print(f"| until the first labels | {clock:.2f} | {processor:.2f} |")
    print(f"\nMedians of {repeats}. {n_modules} modules are imported.\n")
    seconds = import_seconds(path)
    print("| modules of | share of the time of imports |")
    print("|---|---|")
    for name, own in seconds.most_common(MOST_PACKAGES):
        print(f"| {name} | {own / seconds.total():.0%} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", nargs="?", metavar="FILE")
    parser.add_argument("--repeats", type=int, default=11)
    request = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = request.path or str(Path(folder, "micrograph.hspy"))
        if request.path is None:
            run(SAVE, path)
        print_tables(path, request.repeats)


if __name__ == "__main__":
    main()
