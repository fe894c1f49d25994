# SPDX-License-Identifier: GPL-3.0-or-later
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.descriptors import (
    Descriptor,
    GlideReflectionSymmetry,
    JoinedDescriptors,
    PowerSpectrum,
    ReflectionSymmetry,
    RotationSymmetry,
    TranslationSymmetry,
    compute_scores,
)
from hyperspy_symseg.frames import Grid


@pytest.fixture
def signal(two_grains):
    return two_grains[0].deepcopy()


def test_descriptors_are_the_scores(signal, small):
    found = signal.get_symmetry_descriptors("translation", **small)
    descriptor = TranslationSymmetry(patch=7, window=8, max_operations=81)
    scores = compute_scores(descriptor, signal.data, Grid.over((61, 83), 3))
    np.testing.assert_array_equal(found.data, scores.reshape(21, 28, 9, 9))


def test_descriptors_navigate_over_pixels_and_show_shifts(signal, small):
    found = signal.get_symmetry_descriptors("translation", **small)
    x, y = found.axes_manager.navigation_axes
    dx, dy = found.axes_manager.signal_axes
    grid = Grid.over((61, 83), 3)
    np.testing.assert_allclose(y.axis, 0.02 * grid.rows)
    np.testing.assert_allclose(x.axis, 0.02 * grid.columns)
    np.testing.assert_allclose(dy.axis, 0.02 * np.arange(-8, 9, 2), atol=1e-12)
    assert (dx.name, dx.units, dy.name) == ("dx", "nm", "dy")


def test_descriptors_of_a_window_narrower_than_the_step(signal):
    found = signal.get_symmetry_descriptors(patch=3, window=(2, 40), max_operations=9)
    assert found.axes_manager.signal_shape == (9, 1)


def test_descriptors_of_axes_without_names(two_grains, small):
    bare = hs.signals.Signal2D(two_grains[0].data).get_symmetry_descriptors(**small)
    assert [axis.name for axis in bare.axes_manager.signal_axes] == ["dx", "dy"]


def test_descriptors_of_a_list_of_translations_have_one_axis(signal):
    found = signal.get_symmetry_descriptors(patch=7, translations=[(0, 7), (3, -2)])
    assert type(found) is hs.signals.Signal1D
    assert found.axes_manager.shape == (17, 13, 2)
    operations = found.metadata.Symmetry_descriptors.operations
    np.testing.assert_array_equal(operations, [(0, 7), (3, -2)])


def test_descriptors_of_a_lazy_signal_are_lazy(signal, small, monkeypatch):
    monkeypatch.setattr(Descriptor, "tile_shape", (16, 24))
    lazy = signal.as_lazy().get_symmetry_descriptors(**small)
    assert lazy._lazy
    lazy.compute()
    eager = signal.get_symmetry_descriptors(**small)
    np.testing.assert_allclose(lazy.data, eager.data, atol=1e-6)


def test_large_descriptors_are_lazy(signal, small):
    large = hs.signals.Signal2D(np.zeros((1800, 1800), np.uint8))
    # 81 operations: 1.05 GB.
    assert large.get_symmetry_descriptors(**small | {"stride": 1})._lazy
    assert not signal.get_symmetry_descriptors(**small)._lazy
    assert not signal.get_symmetry_descriptors(lazy_output=False, **small)._lazy


def test_plotted_descriptors(signal, small):
    signal.get_symmetry_descriptors(**small).plot()


def axes_of(signal):
    """Names, units and values of the signal axes, in the order of the array."""
    axes = signal.axes_manager.signal_axes[::-1]
    return [(axis.name, axis.units, axis.axis.round(9).tolist()) for axis in axes]


def test_rotations_are_along_fold_and_maximum(signal):
    found = signal.get_symmetry_descriptors(
        "rotation", radius=5, folds=(2, 6), n_maxima=3, stride=10
    )
    assert type(found) is hs.signals.Signal2D
    assert axes_of(found) == [("Fold", "", [2, 6]), ("Maximum", "", [1, 2, 3])]


def test_folds_that_are_not_uniform_keep_their_values(signal, tmp_path):
    found = signal.get_symmetry_descriptors("rotation", radius=5, n_maxima=1, stride=10)
    assert type(found) is hs.signals.Signal1D
    assert axes_of(found) == [("Fold", "", [2, 3, 4, 6])]
    found.plot()
    found.save(tmp_path / "rotations.hspy")
    np.testing.assert_array_equal(hs.load(tmp_path / "rotations.hspy").data, found.data)


def test_single_rotations_are_along_their_angle(signal):
    found = signal.get_symmetry_descriptors(
        "rotation", radius=5, angles=(60, 90, 120), n_maxima=1, stride=10
    )
    assert axes_of(found) == [("Rotation angle", "°", [60, 90, 120])]


