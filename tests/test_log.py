# SPDX-License-Identifier: GPL-3.0-or-later
"""The log as a user sees it: in a process of its own, as pytest has handlers too."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import logging
import hyperspy.api as hs
import hyperspy_symseg
{lines}
logging.getLogger("hyperspy_symseg.signals.segment").info("found")
logging.getLogger("hyperspy_symseg.signals.segment").warning("beware")
"""
INFO = r"INFO \| Hyperspy \| found \(hyperspy_symseg\.signals\.segment:\d+\)"
WARNING = INFO.replace("INFO", "WARNING").replace("found", "beware")


def shown(lines):
    """What is printed, without colours."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(lines=lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    return re.sub(r"\x1b\[[\d;]*m", "", result.stdout + result.stderr).splitlines()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", [WARNING]),
        ('hs.set_log_level("INFO")', [INFO, WARNING]),
        ('hs.set_log_level("INFO"); hs.set_log_level("ERROR")', []),
        # As doc/templates.md prints it.
        ('logging.getLogger("hyperspy_symseg").setLevel("INFO")', [INFO, WARNING]),
        (
            'logging.basicConfig(); hs.set_log_level("INFO")',
            [r"INFO:hyperspy_symseg\S+:found", r"WARNING:hyperspy_symseg\S+:beware"],
        ),
    ],
    ids=["default", "info", "error", "own level", "basicConfig"],
)
def test_log_is_shown_as_that_of_hyperspy(lines, expected):
    found = shown(lines)
    assert len(found) == len(expected)
    for line, pattern in zip(found, expected, strict=True):
        assert re.fullmatch(pattern, line)


def test_docs_print_the_line_that_is_tested(checkout):
    text = (checkout / "doc" / "templates.md").read_text()
    assert 'logging.getLogger("hyperspy_symseg").setLevel("INFO")' in text


def test_handlers_of_the_root_logger_see_it(caplog):
    logging.getLogger("hyperspy_symseg.descriptors").warning("beware")
    assert caplog.messages == ["beware"]
