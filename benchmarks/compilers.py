# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernels, built by every compiler that is here: warnings, labels and times.

Run it where the package is installed as editable ::

    python benchmarks/compilers.py [--only gcc clang-19] [--repeats 5]

All C files that Cython writes are compiled with all warnings: by GCC and Clang, by
MinGW for Windows, and by zig (`pip install ziglang`), which is Clang with the libraries
of other systems, for macOS, Windows and Linux with musl. Those that run here are loaded
in place of the package's own kernels: labels of six frames of the accuracy suite must
be those of the first compiler, and hot kernels are timed, in processor time.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPEED = ("-fno-loop-unroll-and-jam", "-fno-trapping-math")
CONTRACT = ("-ffp-contract=fast-honor-pragmas", "-ffp-contract=fast")
WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-cast-function-type")
ZIG = (sys.executable, "-m", "ziglang", "cc", "-target")
# Names, commands, and whether what they build runs here.
COMPILERS = {
    "gcc": (("gcc",), True),
    "gcc, no clones": (("gcc", "-DSYMSEG_NO_CLONES"), True),
    "clang-19": (("clang-19",), True),
    "clang-19, no clones": (("clang-19", "-DSYMSEG_NO_CLONES"), True),
    "clang": (("clang",), True),
    "zig, Linux": ((*ZIG, "x86_64-linux-gnu"), True),
    "zig, macOS arm64": ((*ZIG, "aarch64-macos"), False),
    "zig, macOS x86-64": ((*ZIG, "x86_64-macos"), False),
    "zig, Windows x86-64": ((*ZIG, "x86_64-windows-gnu"), False),
    "zig, musl x86-64": ((*ZIG, "x86_64-linux-musl"), False),
    "zig, musl arm64": ((*ZIG, "aarch64-linux-musl"), False),
    "mingw": (("x86_64-w64-mingw32-gcc",), False),
}
CASES = "abdefh"
# This Python's own header, with the sizes and threads of Windows.
WINDOWS = """
#include "{own}"
#undef SIZEOF_LONG
#define SIZEOF_LONG 4
#undef SIZEOF_WCHAR_T
#define SIZEOF_WCHAR_T 2
#undef HAVE_PTHREAD_H
#undef _POSIX_THREADS
#undef HAVE_SYS_SELECT_H
#define MS_WINDOWS
#define MS_WIN64
#define NT_THREADS
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=COMPILERS, default=list(COMPILERS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    request = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        sources = [
            cythonized(path, folder) for path in sorted(ROOT.glob("cython_ext/*.pyx"))
        ]
        rows, labels = [], None
        for name in request.only:
            command, runs = COMPILERS[name]
            if shutil.which(command[0]) is None:
                print(f"{name}: not here", file=sys.stderr)
                continue
            target = folder / re.sub(r"\W+", "_", name)
            warnings, seconds = built(command, runs, sources, target, request.jobs)
            found = measured(target, request.repeats) if runs else None
            if found:
                labels = labels or found["labels"]
                found["are_equal"] = found["labels"] == labels
            rows.append((name, warnings, seconds, found))
            print(*rows[-1], file=sys.stderr, flush=True)
    print_table(rows)


def cythonized(path, folder):
    """C file that Cython writes for a kernel: path."""
    source = folder / f"{path.stem}.c"
    command = [sys.executable, "-m", "cython", "-3", path, "-o", source]
    subprocess.run(command, check=True)
    return source


def built(command, runs, sources, target, jobs):
    """Compile all sources; number of warnings, and processor seconds."""
    target.mkdir()
    windows = "windows" in " ".join(command) or "mingw" in command[0]
    include = sysconfig.get_path("include")
    options = ["-I", ROOT / "cython_ext", "-I", include, *accepted(command, target)]
    if windows:
        own = Path(include, "pyconfig.h")
        (target / "pyconfig.h").write_text(WINDOWS.format(own=own))
        # In place of the one that is beside Python.h.
        options[:0] = ["-include", target / "pyconfig.h"]
    if runs:
        # As meson builds a release.
        options += ["-O3", "-DNDEBUG", "-shared", "-fPIC"]
    elif "macos" in " ".join(command):
        # Extensions find Python's functions in the process that loads them.
        options += ["-O1", "-DNDEBUG", "-shared", "-Wl,-undefined,dynamic_lookup"]
    elif "musl" in " ".join(command):
        options += ["-O1", "-DNDEBUG", "-shared", "-fPIC", "-Wl,-z,undefs"]
    else:
        # On Windows they are linked with a library that comes with its Python.
        options += ["-O1", "-DNDEBUG", "-c"]

    def compiled(source):
        suffix = sysconfig.get_config_var("EXT_SUFFIX") if runs else ".o"
        result = subprocess.run(
            [*command, *options, source, "-o", target / f"{source.stem}{suffix}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            sys.exit(f"{command} on {source.name}:\n{result.stderr}")
        return re.findall(r"warning: .*", result.stderr)

    before = os.times()
    with ThreadPoolExecutor(jobs) as pool:
        found = [each for many in pool.map(compiled, sources) for each in many]
    after = os.times()
    for line in sorted(set(found)):
        print(f"  {found.count(line)} x {line}", file=sys.stderr)
    seconds = sum(after[2:4]) - sum(before[2:4])
    return len(found), seconds


def accepted(command, target):
    """Options that a compiler takes, of those that the build asks for."""
    (target / "empty.c").write_text("")

    def takes(option):
        check = [*command, "-Werror", option, "-c", target / "empty.c"]
        check += ["-o", target / "empty.o"]
        return not subprocess.run(check, capture_output=True, check=False).returncode

    contract = next(option for option in CONTRACT if takes(option))
    return [*filter(takes, (*SPEED, *WARNINGS)), contract]


def measured(target, repeats):
    """Labels and times with the kernels in a folder: dict."""
    command = [sys.executable, __file__, "--child", target, str(repeats)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def child(folder, repeats):
    """Print labels and times, in a process that has the kernels of a folder."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    for path in Path(folder).glob(f"*{suffix}"):
        name = f"hyperspy_symseg.{path.name.removesuffix(suffix)}"
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    import numpy as np
    from accuracy_suite import case

    from hyperspy_symseg import descriptors
    from hyperspy_symseg.frames import Grid
    from hyperspy_symseg.frames.threads import workers
    from hyperspy_symseg.segmentation import SymmetryModel

    frames = {name: case(name, 3, 0)[0] for name in CASES}
    translation = descriptors.TranslationSymmetry()
    rotation = descriptors.RotationSymmetry()
    frame = frames["a"]
    grid = Grid.over(frame.shape, 5)
    with workers(1):
        models = {
            name: SymmetryModel.fit(each, translation, 2)
            for name, each in frames.items()
        }
        labels = [models[name].predict(each) for name, each in frames.items()]
        hot = {
            "translations": lambda: translation.compute(frame, grid),
            "rotations": lambda: rotation.compute(frame, grid),
            "labels": lambda: models["a"].predict(frame),
            "model": lambda: SymmetryModel.fit(frame, translation, 2),
        }
        seconds = {name: seconds_of(work, repeats) for name, work in hot.items()}
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(each) for each in labels))
    print(json.dumps({"labels": digest.hexdigest(), "seconds": seconds}))


def seconds_of(work, repeats):
    """Processor time of some calls, the median."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def print_table(rows):
    """The table of the documentation."""
    hot = next((list(found["seconds"]) for *_, found in rows if found), [])
    print("| compiler | warnings | labels of six frames |", *(f"{n} |" for n in hot))
    print("|---|---|---|" + "---|" * len(hot))
    for name, warnings, _, found in rows:
        cells = ["not run here", *[""] * len(hot)]
        if found:
            cells = ["equal" if found["are_equal"] else "different"]
            cells += [f"{found['seconds'][each]:.3f} s" for each in hot]
        print(f"| {name} | {warnings} |", *(f"{cell} |" for cell in cells))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main()