def test_reflections_are_along_the_angle_of_the_axis(signal):
    found = signal.get_symmetry_descriptors(
        "reflection", radius=5, n_axes=4, n_maxima=1, stride=10
    )
    assert axes_of(found) == [("Axis angle", "°", [0, 45, 90, 135])]


def test_glide_reflections_are_along_angle_and_glide(signal):
    found = signal.get_symmetry_descriptors(
        "glide_reflection", radius=4, n_axes=2, window=3, stride=10, pooling=3
    )
    angle, glide = axes_of(found)
    assert angle == ("Axis angle", "°", [0, 90])
    assert glide == ("Glide", "nm", [0.02, 0.04, 0.06])


def test_glide_reflections_with_several_maxima_have_three_axes(signal):
    found = signal.get_symmetry_descriptors(
        "glide_reflection", radius=4, n_axes=2, window=3, stride=20, n_maxima=2
    )
    assert [name for name, _, _ in axes_of(found)] == ["Axis angle", "Glide", "Maximum"]


def test_glides_are_lengths_where_an_axis_runs_backwards(signal):
    signal.axes_manager["x"].scale = -0.02
    found = signal.get_symmetry_descriptors(
        "glide_reflection", radius=4, n_axes=2, window=2, stride=20, pooling=3
    )
    assert axes_of(found)[1] == ("Glide", "nm", [0.02, 0.04])


def test_power_is_along_spatial_frequencies(signal):
    found = signal.get_symmetry_descriptors("power_spectrum", window=(2, 1), stride=10)
    (y, y_unit, ky), (x, x_unit, kx) = axes_of(found)
    assert (y, y_unit, x, x_unit) == ("ky", "1/nm", "kx", "1/nm")
    np.testing.assert_allclose(ky, np.arange(-2, 3) / (5 * 0.02))
    np.testing.assert_allclose(kx, np.arange(2) / (3 * 0.02))
    assert found.metadata.Signal.quantity == "Power"


def test_frequencies_of_axes_without_units(two_grains):
    bare = hs.signals.Signal2D(two_grains[0].data)
    found = bare.get_symmetry_descriptors("power_spectrum", window=1, stride=20)
    assert [(name, units) for name, units, _ in axes_of(found)] == [
        ("ky", ""),
        ("kx", ""),
    ]


@pytest.mark.parametrize(
    ("options", "descriptor"),
    [
        (
            {"descriptor": "rotation", "radius": 0.1, "pooling": (0.14, 9)},
            RotationSymmetry(radius=5, pooling=(7, 9)),
        ),
        (
            {"descriptor": "reflection", "radius": 6, "n_axes": 3, "step": 0.04},
            ReflectionSymmetry(radius=6, n_axes=3, step=2),
        ),
        (
            {"descriptor": "glide_reflection", "radius": 3, "window": 0.04},
            GlideReflectionSymmetry(radius=3, window=2),
        ),
        (
            {"descriptor": "power_spectrum", "window": 0.1, "log": False},
            PowerSpectrum(window=5, log=False),
        ),
        (
            {"descriptor": ["translation", "rotation"], "patch": 0.1, "radius": 4},
            JoinedDescriptors([TranslationSymmetry(patch=5), RotationSymmetry(4)]),
        ),
        (
            {"descriptor": [PowerSpectrum(4), "translation"], "patch": 5},
            JoinedDescriptors([PowerSpectrum(4), TranslationSymmetry(patch=5)]),
        ),
        (
            {"descriptor": ["translation", "power_spectrum"], "window": 6},
            JoinedDescriptors([TranslationSymmetry(window=6), PowerSpectrum(6)]),
        ),
        ({"descriptor": ["rotation"], "radius": 5}, RotationSymmetry(radius=5)),
        (
            {"descriptor": "glide_reflection", "glides": [(90, 0.08), (0, 3)]},
            GlideReflectionSymmetry(glides=[(90, 4), (0, 3)]),
        ),
    ],
)
def test_names_and_lengths_are_those_of_a_descriptor(signal, options, descriptor):
    found = signal.get_symmetry_descriptors(**options, stride=20)
    expected = compute_scores(descriptor, signal.data, Grid.over((61, 83), 20))
    np.testing.assert_array_equal(found.data.reshape(expected.shape), expected)


def test_joined_descriptors_are_along_their_list(signal):
    found = signal.get_symmetry_descriptors(
        ["translation", "rotation"], radius=5, n_maxima=1, stride=20
    )
    assert type(found) is hs.signals.Signal1D
    record = found.metadata.Symmetry_descriptors
    assert list(record.descriptor) == ["translation", "rotation"]
    assert record.rotation.radius == 5
    assert record.operations.translation.shape == (81, 2)
    assert record.operations.rotation[:, 0].tolist() == [2, 3, 4, 6]


