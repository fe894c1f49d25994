# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that released versions have written, by `.ci/stored_files.py`, are read."""

from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.signals import SymmetryLabels, SymmetryPoints
from hyperspy_symseg.testing import example_frame

RELEASES = sorted(path for path in Path(__file__).with_name("stored").iterdir())


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def folder(request):
    """Folder of a release."""
    return request.param


@pytest.fixture
def contents(folder):
    """What is in the files."""
    with np.load(folder / "contents.npz") as arrays:
        return dict(arrays)


def test_labels(folder, contents):
    labels = hs.load(folder / "labels.hspy")
    assert type(labels) is SymmetryLabels
    np.testing.assert_array_equal(labels.data, contents["labels"])
    assert labels.pattern_names == ("left", "right")
    assert labels.area_unit == "nm²"
    assert labels.get_areas().data.sum() == pytest.approx(45 * 52 * 0.02**2)


def test_model_of_the_labels_gives_them_again(folder, contents):
    model = hs.load(folder / "labels.hspy").model
    assert (model.n_patterns, model.names) == (2, ("left", "right"))
    found = model.predict(example_frame())
    assert np.mean(found == contents["labels"]) > 0.98


def test_labels_that_were_changed_by_hand(folder, contents):
    labels = hs.load(folder / "relabelled.hspy")
    np.testing.assert_array_equal(labels.data, np.zeros_like(contents["labels"]))
    with pytest.raises(ValueError, match="changed by hand"):
        labels.get_certainty(hs.signals.Signal2D(example_frame()))


def test_columns(folder, contents):
    columns = hs.load(folder / "columns.hspy")
    assert type(columns) is SymmetryPoints
    np.testing.assert_array_equal(columns.data[0], contents["columns"])
    assert columns.column_names[:2] == ["y", "x"]
    assert len(contents["columns"]) > 20
