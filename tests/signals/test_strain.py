# SPDX-License-Identifier: GPL-3.0-or-later
import logging

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate

SHAPE = 160, 200
LATTICE = simulate.Lattice.square(12, orientation=3)
SIDES = np.zeros(SHAPE, np.int8)
SIDES[:, 100:] = 1


def series_of(*crystals):
    """Series in time of a crystal or of two side by side, calibrated."""
    frames = [
        simulate.micrograph(each, SHAPE, boundary=SIDES, dose=20, seed=k)[0].data
        if isinstance(each, list)
        else simulate.micrograph(each, SHAPE, dose=20, seed=k)[0].data
        for k, each in enumerate(crystals)
    ]
    signal = hs.signals.Signal2D(np.stack(frames))
    time, x, y = signal.axes_manager._get_axes_in_natural_order()
    time.name, time.units, time.scale = "time", "s", 0.5
    x.name, x.units, x.scale, x.offset = "x", "nm", 0.01, 3.0
    y.name, y.units, y.scale = "y", "nm", 0.01
    signal.metadata.General.title = "A crystal"
    return signal


@pytest.fixture(scope="module")
def movie():
    """A crystal that grows by 1 % a frame, along x and y."""
    grown = [simulate.Lattice.square(12 * (1 + 0.01 * k), 3) for k in range(3)]
    return series_of(*grown)


@pytest.fixture(scope="module")
def labels(movie):
    return movie.segment_symmetry(1, fit_on=[1], show_progressbar=False)


@pytest.fixture(scope="module")
def strain(movie, labels):
    return labels.get_strain(movie, show_progressbar=False)


def components(strain):
    """Means over the pixels: (frames, 4)."""
    return np.nanmean(strain.data, axis=(-2, -1))


def test_axes_and_metadata_are_those_of_the_labels(strain, labels):
    assert type(strain) is hs.signals.Signal2D
    component, time = strain.axes_manager.navigation_axes
    assert (component.name, component.size) == ("Component", 4)
    assert (time.name, time.units, time.scale) == ("time", "s", 0.5)
    for axis, own in zip(
        strain.axes_manager.signal_axes, labels.axes_manager.signal_axes, strict=True
    ):
        assert axis.get_axis_dictionary() == own.get_axis_dictionary()
    assert strain.metadata.General.title == "A crystal"
    assert strain.metadata.Signal.quantity == "Strain"
    record = strain.metadata.Symmetry_strain
    assert record.components == ["exx", "eyy", "exy", "rotation"]
    assert (record.smoothing, record.unit) == (3.0, "nm")


def test_by_default_it_is_against_the_mean_of_all_frames(strain):
    found = components(strain)
    np.testing.assert_allclose(found[:, 0], [-0.01, 0, 0.01], atol=1e-3)
    np.testing.assert_allclose(found[:, 1], [-0.01, 0, 0.01], atol=1e-3)
    np.testing.assert_allclose(found[:, 2:], 0, atol=0.05)


def test_the_reference_may_be_vectors_in_axis_units(movie, labels):
    vectors = 0.01 * np.array(LATTICE.vectors)
    found = labels.get_strain(movie, reference=vectors, show_progressbar=False)
    np.testing.assert_allclose(components(found)[:, 0], [0, 0.01, 0.02], atol=1e-3)
    kept = found.metadata.Symmetry_strain.reference
    assert abs(np.linalg.det(kept[0])) == pytest.approx(0.0144)


def test_the_reference_may_be_a_table_or_one_of_its_rows(movie, labels):
    first = labels.inav[0]
    table = first.get_symmetry(movie.inav[0], show_progressbar=False)
    for reference in (table, table[0]):
        found = labels.get_strain(movie, reference=reference, show_progressbar=False)
        np.testing.assert_allclose(components(found)[:, 0], [0, 0.01, 0.02], atol=2e-3)


def test_standard_errors_are_the_noise_of_the_signal(strain):
    variance = strain.get_noise_variance()
    assert variance.data.shape == strain.data.shape
    assert (variance.data[np.isfinite(strain.data)] > 0).all()
    # Slices take them along.
    exx = strain.inav[0, 1].isig[20:60, 10:30]
    np.testing.assert_array_equal(
        exx.get_noise_variance().data, variance.data[1, 0, 10:30, 20:60]
    )


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.filterwarnings("ignore:The NestedDirectoryStore:FutureWarning")
def test_files_hold_strain_and_errors(strain, tmp_path, extension):
    if extension == "zspy":
        pytest.importorskip("zarr")
    strain.save(tmp_path / f"strain.{extension}")
    loaded = hs.load(tmp_path / f"strain.{extension}")
    np.testing.assert_array_equal(loaded.data, strain.data)
    np.testing.assert_array_equal(
        loaded.get_noise_variance().data, strain.get_noise_variance().data
    )
    assert list(loaded.metadata.Symmetry_strain.components)[3] == "rotation"


