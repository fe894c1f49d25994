# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import NetworkSymmetry
from hyperspy_symseg.analysis.network_symmetry import filled, places_of
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.networks.predicted_symmetry import RECORD, PredictedSymmetry
from hyperspy_symseg.networks.symmetry_network import SymmetryNetwork

SHAPE = 180, 330
SQUARE = simulate.Lattice.square(12, orientation=3)
HEXAGONAL = simulate.Lattice.hexagonal(13)
TRUTH = np.zeros(SHAPE, np.int8)
TRUTH[:, 160:] = 1
SIGNAL, _ = simulate.micrograph([SQUARE, HEXAGONAL], boundary=TRUTH, dose=5, seed=1)


def rows(analysis, *given):
    return [PredictedSymmetry(record) for record in run(analysis, *given)]


def test_each_pattern_is_told_from_its_own_pixels():
    found = rows(NetworkSymmetry(2), SIGNAL.data, TRUTH)
    assert [row.bravais for row in found] == ["square", "hexagonal"]
    assert all(row.n_windows > 1 and row.reason == "" for row in found)
    changed = np.where(TRUTH == 0, SIGNAL.data, 0)
    [same, other] = rows(NetworkSymmetry(2), changed, TRUTH)
    assert same.bravais_weights == found[0].bravais_weights
    assert (other.bravais, other.reason) == ("none", "no contrast")


@pytest.mark.parametrize("n_threads", [1, 3])
def test_threads_do_not_matter(n_threads):
    frames = np.stack([SIGNAL.data, SIGNAL.data[::-1]])
    expected = [NetworkSymmetry(2)._sums(SIGNAL.data, k == TRUTH) for k in range(2)]
    with workers(n_threads):
        found = run(NetworkSymmetry(2), frames, np.stack([TRUTH, TRUTH]))
        [one, other] = run(NetworkSymmetry(2), SIGNAL.data, TRUTH)
    assert found["n_windows"].tolist() == [2 * each[0] for each in expected]
    again = NetworkSymmetry(2).finish(np.stack(expected))
    np.testing.assert_array_equal([one["weights"], other["weights"]], again["weights"])


def test_weights_are_means_over_windows():
    frame = SIGNAL.data[:, :160]
    [row] = rows(NetworkSymmetry(), frame)
    # Of 9.6 periods of 12 pixels.
    n = round(row.window_length)
    assert n == pytest.approx(12 * 128 / np.sqrt(9 * 20), abs=1)
    network, seen = SymmetryNetwork.trained(), []
    for y, x in places_of(np.ones(frame.shape, bool), (n, n)):
        cut = frame[y : y + n, x : x + n]
        seen.append(network.weigh(cut, (y, x)))
    assert len(seen) == row.n_windows > 1
    weights, spreads = np.moveaxis(seen, 1, 0)
    expected = weights.mean(axis=0)
    np.testing.assert_allclose(list(row.bravais_weights.values()), expected)
    # That of the windows, and that of the passes in each.
    expected = np.sqrt(weights.var(axis=0) + (spreads**2).mean(axis=0))
    np.testing.assert_allclose(list(row.bravais_spreads.values()), expected, atol=1e-6)


@pytest.mark.parametrize("spacing", [5.5, 9, 20, 30])
def test_windows_are_as_long_as_the_period_asks_for(spacing):
    lattice = simulate.Lattice.square(spacing, orientation=20)
    width = 1.0 if spacing < 9 else 2.0
    frame = simulate.micrograph(lattice, (300, 310), column_width=width, seed=3)[0].data
    [row] = rows(NetworkSymmetry(), frame)
    expected = max(64, spacing * 128 / np.sqrt(9 * 20))
    assert row.window_length == pytest.approx(expected, rel=0.02)
    assert row.bravais == "square"


