# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg.networks.column_network import (
    BEST_WIDTH,
    ColumnScale,
    calibrated,
    find_columns,
    prepare,
)
from hyperspy_symseg.simulate import Amorphous, Lattice
from hyperspy_symseg.simulate.imaging import Imaging


def frame(lattice=None, shape=(120, 150), width=2.0, dose=30.0, seed=0):
    """Frame of counts, and the positions of its columns."""
    rng = np.random.default_rng(seed)
    imaging = Imaging(width, dose, 0.25, 0.0, 0.02)
    lattice = Lattice.hexagonal(6 * width, 20) if lattice is None else lattice
    if isinstance(lattice, Amorphous):
        places = lattice.columns(*imaging.reach(shape), rng)
        weights = np.ones(len(places))
    else:
        sites, jitter, weights = imaging.columns(lattice, shape, (3, 5), rng)
        places = sites + jitter
    counts = imaging.expose(imaging.draw([(places, weights)], shape, 0), rng)
    inside = ((places > -0.5) & (places < np.subtract(shape, 0.5))).all(axis=1)
    return counts, places[inside]


def valid(values):
    return np.ones(values.shape, bool)


def counts_of(found, places, radius, edge=6):
    """Number of columns that were found, that were not, and of false ones."""
    distances, _ = cKDTree(found[:, :2]).query(places)
    missed = distances > radius
    false = cKDTree(places).query(found[:, :2])[0] > radius
    shape = np.max(places, axis=0) + 0.5
    inner = [
        ((each[:, :2] > edge) & (each[:, :2] < shape - edge)).all(axis=1)
        for each in (places, found)
    ]
    return (
        (~missed & inner[0]).sum(),
        (missed & inner[0]).sum(),
        (false & inner[1]).sum(),
    )


@pytest.mark.parametrize("width", [1.2, 2, 3.5, 5, 8])
def test_columns_of_any_width_are_found(width):
    values, places = frame(width=width, shape=(230, 250), dose=100)
    n_found, n_missed, n_false = counts_of(
        find_columns(values, valid(values)), places, 3 * width, edge=3 * width
    )
    assert n_found > 12
    assert n_missed + n_false <= 0.01 * n_found


def test_columns_without_a_lattice_are_found():
    values, places = frame(Amorphous(0.006, 9), dose=10, shape=(200, 220))
    n_found, n_missed, n_false = counts_of(
        find_columns(values, valid(values), "bright"), places, 4.5
    )
    assert n_missed + n_false <= 0.01 * n_found


def test_errors_are_right():
    values, places = frame(Amorphous(0.006, 9), dose=30, shape=(300, 320))
    found = find_columns(values, valid(values), "bright")
    away, which = cKDTree(places).query(found[:, :2])
    off = (found[:, :2] - places[which])[away < 4]
    z = off / found[away < 4, 2:4]
    assert 0.8 < np.sqrt(np.mean(z**2)) < 1.25
    # A single column's limit is 0.114 px.
    assert np.sqrt(np.mean(off**2)) < 0.16


@pytest.mark.parametrize("contrast", ["dark", "auto"])
def test_dark_columns_are_bright_ones_of_the_negative(contrast):
    values, places = frame(shape=(200, 220))
    found = find_columns(-values.astype(float), valid(values), contrast)
    n_found, n_missed, n_false = counts_of(found, places, 5)
    assert n_missed + n_false <= 0.02 * n_found


def test_dark_is_the_negative_to_the_bit():
    values, _ = frame()
    expected = find_columns(values, valid(values), "bright")
    found = find_columns(-values.astype(float), valid(values), "dark")
    np.testing.assert_array_equal(found, expected)


def test_gain_and_offset_do_not_matter():
    values, _ = frame()
    expected = find_columns(values, valid(values))
    found = find_columns(7e-3 * values - 40, valid(values))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_order_is_that_of_y():
    values, _ = frame()
    found = find_columns(values, valid(values))
    assert (np.diff(found[:, 0]) >= 0).all()