def test_lazy_strain_is_the_same(strain, movie, labels):
    found = labels.as_lazy().get_strain(movie.as_lazy(), show_progressbar=False)
    assert found._lazy
    assert found.get_noise_variance()._lazy
    found.compute(show_progressbar=False)
    np.testing.assert_array_equal(found.data, strain.data)


def test_a_frame_alone_is_that_of_the_series_against_one_reference(movie, labels):
    vectors = 0.01 * np.array(LATTICE.vectors)
    options = {"reference": vectors, "show_progressbar": False}
    alone = labels.inav[2].get_strain(movie.inav[2], **options)
    assert alone.data.shape == (4, *SHAPE)
    found = labels.get_strain(movie, **options)
    np.testing.assert_array_equal(alone.data, found.data[2])


def test_a_mask_leaves_pixels_out(movie, labels):
    mask = np.zeros(SHAPE, bool)
    mask[40:70, 30:90] = True
    one, image = labels.inav[1], movie.inav[1]
    found = one.get_strain(image, mask=mask, show_progressbar=False)
    np.testing.assert_array_equal(np.isnan(found.data[0]), mask)


def test_patterns_of_another_lattice_are_nan_and_it_is_logged(caplog):
    other = simulate.Lattice.hexagonal(15)
    signal = series_of([LATTICE, other]).inav[0]
    seg = signal.segment_symmetry(2, show_progressbar=False)
    square = seg.data[80, 30]
    vectors = 0.01 * np.array(LATTICE.vectors)
    with caplog.at_level(logging.INFO, "hyperspy_symseg"):
        found = seg.get_strain(signal, reference=vectors, show_progressbar=False)
    np.testing.assert_array_equal(np.isfinite(found.data[0]), seg.data == square)
    assert f"Pattern {1 - square} has no strain: its lattice is not" in caplog.text


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"smoothing": 0.5}, ValueError, "smoothing must be"),
        ({"smoothing": "wide"}, TypeError, "smoothing must be"),
        ({"reference": np.zeros((2, 2))}, ValueError, "not parallel, got array"),
        ({"reference": np.diag([np.inf, 1])}, ValueError, "finite and not parallel"),
        ({"reference": np.eye(3)}, ValueError, r"got the shape \(1, 3, 3\)"),
        ({"reference": np.ones((3, 2, 2))}, ValueError, r"got the shape \(3, 2, 2\)"),
        ({"reference": "silicon"}, TypeError, "reference must be"),
        ({"reference": 0.2 * np.eye(2)}, ValueError, "within 15% of the lattice"),
        ({"mask": np.zeros((3, 3), bool)}, ValueError, "mask must"),
    ],
)
def test_what_is_not_allowed_says_so(movie, labels, options, error, message):
    with pytest.raises(error, match=message):
        labels.get_strain(movie, show_progressbar=False, **options)


def test_one_of_several_references_that_has_no_area_is_an_error():
    signal = series_of([LATTICE, simulate.Lattice.hexagonal(15)]).inav[0]
    seg = signal.segment_symmetry(2, show_progressbar=False)
    vectors = np.stack([0.01 * np.array(LATTICE.vectors), np.ones((2, 2))])
    with pytest.raises(ValueError, match="finite and not parallel"):
        seg.get_strain(signal, reference=vectors, show_progressbar=False)


def test_too_small_regions_are_no_error_of_a_reference(movie, labels):
    small = (slice(20, 50), slice(10, 40))
    one, image = labels.inav[0].isig[small], movie.inav[0].isig[small]
    with pytest.raises(ValueError, match="labels must have a region of some periods"):
        one.get_strain(image, show_progressbar=False)


def test_whether_per_frame_is_checked_before_any_work(movie, labels, monkeypatch):
    monkeypatch.setattr("hyperspy_symseg.signals.symmetry.get_symmetry", None)
    with pytest.raises(TypeError, match="per_frame must be True or False, got 'yes'"):
        labels.get_symmetry(movie, per_frame="yes", show_progressbar=False)


def test_another_shape_is_an_error(movie, labels):
    with pytest.raises(ValueError, match="signal must have the shape of the labels"):
        labels.get_strain(movie.inav[0], show_progressbar=False)


def test_labels_without_templates_have_no_strain(movie):
    image = movie.inav[0]
    seg = image.segment_symmetry(2, refine=False, show_progressbar=False)
    with pytest.raises(ValueError, match="refine=False"):
        seg.get_strain(image, show_progressbar=False)


