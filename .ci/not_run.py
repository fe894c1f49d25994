# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that no test runs, and that are not named in ``not_run.txt``.

    coverage json -o coverage.json
    python .ci/not_run.py coverage.json

A line is named by its file and the last line before it that runs, which is its
condition, as a rule. Those that are not named are printed, with the status 1.
"""

import json
import sys
from pathlib import Path

KNOWN = Path(__file__).with_suffix(".txt")


def not_run(report):
    """Names of what does not run: list of "file: condition", in order."""
    for path, found in json.loads(Path(report).read_text())["files"].items():
        missing = set(found["missing_lines"])
        source = Path(path).read_text(encoding="utf-8").splitlines()
        name = path.partition("hyperspy_symseg/")[2]
        for number in sorted(missing):
            before = max((n for n in found["executed_lines"] if n < number), default=1)
            if not missing & set(range(before + 1, number)):
                yield f"{name}: {source[before - 1].strip()}"


def main(report):
    """Print what is not named: whether there is any."""
    lines = KNOWN.read_text(encoding="utf-8").splitlines()
    known = {line for line in lines if line and not line.startswith("#")}
    new = [name for name in not_run(report) if name not in known]
    print(*new, sep="\n")
    return bool(new)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
