# SPDX-License-Identifier: GPL-3.0-or-later
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate

SHAPE = 120, 156


def columns_of(signal, *args, **kwargs):
    return signal.find_atomic_columns(*args, **kwargs, show_progressbar=False)


@pytest.fixture(scope="module")
def micrograph():
    lattice = simulate.Lattice.square(12, orientation=5)
    s, _ = simulate.micrograph(lattice, SHAPE, dose=10, seed=1)
    for axis, offset in zip(s.axes_manager.signal_axes, (1.0, 2.0), strict=True):
        axis.offset = offset
    return s, s.segment_symmetry(1, show_progressbar=False)


@pytest.fixture(scope="module")
def series(micrograph):
    s, _ = micrograph
    movie = hs.stack([s, s], show_progressbar=False)
    return movie, movie.segment_symmetry(1, show_progressbar=False)


def test_a_table_for_an_image(micrograph):
    s, seg = micrograph
    columns = columns_of(s, seg)
    assert columns.ragged
    [rows] = columns.data
    assert 120 < len(rows) < 140
    assert rows.shape[1] == len(columns.metadata.Symmetry_points.columns) == 11
    assert columns.metadata.General.title == s.metadata.General.title


def test_without_labels_it_is_segmented_first(micrograph):
    s, _ = micrograph
    seg = s.segment_symmetry(show_progressbar=False)
    [expected] = columns_of(s, seg).data
    [found] = columns_of(s).data
    np.testing.assert_array_equal(found, expected)


def test_a_series_has_a_table_a_frame(series):
    movie, seg = series
    columns = columns_of(movie, seg)
    assert columns.data.shape == (2,)
    np.testing.assert_array_equal(columns.data[0], columns.data[1])


def test_lazy_series_stay_lazy(series):
    movie, seg = series
    lazy = columns_of(movie.as_lazy(), seg)
    assert lazy._lazy
    expected = columns_of(movie, seg)
    for one, other in zip(lazy.data.compute(), expected.data, strict=True):
        np.testing.assert_array_equal(one, other)


def test_calibrated(micrograph):
    s, seg = micrograph
    [pixels] = columns_of(s, seg).data
    [rows] = columns_of(s, seg, calibrated=True).data
    np.testing.assert_allclose(rows[:, 0], 0.01 * pixels[:, 0] + 2)
    np.testing.assert_allclose(rows[:, 1], 0.01 * pixels[:, 1] + 1)
    for i in (2, 3, 7):
        np.testing.assert_allclose(rows[:, i], 0.01 * pixels[:, i])
    np.testing.assert_array_equal(rows[:, 4:7], pixels[:, 4:7])


def test_a_mask_is_left_out(micrograph):
    s, seg = micrograph
    mask = np.zeros(SHAPE, bool)
    mask[:, :80] = True
    [rows] = columns_of(s, seg, mask=mask).data
    assert rows[:, 1].min() > 78


def test_more_rows_with_a_lower_probability(micrograph):
    s, seg = micrograph
    [some] = columns_of(s, seg, probability=0.99).data
    [more] = columns_of(s, seg, probability=0.0).data
    assert len(more) >= len(some)
    assert some[:, 4].min() >= 0.99


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"method": "best"}, ValueError, "method must be one of 'auto'"),
        ({"contrast": "grey"}, ValueError, "contrast must be one of 'bright'"),
        ({"probability": 2}, ValueError, "probability must be a number from 0 to 1"),
        ({"calibrated": "yes"}, TypeError, "calibrated must be"),
        ({"lazy_output": 3}, TypeError, "lazy_output must be"),
        ({"seg": 3}, TypeError, "seg must be the labels of the signal"),
    ],
)
def test_arguments_that_are_not_allowed(micrograph, given, error, message):
    s, _ = micrograph
    with pytest.raises(error, match=message):
        columns_of(s, **given)


def test_labels_of_another_shape_are_an_error(micrograph):
    s, seg = micrograph
    with pytest.raises(ValueError, match="shape"):
        columns_of(s.isig[:100, :], seg)


def test_the_network_needs_no_labels(micrograph):
    s, _ = micrograph
    [rows] = columns_of(s, method="network").data
    assert 110 < len(rows) < 145
    assert (rows[:, 10] == 1).all()
    assert (rows[:, 8:10] == -1).all()
    true = 2 * np.pi * 2.0**2 * 10
    assert np.median(rows[:, 5]) == pytest.approx(true, rel=0.2)


def test_the_network_where_there_is_no_lattice():
    kind = simulate.Amorphous.like(simulate.Lattice.square(12))
    s, _ = simulate.micrograph(kind, SHAPE, dose=50, seed=2)
    seg = s.segment_symmetry(1, show_progressbar=False)
    assert seg.model.templates is None
    [rows] = columns_of(s, seg).data
    assert len(rows) > 80
    assert (rows[:, 10] == 1).all()


def test_crystals_and_the_network_in_one_frame():
    kind = simulate.Amorphous.like(simulate.Lattice.square(12))
    grains = [simulate.Lattice.square(12, orientation=10), kind]
    labels = np.zeros((192, 240), int)
    labels[:, 130:] = 1
    s, _ = simulate.micrograph(grains, boundary=labels, dose=30, seed=2)
    seg = s.segment_symmetry(2, show_progressbar=False)
    [rows] = columns_of(s, seg).data
    left = rows[:, 1] < 115
    right = rows[:, 1] > 145
    assert np.mean(rows[left, 10] == 0) > 0.95
    assert np.mean(rows[right, 10] == 1) > 0.95
    assert left.sum() > 190 * 110 / 144 - 15
    assert right.sum() > 80


def test_a_frame_without_a_lattice_is_an_error_of_crystals():
    noise = np.random.default_rng(0).poisson(5, (100, 120))
    with pytest.raises(ValueError, match="labels must be refined by templates"):
        columns_of(hs.signals.Signal2D(noise), method="crystal")