def test_long_cells_are_told_from_their_subcells():
    lattice = simulate.Lattice.rectangular(9, 20, orientation=20)
    frame = simulate.micrograph(lattice, (300, 310), seed=3)[0].data
    [row] = rows(NetworkSymmetry(), frame)
    assert row.bravais == "rectangular"


def test_small_patterns_have_smaller_windows():
    lattice = simulate.Lattice.square(18)
    frame = simulate.micrograph(lattice, (130, 200), seed=3)[0].data
    [row] = rows(NetworkSymmetry(), frame)
    assert 6.4 * 18 - 1 <= row.window_length <= 130
    assert row.bravais == "square"


def test_no_window_fits_into_a_narrow_pattern():
    labels = np.zeros(SHAPE, int)
    labels[:, 50:85] = 1
    *_, row = rows(NetworkSymmetry(2), SIGNAL.data, labels)
    assert (row.bravais, row.n_windows) == ("none", 0)
    assert row.reason == "no window of 6.4 periods and 64 pixels fits"
    assert np.isnan(list(row.bravais_weights.values())).all()


def test_periods_that_are_too_short_have_no_name():
    lattice = simulate.Lattice.square(4)
    frame = simulate.micrograph(lattice, (150, 160), column_width=0.7, seed=3)[0].data
    [row] = rows(NetworkSymmetry(), frame)
    assert (row.bravais, row.reason) == ("none", "period below 4.5 pixels")


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_lattice(seed):
    noise = np.random.default_rng(seed).poisson(3, (200, 210))
    [row] = rows(NetworkSymmetry(), noise)
    assert (row.bravais, row.reason, row.window_length) == ("none", "no lattice", 128)


def test_pixels_of_unequal_size_are_respected():
    # Columns are apart by 10 pixels along x, and by 16 shorter ones along y.
    lattice = simulate.Lattice(((0, 10), (16, 0)))
    frame = simulate.micrograph(lattice, (350, 230), seed=0)[0].data
    [row] = rows(NetworkSymmetry(None, (0.625, 1.0)), frame)
    assert row.bravais == "square"
    assert row.window_length == pytest.approx(10 * 128 / np.sqrt(180), rel=0.02)
    [row] = rows(NetworkSymmetry(), frame)
    assert row.bravais == "rectangular"


def test_all_frames_of_a_series_count():
    frames = np.stack([SIGNAL.data[:, :160]] * 3)
    [one] = rows(NetworkSymmetry(), frames[0])
    [all_of_them] = rows(NetworkSymmetry(), frames)
    assert all_of_them.n_windows == 3 * one.n_windows
    assert all_of_them.record.dtype == RECORD


def test_places_are_mostly_in_the_pattern_and_apart():
    own = np.zeros((200, 240), bool)
    own[20:180, 40:] = True
    places = places_of(own, (80, 60))
    assert len(places) >= 6
    for y, x in places:
        taper = np.outer(np.hanning(82)[1:-1], np.hanning(62)[1:-1])
        share = (taper * own[y : y + 80, x : x + 60]).sum() / taper.sum()
        assert share >= 0.9 - 1e-3
    pairs = [
        np.abs(np.subtract(a, b)) for i, a in enumerate(places) for b in places[:i]
    ]
    assert all((apart >= (39, 29)).any() for apart in pairs)


def test_a_large_pattern_has_no_more_windows():
    assert len(places_of(np.ones((2000, 1000), bool), (70, 70))) == 64


def test_pixels_of_others_get_the_mean():
    own = np.array([[True, True], [False, True]])
    values = np.array([[1.0, 2], [np.nan, 6]])
    np.testing.assert_array_equal(filled(values, own), [[1, 2], [3, 6]])


@pytest.mark.parametrize("labels", [TRUTH + 1, TRUTH / 2])
def test_other_labels_are_an_error(labels):
    with pytest.raises(ValueError, match="labels must be ints from -1 to 1"):
        run(NetworkSymmetry(2), SIGNAL.data, labels)
