# SPDX-License-Identifier: GPL-3.0-or-later
import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / ".ci" / "not_run.py"))
LINES = SCRIPT["KNOWN"].read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "name", [line for line in LINES if line and not line.startswith("#")]
)
def test_what_is_named_is_there(name):
    path, _, condition = name.partition(": ")
    source = (ROOT / "hyperspy_symseg" / path).read_text(encoding="utf-8")
    assert condition in map(str.strip, source.splitlines())


def test_a_gap_is_named_by_its_condition(tmp_path):
    source = tmp_path / "hyperspy_symseg" / "some.py"
    source.parent.mkdir()
    source.write_text("def of(n):\n    if n < 0:\n        n = -n\n        n += 1\n")
    found = {"executed_lines": [1, 2], "missing_lines": [3, 4]}
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"files": {str(source): found}}))
    assert list(SCRIPT["not_run"](report)) == ["some.py: if n < 0:"]
    assert SCRIPT["main"](report)
