# SPDX-License-Identifier: GPL-3.0-or-later
"""What this extension adds to the time of ``import hyperspy.api``.

Run it where the package is installed, but not as editable: the loader of an editable
package looks for changed sources first ::

    python benchmarks/import_time.py [--repeats 21]

Each import is timed in a process of its own, in turn with and without the entry point
by which HyperSpy finds the extension.
"""

import argparse
import json
import statistics
import subprocess
import sys

EXTENSION = "hyperspy_symseg"

CHILD = f"""
import importlib.metadata, json, sys, time

find, hidden = importlib.metadata.entry_points, sys.argv[1]
importlib.metadata.entry_points = lambda **which: importlib.metadata.EntryPoints(
    point for point in find(**which) if point.name != hidden
)
start = time.perf_counter()
import hyperspy.api
seconds = time.perf_counter() - start
from hyperspy.extensions import ALL_EXTENSIONS
print(json.dumps({{
    "seconds": seconds,
    "found": "SymmetryLabels" in ALL_EXTENSIONS["signals"],
    "imported": [m for m in ("{EXTENSION}", "sklearn") if m in sys.modules],
}}))
"""


def import_hyperspy(hidden):
    """Import HyperSpy in a new process, with one of its extensions hidden."""
    command = [sys.executable, "-c", CHILD, hidden]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=21)
    repeats = parser.parse_args().repeats

    # The first of each is not counted: it reads from the disk.
    runs = [
        (import_hyperspy(hidden=""), import_hyperspy(hidden=EXTENSION))
        for _ in range(1 + repeats)
    ]
    if any(not on["found"] or off["found"] for on, off in runs):
        sys.exit(f"HyperSpy does not find {EXTENSION} as it should: is it installed?")
    seconds = [(on["seconds"], off["seconds"]) for on, off in runs[1:]]
    with_extension, without = map(statistics.median, zip(*seconds, strict=True))

    print("| `import hyperspy.api` | median |")
    print("|---|---|")
    print(f"| with {EXTENSION} | {1e3 * with_extension:.1f} ms |")
    print(f"| without | {1e3 * without:.1f} ms |")
    print(f"| ratio | {with_extension / without:.3f} |")
    print()
    imported = {module for on, _ in runs for module in on["imported"]}
    for module in (EXTENSION, "sklearn"):
        print(f"`{module}` in `sys.modules` afterwards: {module in imported}")
    print(f"Median of {repeats}, in turn.")


if __name__ == "__main__":
    main()
