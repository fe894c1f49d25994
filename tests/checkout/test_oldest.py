# SPDX-License-Identifier: GPL-3.0-or-later
import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "oldest.py"


@pytest.fixture
def oldest():
    """The script of `.ci/slow` that tells the lowest versions."""
    spec = importlib.util.spec_from_file_location("oldest", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_dependencies_have_a_lowest_version(oldest):
    lines = list(oldest.lowest_versions("project.dependencies"))
    assert "h5py==3.14" in lines
    assert "rosettasciio==0.12" in lines
    assert all(line.count("==") == 1 for line in lines)


def test_so_have_those_of_an_extra(oldest):
    lines = list(oldest.lowest_versions("project.optional-dependencies.zspy"))
    assert lines == ["rosettasciio==0.12", "zarr==2.18.7"]


def test_so_has_what_builds_it(oldest):
    names = [
        line.split("==")[0] for line in oldest.lowest_versions("build-system.requires")
    ]
    assert names == ["meson-python", "cython"]


def test_a_dependency_without_one_is_an_error(oldest):
    with pytest.raises(ValueError, match="^'distributed' in project"):
        list(oldest.lowest_versions("project.optional-dependencies.test"))
