# SPDX-License-Identifier: GPL-3.0-or-later
"""Other packages of the ecosystem, imported before this one and after it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

# Each with a type of signal that it registers, and the class of that; atomap has none.
OTHERS = {
    "pyxem": ("electron_diffraction", "ElectronDiffraction2D"),
    "kikuchipy": ("EBSD", "EBSD"),
    "exspy": ("EDS_TEM", "EDSTEMSpectrum"),
    "holospy": ("hologram", "HologramImage"),
    "atomap": ("", "Signal2D"),
}
SESSION = """
import importlib, json, sys
first, second, image, signal_type, folder = sys.argv[1:]
importlib.import_module(first), importlib.import_module(second)
import hyperspy.api as hs
import numpy as np

s = hs.load(image)
seg = s.segment_symmetry(2, show_progressbar=False)
seg.save(folder + "/labels.hspy")
labels = hs.load(folder + "/labels.hspy")

dimensions = 1 if signal_type.startswith("EDS") else 2
other = (hs.signals.Signal1D, hs.signals.Signal2D)[dimensions - 1](np.ones((3, 4, 5)))
other.set_signal_type(signal_type)
other.save(folder + "/other.hspy")
print(json.dumps({
    "image": type(s) is hs.signals.Signal2D,
    "labels": [type(seg).__name__, type(labels).__name__],
    "kept": bool((seg.data == labels.data).all()),
    "patterns": np.unique(labels.data).tolist(),
    "other": [type(other).__name__, type(hs.load(folder + "/other.hspy")).__name__],
}))
"""


@pytest.fixture(scope="module")
def image(two_grains, tmp_path_factory):
    path = tmp_path_factory.mktemp("beside") / "grains.hspy"
    two_grains[0].save(path)
    return path


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("name", OTHERS)
def test_labels_and_signals_of_another_package(name, is_first, image, tmp_path):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    signal_type, class_name = OTHERS[name]
    packages = (name, "hyperspy_symseg") if is_first else ("hyperspy_symseg", name)
    command = [sys.executable, "-c", SESSION, *packages, image, signal_type, tmp_path]
    result = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,  # not where the source would be imported
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "image": True,
        "labels": ["SymmetryLabels", "SymmetryLabels"],
        "kept": True,
        "patterns": [0, 1],
        "other": [class_name, class_name],
    }
