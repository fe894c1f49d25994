# SPDX-License-Identifier: GPL-3.0-or-later
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

import hyperspy_symseg


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,  # not where the source would be imported
    )


@pytest.fixture
def image(two_grains, tmp_path):
    two_grains[0].save(tmp_path / "grains.hspy")
    return str(tmp_path / "grains.hspy")


WITHOUT_KERNELS = """
import sys
sys.modules["hyperspy_symseg._translation"] = None  # as if its file were deleted
import hyperspy.api as hs
s = hs.load({image!r})
print(type(s) is hs.signals.Signal2D, s.data.shape)
s.segment_symmetry()
"""


def test_files_load_without_the_kernels_and_the_method_says_what_is_missing(image):
    result = run(WITHOUT_KERNELS.format(image=image))
    assert result.stdout.strip() == "True (61, 83)"
    assert "hyperspy_symseg._translation is missing" in result.stderr


LOAD = """
import sys
import hyperspy.api as hs
before = "hyperspy_symseg" in sys.modules
s = hs.load({image!r})
heavy = {{"sklearn", "skimage", "hyperspy_symseg._translation"}} & set(sys.modules)
print(before, heavy, callable(s.segment_symmetry))
"""


def test_loading_a_file_imports_nothing_heavy(image):
    assert run(LOAD.format(image=image)).stdout.strip() == "False set() True"


def test_no_dependency_but_those_asked_for():
    runtime = [line for line in requires("hyperspy-symseg") if "extra ==" not in line]
    assert {re.match(r"[\w-]+", line)[0] for line in runtime} == {
        "dask",
        "hyperspy",
        "lazy-loader",
        "numpy",
        "rosettasciio",
        "scikit-learn",
        "scipy",
        "threadpoolctl",
    }


def test_command_is_a_module(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "hyperspy_symseg", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "segment" in result.stdout


def test_public_names_are_found():
    for name in hyperspy_symseg.__all__:
        assert getattr(hyperspy_symseg, name).__doc__
