# SPDX-License-Identifier: GPL-3.0-or-later
import re
from importlib.metadata import version

from hyperspy.signals import Signal2D

import hyperspy_symseg
from hyperspy_symseg import version as versions


def test_versions_of_dependencies(capsys):
    hyperspy_symseg.show_versions()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"hyperspy-symseg: {hyperspy_symseg.__version__}"
    assert f"numpy: {version('numpy')}" in lines
    assert len(set(lines)) == len(lines)


def test_what_is_not_installed_is_left_out(capsys, monkeypatch):
    monkeypatch.setattr(versions, "requires", lambda _: ["numpy>=1", "no-such>=2"])
    hyperspy_symseg.show_versions()
    assert "no-such" not in capsys.readouterr().out


def test_a_citation_is_of_this_version(checkout):
    text = (checkout / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", text, re.M)[1] == hyperspy_symseg.__version__


def test_functions_are_the_methods():
    assert hyperspy_symseg.segment_symmetry is Signal2D.segment_symmetry
    assert hyperspy_symseg.find_atomic_columns is Signal2D.find_atomic_columns
