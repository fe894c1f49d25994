# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the simulated movie, on frames of 61 rows and 83 columns."""

import math
import pickle

import hyperspy.api as hs
import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.simulate import Lattice, moving_boundary, shrinking_inclusion

SHAPE = (61, 83)
# A boundary along y, in movies where only what a test is about is random.
STEEP = {"angle": 90, "speed": 2, "drift": 0}
SMOOTH = {"dose": None, "ramp": 0, "background": 0}


def movie(n_frames=6, **options):
    return moving_boundary(n_frames, SHAPE, **options)


def frames(n_frames=6, **options):
    return movie(n_frames, **options)[0].data.compute()


def areas(n_frames, **options):
    """Pixels of pattern 0, frame by frame."""
    truth = movie(n_frames, **options)[1].data.compute()
    return (truth == 0).sum(axis=(1, 2))


# Lazy


@pytest.fixture
def drawn(monkeypatch):
    """Indices of the frames drawn."""
    from hyperspy_symseg.simulate import movie

    indices = []
    frame = movie._Movie.frame

    def counted(self, index):
        indices.append(index)
        return frame(self, index)

    monkeypatch.setattr(movie._Movie, "frame", counted)
    return indices


def test_nothing_is_drawn_before_it_is_asked_for(drawn):
    movie()
    assert drawn == []


def test_only_the_frame_asked_for_is_drawn(drawn):
    movie()[0].inav[4].data.compute()
    assert drawn == [4]


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_one_chunk_a_frame(part):
    assert movie()[part].data.chunks == ((1,) * 6, (61,), (83,))


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_a_frame_alone_is_that_of_the_movie(part):
    parts = movie()[part]
    alone = parts.inav[4].data.compute()
    np.testing.assert_array_equal(alone, parts.data.compute()[4])


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_tasks_pickle(part):
    data = movie()[part].data
    restored = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(restored.compute(), data.compute())


def test_a_task_is_small_however_long_the_movie():
    graph = moving_boundary(10_000, speed=0.01)[0].data.__dask_graph__()
    _, task = next(iter(graph.items()))
    assert len(pickle.dumps(task)) < 2000


# Boundary


def test_area_grows_by_the_speed_times_the_length():
    np.testing.assert_array_equal(np.diff(areas(15, **STEEP)), 2 * 61)


def test_boundary_moves_to_the_left_if_the_speed_is_negative():
    np.testing.assert_array_equal(np.diff(areas(15, **STEEP | {"speed": -2})), -2 * 61)


@pytest.mark.parametrize("angle", [70, 80, 100, 115])
def test_area_grows_by_the_speed_times_the_length_of_a_slanted_boundary(angle):
    # To the rounding of each row's pixels.
    found = areas(20, angle=angle, speed=1.3)
    length = 61 / math.sin(math.radians(angle))
    expected = 61 * 83 / 2 + 1.3 * length * (np.arange(20) - 9.5)
    np.testing.assert_allclose(found, expected, atol=8)


def test_boundary_is_straight_and_along_the_angle():
    # From the last pixel of pattern 0 in each row.
    truth = movie(angle=75)[1].data[2].compute()
    edge = (truth == 0).sum(axis=1)
    slope, _ = np.polyfit(np.arange(61), edge, 1)
    assert math.degrees(math.atan2(1, slope)) == pytest.approx(75, abs=0.5)
    assert np.ptp(edge - slope * np.arange(61)) <= 1.1


def test_boundary_reaches_both_edges_at_the_highest_speed():
    found = areas(2, **STEEP | {"speed": 83})
    assert found.tolist() == [0, 61 * 83]


def test_a_boundary_at_rest():
    assert np.ptp(areas(5, **STEEP | {"speed": 0})) == 0


