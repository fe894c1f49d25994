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
for kernel in ("_translation", "_polar", "_pooling"):  # as if their files were deleted
    sys.modules["hyperspy_symseg." + kernel] = None
import hyperspy.api as hs
s = hs.load({image!r})
print(type(s) is hs.signals.Signal2D, s.data.shape)
s.segment_symmetry(descriptor={descriptor!r})
"""


@pytest.mark.parametrize(
    ("descriptor", "kernel"), [("translation", "_translation"), ("rotation", "_p")]
)
def test_files_load_without_the_kernels_and_the_method_says_what_is_missing(
    image, descriptor, kernel
):
    result = run(WITHOUT_KERNELS.format(image=image, descriptor=descriptor))
    assert result.stdout.strip() == "True (61, 83)"
    assert re.search(rf"hyperspy_symseg\.{kernel}\w* is missing", result.stderr)


LOAD = """
import sys
import hyperspy.api as hs
before = "hyperspy_symseg" in sys.modules
s = hs.load({image!r})
own = [name for name in sys.modules if name.startswith("hyperspy_symseg._")]
heavy = {{"sklearn", "skimage"}} & set(sys.modules)
print(before, heavy, own, callable(s.segment_symmetry))
"""


def test_loading_a_file_imports_nothing_heavy(image):
    assert run(LOAD.format(image=image)).stdout.strip() == "False set() [] True"


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
        "zarr",
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