def test_units_must_be_one_for_a_lattice(movie, labels):
    image, one = movie.inav[0].deepcopy(), labels.inav[0]
    image.axes_manager[0].units = "s"
    with pytest.raises(ValueError, match="axis x|axes y and x must have one unit"):
        one.get_strain(image, show_progressbar=False)


@pytest.fixture(scope="module")
def parameters(movie, labels):
    table = labels.get_symmetry(movie, per_frame=True, show_progressbar=False)
    return table.lattice_parameters


def test_lattice_parameters_are_against_time(parameters):
    found = parameters
    assert type(found) is hs.signals.Signal1D
    [time] = found.axes_manager.signal_axes
    assert (time.name, time.units, time.scale) == ("time", "s", 0.5)
    names = [axis.name for axis in found.axes_manager.navigation_axes]
    assert names == ["Pattern", "Parameter"]
    assert found.metadata.Symmetry_lattices.parameters[:2] == ["a", "b"]
    assert found.metadata.Symmetry_lattices.units[3] == "nm²"


def test_lattice_parameters_grow_with_the_lattice(parameters):
    found = parameters.data[:, 0]
    np.testing.assert_allclose(found[0], [0.12, 0.1212, 0.1224], rtol=3e-3)
    np.testing.assert_allclose(found[3], found[0] * found[1], rtol=1e-3)


def test_lattice_parameters_have_errors(parameters):
    errors = np.sqrt(parameters.get_noise_variance().data)
    assert (errors[:2] > 0).all()
    assert (errors[:2] < 1e-3).all()


def test_lattice_parameters_are_lazy_if_the_labels_are(parameters, movie, labels):
    given = labels.as_lazy(), movie.as_lazy()
    found = given[0].get_symmetry(given[1], per_frame=True, show_progressbar=False)
    assert found.lattice_parameters._lazy
    found.lattice_parameters.compute(show_progressbar=False)
    np.testing.assert_array_equal(found.lattice_parameters.data, parameters.data)


def test_lattice_parameters_of_an_image_are_against_the_pattern(movie, labels):
    one = labels.inav[0]
    found = one.get_symmetry(movie.inav[0], per_frame=True, show_progressbar=False)
    assert found.lattice_parameters.data.shape == (5, 1)
    [axis] = found.lattice_parameters.axes_manager.signal_axes
    assert axis.name == "Pattern"


def test_areas_without_a_unit_have_none(movie, labels):
    one, image = labels.inav[0].deepcopy(), movie.inav[0].deepcopy()
    for signal in (one, image):
        for axis in signal.axes_manager.signal_axes:
            axis.units = ""
    found = one.get_symmetry(image, per_frame=True, show_progressbar=False)
    units = found.lattice_parameters.metadata.Symmetry_lattices.units
    assert units == ["", "", "degrees", "", "degrees"]


def test_lattice_parameters_are_not_asked_for_by_default(movie, labels):
    one = labels.inav[0]
    found = one.get_symmetry(movie.inav[0], show_progressbar=False)
    assert found.lattice_parameters is None


def test_the_flag_must_be_one(movie, labels):
    with pytest.raises(TypeError, match="per_frame must be"):
        labels.get_symmetry(movie, per_frame="yes", show_progressbar=False)


@pytest.fixture(scope="module")
def table():
    lattices = [LATTICE, LATTICE.rotated(36.87)]
    signal = series_of(lattices).inav[0]
    seg = hs.signals.Signal2D(SIDES)
    seg.set_signal_type("symmetry_labels")
    return seg.get_symmetry(signal, show_progressbar=False)


def test_two_patterns_of_one_lattice_have_a_misorientation(table):
    found = table.misorientation(0, 1)
    assert abs(found.angle) == pytest.approx(36.87, abs=0.3)
    assert 0 < found.angle_error < 0.3
    assert (found.sigma, found.mirror) == (5, (2, 1))


def test_misorientations_go_by_names_too(table):
    assert table.misorientation("0", "1") == table.misorientation(0, -1)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((0, 2), "j must be"),
        (("0", "matrix"), "j must be one of 0, 1, got 'matrix'"),
    ],
)
def test_misorientations_of_other_patterns_are_an_error(table, pair, message):
    with pytest.raises(ValueError, match=message):
        table.misorientation(*pair)


def test_a_table_of_the_network_is_no_reference(movie, labels):
    table = labels.get_symmetry(movie, method="network", show_progressbar=False)
    with pytest.raises(TypeError, match="got a table of the network, which has none"):
        labels.get_strain(movie, reference=table)