def test_truth_is_where_the_lattices_change():
    # Frames of one grain: the boundary begins at the left edge, and ends at the right.
    left, right = frames(2, **STEEP | SMOOTH | {"speed": 83})[::-1]
    signal, truth = movie(3, **STEEP | SMOOTH | {"speed": 0})
    both, labels = signal.data[1].compute(), truth.data[1].compute()
    edge = np.flatnonzero(labels[0])[0]
    # But for the reach of columns, five standard deviations of two pixels, and jitter.
    np.testing.assert_array_equal(both[:, : edge - 12], left[:, : edge - 12])
    np.testing.assert_array_equal(both[:, edge + 12 :], right[:, edge + 12 :])


def test_only_columns_that_the_boundary_has_passed_change():
    signal, truth = movie(6, **STEEP | SMOOTH | {"speed": 4, "jitter": 0.05})
    first, *_, last = signal.data.compute()
    begin, *_, end = (truth.data.compute()[:, 0] == 0).sum(axis=1)
    changed = np.flatnonzero((first != last).any(axis=0))
    assert begin - 13 <= changed.min() < changed.max() <= end + 13


@pytest.mark.parametrize("inclination", [0, 15])
def test_grains_are_twins(inclination):
    signal, _ = movie(angle=75, inclination=inclination)
    simulation = signal.metadata.Simulation
    left, right = (
        Lattice(vectors, ((0, 0, 1), (0.5, 0.5, 1))) for vectors in simulation.vectors
    )
    np.testing.assert_allclose(left.mirrored(75 + inclination).vectors, right.vectors)
    y, x = np.sum(left.vectors, axis=0)
    assert math.degrees(math.atan2(y, x)) == pytest.approx(75 + inclination)
    np.testing.assert_allclose(
        np.linalg.norm(left.vectors, axis=1), [14, 14 * math.sqrt(2)]
    )


@pytest.mark.parametrize("seed", range(3))
def test_no_column_of_a_coherent_boundary_is_twice_there_or_missing(seed):
    # While the boundary passes a row of columns.
    found = frames(13, **STEEP | SMOOTH | {"speed": 1, "inclination": 0}, seed=seed)
    assert found.max() < 1.01
    cells = found[:, 14:-14, 14:-14].sum(axis=(1, 2)) / (2 * math.pi * 4)
    assert np.ptp(cells) < 0.1 * cells.mean()


# Drift


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("angle", [90, 75])
def test_specimen_is_moved_along_the_boundary(seed, angle):
    options = SMOOTH | {"angle": angle, "speed": 0, "drift": 6, "jitter": 0.05}
    signal, _ = movie(7, seed=seed, **options)
    first, *others = signal.data.compute().astype(float)
    along = np.array([math.sin(math.radians(angle)), math.cos(math.radians(angle))])
    displacements = signal.metadata.Simulation.displacements
    for frame, displacement in zip(others, displacements[1:], strict=True):
        moved = ndimage.shift(first, displacement * along, order=5)
        inner = np.s_[20:-20, 20:-20]
        np.testing.assert_allclose(frame[inner], moved[inner], atol=5e-3)


@pytest.mark.parametrize("n_frames", [2, 7, 200])
def test_drift_is_the_largest_displacement(n_frames):
    displacements = movie(n_frames, speed=0.1)[0].metadata.Simulation.displacements
    assert displacements[0] == 0
    assert np.abs(displacements).max() == pytest.approx(10)


@pytest.mark.parametrize("seed", range(5))
def test_drift_is_smooth(seed):
    signal, _ = movie(200, speed=0, seed=seed)
    steps = np.diff(signal.metadata.Simulation.displacements)
    assert np.abs(steps).max() < 0.7
    assert np.abs(np.diff(steps)).max() < 0.05


def test_seeds_drift_apart():
    first, second = (
        movie(seed=seed)[0].metadata.Simulation.displacements for seed in (0, 1)
    )
    assert not np.allclose(first, second)


def test_truth_does_not_drift():
    still, drifting = (movie(drift=drift)[1].data.compute() for drift in (0, 10))
    np.testing.assert_array_equal(still, drifting)


# Counts


def test_same_seed_same_movie():
    np.testing.assert_array_equal(frames(3, seed=7), frames(3, seed=7))


def test_seeds_differ():
    assert (frames(3, seed=7) != frames(3, seed=8)).any()