@pytest.mark.parametrize(
    ("options", "descriptor"),
    [
        (
            {"descriptor": "rotation", "fold": 4, "radius": 5},
            RotationSymmetry(radius=5, folds=(4,), pooling=1),
        ),
        (
            {"descriptor": "rotation", "angle": 60, "radius": 0.1},
            RotationSymmetry(radius=5, angles=(60,), pooling=1),
        ),
        (
            {"descriptor": "reflection", "angle": 36, "radius": 5, "n_angles": 40},
            ReflectionSymmetry(radius=5, angles=(36,), n_angles=40, pooling=1),
        ),
        (
            {"descriptor": "glide_reflection", "angle": 90, "glide": 4, "radius": 5},
            GlideReflectionSymmetry(radius=5, glides=[(90, 4)], pooling=1),
        ),
        (
            {"descriptor": "glide_reflection", "angle": 90, "glide": 0.08, "radius": 5},
            GlideReflectionSymmetry(radius=5, glides=[(90, 4)], pooling=1),
        ),
        (
            {"descriptor": "translation", "translation": (3, -4), "patch": 6},
            TranslationSymmetry(patch=6, translations=[(3, -4)]),
        ),
        (
            {"descriptor": "translation", "translation": (0.06, -0.08), "patch": 6},
            TranslationSymmetry(patch=6, translations=[(3, -4)]),
        ),
    ],
)
def test_map_is_the_score_of_every_pixel(signal, options, descriptor):
    found = signal.get_symmetry_map(**options)
    expected = compute_scores(descriptor, signal.data, Grid.over((61, 83), 1))
    np.testing.assert_array_equal(found.data, expected[..., 0])


def test_map_has_the_axes_and_metadata_of_the_signal(signal):
    found = signal.get_symmetry_map("rotation", fold=4, radius=5)
    assert type(found) is hs.signals.Signal2D
    assert found.axes_manager.as_dictionary() == signal.axes_manager.as_dictionary()
    assert found.metadata.Simulation.dose == signal.metadata.Simulation.dose
    assert found.metadata.Symmetry_map.descriptor == "rotation"
    found.plot()


def test_map_of_a_lazy_signal_is_lazy(signal):
    eager = signal.get_symmetry_map("reflection", angle=90, radius=5)
    lazy = signal.as_lazy().get_symmetry_map("reflection", angle=90, radius=5)
    assert lazy._lazy
    lazy.compute()
    np.testing.assert_allclose(lazy.data, eager.data, atol=1e-6)


def test_masked_pixels_are_left_out_of_a_map(signal):
    mask = np.zeros((61, 83), bool)
    mask[25:35, 35:45] = True
    options = {"descriptor": "rotation", "fold": 2, "radius": 5}
    found = signal.get_symmetry_map(mask=mask, **options).data
    whole = signal.get_symmetry_map(**options).data
    assert np.isnan(found[30, 40])
    assert found[27, 33] != whole[27, 33]
    np.testing.assert_allclose(found[54:], whole[54:], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"descriptor": "power_spectrum"},
            ValueError,
            "^descriptor must be one of .* 'power_spectrum'",
        ),
        (
            {"descriptor": ["rotation"]},
            ValueError,
            r"^descriptor must be .* \['rotation'\]",
        ),
        ({"descriptor": "rotation"}, ValueError, "^fold or angle, .* got no operation"),
        (
            {"descriptor": "rotation", "fold": 2, "angle": 90},
            ValueError,
            "^fold or angle, not both, .* got fold and angle",
        ),
        ({"descriptor": "rotation", "fold": 5}, ValueError, "^fold must be"),
        (
            {"descriptor": "reflection", "fold": 2},
            TypeError,
            "^parameters must be among .*angle, .* 'fold'",
        ),
        (
            {"descriptor": "rotation", "fold": 2, "pooling": 3},
            TypeError,
            "^parameters must be .* 'pooling'",
        ),
        (
            {"descriptor": "glide_reflection", "angle": 0},
            ValueError,
            "^angle and glide must be given .* got angle",
        ),
        (
            {"descriptor": "glide_reflection", "angle": 0, "glide": 0.001},
            ValueError,
            r"^glide must be a length .* 0\.001",
        ),
        (
            {"descriptor": "glide_reflection", "angle": 0, "glide": 0},
            ValueError,
            "^glide must be an int from 1 .* got 0",
        ),
        (
            {"descriptor": "glide_reflection", "angle": 0, "glide": (4, 9)},
            TypeError,
            r"^glide must be an int .* got \(4, 9\)",
        ),
        (
            {"descriptor": "reflection", "angle": 400},
            ValueError,
            "^angle must be from 0 .* got 400",
        ),
        ({"descriptor": "reflection", "angle": 0, "radius": 31}, ValueError, "^radius"),
        (
            {"descriptor": "translation", "translation": 3},
            ValueError,
            "^translation must be a pair .* got 3",
        ),
    ],
)
def test_map_of_what_is_not_allowed(signal, options, error, message):
    with pytest.raises(error, match=message):
        signal.get_symmetry_map(**options)
