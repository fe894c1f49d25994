# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels saved as pictures."""

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hyperspy.signals import Signal2D

from hyperspy_symseg.signals import SymmetryLabels

LABELS = np.array([[0, 1, -1], [2, 2, 0]], np.int8)
ORANGE, SKY_BLUE, GREEN = (230, 159, 0), (86, 180, 233), (0, 158, 115)
GREY = (128, 128, 128)


def labels_of(data, is_lazy=False):
    signal = Signal2D(data)
    signal.set_signal_type("symmetry_labels")
    return signal.as_lazy() if is_lazy else signal


def colors_of(loaded):
    return np.stack([loaded.data[channel] for channel in "RGB"], axis=-1).tolist()


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("name", ["labels.png", "labels.PNG", "labels.bmp"])
def test_picture_has_the_colours_of_the_patterns(tmp_path, name, is_lazy):
    labels_of(LABELS, is_lazy).save(tmp_path / name)
    assert colors_of(hs.load(tmp_path / name)) == [
        [list(ORANGE), list(SKY_BLUE), list(GREY)],
        [list(GREEN), list(GREEN), list(ORANGE)],
    ]


@pytest.mark.parametrize("n_patterns", [3, 12])
def test_colours_of_a_picture_are_those_of_the_plot(tmp_path, n_patterns):
    data = np.stack([np.arange(-1, n_patterns)] * 2)
    labels = labels_of(data)
    labels.save(tmp_path / "labels.png")
    labels.plot()
    image = plt.gca().images[0]
    drawn = image.cmap(image.norm(data), bytes=True)[..., :3]
    assert np.abs(colors_of(hs.load(tmp_path / "labels.png")) - drawn).max() <= 1


def test_picture_is_saved_by_its_format(tmp_path):
    labels_of(LABELS).save(tmp_path / "labels", file_format="png")
    assert len(colors_of(hs.load(tmp_path / "labels.png"))) == 2


def test_picture_in_a_folder_has_the_name_of_the_labels(tmp_path):
    labels_of(LABELS).save(tmp_path / "labels.hspy")
    hs.load(tmp_path / "labels.hspy").save(tmp_path, file_format="png")
    assert len(colors_of(hs.load(tmp_path / "labels.png"))) == 2


def test_picture_is_saved_as_jpeg(tmp_path):
    labels_of(np.zeros((16, 24), np.uint8)).save(tmp_path / "labels.jpg")
    found = np.array(colors_of(hs.load(tmp_path / "labels.jpg")))
    assert np.abs(found - ORANGE).max() < 5


def test_labels_stay_labels_when_their_picture_is_saved(tmp_path):
    labels = labels_of(LABELS.copy())
    labels.save(tmp_path / "labels.png")
    assert type(labels) is SymmetryLabels
    np.testing.assert_array_equal(labels.data, LABELS)


def test_tiff_keeps_the_numbers(tmp_path):
    pytest.importorskip("tifffile")
    labels_of(LABELS).save(tmp_path / "labels.tif")
    np.testing.assert_array_equal(hs.load(tmp_path / "labels.tif").data, LABELS)


def test_picture_of_a_series_is_an_error(tmp_path):
    series = labels_of(np.stack([LABELS] * 4))
    with pytest.raises(
        ValueError, match=r"^labels must be of a single image .* \(4,\)"
    ):
        series.save(tmp_path / "labels.png")
    assert not (tmp_path / "labels.png").exists()


def test_picture_of_wrong_values_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="^labels must be ints from -1 to 1, got"):
        labels_of(LABELS - 1).save(tmp_path / "labels.png")