def test_noise_of_frames_is_independent():
    # 5063 pixels: the coefficient is known to 0.014.
    still = {"speed": 0, "drift": 0}
    clean = frames(3, dose=None, **still)[0]
    noise = (frames(3, **still) - 3 * clean).reshape(3, -1)
    assert np.abs(np.corrcoef(noise)[np.triu_indices(3, 1)]).max() < 0.06


def test_noise_is_poisson():
    still = {"speed": 0, "drift": 0}
    clean = 3 * frames(1, dose=None, **still)[0].astype(float)
    scatter = (frames(1, **still)[0] - clean) / clean**0.5
    assert (scatter.mean(), scatter.std()) == pytest.approx((0, 1), abs=0.06)


def test_specimen_at_rest_stays_the_same():
    clean = frames(3, dose=None, speed=0, drift=0)
    np.testing.assert_array_equal(clean, clean[[0, 0, 0]])


@pytest.mark.parametrize(("dose", "dtype"), [(3, np.uint16), (None, np.float32)])
def test_dtype(dose, dtype):
    signal, _ = movie(dose=dose)
    assert (signal.data.dtype, signal.data[0].compute().dtype) == (dtype, dtype)


def test_dtype_of_truth():
    _, truth = movie()
    assert (truth.data.dtype, truth.data[0].compute().dtype) == (np.int8, np.int8)


# Signals


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_axes(part):
    options = {"frame_time": 0.4, "pixel_size": 0.02, "units": "Å"}
    manager = movie(6, **options)[part].axes_manager
    axes = manager.navigation_axes + manager.signal_axes
    assert [
        (axis.name, axis.size, axis.scale, axis.offset, axis.units) for axis in axes
    ] == [
        ("time", 6, 0.4, 0, "s"),
        ("x", 83, 0.02, 0, "Å"),
        ("y", 61, 0.02, 0, "Å"),
    ]


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_class(part):
    assert type(movie()[part]) is hs.signals.LazySignal2D


def test_titles():
    titles = [part.metadata.General.title for part in movie()]
    assert titles == ["Simulated movie", "True labels"]


def test_defaults():
    signal, _ = moving_boundary()
    assert signal.data.shape == (200, 512, 512)


def test_integers_of_numpy():
    signal, _ = moving_boundary(np.int64(6), np.array(SHAPE), seed=np.int64(3))
    np.testing.assert_array_equal(signal.data.compute(), frames(seed=3))


def test_one_frame():
    assert frames(1).shape == (1, 61, 83)


def test_parameters():
    found = movie(seed=6, speed=1)[0].metadata.Simulation.as_dictionary()
    arrays = {"vectors", "motifs", "displacements"}
    assert {key: found[key] for key in found.keys() - arrays} == {
        "speed": 1,
        "drift": 10,
        "drift_angle": 80,
        "angle": 80,
        "inclination": 15,
        "frame_time": 0.1,
        "column_width": 2,
        "dose": 3,
        "background": 0.25,
        "ramp": 0.25,
        "jitter": 0.02,
        "seed": 6,
    }


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_survives_saving(tmp_path, suffix):
    signal, _ = movie(3)
    signal.save(tmp_path / f"movie.{suffix}")
    loaded = hs.load(tmp_path / f"movie.{suffix}")
    np.testing.assert_array_equal(loaded.data, signal.data.compute())
    np.testing.assert_equal(
        loaded.metadata.Simulation.as_dictionary(),
        signal.metadata.Simulation.as_dictionary(),
    )