def test_probability_leaves_out_what_is_less_likely():
    values, _ = frame(dose=0.7)
    every = find_columns(values, valid(values), probability=0.02)
    likely = find_columns(values, valid(values), probability=0.6)
    assert len(likely) < len(every)
    np.testing.assert_array_equal(likely, every[every[:, 4] >= 0.6])


@pytest.mark.parametrize("width", [2.0, 4.0])
def test_tiles_have_the_columns_of_the_frame(width):
    # Wider than what goes through at once.
    values, _ = frame(width=width, shape=(330, 1300), dose=5)
    scale = prepare(values, valid(values))
    assert scale.binning == round(width / BEST_WIDTH)
    whole = find_columns(values, valid(values), scale=scale)
    start = 401
    first = start - scale.context
    tile = values[:, first:]
    found = find_columns(tile, valid(tile), scale=scale, first=(0, first))
    found[:, 1] += first
    own, expected = (each[each[:, 1] >= start] for each in (found, whole))
    assert len(expected) > 20
    np.testing.assert_allclose(own, expected, atol=1e-4)


def test_nothing_is_found_where_pixels_are_not_valid():
    values, places = frame()
    values = values.astype(float)
    used = valid(values)
    used[30:70, 40:90] = False
    values[~used] = np.nan
    found = find_columns(values, used)
    assert used[tuple(np.rint(found[:, :2]).astype(int).T)].all()
    at = np.rint(places).astype(int)
    away = ((at < 27) | (at > 93)).any(axis=1)
    assert counts_of(found, places[away], 5)[1] <= 1


def test_no_column_in_noise():
    rng = np.random.default_rng(0)
    for mean in (0.25, 1, 5, 40):
        for values in rng.poisson(mean, (2, 130, 140)):
            assert len(find_columns(values, valid(values))) == 0


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (33, 17)])
def test_small_frames(shape):
    values = np.random.default_rng(0).poisson(5, shape)
    assert find_columns(values, valid(values)).shape[1] == 5


def test_nothing_valid_has_no_columns():
    found = find_columns(np.full((40, 50), np.nan), np.zeros((40, 50), bool))
    assert found.shape == (0, 5)


def test_calibration_by_hand():
    found = calibrated(np.array([[1, 2, 0.3, 0.5, 0.5]]), (2, np.log(4)), (2, 2))
    np.testing.assert_allclose(found, [[1, 2, 0.18, 0.5, 0.8]])


def test_sums_above_one_are_sure():
    found = calibrated(np.array([[1, 2, 1, 1, 1.3]]), (1, 0), (1, 1))
    assert 0.99 < found[0, 4] < 1


def test_a_width_that_is_told_is_used():
    values, _ = frame()
    assert prepare(values, valid(values), width=5.0).binning == 3


def test_context_grows_with_the_binning():
    assert ColumnScale(3, 0, 1).context == 3 * ColumnScale(1, 0, 1).context


def test_columns_are_rare_where_there_is_noise_alone():
    values, _ = frame(dose=3)
    scale = prepare(values, valid(values))
    assert not scale.is_empty
    rare = scale._replace(is_empty=True)
    one, other = (
        find_columns(values, valid(values), probability=0, scale=each)[:, 4]
        for each in (scale, rare)
    )
    odds, rare_odds = (np.sort(p / (1 - p)) for p in (one, other))
    np.testing.assert_allclose(rare_odds / odds, 36e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"contrast": "light"}, r"contrast must be one of .*, got 'light'"),
        ({"probability": 1.5}, "probability must be from 0 to 1, got 1.5"),
        ({"valid": np.ones((3, 4), bool)}, r"one shape .*, got \(9, 9\) and \(3, 4\)"),
    ],
)
def test_arguments_are_checked(changed, message):
    arguments = {"values": np.ones((9, 9)), "valid": np.ones((9, 9), bool)}
    with pytest.raises(ValueError, match=message):
        find_columns(**arguments | changed)


def test_widths_are_checked():
    with pytest.raises(ValueError, match="width must be positive"):
        prepare(np.ones((9, 9)), np.ones((9, 9), bool), width=-1)
