# SPDX-License-Identifier: GPL-3.0-or-later
import json
import subprocess
import sys

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_symseg  # noqa: F401  adds the methods
from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.plane_groups import PLANE_GROUPS
from hyperspy_symseg.symmetry_table import SymmetryTable, with_error

SHAPE = 180, 220
SQUARE = simulate.Lattice.square(12, orientation=3)
HEXAGONAL = simulate.Lattice.hexagonal(13)


@pytest.fixture(scope="module")
def crystal():
    return simulate.micrograph(SQUARE, SHAPE, seed=2)[0]


def as_labels(truth, signal):
    """Labels with the axes of a signal."""
    labels = hs.signals.Signal2D(truth)
    labels.set_signal_type("symmetry_labels")
    for axis, other in zip(
        labels.axes_manager.signal_axes, signal.axes_manager.signal_axes, strict=True
    ):
        axis.scale, axis.units = other.scale, other.units
    return labels


@pytest.fixture(scope="module")
def labelled():
    signal, truth = simulate.micrograph([SQUARE, HEXAGONAL], SHAPE, dose=5, seed=1)
    return signal, as_labels(truth.data, signal)


@pytest.fixture(scope="module")
def table(labelled):
    signal, labels = labelled
    return labels.get_symmetry(signal, show_progressbar=False)


def test_one_crystal_has_one_row(crystal):
    [row] = crystal.get_symmetry(show_progressbar=False)
    assert (row.bravais, row.plane_group) == ("square", "p4mm")
    assert row.unit == "nm"
    # 12 pixels of 0.01 nm; HyperSpy's users read y downwards, as the axes are.
    np.testing.assert_allclose(row.lengths, 0.12, atol=2e-4)
    np.testing.assert_allclose(row.a_pixels, row.a / 0.01)
    assert row.angle == pytest.approx(90, abs=0.3)
    assert row.area == pytest.approx(0.0144, abs=1e-4)
    assert row.orientation % 90 == pytest.approx(3, abs=0.3)
    assert (row.length_errors > 0).all()
    assert row.strain == 0.02


def test_errors_follow_the_covariance(crystal):
    [row] = crystal.get_symmetry(show_progressbar=False)
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(row.vectors.ravel(), row.covariance, 4000)
    a, b = draws[:, :2], draws[:, 2:]
    lengths = np.hypot(*a.T), np.hypot(*b.T)
    np.testing.assert_allclose(np.std(lengths, axis=1), row.length_errors, rtol=0.1)
    areas = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    assert np.std(areas) == pytest.approx(row.area_error, rel=0.1)
    cosines = (a * b).sum(axis=1) / lengths[0] / lengths[1]
    angles = np.degrees(np.arccos(cosines))
    assert np.std(angles) == pytest.approx(row.angle_error, rel=0.1)
    turns = np.degrees(np.arctan2(a[:, 0], a[:, 1]))
    assert np.std(turns) == pytest.approx(row.orientation_error, rel=0.1)


def test_scales_along_y_and_x_may_differ(crystal):
    other = crystal.deepcopy()
    other.axes_manager[1].scale *= -2
    [row] = other.get_symmetry(show_progressbar=False)
    assert row.area == pytest.approx(0.0288, abs=2e-4)
    # A rhombus or worse, and the columns are ellipses.
    assert row.bravais != "square"


def test_pixels_without_a_unit_are_pixels(crystal):
    [row] = hs.signals.Signal2D(crystal.data).get_symmetry(show_progressbar=False)
    assert row.unit == "px"
    np.testing.assert_allclose(row.lengths, 12, atol=0.02)


def test_a_mask_leaves_pixels_out(labelled):
    signal, labels = labelled
    mask = labels.data != 1
    [row] = signal.get_symmetry(mask=mask, show_progressbar=False)
    assert row.nominal_plane_group == "p6mm"
    mask = hs.signals.Signal2D(mask)
    [same] = signal.get_symmetry(mask=mask, show_progressbar=False)
    np.testing.assert_array_equal(same.record["weights"], row.record["weights"])


def test_each_pattern_has_a_row(table):
    assert [row.bravais for row in table] == ["square", "hexagonal"]
    assert [row.name for row in table] == ["0", "1"]
    assert len(table) == 2
    assert isinstance(table[:1], SymmetryTable)


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.filterwarnings("ignore:The NestedDirectoryStore")
def test_files_keep_the_table(labelled, table, tmp_path, extension):
    _, labels = labelled
    labels.save(tmp_path / f"labels.{extension}")
    found = hs.load(tmp_path / f"labels.{extension}").symmetry
    assert repr(found) == repr(table)
    for row, other in zip(found, table, strict=True):
        for name in row.record.dtype.names:
            np.testing.assert_array_equal(row.record[name], other.record[name])
        assert row.to_dict() == other.to_dict()