# Errors


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("n_frames", 0),
        ("n_frames", 2.5),
        ("shape", (61, 0)),
        ("shape", (61, 83, 2)),
        ("speed", math.nan),
        ("speed", 15),
        ("speed", -15),
        ("drift", -1),
        ("drift", math.inf),
        ("drift_angle", math.nan),
        ("angle", 0),
        ("angle", 180),
        ("angle", math.nan),
        ("angle", 30),
        ("inclination", math.inf),
        ("spacing", 0),
        ("column_width", 0),
        ("dose", 0),
        ("background", -0.1),
        ("ramp", 1.1),
        ("jitter", -0.1),
        ("frame_time", 0),
        ("pixel_size", 0),
        ("seed", -1),
        ("seed", None),
    ],
)
def test_rejects(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be .* got "):
        moving_boundary(**{"n_frames": 6, "shape": SHAPE, argument: value})


def test_a_series_too_long_for_the_frame_is_rejected():
    # 72 pixels are left by the slant: 0.36 pixels a frame.
    with pytest.raises(
        ValueError, match=r"^speed must be at most 0\.35\d+ pixels .* got 0\.5"
    ):
        moving_boundary(200, SHAPE)


def test_counts_too_high_are_rejected_when_a_frame_is_drawn():
    with pytest.raises(ValueError, match="^dose must be low enough, .* got 1000000"):
        movie(dose=1_000_000)[0].data[0].compute()


# Drift across the boundary


def test_truth_drifts_with_the_specimen():
    still, moved = (
        movie(5, drift=drift, drift_angle=10)[1].data.compute() for drift in (0, 6)
    )
    displacements = movie(5, drift=6, drift_angle=10)[0].metadata.Simulation
    displacements = displacements.displacements
    # Across a boundary at 80 degrees, of a length of 61 / sin(80).
    across = displacements * math.sin(math.radians(70))
    grown = (moved == 0).sum(axis=(1, 2)) - (still == 0).sum(axis=(1, 2))
    length = 61 / math.sin(math.radians(80))
    np.testing.assert_allclose(grown, across * length, atol=8)


def test_columns_drift_along_the_angle():
    given = STEEP | SMOOTH | {"speed": 0, "drift": 4, "drift_angle": 0, "jitter": 0}
    signal, _ = movie(4, **given)
    moves = signal.metadata.Simulation.displacements
    first, *others = signal.data.compute()
    for move, frame in zip(moves[1:], others, strict=True):
        expected = ndimage.shift(first, (0, move))
        inside = np.s_[:, 10:-10]
        np.testing.assert_allclose(frame[inside], expected[inside], atol=0.02)


def test_a_drift_that_takes_the_boundary_out_of_view_is_rejected():
    with pytest.raises(ValueError, match="^speed must be at most "):
        movie(6, **STEEP | {"speed": 16, "drift": 10, "drift_angle": 0})


# A grain that shrinks

ROUND = {"radius": 20, "area_rate": 100, "drift": 5}


def test_area_of_the_grain_falls_by_the_rate():
    _, truth = shrinking_inclusion(8, SHAPE, **ROUND)
    areas = (truth.data == 0).sum(axis=(1, 2)).compute()
    expected = math.pi * 20**2 - 100 * np.arange(8)
    np.testing.assert_allclose(areas, expected, atol=20)


def test_the_grain_drifts_with_its_columns():
    signal, truth = shrinking_inclusion(4, SHAPE, **ROUND, drift_angle=90)
    places = [ndimage.center_of_mass(frame == 0) for frame in truth.data.compute()]
    expected = 30 + signal.metadata.Simulation.displacements
    np.testing.assert_allclose([y for y, _ in places], expected, atol=0.3)
    np.testing.assert_allclose([x for _, x in places], 41, atol=0.3)


def test_crystals_of_the_grain_and_around_it():
    signal, truth = shrinking_inclusion(2, SHAPE, **ROUND, misorientation=12)
    assert signal.data.chunks == truth.data.chunks == ((1, 1), (61,), (83,))
    inside, outside = signal.metadata.Simulation.vectors
    turned = Lattice(outside, ((0, 0, 1),)).rotated(12)
    np.testing.assert_allclose(inside, turned.vectors)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("n_frames", 0),
        ("radius", 0),
        ("radius", 26),
        ("area_rate", 260),
        ("area_rate", -200),
        ("area_rate", math.nan),
        ("drift", -1),
        ("drift_angle", math.inf),
        ("misorientation", math.nan),
        ("seed", -1),
    ],
)
def test_inclusion_rejects(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be .* got "):
        shrinking_inclusion(
            **{"n_frames": 6, "shape": SHAPE} | ROUND | {argument: value}
        )
