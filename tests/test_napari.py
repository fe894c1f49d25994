# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers for napari, which need not be installed."""

import sys
import types

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.napari import labels_from, layers, open_viewer
from hyperspy_symseg.plotting import pattern_colors
from hyperspy_symseg.signals import SymmetryLabels

FRAME = np.random.default_rng(2).integers(-1, 3, (2, 5, 7)).astype(np.int8)
TIME = {"name": "time", "axis": [0.0, 1.0], "units": "s", "navigate": True}
Y = {"name": "y", "size": 5, "scale": 0.5, "units": "nm", "navigate": False}
X = {"name": "x", "size": 7, "scale": 0.2, "offset": 3, "units": "nm"}
X["navigate"] = False


def labels_signal(data=FRAME, axes=(TIME, Y, X)):
    metadata = {"Signal": {"signal_type": "symmetry_labels"}}
    return SymmetryLabels(data, axes=[dict(axis) for axis in axes], metadata=metadata)


def test_labels_and_the_image_below():
    image = hs.signals.Signal2D(np.ones((2, 5, 7)))
    (below, options, kind), (data, own, of_labels) = layers(labels_signal(), image)
    assert (kind, of_labels) == ("image", "labels")
    assert below is image.data
    assert options["units"] == ["pixel"] * 3
    np.testing.assert_array_equal(data, FRAME + 1)
    assert own["axis_labels"] == ["time", "y", "x"]


def test_the_axes():
    [(_, own, _)] = layers(labels_signal())
    # Time is not uniform.
    assert own["scale"] == [1.0, 0.5, 0.2]
    assert own["translate"] == [0.0, 0.0, 3.0]
    assert own["units"] == ["pixel", "nm", "nm"]


@pytest.mark.parametrize("units", ["9**9**9", "kleptons", "px"])
def test_units_that_napari_does_not_know(units):
    [(_, own, _)] = layers(labels_signal(FRAME[0], (Y | {"units": units}, X)))
    assert own["units"] == ["pixel", "nm"]
    assert own["scale"][0] == (0.5 if units == "px" else 1.0)


def test_colours_and_names():
    seg = labels_signal()
    seg.pattern_names = ["a", "b", "c"]
    [(_, own, _)] = layers(seg)
    assert own["features"]["index"] == [0, 1, 2, 3]
    assert own["features"]["pattern"] == ["no label", "0 a", "1 b", "2 c"]
    assert own["colormap"][0] == own["colormap"][None] == (0, 0, 0, 0)
    for k, color in enumerate(pattern_colors(3)[1]):
        assert own["colormap"][k + 1] == (*color, 1)


def test_lazy_labels_stay_lazy():
    seg = labels_signal().as_lazy()
    [(data, _, _)] = layers(seg)
    assert isinstance(data, da.Array)
    np.testing.assert_array_equal(data, FRAME + 1)


def test_many_patterns():
    data = np.arange(127, dtype=np.int8).reshape(1, 127)
    seg = labels_signal(data, (Y | {"size": 1}, X | {"size": 127}))
    assert layers(seg)[0][0].max() == 127


def test_what_was_painted_is_recorded():
    seg = labels_signal()
    [(painted, _, _)] = layers(seg)
    painted[1, 2:4, 1:6] = 2
    painted[0, 0, 0] = 0
    painted[0, 1] = 4
    found = labels_from(types.SimpleNamespace(data=painted), seg)
    np.testing.assert_array_equal(found.data, painted.astype(int) - 1)
    again = labels_signal().replay(found)
    np.testing.assert_array_equal(again.data, found.data)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (np.full((2, 5, 7), 5), r"layer must hold .* new ones from 4 on .* got \[5\]"),
        (np.full((2, 5, 7), -1), r"layer must hold 0, .*got \[-1\]"),
        (np.ones((5, 7), int), "layer must have the shape of the labels"),
        (np.ones((2, 5, 7)), "layer must hold ints"),
    ],
)
def test_layers_that_are_not_allowed(layer, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels_from(layer, labels_signal())


def test_what_is_not_allowed():
    with pytest.raises(TypeError, match="labels must be SymmetryLabels, got ndarray"):
        layers(FRAME)
    with pytest.raises(TypeError, match="signal must be a Signal2D, got a ndarray"):
        layers(labels_signal(), FRAME)


def test_without_napari(monkeypatch):
    monkeypatch.setitem(sys.modules, "napari", None)
    with pytest.raises(ImportError, match=r'pip install "hyperspy-symseg\[napari\]"'):
        open_viewer(labels_signal())


def test_layers_are_those_of_napari():
    napari = pytest.importorskip("napari")
    viewer = napari.components.ViewerModel()
    image = hs.signals.Signal2D(np.ones((2, 5, 7)))
    assert open_viewer(labels_signal(), image, viewer) is viewer
    below, own = viewer.layers
    np.testing.assert_allclose(own.get_color(2), [*pattern_colors(3)[1][1], 1])
    np.testing.assert_allclose(own.scale, [1, 0.5, 0.2])
    assert [str(unit) for unit in own.units] == ["pixel", "nanometer", "nanometer"]
    assert below.name == "image"