def test_labels_without_names_have_none():
    labels = hs.signals.Signal2D(np.zeros((20, 30), int))
    labels.set_signal_type("symmetry_labels")
    assert labels.symmetry is None


@pytest.mark.parametrize("stored", ["text", {"names": ["a"]}, {"names": 3}])
def test_other_metadata_are_an_error(stored):
    labels = hs.signals.Signal2D(np.zeros((20, 30), int))
    labels.set_signal_type("symmetry_labels")
    labels.metadata.add_dictionary({"Symmetry": stored})
    with pytest.raises(ValueError, match=r"metadata\.Symmetry must be what get_symm"):
        labels.symmetry  # noqa: B018


def test_it_prints_as_a_table(table):
    head, one, other = repr(table).splitlines()
    assert head.split()[:3] == ["pattern", "a", "b"]
    assert "square" in one
    assert "p4mm" in one
    assert "hexagonal" in other
    assert table._repr_html_().count("<tr>") == 3


def test_a_dictionary_is_plain_and_complete(table):
    found = table.to_dict()
    assert json.loads(json.dumps(found)) == found
    row = found["0"]
    assert set(row["plane_group_weights"]) == set(PLANE_GROUPS)
    assert row["plane_group"] == table[0].plane_group
    assert np.shape(row["covariance"]) == (4, 4)


def test_a_data_frame_has_a_row_a_pattern(table):
    pandas = pytest.importorskip("pandas")
    frame = table.to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.loc["0", "a_x"] == pytest.approx(table[0].a[1])
    assert frame.loc["1", "weight p6mm"] == table[1].plane_group_weights["p6mm"]


