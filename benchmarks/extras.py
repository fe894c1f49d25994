# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wheel and each of its extras bring: packages, megabytes, seconds to import.

Give it the wheel; `uv` (on PyPI) makes the environments ::

    python benchmarks/extras.py dist/*.whl [--only zspy gui] [--repeats 5]

There is one environment at a time, which is removed again: first one without extras,
which the others are compared with, and last the one that trains, which is large. Sizes
are of the files of site-packages, without compiled Python. Times are of the processor,
each in a process of its own, medians; the first of each compiles, and is not counted.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

LAST = "train"
IMPORTS = "hyperspy_symseg", "hyperspy.api"
CHILD = """
import sys, time
start = time.process_time()
__import__(sys.argv[1])
print(time.process_time() - start)
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, metavar="WHEEL")
    parser.add_argument("--only", nargs="+", metavar="EXTRA")
    parser.add_argument("--repeats", type=int, default=5)
    request = parser.parse_args()
    known = extras(request.wheel)
    chosen = request.only or known
    if unknown := set(chosen) - set(known):
        parser.error(f"argument --only: must be of {known}, got {sorted(unknown)}")

    print(f"The wheel has {request.wheel.stat().st_size / 1e6:.1f} MB.\n")
    print("| extra | packages | MB |", *(f"`import {name}` |" for name in IMPORTS))
    print("|---|---|---|" + "---|" * len(IMPORTS))
    without = None
    for extra in (None, *sorted(chosen, key=lambda each: each == LAST)):
        with tempfile.TemporaryDirectory() as folder:
            found = measured(request.wheel, extra, Path(folder), request.repeats)
        without = without or found
        cells = row(found) if extra is None else row(found, without)
        print(f"| {extra or 'none'} |", *(f"{c} |" for c in cells), flush=True)


def extras(wheel):
    """Names of the extras of a wheel, in the order of its metadata: list of str."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    return metadata.get_all("Provides-Extra", [])


def measured(wheel, extra, folder, repeats):
    """Make an environment in a folder: packages, bytes, seconds of each import."""
    python = folder / "bin" / "python"
    uv("venv", "--clear", folder)
    uv("pip", "install", "--python", python, f"{wheel}[{extra}]" if extra else wheel)
    packages = json.loads(uv("pip", "list", "--format", "json", "--python", python))
    size = sum(
        path.stat().st_size
        for path in folder.glob("lib/python*/site-packages/**/*")
        if path.is_file()
    )
    seconds = [median_seconds(python, name, repeats) for name in IMPORTS]
    return len(packages), size, seconds


def uv(*arguments):
    """Output of a command of uv: str."""
    command = ["uv", *arguments, "--quiet"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def median_seconds(python, name, repeats):
    """Seconds of the processor that an import takes in a new process: float."""
    command = [python, "-P", "-c", CHILD, name]
    # Of the processor are the seconds of all threads, which some libraries start idle.
    threads = os.environ | {"OMP_NUM_THREADS": "1"}
    seconds = [
        float(subprocess.run(command, check=True, stdout=-1, env=threads).stdout)
        for _ in range(1 + repeats)
    ]
    return statistics.median(seconds[1:])


def row(found, without=None):
    """Cells of the table, of which those of sizes are what is added: list of str."""
    n_packages, size, seconds = found
    if without is None:
        cells = [str(n_packages), f"{size / 1e6:.0f}"]
    else:
        cells = [f"+{n_packages - without[0]}", f"+{(size - without[1]) / 1e6:.1f}"]
    return [*cells, *(f"{each:.2f} s" for each in seconds)]


if __name__ == "__main__":
    main()