def test_without_pandas_the_error_says_so(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_dataframe needs pandas"):
        table.to_dataframe()


def test_naming_imports_no_pandas(tmp_path):
    code = (
        "import sys, hyperspy.api as hs, numpy as np, hyperspy_symseg\n"
        "s = hs.signals.Signal2D(np.random.default_rng(0).normal(size=(64, 80)))\n"
        "repr(s.get_symmetry(show_progressbar=False))\n"
        "print({'pandas', 'skimage', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        # Elsewhere than the source, which has no compiled kernels.
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "set()"


def test_what_has_no_lattice_says_why():
    flat = hs.signals.Signal2D(np.ones((60, 70)))
    table = flat.get_symmetry(show_progressbar=False)
    assert table[0].bravais == "none"
    assert "no contrast" in repr(table)
    assert table.to_dict()["crystal"]["reason"] == "no contrast"
    assert table.plot().shape == (1, 3)


def test_a_lazy_series_is_read_where_it_is_needed(crystal):
    frames = da.stack([da.from_array(crystal.data)] * 3)
    series = hs.signals.Signal2D(frames).as_lazy()
    [row] = series.get_symmetry(show_progressbar=False)
    assert row.plane_group == "p4mm"


def test_plots_have_a_row_a_pattern(table):
    axes = table.plot()
    assert axes.shape == (2, 3)
    assert "p4mm" in axes[0, 0].get_title()
    axes = table.plot(nominal=True)
    assert axes[1, 0].get_title() == "1: p6mm (nominal)"
    with pytest.raises(TypeError, match="nominal must be True or False"):
        table.plot(nominal="p4mm")
    with pytest.raises(ValueError, match="axes must have the shape"):
        table.plot(axes[:1])


@pytest.mark.parametrize("strain", [0, 2.0, "0.02", None])
def test_strain_is_checked(crystal, strain):
    with pytest.raises((TypeError, ValueError), match="strain must be a number from"):
        crystal.get_symmetry(strain=strain)


def test_other_arguments_are_checked(crystal, labelled):
    with pytest.raises(ValueError, match="tolerance must be a number from 0 to 1"):
        crystal.get_symmetry(tolerance=1.5)
    with pytest.raises(ValueError, match="mask must have the shape"):
        crystal.get_symmetry(mask=np.zeros((3, 4), bool))
    with pytest.raises(TypeError, match="must be of real numbers"):
        hs.signals.Signal2D(np.ones((30, 40), complex)).get_symmetry()
    other = crystal.deepcopy()
    other.axes_manager[0].units = "s"
    with pytest.raises(ValueError, match="must have one unit for a lattice"):
        other.get_symmetry()
    with pytest.raises(ValueError, match="signal must have the shape of the labels"):
        labelled[1].get_symmetry(crystal.isig[:50])


def test_errors_are_in_units_of_the_last_digit():
    assert with_error(0.13002, 0.00004) == "0.13002(4)"
    assert with_error(12.34, 0.096) == "12.3(1)"
    assert with_error(1234.0, 30.0) == "1234(30)"


@pytest.fixture(scope="module")
def halves():
    truth = np.zeros((180, 330), np.int8)
    truth[:, 160:] = 1
    grains = [SQUARE, HEXAGONAL]
    signal, _ = simulate.micrograph(grains, boundary=truth, dose=5, seed=1)
    return signal, as_labels(truth, signal)


@pytest.fixture(scope="module")
def predicted(halves):
    signal, labels = halves
    return labels.get_symmetry(signal, method="network", show_progressbar=False)


def test_the_network_tells_each_pattern(predicted):
    assert [row.bravais for row in predicted] == ["square", "hexagonal"]
    assert [row.name for row in predicted] == ["0", "1"]
    row = predicted[0]
    assert sum(row.bravais_weights.values()) == pytest.approx(1)
    assert row.bravais_weights["square"] > 0.8
    # 9.6 periods of 12 pixels of 0.01 nm.
    assert row.window_length == pytest.approx(1.15, abs=0.02)
    assert (row.unit, row.reason) == ("nm", "")


@pytest.mark.parametrize("name", ["square", "hexagonal"])
def test_the_network_tells_an_image(name):
    lattice = {"square": SQUARE, "hexagonal": HEXAGONAL}[name]
    signal = simulate.micrograph(lattice, SHAPE, seed=2)[0]
    [row] = signal.get_symmetry(method="network", show_progressbar=False)
    assert (row.name, row.bravais) == ("crystal", name)


def test_a_mask_leaves_pixels_out_for_the_network(halves):
    signal, labels = halves
    mask = labels.data != 1
    [row] = signal.get_symmetry(method="network", mask=mask, show_progressbar=False)
    assert row.bravais == "hexagonal"


def test_any_number_of_threads_gives_the_same_table(halves, predicted):
    signal, labels = halves
    for n in (1, 2):
        found = labels.deepcopy().get_symmetry(
            signal, method="network", show_progressbar=False, num_workers=n
        )
        assert found.to_dict() == predicted.to_dict()


def test_the_table_of_the_network_says_so(predicted):
    _, one, other = repr(predicted).splitlines()
    assert one.split()[:3] == ["0", "square", "network:"]
    assert "hexagonal" in other
    assert f"windows {predicted[0].n_windows}" in one
    assert "network: weight" in predicted._repr_html_()


def test_the_dictionary_of_the_network_is_plain(predicted):
    found = predicted.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["0"]["method"] == "network"
    assert found["0"]["bravais_weights"] == predicted[0].bravais_weights
    assert "plane_group" not in found["0"]


def test_a_data_frame_has_the_weights_of_the_network(predicted):
    pytest.importorskip("pandas")
    frame = predicted.to_dataframe()
    weights = predicted[1].bravais_weights
    assert frame.loc["1", "weight hexagonal"] == weights["hexagonal"]
    assert frame.loc["1", "spread none"] == predicted[1].bravais_spreads["none"]


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.filterwarnings("ignore:The NestedDirectoryStore")
def test_files_keep_the_table_of_the_network(halves, predicted, tmp_path, extension):
    _, labels = halves
    labels.save(tmp_path / f"labels.{extension}")
    found = hs.load(tmp_path / f"labels.{extension}").symmetry
    assert repr(found) == repr(predicted)
    assert found.to_dict() == predicted.to_dict()


def test_plots_of_the_network_have_its_weights(predicted):
    axes = predicted.plot()
    assert axes.shape == (2, 3)
    bars = axes[0, 2].patches
    widths = [bar.get_width() for bar in bars]
    assert widths == pytest.approx(list(predicted[0].bravais_weights.values()))


def test_the_network_says_why_there_is_no_name():
    flat = hs.signals.Signal2D(np.ones((80, 90)))
    table = flat.get_symmetry(method="network", show_progressbar=False)
    assert "no contrast" in repr(table)
    assert table.to_dict()["crystal"]["reason"] == "no contrast"
    assert table.plot().shape == (1, 3)


@pytest.mark.parametrize("method", ["Network", "", None, 1, ["network"]])
def test_methods_are_two(crystal, method):
    with pytest.raises(ValueError, match=r"method must be one of \('evidence', 'netw"):
        crystal.get_symmetry(method=method)


@pytest.mark.parametrize("option", ["strain", "tolerance"])
def test_what_the_network_does_not_use_is_an_error(crystal, labelled, option):
    signal, labels = labelled
    match = f"{option} must be left as it is with method='network'.* got 0.1"
    with pytest.raises(ValueError, match=match):
        crystal.get_symmetry(method="network", **{option: 0.1})
    with pytest.raises(ValueError, match=match):
        labels.get_symmetry(signal, method="network", **{option: 0.1})


def test_the_network_measures_no_frames(labelled):
    signal, labels = labelled
    with pytest.raises(ValueError, match="per_frame must be left as it is .* got True"):
        labels.get_symmetry(signal, method="network", per_frame=True)


def test_the_network_has_no_misorientation(predicted):
    with pytest.raises(TypeError, match="i must be a pattern with lattice vectors"):
        predicted.misorientation(0, 1)
